"""The topics of a broker as a source: only what was committed, up to ends learnt when opened.

Laws: nothing is written, no group is joined, a running gate is not touched. The ends are learnt so
that no transaction is cut (`ends_together`). Memory of a reading: librdkafka's queue
(`_QUEUE_KIB`), one fetch, and one batch of records.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

from confluent_kafka import (
    Consumer,
    IsolationLevel,
    KafkaError,
    Message,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, OffsetSpec

from streams import clients
from streams.cluster import asked, stop_for
from streams.errors import Cause, Stop
from streams.history.entry import Entry, Headers
from streams.history.source import Home, Span, check_asked, incomplete
from streams.settings import Settings
from streams.topics import CATALOGUE, CHANGELOG, DECISIONS, Kind

# Records asked for at a time: enough that the call costs little, few enough to stay small also
# where each has the 16 KiB of the largest input.
_BATCH = 500
# Fetched ahead of whoever reads, a home; a larger record is given all the same, alone.
_QUEUE_KIB = 2 * 1024
_FETCH_BYTES = 1024 * 1024
# Small records weigh several times their bytes.
_QUEUE_RECORDS = 10_000
_ANSWER_SECONDS = 30.0
# Without a record or an end for this long a broker is gone; a reader must not wait for ever.
_SILENCE_SECONDS = 60.0
# `consume` waits this long unless a whole batch is there.
_PAUSE_SECONDS = 0.1
# Longer than any worker's transaction may be open (settings: at most 10 s), and its end take.
_TRANSACTION_SECONDS = 30.0
_NO_TIMESTAMP = 0

T = TypeVar("T")
# librdkafka's own codes begin with an underscore.
_END = KafkaError._PARTITION_EOF  # noqa: SLF001
_REMOVED = {KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE}  # noqa: SLF001


@dataclass(frozen=True, slots=True)
class TopicSource:
    """The topics of these settings, as far as they were committed when this was opened."""

    settings: Settings
    partitions: int
    spans: Mapping[Home, Span]

    @classmethod
    def open(cls, settings: Settings) -> "TopicSource":
        """Learn what there is: with all effects of every decision that is in it."""
        return cls._open(settings, lambda homes: [home for home in homes if home[0] == DECISIONS])

    def later(self) -> "TopicSource":
        """The same topics as far as they reach now: with the decision of every effect in them."""
        return self._open(self.settings, lambda _: ())

    @property
    def prefix(self) -> str:
        """What the topics' names begin with."""
        return self.settings.topic_prefix

    def read(self, home: Home, begin: int, end: int) -> Iterator[Entry]:
        """The records of one home, in offset order."""
        return self.read_together({home: Span(begin, end)})

    def read_together(self, spans: Mapping[Home, Span]) -> Iterator[Entry]:
        """The records of many homes with one client, as the broker sends them."""
        for home, span in spans.items():
            check_asked(self.prefix, home, span, self.spans.get(home))
        wanted = {home: span for home, span in spans.items() if span.begin < span.end}
        return _Reading(self.settings, wanted).entries() if wanted else iter(())

    @classmethod
    def _open(
        cls, settings: Settings, first: Callable[[Sequence[Home]], Sequence[Home]]
    ) -> "TopicSource":
        broker = _Broker(settings)
        homes = broker.homes()
        begins = broker.offsets(homes, OffsetSpec.earliest())  # type: ignore[no-untyped-call] # the client's own
        ends = broker.ends_together(homes, first(homes))
        spans = {home: Span(min(begins[home], ends[home]), ends[home]) for home in homes}
        return cls(settings, sum(1 for topic, _ in homes if topic == DECISIONS), spans)


class _Reading:
    """One client and what is still to come from it."""

    def __init__(self, settings: Settings, spans: Mapping[Home, Span]) -> None:
        self._settings = settings
        self._spans = spans
        self._prefix = settings.topic_prefix
        # The first error that the client tells by itself: why nothing comes.
        self._told: KafkaError | None = None
        self._consumer = Consumer(
            clients.reader(settings, "history")
            | {
                "enable.partition.eof": True,
                # What is gone is said, never passed over.
                "auto.offset.reset": "error",
                "queued.max.messages.kbytes": _QUEUE_KIB,
                "queued.min.messages": _QUEUE_RECORDS,
                "fetch.message.max.bytes": _FETCH_BYTES,
                "error_cb": self._hear,
                "log_level": 2,
            }
        )
        # One after the other, each partition would cost most of a second before its first record.
        self._consumer.assign(
            [
                TopicPartition(self._prefix + topic, number, span.begin)
                for (topic, number), span in spans.items()
            ]
        )

    def entries(self) -> Iterator[Entry]:
        """Every record, each home up to its end."""
        try:
            yield from self._entries()
        finally:
            self._consumer.close()

    def _entries(self) -> Iterator[Entry]:
        left = set(self._spans)
        heard = time.monotonic()
        while left:
            messages = self._consumer.consume(_BATCH, _PAUSE_SECONDS)
            for message in messages:
                home = (message.topic() or "")[len(self._prefix) :], cast(int, message.partition())
                end = self._spans[home].end
                if message.error() is not None:
                    at = self._end_of(home, message)
                    if at >= end:
                        left.discard(home)
                    continue
                entry = _entry(message, home)
                if entry.offset < end:
                    yield entry
                if entry.offset >= end - 1 and home in left:
                    left.discard(home)
                    # Nothing more is fetched of it while others are still read.
                    self._consumer.incremental_unassign(
                        [TopicPartition(self._prefix + home[0], home[1])]
                    )
            # Whoever reads may have taken its time over the batch.
            if messages:
                heard = time.monotonic()
            elif time.monotonic() - heard > _SILENCE_SECONDS:
                raise self._silent(min(left))

    def _end_of(self, home: Home, message: Message) -> int:
        """The offset that a partition's end was met at; any other error ends the reading."""
        error = message.error()
        assert error is not None
        if error.code() == _END:
            return cast(int, message.offset())
        if error.code() in _REMOVED:
            raise incomplete(self._prefix, home, "records were removed while they were read")
        raise _unread(self._settings, error)

    def _silent(self, home: Home) -> Stop:
        if self._told is not None:
            return _unread(self._settings, self._told)
        topic, number = home
        detail = f"{self._prefix}{topic} partition {number} fell silent before its end"
        return Stop(Cause.BROKER_AWAY, detail)

    def _hear(self, error: KafkaError) -> None:
        self._told = self._told or error


def _entry(message: Message, home: Home) -> Entry:
    # The client's types allow for messages not yet sent; these were read.
    return Entry(
        home[0],
        home[1],
        cast(int, message.offset()),
        max(message.timestamp()[1], _NO_TIMESTAMP),
        message.key(),
        message.value(),
        cast(Headers, tuple(message.headers() or ())),
    )


def _unread(settings: Settings, error: KafkaError) -> Stop:
    if error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
        return Stop(Cause.TOPIC_MISSING, f"reading the history: {error.str()}")
    return stop_for("reading the history", settings.bootstrap_servers, error)


class _Broker:
    """Asks a broker what there is, where it begins and where it ends."""

    def __init__(self, settings: Settings) -> None:
        self._servers = settings.bootstrap_servers
        self._prefix = settings.topic_prefix
        self._admin = AdminClient(clients.admin(settings))

    def homes(self) -> list[Home]:
        """Every partition of the catalogue's topics, but the changelog's."""
        known = self._asked(lambda: self._admin.list_topics(timeout=_ANSWER_SECONDS)).topics
        homes: list[Home] = []
        counts: dict[str, int] = {}
        for topic in CATALOGUE:
            if topic.name == CHANGELOG:
                continue
            found = known.get(topic.full_name(self._prefix))
            if found is None:
                raise Stop(Cause.TOPIC_MISSING, f"there is no topic {self._prefix}{topic.name}")
            homes.extend((topic.name, partition) for partition in sorted(found.partitions))
            if topic.kind is not Kind.REFERENCE:
                counts[topic.name] = len(found.partitions)
        for name, count in counts.items():
            if count < max(counts.values()):
                raise incomplete(self._prefix, (name, count), "there is no such partition")
        return homes

    def offsets(
        self,
        homes: Sequence[Home],
        spec: OffsetSpec,
        isolation: IsolationLevel = IsolationLevel.READ_UNCOMMITTED,
    ) -> dict[Home, int]:
        """An offset of each partition: `spec` says which, as readers of `isolation` have it."""
        wanted = {TopicPartition(self._prefix + topic, number): spec for topic, number in homes}
        return self._asked(
            lambda: {
                (where.topic[len(self._prefix) :], where.partition): answer.result().offset
                for where, answer in self._admin.list_offsets(
                    wanted, isolation_level=isolation, request_timeout=_ANSWER_SECONDS
                ).items()
            }
        )

    def ends_together(self, homes: Sequence[Home], first: Sequence[Home]) -> dict[Home, int]:
        """Ends between which no transaction is cut.

        1. The committed ends of `first`.
        2. The written ends of the others: what was produced with those records lies before them.
        3. Wait until that much is committed: the broker ends a transaction partition by partition.
        """
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call] # the client's own
        committed = IsolationLevel.READ_COMMITTED
        known = self.offsets(first, latest, committed) if first else {}
        others = [home for home in homes if home not in known]
        written = self.offsets(others, latest)
        until = time.monotonic() + _TRANSACTION_SECONDS
        while True:
            ends = self.offsets(others, latest, committed)
            behind = min((home for home in others if ends[home] < written[home]), default=None)
            if behind is None:
                return known | ends
            if time.monotonic() > until:
                raise Stop(
                    Cause.UNCERTAIN_COMMIT,
                    f"a transaction on {self._prefix}{behind[0]} partition {behind[1]} stays open",
                    "Try again when the transactions of stopped workers have timed out.",
                )
            time.sleep(_PAUSE_SECONDS)

    def _asked(self, ask: Callable[[], T]) -> T:
        return asked("reading the history", self._servers, ask)
