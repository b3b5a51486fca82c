"""A worker's data folder: one holder, whole writes, and damage that is told."""

import pytest

from streams.engine.errors import Cause, Fatal
from streams.engine.ports import Database
from tests.sim.contract.disks import DiskSide


def test_a_write_is_there_at_once_and_after_a_restart(disks: DiskSide) -> None:
    """Values replace, None deletes, and the order of a batch counts."""
    disk = disks.open()
    database = disk.database("rows")
    database.write([(b"a", b"1"), (b"b", b"1"), (b"a", b"2")])
    database.write([(b"b", None), (b"c", b""), (b"d", None)])
    expected = {b"a": b"2", b"b": None, b"c": b"", b"d": None}
    assert {key: database.get(key) for key in expected} == expected
    database.close()
    database.close()
    disk.close()
    disk = disks.open()
    database = disk.database("rows")
    assert {key: database.get(key) for key in expected} == expected
    database.close()
    disk.close()


def test_a_scan_goes_from_its_start_in_the_order_of_keys(disks: DiskSide) -> None:
    """Bytes compare as bytes; what is written during a scan is not in it."""
    disk = disks.open()
    database = disk.database("rows")
    keys = [b"b\xff", b"a", b"b", b"\x00", b"b\x00", b"c", b"aa"]
    database.write([(key, key) for key in keys])
    assert list(database.scan(b"")) == [(key, key) for key in sorted(keys)]
    cursor = database.scan(b"aa\x00")
    assert next(cursor) == (b"b", b"b")
    database.write([(b"b\x00", None), (b"bb", b"late")])
    assert [key for key, _ in cursor] == [b"b\x00", b"b\xff", b"c"]
    database.close()
    disk.close()


def test_databases_of_a_folder_are_apart(disks: DiskSide) -> None:
    """Each has its own keys; one that is removed is empty when it is opened again."""
    disk = disks.open()
    one, other = disk.database("one"), disk.database("other")
    one.write([(b"k", b"one")])
    assert other.get(b"k") is None
    one.close()
    disk.remove("one")
    disk.remove("never made")
    one = disk.database("one")
    assert list(one.scan(b"")) == []
    one.close()
    other.close()
    disk.close()


def test_a_folder_has_one_holder_and_keeps_its_identity(disks: DiskSide) -> None:
    """A second one is refused until the first has closed; the identity stays."""
    disk = disks.open()
    with pytest.raises(Fatal) as refused:
        disks.open()
    assert refused.value.cause is Cause.FOLDER_IN_USE
    worker = disk.worker
    disk.close()
    again = disks.open()
    assert again.worker == worker != ""
    again.close()


def test_a_database_is_opened_once(disks: DiskSide) -> None:
    """A second opening is refused, and does the first no harm."""
    disk = disks.open()
    database = disk.database("rows")
    with pytest.raises(Fatal) as refused:
        disk.database("rows")
    assert refused.value.cause is Cause.FOLDER_IN_USE
    database.write([(b"k", b"v")])
    assert database.get(b"k") == b"v"
    database.close()
    disk.close()


def test_what_was_opened_for_filling_is_read_like_any_other(disks: DiskSide) -> None:
    """Before its flush, after it, and opened as ever."""
    disk = disks.open()
    filling = disk.database("rows", filling=True)
    filling.write([(b"b", b"1"), (b"a", b"1"), (b"c", b"1")])
    filling.write([(b"a", b"2"), (b"c", None)])
    expected = [(b"a", b"2"), (b"b", b"1")]
    assert list(filling.scan(b"")) == expected
    filling.flush()
    filling.write([(b"b", None), (b"d", b"3")])
    assert filling.get(b"b") is None
    filling.close()
    database = disk.database("rows")
    assert list(database.scan(b"")) == [(b"a", b"2"), (b"d", b"3")]
    database.close()
    disk.close()


@pytest.mark.parametrize("filling", [False, True])
def test_what_a_killed_process_has_written_is_there(disks: DiskSide, *, filling: bool) -> None:
    """Every write that returned is whole; locks died with the process."""
    batches = [[(f"k{number}", f"{number}"), ("last", f"{number}")] for number in range(10)]
    disks.write_and_die("rows", batches, filling=filling)
    disk = disks.open()
    database = disk.database("rows")
    assert database.get(b"last") == b"9"
    assert len(list(database.scan(b"k"))) == 11
    database.close()
    disk.close()


def test_a_damaged_log_opens_silently_short_and_never_torn(disks: DiskSide) -> None:
    """The database is an older one: each write that is left is whole, and none after a lost one."""
    size = 20
    batches = [[(f"k{number:02}", "x" * 200), ("last", f"{number}")] for number in range(size)]
    disks.write_and_die("rows", batches)
    disks.lose_some("rows")
    disk = disks.open()
    database = disk.database("rows")
    last = int(database.get(b"last") or b"-1")
    assert 0 <= last < size - 1
    assert [key for key, _ in database.scan(b"k")] == [
        *(b"k%02d" % number for number in range(last + 1)),
        b"last",
    ]
    database.close()
    disk.close()


def test_a_database_that_cannot_be_opened_is_told_as_damaged(disks: DiskSide) -> None:
    """Removed, it can be made anew."""
    disks.write_and_die("rows", [[("k", "v")]])
    disks.spoil("rows")
    disk = disks.open()
    with pytest.raises(Fatal) as damaged:
        disk.database("rows")
    assert damaged.value.cause is Cause.STORE_DAMAGED
    disk.remove("rows")
    database = disk.database("rows")
    assert database.get(b"k") is None
    database.close()
    disk.close()


def scanning(database: Database) -> Cause | None:
    """Why a scan failed; its iterator, which would keep RocksDB open, is gone afterwards."""
    try:
        list(database.scan(b""))
    except Fatal as fatal:
        return fatal.cause
    return None


def test_a_flipped_bit_is_told_when_it_is_read_and_at_every_start_after(disks: DiskSide) -> None:
    """Reading raises, `failure` says damaged; the mark keeps the database shut until removed."""
    disk = disks.open()
    database = disk.database("rows")
    database.write([(b"k%02d" % number, b"v" * 100) for number in range(30)])
    database.flush()
    database.close()
    disks.flip("rows")
    database = disk.database("rows")
    with pytest.raises(Exception, match="Corruption") as raised:
        database.get(b"k07")
    assert not isinstance(raised.value, Fatal)
    assert database.failure(raised.value).cause is Cause.STORE_DAMAGED
    assert scanning(database) is Cause.STORE_DAMAGED
    database.close()
    with pytest.raises(Fatal) as marked:
        disk.database("rows")
    assert marked.value.cause is Cause.STORE_DAMAGED
    disk.remove("rows")
    database = disk.database("rows")
    assert database.get(b"k07") is None
    database.close()
    disk.close()
