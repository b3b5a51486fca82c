"""Reads a topic's partitions from where a person wants to begin, to their ends or ever on.

Laws: an end is asked once, before the first record, so that reading ends also on a busy topic; a
broker that falls silent ends it too. No group is joined, no position is kept.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, TypeVar

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from streams import clients
from streams.cluster import ANSWER_SECONDS_MAX, Cluster, asked, stop_for
from streams.errors import Cause, Stop
from streams.settings import Settings

T = TypeVar("T")

_POLL_SECONDS = 0.2
_WIDER = 4
# librdkafka's own codes begin with an underscore.
_END = KafkaError._PARTITION_EOF  # noqa: SLF001
_ALL_DOWN = KafkaError._ALL_BROKERS_DOWN  # noqa: SLF001


class NoSuchPartition(Exception):
    """The topic has fewer partitions; the text says how many."""


class Start(NamedTuple):
    """Where to begin in each partition: the first that is given counts."""

    offset: int | None = None
    at: int | None = None  # UTC ms: the first record of that time or later
    last: int = 10  # so many records before the end


class Tail:
    """One topic's partitions, read until it is closed."""

    def __init__(self, settings: Settings, topic: str, partition: int | None) -> None:
        """Ask the broker for the topic's partitions; one of them alone if it is given."""
        self._servers = settings.bootstrap_servers
        self._topic = topic
        count = Cluster(settings).partitions((topic,))[topic]
        if partition is not None and partition >= count:
            raise NoSuchPartition(
                f"{topic} has {count} partitions, 0 to {count - 1}: there is no {partition}"
            )
        self._partitions = range(count) if partition is None else (partition,)
        self._down_since: float | None = None
        self._consumer = Consumer(
            clients.reader(settings, "tail")
            | {"enable.partition.eof": True, "log_level": 2, "error_cb": self._hear}
        )

    def close(self) -> None:
        """Let go of the connections."""
        self._consumer.close()

    def read(self, start: Start, *, follow: bool) -> Iterator[Message]:
        """The records from the start on; those of one partition in their order."""
        limits = {number: self._limits(number) for number in self._partitions}
        ends = {number: high for number, (_, high) in limits.items()}
        if start.offset is None and start.at is None:
            found = [each for number in limits for each in self._last(number, limits, start.last)]
            yield from sorted(found, key=lambda one: (one.timestamp()[1], one.partition() or 0))
            begins = ends
        else:
            begins = self._begins(start, limits)
            if not follow:
                yield from self._until(begins, ends)
        if follow:
            yield from self._on(begins)

    def beyond(self, offset: int) -> str:
        """Where the partitions end, in words, if all end before an offset; else empty."""
        ends = {number: self._limits(number)[1] for number in self._partitions}
        if any(end >= offset for end in ends.values()):
            return ""
        told = ", ".join(f"partition {number} at {end}" for number, end in ends.items())
        return f"{self._topic} ends before that: {told}"

    def _last(
        self, number: int, limits: Mapping[int, tuple[int, int]], wanted: int
    ) -> list[Message]:
        """The last records of a partition: markers of transactions take offsets too."""
        low, high = limits[number]
        back = wanted
        while True:
            begin = max(low, high - back)
            found = list(self._until({number: begin}, {number: high}))
            if len(found) >= wanted or begin == low:
                return found[-wanted:]
            back *= _WIDER

    def _begins(self, start: Start, limits: Mapping[int, tuple[int, int]]) -> dict[int, int]:
        if start.offset is not None:
            return {
                number: min(max(start.offset, low), high) for number, (low, high) in limits.items()
            }
        at = [TopicPartition(self._topic, number, start.at or 0) for number in limits]
        answers = self._asked(
            lambda: self._consumer.offsets_for_times(at, timeout=ANSWER_SECONDS_MAX)
        )
        return {
            one.partition: one.offset if one.offset >= 0 else limits[one.partition][1]
            for one in answers
        }

    def _until(self, begins: Mapping[int, int], ends: Mapping[int, int]) -> Iterator[Message]:
        """From the begins to the ends, which were asked before."""
        unread = {number for number, begin in begins.items() if begin < ends[number]}
        self._consumer.assign([TopicPartition(self._topic, one, begins[one]) for one in unread])
        deadline = time.monotonic() + ANSWER_SECONDS_MAX
        while unread:
            message = self._consumer.poll(_POLL_SECONDS)
            if message is None:
                if time.monotonic() > deadline:
                    detail = f"reading {self._topic} at {self._servers}: no answer"
                    raise Stop(Cause.BROKER_AWAY, detail)
                continue
            deadline = time.monotonic() + ANSWER_SECONDS_MAX
            number, offset = message.partition(), message.offset()
            assert number is not None
            assert offset is not None
            is_record = self._is_record(message)
            if is_record and offset < ends[number]:
                yield message
            if not is_record or offset + 1 >= ends[number]:
                unread.discard(number)
        self._consumer.unassign()

    def _on(self, begins: Mapping[int, int]) -> Iterator[Message]:
        """From the begins on, for ever."""
        self._consumer.assign([TopicPartition(self._topic, *place) for place in begins.items()])
        while True:
            message = self._consumer.poll(_POLL_SECONDS)
            if message is None:
                down = self._down_since
                if down is not None and time.monotonic() - down > ANSWER_SECONDS_MAX:
                    detail = f"following {self._topic} at {self._servers}: all brokers are down"
                    raise Stop(Cause.BROKER_AWAY, detail)
                continue
            self._down_since = None
            if self._is_record(message):
                yield message

    def _is_record(self, message: Message) -> bool:
        """Whether it is one, or says that a partition ends here."""
        error = message.error()
        if error is not None and error.code() != _END:
            raise stop_for(f"reading {self._topic}", self._servers, error)
        return error is None

    def _limits(self, number: int) -> tuple[int, int]:
        at = TopicPartition(self._topic, number)
        return self._asked(
            lambda: self._consumer.get_watermark_offsets(at, timeout=ANSWER_SECONDS_MAX)
        )

    def _asked(self, ask: Callable[[], T]) -> T:
        return asked(f"reading {self._topic}", self._servers, ask)

    def _hear(self, error: KafkaError) -> None:
        if error.code() == _ALL_DOWN and self._down_since is None:
            self._down_since = time.monotonic()
