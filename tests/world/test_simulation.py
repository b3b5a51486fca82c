"""The world against a real broker with nobody behind it: what it publishes, and how it gives up."""

import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition

from streams import clients, provision, topics
from streams.broker import EmbeddedBroker
from streams.codec.faults import Undecodable
from streams.errors import Cause, Stop
from streams.gate.reference import Gateway, Provider, Service
from streams.settings import Settings, load
from streams.world import DEFAULT_MIX, Options, Summary, preload, run_simulation
from streams.world.mistakes import Malformed
from streams.world.mix import Fault, Mix
from streams.world.wire import our_codecs
from tests.world.market_for_tests import GATEWAYS, PROVIDERS, SERVICES

# Far more faults than outside, so that a short run has them all.
FAULTY = Mix(
    DEFAULT_MIX.tempers,
    {**DEFAULT_MIX.faults, Fault.MALFORMED: 0.2, Fault.DUPLICATES: 0.1, Fault.MISORDERS: 0.1},
)
BRIEF = Options(
    rate=400,
    duration=timedelta(seconds=1),
    subscribers=200,
    mix=FAULTY,
    patience=timedelta(milliseconds=200),
)

# What the gate will find wrong with a record whose bytes are as they should be.
READABLE = {
    Malformed.WRONG_PARTITION,
    Malformed.KEY_MISMATCH,
    Malformed.IMPOSSIBLE_MSISDN,
    Malformed.NEGATIVE_PRICE,
    Malformed.TIME_AHEAD,
    Malformed.CONFLICT,
}


@dataclass(frozen=True)
class Found:
    """A record as it lies on the topic."""

    key: bytes | None
    value: bytes | None
    partition: int | None
    timestamp: int


def _outside(kafka: EmbeddedBroker, **environment: str) -> Settings:
    """Topics of one's own with the small market's reference data."""
    made = load(
        {
            "TOLLGATE_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
            "TOLLGATE_TOPIC_PREFIX": f"t{uuid.uuid4().hex[:12]}.",
            "TOLLGATE_PARTITIONS": "4",
        }
        | environment
    )
    provision.apply(made)
    _publish_reference(made)
    return made


@pytest.fixture(scope="module")
def settings(kafka: EmbeddedBroker) -> Settings:
    """The topics of the one run without a gate that most of these tests look at."""
    return _outside(kafka)


@pytest.fixture(scope="module")
def preloaded(kafka: EmbeddedBroker) -> Settings:
    """Topics with a preload of 5,000 events."""
    made = _outside(kafka)
    assert preload(made, 5000, seed=3, subscribers=300).events == 5000
    return made


@pytest.fixture(scope="module")
def summary(settings: Settings) -> Summary:
    """A brief, faulty run to which nobody answers."""
    return run_simulation(settings, BRIEF)


def test_without_a_gate_the_world_says_what_is_missing(
    settings: Settings, summary: Summary
) -> None:
    """A run that nobody answers ends by itself, with one sentence and every order waiting."""
    assert not summary.drained
    assert summary.tally.waiting == summary.tally.orders >= 400
    assert summary.trouble is not None
    assert f"{summary.tally.orders} of {summary.tally.orders} orders" in summary.trouble
    assert settings.topic_prefix in summary.trouble


def test_only_the_planned_share_is_unreadable(settings: Settings, summary: Summary) -> None:
    """What cannot be decoded is what was garbled on purpose, and its count is told."""
    decode = our_codecs().decoder(topics.ORDERS)
    causes: Counter[str] = Counter()
    found = list(_read(settings, topics.ORDERS))
    for record in found:
        try:
            decode(record.value)
        except Undecodable as fault:
            causes[fault.cause] += 1
    garbled = {kind: n for kind, n in summary.tally.malformed.items() if kind not in READABLE}
    assert causes == garbled
    assert len(found) == summary.tally.published[topics.ORDERS]


def test_keys_and_partitions_are_right(settings: Settings, summary: Summary) -> None:
    """Every readable record lies where Kafka's own partitioner puts its MSISDN, but the planned."""
    decode = our_codecs().decoder(topics.ORDERS)
    wrong = 0
    for record in _read(settings, topics.ORDERS):
        try:
            order = decode(record.value)
        except Undecodable:
            continue
        key = order.msisdn.encode()
        wrong += record.key != key or record.partition != _java_partition(key, 4)
    planned = summary.tally.malformed
    assert wrong == planned[Malformed.WRONG_PARTITION] + planned[Malformed.KEY_MISMATCH]
    assert wrong > 0


def test_centres_send_some_records_twice(settings: Settings, summary: Summary) -> None:
    """Duplicates are there, byte for byte, as many as were told."""
    values = Counter(r.value for r in _read(settings, topics.ORDERS) if r.value is not None)
    assert sum(n - 1 for n in values.values()) == summary.tally.duplicates > 0


def test_the_same_seed_orders_the_same(kafka: EmbeddedBroker) -> None:
    """Two runs of one seed place the same orders, run ids and times aside."""
    settings = _outside(kafka)
    clean = replace(BRIEF, mix=DEFAULT_MIX)
    decode = our_codecs().decoder(topics.ORDERS)
    for _ in range(2):
        run_simulation(settings, clean)
    everything = list(_read(settings, topics.ORDERS))
    bought: list[Counter[Any]] = [Counter(), Counter()]
    seen: set[str] = set()
    runs: list[str] = []
    for record in everything:
        try:
            order = decode(record.value)
        except Undecodable:
            continue
        run = order.order_id.partition("-")[0]
        runs += [run] if run not in runs else []
        if order.order_id not in seen:
            seen.add(order.order_id)
            bought[runs.index(run)][order.msisdn, order.service_id, order.price_minor] += 1
    assert len(runs) == 2
    assert bought[0] == bought[1]


def test_simulated_time_runs_in_the_past_with_its_own_ticks(kafka: EmbeddedBroker) -> None:
    """Under simulated time records carry past times and the world ticks every second everywhere."""
    settings = _outside(kafka, TOLLGATE_PARTITIONS="2", TOLLGATE_SIMULATED_TIME="true")
    options = replace(
        BRIEF, rate=5, duration=timedelta(seconds=60), patience=timedelta(seconds=5), speed=60
    )
    run_simulation(settings, options)
    ticks = list(_read(settings, topics.TICKS))
    for number in range(2):
        stamps = [record.timestamp for record in ticks if record.partition == number]
        assert stamps == list(range(stamps[0], stamps[0] + len(stamps) * 1000, 1000))
        assert len(stamps) >= 60
    orders = [record.timestamp for record in _read(settings, topics.ORDERS)]
    assert max(orders) - min(orders) >= 50_000


def test_a_preload_has_exactly_the_events_asked_for(preloaded: Settings) -> None:
    """A preload publishes as many events as asked for, of every kind, in the right places."""
    names = (topics.ORDERS, topics.REPLIES, topics.DELIVERY_REPORTS, topics.SETTLEMENTS)
    found = {name: list(_read(preloaded, name)) for name in names}
    assert sum(map(len, found.values())) == 5000
    assert all(found.values())
    for name, records in found.items():
        decode = our_codecs().decoder(name)
        for record in records:
            key = decode(record.value).msisdn.encode()
            assert (record.key, record.partition) == (key, _java_partition(key, 4))


def test_a_preloaded_reply_lies_behind_its_order(preloaded: Settings) -> None:
    """Each reply was received at or after the instant its order was put on the log."""
    codecs = our_codecs()
    put_at: dict[str, int] = {}
    for record in _read(preloaded, topics.ORDERS):
        msisdn = codecs.decode(topics.ORDERS, record.value).msisdn
        put_at[msisdn] = min(record.timestamp, put_at.get(msisdn, record.timestamp))
    replies = [
        codecs.decode(topics.REPLIES, record.value) for record in _read(preloaded, topics.REPLIES)
    ]
    assert replies
    assert all(reply.received_at >= put_at[reply.msisdn] for reply in replies)


def test_missing_topics_are_one_sentence(kafka: EmbeddedBroker, prefix: str) -> None:
    """Without topics the world stops with the cause that says what to do."""
    settings = load(
        {
            "TOLLGATE_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
            "TOLLGATE_TOPIC_PREFIX": prefix,
        }
    )
    with pytest.raises(Stop) as stopped:
        run_simulation(settings, BRIEF)
    assert stopped.value.cause is Cause.TOPIC_MISSING


def _publish_reference(settings: Settings) -> None:
    codecs = our_codecs()
    producer = Producer(clients.producer(settings, "tests"))
    for name, record_type, records in (
        (topics.PROVIDERS, Provider, PROVIDERS),
        (topics.SERVICES, Service, SERVICES),
        (topics.GATEWAYS, Gateway, GATEWAYS),
    ):
        encode = codecs.encoder(name, record_type)
        for record in records:
            producer.produce(settings.topic_prefix + name, encode(record), record[0].encode())
    assert producer.flush(30) == 0


def _read(settings: Settings, name: str) -> Iterator[Found]:
    """Everything on a topic, partition by partition."""
    consumer = Consumer(clients.reader(settings, "tests") | {"enable.partition.eof": True})
    topic = settings.topic_prefix + name
    numbers = consumer.list_topics(topic, timeout=15).topics[topic].partitions
    open_ones = set(numbers)
    consumer.assign([TopicPartition(topic, number, 0) for number in numbers])
    while open_ones:
        record = consumer.poll(30)
        assert record is not None
        error = record.error()
        if error is None:
            yield Found(record.key(), record.value(), record.partition(), record.timestamp()[1])
        else:
            assert error.code() == KafkaError._PARTITION_EOF
            open_ones.discard(record.partition())
    consumer.close()


def _java_partition(key: bytes, partitions: int) -> int:
    """Kafka's `Utils.toPositive(Utils.murmur2(key)) % partitions`, with Java's int arithmetic."""

    def int32(number: int) -> int:
        return (number + 2**31) % 2**32 - 2**31

    def shift(number: int, bits: int) -> int:
        return (number % 2**32) >> bits

    m = 0x5BD1E995
    h = int32(0x9747B28C ^ len(key))
    whole = len(key) // 4 * 4
    for at in range(0, whole, 4):
        k = int32(int.from_bytes(key[at : at + 4], "little", signed=True) * m)
        k = int32(int32(k ^ shift(k, 24)) * m)
        h = int32(int32(h * m) ^ k)
    if whole < len(key):
        h = int32(int32(h ^ int.from_bytes(key[whole:], "little")) * m)
    h = int32(int32(h ^ shift(h, 13)) * m)
    h = int32(h ^ shift(h, 15))
    return (h & 0x7FFFFFFF) % partitions
