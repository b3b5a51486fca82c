"""A yes or a no to an open prompt: what it means for the orders that wait on it.

The yes approves what waits at the price the subscriber was shown, if provider and service still
stand, in the order in which it was placed, as far as the yes and the limits of money reach; a no
refuses it, and is remembered of the service for the day.
"""

from typing import NamedTuple

from streams.gate.asking import ask, service_day, subscriber, without_prompt, without_ref
from streams.gate.charging import Charged, charge_order, order_that_waits, refuse_waiting
from streams.gate.days import day_of, days_with, declined, kept
from streams.gate.decision import KEEP, Changes, Decision, Effect, Remembered, Write, state_of
from streams.gate.events import Reply
from streams.gate.facts import Facts
from streams.gate.grants import granted, used, within
from streams.gate.ids import PROMPT, base_id
from streams.gate.limits import over_call_limit, over_spend_limit
from streams.gate.objections import standing_objection
from streams.gate.policy import PolicyInForce
from streams.gate.rows import (
    Grant,
    LastCharge,
    OpenPrompt,
    PromptRef,
    Seen,
    ServiceDay,
    Subscriber,
    SubscriberDay,
    Waiting,
)
from streams.gate.words import Answer, Channel, Confirmation, Reason


class _Heard(NamedTuple):
    """An answer with all that it is decided on."""

    reply: Reply
    facts: Facts
    policy: PolicyInForce
    ref: PromptRef
    prompt: OpenPrompt
    seen: Seen
    row: ServiceDay
    known: Subscriber


def take_answer(
    remembered: Remembered,
    reply: Reply,
    ref: PromptRef,
    heard: Answer,
    facts: Facts,
    seen: Seen,
) -> Decision:
    """Decide a clear answer to the prompt that a reference leads to."""
    policy, row, known = facts.policy, remembered.service_day, remembered.subscriber
    assert policy is not None, "a prompt is located under a policy only"
    assert row is not None, "the state says that prompts are open in it"
    assert known is not None, "an open prompt has a reference in its subscriber's row"
    prompt = next(each for each in row.prompts if each.prompt_id == ref.prompt_id)
    answer = _Heard(reply, facts, policy, ref, prompt, seen, row, known)
    if heard is not Answer.YES:
        return _refuse(answer, Reason.DECLINED)
    # The world moved while we waited, so the rules that can have changed are asked again.
    if objection := standing_objection(prompt.provider_id, ref.service_id, facts):
        return _refuse(answer, objection)
    if prompt.confirmation is Confirmation.FIRST_OF_DAY:
        return _grant(answer)
    return _approve_one(answer)


def _refuse(answer: _Heard, reason: Reason) -> Decision:
    """Refuse what waits; a no is remembered for the day."""
    reply, facts, _, ref, prompt, seen, row, known = answer
    days = known.days
    if reason is Reason.DECLINED:
        day = declined(day_of(known, ref.day), ref.service_id, prompt.currency)
        days = days_with(days, day, facts.oldest_day())
    refs = without_ref(known, ref.prompt_id)
    changes = Changes(
        seen,
        service_day(row.grant, without_prompt(row, ref.prompt_id), row.shadow),
        kept(subscriber(known, refs, days, known.province, known.last_charge)),
        refuse_waiting(
            facts, reply.msisdn, ref.service_id, prompt.provider_id, prompt.waiting, reason
        ),
        (),
    )
    return _decision(answer, reason, changes, None)


def _grant(answer: _Heard) -> Decision:
    """A yes for the day: grant what was asked, and charge the orders that wait within it."""
    reply, facts, _, ref, prompt, seen, row, known = answer
    grant = granted(prompt, reply)
    day = day_of(known, ref.day)
    effects: tuple[Effect, ...] = ()
    writes: tuple[Write, ...] = ()
    charged: Charged | None = None
    first: str | None = None
    reason = Reason.APPROVED_CONFIRMED
    for place, waiting in enumerate(prompt.waiting):
        refused = _over_limit(answer, day, grant)
        if refused is not None:
            # What waits behind it costs the same.
            effects += _refuse_rest(answer, place, refused)
            reason = reason if charged else refused
            break
        charged = _charge(answer, day, grant, waiting)
        day, grant, first = charged.day, used(grant), first or charged.charge_id
        effects, writes = (*effects, *charged.effects), (*writes, charged.account)
    changed = subscriber(
        known,
        without_ref(known, prompt.prompt_id),
        days_with(known.days, day, facts.oldest_day()),
        known.province,
        _last(answer, charged),
    )
    row = ServiceDay(grant, without_prompt(row, prompt.prompt_id), row.shadow)
    changes = Changes(seen, row, changed, effects, (), writes)
    return _decision(answer, reason, changes, first)


def _approve_one(answer: _Heard) -> Decision:
    """A yes for one order: charge the one that was asked about, and ask about the next."""
    reply, facts, policy, ref, prompt, seen, row, known = answer
    prompts = without_prompt(row, prompt.prompt_id)
    refs = without_ref(known, prompt.prompt_id)
    oldest = facts.oldest_day()
    day, days = day_of(known, ref.day), known.days
    effects: tuple[Effect, ...] = ()
    writes: tuple[Write, ...] = ()
    wake: tuple[tuple[int, bytes], ...] = ()
    charged: Charged | None = None
    reason, refused = Reason.APPROVED_CONFIRMED, _over_limit(answer, day, None)
    if refused is not None:
        reason, effects = refused, _refuse_rest(answer, 0, refused)
    else:
        charged = _charge(answer, day, granted(prompt, reply), prompt.waiting[0])
        day = charged.day
        effects, writes = charged.effects, (charged.account,)
        days = days_with(days, day, oldest)
        if len(prompt.waiting) > 1:
            following = _next_prompt(reply.msisdn, facts.at, policy.grace_ms, prompt)
            # Without a question there is no yes, and without a yes there is no charge; and what
            # a limit forbids is not asked about.
            asked = _over_limit(answer, day, None) or ask(
                facts, policy, reply.msisdn, ref.service_id, days, refs, day, following
            )
            if isinstance(asked, Reason):
                effects += _refuse_rest(answer, 1, asked)
            else:
                prompts, refs = (*prompts, asked.prompt), (*refs, asked.ref)
                effects, wake = (*effects, asked.message), (asked.wake,)
                days = days_with(days, asked.day, oldest)
    changes = Changes(
        seen,
        service_day(row.grant, prompts, row.shadow),
        kept(subscriber(known, refs, days, known.province, _last(answer, charged))),
        effects,
        wake,
        writes,
    )
    return _decision(answer, reason, changes, charged.charge_id if charged else None)


def _over_limit(answer: _Heard, day: SubscriberDay, grant: Grant | None) -> Reason | None:
    """Why one more order that waits is not charged; None when yes and limits cover it."""
    prompt = answer.prompt
    if grant is not None and not within(grant, prompt.price_minor, prompt.currency):
        return Reason.GRANT_EXHAUSTED
    if prompt.channel is Channel.IVR:
        others = (each for each in answer.known.days if each.day != day.day)
        call_limit = over_call_limit(
            (*others, day),
            prompt.call_id,
            prompt.price_minor,
            prompt.call_count_max,
            prompt.call_amount_max_minor,
        )
        if call_limit is not None:
            return call_limit
    return over_spend_limit(answer.policy, day, prompt.price_minor, prompt.currency)


def _charge(answer: _Heard, day: SubscriberDay, grant: Grant, waiting: Waiting) -> Charged:
    """Approve an order that waited, at the price that the subscriber was shown."""
    prompt = answer.prompt
    order = order_that_waits(answer.reply.msisdn, answer.ref.service_id, prompt, waiting)
    return charge_order(
        answer.facts,
        answer.policy,
        order,
        day,
        prompt.confirmation,
        grant,
        Reason.APPROVED_CONFIRMED,
        answer.known.releases,
        tells=prompt.receipt,
    )


def _refuse_rest(answer: _Heard, place: int, reason: Reason) -> tuple[Effect, ...]:
    """Refuse the orders that wait, from a place on."""
    return refuse_waiting(
        answer.facts,
        answer.reply.msisdn,
        answer.ref.service_id,
        answer.prompt.provider_id,
        answer.prompt.waiting[place:],
        reason,
    )


def _next_prompt(msisdn: str, at: int, grace_ms: int, before: OpenPrompt) -> OpenPrompt:
    """The same question for the order that waits next, with a life of its own."""
    expires_at = at + before.expires_at - before.issued_at
    waiting = before.waiting[1:]
    return before._replace(
        prompt_id=PROMPT + base_id(msisdn, waiting[0].order_id),
        issued_at=at,
        expires_at=expires_at,
        due_at=expires_at + grace_ms,
        waiting=waiting,
    )


def _last(answer: _Heard, charged: Charged | None) -> LastCharge | None:
    """What an undo would take back after this answer."""
    if charged is None:
        return answer.known.last_charge
    return LastCharge(charged.charge_id, answer.facts.at)


def _decision(answer: _Heard, reason: Reason, changes: Changes, charge_id: str | None) -> Decision:
    """The decision on a reply that answered a prompt, told of the order it was asked about."""
    seen, row, known, effects, wake, writes = changes
    prompt = answer.prompt
    before, asked_about = state_of(answer.row), prompt.waiting[0]
    return Decision(
        reason,
        before,
        before if row is KEEP else state_of(row),
        asked_about.rule,
        asked_about.order_id,
        prompt.prompt_id,
        charge_id,
        None,
        answer.reply.channel,
        asked_about.province,
        prompt.provider_id,
        answer.ref.service_id,
        prompt.price_minor,
        seen,
        row,
        known,
        effects,
        wake,
        writes,
    )
