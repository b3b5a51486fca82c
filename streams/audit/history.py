"""What was on the topics, whole: the only thing an audit is about.

Laws: a record is kept as it was read (key, value and headers are bytes, nothing decoded, nothing
left out), in the order of its partition. This file must not know Kafka, so that a history written
by hand, or a doctored one, is audited exactly as a real one is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

Headers = tuple[tuple[str, bytes | None], ...]


class Entry(NamedTuple):
    """One record as it lies on its topic; `topic` is the catalogue's name, without prefix."""

    topic: str
    partition: int
    offset: int
    timestamp: int  # milliseconds since the epoch: the time of the record (DESIGN §6)
    key: bytes | None
    value: bytes | None
    headers: Headers

    def __repr__(self) -> str:
        """Where it lies; never its key, which is a subscriber's number (law 11)."""
        return f"Entry({self.topic}[{self.partition}]@{self.offset})"


@dataclass(slots=True)
class History:
    """Every record of every topic, by catalogue name, each partition in offset order."""

    topics: Mapping[str, Sequence[Entry]]
    partitions: int  # of each per-subscriber topic
    # The group's committed offsets by (catalogue name, partition); None: not known, not judged.
    committed: Mapping[tuple[str, int], int] | None = None
    prefix: str = "vas."
    log_files: Sequence[Path] = field(default_factory=tuple)

    def of(self, topic: str) -> Sequence[Entry]:
        """The records of one topic."""
        return self.topics.get(topic, ())

    @property
    def records(self) -> int:
        """How many records there are on all topics."""
        return sum(len(entries) for entries in self.topics.values())
