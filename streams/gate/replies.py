"""A reply comes: find the prompt it answers, and hear a yes, a no, or nothing.

Law 5: anything that is not a clear yes changes nothing, and a yes counts only where exactly one
prompt was alive at the instant the reply was received. The yes approves what waits at the price the
subscriber was shown, if provider and service still stand.

Reply codes for several open prompts belong into `locate`, beside AMBIGUOUS; keywords (a list of the
day's grants, a cancellation) belong before the answer is read.
"""

from streams.gate.asking import (
    announce,
    askable,
    service_day,
    subscriber,
    without_prompt,
    without_ref,
)
from streams.gate.charging import charge_waiting, refuse_waiting
from streams.gate.decision import KEEP, Changes, Decision, Effect, Keep, Remembered, state_of
from streams.gate.effects import Charge
from streams.gate.events import Reply
from streams.gate.facts import Facts
from streams.gate.grants import used, within
from streams.gate.ids import PROMPT, base_id, reply_digest
from streams.gate.objections import standing_objection
from streams.gate.policy import PolicyInForce
from streams.gate.repeats import turned_away
from streams.gate.rows import Grant, OpenPrompt, PromptRef, Seen, ServiceDay, Subscriber, Waiting
from streams.gate.words import Answer, Channel, Confirmation, Reason, State


def locate(reply: Reply, row: Subscriber | None, facts: Facts) -> PromptRef | Reason:
    """The prompt that a reply answers clearly, or why there is none.

    The shell asks it which service day to read; deciding asks it again.
    """
    policy = facts.policy
    if policy is None or reply.channel is Channel.UNKNOWN:
        return Reason.NOT_ANSWERING
    if reply.channel is not Channel.IVR and reply.to != policy.sender:
        return Reason.NOT_ANSWERING
    if policy.answer(reply.channel, reply.text) is None:
        return Reason.UNCLEAR
    asked = [] if row is None else [ref for ref in row.prompts if _hears(ref, reply)]
    if not asked:
        return Reason.NOT_ANSWERING
    alive = [ref for ref in asked if ref.issued_at <= reply.received_at < ref.expires_at]
    if not alive:
        return Reason.TOO_LATE
    return alive[0] if len(alive) == 1 else Reason.AMBIGUOUS


def _hears(ref: PromptRef, reply: Reply) -> bool:
    """Whether a prompt listens where a reply speaks: any text, or the very call (law 7)."""
    if reply.channel is Channel.IVR:
        return (
            ref.channel is Channel.IVR
            and reply.call_id is not None
            and ref.call_id == reply.call_id
        )
    return ref.channel is not Channel.IVR


def overhear(remembered: Remembered, reply: Reply, facts: Facts) -> Decision:
    """Decide a reply that answers no one open prompt: it is written down and changes nothing."""
    digest = reply_digest(reply)
    away = turned_away(facts, remembered.seen, digest, reply.received_at, reply.msisdn)
    if away is not None:
        return _changes_nothing(reply, away.reason, KEEP, away.effects)
    reason = locate(reply, remembered.subscriber, facts)
    assert isinstance(reason, Reason), "the service day of an open prompt has its prompt"
    return _changes_nothing(reply, reason, Seen(digest, facts.day_of(facts.at)), ())


def hear(remembered: Remembered, reply: Reply, facts: Facts) -> Decision:
    """Decide a reply while prompts are open in the service day that it concerns."""
    digest = reply_digest(reply)
    ref = locate(reply, remembered.subscriber, facts)
    if isinstance(ref, Reason) or turned_away(
        facts, remembered.seen, digest, reply.received_at, reply.msisdn
    ):
        return overhear(remembered, reply, facts)
    policy, row = facts.policy, remembered.service_day
    assert policy is not None, "a prompt is located under a policy only"
    assert row is not None, "the state says that prompts are open in it"
    seen = Seen(digest, facts.day_of(facts.at))
    prompt = next(each for each in row.prompts if each.prompt_id == ref.prompt_id)
    objection = _objection(policy, reply, prompt, ref, facts)
    if objection is not None:
        changes = Changes(
            seen,
            service_day(row.grant, without_prompt(row, ref.prompt_id)),
            subscriber(without_ref(remembered.subscriber, ref.prompt_id)),
            refuse_waiting(
                facts, reply.msisdn, ref.service_id, prompt.provider_id, prompt.waiting, objection
            ),
            (),
        )
        return _heard(remembered, reply, ref, prompt, objection, changes)
    if prompt.confirmation is Confirmation.FIRST_OF_DAY:
        return _grant(remembered, reply, facts, policy, ref, prompt, seen)
    return _approve_one(remembered, reply, facts, policy, ref, prompt, seen)


def _objection(
    policy: PolicyInForce, reply: Reply, prompt: OpenPrompt, ref: PromptRef, facts: Facts
) -> Reason | None:
    """Why the orders that wait are refused: the subscriber's no, or what no longer stands."""
    if policy.answer(reply.channel, reply.text) is not Answer.YES:
        return Reason.DECLINED
    # The world moved while we waited, so the rules that can have changed are asked again.
    return standing_objection(prompt.provider_id, ref.service_id, facts)


def _grant(
    remembered: Remembered,
    reply: Reply,
    facts: Facts,
    policy: PolicyInForce,
    ref: PromptRef,
    prompt: OpenPrompt,
    seen: Seen,
) -> Decision:
    """A yes for the day: grant what was asked, and charge the orders that wait within it."""
    row = remembered.service_day
    assert row is not None, "the prompt was found in it"
    grant = Grant(
        prompt.prompt_id,
        reply.reply_id,
        reply.received_at,
        prompt.confirmation,
        prompt.price_minor,
        prompt.currency,
        prompt.grant_count_max,
        prompt.grant_amount_max_minor,
    )
    effects: list[Effect] = []
    for place, order in enumerate(prompt.waiting):
        if not within(grant, prompt.price_minor, prompt.currency):
            effects += refuse_waiting(
                facts,
                reply.msisdn,
                ref.service_id,
                prompt.provider_id,
                prompt.waiting[place:],
                Reason.GRANT_EXHAUSTED,
            )
            break
        effects += charge_waiting(facts, policy, reply, ref, prompt, order)
        grant = used(grant)
    changes = Changes(
        seen,
        ServiceDay(grant, without_prompt(row, prompt.prompt_id)),
        subscriber(without_ref(remembered.subscriber, prompt.prompt_id)),
        tuple(effects),
        (),
    )
    return _heard(remembered, reply, ref, prompt, Reason.APPROVED_CONFIRMED, changes)


def _approve_one(
    remembered: Remembered,
    reply: Reply,
    facts: Facts,
    policy: PolicyInForce,
    ref: PromptRef,
    prompt: OpenPrompt,
    seen: Seen,
) -> Decision:
    """A yes for one order: charge the one that was asked about, and ask about the next."""
    row = remembered.service_day
    assert row is not None, "the prompt was found in it"
    prompts = without_prompt(row, prompt.prompt_id)
    refs = without_ref(remembered.subscriber, prompt.prompt_id)
    effects: tuple[Effect, ...] = charge_waiting(
        facts, policy, reply, ref, prompt, prompt.waiting[0]
    )
    wake: tuple[tuple[int, bytes], ...] = ()
    rest = prompt.waiting[1:]
    if rest and askable(
        facts,
        policy,
        prompt.channel,
        rest[0].province,
        ref.service_id,
        prompt.price_minor,
        prompt.currency,
        prompt.expires_at - prompt.issued_at,
    ):
        following = _next_prompt(reply.msisdn, facts.at, policy.grace_ms, prompt, rest)
        asked = announce(facts, policy, reply.msisdn, ref.day, ref.service_id, following)
        prompts, refs = (*prompts, following), (*refs, asked.ref)
        effects, wake = (*effects, asked.message), (asked.wake,)
    elif rest:
        # Without a question there is no yes, and without a yes there is no charge.
        effects += refuse_waiting(
            facts, reply.msisdn, ref.service_id, prompt.provider_id, rest, Reason.UNASKABLE
        )
    changes = Changes(seen, service_day(row.grant, prompts), subscriber(refs), effects, wake)
    return _heard(remembered, reply, ref, prompt, Reason.APPROVED_CONFIRMED, changes)


def _next_prompt(
    msisdn: str, at: int, grace_ms: int, before: OpenPrompt, waiting: tuple[Waiting, ...]
) -> OpenPrompt:
    """The same question for the order that waits next, with a life of its own."""
    expires_at = at + before.expires_at - before.issued_at
    return before._replace(
        prompt_id=PROMPT + base_id(msisdn, waiting[0].order_id),
        issued_at=at,
        expires_at=expires_at,
        due_at=expires_at + grace_ms,
        waiting=waiting,
    )


def _heard(
    remembered: Remembered,
    reply: Reply,
    ref: PromptRef,
    prompt: OpenPrompt,
    reason: Reason,
    changes: Changes,
) -> Decision:
    """The decision on a reply that answered a prompt, told of the order it was asked about."""
    seen, row, known, effects, wake = changes
    before, asked_about = state_of(remembered.service_day), prompt.waiting[0]
    charge_id = next((each.charge_id for each in effects if isinstance(each, Charge)), None)
    return Decision(
        reason,
        before,
        before if row is KEEP else state_of(row),
        asked_about.rule,
        asked_about.order_id,
        prompt.prompt_id,
        charge_id,
        None,
        reply.channel,
        asked_about.province,
        prompt.provider_id,
        ref.service_id,
        prompt.price_minor,
        seen,
        row,
        known,
        effects,
        wake,
    )


def _changes_nothing(
    reply: Reply, reason: Reason, seen: Seen | Keep, effects: tuple[Effect, ...]
) -> Decision:
    """The decision on a reply that answers no one prompt: no one service day is concerned."""
    return Decision(
        reason,
        State.UNKNOWN,
        State.UNKNOWN,
        None,  # rule
        None,  # order_id
        None,  # prompt_id
        None,  # charge_id
        None,  # complaint_id
        reply.channel,
        None,  # province
        None,  # provider_id
        None,  # service_id
        None,  # price_minor
        seen,
        KEEP,
        KEEP,
        effects,
        (),
    )
