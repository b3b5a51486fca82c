"""An order comes: charge it, ask about it, let it wait, or refuse it.

Every order that is neither unreadable, repeated nor in conflict gets one verdict, here or when its
prompt is answered or lapses (law 4), and its id is remembered (law 2). The order in which the
questions are asked is the order of the functions below: is it a new order, may it be sold, which
rule speaks of it, does a yes cover it, does a limit forbid it, what does the rule ask for.
"""

from typing import NamedTuple

from streams.gate.asking import ask, question, subscriber
from streams.gate.charging import charge_order
from streams.gate.days import NOBODY, day_of, days_with
from streams.gate.decision import KEEP, Decision, Effect, Keep, Remembered, Write, state_of
from streams.gate.effects import Verdict
from streams.gate.events import Order
from streams.gate.facts import Facts
from streams.gate.grants import used, within
from streams.gate.ids import STALE_VERDICT, VERDICT, base_id, order_digest
from streams.gate.limits import declined_today, over_call_limit, over_spend_limit
from streams.gate.objections import first_objection
from streams.gate.policy import PolicyInForce
from streams.gate.reference import Rule
from streams.gate.repeats import NEGATIVE_PRICE, TurnedAway, dead_letter, turned_away
from streams.gate.rows import (
    Grant,
    LastCharge,
    OpenPrompt,
    Seen,
    ServiceDay,
    Subscriber,
    SubscriberDay,
    Waiting,
)
from streams.gate.shadow import try_out
from streams.gate.words import Channel, Confirmation, Outcome, Reason


class _Placed(NamedTuple):
    """A valid order with all that it is decided on."""

    order: Order
    facts: Facts
    policy: PolicyInForce
    rule: Rule
    seen: Seen
    row: ServiceDay | None
    known: Subscriber
    day: SubscriberDay  # the order's own


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
    policy, row = facts.policy, remembered.service_day
    if policy is None:
        return _refuse(row, order, facts, seen, Reason.NO_POLICY, None)
    if day < today - policy.horizon_days:
        return _refuse(row, order, facts, seen, Reason.STALE, None)
    known = remembered.subscriber or NOBODY
    if known.released_at is not None and order.ordered_at < known.released_at:
        return _refuse(row, order, facts, seen, Reason.NUMBER_RELEASED, None)
    if reason := first_objection(order, facts):
        return _refuse(row, order, facts, seen, reason, None)
    rule = facts.catalogue.rule_for(policy, order, facts.at)
    if rule is None:
        return _refuse(row, order, facts, seen, Reason.NO_RULE, None)
    return _confirm(_Placed(order, facts, policy, rule, seen, row, known, day_of(known, day)))


def _confirm(placed: _Placed) -> Decision:
    """Do what the rule that matches asks for a valid order, if no limit forbids it."""
    order, facts, policy, rule, _, row, known, day = placed
    confirmation, channel = rule.confirmation, order.channel
    if confirmation is Confirmation.REFUSE:
        return _refuse_by_rule(placed, Reason.REFUSED_BY_POLICY)
    grant = None
    if confirmation is Confirmation.FIRST_OF_DAY:
        assert channel is not Channel.IVR, "a policy that grants voice a day is not taken"
        if row is not None and row.grant is not None:
            covers = within(row.grant, order.price_minor, order.currency)
            grant = row.grant if covers else None
    if grant is None and declined_today(policy, day, order.service_id):
        return _refuse_by_rule(placed, Reason.DECLINED_TODAY)
    if channel is Channel.IVR and (
        reason := over_call_limit(
            known.days,
            order.call_id,
            order.price_minor,
            rule.call_count_max,
            rule.call_amount_max_minor,
        )
    ):
        return _refuse_by_rule(placed, reason)
    if reason := over_spend_limit(policy, day, order.price_minor, order.currency):
        return _refuse_by_rule(placed, reason)
    if grant is not None:
        assert row is not None, "a grant lies in a service day"
        after = ServiceDay(used(grant), row.prompts, row.shadow)
        return _charge(placed, grant, after, Reason.APPROVED_GRANTED)
    if confirmation is Confirmation.OFF:
        return _charge(placed, None, KEEP, Reason.APPROVED_NOT_ASKED)
    if confirmation is Confirmation.SHADOW:
        return _charge_as_trial(placed)
    for place, prompt in enumerate(() if row is None else row.prompts):
        if _same_question(prompt, order, confirmation, facts.at):
            if len(prompt.waiting) >= policy.waiting_orders_max:
                return _refuse_by_rule(placed, Reason.WAITING_LIMIT)
            return _wait(placed, place)
    return _ask(placed)


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
    placed: _Placed, grant: Grant | None, after: ServiceDay | Keep, reason: Reason
) -> Decision:
    """Approve an order now: by a grant, or because the policy asks for no yes."""
    order, facts, policy, rule, seen, row, known, day = placed
    charged = charge_order(
        facts,
        policy,
        order,
        day,
        rule.confirmation,
        grant,
        reason,
        known.releases,
        tells=rule.receipt,
    )
    changed = Subscriber(
        known.prompts,
        days_with(known.days, charged.day, facts.oldest_day()),
        order.province,
        known.clarified,
        LastCharge(charged.charge_id, facts.at),
        known.released_at,
        known.releases,
    )
    return _decision(
        row,
        order,
        reason,
        rule.name,
        None if grant is None else grant.prompt_id,
        charged.charge_id,
        seen,
        after,
        changed,
        charged.effects,
        (),
        (charged.account,),
    )


def _charge_as_trial(placed: _Placed) -> Decision:
    """Approve an order without asking, and say what would have been asked."""
    order, facts, policy, rule, _, row, known, day = placed
    tried = try_out(facts, policy, order, rule, known, day, row)
    decision = _charge(placed._replace(day=tried.day), None, tried.row, Reason.APPROVED_NOT_ASKED)
    return decision._replace(reason=tried.reason, would_ask=tried.would_ask)


def _wait(placed: _Placed, place: int) -> Decision:
    """Let an order wait on a prompt that is already open."""
    order, _, _, rule, seen, row, known, *_ = placed
    assert row is not None, "the prompt was found in it"
    prompt = row.prompts[place]
    waiting = Waiting(order.order_id, order.ordered_at, order.province, rule.name)
    longer = prompt._replace(waiting=(*prompt.waiting, waiting))
    prompts = (*row.prompts[:place], longer, *row.prompts[place + 1 :])
    after = ServiceDay(row.grant, prompts, row.shadow)
    moved = known.province != order.province
    changed = known._replace(province=order.province) if moved else KEEP
    return _decision(
        row,
        order,
        Reason.WAITING,
        rule.name,
        prompt.prompt_id,
        None,
        seen,
        after,
        changed,
    )


def _ask(placed: _Placed) -> Decision:
    """Open a prompt for an order, beside those that are open."""
    order, facts, policy, rule, seen, row, known, day = placed
    asked = ask(
        facts,
        policy,
        order.msisdn,
        order.service_id,
        known.days,
        known.prompts,
        day,
        question(facts, policy, order, rule, rule.confirmation),
    )
    if isinstance(asked, Reason):
        return _refuse_by_rule(placed, asked)
    grant, prompts, shadow = (None, (), None) if row is None else row
    days = days_with(known.days, asked.day, facts.oldest_day())
    return _decision(
        row,
        order,
        Reason.PROMPTED,
        rule.name,
        asked.prompt.prompt_id,
        None,
        seen,
        ServiceDay(grant, (*prompts, asked.prompt), shadow),
        subscriber(known, (*known.prompts, asked.ref), days, order.province, known.last_charge),
        (asked.message,),
        (asked.wake,),
    )


def _refuse_by_rule(placed: _Placed, reason: Reason) -> Decision:
    """Refuse a valid order under the rule that speaks of it."""
    return _refuse(placed.row, placed.order, placed.facts, placed.seen, reason, placed.rule.name)


def _refuse(
    row: ServiceDay | None,
    order: Order,
    facts: Facts,
    seen: Seen,
    reason: Reason,
    rule: str | None,
) -> Decision:
    """Refuse an order; it is remembered, so that a repetition is not told again."""
    letter = STALE_VERDICT if reason is Reason.STALE else VERDICT
    verdict = Verdict(
        letter + base_id(order.msisdn, order.order_id),
        order.order_id,
        order.msisdn,
        order.provider_id,
        order.service_id,
        Outcome.REFUSED,
        reason,
        facts.at,
    )
    return _decision(row, order, reason, rule, None, None, seen, KEEP, KEEP, (verdict,))


def _turn_away(remembered: Remembered, order: Order, away: TurnedAway) -> Decision:
    row, effects = remembered.service_day, away.effects
    return _decision(row, order, away.reason, None, None, None, KEEP, KEEP, KEEP, effects)


def _decision(
    row: ServiceDay | None,
    order: Order,
    reason: Reason,
    rule: str | None,
    prompt_id: str | None,
    charge_id: str | None,
    seen: Seen | Keep,
    after: ServiceDay | Keep | None,
    known: Subscriber | Keep | None,
    effects: tuple[Effect, ...] = (),
    wake: tuple[tuple[int, bytes], ...] = (),
    writes: tuple[Write, ...] = (),
) -> Decision:
    before = state_of(row)
    return Decision(
        reason,
        before,
        before if after is KEEP else state_of(after),
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
        after,
        known,
        effects,
        wake,
        writes,
    )
