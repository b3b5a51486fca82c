"""What an order should have led to: the questions of DESIGN §5, asked again in their order.

Laws: each refusal is true by the auditor's own books, and the first true one is the reason; where a
grant covers an order nobody is asked (3); limits bind every confirmation (4), ceilings of a call
with them (7); what an owner before this one ordered is not charged (1).
"""

from collections.abc import Sequence

from streams.audit.ledger import Case
from streams.audit.people import DAILY, VOICE, Day, Prompt, Trial
from streams.audit.records import Order, Policy, Rule
from streams.audit.segments import count
from streams.audit.standing import day_of
from streams.audit.texts import first_yes, language_of, prompt_text, template_of
from streams.topics import VERDICTS

LIMITS = frozenset({"DECLINED_TODAY", "CALL_LIMIT", "SPEND_LIMIT", "WAITING_LIMIT", "PROMPT_LIMIT"})
_TRIED = ("APPROVED_WOULD_ASK", "APPROVED_WOULD_COVER", "APPROVED_WOULD_REFUSE")


def judge(case: Case, order: Order) -> None:
    """Hold the decision on an order that was taken against what it should have been."""
    policy = case.policy
    rule = None
    if policy is not None:
        rule = case.books.standing.first_rule(
            policy, order, case.decision.event_at, case.decision.reference
        )
        case.ledger.rules[order.msisdn, order.order_id] = rule
    expected = _expected(case, policy, rule, order)
    said = case.decision.reason
    if said not in expected:
        _differs(case, expected[0], said)
    if policy is not None and rule is not None:
        _write_down(case, policy, rule, order)


def _differs(case: Case, expected: str, said: str) -> None:
    sentence = f"it says {said}, and the rules in their order say {expected}"
    answered = any(effect.topic == VERDICTS for effect in case.decision.effects)
    if expected == "APPROVED_GRANTED" and not answered:
        case.ledger.needless.append(case.decision)
    elif expected == "NUMBER_RELEASED":
        case.note(1, "it was ordered by who had the number before, and was not refused for that")
    elif "CALL_LIMIT" in (expected, said):
        case.note(7, sentence)
    elif LIMITS & {expected, said}:
        case.note(4, sentence)
    else:
        case.note(8, sentence)


def _expected(
    case: Case, policy: Policy | None, rule: Rule | None, order: Order
) -> tuple[str, ...]:
    """The reasons that would be right, the likeliest first."""
    if policy is None:
        return ("NO_POLICY",)
    today = day_of(policy.time_zone, case.decision.event_at)
    day = day_of(policy.time_zone, order.ordered_at)
    if today - day > policy.horizon_days:
        return ("STALE",)
    released_at = case.person.released_at
    if released_at is not None and order.ordered_at < released_at:
        return ("NUMBER_RELEASED",)
    objection = standing_objection(case, order.provider_id, order.service_id)
    objection = objection or _unfitting(case, order)
    if objection is not None:
        return (objection,)
    if rule is None:
        return ("NO_RULE",)
    if rule.confirmation == "REFUSE":
        return ("REFUSED_BY_POLICY",)
    return _by_limits(case, policy, rule, order, case.person.days[day])


def standing_objection(case: Case, provider_id: str, service_id: str) -> str | None:
    """Why a provider may not sell a service now."""
    standing, positions = case.books.standing, case.decision.reference
    service = standing.service(service_id, positions)
    provider = standing.provider(provider_id, positions)
    if service is None:
        return "SERVICE_UNKNOWN"
    if service.status != "ON_SALE":
        return "SERVICE_NOT_ON_SALE"
    if service.provider_id != provider_id:
        return "PROVIDER_MISMATCH"
    if provider is None:
        return "PROVIDER_UNKNOWN"
    return None if provider.status == "ACTIVE" else "PROVIDER_NOT_ACTIVE"


def _unfitting(case: Case, order: Order) -> str | None:
    service = case.books.standing.service(order.service_id, case.decision.reference)
    assert service is not None, "it has been found before"
    if order.channel != service.line:
        return "LINE_MISMATCH"
    if (order.price_minor, order.currency) != (service.price_minor, service.currency):
        return "PRICE_MISMATCH"
    return "CALL_MISSING" if service.line == VOICE and not order.call_id else None


def _by_limits(case: Case, policy: Policy, rule: Rule, order: Order, day: Day) -> tuple[str, ...]:
    """What limits leave of a valid order."""
    service = day.services.get(order.service_id)
    grant = service.grant if service and rule.confirmation == DAILY else None
    granted = grant is not None and grant.covers(order)
    if not granted and policy.refuse_after_no and service is not None and service.declined:
        return ("DECLINED_TODAY",)
    by_call = _by_call(case, rule, order)
    if by_call is True:
        return ("CALL_LIMIT",)
    left = _by_money(case, policy, rule, order, day, granted=granted)
    return left if by_call is False else (*left, "CALL_LIMIT")


def _by_call(case: Case, rule: Rule, order: Order) -> bool | None:
    """Whether an order's call has reached its ceiling; None: only by days that may be forgotten."""
    if order.channel != VOICE:
        return False
    if over_call(rule, case.person.call(order.call_id, case.oldest), order.price_minor):
        return True
    ever = over_call(rule, case.person.call(order.call_id), order.price_minor)
    return None if ever else False


def _by_money(
    case: Case, policy: Policy, rule: Rule, order: Order, day: Day, *, granted: bool
) -> tuple[str, ...]:
    """What the day's spending leaves, and then the confirmation in force."""
    if over_spend(policy, day, order.currency, order.price_minor):
        return ("SPEND_LIMIT",)
    if rule.confirmation == "OFF":
        return ("APPROVED_NOT_ASKED",)
    if rule.confirmation == "SHADOW":
        return _tried(case, policy, rule, order, day)
    if granted:
        return ("APPROVED_GRANTED",)
    for prompt in case.person.open:
        if _asks_the_same(case, prompt, order, rule):
            full = len(prompt.waiting) >= policy.waiting_orders_max
            return ("WAITING_LIMIT",) if full else ("WAITING",)
    return _asked(case, policy, rule, order, day)


def over_call(rule: Rule, so_far: Sequence[int], price_minor: int) -> bool:
    """Whether one more charge goes over what one call may bring."""
    return (rule.call_count_max > 0 and len(so_far) >= rule.call_count_max) or (
        rule.call_amount_max_minor > 0 and sum(so_far) + price_minor > rule.call_amount_max_minor
    )


def spend_limit(policy: Policy, currency: str) -> int | None:
    """What may be spent on a day in a currency; None without a limit."""
    return next((most for name, most in policy.spend_limits if name == currency), None)


def over_spend(policy: Policy, day: Day, currency: str, price_minor: int) -> bool:
    """Whether one more charge goes over what the subscriber may spend on the day."""
    limit = spend_limit(policy, currency)
    return limit is not None and day.spent.get(currency, 0) + price_minor > limit


def _asks_the_same(case: Case, prompt: Prompt, order: Order, rule: Rule) -> bool:
    """Whether a yes to an open prompt would be one to this order, too."""
    asked = prompt.order
    call = order.call_id if order.channel == VOICE else None
    return (
        asked is not None
        and prompt.rule is not None
        and prompt.day == case.ledger.day(order)
        and asked.service_id == order.service_id
        and case.decision.event_at < prompt.message.expires_at
        and prompt.rule.confirmation == rule.confirmation
        and prompt.message.call_id == call
        and asked.channel == order.channel
        and asked.provider_id == order.provider_id
        and (asked.price_minor, asked.currency) == (order.price_minor, order.currency)
    )


def _asked(case: Case, policy: Policy, rule: Rule, order: Order, day: Day) -> tuple[str, ...]:
    refusals = []
    if not askable(case, policy, rule, order):
        refusals.append("UNASKABLE")
    if day.prompts >= policy.prompts_per_day_max:
        refusals.append("PROMPT_LIMIT")
    return tuple(refusals) or ("PROMPTED",)


def among_others(case: Case) -> bool:
    """Whether a text prompt sent now would be one of several that can be answered."""
    return any(prompt.alive(case.decision.event_at) for prompt in case.person.texts())


def askable(case: Case, policy: Policy, rule: Rule, order: Order) -> bool:
    """Whether there are words that ask about an order in one segment."""
    channel = VOICE if order.channel == VOICE else "SMS"
    language = language_of(policy, order.province)
    template = template_of(policy, "PROMPT", channel, language)
    if template is None:
        return False
    if channel == VOICE:
        return True
    standing, positions = case.books.standing, case.decision.reference
    provider = standing.provider(order.provider_id, positions)
    service = standing.service(order.service_id, positions)
    if provider is None or service is None:
        return False
    coded = rule.code_required or among_others(case)
    text = prompt_text(
        template,
        language,
        provider,
        service,
        order.price_minor,
        order.currency,
        rule.prompt_life_ms,
        "000" if coded else first_yes(policy, by_voice=False),
    )
    return count(text)[1] == 1


def _tried(case: Case, policy: Policy, rule: Rule, order: Order, day: Day) -> tuple[str, ...]:
    """What SHADOW would have done, had every prompt been answered with a yes."""
    service = day.services.get(order.service_id)
    trial = service.trial if service and shadowed(rule, order) == DAILY else None
    if trial is not None and trial.covers(order):
        return ("APPROVED_WOULD_COVER",)
    full = day.prompts + day.trial_prompts >= policy.prompts_per_day_max
    if full or not askable(case, policy, rule, order):
        return ("APPROVED_WOULD_REFUSE",)
    return ("APPROVED_WOULD_ASK",)


def shadowed(rule: Rule, order: Order) -> str:
    """The confirmation that SHADOW tries out."""
    return rule.shadow_of or ("EVERY_ORDER" if order.channel == VOICE else DAILY)


def _write_down(case: Case, policy: Policy, rule: Rule, order: Order) -> None:
    """What the decision did that none of its effects tells."""
    reason = case.decision.reason
    prompt = case.ledger.prompts.get(case.decision.prompt_id or "")
    if reason == "WAITING" and prompt is not None:
        prompt.waiting.append(order)
    if reason not in _TRIED:
        return
    day = case.person.days[day_of(policy.time_zone, order.ordered_at)]
    service = day.service(order.service_id)
    if reason == "APPROVED_WOULD_ASK":
        day.trial_prompts += 1
        if shadowed(rule, order) == DAILY:
            service.trial = Trial(
                order.price_minor,
                order.currency,
                rule.grant_count_max - 1,
                rule.grant_amount_max_minor - order.price_minor,
            )
    elif reason == "APPROVED_WOULD_COVER" and service.trial is not None:
        service.trial.use()
