"""Positions, rows, store and sweep of one partition, on a real RocksDB."""

import resource
import struct
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.engine.disk import LocalDisk, RocksDatabase
from streams.engine.errors import Cause, Fatal
from streams.engine.positions import Positions
from streams.engine.process import RealClock
from streams.engine.rows import Generations, Rows
from streams.engine.spec import TableSpec
from streams.engine.store import IDENTITY_KEY, Store
from streams.engine.sweep import Sweep

LONG = st.integers(-(1 << 63), (1 << 63) - 1)
SPEC: TableSpec[int] = TableSpec(
    "numbers",
    b"n",
    lambda row: struct.pack("<q", row),
    lambda value: int(struct.unpack("<q", value)[0]),
    forget_at=lambda _key, row: row,
)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[LocalDisk]:
    """A worker's folder."""
    made = LocalDisk(tmp_path / "data", 1 << 20, 4 << 20)
    yield made
    made.close()


@pytest.fixture
def store(disk: LocalDisk) -> Iterator[Store]:
    """A fresh store."""
    made = open_store(disk)
    yield made
    made.close()


def open_store(disk: LocalDisk, identity: bytes = b"here") -> Store:
    """The store of these tests, as a worker would open it."""
    return Store(disk.database("store"), identity, RealClock())


def test_a_database_shares_the_cache_however_often_it_is_opened(tmp_path: Path) -> None:
    """Memory is bounded for all databases together: none brings a cache of its own."""
    bound = 3 << 20
    disk = LocalDisk(tmp_path / "data", bound, 4 << 20)
    for filling in (False, True, False):
        database = disk.database("store", filling=filling)
        database.write([(b"k", b"v")])
        assert isinstance(database, RocksDatabase)
        capacity = database._db.property_int_value("rocksdb.block-cache-capacity")
        database.close()
        assert capacity == bound
    disk.close()


@given(
    st.binary(min_size=16, max_size=16),
    st.lists(LONG, max_size=8),
    st.lists(LONG, max_size=8),
    LONG,
    LONG,
    st.integers(0, (1 << 32) - 1),
    st.binary(max_size=80),
)
def test_positions_come_back_as_they_were(  # one argument a field
    identity: bytes,
    inputs: list[int],
    references: list[int],
    watermark: int,
    offset: int,
    acts: int,
    carry: bytes,
) -> None:
    """What is dumped is loaded, field for field."""
    positions = Positions(identity, inputs, references, watermark, offset, acts, carry)
    assert Positions.load(positions.dump()) == positions


@given(st.binary(max_size=60))
def test_other_bytes_are_no_positions_record(value: bytes) -> None:
    """Bytes that `dump` has not written give a ValueError or positions, and nothing else."""
    try:
        positions = Positions.load(value)
    except ValueError:
        return
    assert positions.dump()[:1] == value[:1]


def test_a_turn_is_seen_by_itself_and_by_others_only_once_committed(store: Store) -> None:
    """The overlay answers within the turn; dropped, it was never there; committed, it stays."""
    rows = Rows(SPEC, store, Generations(10))
    rows.put(b"a", 1)
    assert rows.get(b"a") == 1
    rows.rolled_back()
    assert rows.get(b"a") is None
    rows.put(b"a", 2)
    store.write(rows.writes(), 1, b"positions")
    rows.committed()
    assert rows.get(b"a") == 2
    rows.delete(b"a")
    assert rows.get(b"a") is None
    rows.rolled_back()
    assert rows.get(b"a") == 2


def test_decoded_rows_in_memory_never_differ_from_the_store(store: Store) -> None:
    """However often the two generations change places, a row reads as it was last committed."""
    rows = Rows(SPEC, store, Generations(3))
    for place in range(40):
        key = b"%d" % (place % 7)
        rows.put(key, place) if place % 5 else rows.delete(key)
        store.write(rows.writes(), place, b"")
        rows.committed()
        fresh = Rows(SPEC, store, Generations(100))
        for other in range(7):
            assert rows.get(b"%d" % other) == fresh.get(b"%d" % other)


def test_what_is_kept_decoded_is_bounded_for_all_tables_together(store: Store) -> None:
    """A row is read again once two generations have gone by, whichever table's rows filled them."""
    loaded: list[bytes] = []

    def load(value: bytes) -> int:
        loaded.append(value)
        return SPEC.load(value)

    generations = Generations(5)
    quiet = Rows(replace(SPEC, load=load), store, generations)
    busy = Rows(SPEC, store, generations)
    store.write([(SPEC.prefix + b"a", SPEC.dump(1))], 1, b"")
    for key in range(6):
        assert quiet.get(b"a") == 1
        quiet.committed()
        busy.put(b"%d" % key, key)
        busy.committed()
    assert len(loaded) == 1
    for key in range(6, 20):
        busy.put(b"%d" % key, key)
        busy.committed()
        quiet.committed()
    assert quiet.get(b"a") == 1
    assert len(loaded) == 2


def test_rows_and_positions_are_written_together(disk: LocalDisk, store: Store) -> None:
    """One write takes rows, changelog position and positions record; a new handle sees all."""
    store.write([(b"na", b"1"), (b"nb", b"2")], 7, b"positions")
    store.write([(b"na", None)], 9, b"later")
    store.close()
    again = open_store(disk)
    assert (again.position, again.positions) == (9, b"later")
    assert list(again.scan(b"n")) == [(b"nb", b"2")]
    again.close()


def test_due_times_come_back_in_the_order_of_time(disk: LocalDisk, store: Store) -> None:
    """What was made due and not handed out is there after a reopening, earliest first."""
    store.write([], 1, b"", due=[(300, b"c"), (5, b"a"), (70_000, b"b"), (5, b"Z")])
    store.write([], 2, b"", due=[(6, b"d")], done=[(300, b"c"), (5, b"a")])
    store.close()
    again = open_store(disk)
    assert again.due() == [(5, b"Z"), (6, b"d"), (70_000, b"b")]
    again.close()


def test_a_store_without_an_index_gets_one(disk: LocalDisk, store: Store) -> None:
    """Only a store that was written before there was an index is indexed anew."""
    store.index([(5, b"a")])
    assert store.due() == []
    database = disk.database("older")
    database.write([(IDENTITY_KEY, b"here")])
    older = Store(database, b"here", RealClock())
    older.index([(5, b"a")])
    older.index([(6, b"b")])
    assert older.due() == [(5, b"a")]
    older.close()


def test_a_store_of_another_identity_is_refused(disk: LocalDisk, store: Store) -> None:
    """State of another cluster or group is never opened as ours."""
    store.close()
    with pytest.raises(Fatal) as told:
        open_store(disk, b"elsewhere")
    assert told.value.cause is Cause.FOLDER_FOREIGN
    assert "here" in told.value.detail


@pytest.mark.usefixtures("store")
def test_a_store_is_opened_by_one_process_only(disk: LocalDisk) -> None:
    """A second opener is told whose fault it is."""
    with pytest.raises(Fatal) as told:
        open_store(disk)
    assert told.value.cause is Cause.FOLDER_IN_USE


def test_a_data_folder_has_one_worker_and_keeps_its_name(tmp_path: Path) -> None:
    """The folder is locked while in use; the worker's name outlives it, also when moved."""
    folder = LocalDisk(tmp_path / "data", 1 << 20, 4 << 20)
    with pytest.raises(Fatal) as told:
        LocalDisk(tmp_path / "data", 1 << 20, 4 << 20)
    assert told.value.cause is Cause.FOLDER_IN_USE
    folder.close()
    (tmp_path / "data").rename(tmp_path / "moved")
    moved = LocalDisk(tmp_path / "moved", 1 << 20, 4 << 20)
    assert moved.worker == folder.worker
    moved.close()


def test_a_data_folder_that_cannot_be_is_told(tmp_path: Path) -> None:
    """A file where the folder should be is no bare traceback."""
    (tmp_path / "data").write_text("a file")
    with pytest.raises(Fatal) as told:
        LocalDisk(tmp_path / "data", 1 << 20, 4 << 20)
    assert told.value.cause is Cause.STORE_FAILED


# -- damage ------------------------------------------------------------------------------------


def _filled(disk: LocalDisk) -> None:
    """A store whose rows lie in a file of many blocks."""
    store = open_store(disk)
    for batch in range(300):
        store.write(
            [(b"n%05d" % (batch * 100 + one), b"12345678") for one in range(100)], batch, b""
        )
    store.close()


def _flip(path: Path, where: float) -> None:
    content = bytearray(path.read_bytes())
    content[int(len(content) * where)] ^= 0xFF
    path.write_bytes(content)


def _file(disk: LocalDisk, pattern: str) -> Path:
    folder = disk._path / "store"
    return max(folder.glob(pattern), key=lambda path: path.stat().st_size)


@pytest.mark.parametrize(
    ("name", "harm"),
    [
        ("MANIFEST-*", lambda path: _flip(path, 0.5)),
        ("MANIFEST-*", Path.unlink),
        ("CURRENT", Path.unlink),
        ("CURRENT", lambda path: _flip(path, 0.5)),
        ("*.sst", Path.unlink),
        ("*.sst", lambda path: _flip(path, 0.9999)),
    ],
    ids=["manifest-flipped", "manifest-gone", "current-gone", "current-flipped", "gone", "flipped"],
)
def test_a_damaged_database_is_not_opened(
    disk: LocalDisk, name: str, harm: Callable[[Path], None]
) -> None:
    """Damage at opening is told as damage; removed, the database begins anew."""
    _filled(disk)
    harm(_file(disk, name))
    with pytest.raises(Fatal) as told:
        open_store(disk)
    assert told.value.cause is Cause.STORE_DAMAGED
    disk.remove("store")
    again = open_store(disk)
    assert again.position == 0
    again.close()


def test_a_damaged_block_ends_the_reading_and_is_found_again_at_the_start(disk: LocalDisk) -> None:
    """A flipped bit in a row's block is no missing row, and no second reading passes over it."""
    _filled(disk)
    _flip(_file(disk, "*.sst"), 0.5)
    store = open_store(disk)
    rows = Rows(SPEC, store, Generations(10))

    def read_all() -> None:
        for number in range(30_000):
            assert rows.get(b"%05d" % number) is not None

    with pytest.raises(Fatal) as told:
        read_all()
    assert told.value.cause is Cause.STORE_DAMAGED
    store.close()
    with pytest.raises(Fatal) as marked:
        open_store(disk)
    assert marked.value.cause is Cause.STORE_DAMAGED
    assert "checksum" in marked.value.detail
    disk.remove("store")
    open_store(disk).close()


def test_a_scan_does_not_end_silently_at_a_damaged_block(disk: LocalDisk) -> None:
    """RocksDB's iterator ends alike there and at the last key; a scan tells them apart."""
    _filled(disk)
    _flip(_file(disk, "*.sst"), 0.5)
    store = open_store(disk)
    with pytest.raises(Fatal) as told:
        list(store.scan(b"n"))
    assert told.value.cause is Cause.STORE_DAMAGED
    store.close()


def test_a_database_is_let_go_though_it_cannot_be_flushed(disk: LocalDisk) -> None:
    """Closing on a full disk hides no other failure; what was written before lies in the log."""
    store = open_store(disk)
    store.write([(b"na", b"1")], 7, b"positions")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))  # no file grows
    try:
        with pytest.raises(Fatal) as told:
            store.write([(b"nb", b"2")], 8, b"later")
        store.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert told.value.cause is Cause.STORE_FAILED
    again = open_store(disk)
    assert (again.position, again.get(b"na"), again.get(b"nb")) == (7, b"1", None)
    again.close()


def test_a_sweep_forgets_what_is_worthless_and_nothing_else(store: Store) -> None:
    """Over several steps every row past its time goes, by deletions of the open turn."""
    rows = Rows(SPEC, store, Generations(100))
    for number in range(50):
        rows.put(b"%02d" % number, number)
    store.write(rows.writes(), 1, b"")
    rows.committed()
    sweep = Sweep([rows], store, rows_a_step=7, interval_ms=10)
    for _ in range(8):
        sweep.step(watermark=30)
    assert sorted(key for key, row in rows.dirty.items() if row is None) == [
        b"%02d" % number for number in range(31)
    ]
    rows.committed()


def test_what_may_be_forgotten_is_not_read(store: Store) -> None:
    """From the instant of its forgetting a row is not there, whether or not it was swept."""
    rows = Rows(SPEC, store, Generations(10))
    rows.put(b"a", 30)
    rows.watermark = 29
    assert rows.get(b"a") == 30
    rows.watermark = 30
    assert rows.get(b"a") is None
    store.write(rows.writes(), 1, b"")
    rows.committed()
    assert rows.get(b"a") is None
    assert rows.swept(b"a", SPEC.dump(30)) == 30


def test_a_sweep_looks_at_a_row_as_the_open_turn_has_left_it(store: Store) -> None:
    """A row that this turn has made matter again is kept."""
    rows = Rows(SPEC, store, Generations(100))
    rows.put(b"a", 5)
    store.write(rows.writes(), 1, b"")
    rows.committed()
    rows.put(b"a", 99)
    Sweep([rows], store, rows_a_step=7, interval_ms=10).step(watermark=30)
    assert rows.get(b"a") == 99
