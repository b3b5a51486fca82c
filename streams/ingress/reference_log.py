"""The reference topics as this worker has read them: catalogue, acts, and records with a fault.

Operators' acts are kept by the record they are on. Faults are kept with where they lie, so that
the owner of partition 0 can write each one's dead letter in the turn in which its positions pass
it: once, whoever owns the partition.

A record at which our own code fails is kept too. Nothing may be decided at positions behind it
(`stop_at`) until an act sets it aside; it is then a fault like any other. An act on a record that
can be taken changes nothing, so it does not matter which of the two is read first.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from streams.codec.codecs import Codecs
from streams.egress.dead_letters import Header
from streams.gate.catalogue import Catalogue
from streams.ingress.acts import QUARANTINED, Acts, set_aside_by
from streams.reference.reader import Fault, ReferenceReader
from streams.topics import ACTS, REFERENCES


class FaultyRecord(NamedTuple):
    """A reference record that was not taken, untouched, with why."""

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
        self.catalogue = Catalogue()
        self.acts = Acts()
        self._reader = ReferenceReader(codecs, self.catalogue)
        # In the order read, those that our code cannot take among them.
        self._faults: list[tuple[int, FaultyRecord]] = []
        # What the worker ends with, by topic and offset; nearly always empty.
        self._stops: dict[tuple[int, int], Exception] = {}

    def fold(self, topic: int, message: Any) -> None:
        """Take one record of the reference topic with that number."""
        key, value = message.key(), message.value()
        fault = self._reader.take(REFERENCES[topic], key, value)
        if fault is not None:
            self._note(topic, message, fault)
        elif REFERENCES[topic] == ACTS:
            self.acts.take(self.catalogue.acts[key.decode()])

    def refuse(self, topic: int, message: Any, stop: Exception) -> None:
        """A record at which `fold` raised; `stop` is how the worker ends if it must be decided on.

        The catalogue is as it was: what is taken is checked, and made, before anything is changed.
        """
        self._note(topic, message, Fault(QUARANTINED, ""))
        self._stops[topic, message.offset()] = stop

    def _note(self, topic: int, message: Any, fault: Fault) -> None:
        record = FaultyRecord(
            REFERENCES[topic],
            message.offset(),
            message.key(),
            message.value(),
            message.headers(),
            message.timestamp()[1],
            fault.cause,
            fault.sentence,
        )
        self._faults.append((topic, record))

    def stop_at(self, positions: Sequence[int]) -> Exception | None:
        """Why nothing may be decided at these positions (next offsets, per topic), or None."""
        for (topic, offset), stop in self._stops.items():
            if offset < positions[topic] and self.acts.on(REFERENCES[topic], 0, offset) is None:
                return stop
        return None

    def faults_between(self, before: Sequence[int], after: Sequence[int]) -> Iterator[FaultyRecord]:
        """The faulty records at or past `before` and below `after` (next offsets, per topic)."""
        if before == after:
            return
        for topic, record in self._faults:
            if before[topic] <= record.offset < after[topic]:
                is_ours = (topic, record.offset) in self._stops
                yield self._set_aside(record) if is_ours else record

    def _set_aside(self, record: FaultyRecord) -> FaultyRecord:
        act = self.acts.on(record.topic, 0, record.offset)
        assert act is not None, "a turn behind it has not begun without its act"
        told = set_aside_by(act)
        return record._replace(cause=told.cause, sentence=told.detail, act_id=act.act_id)
