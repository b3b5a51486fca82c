"""A reply comes: find the prompt it answers, and hear a yes, a no, or nothing.

Law 5: anything that is not a clear yes changes nothing, and a yes counts only where exactly one
prompt was alive at the instant the reply was received. The yes approves what waits at the price the
subscriber was shown, if provider and service still stand.

Reply codes for several open prompts belong into `locate`, beside AMBIGUOUS; keywords (a list of the
day's grants, a cancellation) belong before the answer is read.
"""

from streams.gate.answers import take_answer
from streams.gate.decision import KEEP, Decision, Effect, Keep, Remembered
from streams.gate.events import Reply
from streams.gate.facts import Facts
from streams.gate.ids import reply_digest
from streams.gate.repeats import turned_away
from streams.gate.rows import PromptRef, Seen, Subscriber
from streams.gate.words import Channel, Reason, State


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
    policy = facts.policy
    assert policy is not None, "a prompt is located under a policy only"
    heard = policy.answer(reply.channel, reply.text)
    assert heard is not None, "a prompt is located by an answer only"
    return take_answer(remembered, reply, ref, heard, facts, Seen(digest, facts.day_of(facts.at)))


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
