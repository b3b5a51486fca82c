"""Forgetting rows that can no longer change any decision, a few at a time.

A table says from which stream time a row is worthless (`TableSpec.forget_at`). Every so much
stream time a pass over those tables begins, looks at a bounded number of rows in each turn that
moved the watermark, and deletes what is worthless: locally and, by a tombstone, in the changelog.
A pass that a restart cuts short begins anew; forgetting later than one could is harmless.
"""

from collections.abc import Iterable
from typing import Any

from streams.engine.rows import Rows
from streams.engine.store import Store


class Sweep:
    """The pass over one partition's tables; times in ms of stream time."""

    def __init__(
        self, tables: Iterable[Rows[Any]], store: Store, rows_a_step: int, interval_ms: int
    ) -> None:
        self._tables = [rows for rows in tables if rows.spec.forget_at is not None]
        self._store = store
        self._rows_a_step = rows_a_step
        self._interval_ms = interval_ms
        self._began_at = 0
        self._left: list[Rows[Any]] = []
        self._next_key = b""

    def step(self, watermark: int) -> None:
        """Look at the next rows; their deletions belong to the open turn."""
        if not self._left:
            if watermark - self._began_at < self._interval_ms:
                return
            self._began_at = watermark
            self._left = list(self._tables)
            self._next_key = b""
        budget = self._rows_a_step
        while self._left and budget > 0:
            budget = self._sweep_table(self._left[-1], watermark, budget)

    def _sweep_table(self, rows: Rows[Any], watermark: int, budget: int) -> int:
        spec = rows.spec
        assert spec.forget_at is not None
        for stored_key, stored in self._store.scan(spec.prefix, self._next_key):
            if budget == 0:
                self._next_key = stored_key
                return 0
            budget -= 1
            key = stored_key[len(spec.prefix) :]
            row = rows.swept(key, stored)  # as the open turn has left it
            if row is not None and spec.forget_at(key, row) <= watermark:
                rows.delete(key)
        self._left.pop()
        self._next_key = b""
        return budget
