"""What lies on the topics as it becomes readable: the one ear of the crowd and of the books.

What the driver writes is heard at once, so that it is known what lay in the log before what. The
gate's records are heard as a read_committed reader gets them: in the order of their offsets, up to
the last stable one. Outputs are decoded here with fastavro, by the auditor's schemas.
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Any, NamedTuple

from confluent_kafka import Message

from streams import topics
from tests.sim.kit import schemas
from tests.sim.model.log import Partition

_PLAIN = frozenset((*topics.INPUTS, *topics.REFERENCES))
_DECODED = frozenset(
    (
        topics.MESSAGES,
        topics.CHARGES,
        topics.VERDICTS,
        topics.REFUNDS,
        topics.ALARMS,
        topics.DECISIONS,
    )
)


class Heard(NamedTuple):
    """A record; `fields` of the gate's outputs only."""

    topic: str
    """Catalogue name."""
    partition: int
    offset: int
    message: Message
    fields: dict[str, Any]
    order: int
    """The how manieth record of the run it was."""


class Journal:
    """All records of a run, by topic; whoever listens hears each as it comes."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self.of: dict[str, list[Heard]] = defaultdict(list)
        self.listeners: list[Callable[[Heard], None]] = []
        self.ignored: dict[str, None] = {}
        """Topics that are not what they were."""
        self._count = 0
        self._cursors: dict[Partition, int] = {}

    def hear(self, partition: Partition, offset: int) -> None:
        """The broker's listener."""
        topic = partition.topic.removeprefix(self._prefix)
        if topic in _PLAIN and topic not in self.ignored:
            self._tell(topic, partition, offset)

    def follow(self, partition: Partition) -> None:
        """From now on `catch_up` reads this partition, if it is the gate's own."""
        if partition.topic.removeprefix(self._prefix) not in _PLAIN:
            self._cursors[partition] = 0

    def leave(self, partition: Partition) -> None:
        """It is deleted."""
        self._cursors.pop(partition, None)

    def catch_up(self) -> bool:
        """Read what has become stable; whether no transaction is half visible now."""
        is_whole = True
        for partition, begin in self._cursors.items():
            stable = partition.stable
            if begin < stable:
                topic = partition.topic.removeprefix(self._prefix)
                for offset in range(begin, stable):
                    if partition.visible[offset] is not None:
                        self._tell(topic, partition, offset)
                self._cursors[partition] = stable
            if stable != partition.high:
                is_whole = False
        return is_whole

    def _tell(self, topic: str, partition: Partition, offset: int) -> None:
        message = partition.raw[offset].message
        assert message is not None, "a marker is no record"
        fields: dict[str, Any] = {}
        if topic in _DECODED:
            fields = schemas().decode(topic, message.value())
        heard = Heard(topic, partition.number, offset, message, fields, self._count)
        self._count += 1
        self.of[topic].append(heard)
        for listen in self.listeners:
            listen(heard)


def headers_of(message: Message) -> tuple[tuple[str, bytes | None], ...]:
    """A record's headers, as they were read."""
    found = message.headers() or ()
    assert not isinstance(found, dict)
    return tuple(
        (name, value.encode() if isinstance(value, str) else value) for name, value in found
    )
