"""KIP-890's hole, as librdkafka leaves it open, and how the engine closes it.

The proxy breaks a commit's connection and keeps the request. librdkafka repeats it on a new
connection, and the commit succeeds; then the first request arrives.
"""

import time
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from streams.broker import EmbeddedBroker
from streams.engine.config import Config
from streams.engine.kafka import KafkaClients
from streams.engine.ports import Producer
from streams.engine.process import Threads
from streams.engine.transactions import Producers
from tests.engine.rig import PATIENCE_S
from tests.rigs.proxy import LOOPBACK, Act, Fault, Proxy
from tests.rigs.wire import Api

TOPIC = "late"

Rig = tuple[EmbeddedBroker, Proxy]


@pytest.fixture(scope="module")
def rig(far_kafka: Rig) -> Rig:
    """A broker behind a proxy, with a topic of one partition."""
    admin = AdminClient({"bootstrap.servers": far_kafka[0].bootstrap_servers})
    admin.create_topics([NewTopic(TOPIC, 1, 1)])[TOPIC].result()
    return far_kafka


@pytest.fixture
def clients(rig: Rig, tmp_path: Path) -> KafkaClients:
    """A worker's clients, which reach the broker by the proxy alone."""
    client = {"bootstrap.servers": f"{LOOPBACK}:{rig[1].port}"}
    return KafkaClients(Config("late", (TOPIC,), TOPIC, tmp_path, client))


def begin(producer: Producer, value: bytes) -> None:
    """A transaction with one record, which lies on the broker when this returns."""
    producer.begin_transaction()
    producer.produce(TOPIC, value, None, 0)
    assert producer.flush(PATIENCE_S) == 0


def commit_over_a_broken_connection(proxy: Proxy, producer: Producer) -> Fault:
    """A commit whose EndTxn is kept, and repeated by librdkafka; the fault, to let it go."""
    fault = proxy.plan([Api.END_TXN], Act.CUT_AND_HOLD)
    producer.commit_transaction(10)
    assert fault.caught.is_set()
    return fault


def let_go(proxy: Proxy, fault: Fault) -> None:
    """The late request arrives and is answered."""
    proxy.trace.clear()
    proxy.release(fault)
    end = time.monotonic() + PATIENCE_S
    while "answered" not in proxy.said():
        assert time.monotonic() < end, proxy.said()
        time.sleep(0.01)


def committed(broker: EmbeddedBroker) -> set[bytes]:
    """What a read_committed reader sees, up to the first transaction that is open."""
    reader = Consumer(
        {
            "bootstrap.servers": broker.bootstrap_servers,
            "group.id": "reader",
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
        }
    )
    reader.assign([TopicPartition(TOPIC, 0, 0)])
    seen: set[bytes] = set()
    try:
        while (message := reader.poll(PATIENCE_S)) is not None and message.error() is None:
            seen.add(message.value() or b"")
        return seen
    finally:
        reader.close()


def test_a_late_commit_ends_a_later_transaction_of_the_same_handle(
    rig: Rig, clients: KafkaClients
) -> None:
    """The hole: half a turn becomes visible, though nobody has committed it."""
    broker, proxy = rig
    producer = clients.transactional_producer("same")
    begin(producer, b"first")
    fault = commit_over_a_broken_connection(proxy, producer)
    begin(producer, b"half a turn")
    let_go(proxy, fault)
    assert b"half a turn" in committed(broker)
    producer.produce(TOPIC, b"the other half", None, 0)
    with pytest.raises(KafkaException):
        producer.commit_transaction(10)


def test_a_new_epoch_is_out_of_reach_of_a_late_commit(rig: Rig, clients: KafkaClients) -> None:
    """The cure: the disturbed handle is replaced before its id begins another transaction."""
    broker, proxy = rig
    producer = clients.transactional_producer("renewed")
    begin(producer, b"before")
    fault = commit_over_a_broken_connection(proxy, producer)
    assert producer.is_disturbed()
    renewed = clients.transactional_producer("renewed")
    producer.close()
    begin(renewed, b"one half, ")
    let_go(proxy, fault)
    assert b"one half, " not in committed(broker)
    renewed.produce(TOPIC, b"and the other", None, 0)
    renewed.commit_transaction(10)
    assert committed(broker) >= {b"before", b"one half, ", b"and the other"}
    assert not renewed.is_disturbed()


@pytest.mark.parametrize("api", [Api.END_TXN, Api.ADD_PARTITIONS_TO_TXN, Api.PRODUCE])
@pytest.mark.parametrize("act", [Act.CUT, Act.CUT_BEFORE_ANSWER, Act.CUT_AND_HOLD])
def test_every_broken_connection_of_a_turn_is_told(
    rig: Rig, clients: KafkaClients, api: Api, act: Act
) -> None:
    """By the time the commit returns; a handle on which nothing broke is not accused."""
    _, proxy = rig
    producer = clients.transactional_producer(f"told-{api.name}-{act.name}")
    begin(producer, b"quiet")
    producer.commit_transaction(10)
    assert not producer.is_disturbed()
    fault = proxy.plan([api], act)
    begin(producer, b"loud")
    producer.commit_transaction(10)
    assert fault.caught.is_set()
    assert producer.is_disturbed()
    proxy.lift()


def test_a_request_that_was_given_up_is_told(rig: Rig, clients: KafkaClients) -> None:
    """After the transaction's timeout librdkafka repeats it with nothing but a line in its log."""
    _, proxy = rig
    producer = clients.transactional_producer("given up")
    begin(producer, b"slow")
    fault = proxy.plan([Api.END_TXN], Act.HOLD)
    producer.commit_transaction(20)
    assert fault.caught.is_set()
    assert producer.is_disturbed()
    proxy.lift()


def test_no_turn_begins_on_a_handle_that_was_idle_when_its_connection_broke(
    rig: Rig, clients: KafkaClients
) -> None:
    """Both handles are replaced, and the next turns are committed without delay."""
    _, proxy = rig
    producers = Producers(clients, Threads(4), "idle")
    end = time.monotonic() + PATIENCE_S
    old = [producers.next()]
    while (second := producers.next()) is old[0]:  # still being made
        assert time.monotonic() < end
        time.sleep(0.01)
    old.append(second)
    for producer in old:
        begin(producer, b"before")
        producer.commit_transaction(10)
    proxy.cut_all()
    while not all(producer.is_disturbed() for producer in old):
        assert time.monotonic() < end
        time.sleep(0.01)
    for _ in range(2):
        fresh = producers.next()
        assert fresh not in old
        begin(fresh, b"after")
        fresh.commit_transaction(10)


def test_a_refused_and_retired_handle_is_closed_at_once(rig: Rig, clients: KafkaClients) -> None:
    """Its end takes no time that somebody would wait for, and aborts nothing of its successor's."""
    broker, _ = rig
    refused = clients.transactional_producer("refused")
    begin(refused, b"never")
    refused.abort_transaction(10)
    successor = clients.transactional_producer("refused")
    begin(successor, b"ever")
    began = time.monotonic()
    refused.close()
    assert time.monotonic() - began < PATIENCE_S / 10
    successor.commit_transaction(10)
    seen = committed(broker)
    assert b"ever" in seen
    assert b"never" not in seen
