"""An order comes: charge it, ask about it, let it wait, or refuse it.

Every order that is neither unreadable, repeated nor in conflict gets one verdict, here or when its
prompt is answered or lapses (law 4), and its id is remembered (law 2).
"""

from streams.gate.asking import announce, askable, with_refs
from streams.gate.decision import KEEP, Changes, Decision, Keep, Remembered, state_of
from streams.gate.effects import Charge, Verdict
from streams.gate.events import Order
from streams.gate.facts import Facts
from streams.gate.grants import used, within
from streams.gate.ids import CHARGE, PROMPT, STALE_VERDICT, VERDICT, base_id, order_digest
from streams.gate.objections import first_objection
from streams.gate.policy import PolicyInForce
from streams.gate.reference import Rule
from streams.gate.repeats import NEGATIVE_PRICE, TurnedAway, dead_letter, turned_away
from streams.gate.rows import Grant, OpenPrompt, Seen, ServiceDay, Waiting
from streams.gate.words import Channel, Confirmation, Outcome, Reason


def admit(remembered: Remembered, order: Order, facts: Facts) -> Decision:
    """Decide an order."""
    if order.price_minor < 0:
        negative = dead_letter(NEGATIVE_PRICE, f"its price {order.price_minor} is negative")
        return _turn_away(remembered, order, negative)
    digest = order_digest(order)
    away = turned_away(facts, remembered.seen, digest, order.ordered_at, order.msisdn)
    if away is not None:
        return _turn_away(remembered, order, away)
    today, day = facts.day_of(facts.at), facts.day_of(order.ordered_at)
    # An order a moment ahead may belong to the next day; remembered by the later of the two days,
    # it is forgotten only when it would be stale.
    seen = Seen(digest, max(today, day))
    policy = facts.policy
    if policy is None:
        return _refuse(remembered, order, facts, seen, Reason.NO_POLICY, None)
    if today - day > policy.horizon_days:
        return _refuse(remembered, order, facts, seen, Reason.STALE, None)
    if reason := first_objection(order, facts):
        return _refuse(remembered, order, facts, seen, reason, None)
    rule = facts.catalogue.rule_for(policy, order, facts.at)
    if rule is None:
        return _refuse(remembered, order, facts, seen, Reason.NO_RULE, None)
    return _confirm(remembered, order, facts, policy, rule, seen, day)


def _confirm(
    remembered: Remembered,
    order: Order,
    facts: Facts,
    policy: PolicyInForce,
    rule: Rule,
    seen: Seen,
    day: int,
) -> Decision:
    """Do what the rule that matches asks for a valid order."""
    row = remembered.service_day
    confirmation = rule.confirmation
    if confirmation is Confirmation.FIRST_OF_DAY:
        assert order.channel is not Channel.IVR, "a policy that grants voice a day is not taken"
        grant = None if row is None else row.grant
        if grant is not None and within(grant, order.price_minor, order.currency):
            return _charge(remembered, order, facts, policy, rule, seen, day, grant)
    elif confirmation is Confirmation.OFF:
        return _charge(remembered, order, facts, policy, rule, seen, day, None)
    elif confirmation is Confirmation.REFUSE:
        return _refuse(remembered, order, facts, seen, Reason.REFUSED_BY_POLICY, rule)
    else:
        # SHADOW will have its place here; until then a policy that has it is not taken.
        assert confirmation is Confirmation.EVERY_ORDER, "no other confirmation is taken"
    for place, prompt in enumerate(() if row is None else row.prompts):
        if _same_question(prompt, order, confirmation, facts.at):
            if len(prompt.waiting) >= policy.waiting_orders_max:
                return _refuse(remembered, order, facts, seen, Reason.WAITING_LIMIT, rule)
            return _wait(remembered, order, rule, seen, place)
    return _ask(remembered, order, facts, policy, rule, seen, day)


def _same_question(prompt: OpenPrompt, order: Order, confirmation: Confirmation, at: int) -> bool:
    """Whether a yes to a prompt would also be a yes to this order; a dead prompt asks nothing."""
    return (
        at < prompt.expires_at
        and prompt.confirmation is confirmation
        and prompt.channel is order.channel
        and prompt.call_id == (order.call_id if order.channel is Channel.IVR else None)
        and prompt.provider_id == order.provider_id
        and prompt.price_minor == order.price_minor
        and prompt.currency == order.currency
    )


def _charge(
    remembered: Remembered,
    order: Order,
    facts: Facts,
    policy: PolicyInForce,
    rule: Rule,
    seen: Seen,
    day: int,
    grant: Grant | None,
) -> Decision:
    """Approve an order now: by a grant, or because the policy asks for no yes."""
    base = base_id(order.msisdn, order.order_id)
    charge = Charge(
        CHARGE + base,
        order.order_id,
        order.msisdn,
        order.provider_id,
        order.service_id,
        facts.catalogue.services[order.service_id].charge_code,
        order.channel,
        order.price_minor,
        order.currency,
        order.province,
        day,
        rule.confirmation,
        None if grant is None else grant.prompt_id,
        None if grant is None else grant.reply_id,
        policy.policy_id,
        policy.version,
        order.ordered_at,
        None if grant is None else grant.consented_at,
        facts.at,
    )
    row: ServiceDay | Keep = KEEP
    reason = Reason.APPROVED_NOT_ASKED
    if grant is not None:
        assert remembered.service_day is not None, "a grant lies in a service day"
        row = remembered.service_day._replace(grant=used(grant))
        reason = Reason.APPROVED_GRANTED
    verdict = _verdict(order, facts, VERDICT + base, Outcome.APPROVED, reason)
    changes = Changes(seen, row, KEEP, (charge, verdict), ())
    return _decision(
        remembered, order, reason, rule.name, changes, charge.prompt_id, charge.charge_id
    )


def _wait(remembered: Remembered, order: Order, rule: Rule, seen: Seen, place: int) -> Decision:
    """Let an order wait on a prompt that is already open."""
    row = remembered.service_day
    assert row is not None, "the prompt was found in it"
    prompt = row.prompts[place]
    waiting = Waiting(order.order_id, order.ordered_at, order.province, rule.name)
    longer = prompt._replace(waiting=(*prompt.waiting, waiting))
    prompts = (*row.prompts[:place], longer, *row.prompts[place + 1 :])
    changes = Changes(seen, row._replace(prompts=prompts), KEEP, (), ())
    return _decision(remembered, order, Reason.WAITING, rule.name, changes, prompt.prompt_id, None)


def _ask(
    remembered: Remembered,
    order: Order,
    facts: Facts,
    policy: PolicyInForce,
    rule: Rule,
    seen: Seen,
    day: int,
) -> Decision:
    """Open a prompt for an order, beside those that are open."""
    if not askable(
        facts,
        policy,
        order.channel,
        order.province,
        order.service_id,
        order.price_minor,
        order.currency,
        rule.prompt_life_ms,
    ):
        return _refuse(remembered, order, facts, seen, Reason.UNASKABLE, rule)
    expires_at = facts.at + rule.prompt_life_ms
    prompt = OpenPrompt(
        PROMPT + base_id(order.msisdn, order.order_id),
        order.channel,
        order.call_id if order.channel is Channel.IVR else None,
        order.provider_id,
        order.price_minor,
        order.currency,
        rule.confirmation,
        facts.at,
        expires_at,
        expires_at + policy.grace_ms,
        rule.grant_count_max,
        rule.grant_amount_max_minor,
        (Waiting(order.order_id, order.ordered_at, order.province, rule.name),),
        "",
        False,
        rule.receipt,
        rule.call_count_max,
        rule.call_amount_max_minor,
    )
    asked = announce(facts, policy, order.msisdn, day, order.service_id, prompt)
    row, known = remembered.service_day, remembered.subscriber
    changes = Changes(
        seen,
        ServiceDay(None, (prompt,), None)
        if row is None
        else row._replace(prompts=(*row.prompts, prompt)),
        with_refs(known, (asked.ref,) if known is None else (*known.prompts, asked.ref)),
        (asked.message,),
        (asked.wake,),
    )
    return _decision(remembered, order, Reason.PROMPTED, rule.name, changes, prompt.prompt_id, None)


def _refuse(
    remembered: Remembered,
    order: Order,
    facts: Facts,
    seen: Seen,
    reason: Reason,
    rule: Rule | None,
) -> Decision:
    """Refuse an order; it is remembered, so that a repetition is not told again."""
    letter = STALE_VERDICT if reason is Reason.STALE else VERDICT
    verdict_id = letter + base_id(order.msisdn, order.order_id)
    verdict = _verdict(order, facts, verdict_id, Outcome.REFUSED, reason)
    changes = Changes(seen, KEEP, KEEP, (verdict,), ())
    return _decision(remembered, order, reason, rule.name if rule else None, changes, None, None)


def _turn_away(remembered: Remembered, order: Order, away: TurnedAway) -> Decision:
    changes = Changes(KEEP, KEEP, KEEP, away.effects, ())
    return _decision(remembered, order, away.reason, None, changes, None, None)


def _verdict(
    order: Order, facts: Facts, verdict_id: str, outcome: Outcome, reason: Reason
) -> Verdict:
    return Verdict(
        verdict_id,
        order.order_id,
        order.msisdn,
        order.provider_id,
        order.service_id,
        outcome,
        reason,
        facts.at,
    )


def _decision(
    remembered: Remembered,
    order: Order,
    reason: Reason,
    rule: str | None,
    changes: Changes,
    prompt_id: str | None,
    charge_id: str | None,
) -> Decision:
    seen, row, known, effects, wake, writes = changes
    before = state_of(remembered.service_day)
    return Decision(
        reason,
        before,
        before if row is KEEP else state_of(row),
        rule,
        order.order_id,
        prompt_id,
        charge_id,
        None,
        order.channel,
        order.province,
        order.provider_id,
        order.service_id,
        order.price_minor,
        seen,
        row,
        known,
        effects,
        wake,
        writes,
    )
