"""A yes or a no to an open prompt: what it means for the orders that wait on it.

The yes approves what waits at the price the subscriber was shown, if provider and service still
stand; a no refuses it.
"""

from streams.gate.asking import (
    announce,
    askable,
    service_day,
    with_refs,
    without_prompt,
    without_ref,
)
from streams.gate.charging import charge_waiting, refuse_waiting
from streams.gate.decision import KEEP, Changes, Decision, Effect, Remembered, state_of
from streams.gate.effects import Charge
from streams.gate.events import Reply
from streams.gate.facts import Facts
from streams.gate.grants import used, within
from streams.gate.ids import PROMPT, base_id
from streams.gate.objections import standing_objection
from streams.gate.policy import PolicyInForce
from streams.gate.rows import Grant, OpenPrompt, PromptRef, Seen, Waiting
from streams.gate.words import Answer, Confirmation, Reason


def take_answer(
    remembered: Remembered,
    reply: Reply,
    ref: PromptRef,
    heard: Answer,
    facts: Facts,
    seen: Seen,
) -> Decision:
    """Decide a clear answer to the prompt that a reference leads to."""
    policy, row = facts.policy, remembered.service_day
    assert policy is not None, "a prompt is located under a policy only"
    assert row is not None, "the state says that prompts are open in it"
    prompt = next(each for each in row.prompts if each.prompt_id == ref.prompt_id)
    objection = (
        standing_objection(prompt.provider_id, ref.service_id, facts)
        # The world moved while we waited, so the rules that can have changed are asked again.
        if heard is Answer.YES
        else Reason.DECLINED
    )
    if objection is not None:
        changes = Changes(
            seen,
            service_day(row.grant, without_prompt(row, ref.prompt_id), row.shadow),
            with_refs(remembered.subscriber, without_ref(remembered.subscriber, ref.prompt_id)),
            refuse_waiting(
                facts, reply.msisdn, ref.service_id, prompt.provider_id, prompt.waiting, objection
            ),
            (),
        )
        return _heard(remembered, reply, ref, prompt, objection, changes)
    if prompt.confirmation is Confirmation.FIRST_OF_DAY:
        return _grant(remembered, reply, facts, policy, ref, prompt, seen)
    return _approve_one(remembered, reply, facts, policy, ref, prompt, seen)


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
        row._replace(grant=grant, prompts=without_prompt(row, prompt.prompt_id)),
        with_refs(remembered.subscriber, without_ref(remembered.subscriber, prompt.prompt_id)),
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
    changes = Changes(
        seen,
        service_day(row.grant, prompts, row.shadow),
        with_refs(remembered.subscriber, refs),
        effects,
        wake,
    )
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
    seen, row, known, effects, wake, writes = changes
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
        writes,
    )
