"""What keeps a worker from starting: one clear sentence, what to do, a code of its own, soon."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import NewTopic

from streams import provision, topics
from streams.broker import EmbeddedBroker
from streams.codec.ids import repository
from streams.codec.registry import register
from streams.errors import Cause
from tests.app.rig import ASKS_NOT, PATIENCE_S, Ended, Gate, Unsent, Worker, keyed, now_ms, order
from tests.codec.registry import MemoryRegistry, Subject, serve

SUBSCRIBER = "8613900000001"
# Loading Python's part takes one to three seconds of it on a busy machine.
SOON_S = 20.0


def check(ended: Ended, cause: Cause, *told: str) -> None:
    """It ended with the cause's code, soon, and said what, where and what to do, and no more."""
    assert ended.code == cause.exit_code, ended.said
    assert cause.value.sentence[1:] in ended.said
    for each in told:
        assert each in ended.said
    assert "Traceback" not in ended.said
    assert "%3|" not in ended.said, "librdkafka speaks for itself"
    assert ended.seconds < SOON_S


def decide_one(gate: Gate, worker: Worker) -> None:
    """One order, written and decided."""
    sent = gate.write(keyed(order(SUBSCRIBER, "first", ASKS_NOT, now_ms())))
    worker.wait(lambda: gate.has_taken(sent), "an order is decided")


@pytest.fixture
def gate(kafka: EmbeddedBroker, prefix: str, tmp_path: Path) -> Gate:
    """A gate of one partition, without reference data."""
    return Gate(kafka, prefix, tmp_path, PARTITIONS="1")


def delete(gate: Gate, name: str) -> None:
    """Delete a topic."""
    full = gate.settings.topic_prefix + name
    gate.admin.delete_topics([full])[full].result(PATIENCE_S)


def move(gate: Gate, name: str, offset: int) -> None:
    """Set the group's offset of partition 0, as somebody with Kafka's tools may.

    The broker refuses while it still takes a worker that ended at once for a member.
    """
    place = TopicPartition(gate.settings.topic_prefix + name, 0, offset)
    end = time.monotonic() + PATIENCE_S
    while not _is_moved(gate, place):
        assert time.monotonic() < end
        time.sleep(0.1)


def _is_moved(gate: Gate, place: TopicPartition) -> bool:
    asked = ConsumerGroupTopicPartitions(gate.settings.group, [place])
    try:
        answer = gate.admin.alter_consumer_group_offsets([asked])[gate.settings.group].result()
    except KafkaException:
        return False
    return all(one.error is None for one in answer.topic_partitions)


def test_topics_missing_or_unequal(gate: Gate) -> None:
    """A topic that is missing, and one with another number of partitions, are each named."""
    name = gate.settings.topic_prefix + topics.ALARMS
    delete(gate, topics.ALARMS)
    check(gate.refused(), Cause.TOPIC_MISSING, f"missing: {name}\n", "tollgate topics apply")
    gate.admin.create_topics([NewTopic(name, 3, 1)])[name].result(PATIENCE_S)
    check(gate.refused(), Cause.PARTITIONS_UNEQUAL, f"{name} has 3", "TOLLGATE_TOPIC_PREFIX")


def test_a_broker_that_is_away(gate: Gate) -> None:
    """Nobody listens, or somebody who never answers: the address is named within a bound."""
    with socket.create_server(("127.0.0.1", 0)) as silent, ThreadPoolExecutor() as both:
        addresses = ["127.0.0.1:1", f"127.0.0.1:{silent.getsockname()[1]}"]
        ends = both.map(lambda address: gate.refused(BOOTSTRAP_SERVERS=address), addresses)
        for address, ended in zip(addresses, ends, strict=True):
            check(ended, Cause.BROKER_AWAY, address, "tollgate broker")


def test_a_registry_that_is_not_ours(gate: Gate) -> None:
    """A registry without our schemas, with other ids for them, and one that is away."""
    memory = MemoryRegistry()
    with serve(memory) as url:
        check(
            gate.refused(SCHEMA_REGISTRY_URL=url),
            Cause.SCHEMA_UNREGISTERED,
            "tollgate schemas register",
        )
        register(url, gate.settings.topic_prefix)
        memory.texts[7] = repository().newest(topics.VERDICTS).schema.text
        subject = f"{gate.settings.topic_prefix}{topics.VERDICTS}-value"
        memory.subjects[subject] = Subject({1: 7})
        check(gate.refused(SCHEMA_REGISTRY_URL=url), Cause.REGISTRY_DIFFERS, subject, "id 7")
    check(
        gate.refused(SCHEMA_REGISTRY_URL=url), Cause.REGISTRY_AWAY, "TOLLGATE_SCHEMA_REGISTRY_URL"
    )


def test_a_registry_that_goes_away(gate: Gate) -> None:
    """A schema id that nobody can be asked about is no verdict on its record: the worker stops."""
    memory = MemoryRegistry()
    with serve(memory) as url:
        register(url, gate.settings.topic_prefix)
        with gate.worker(SCHEMA_REGISTRY_URL=url) as worker:
            decide_one(gate, worker)
            memory.gone = True
            foreign = Unsent(topics.ORDERS, SUBSCRIBER.encode(), b"\0\0\0\0\x07body")
            (sent,) = gate.write(foreign)
            assert worker.wait_for_end() == Cause.REGISTRY_AWAY.exit_code
            assert "The schema registry does not answer" in worker.said()
    assert not gate.has_taken([sent])


def test_a_state_folder_is_one_workers_and_one_gates(
    gate: Gate, kafka: EmbeddedBroker, prefix: str, tmp_path: Path
) -> None:
    """A folder in use, or of another group or gate, is refused by name; its owner goes on."""
    folder = str(gate.settings.data_dir)
    with gate.worker() as worker:
        decide_one(gate, worker)
        check(gate.refused(), Cause.STATE_IN_USE, folder, "Give each worker a TOLLGATE_DATA_DIR")
        decide_one(gate, worker)
        assert worker.stop() == 0
    other_group = gate.refused(GROUP=f"{prefix}other")
    check(other_group, Cause.STATE_FOREIGN, folder, f"group {prefix}other", f"group {prefix}gate")
    (tmp_path / "other").mkdir()
    other_gate = Gate(kafka, f"{prefix}other.", tmp_path / "other", PARTITIONS="1")
    check(
        other_gate.refused(DATA_DIR=folder), Cause.STATE_FOREIGN, folder, "Point TOLLGATE_DATA_DIR"
    )


# What starts over on purpose.
PREFIX = "a new TOLLGATE_TOPIC_PREFIX"


def shorten(gate: Gate, name: str, offset: int) -> None:
    """Delete the records of partition 0 below an offset, as retention does."""
    place = TopicPartition(gate.settings.topic_prefix + name, 0, offset)
    next(iter(gate.admin.delete_records([place]).values())).result(PATIENCE_S)


def test_a_state_that_contradicts_the_log(gate: Gate) -> None:
    """Offsets set by hand, undecided records gone, a topic made again: nothing is decided.

    Records that retention has removed behind the positions are no contradiction.
    """
    orders = f"{gate.settings.topic_prefix}{topics.ORDERS} [0]"
    with gate.worker() as worker:
        decide_one(gate, worker)
        assert worker.stop() == 0
    shorten(gate, topics.ORDERS, 1)
    with gate.worker() as worker:
        decide_one(gate, worker)
        assert worker.stop() == 0
    move(gate, topics.ORDERS, 0)
    told = "the group's offset is 0, the positions record says 2"
    check(gate.refused(), Cause.STATE_AHEAD, f"{orders}: {told}", "put them back")
    move(gate, topics.ORDERS, 2)
    gate.write(*(keyed(order(SUBSCRIBER, each, ASKS_NOT, now_ms())) for each in ("two", "three")))
    shorten(gate, topics.ORDERS, 4)
    told = "has offsets 4 to 4, the next to take is 2"
    check(gate.refused(), Cause.LOG_TRUNCATED, f"{orders} {told}", "nothing is skipped", PREFIX)
    delete(gate, topics.CARE)
    provision.apply(gate.settings)
    check(gate.refused(), Cause.STATE_AHEAD, "deleted and made again", "Restore", PREFIX)
