"""The group: who is called back, when, and what a member knows of itself."""

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from tests.sim.contract.members import Recorder, place, poll_all_until, refusal
from tests.sim.contract.sides import Side
from tests.sim.contract.test_reading import begun
from tests.sim.contract.test_transactions import joined


def test_a_member_is_called_back_only_inside_a_poll(side: Side) -> None:
    """It joins in the background; before that it has no generation and no id."""
    topic = side.topic("in", 2)
    member = Recorder(side, side.clients(), [topic])
    assert (member.generation, member.id) == (-1, "")
    side.until(lambda: member.generation >= 1, "the member has joined")
    side.sleep(0.3)
    assert member.id != ""
    assert member.calls == []
    member.poll_until(lambda: bool(member.calls), "the member is called back")
    assert member.calls == [("assign", [0, 1])]
    member.consumer.close()


def test_a_partition_moves_only_when_its_owner_has_let_go(side: Side) -> None:
    """The joining member takes what the other was called back for, two generations later."""
    topic = side.topic("in", 4)
    first = joined(side, topic)
    began = first.generation
    second = Recorder(side, side.clients(), [topic])

    def settled() -> bool:
        assert not first.owned & second.owned
        return len(first.owned) == len(second.owned) == 2

    poll_all_until([first, second], settled, "each owns two")
    first.poll_for(0.5)
    moved = sorted(second.owned)
    assert [call for call in first.calls if call[1]] == [
        ("assign", [0, 1, 2, 3]),
        ("revoke", moved),
    ]
    assert [call for call in second.calls if call[1]] == [("assign", moved)]
    assert first.calls[2:] == [("assign", []), ("assign", [])]
    assert first.generation == second.generation == began + 2
    first.consumer.close()
    second.consumer.close()


def test_a_generation_moves_in_the_background(side: Side) -> None:
    """A member that does not poll rejoins all the same; only its callbacks wait."""
    topic = side.topic("in", 2)
    first = joined(side, topic)
    began = first.generation
    second = Recorder(side, side.clients(), [topic])
    second.poll_until(lambda: first.generation == began + 1, "the first has rejoined")
    second.poll_for(0.5)
    assert second.owned == set()
    assert first.calls == [("assign", [0, 1])]
    first.consumer.close()
    second.consumer.close()


def test_who_leaves_gives_back_and_the_others_take_it(side: Side) -> None:
    """Close revokes what is owned; the others have it in the next generation."""
    topic = side.topic("in", 2)
    first = joined(side, topic)
    second = Recorder(side, side.clients(), [topic])
    poll_all_until(
        [first, second], lambda: len(first.owned) == len(second.owned) == 1, "each owns one"
    )
    generation, theirs = first.generation, sorted(second.owned)
    second.consumer.close()
    assert second.calls[-1] == ("revoke", theirs)
    first.poll_until(lambda: first.owned == {0, 1}, "the first owns both")
    assert first.calls[-1] == ("assign", theirs)
    assert first.generation == generation + 1
    first.consumer.close()


def test_a_static_member_that_restarts_keeps_its_partitions(side: Side) -> None:
    """Same assignment, same generation, another id; the other member is not called back."""
    topic = side.topic("in", 2)
    first = joined(side, topic, "one")
    second = Recorder(side, side.clients(), [topic], "two")
    poll_all_until(
        [first, second], lambda: len(first.owned) == len(second.owned) == 1, "each owns one"
    )
    second.poll_for(0.5)
    kept, generation, name = sorted(first.owned), second.generation, first.id
    first.consumer.close()
    assert first.calls[-1] == ("revoke", kept)
    calls = len(second.calls)
    again = Recorder(side, side.clients(), [topic], "one")
    again.poll_until(lambda: bool(again.owned), "the restarted one owns its partitions")
    second.poll_for(0.5)
    assert again.calls == [("assign", kept)]
    assert again.generation == second.generation == generation
    assert again.id not in ("", name)
    assert len(second.calls) == calls
    again.consumer.close()
    second.consumer.close()


def test_displaced_between_the_halves_a_static_member_leaves_partitions_to_nobody(
    side: Side,
) -> None:
    """Its successor is given the first half's assignment; the group is at rest without the rest.

    Any member that joins makes it assign anew; one that wants another topic takes nothing.
    """
    topic, other, look_ups = side.topic("in", 4), side.topic("other"), side.clients().look_ups()
    first = joined(side, topic, "one")
    successors = []

    def replace() -> None:
        successors.append(Recorder(side, side.clients(), [topic], "one"))
        side.until(lambda: successors[0].generation > 0, "the successor has joined")

    first.on_revoke = replace
    second = Recorder(side, side.clients(), [topic], "two")
    poll_all_until([first, second], lambda: bool(successors), "the first is replaced")
    again = successors[0]
    poll_all_until([again, second], lambda: bool(again.owned), "the successor has partitions")
    moved = set(range(4)) - again.owned

    def rested() -> None:
        end = side.now() + 1.0
        poll_all_until([again, second], lambda: side.now() > end, "a second has passed")

    rested()
    assert (len(moved), second.owned) == (2, set())
    kept, none = frozenset(again.owned), frozenset[int]()
    assert look_ups.owners(topic) == {again.id: kept, second.id: none}
    knock = Recorder(side, side.clients(), [other])
    poll_all_until([knock, again, second], lambda: second.owned == moved, "all is owned")
    rested()
    theirs = {again.id: kept, second.id: frozenset(moved)}
    assert look_ups.owners(topic) == {**theirs, knock.id: none}
    knock.consumer.close()
    rested()
    assert look_ups.owners(topic) == theirs
    assert "revoke" not in [what for what, _ in (*again.calls, *second.calls)]
    # A close before this call may never end: librdkafka 2.16.0 then waits for what the callback
    # would answer, and does not call back any more (the engine's watchdog watches over it).
    first.poll_until(lambda: bool(first.errors), "the first is told")
    for one in (first, again, second):
        one.consumer.close()


def test_an_evicted_members_id_is_emptied_in_the_background(side: Side) -> None:
    """Its generation stays and nobody is called back before the next poll: lost, then given."""
    topic = side.topic("in", 2)
    member = joined(side, topic)
    generation, name = member.generation, member.id
    side.expel(name)
    side.until(lambda: member.id == "", "the id is emptied")
    assert member.generation == generation
    side.sleep(0.5)
    assert (member.generation, member.id) == (generation, "")
    assert member.calls == [("assign", [0, 1])]
    member.poll_until(lambda: len(member.calls) == 3, "the member is given its partitions again")
    assert member.calls[1:] == [("lost", [0, 1]), ("assign", [0, 1])]
    assert member.id not in ("", name)
    assert member.generation > generation
    member.consumer.close()


# -- reading as a member ---------------------------------------------------------------------------


def test_siblings_assigned_in_the_callback_are_read(side: Side) -> None:
    """The group knows the first topic only; the member reads the same number of the others."""
    topic, sibling = side.topic("in"), side.topic("sibling")
    side.write(topic, 0, b"mine")
    side.write(sibling, 0, b"its sibling's")
    member = Recorder(side, side.clients(), [topic, sibling])
    member.poll_until(lambda: len(member.ends) == 2, "both are read to their ends")
    assert sorted(place(one) for one in member.messages) == [(topic, 0, 0), (sibling, 0, 0)]
    assert sorted(member.ends) == [(topic, 0, 1), (sibling, 0, 1)]
    member.consumer.close()


def test_a_seek_drops_what_was_fetched(side: Side) -> None:
    """The next record is the one sought, forwards and backwards, and the end is told again."""
    topic = side.topic("in")
    side.write(topic, 0, *(b"%d" % number for number in range(50)))
    member = joined(side, topic)
    member.poll_until(lambda: bool(member.messages), "a first record")
    side.sleep(0.2)
    for offset in (40, 10):
        member.messages.clear()
        member.ends.clear()
        member.consumer.seek(TopicPartition(topic, 0, offset))
        member.poll_until(lambda: bool(member.ends), "the end")
        assert member.values() == [b"%d" % number for number in range(offset, 50)]
        assert member.ends == [(topic, 0, 50)]
    member.consumer.close()


def test_a_paused_partition_gives_nothing_and_goes_on_where_it_was(side: Side) -> None:
    """Neither what was fetched before the pause is given, nor is a record lost or doubled."""
    topic = side.topic("in")
    side.write(topic, 0, *(b"%d" % number for number in range(50)))
    member = joined(side, topic)
    member.poll_until(lambda: len(member.messages) == 5, "five records")
    side.sleep(0.2)
    here = [TopicPartition(topic, 0)]
    member.consumer.pause(here)
    member.poll_for(0.4)
    assert len(member.messages) == 5
    member.consumer.resume(here)
    member.poll_until(lambda: bool(member.ends), "the end")
    assert member.values() == [b"%d" % number for number in range(50)]
    member.consumer.close()


def test_resumed_then_sought_a_partition_begins_at_the_position(side: Side) -> None:
    """As the engine opens a partition: assigned at 0, paused, resumed, sought."""
    topic = side.topic("in")
    side.write(topic, 0, b"0", b"1", b"2")
    member = Recorder(side, side.clients(), [topic])
    here = [TopicPartition(topic, 0, 2)]

    def paused() -> bool:
        if member.owned:
            member.consumer.pause(here)
        return bool(member.owned)

    member.poll_until(paused, "the partition is given")
    member.messages.clear()
    member.consumer.resume(here)
    member.consumer.seek(here[0])
    member.ends.clear()
    member.poll_until(lambda: bool(member.ends), "the end")
    assert member.values() == [b"2"]
    member.consumer.close()


def test_the_cached_high_watermark_counts_what_is_open(side: Side) -> None:
    """Below 0 before the first fetch; then the log's end, though less may be read."""
    topic, producer = side.topic("in"), begun(side)
    side.write(topic, 0, b"plain")
    producer.produce(topic, b"open", b"k", 0)
    assert producer.flush(10) == 0
    member = Recorder(side, side.clients(), [topic])
    assert member.consumer.cached_high_watermark(topic, 0) < 0
    member.poll_until(lambda: bool(member.ends), "the end for now")
    assert member.ends == [(topic, 0, 1)]
    assert member.consumer.cached_high_watermark(topic, 0) == 2
    producer.commit_transaction(10)
    member.poll_until(lambda: len(member.ends) == 2, "the end")
    assert member.ends[1] == (topic, 0, 3)
    assert member.consumer.cached_high_watermark(topic, 0) == 3
    member.consumer.close()


def test_truncated_past_its_position_a_partition_is_assigned_anew(side: Side) -> None:
    """One error; a seek is then refused, until the partition is unassigned and assigned again."""
    topic = side.topic("in")
    side.write(topic, 0, b"0", b"1", b"2")
    member = joined(side, topic)
    member.poll_until(lambda: bool(member.ends), "the end")
    side.delete_records(topic, 0, 3)
    member.consumer.seek(TopicPartition(topic, 0, 1))
    member.poll_until(lambda: bool(member.errors), "an error is told")
    error = member.errors[0].error()
    assert error is not None
    assert error.code() == KafkaError._AUTO_OFFSET_RESET
    assert place(member.errors[0]) == (topic, 0, 1)
    here = TopicPartition(topic, 0, 3)
    with pytest.raises(KafkaException) as refused:
        member.consumer.seek(here)
    assert refusal(refused.value) == (KafkaError._STATE, False, False, False)
    member.consumer.incremental_unassign([here])
    member.consumer.incremental_assign([here])
    side.write(topic, 0, b"3")
    member.messages.clear()
    member.poll_until(lambda: bool(member.messages), "a record")
    assert member.values() == [b"3"]
    member.consumer.close()


def test_a_topic_made_again_is_read_by_its_name(side: Side) -> None:
    """Silence while it is gone; then a position that it does not reach is an error."""
    topic = side.topic("in")
    side.write(topic, 0, b"0", b"1", b"2")
    member = joined(side, topic)
    member.poll_until(lambda: bool(member.ends), "the end")
    side.delete_topic(topic)
    member.poll_for(0.5)
    side.topic("in")
    side.write(topic, 0, b"other")
    member.poll_until(lambda: bool(member.errors), "an error is told")
    error = member.errors[0].error()
    assert error is not None
    assert error.code() == KafkaError._AUTO_OFFSET_RESET
    assert member.values() == [b"0", b"1", b"2"]
    member.consumer.close()
