"""A small pure job that uses everything the engine offers, so that its every trace can be checked.

It counts words: `add` records count up a key and wake the job later, `take` records count down,
ticks move time, a due key is counted out. Each event also writes which record it was to `taken`, so
that a checker can replay the order taken (check.py).
"""

import struct
from collections.abc import Callable, MutableMapping
from typing import NamedTuple, Protocol

ADDS, TAKES, TICKS = 0, 1, 2
LIFE_MS = 1_500
TAKEN = struct.Struct("<Qiqqq")
"""sequence, input (-1: due), offset, index or timestamp, watermark"""


class Count(NamedTuple):
    """A key's row: how many, and when it is counted out."""

    number: int
    due_at: int

    def dump(self) -> bytes:
        return struct.pack("<qq", self.number, self.due_at)

    @classmethod
    def load(cls, value: bytes) -> "Count":
        return cls(*struct.unpack("<qq", value))


class Table(Protocol):
    """What the job needs of a table: the engine's Rows, or a checker's dict."""

    def get(self, key: bytes) -> Count | None: ...
    def put(self, key: bytes, row: Count) -> None: ...
    def delete(self, key: bytes) -> None: ...


class DictTable:
    """The checker's table."""

    def __init__(self, rows: MutableMapping[bytes, Count]) -> None:
        self._rows = rows

    def get(self, key: bytes) -> Count | None:
        return self._rows.get(key)

    def put(self, key: bytes, row: Count) -> None:
        self._rows[key] = row

    def delete(self, key: bytes) -> None:
        self._rows.pop(key, None)


Emit = Callable[[bytes, bytes], None]
Wake = Callable[[int, bytes], None]


def on_record(
    source: int, key: bytes, value: bytes, at: int, counts: Table, emit: Emit, wake: Wake
) -> None:
    """Decide one record: purely from its bytes, its time and the row."""
    row = counts.get(key)
    if source == ADDS:
        number = (row.number if row else 0) + 1
        due_at = at + LIFE_MS
        counts.put(key, Count(number, due_at))
        wake(due_at, key)
        emit(key, b"+%d %s" % (number, value))
    elif row is not None:
        counts.put(key, Count(row.number - 1, row.due_at))
        emit(key, b"-%d %s" % (row.number - 1, value))


def on_due(key: bytes, at: int, counts: Table, emit: Emit) -> bool:
    """Count a key out, if it is still due at `at`; says whether it was."""
    row = counts.get(key)
    if row is None or row.due_at != at:
        return False
    counts.delete(key)
    emit(key, b"out %d" % row.number)
    return True


def due_of(key: bytes, row: Count) -> list[tuple[int, bytes]]:
    """What the rows say about when to wake."""
    return [(row.due_at, key)]
