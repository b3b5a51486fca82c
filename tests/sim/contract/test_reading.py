"""What a read_committed reader is given, and what is told of a log's bounds."""

import pytest
from confluent_kafka import (
    TIMESTAMP_CREATE_TIME,
    TIMESTAMP_LOG_APPEND_TIME,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)

from streams.engine.errors import Cause, Fatal
from streams.engine.kafka import is_end
from streams.engine.ports import Producer, Reader
from tests.sim.contract.members import place, refusal
from tests.sim.contract.sides import Side


def reading(side: Side, topic: str, offset: int = 0, partition: int = 0) -> Reader:
    reader = side.clients().reader("contract")
    reader.assign([TopicPartition(topic, partition, offset)])
    return reader


def read_to(side: Side, reader: Reader, end: int) -> list[Message]:
    """Everything up to the end at that offset."""
    found: list[Message] = []

    def reached() -> bool:
        found.extend(reader.consume(100, 0.05))
        return any(is_end(one) and one.offset() == end for one in found)

    side.until(reached, f"the reader has come to the end at {end}")
    return found


def values(messages: list[Message]) -> list[str | bytes | None]:
    return [one.value() for one in messages if one.error() is None]


def begun(side: Side, name: str = "writer") -> Producer:
    """A producer with an open transaction."""
    producer = side.clients().transactional_producer(side.name(name))
    producer.begin_transaction()
    return producer


def test_a_committed_transaction_is_read_and_its_marker_takes_an_offset(side: Side) -> None:
    """Two committed records are at 0 and 1; the end is at 3, behind the marker."""
    topic, producer = side.topic("in"), begun(side)
    producer.produce(topic, b"one", b"k", 0)
    producer.produce(topic, b"two", b"k", 0)
    producer.commit_transaction(10)
    found = read_to(side, reading(side, topic), 3)
    assert values(found) == [b"one", b"two"]
    assert [one.offset() for one in found] == [0, 1, 3]


def test_an_open_transaction_holds_back_everything_behind_it(side: Side) -> None:
    """Until it ends, its records and later plain ones are hidden; the end is where it began."""
    topic, producer = side.topic("in"), begun(side)
    side.write(topic, 0, b"before")
    producer.produce(topic, b"open", b"k", 0)
    assert producer.flush(10) == 0
    side.write(topic, 0, b"behind")
    reader = reading(side, topic)
    assert values(read_to(side, reader, 1)) == [b"before"]
    assert values(reader.consume(10, 0.3)) == []
    producer.commit_transaction(10)
    assert values(read_to(side, reader, 4)) == [b"open", b"behind"]


def test_an_aborted_transaction_leaves_a_marker_and_no_record(side: Side) -> None:
    """What was aborted is never read; offsets go on behind it."""
    topic, producer = side.topic("in"), begun(side)
    producer.produce(topic, b"aborted", b"k", 0)
    assert producer.flush(10) == 0
    producer.abort_transaction(10)
    side.write(topic, 0, b"plain")
    assert values(read_to(side, reading(side, topic), 3)) == [b"plain"]


def test_a_transaction_is_held_back_by_an_earlier_one(side: Side) -> None:
    """Committed records behind another's open transaction wait for it, and then come in order."""
    topic, first, second = side.topic("in"), begun(side, "a"), begun(side, "b")
    first.produce(topic, b"first", b"k", 0)
    assert first.flush(10) == 0
    second.produce(topic, b"second", b"k", 0)
    second.commit_transaction(10)
    reader = reading(side, topic)
    assert values(read_to(side, reader, 0)) == []
    first.abort_transaction(10)
    assert values(read_to(side, reader, 4)) == [b"second"]


def test_a_transaction_over_two_partitions_is_read_in_both(side: Side) -> None:
    """Each partition has its record and a marker of its own."""
    topic, producer = side.topic("in", 2), begun(side)
    for number in range(2):
        producer.produce(topic, b"%d" % number, b"k", number)
    producer.commit_transaction(10)
    for number in range(2):
        reader = reading(side, topic, 0, number)
        assert values(read_to(side, reader, 2)) == [b"%d" % number]


def test_bounds_and_ends_count_what_is_not_committed(side: Side) -> None:
    """They are asked without isolation: open records count, and so do markers."""
    topic, producer, look_ups = side.topic("in", 2), begun(side), side.clients().look_ups()
    producer.produce(topic, b"open", b"k", 0)
    assert producer.flush(10) == 0
    assert look_ups.ends([(topic, 0), (topic, 1)]) == [1, 0]
    producer.commit_transaction(10)
    side.until(lambda: look_ups.ends([(topic, 0)]) == [2], "the marker is written")
    assert look_ups.bounds([(topic, 0), (topic, 1)]) == [(0, 2), (0, 0)]
    side.delete_records(topic, 0, 1)
    assert look_ups.bounds([(topic, 0)]) == [(1, 2)]


def test_an_end_is_told_once(side: Side) -> None:
    """An empty partition's end is at 0; another one comes only when there was more to read."""
    topic = side.topic("in")
    reader = reading(side, topic)
    assert [place(one) for one in read_to(side, reader, 0)] == [(topic, 0, 0)]
    assert reader.consume(10, 0.5) == []
    side.write(topic, 0, b"more")
    found = read_to(side, reader, 1)
    assert [place(one) for one in found] == [(topic, 0, 0), (topic, 0, 1)]


def test_a_reader_begins_where_it_is_told(side: Side) -> None:
    """Records below the offset are not given."""
    topic = side.topic("in")
    side.write(topic, 0, b"0", b"1", b"2", b"3")
    assert values(read_to(side, reading(side, topic, 2), 4)) == [b"2", b"3"]


@pytest.mark.parametrize("offset", [1, 9])
def test_a_position_outside_the_log_is_an_error_and_then_silence(side: Side, offset: int) -> None:
    """Below the start and above the end alike: one message that is neither retriable nor fatal."""
    topic = side.topic("in")
    side.write(topic, 0, b"0", b"1", b"2", b"3")
    side.delete_records(topic, 0, 3)
    reader = reading(side, topic, offset)
    (message,) = reader.consume(1, 10)
    error = message.error()
    assert error is not None
    assert error.code() == KafkaError._AUTO_OFFSET_RESET
    assert (error.retriable(), error.fatal()) == (False, False)
    assert place(message) == (topic, 0, offset)
    side.write(topic, 0, b"4")
    assert reader.consume(10, 0.5) == []


def test_consume_waits_until_all_are_there_or_the_time_is_up(side: Side) -> None:
    """Fewer records than asked for come only at the end of the timeout."""
    topic = side.topic("in")
    reader = reading(side, topic)
    read_to(side, reader, 0)
    side.write(topic, 0, b"only one")
    began = side.now()
    found = reader.consume(10, 0.4)
    assert side.now() - began >= 0.39
    assert values(found) == [b"only one"]


def test_a_record_has_key_value_headers_and_the_time_of_its_topic(side: Side) -> None:
    """The broker stamps a LogAppendTime topic, the writer another; nothing else is changed."""
    stamped = side.topic("stamped", message_timestamp_type="LogAppendTime")
    plain, producer = side.topic("plain"), begun(side)
    for topic in (stamped, plain):
        producer.produce(topic, None, b"key", 0, headers=[("cause", b"why"), ("none", None)])
    producer.commit_transaction(10)
    by_broker, by_writer = (read_to(side, reading(side, topic), 2)[0] for topic in (stamped, plain))
    for message in (by_broker, by_writer):
        assert (message.key(), message.value()) == (b"key", None)
        assert message.headers() == [("cause", b"why"), ("none", None)]
        assert message.timestamp()[1] > 0
    assert by_broker.timestamp()[0] == TIMESTAMP_LOG_APPEND_TIME
    assert by_writer.timestamp()[0] == TIMESTAMP_CREATE_TIME


def test_topics_are_told_by_identity(side: Side) -> None:
    """A topic that is made again under its name has another id; one that is not there has none."""
    topic, look_ups = side.topic("in", 2), side.clients().look_ups()
    ((identity, count),) = look_ups.topics([topic, side.name("none")]).values()
    assert count == 2
    assert look_ups.topic_setting(topic, "delete.retention.ms") == "86400000"
    assert look_ups.cluster_id() == look_ups.cluster_id() != ""
    side.write(topic, 0, b"0")
    side.delete_topic(topic)
    assert look_ups.topics([topic]) == {}
    with pytest.raises(Fatal) as away:
        look_ups.bounds([(topic, 0)])
    assert away.value.cause is Cause.BROKER_AWAY
    with pytest.raises(KafkaException) as unknown:
        look_ups.ends([(topic, 0)])
    assert refusal(unknown.value) == (KafkaError.UNKNOWN_TOPIC_OR_PART, False, False, False)
    side.topic("in", 2)
    ((other, _),) = look_ups.topics([topic]).values()
    assert other != identity
