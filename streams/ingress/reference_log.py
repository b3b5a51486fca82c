"""The reference topics as this worker has read them: catalogue, acts, and records not in force.

Laws: what is in force and what is told of it follow from positions alone, not from what a worker
happened to see (`reference/fold.py`). A turn of partition 0 tells the records that are not in force
at its positions, but those that were told for the same cause when a turn ended at the positions
before: each once, whoever owns the partition. Behind a record at which our own code fails nothing
may be decided (`stop_at`) until an act sets it aside.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from streams.codec.codecs import Codecs
from streams.egress.dead_letters import Header
from streams.gate.catalogue import Catalogue
from streams.gate.reference import OperatorAct
from streams.ingress.acts import set_aside_by
from streams.reference.acts import Acts
from streams.reference.fold import ACTS_AT, NotTaken, ReferenceFold, Where
from streams.reference.reader import REFERENCE_FAULT


class FaultyRecord(NamedTuple):
    """A reference record that is not in force, untouched, with why."""

    topic: str
    """Catalogue name, without prefix."""
    offset: int
    key: bytes | None
    value: bytes | None
    headers: list[Header] | None
    at: int
    cause: str
    sentence: str
    act_id: str | None = None
    """Of the act that set it aside."""


class ReferenceLog:
    """Fed by the engine record by record (`fold`), between turns only."""

    def __init__(self, codecs: Codecs) -> None:
        self._fold = ReferenceFold(codecs)

    @property
    def catalogue(self) -> Catalogue:
        """What is in force now; another one after the next `fold`, so it is not kept."""
        return self._fold.catalogue

    @property
    def acts(self) -> Acts:
        """The acts in force now; not kept either."""
        return self._fold.acts

    def fold(self, topic: int, message: Any) -> None:
        """Take one record of the reference topic with that number."""
        self._fold.add(topic, message)

    def stop_at(self, positions: Sequence[int]) -> NotTaken | None:
        """The record for which nothing may be decided at these positions (next offsets, per topic);
        why it is not taken is our own exception.
        """
        for topic, offset in self._fold.failed:
            if offset < positions[topic]:
                return self._fold.not_taken[topic, offset]
        return None

    def faults_between(self, before: Sequence[int], after: Sequence[int]) -> Iterator[FaultyRecord]:
        """What a turn of partition 0 tells that began at `before`; `after` is all that was read."""
        if before == after:
            return
        told = self._told_at(before)
        for topic, offset in sorted(self._fold.not_taken):
            faulty = _told(self._fold.not_taken[topic, offset])
            if offset < after[topic] and told.get((topic, offset)) != faulty.cause:
                yield faulty

    def _told_at(self, positions: Sequence[int]) -> dict[Where, str]:
        """The causes that were told when a turn ended at these positions."""
        fold = self._fold
        if fold.is_acted_on_since(positions[ACTS_AT]):
            fold = fold.at(positions)
        told = {
            (topic, offset): _told(each).cause
            for (topic, offset), each in fold.not_taken.items()
            if offset < positions[topic]
        }
        # Where our code fails, and a turn went on, there was a version of the program that took the
        # record: of what lies behind it, only what needs no other record to be seen is known.
        for topic, failed in fold.failed:
            if failed < positions[topic]:
                for where, cause in list(told.items()):
                    if where[0] == topic and where[1] > failed and cause == REFERENCE_FAULT:
                        del told[where]
        return told


def _told(not_taken: NotTaken) -> FaultyRecord:
    """As its dead letter has it."""
    topic, message, why = not_taken
    act_id = None
    if isinstance(why, OperatorAct):
        act_id, told = why.act_id, set_aside_by(why)
        cause, sentence = told.cause, told.detail
    elif isinstance(why, Exception):
        cause, sentence = "", ""  # no turn ends behind it
    else:
        cause, sentence = why
    return FaultyRecord(
        topic,
        message.offset(),
        message.key(),
        message.value(),
        message.headers(),
        message.timestamp()[1],
        cause,
        sentence,
        act_id,
    )
