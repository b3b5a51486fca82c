"""Positions, rows, store and sweep of one partition, on a real RocksDB."""

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rocksdict import Cache

from streams.engine.errors import Cause, Fatal
from streams.engine.folder import Folder
from streams.engine.positions import Positions
from streams.engine.rows import Rows, TableSpec
from streams.engine.store import Store
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
def store(tmp_path: Path) -> Iterator[Store]:
    """A fresh store."""
    made = Store(tmp_path / "store", b"here", Cache(1 << 20), 1 << 20)
    yield made
    made.close()


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
    rows = Rows(SPEC, store, 10)
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
    rows = Rows(SPEC, store, 3)
    for place in range(40):
        key = b"%d" % (place % 7)
        rows.put(key, place) if place % 5 else rows.delete(key)
        store.write(rows.writes(), place, b"")
        rows.committed()
        fresh = Rows(SPEC, store, 3)
        for other in range(7):
            assert rows.get(b"%d" % other) == fresh.get(b"%d" % other)


def test_rows_and_positions_are_written_together(store: Store) -> None:
    """One write takes rows, changelog position and positions record; a new handle sees all."""
    store.write([(b"na", b"1"), (b"nb", b"2")], 7, b"positions")
    store.write([(b"na", None)], 9, b"later")
    store.close()
    again = Store(store.path, b"here", Cache(1 << 20), 1 << 20)
    assert (again.position, again.positions) == (9, b"later")
    assert list(again.scan(b"n")) == [(b"nb", b"2")]
    again.close()


def test_a_store_of_another_identity_is_refused(store: Store) -> None:
    """State of another cluster or group is never opened as ours."""
    store.close()
    with pytest.raises(Fatal) as told:
        Store(store.path, b"elsewhere", Cache(1 << 20), 1 << 20)
    assert told.value.cause is Cause.FOLDER_FOREIGN
    assert "here" in told.value.detail


def test_a_store_is_opened_by_one_process_only(store: Store) -> None:
    """A second opener is told whose fault it is."""
    with pytest.raises(Fatal) as told:
        Store(store.path, b"here", Cache(1 << 20), 1 << 20)
    assert told.value.cause is Cause.FOLDER_IN_USE


def test_a_data_folder_has_one_worker_and_keeps_its_name(tmp_path: Path) -> None:
    """The folder is locked while in use; the worker's name outlives it, also when moved."""
    folder = Folder(tmp_path / "data")
    with pytest.raises(Fatal) as told:
        Folder(tmp_path / "data")
    assert told.value.cause is Cause.FOLDER_IN_USE
    folder.close()
    (tmp_path / "data").rename(tmp_path / "moved")
    moved = Folder(tmp_path / "moved")
    assert moved.worker == folder.worker
    moved.close()


def test_a_sweep_forgets_what_is_worthless_and_nothing_else(store: Store) -> None:
    """Over several steps every row past its time goes, by deletions of the open turn."""
    rows = Rows(SPEC, store, 100)
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


def test_a_sweep_looks_at_a_row_as_the_open_turn_has_left_it(store: Store) -> None:
    """A row that this turn has made matter again is kept."""
    rows = Rows(SPEC, store, 100)
    rows.put(b"a", 5)
    store.write(rows.writes(), 1, b"")
    rows.committed()
    rows.put(b"a", 99)
    Sweep([rows], store, rows_a_step=7, interval_ms=10).step(watermark=30)
    assert rows.get(b"a") == 99
