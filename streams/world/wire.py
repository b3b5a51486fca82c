# librdkafka's own error codes begin with an underscore; they are documented all the same.
# ruff: noqa: SLF001
"""The world's side of Kafka: one writer, one reader, and what stands in the reference topics.

Law: what could not be written ends the simulation with a sentence; nothing is lost in silence.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from streams import clients, topics
from streams.codec.classes import types_of
from streams.codec.codecs import Codecs
from streams.errors import Cause, Stop
from streams.gate import effects, events, reference, words
from streams.gate.events import CareAction, DeliveryReport, Order, Reply, Settlement, Tick
from streams.settings import Settings
from streams.world.market import Market, NothingToOrder, market

# A topic's metadata or watermark on a broker that works; a busy start included.
_ANSWER_S = 15.0
# Reference topics are small and local; a read that stalls this long has no broker behind it.
_READ_S = 30.0
_FLUSH_S = 30.0

# Room for a second of the highest rate, so that a stalled broker is noticed and not outrun.
_QUEUE_RECORDS = 200_000

_WRITER = {
    "queue.buffering.max.messages": _QUEUE_RECORDS,
    "compression.type": "lz4",
    # Python hears of failures only: a callback a record would cost more than the record.
    "delivery.report.only.error": True,
}
_READER = {
    # Charges and prompts are answered when they are committed, not half a second later.
    "fetch.wait.max.ms": 20,
    # Until then let some come together: a request for every single message is the broker's time.
    "fetch.min.bytes": 20_000,
    "enable.partition.eof": False,
}


class Encoders(NamedTuple):
    """How the outside writes its records; encoded as the released schemas say."""

    order: Callable[[Order], bytes]
    reply: Callable[[Reply], bytes]
    report: Callable[[DeliveryReport], bytes]
    settlement: Callable[[Settlement], bytes]
    care: Callable[[CareAction], bytes]
    tick: Callable[[Tick], bytes]


def our_codecs() -> Codecs:
    """The codecs of a centre that has the released schemas, and no registry."""
    return Codecs.from_repository(types_of(words, events, effects, reference))


def encoders(codecs: Codecs) -> Encoders:
    """The encoders of everything that the outside publishes."""
    return Encoders(
        codecs.encoder(topics.ORDERS, Order),
        codecs.encoder(topics.REPLIES, Reply),
        codecs.encoder(topics.DELIVERY_REPORTS, DeliveryReport),
        codecs.encoder(topics.SETTLEMENTS, Settlement),
        codecs.encoder(topics.CARE, CareAction),
        codecs.encoder(topics.TICKS, Tick),
    )


class Writer:
    """Publishes records by key, as a centre does."""

    def __init__(self, settings: Settings) -> None:
        self._prefix = settings.topic_prefix
        self._where = settings.bootstrap_servers
        self._producer = Producer(clients.producer(settings, "world") | _WRITER)
        self._failed: str | None = None

    def publish(
        self, topic: str, key: bytes | None, value: bytes | None, at: int, partition: int = -1
    ) -> None:
        """Hand one record over; partition -1 is the key's own (murmur2)."""
        while True:
            try:
                self._producer.produce(
                    self._prefix + topic, value, key, partition, self._report, timestamp=at
                )
                return
            except BufferError:
                self.attend(0.05)

    def attend(self, wait_s: float = 0.0) -> None:
        """Hear of failures; raises Stop for the first."""
        self._producer.poll(wait_s)
        if self._failed:
            raise Stop(Cause.BROKER_AWAY, f"{self._where}: {self._failed}")

    def flush(self) -> None:
        """Wait until the broker has all of it."""
        left = self._producer.flush(_FLUSH_S)
        self.attend()
        if left:
            raise Stop(
                Cause.BROKER_AWAY,
                f"{self._where}: {left} records not acknowledged within {_FLUSH_S:.0f} s",
            )

    def close(self) -> None:
        """Let the connections go; what was not flushed is lost."""
        del self._producer

    def _report(self, error: KafkaError | None, record: Message) -> None:
        if error is not None and self._failed is None:
            self._failed = f"a record for {record.topic()} was not written: {error.str()}"


class Reader:
    """Reads committed records of some topics from now on, all partitions, in no group."""

    def __init__(self, settings: Settings, names: Iterable[str]) -> None:
        self._prefix = settings.topic_prefix
        self._consumer = Consumer(clients.reader(settings, "world") | _READER)
        self._counts = {name: partitions(self._consumer, settings, name) for name in names}
        places = [
            TopicPartition(self._prefix + name, number)
            for name, count in self._counts.items()
            for number in range(count)
        ]
        for place in places:
            _, place.offset = self._consumer.get_watermark_offsets(place, timeout=_ANSWER_S)
        self._consumer.assign(places)

    def partitions(self, name: str) -> int:
        """How many partitions this topic has; all per-subscriber topics have as many."""
        return self._counts[name]

    def read(self, most: int, wait_s: float) -> Iterator[tuple[str, bytes]]:
        """Up to `most` records as (catalogue name, value); waits `wait_s` unless all arrive."""
        start = len(self._prefix)
        for record in self._consumer.consume(most, wait_s):
            if record.error() is not None:
                raise KafkaException(record.error())
            topic, value = record.topic(), record.value()
            if topic is not None and value is not None:
                yield topic[start:], value

    def close(self) -> None:
        """Let the connections go."""
        self._consumer.close()


def partitions(client: Any, settings: Settings, name: str) -> int:
    """How many partitions a topic has; raises Stop when it, or the broker, is missing."""
    topic = settings.topic_prefix + name
    try:
        metadata = client.list_topics(topic, timeout=_ANSWER_S).topics[topic]
    except KafkaException as error:
        detail = f"{settings.bootstrap_servers}: {error.args[0].str()}"
        raise Stop(Cause.BROKER_AWAY, detail) from error
    if metadata.error is not None or not metadata.partitions:
        raise Stop(Cause.TOPIC_MISSING, f"{topic} at {settings.bootstrap_servers}")
    return len(metadata.partitions)


def read_market(settings: Settings, codecs: Codecs) -> Market:
    """What can be ordered, from the reference topics as they stand now."""
    consumer = Consumer(
        clients.reader(settings, "world-reference") | {"enable.partition.eof": True}
    )
    try:
        found = {
            name: [codecs.decode(name, value) for value in _all_values(consumer, settings, name)]
            for name in (topics.PROVIDERS, topics.SERVICES, topics.GATEWAYS)
        }
    finally:
        consumer.close()
    try:
        return market(found[topics.PROVIDERS], found[topics.SERVICES], found[topics.GATEWAYS])
    except NothingToOrder:
        raise Stop(
            Cause.REFERENCE_REFUSED,
            f"no service is on sale in {settings.topic_prefix}{topics.SERVICES}",
            "Run `tollgate reference apply FILE` first; deploy/reference holds an example.",
        ) from None


def _all_values(consumer: Consumer, settings: Settings, name: str) -> Iterator[bytes]:
    """All values of a reference topic (one partition) up to its end."""
    partitions(consumer, settings, name)
    consumer.assign([TopicPartition(settings.topic_prefix + name, 0, 0)])
    while True:
        record = consumer.poll(_READ_S)
        if record is None:
            raise Stop(
                Cause.BROKER_AWAY,
                f"{settings.bootstrap_servers}: nothing of {name} within {_READ_S:.0f} s",
            )
        error = record.error()
        if error is None:
            value = record.value()
            if value is not None:
                yield value
        elif error.code() == KafkaError._PARTITION_EOF:
            return
        else:
            raise KafkaException(error)
