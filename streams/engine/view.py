"""What a job sees of one partition while it decides a turn: the engine's own, or a replay's."""

from collections.abc import Iterator
from typing import Any, Protocol

from streams.engine.ports import Headers


class PartitionTurn(Protocol):
    """The events of a partition's turn, and what may be done with them (partition.py says more)."""

    carry: bytes
    """The job's own running value, kept in the positions record."""

    @property
    def number(self) -> int:
        """The partition's number."""

    @property
    def total(self) -> int:
        """How many partitions there are."""

    @property
    def offset(self) -> int:
        """Of the record at hand; of the tick that made a due act due."""

    @property
    def watermark(self) -> int:
        """Stream time in ms."""

    @property
    def references(self) -> tuple[int, ...]:
        """How far the reference topics have been folded for this turn."""

    @property
    def references_before(self) -> tuple[int, ...]:
        """The same for the turn before."""

    def events(self) -> Iterator[tuple[int, Any, int]]:
        """(input, record, ms) or (DUE, token, ms), in the order taken."""

    def advance(self, at: int) -> None:
        """Stream time is `at` (ms), because of the record at hand."""

    def act(self) -> int:
        """The index of the due act at hand among its tick's, from 1."""

    def wake(self, at: int, token: bytes) -> None:
        """Hand `token` to the job once stream time has reached `at` (ms)."""

    def send(
        self, topic: str, key: bytes | None, value: bytes | None, headers: Headers | None = None
    ) -> None:
        """Produce to this same partition number of `topic`, in the turn's transaction."""

    def rows(self, table: str) -> Any:
        """The rows of one table: `Rows`, or what has its get, put and delete."""
