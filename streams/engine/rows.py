"""A table of one partition as the job sees it during a turn.

Committed rows lie in the store, decoded ones in a cache, those of the open turn in an overlay that
becomes real only when the turn's transaction is committed. Rows are immutable values: a change puts
a new row, so an aborted turn is undone by dropping the overlay.

Law: a row that may be forgotten by the watermark is not there for the job, whether or not the sweep
has come by: how far it has come depends on turns and restarts, and no decision may.
"""

from collections.abc import Iterator
from typing import Generic, TypeVar

from streams.engine.ports import Write
from streams.engine.spec import TableSpec
from streams.engine.store import Store

Row = TypeVar("Row")


class Generations:
    """How many decoded rows a worker keeps, of all its partitions and tables together.

    Two generations: what was not asked for while one filled up is dropped with the next.
    """

    __slots__ = ("_capacity", "_count", "number")

    def __init__(self, capacity: int) -> None:
        self.number = 0
        """Of the generation that fills up now."""
        self._capacity = capacity
        self._count = 0

    def add(self, rows: int) -> None:
        """So many more are kept."""
        self._count += rows
        if self._count > self._capacity:
            self.number += 1
            self._count = 0


class Rows(Generic[Row]):
    """Rows of one table and partition; `dirty` is the open turn's overlay (None: deleted)."""

    __slots__ = (
        "_counted",
        "_forget_at",
        "_generation",
        "_generations",
        "_get",
        "_load",
        "_old",
        "_prefix",
        "_store",
        "_young",
        "dirty",
        "spec",
        "watermark",
    )

    def __init__(self, spec: TableSpec[Row], store: Store, generations: Generations) -> None:
        self.spec = spec
        self.dirty: dict[bytes, Row | None] = {}
        self.watermark = 0
        """Stream time in ms, as of the event at hand."""
        self._forget_at = spec.forget_at
        self._prefix = spec.prefix
        self._store = store
        self._get = store.get
        self._load = spec.load
        self._generations = generations
        self._generation = generations.number
        self._counted = 0  # of the young
        self._young: dict[bytes, Row] = {}
        self._old: dict[bytes, Row] = {}

    def get(self, key: bytes) -> Row | None:
        """The row as this turn has left it so far, or None."""
        row = self.dirty[key] if key in self.dirty else self._committed(key)
        if row is None or self._forget_at is None or self._forget_at(key, row) > self.watermark:
            return row
        return None

    def swept(self, key: bytes, stored: bytes) -> Row | None:
        """The same, also while it waits to be forgotten, of what a sweep has read from the store.

        A sweep reads everything, and would drive out of memory what the job asks for.
        """
        return self.dirty[key] if key in self.dirty else self._load(stored)

    def _committed(self, key: bytes) -> Row | None:
        row = self._young.get(key)
        if row is None:
            row = self._old.get(key)
            if row is None:
                try:
                    value = self._get(self._prefix + key)
                except Exception as error:  # the database's exceptions have no class of their own
                    raise self._store.failure(error) from error
                if value is None:
                    return None
                row = self._load(value)
            self._young[key] = row
        return row

    def put(self, key: bytes, row: Row) -> None:
        """Remember a row, should the turn be committed."""
        self.dirty[key] = row

    def delete(self, key: bytes) -> None:
        """Forget a row, should the turn be committed; the changelog gets a tombstone."""
        self.dirty[key] = None

    def writes(self) -> Iterator[Write]:
        """(key, value) of the open turn's changes, as they go to changelog and store."""
        prefix, dump = self._prefix, self.spec.dump
        for key, row in self.dirty.items():
            yield prefix + key, None if row is None else dump(row)

    def committed(self) -> None:
        """The open turn's changes are real now."""
        if self._generation != self._generations.number:
            self._generation = self._generations.number
            self._old, self._young, self._counted = self._young, {}, 0
        young = self._young
        for key, row in self.dirty.items():
            if row is not None:
                young[key] = row
            else:
                young.pop(key, None)
                self._old.pop(key, None)
        self.dirty = {}
        self._generations.add(len(young) - self._counted)
        self._counted = len(young)

    def rolled_back(self) -> None:
        """The open turn never happened."""
        self.dirty = {}
