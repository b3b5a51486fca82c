"""What was on the topics, whole: the only thing an audit is about.

Laws: a record is kept as it was read, in the order of its partition. This file must not know Kafka,
so that a history written by hand, or a doctored one, is audited exactly as a real one is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from streams.history import Entry, Home


@dataclass(slots=True)
class History:
    """Every record of every topic, by catalogue name, each partition in offset order."""

    topics: Mapping[str, Sequence[Entry]]
    partitions: int  # of each per-subscriber topic
    # The group's committed offsets; None: not known, not judged.
    committed: Mapping[Home, int] | None = None
    prefix: str = "vas."
    log_files: Sequence[Path] = field(default_factory=tuple)

    def of(self, topic: str) -> Sequence[Entry]:
        """The records of one topic."""
        return self.topics.get(topic, ())

    @property
    def records(self) -> int:
        """How many records there are on all topics."""
        return sum(len(entries) for entries in self.topics.values())
