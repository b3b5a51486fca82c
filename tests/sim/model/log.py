"""The log of a simulated broker: topics, partitions, records and transaction markers.

An offset is an index: `raw[offset]` is everything that was written there (for an auditor), and
`visible[offset]` the record that a read_committed reader is given there once the last stable offset
has passed it, or None (marker, aborted, compacted, deleted). Nothing here knows time or chance.

Records are real `confluent_kafka.Message` objects, shared by all who read them: reading costs no
copying. Observed of Kafka 4.3.1 and 4.2.1, and held by the contract suite: a marker takes one
offset; the high watermark counts it; one open transaction holds back everything behind its first
record.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from confluent_kafka import (
    TIMESTAMP_CREATE_TIME,
    TIMESTAMP_LOG_APPEND_TIME,
    KafkaError,
    Message,
)

Headers = list[tuple[str, str | bytes | None]]
Pending = tuple[bytes | None, bytes | None, Headers | None, int]
"""(key, value, headers, the producer's clock in ms): a record before it has an offset."""
Kind = Literal["record", "commit", "abort"]

OK = 0


@dataclass(slots=True)
class Entry:
    """What was written at one offset."""

    kind: Kind
    message: Message | None
    producer: int
    """The producer id, -1 for none."""
    epoch: int
    outcome: Literal["plain", "open", "committed", "aborted"] = "plain"


@dataclass(slots=True)
class Sequences:
    """What a partition remembers of an idempotent producer: its epoch and its last batches."""

    epoch: int
    next: int = 0
    batches: list[tuple[int, int, int]] = field(default_factory=list)
    """(first sequence, records, first offset), the last five."""


class Partition:
    """One partition's log."""

    def __init__(self, topic: str, number: int, *, log_append_time: bool) -> None:
        self.topic = topic
        self.number = number
        self.log_append_time = log_append_time
        self.raw: list[Entry] = []
        self.visible: list[Message | None] = []
        self.start = 0
        """Log start offset."""
        self.stable = 0
        """Last stable offset."""
        self.open: dict[int, list[int]] = {}
        """Producer id to the offsets of its open transaction."""
        self.watchers: dict[Callable[[], None], None] = {}
        """Called when there is something new to fetch."""
        self.written: Callable[[Partition, int], None] | None = None
        """An auditor's ear: (this partition, offset) for each record that a reader may see."""
        self._sequences: dict[int, Sequences] = {}
        self._tombstones: dict[int, int] = {}

    @property
    def high(self) -> int:
        """The high watermark: the offset of the next record."""
        return len(self.raw)

    # -- writing ---------------------------------------------------------------------------------

    def check(self, producer: int, epoch: int, sequence: int, count: int) -> tuple[int, int]:
        """(error code, offset of an earlier copy or -1) for a batch of an idempotent producer."""
        known = self._sequences.get(producer)
        if known is None:
            return OK, -1
        if epoch < known.epoch:
            return KafkaError.INVALID_PRODUCER_EPOCH, -1
        if epoch > known.epoch:
            return (OK if sequence == 0 else KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER), -1
        for first, length, offset in known.batches:
            if first == sequence and length == count:
                return OK, offset
        if sequence != known.next:
            return KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER, -1
        return OK, -1

    def append(
        self,
        records: Sequence[Pending],
        now_ms: int,
        producer: int = -1,
        epoch: int = -1,
        sequence: int = -1,
        *,
        transactional: bool = False,
    ) -> int:
        """Write a batch that `check` has found good; its first offset."""
        base = len(self.raw)
        raw, visible, topic, number = self.raw, self.visible, self.topic, self.number
        stamped = self.log_append_time
        kind_of_time = TIMESTAMP_LOG_APPEND_TIME if stamped else TIMESTAMP_CREATE_TIME
        for place, (key, value, headers, at) in enumerate(records):
            message = Message(
                topic=topic,
                partition=number,
                offset=base + place,
                key=key,
                value=value,
                headers=headers,
                timestamp=(kind_of_time, now_ms if stamped else at),
            )
            outcome: Literal["open", "plain"] = "open" if transactional else "plain"
            raw.append(Entry("record", message, producer, epoch, outcome))
            visible.append(message)
        if producer >= 0:
            self._remember(producer, epoch, sequence, len(records), base)
        if transactional:
            self.open.setdefault(producer, []).extend(range(base, len(raw)))
        else:
            self._tell(range(base, len(raw)))
        self._advance()
        return base

    def _remember(self, producer: int, epoch: int, sequence: int, count: int, base: int) -> None:
        known = self._sequences.get(producer)
        if known is None or known.epoch != epoch:
            known = self._sequences[producer] = Sequences(epoch)
        known.next = sequence + count
        known.batches.append((sequence, count, base))
        del known.batches[:-5]

    def mark(self, producer: int, epoch: int, *, commit: bool) -> None:
        """End the producer's transaction here: a marker, and its records count or do not."""
        offsets = self.open.pop(producer, [])
        kind: Literal["commit", "abort"] = "commit" if commit else "abort"
        self.raw.append(Entry(kind, None, producer, epoch))
        self.visible.append(None)
        for offset in offsets:
            entry = self.raw[offset]
            entry.outcome = "committed" if commit else "aborted"
            if not commit:
                self.visible[offset] = None
        known = self._sequences.get(producer)
        if known is None or known.epoch < epoch:
            self._sequences[producer] = Sequences(epoch)
        if commit:
            self._tell(offsets)
        self._advance()

    def _tell(self, offsets: Sequence[int]) -> None:
        if self.written is not None:
            for offset in offsets:
                self.written(self, offset)

    def _advance(self) -> None:
        opened = [offsets[0] for offsets in self.open.values() if offsets]
        self.stable = min(opened) if opened else len(self.raw)
        for stir in list(self.watchers):
            stir()

    # -- reading ---------------------------------------------------------------------------------

    def read(self, offset: int, limit: int) -> tuple[list[Message], int]:
        """Committed records from `offset`, at most `limit`, and the offset to go on from."""
        stable, visible = self.stable, self.visible
        end = min(stable, offset + limit)
        found = [message for message in visible[offset:end] if message is not None]
        while not found and end < stable:  # a stretch of nothing does not end a fetch
            offset, end = end, min(stable, end + limit)
            found = [message for message in visible[offset:end] if message is not None]
        return found, max(offset, end)

    # -- what operators and retention do ---------------------------------------------------------

    def delete_to(self, offset: int) -> None:
        """Records below `offset` are gone (delete-records, retention)."""
        for place in range(self.start, min(offset, len(self.raw))):
            self.visible[place] = None
        self.start = max(self.start, min(offset, len(self.raw)))

    def lose_from(self, offset: int) -> None:
        """The log's tail is gone, as after an unclean leader election; acknowledged or not."""
        del self.raw[offset:]
        del self.visible[offset:]
        self.start = min(self.start, offset)
        for producer, offsets in list(self.open.items()):
            kept = [one for one in offsets if one < offset]
            if kept:
                self.open[producer] = kept
            else:
                del self.open[producer]
        self._sequences.clear()
        self._advance()

    def compact(self, now_ms: int, tombstones_ms: int, below: int | None = None) -> int:
        """Keep each key's last record below `below` (at most the last stable offset).

        A tombstone goes `tombstones_ms` after the first compaction that met it. Returns how many
        records went. Records without a key are left alone.
        """
        end = self.stable if below is None else min(below, self.stable)
        last: dict[bytes, int] = {}
        for offset in range(self.start, end):
            message = self.visible[offset]
            key = None if message is None else message.key()
            if isinstance(key, bytes):
                last[key] = offset
        gone = 0
        for offset in range(self.start, end):
            message = self.visible[offset]
            key = None if message is None else message.key()
            if message is None or not isinstance(key, bytes):
                continue
            if last[key] == offset:
                if message.value() is not None:
                    continue
                horizon = self._tombstones.setdefault(offset, now_ms + tombstones_ms)
                if now_ms < horizon:
                    continue
            self.visible[offset] = None
            gone += 1
        return gone


class Topic:
    """A topic: an id that no later topic of the same name has, settings and partitions."""

    def __init__(self, name: str, topic_id: str, count: int, settings: dict[str, str]) -> None:
        self.name = name
        self.id = topic_id
        self.settings = {"delete.retention.ms": "86400000", **settings}
        stamped = settings.get("message.timestamp.type") == "LogAppendTime"
        self.partitions = [
            Partition(name, number, log_append_time=stamped) for number in range(count)
        ]
