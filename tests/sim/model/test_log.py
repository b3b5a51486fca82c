"""What operators and retention do to a simulated log, and what a simulated disk loses."""

import random

import pytest

from streams.engine.errors import Cause, Fatal
from tests.sim.model.broker import Broker
from tests.sim.model.disk import Files, Folder, SimDisk
from tests.sim.model.log import Partition
from tests.sim.model.scheduler import World


def filled(*records: tuple[bytes, bytes | None]) -> Partition:
    partition = Partition("topic", 0, log_append_time=False)
    for key, value in records:
        partition.append([(key, value, None, 0)], 0)
    return partition


def contents(partition: Partition) -> list[tuple[int | None, bytes | str | None]]:
    found, _ = partition.read(0, 1000)
    return [(one.offset(), one.value()) for one in found]


def test_compaction_keeps_the_last_of_each_key_and_tombstones_for_a_while() -> None:
    """Offsets stay; a tombstone goes once its time is up after the compaction that met it."""
    partition = filled((b"a", b"1"), (b"b", b"1"), (b"a", b"2"), (b"b", None))
    assert partition.compact(1_000, 500) == 2
    assert contents(partition) == [(2, b"2"), (3, None)]
    assert partition.compact(1_499, 500) == 0
    assert partition.compact(1_500, 500) == 1
    assert contents(partition) == [(2, b"2")]
    assert partition.high == 4


def test_compaction_stops_at_an_open_transaction() -> None:
    """Behind the last stable offset nothing is compacted, nor does it count."""
    partition = filled((b"a", b"1"))
    partition.append([(b"a", b"open", None, 0)], 0, 7, 0, 0, transactional=True)
    partition.append([(b"a", b"2", None, 0)], 0)
    assert partition.compact(0, 0) == 0
    partition.mark(7, 0, commit=False)
    assert contents(partition) == [(0, b"1"), (2, b"2")]
    assert partition.compact(0, 0) == 1


def test_a_lost_tail_takes_open_transactions_with_it() -> None:
    """The log is shorter; what was open behind the cut holds nobody back any more."""
    partition = filled((b"a", b"1"), (b"a", b"2"))
    partition.append([(b"a", b"open", None, 0)], 0, 7, 0, 0, transactional=True)
    partition.lose_from(1)
    assert (partition.high, partition.stable) == (1, 1)
    assert contents(partition) == [(0, b"1")]


def test_deleted_records_move_the_start() -> None:
    """The start never goes back, nor past the end."""
    partition = filled((b"a", b"1"), (b"a", b"2"))
    partition.delete_to(1)
    partition.delete_to(0)
    assert partition.start == 1
    partition.delete_to(9)
    assert (partition.start, partition.high) == (2, 2)


def test_a_topic_made_again_has_another_id() -> None:
    """Its log and its groups' offsets begin anew."""
    world = World(0)
    broker = Broker(world)
    first = broker.create("t", 1).id
    broker.write("t", 0, b"v")
    broker.group("g").commit(("t", 0), 1)
    broker.delete("t")
    assert broker.partition("t", 0) is None
    assert broker.create("t", 1).id != first
    assert broker.group("g").fetch([("t", 0)]) == [-1001]


def test_folders_can_be_swapped_put_back_and_wiped() -> None:
    """Whole databases change places; a wiped folder gets a new identity."""
    folder = Folder("w")
    identity = folder.identity()
    folder.databases["a"] = Files({b"k": b"a"})
    folder.databases["b"] = Files({b"k": b"b"})
    copy = folder.copy()
    folder.swap("a", "b")
    assert folder.databases["a"].rows() == {b"k": b"b"}
    folder.put_back(copy)
    assert folder.databases["a"].rows() == {b"k": b"a"}
    folder.wipe()
    assert not folder.databases
    assert folder.identity() != identity


def test_a_full_disk_refuses_until_another_process_opens_it() -> None:
    """A write that failed leaves nothing and fails on in this process, also with space again."""
    world, folder = World(0), Folder("w")
    seen: list[Cause] = []

    def first() -> None:
        database = SimDisk(process, folder).database("rows")
        database.write([(b"k", b"1")])
        folder.full = True
        for _ in range(2):
            with pytest.raises(Fatal) as full:
                database.write([(b"k", b"2")])
            seen.append(full.value.cause)
            folder.full = False

    process = world.process("w")
    process.spawn_main(first)
    world.run_for(1)
    assert process.failure is None
    assert seen == [Cause.STORE_FAILED, Cause.STORE_FAILED]
    process.kill()
    again = world.process("w")

    def second() -> None:
        database = SimDisk(again, folder).database("rows")
        assert database.get(b"k") == b"1"
        database.write([(b"k", b"3")])
        seen.append(Cause.IMPOSSIBLE)

    again.spawn_main(second)
    world.run_for(1)
    assert again.failure is None
    assert len(seen) == 3
    world.close()


def test_a_flipped_bit_hits_what_was_flushed() -> None:
    """What lies in the write-ahead log only cannot be hit."""
    folder = Folder("w")
    folder.databases["rows"] = Files(log=[[(b"k", b"v")]])
    assert not folder.flip("rows", random.Random(0))
    folder.flush("rows")
    assert folder.flip("rows", random.Random(0))
    assert folder.databases["rows"].unreadable
