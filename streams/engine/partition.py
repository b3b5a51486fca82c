"""One partition number: its inputs, rows, stream time and positions, and the job's view of a turn.

What the job may do between the first and the last event of a turn is here; nothing of it is real
before the turn's transaction is committed (turn.py has the order of the steps).
"""

import heapq
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from confluent_kafka import KafkaError, Message, TopicPartition

from streams.engine.config import Config
from streams.engine.errors import Cause, Fatal
from streams.engine.merge import Merge, Taken
from streams.engine.ports import Headers, Producer, Write
from streams.engine.positions import Positions
from streams.engine.rows import Generations, Rows
from streams.engine.spec import TableSpec
from streams.engine.store import Due, Store
from streams.engine.sweep import Sweep

DUE = -1
"""In place of an input's number: the item is the token of a due act."""

POSITIONS_KEY = b"\0positions"

Event = tuple[int, Any, int]
"""(input number, Kafka message, its timestamp) or (DUE, token, the instant it was due); ms."""


class Partition:
    """A co-partition that this worker owns and has opened."""

    def __init__(
        self,
        number: int,
        total: int,
        config: Config,
        store: Store,
        positions: Positions,
        ends: Sequence[int],
        tables: Sequence[TableSpec[Any]],
        generations: Generations,
    ) -> None:
        limits = config.limits
        clock = None if config.clock is None else config.inputs.index(config.clock)
        self.number = number
        self.total = total
        self.store = store
        self.merge = Merge(len(config.inputs), clock, limits.merge_wait)
        self.merge.start(positions.next, ends)
        self.committed = positions
        self.tables: Mapping[str, Rows[Any]] = {
            spec.name: Rows(spec, store, generations) for spec in tables
        }
        self.paused: set[int] = set()
        self._config = config
        self._sweep = Sweep(
            self.tables.values(), store, limits.sweep_rows, limits.sweep_interval_ms
        )
        self._due = store.due()  # in order, which is a heap
        self._begin_state(positions, positions.references)

    def _begin_state(self, positions: Positions, references: Sequence[int]) -> None:
        self.taken: list[Taken] = []
        self.positions = positions
        self.references_before = tuple(positions.references)
        self.references = tuple(references)
        self.source, self.offset = DUE, -1
        self._finished = True
        self._advanced = False
        self._tell_rows()
        self._popped: list[Due] = []
        # Of the index on disk: whether an entry is there after this turn.
        self._indexed: dict[Due, bool] = {}
        self._writes: list[Write] = []
        self._report = _Report()

    # -- what the engine asks --------------------------------------------------------------------

    def has_work(self) -> bool:
        """Whether a turn is wanted though no record is at hand: due acts are left over."""
        due = self._due
        return bool(due) and due[0][0] <= self.committed.watermark

    def begin(self, producer: Producer, taken: list[Taken], references: Sequence[int]) -> None:
        """A turn begins; `references` is how far the reference topics have been folded."""
        self._begin_state(self.committed.copy(), references)
        self.positions.references = list(references)
        self.taken = taken
        self._produce = producer.produce
        self._finished = False

    def flush(self) -> None:
        """Hand rows and positions to the transaction; the job has seen every event."""
        if not self._finished:
            raise Fatal(
                Cause.JOB_FAILED,
                f"The job left partition {self.number} before its last event.",
                "Iterate `partition.events()` to its end.",
            )
        if self._advanced:
            self._sweep.step(self.positions.watermark)
        produce, number, changelog = self._produce, self.number, self._config.changelog
        self._writes = [write for rows in self.tables.values() for write in rows.writes()]
        for key, value in self._writes:
            produce(changelog, value, key, number)
        for source, message, _ in self.taken:
            offset = message.offset()
            assert offset is not None
            self.positions.next[source] = offset + 1
        # Bound to this turn's object: a late report of an aborted turn is not taken for ours.
        self._report = _Report()
        produce(changelog, self.positions.dump(), POSITIONS_KEY, number, on_delivery=self._report)

    def offsets(self) -> list[TopicPartition]:
        """The positions of all inputs, for the group."""
        return [
            TopicPartition(topic, self.number, offset)
            for topic, offset in zip(self._config.inputs, self.positions.next, strict=True)
        ]

    def finish(self) -> None:
        """The transaction is committed: only now the local store takes the turn."""
        position = self._report.offset
        if position < 0:
            raise Fatal(
                Cause.IMPOSSIBLE,
                f"Partition {self.number}: a committed turn's positions record has no offset.",
                "Start again: the changelog has what was committed.",
            )
        indexed = self._indexed
        self.store.write(
            self._writes,
            position + 1,
            self.positions.dump(),
            due=[one for one, is_due in indexed.items() if is_due],
            done=[one for one, is_due in indexed.items() if not is_due],
        )
        for rows in self.tables.values():
            rows.committed()
        self.committed = self.positions
        self.taken = []

    def roll_back(self) -> None:
        """The turn did not happen: its records, due acts and rows are as before."""
        for rows in self.tables.values():
            rows.rolled_back()
        for entry in self._popped:
            heapq.heappush(self._due, entry)
        self.merge.put_back(self.taken)
        self._begin_state(self.committed, self.committed.references)

    # -- what the job may do ---------------------------------------------------------------------

    def events(self) -> Iterator[Event]:
        """Every event of this turn, in the order taken; due acts follow what made them due."""
        yield from self._due_events()
        for source, message, at in self.taken:
            offset = message.offset()
            assert offset is not None
            self.source, self.offset = source, offset
            before = self.positions.watermark
            yield source, message, at
            if self.positions.watermark != before:
                yield from self._due_events()
        self._finished = True

    def _due_events(self) -> Iterator[Event]:
        """Due acts of the tick that last moved the watermark; too many wait for the next turn."""
        due, positions = self._due, self.positions
        limit = self._config.limits.due_acts
        while due and due[0][0] <= positions.watermark and len(self._popped) < limit:
            entry = heapq.heappop(due)
            self._popped.append(entry)
            self._indexed[entry] = False
            self.source, self.offset = DUE, positions.tick_offset
            yield DUE, entry[1], entry[0]

    def act(self) -> int:
        """The due token at hand still means something: its index among its tick's acts, from 1.

        Tokens that mean nothing any more are not counted, so that the indexes are the same whether
        or not the due times were rebuilt from rows in between.
        """
        self.positions.tick_index += 1
        return self.positions.tick_index

    def advance(self, at: int) -> None:
        """Stream time is `at` (ms), because of the record at hand; it never goes back."""
        positions = self.positions
        if at > positions.watermark:
            positions.watermark = at
            positions.tick_offset = self.offset
            positions.tick_index = 0
            self._advanced = True
            self._tell_rows()

    def _tell_rows(self) -> None:
        for rows in self.tables.values():
            rows.watermark = self.positions.watermark

    def wake(self, at: int, token: bytes) -> None:
        """Hand `token` to the job once stream time has reached `at` (ms).

        The rows must say the same (`TableSpec.due`), for they are what survives; a token is a
        hint, and the job asks its rows whether it still means anything.
        """
        heapq.heappush(self._due, (at, token))
        self._indexed[at, token] = True

    def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Headers | None = None,
    ) -> None:
        """Produce to this same partition number of `topic`, in the turn's transaction."""
        if headers is None:
            self._produce(topic, value, key, self.number)
        else:
            self._produce(topic, value, key, self.number, headers=list(headers))

    def rows(self, table: str) -> Rows[Any]:
        """The rows of one table; a hot loop asks once a partition."""
        return self.tables[table]

    @property
    def watermark(self) -> int:
        """Stream time in ms: the latest tick taken; 0 before the first."""
        return self.positions.watermark

    @property
    def carry(self) -> bytes:
        """The job's own running value, kept in the positions record."""
        return self.positions.carry

    @carry.setter
    def carry(self, value: bytes) -> None:
        self.positions.carry = value


class _Report:
    """Where the delivery report of one turn's positions record arrives."""

    __slots__ = ("offset",)

    def __init__(self) -> None:
        self.offset = -1

    def __call__(self, error: KafkaError | None, message: Message) -> None:
        offset = message.offset()
        if error is None and offset is not None:
            self.offset = offset
