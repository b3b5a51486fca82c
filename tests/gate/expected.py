"""What the rule book says of an event, worked out from the books: the reason a decision must give.

The rules are written here a second time, question by question in the order of DESIGN §5, over pages
that are kept from what came in and went out; the gate's rows are not looked at.
"""

from streams.gate.catalogue import Catalogue
from streams.gate.events import CareAction, Order, Reply, Settlement
from streams.gate.reference import Policy, Rule
from streams.gate.words import (
    CareKind,
    Channel,
    Confirmation,
    ProviderStatus,
    Reason,
    ServiceStatus,
    SettlementOutcome,
)
from tests.gate.examples import DAY, HORIZON_DAYS, HOUR, SENDER
from tests.gate.person import Account, Asked, Covered, Opened, Person, ServiceDay
from tests.gate.reading import Said, read

SHANGHAI = 8 * HOUR  # no summer time since 1991
NAME_MAX = 30  # a service of a longer name cannot be asked about in one segment

NOTHING_SAID = frozenset((Reason.NOT_ANSWERING, Reason.UNCLEAR, Reason.AMBIGUOUS, Reason.TOO_LATE))
CONFIRMED = frozenset(
    (
        Reason.APPROVED_CONFIRMED,
        Reason.GRANT_EXHAUSTED,
        Reason.CALL_LIMIT,
        Reason.SPEND_LIMIT,
    )
)
CHARGED, FAILED = SettlementOutcome.CHARGED, SettlementOutcome.FAILED
REFUNDED, UNDER_WAY = SettlementOutcome.REFUNDED, SettlementOutcome.UNKNOWN


def day_of(instant: int) -> int:
    """The day on a Shanghai calendar."""
    return (instant + SHANGHAI) // DAY


def matching_rule(order: Order, at: int, policy: Policy) -> Rule | None:
    """The first rule for the order; the walks' rules ask for lines, provinces and time only."""
    return next(
        (
            rule
            for rule in policy.rules
            if (not rule.lines or order.channel in rule.lines)
            and (not rule.provinces or order.province in rule.provinces)
            and (rule.from_at is None or at >= rule.from_at)
            and (rule.until_at is None or at < rule.until_at)
        ),
        None,
    )


def standing(provider_id: str, service_id: str, reference: Catalogue) -> Reason | None:
    """Why a provider may not sell a service now."""
    service = reference.services.get(service_id)
    if service is None:
        return Reason.SERVICE_UNKNOWN
    if service.status is not ServiceStatus.ON_SALE:
        return Reason.SERVICE_NOT_ON_SALE
    if service.provider_id != provider_id:
        return Reason.PROVIDER_MISMATCH
    provider = reference.providers.get(provider_id)
    if provider is None:
        return Reason.PROVIDER_UNKNOWN
    return None if provider.status is ProviderStatus.ACTIVE else Reason.PROVIDER_NOT_ACTIVE


def _objection(order: Order, reference: Catalogue) -> Reason | None:
    if reason := standing(order.provider_id, order.service_id, reference):
        return reason
    service = reference.services[order.service_id]
    if order.channel is not service.line:
        return Reason.LINE_MISMATCH
    if (order.price_minor, order.currency) != (service.price_minor, service.currency):
        return Reason.PRICE_MISMATCH
    voice = order.channel is Channel.IVR
    return Reason.CALL_MISSING if voice and not order.call_id else None


def over_spend(page: Person, order: Order, policy: Policy) -> bool:
    """Whether a charge would take the order's day over the limit."""
    after = page.spent_minor(day_of(order.ordered_at), order.currency) + order.price_minor
    limits = {each.currency: each.per_day_max_minor for each in policy.spend_limits}
    return order.currency in limits and after > limits[order.currency]


def over_call(page: Person, order: Order, rule: Rule) -> bool:
    """Whether a charge would take the order's call over its ceiling."""
    if order.channel is not Channel.IVR or order.call_id is None:
        return False
    charged = page.in_call(order.call_id)
    amount = sum(each.charge.price_minor for each in charged) + order.price_minor
    return (0 < rule.call_count_max < len(charged) + 1) or (0 < rule.call_amount_max_minor < amount)


def unaskable(order: Order, reference: Catalogue) -> bool:
    """Whether the service's name leaves no room in one segment; a voice prompt has no length."""
    name = reference.services[order.service_id].name
    return order.channel is not Channel.IVR and len(name.zh) > NAME_MAX


def order_reason(
    order: Order, at: int, page: Person, policy: Policy | None, reference: Catalogue
) -> Reason:
    """The reason that the decision on a readable, new order must give."""
    day = day_of(order.ordered_at)
    if policy is None:
        return Reason.NO_POLICY
    if day_of(at) - day > policy.horizon_days:
        return Reason.STALE
    if page.released_at is not None and order.ordered_at < page.released_at:
        return Reason.NUMBER_RELEASED
    if objection := _objection(order, reference):
        return objection
    rule = matching_rule(order, at, policy)
    if rule is None:
        return Reason.NO_RULE
    if rule.confirmation is Confirmation.REFUSE:
        return Reason.REFUSED_BY_POLICY
    grant = page.grants.get((day, order.service_id))
    covered = rule.confirmation is Confirmation.FIRST_OF_DAY and _covers(grant, order)
    if not covered and policy.refuse_after_no and (day, order.service_id) in page.declined:
        return Reason.DECLINED_TODAY
    if over_call(page, order, rule):
        return Reason.CALL_LIMIT
    if over_spend(page, order, policy):
        return Reason.SPEND_LIMIT
    if covered:
        return Reason.APPROVED_GRANTED
    if rule.confirmation is Confirmation.OFF:
        return Reason.APPROVED_NOT_ASKED
    if rule.confirmation is Confirmation.SHADOW:
        return _tried(order, day, rule, page, policy, reference)
    if asked := page.asked(order, day, rule.confirmation, at):
        full = len(asked.waiting) >= policy.waiting_orders_max
        return Reason.WAITING_LIMIT if full else Reason.WAITING
    if unaskable(order, reference):
        return Reason.UNASKABLE
    if page.prompts[day] >= policy.prompts_per_day_max:
        return Reason.PROMPT_LIMIT
    return Reason.PROMPTED


def _tried(
    order: Order, day: int, rule: Rule, page: Person, policy: Policy, reference: Catalogue
) -> Reason:
    """What SHADOW says would have happened, had the subscriber said yes to every prompt."""
    shadow = page.shadows.get((day, order.service_id))
    if tried_out(rule, order) is Confirmation.FIRST_OF_DAY and _covers(shadow, order):
        return Reason.APPROVED_WOULD_COVER
    prompts = page.prompts[day] + page.shadow_prompts[day]
    if unaskable(order, reference) or prompts >= policy.prompts_per_day_max:
        return Reason.APPROVED_WOULD_REFUSE
    return Reason.APPROVED_WOULD_ASK


def tried_out(rule: Rule, order: Order) -> Confirmation:
    """The confirmation that a SHADOW rule tries out on an order."""
    voice = order.channel is Channel.IVR
    return rule.shadow_of or (Confirmation.EVERY_ORDER if voice else Confirmation.FIRST_OF_DAY)


def _covers(grant: Covered | None, order: Order) -> bool:
    return grant is not None and grant.covers(order.price_minor, order.currency)


def target(reply: Reply, page: Person) -> tuple[Asked, bool] | None:
    """The prompt that a reply answers clearly, and whether it is a yes; None when there is none."""
    if reply.channel is Channel.IVR:
        return _voice_target(reply, page)
    if reply.to != SENDER:
        return None
    said, alive = read(reply.text), page.texts_alive(reply.received_at)
    if said.meaning not in ("YES", "NO"):
        return None
    if said.number:
        named = [each for each in alive if each.message.reply_code == said.number]
    else:
        named = alive if not any(each.rule.code_required for each in alive) else []
    return (named[0], said.meaning == "YES") if len(named) == 1 else None


def _voice_target(reply: Reply, page: Person) -> tuple[Asked, bool] | None:
    alive = [each for each in _in_call(reply, page) if each.alive(reply.received_at)]
    if len(alive) != 1:
        return None
    (only,) = alive
    if only.rule.code_required:
        return (only, reply.text == only.message.reply_code) if reply.text else None
    return (only, reply.text == "1") if reply.text in ("1", "2") else None


def _in_call(reply: Reply, page: Person) -> list[Asked]:
    """The open prompts of the call that a key was pressed in."""
    return [
        each
        for each in page.open.values()
        if each.voice and reply.call_id is not None and each.order.call_id == reply.call_id
    ]


def reply_reasons(
    reply: Reply, at: int, page: Person, policy: Policy | None, reference: Catalogue
) -> frozenset[Reason]:
    """The reasons of which the decision on a new reply must give one."""
    if policy is None:
        return frozenset((Reason.NOT_ANSWERING,))
    text = reply.channel is not Channel.IVR and reply.to == SENDER
    said = read(reply.text) if text else Said("")
    match said.meaning:
        case "LIST":
            return frozenset((Reason.LISTED,))
        case "UNDO":
            return frozenset((_undo(reply, page, policy),))
        case "CANCEL":
            service_id = listed(said, reply.received_at, page) if said.number else None
            if said.number and service_id is None:
                return frozenset((Reason.NOTHING_TO_CANCEL,))
            closing = known_days(page, service_id)
            if any(day_of(at) - day <= policy.horizon_days for day, _ in closing):
                return frozenset((Reason.CANCELLED,))
            # What is older than the horizon is forgotten sooner or later, and covers nothing.
            forgotten = {Reason.CANCELLED} if closing else set()
            return frozenset((Reason.NOTHING_TO_CANCEL, *forgotten))
    answered = target(reply, page)
    if answered is None:
        return frozenset((_nothing_said(reply, page),))
    asked, yes = answered
    if not yes:
        return frozenset((Reason.DECLINED,))
    if objection := standing(asked.order.provider_id, asked.order.service_id, reference):
        return frozenset((objection,))
    return CONFIRMED


def _nothing_said(reply: Reply, page: Person) -> Reason:
    """Why a reply that answers no one prompt does not."""
    if reply.channel is Channel.IVR:
        asked = _in_call(reply, page)
        alive = [each for each in asked if each.alive(reply.received_at)]
        by_digit = len(alive) == 1 and alive[0].rule.code_required
        clear = reply.text in ("1", "2") and not by_digit
    elif reply.to != SENDER:
        return Reason.NOT_ANSWERING
    else:
        said = read(reply.text)
        asked = [each for each in page.open.values() if not each.voice]
        if said.number:
            asked = [each for each in asked if each.message.reply_code == said.number]
        clear = bool(said.meaning) and not (said.number and not asked)
    if not clear:
        return Reason.UNCLEAR
    if any(each.alive(reply.received_at) for each in asked):
        return Reason.AMBIGUOUS
    return Reason.TOO_LATE if asked else Reason.NOT_ANSWERING


def listed(said: Said, received_at: int, page: Person) -> str | None:
    """The service that a cancellation names by its number in the day's list."""
    services = page.listed.get(day_of(received_at), [])
    place = int(said.number) - 1
    return services[place] if 0 <= place < len(services) else None


def known_days(page: Person, service_id: str | None) -> set[ServiceDay]:
    """Where something is granted or asked, of one service or of all."""
    asked = {(each.day, each.order.service_id) for each in page.open.values()}
    known = asked | page.grants.keys()
    return {place for place in known if service_id in (None, place[1])}


def _undo(reply: Reply, page: Person, policy: Policy) -> Reason:
    last = page.last_charge
    in_time = last is not None and reply.received_at < last.charge.approved_at + policy.undo_ms
    return Reason.UNDONE if last and in_time and last.left_minor > 0 else Reason.NOTHING_TO_UNDO


def settlement_reason(settlement: Settlement, account: Account | None) -> Reason:
    """The reason that the decision on a readable, new settlement must give."""
    if account is None or settlement.currency != account.charge.currency:
        return Reason.DEAD_LETTER
    price_minor, amount_minor = account.charge.price_minor, settlement.amount_minor
    outcome, refund_id = settlement.outcome, settlement.refund_id
    if refund_id is not None:
        requested, state = account.refunds.get(refund_id, (0, FAILED))
        if state is not UNDER_WAY or amount_minor > requested:
            return Reason.DEAD_LETTER
        if outcome is REFUNDED and not account.failed:
            return Reason.REFUNDED
        return Reason.REFUND_FAILED if outcome is FAILED else Reason.DEAD_LETTER
    if outcome is REFUNDED and not account.failed and amount_minor <= account.left_minor:
        return Reason.REFUNDED
    if account.settled is not UNDER_WAY or amount_minor != price_minor:
        return Reason.DEAD_LETTER
    if outcome is CHARGED:
        return Reason.SETTLED
    given = any(state is REFUNDED for _, state in account.refunds.values())
    return Reason.CHARGE_FAILED if outcome is FAILED and not given else Reason.DEAD_LETTER


def care_reasons(
    action: CareAction, at: int, page: Person, account: Account | None, complaint: Opened | None
) -> frozenset[Reason]:
    """The reasons of which the decision on a new, complete care action must give one."""
    match action.kind:
        case CareKind.LOOK:
            reason = Reason.NOTED
        case CareKind.RELEASE:
            reason = Reason.RELEASED
        case CareKind.REVOKE:
            return _revoke(action, at, page)
        case CareKind.COMPLAIN:
            known = complaint is not None
            reason = Reason.COMPLAINT_KNOWN if known else Reason.COMPLAINT_OPENED
        case CareKind.REFUND:
            reason = _refund(action, account)
        case _:
            reason = _to_complaint(action, complaint)
    return frozenset((reason,))


def incomplete(action: CareAction) -> bool:
    """Whether an action lacks what it needs, or gives back what is no money."""
    named = bool(action.charge_id or action.order_id)
    match action.kind:
        case CareKind.COMPLAIN | CareKind.REFUND:
            lacks = not named
        case CareKind.ANSWER | CareKind.REJECT | CareKind.UPHOLD:
            lacks = not action.complaint_id
        case _:
            lacks = action.kind is CareKind.UNKNOWN
    return lacks or (action.amount_minor is not None and action.amount_minor <= 0)


def _revoke(action: CareAction, at: int, page: Person) -> frozenset[Reason]:
    closing = known_days(page, action.service_id)
    if any(day_of(at) - day <= HORIZON_DAYS for day, _ in closing):
        return frozenset((Reason.REVOKED,))
    return frozenset((Reason.NOTHING_TO_REVOKE, *({Reason.REVOKED} if closing else ())))


def _to_complaint(action: CareAction, complaint: Opened | None) -> Reason:
    if complaint is None:
        return Reason.COMPLAINT_UNKNOWN
    if action.kind is CareKind.ANSWER:
        return Reason.COMPLAINT_ANSWERED
    if action.kind is CareKind.REJECT:
        return Reason.COMPLAINT_REJECTED
    if action.amount_minor and complaint.account is None:
        return Reason.CHARGE_UNKNOWN
    if (action.amount_minor or 0) > (complaint.account.left_minor if complaint.account else 0):
        return Reason.REFUND_EXCEEDS
    return Reason.COMPLAINT_UPHELD


def _refund(action: CareAction, account: Account | None) -> Reason:
    if account is None:
        return Reason.CHARGE_UNKNOWN
    if account.left_minor == 0:
        return Reason.NOTHING_TO_REFUND
    exceeds = (action.amount_minor or 0) > account.left_minor
    return Reason.REFUND_EXCEEDS if exceeds else Reason.REFUND_REQUESTED
