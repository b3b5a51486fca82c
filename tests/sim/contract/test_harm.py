"""Requests that are lost, unanswered or late, and a log that is compacted: what clients see."""

import pytest
from confluent_kafka import KafkaException

from streams.engine.ports import Producer
from tests.sim.contract.sides import HarmedSide
from tests.sim.contract.test_reading import read_to, reading, values
from tests.sim.model.network import Fate

APIS = ("AddPartitionsToTxn", "Produce", "EndTxn")


def begun(far: HarmedSide, topic: str, value: bytes) -> Producer:
    """A handle with an open transaction, whose record lies on the broker."""
    producer = far.clients().transactional_producer(far.name("writer"))
    begin(producer, topic, value)
    return producer


def begin(producer: Producer, topic: str, value: bytes) -> None:
    """One more transaction of a handle."""
    producer.begin_transaction()
    producer.produce(topic, value, b"k", 0)
    assert producer.flush(30) == 0


@pytest.mark.parametrize("fate", [Fate.LOST, Fate.UNANSWERED, Fate.LATE])
@pytest.mark.parametrize("api", APIS)
def test_a_request_whose_connection_broke_is_repeated_and_told(
    far: HarmedSide, api: str, fate: Fate
) -> None:
    """The transaction is committed, its record is there once; the handle says that it broke."""
    topic = far.topic("in")
    producer = far.clients().transactional_producer(far.name("writer"))
    begin(producer, topic, b"quiet")
    producer.commit_transaction(30)
    assert not producer.is_disturbed()
    arrive = far.harm(api, fate)
    begin(producer, topic, b"loud")
    producer.commit_transaction(30)
    assert producer.is_disturbed()
    if fate is Fate.LATE:
        arrive()
    assert values(read_to(far, reading(far, topic), 4)) == [b"quiet", b"loud"]


def test_a_late_commit_ends_a_later_transaction_of_the_same_handle(far: HarmedSide) -> None:
    """KIP-890 under the old protocol: half of a transaction is visible, and no more of it comes."""
    topic = far.topic("in")
    producer = begun(far, topic, b"whole")
    arrive = far.harm("EndTxn", Fate.LATE)
    producer.commit_transaction(30)
    begin(producer, topic, b"half")
    arrive()
    assert values(read_to(far, reading(far, topic), 4)) == [b"whole", b"half"]
    producer.produce(topic, b"other half", b"k", 0)
    with pytest.raises(KafkaException):
        producer.commit_transaction(30)


def test_a_new_epoch_is_out_of_reach_of_a_late_commit(far: HarmedSide) -> None:
    """A handle made anew is not ended by what the former one sent."""
    topic = far.topic("in")
    producer = begun(far, topic, b"before")
    arrive = far.harm("EndTxn", Fate.LATE)
    producer.commit_transaction(30)
    renewed = begun(far, topic, b"one half")
    producer.close()
    arrive()
    assert values(read_to(far, reading(far, topic), 2)) == [b"before"]
    renewed.produce(topic, b"the other", b"k", 0)
    renewed.commit_transaction(30)
    assert values(read_to(far, reading(far, topic), 5)) == [b"before", b"one half", b"the other"]
    assert not renewed.is_disturbed()


def test_a_compacted_log_keeps_the_last_of_each_key_at_its_offset(far: HarmedSide) -> None:
    """Offsets stay, the end stays, a deletion is kept for a while, and aborted records are gone."""
    topic = far.topic(
        "in",
        cleanup_policy="compact",
        segment_ms="100",
        min_cleanable_dirty_ratio="0.01",
    )
    producer = far.clients().transactional_producer(far.name("writer"))
    producer.begin_transaction()
    for key, value in ((b"a", b"1"), (b"b", b"1"), (b"a", b"2"), (b"c", b"1"), (b"b", None)):
        producer.produce(topic, value, key, 0)
    producer.commit_transaction(30)
    producer.begin_transaction()
    producer.produce(topic, b"never", b"a", 0)
    assert producer.flush(30) == 0
    producer.abort_transaction(30)
    far.compact(topic, left=3)
    found = read_to(far, reading(far, topic), far.clients().look_ups().ends([(topic, 0)])[0])
    assert [
        (one.offset(), one.key(), one.value())
        for one in found
        if one.error() is None and one.key() != b"filler"
    ] == [(2, b"a", b"2"), (3, b"c", b"1"), (4, b"b", None)]
