"""Transactions: who may end them, and what their producer is told."""

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from tests.sim.contract.members import Recorder, place, poll_all_until, refusal
from tests.sim.contract.sides import Side
from tests.sim.contract.test_reading import begun, read_to, reading, values

FENCED = (KafkaError._FENCED, False, True, False)


def test_delivery_reports_tell_offsets_before_the_commit_returns(side: Side) -> None:
    """Each record's report has the offset at which a reader finds it."""
    topic, producer, told = side.topic("in"), begun(side), list[tuple[str, int, int]]()
    for number in range(3):
        producer.produce(
            topic,
            b"%d" % number,
            b"k",
            0,
            on_delivery=lambda _, message: told.append(place(message)),
        )
    producer.commit_transaction(10)
    assert told == [(topic, 0, 0), (topic, 0, 1), (topic, 0, 2)]


def test_transactions_of_one_id_follow_each_other(side: Side) -> None:
    """The next one waits, inside its calls, for the markers of the last."""
    topic, producer = side.topic("in"), begun(side)
    for number in range(3):
        producer.produce(topic, b"%d" % number, b"k", 0)
        producer.commit_transaction(10)
        producer.begin_transaction()
    assert values(read_to(side, reading(side, topic), 6)) == [b"0", b"1", b"2"]


def test_a_second_producer_of_an_id_fences_the_first_and_aborts_its_transaction(
    side: Side,
) -> None:
    """The first one's commit fails for good; what it wrote is never read."""
    topic, first = side.topic("in"), begun(side)
    first.produce(topic, b"lost", b"k", 0)
    assert first.flush(10) == 0
    second = begun(side)
    with pytest.raises(KafkaException) as fenced:
        first.commit_transaction(10)
    assert refusal(fenced.value) == FENCED
    for again in (first.begin_transaction, lambda: first.abort_transaction(10)):
        with pytest.raises(KafkaException) as fenced:
            again()
        assert refusal(fenced.value) == FENCED
    with pytest.raises(KafkaException) as dead:
        first.produce(topic, b"more", b"k", 0)
    assert refusal(dead.value) == (KafkaError._FATAL, False, False, False)
    second.produce(topic, b"kept", b"k", 0)
    second.commit_transaction(10)
    assert values(read_to(side, reading(side, topic), 4)) == [b"kept"]


def test_a_fenced_producer_hears_of_it_when_it_writes(side: Side) -> None:
    """A batch with the old epoch is refused: flush raises, and every later call says so.

    (confluent-kafka raises a fatal error out of whatever serves its events; where a delivery report
    is served in the same breath, Python makes a SystemError of it.)
    """
    topic, first = side.topic("in"), begun(side)
    first.produce(topic, b"lost", b"k", 0)
    assert first.flush(10) == 0
    begun(side)
    first.produce(topic, b"late", b"k", 0)
    with pytest.raises((KafkaException, SystemError)):
        first.flush(10)
    with pytest.raises(KafkaException) as fenced:
        first.commit_transaction(10)
    assert refusal(fenced.value) == FENCED


def test_a_fenced_producer_hears_of_it_when_it_sends_positions(side: Side) -> None:
    """Positions with the old epoch are refused for good."""
    topic, first = side.topic("in"), begun(side)
    member = Recorder(side, side.clients(), [topic])
    begun(side)
    with pytest.raises(KafkaException) as fenced:
        first.send_offsets_to_transaction([TopicPartition(topic, 0, 1)], member.metadata, 10)
    assert refusal(fenced.value) == FENCED


def test_a_fenced_producer_may_commit_nothing(side: Side) -> None:
    """An empty transaction ends without the broker's knowledge, and does no harm."""
    first = begun(side)
    begun(side)
    first.commit_transaction(10)


def test_calls_out_of_order_are_refused(side: Side) -> None:
    """Begin twice, commit or produce outside: the state is wrong, and the producer lives on."""
    topic, producer = side.topic("in"), begun(side)
    state = (KafkaError._STATE, False, False, False)
    with pytest.raises(KafkaException) as twice:
        producer.begin_transaction()
    assert refusal(twice.value) == state
    producer.commit_transaction(10)
    with pytest.raises(KafkaException) as outside:
        producer.commit_transaction(10)
    assert refusal(outside.value) == state
    with pytest.raises(KafkaException) as outside:
        producer.produce(topic, b"v", b"k", 0)
    assert refusal(outside.value) == state
    producer.begin_transaction()


def test_a_new_handle_goes_on_where_an_aborted_one_was_retired(side: Side) -> None:
    """After flush and abort, another handle of the same id commits."""
    topic, first = side.topic("in"), begun(side)
    first.produce(topic, b"aborted", b"k", 0)
    assert first.flush(10) == 0
    first.abort_transaction(10)
    second = begun(side)
    first.close()
    second.produce(topic, b"kept", b"k", 0)
    second.commit_transaction(10)
    assert not second.is_disturbed()
    assert values(read_to(side, reading(side, topic), 4)) == [b"kept"]


def test_an_overdue_transaction_is_aborted_and_its_producer_fenced(side: Side) -> None:
    """The coordinator's next scan ends it (every 10 s); the late commit fails for good."""
    topic = side.topic("in")
    producer = side.clients(transaction_timeout=1.0).transactional_producer(side.name("slow"))
    producer.begin_transaction()
    producer.produce(topic, b"overdue", b"k", 0)
    assert producer.flush(10) == 0
    look_ups = side.clients().look_ups()
    side.until(lambda: look_ups.ends([(topic, 0)]) == [2], "the abort's marker is written")
    with pytest.raises(KafkaException) as fenced:
        producer.commit_transaction(10)
    assert refusal(fenced.value) == FENCED
    assert values(read_to(side, reading(side, topic), 2)) == []


def test_a_plain_producer_is_part_of_no_transaction(side: Side) -> None:
    """Ticks are read as soon as they are flushed."""
    topic, producer = side.topic("in"), side.clients().tick_producer()
    producer.produce(topic, b"tick", None, 0)
    assert producer.flush(10) == 0
    producer.poll(0)
    assert values(read_to(side, reading(side, topic), 1)) == [b"tick"]


# -- positions -------------------------------------------------------------------------------------


def joined(side: Side, topic: str, instance: str = "") -> Recorder:
    """A member that owns every partition of the topic."""
    member = Recorder(side, side.clients(), [topic], instance)
    member.poll_until(lambda: bool(member.owned), "the member owns its partitions")
    return member


def test_positions_are_the_groups_once_the_transaction_is_committed(side: Side) -> None:
    """None before; the committed one after; an aborted one changes nothing. Siblings count."""
    topic, sibling = side.topic("in", 2), side.topic("sibling", 2)
    member, producer = joined(side, topic), begun(side)
    look_ups = side.clients().look_ups()
    asked = [TopicPartition(topic, 0), TopicPartition(sibling, 1)]
    assert look_ups.committed(asked) == [-1001, -1001]
    positions = [TopicPartition(topic, 0, 7), TopicPartition(sibling, 1, 8)]
    producer.send_offsets_to_transaction(positions, member.metadata, 10)
    producer.commit_transaction(10)
    side.until(lambda: look_ups.committed(asked) == [7, 8], "the positions are committed")
    producer.begin_transaction()
    later = [TopicPartition(topic, 0, 9), TopicPartition(sibling, 1, 9)]
    producer.send_offsets_to_transaction(later, member.metadata, 10)
    producer.abort_transaction(10)
    side.until(lambda: look_ups.committed(asked) is not None, "the positions are stable")
    assert look_ups.committed(asked) == [7, 8]
    member.consumer.close()


def test_stable_positions_wait_for_an_open_transaction(side: Side) -> None:
    """While one is open its positions are unstable, others are not; its end makes them stable."""
    topic = side.topic("in", 2)
    member, producer = joined(side, topic), begun(side)
    producer.send_offsets_to_transaction([TopicPartition(topic, 0, 7)], member.metadata, 10)
    look_ups, pending = side.clients().look_ups(), [TopicPartition(topic, 0)]
    assert look_ups.committed(pending) is None
    assert look_ups.committed([TopicPartition(topic, 1)]) == [-1001]
    assert look_ups.committed([TopicPartition(topic, 0), TopicPartition(topic, 1)]) is None
    producer.commit_transaction(10)
    side.until(lambda: look_ups.committed(pending) == [7], "the position is committed")
    member.consumer.close()


def test_positions_that_were_reset_meanwhile_stay_so(side: Side) -> None:
    """A transaction's positions that were sent before do not undo a reset when it is committed."""
    topic = side.topic("in")
    member, producer = joined(side, topic), begun(side)
    look_ups, asked = side.clients().look_ups(), [TopicPartition(topic, 0)]
    producer.send_offsets_to_transaction([TopicPartition(topic, 0, 7)], member.metadata, 10)
    member.consumer.close()
    side.reset(topic, 0, 3)
    producer.commit_transaction(10)
    side.until(lambda: look_ups.committed(asked) is not None, "the position is stable")
    assert look_ups.committed(asked) == [3]


def test_positions_of_an_old_generation_are_refused(side: Side) -> None:
    """Abortable, neither retriable nor fatal; the next transaction of the producer may succeed."""
    topic = side.topic("in", 2)
    first, producer = joined(side, topic), begun(side)
    old = first.metadata
    second = Recorder(side, side.clients(), [topic])
    poll_all_until(
        [first, second], lambda: len(first.owned) == len(second.owned) == 1, "both own one"
    )
    position = [TopicPartition(topic, 0, 1)]
    with pytest.raises(KafkaException) as refused:
        producer.send_offsets_to_transaction(position, old, 10)
    assert refusal(refused.value) == (KafkaError.ILLEGAL_GENERATION, False, False, True)
    producer.abort_transaction(10)
    producer.begin_transaction()
    producer.send_offsets_to_transaction(position, first.metadata, 10)
    producer.commit_transaction(10)
    first.consumer.close()
    second.consumer.close()


def test_positions_are_taken_while_the_group_awaits_its_assignments(side: Side) -> None:
    """KIP-447 asks for member and generation, not for the group's state."""
    topic, producer = side.topic("in"), begun(side)
    look_ups = side.clients().look_ups()
    assert look_ups.committed([TopicPartition(topic, 0)]) == [-1001]  # the coordinator is there
    leader = side.outsider(topic)
    assert leader.join() == 1
    member = Recorder(side, side.clients(), [topic])
    side.until(lambda: member.id != "", "the member has been told its id")
    side.sleep(0.5)  # told its id, it joins at once
    assert leader.join() == 2
    side.until(lambda: member.generation == 2, "the member has joined")
    producer.send_offsets_to_transaction([TopicPartition(topic, 0, 5)], member.metadata, 10)
    producer.commit_transaction(10)
    assert member.calls == []
    side.expel(leader.member)
    member.poll_until(lambda: bool(member.owned), "the member leads and assigns")
    side.until(
        lambda: look_ups.committed([TopicPartition(topic, 0)]) == [5], "the position is committed"
    )
    member.consumer.close()


def test_positions_of_a_member_that_is_gone_are_refused(side: Side) -> None:
    """Abortable; a commit instead of the abort is refused with the same word."""
    topic = side.topic("in")
    member, producer = joined(side, topic), begun(side)
    metadata = member.metadata
    side.expel(member.id)
    with pytest.raises(KafkaException) as refused:
        producer.send_offsets_to_transaction([TopicPartition(topic, 0, 1)], metadata, 10)
    assert refusal(refused.value) == (KafkaError.UNKNOWN_MEMBER_ID, False, False, True)
    with pytest.raises(KafkaException) as refused:
        producer.commit_transaction(10)
    assert refused.value.args[0].txn_requires_abort()
    producer.abort_transaction(10)
    member.consumer.close()


def test_positions_of_a_displaced_static_member_are_refused(side: Side) -> None:
    """Another member took its instance name: abortable, and its consumer hears a fatal word."""
    topic = side.topic("in")
    first, producer = joined(side, topic, "instance"), begun(side)
    metadata, name = first.metadata, first.id
    second = joined(side, topic, "instance")
    with pytest.raises(KafkaException) as refused:
        producer.send_offsets_to_transaction([TopicPartition(topic, 0, 1)], metadata, 10)
    assert refusal(refused.value) == (KafkaError.FENCED_INSTANCE_ID, False, False, True)
    producer.abort_transaction(10)
    first.poll_until(lambda: bool(first.errors), "the displaced one is told")
    error = first.errors[0].error()
    assert error is not None
    assert error.code() == KafkaError._FATAL
    assert first.errors[0].topic() is None
    assert first.id == name
    first.consumer.close()
    second.consumer.close()


def test_the_positions_of_a_deleted_topic_are_forgotten(side: Side) -> None:
    """Made again under its name, the topic has no positions."""
    topic, other = side.topic("in"), side.topic("other")
    member, producer = joined(side, topic), begun(side)
    look_ups = side.clients().look_ups()
    positions = [TopicPartition(topic, 0, 7), TopicPartition(other, 0, 8)]
    producer.send_offsets_to_transaction(positions, member.metadata, 10)
    producer.commit_transaction(10)
    asked = [TopicPartition(topic, 0), TopicPartition(other, 0)]
    side.until(lambda: look_ups.committed(asked) == [7, 8], "the positions are committed")
    side.delete_topic(other)
    side.topic("other")
    side.until(lambda: look_ups.committed(asked) == [7, -1001], "one position is forgotten")
    member.consumer.close()
