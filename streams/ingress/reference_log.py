"""The reference topics as this worker has read them: catalogue, acts, and records with a fault.

Operators' acts are kept by the record they are on. Faults are kept with where they lie, so that
the owner of partition 0 can write each one's dead letter in the turn in which its positions pass
it: once, whoever owns the partition.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from streams.codec.codecs import Codecs
from streams.egress.dead_letters import Header
from streams.gate.catalogue import Catalogue
from streams.ingress.acts import Acts
from streams.reference.reader import ReferenceReader
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


class ReferenceLog:
    """Fed by the engine record by record (`fold`), between turns only."""

    def __init__(self, codecs: Codecs) -> None:
        self.catalogue = Catalogue()
        self.acts = Acts()
        self._reader = ReferenceReader(codecs, self.catalogue)
        self._faults: list[tuple[int, FaultyRecord]] = []

    def fold(self, topic: int, message: Any) -> None:
        """Take one record of the reference topic with that number."""
        key, value = message.key(), message.value()
        fault = self._reader.take(REFERENCES[topic], key, value)
        if fault is not None:
            at = message.timestamp()[1]
            record = FaultyRecord(
                REFERENCES[topic],
                message.offset(),
                key,
                value,
                message.headers(),
                at,
                fault.cause,
                fault.sentence,
            )
            self._faults.append((topic, record))
        elif REFERENCES[topic] == ACTS:
            self.acts.take(self.catalogue.acts[key.decode()])

    def faults_between(self, before: Sequence[int], after: Sequence[int]) -> Iterator[FaultyRecord]:
        """The faulty records at or past `before` and below `after` (next offsets, per topic)."""
        if before == after:
            return
        for topic, record in self._faults:
            if before[topic] <= record.offset < after[topic]:
                yield record
