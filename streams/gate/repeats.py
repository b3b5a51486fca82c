"""What is turned away before any rule is asked: events from the future, repeated or reused ids.

Law 2: an id that was taken decides nothing a second time; the same id with other content is an
error of whoever published it, and the second content never leads to a charge.
"""

from typing import NamedTuple

from streams.gate.decision import Effect
from streams.gate.effects import Alarm, DeadLetter
from streams.gate.facts import Facts
from streams.gate.ids import alarm_id, masked
from streams.gate.rows import Seen
from streams.gate.words import AlarmKind, Reason

TIME_AHEAD = "time_ahead"
CONFLICT = "conflict"
NEGATIVE_PRICE = "negative_price"
NEGATIVE_AMOUNT = "negative_amount"


class TurnedAway(NamedTuple):
    """Why an event is not decided, and what is told about it."""

    reason: Reason
    effects: tuple[Effect, ...]


_REPEATED = TurnedAway(Reason.REPEATED, ())


def turned_away(
    facts: Facts, seen: Seen | None, digest: bytes, instant: int, msisdn: str
) -> TurnedAway | None:
    """Why an event of that business time and content is not decided; None when it is."""
    policy = facts.policy
    if policy is not None and instant > facts.at + policy.skew_ms:
        ahead_ms = instant - facts.at
        return dead_letter(
            TIME_AHEAD,
            f"its business time lies {ahead_ms} ms after its record's time,"
            f" more than the {policy.skew_ms} ms that the policy allows",
        )
    if seen is None:
        return None
    if seen.digest == digest:
        return _REPEATED
    detail = f"an id of subscriber {masked(msisdn)} was used again with other content"
    place = f"{facts.topic} partition {facts.partition} offset {facts.offset}"
    name = alarm_id(facts.topic, facts.partition, facts.offset)
    alarm = Alarm(name, AlarmKind.CONFLICT, place, detail, facts.at)
    return TurnedAway(Reason.CONFLICT, (DeadLetter(CONFLICT, detail), alarm))


def dead_letter(cause: str, detail: str) -> TurnedAway:
    """An event that can be read but cannot be meant."""
    return TurnedAway(Reason.DEAD_LETTER, (DeadLetter(cause, detail),))
