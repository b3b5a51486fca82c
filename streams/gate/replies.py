"""A reply comes: find the prompt it answers, and hear a yes, a no, a wish, or nothing.

Law 5: anything that is not a clear yes changes nothing. A plain answer counts only where exactly
one prompt was alive at the instant the reply was received, and that prompt asks for no code; a
prompt's own code names it among several. In a call the key pressed answers the prompt of that very
call (law 7), and where that asks for a digit nothing but this digit is a yes.
"""

from typing import NamedTuple

from streams.gate.answers import take_answer
from streams.gate.clarifying import clarify, is_alive
from streams.gate.days import text_refs
from streams.gate.decision import KEEP, Changes, Decision, Remembered
from streams.gate.events import Reply
from streams.gate.facts import Facts
from streams.gate.ids import reply_digest
from streams.gate.policy import PolicyInForce, spoken
from streams.gate.reading import Said, Wish
from streams.gate.repeats import turned_away
from streams.gate.rows import PromptRef, Seen, Subscriber
from streams.gate.wishes import fulfil
from streams.gate.words import Answer, Channel, Reason, State


class Answered(NamedTuple):
    """A clear answer to one prompt."""

    ref: PromptRef
    answer: Answer


def locate(reply: Reply, known: Subscriber | None, facts: Facts) -> Answered | Wish | Reason:
    """What a reply means, or why it means nothing.

    Asked to know which rows to read; deciding asks it again.
    """
    policy = facts.policy
    if policy is None or reply.channel is Channel.UNKNOWN:
        return Reason.NOT_ANSWERING
    if reply.channel is Channel.IVR:
        return _pressed(reply, known, policy)
    if reply.to != policy.sender:
        return Reason.NOT_ANSWERING
    reading = policy.reading(reply.text)
    if reading is None:
        return Reason.UNCLEAR
    return reading if isinstance(reading, Wish) else _texted(reply, known, reading)


def _texted(reply: Reply, known: Subscriber | None, said: Said) -> Answered | Reason:
    """The prompt that an answer by text is to."""
    asked = text_refs(known)
    if said.code is not None:
        asked = tuple(ref for ref in asked if ref.code == said.code)
        if not asked:
            return Reason.UNCLEAR
    alive = [ref for ref in asked if is_alive(ref, reply.received_at)]
    if not alive:
        return Reason.TOO_LATE if asked else Reason.NOT_ANSWERING
    if len(alive) > 1 or (said.code is None and alive[0].code_required):
        return Reason.AMBIGUOUS
    return Answered(alive[0], said.answer)


def _pressed(reply: Reply, known: Subscriber | None, policy: PolicyInForce) -> Answered | Reason:
    """The prompt that a key pressed in a call is to."""
    call_id, pressed = reply.call_id, spoken(reply.text)
    asked = [
        ref
        for ref in (() if known is None or call_id is None else known.prompts)
        if ref.channel is Channel.IVR and ref.call_id == call_id
    ]
    alive = [ref for ref in asked if is_alive(ref, reply.received_at)]
    if len(alive) == 1 and alive[0].code_required:
        if not pressed:
            return Reason.UNCLEAR
        # Whoever presses what was not asked for may be guessing.
        return Answered(alive[0], Answer.YES if pressed == alive[0].code else Answer.NO)
    answer = policy.answer(reply.channel, reply.text)
    if answer is None:
        return Reason.UNCLEAR
    if not alive:
        return Reason.TOO_LATE if asked else Reason.NOT_ANSWERING
    return Answered(alive[0], answer) if len(alive) == 1 else Reason.AMBIGUOUS


def overhear(remembered: Remembered, reply: Reply, facts: Facts) -> Decision:
    """Decide a reply that answers no one open prompt: a wish, or nothing that changes anything."""
    digest = reply_digest(reply)
    away = turned_away(facts, remembered.seen, digest, reply.received_at, reply.msisdn)
    if away is not None:
        changes = Changes(KEEP, KEEP, KEEP, away.effects, ())
        return _decision(remembered, reply, away.reason, changes)
    seen = Seen(digest, facts.day_of(facts.at))
    meant = locate(reply, remembered.subscriber, facts)
    if isinstance(meant, Wish):
        return _decision(remembered, reply, *fulfil(remembered, reply, meant, facts, seen))
    assert isinstance(meant, Reason), "the service day of an open prompt has its prompt"
    if meant is Reason.AMBIGUOUS and reply.channel is not Channel.IVR:
        return _decision(remembered, reply, meant, clarify(remembered, reply, facts, seen))
    return _decision(remembered, reply, meant, Changes(seen, KEEP, KEEP, (), ()))


def hear(remembered: Remembered, reply: Reply, facts: Facts) -> Decision:
    """Decide a reply while prompts are open in the service day that it concerns."""
    digest = reply_digest(reply)
    meant = locate(reply, remembered.subscriber, facts)
    if not isinstance(meant, Answered) or turned_away(
        facts, remembered.seen, digest, reply.received_at, reply.msisdn
    ):
        return overhear(remembered, reply, facts)
    seen = Seen(digest, facts.day_of(facts.at))
    return take_answer(remembered, reply, meant.ref, meant.answer, facts, seen)


def _decision(remembered: Remembered, reply: Reply, reason: Reason, changes: Changes) -> Decision:
    """The decision on a reply that answers no one prompt; an undo is told of its charge."""
    seen, row, known, effects, wake, writes = changes
    last = None if remembered.subscriber is None else remembered.subscriber.last_charge
    account = remembered.account if reason is Reason.UNDONE else None
    return Decision(
        reason,
        State.UNKNOWN,
        State.UNKNOWN,
        None,  # rule
        None if account is None else account.order_id,
        None if account is None else account.prompt_id,
        None if account is None or last is None else last.charge_id,
        None,  # complaint_id
        reply.channel,
        None if account is None else account.province,
        None if account is None else account.provider_id,
        None if account is None else account.service_id,
        None if account is None else account.price_minor,
        seen,
        row,
        known,
        effects,
        wake,
        writes,
    )
