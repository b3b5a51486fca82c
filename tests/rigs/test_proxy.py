"""The proxy does to requests what it was told, and nothing to the others."""

import time
from collections.abc import Iterator

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from streams.broker import EmbeddedBroker
from tests.rigs.far_broker import behind_proxy
from tests.rigs.proxy import LOOPBACK, Act, Proxy
from tests.rigs.wire import Api

Rig = tuple[EmbeddedBroker, Proxy]


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """One broker behind a proxy, with a topic."""
    with behind_proxy(tmp_path_factory.mktemp("far")) as (broker, proxy):
        admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
        admin.create_topics([NewTopic("t", 1, 1)])["t"].result()
        yield broker, proxy


@pytest.fixture(autouse=True)
def no_fault_stays(rig: Rig) -> Iterator[None]:
    """Each test plans its own."""
    yield
    rig[1].lift()
    rig[1].trace.clear()


def far(proxy: Proxy, **more: object) -> Producer:
    return Producer({"bootstrap.servers": f"{LOOPBACK}:{proxy.port}", "linger.ms": 0, **more})


def transactional(proxy: Proxy, name: str, **more: object) -> Producer:
    producer = far(proxy, **{"transactional.id": name, "retry.backoff.ms": 2, **more})
    producer.init_transactions(20)
    return producer


def committed(broker: EmbeddedBroker) -> int:
    """Where a read_committed reader's end of the topic is."""
    reader = Consumer({"bootstrap.servers": broker.bootstrap_servers, "group.id": "reader"})
    try:
        return int(reader.get_watermark_offsets(TopicPartition("t", 0), 10)[1])
    finally:
        reader.close()


def test_clients_stay_with_the_proxy_and_everything_passes(rig: Rig) -> None:
    """Without a fault a transaction goes through, and its requests are in the trace."""
    _, proxy = rig
    producer = transactional(proxy, "plain")
    producer.begin_transaction()
    producer.produce("t", b"1")
    producer.commit_transaction(20)
    assert "END_TXN commit plain" in proxy.said()
    assert "answered: NO_ERROR" in proxy.said()


def test_a_delay_holds_back_what_follows_and_loses_nothing(rig: Rig) -> None:
    """The commit takes as long as its delayed request."""
    _, proxy = rig
    producer = transactional(proxy, "delayed")
    fault = proxy.plan([Api.END_TXN], Act.DELAY, delay_s=0.7)
    producer.begin_transaction()
    producer.produce("t", b"1")
    began = time.monotonic()
    producer.commit_transaction(20)
    assert time.monotonic() - began >= 0.7
    assert len(fault.picked) == 1


def test_a_swallowed_request_never_reaches_the_broker(rig: Rig) -> None:
    """The client's call times out, and the record stays invisible until the abort."""
    broker, proxy = rig
    producer = transactional(proxy, "swallowed")
    before = committed(broker)
    proxy.plan([Api.END_TXN], Act.SWALLOW_REQUEST)
    producer.begin_transaction()
    producer.produce("t", b"1")
    with pytest.raises(KafkaException, match="_TIMED_OUT"):
        producer.commit_transaction(1)
    assert "answered" not in proxy.said()
    again = transactional(proxy, "swallowed")  # aborts what is open
    again.begin_transaction()
    again.produce("t", b"2")
    again.commit_transaction(20)
    assert committed(broker) > before


def test_a_swallowed_answer_leaves_the_broker_committed(rig: Rig) -> None:
    """The client's call times out though the broker has done what it was asked."""
    _, proxy = rig
    producer = transactional(proxy, "unheard")
    proxy.plan([Api.END_TXN], Act.SWALLOW_ANSWER)
    producer.begin_transaction()
    producer.produce("t", b"1")
    with pytest.raises(KafkaException, match="_TIMED_OUT"):
        producer.commit_transaction(1)
    assert "answered: NO_ERROR" in proxy.said()


@pytest.mark.parametrize("act", [Act.CUT, Act.CUT_BEFORE_ANSWER])
def test_a_cut_connection_is_made_again_by_the_client(rig: Rig, act: Act) -> None:
    """The client library tries again by itself; the transaction is committed once."""
    _, proxy = rig
    producer = transactional(proxy, f"cut-{act.name}")
    fault = proxy.plan([Api.END_TXN], act)
    producer.begin_transaction()
    producer.produce("t", b"1")
    producer.commit_transaction(20)
    assert len(fault.picked) == 1
    assert proxy.said().count("END_TXN") >= 2


def test_a_held_request_is_delivered_after_its_client_has_gone(rig: Rig) -> None:
    """Cut off and held, it reaches the broker when it is released, and is answered there."""
    _, proxy = rig
    producer = transactional(proxy, "held")
    fault = proxy.plan([Api.END_TXN], Act.CUT_AND_HOLD)
    producer.begin_transaction()
    producer.produce("t", b"1")
    producer.commit_transaction(20)  # on a new connection
    assert "delivered late" not in proxy.said()
    proxy.release(fault)
    end = time.monotonic() + 10
    while proxy.said().count("answered") < 2:
        assert time.monotonic() < end, proxy.said()
        time.sleep(0.01)
    assert "delivered late" in proxy.said()


def test_faults_aim_at_a_client_and_at_the_nth_request(rig: Rig) -> None:
    """Another client's requests, and those before, pass."""
    _, proxy = rig
    mine = transactional(proxy, "aimed", **{"client.id": "aimed-at"})
    other = transactional(proxy, "other", **{"client.id": "somebody"})
    fault = proxy.plan([Api.END_TXN], Act.DELAY, delay_s=0.3, client="aimed", skip=1)
    took = []
    for producer in (other, other, mine, mine):
        producer.begin_transaction()
        producer.produce("t", b"1")
        began = time.monotonic()
        producer.commit_transaction(20)
        took.append(time.monotonic() - began)
    assert [one.client for one in fault.picked] == ["aimed-at"]
    assert took[3] >= 0.3


def test_latency_is_added_to_everything_each_way(rig: Rig) -> None:
    """A round trip takes twice the latency, and requests under way together wait once."""
    _, proxy = rig
    producer = far(proxy)
    producer.produce("t", b"1")
    assert producer.flush(10) == 0
    proxy.latency_s = 0.2
    began = time.monotonic()
    for _ in range(5):
        producer.produce("t", b"1")
        producer.poll(0)
    assert producer.flush(10) == 0
    assert 0.4 <= time.monotonic() - began < 2.0


@pytest.mark.parametrize("side", ["deaf", "mute"])
def test_a_half_open_connection_loses_one_direction(rig: Rig, side: str) -> None:
    """Nothing arrives and nothing is refused, until it is lifted."""
    _, proxy = rig
    producer = far(proxy, **{"socket.timeout.ms": 1000, "message.timeout.ms": 20_000})
    producer.produce("t", b"1")
    assert producer.flush(10) == 0
    setattr(proxy, side, True)
    producer.produce("t", b"1")
    assert producer.flush(0.6) == 1
    proxy.lift()
    assert producer.flush(15) == 0


def test_cut_all_closes_every_connection(rig: Rig) -> None:
    """Clients come back by themselves."""
    _, proxy = rig
    producer = far(proxy)
    producer.produce("t", b"1")
    assert producer.flush(10) == 0
    proxy.cut_all()
    producer.produce("t", b"1")
    assert producer.flush(10) == 0
