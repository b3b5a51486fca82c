"""Opening a partition: from what lies on disk and in the log to a partition that can take a turn.

In this order, and the order is the argument (each step on a background thread, for each partition
for itself):
 (a) wait until the group's offsets are stable: a dead owner's transaction is then over;
 (b) open the store; one that is damaged, or older than the changelog keeps tombstones, is removed
     and rebuilt in full;
 (c) replay the changelog from the store's position to the high watermark, waiting while the last
     stable offset is behind it;
 (d) compare positions: the store's, the group's, the topics' identity; a contradiction stops;
 (e) take the due times from the store's index, in `Partition`.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaException, Message, TopicPartition

from streams.engine.config import Config
from streams.engine.errors import Cause, Fatal
from streams.engine.identity import Identity
from streams.engine.kafka import is_end
from streams.engine.partition import POSITIONS_KEY, Partition
from streams.engine.ports import Clients, Clock, Disk, LookUps, Write
from streams.engine.positions import Positions
from streams.engine.rows import Generations
from streams.engine.spec import TableSpec
from streams.engine.store import Due, Store

log = logging.getLogger(__name__)

Bounds = tuple[int, int]
"""(log start, high watermark) of a partition."""

_NO_OFFSET = -1001
_CLOCK_SET_BACK_MS = 60_000
"""A store written this far in the future tells that the clock was set back: its age is unknown."""

_BATCH = 2_000
"""Records of a changelog in memory at once: eight partitions may be on their way together."""

_RESET = "Somebody reset the group's offsets; put them back to the record's."
_AHEAD = (
    "Either somebody moved the group's offsets on, or the changelog has lost its end. Find out "
    "which before anything else: with records lost there, put back offsets would decide them "
    "again. Restore the changelog."
)


class Abandoned(Exception):
    """The partition was taken away while it was being opened."""


@dataclass(slots=True)
class Opening:
    """One partition on its way to being opened; `abandoned` is set when it is taken away."""

    number: int
    config: Config
    clients: Clients
    look_ups: LookUps
    clock: Clock
    identity: Identity
    disk: Disk
    tables: Sequence[TableSpec[Any]]
    generations: Generations
    abandoned: bool = False

    def open(self) -> Partition:
        """Steps (a) to (e); Fatal on a contradiction, Abandoned when it is not wanted any more."""
        group_offsets = self._stable_offsets()
        # After the offsets are stable: what a dead owner has committed is then within the bounds.
        asked = [(topic, self.number) for topic in (self.config.changelog, *self.config.inputs)]
        changelog, *inputs = self.look_ups.bounds(asked)
        store = self._open_store()
        try:
            self._check_reach(store, changelog)
            store = self._replayed(store, changelog[1])
            positions = self._compare(store, group_offsets, inputs)
            self._compare_references(positions)
            return Partition(
                self.number,
                self.identity.partitions,
                self.config,
                store,
                positions,
                [high for _, high in inputs],
                self.tables,
                self.generations,
            )
        except BaseException:
            store.close()
            raise

    def _stable_offsets(self) -> list[int]:
        """Waits while a dead owner's transaction is open; nobody waits for what is not wanted."""
        siblings = [TopicPartition(topic, self.number) for topic in self.config.inputs]
        limit = self.config.limits.stable_offsets
        until = self.clock.monotonic() + limit
        while True:
            self._check_wanted()
            answer = self.look_ups.committed(siblings)
            if answer is not None:
                return answer
            if self.clock.monotonic() > until:
                raise self._hanging(
                    f"The offsets of group {self.config.group} for partition {self.number} did "
                    f"not become stable in {limit:.0f} s: a transaction of a dead owner is still "
                    "open, or the group's coordinator does not answer."
                )

    def _hanging(self, detail: str) -> Fatal:
        return Fatal(
            Cause.OFFSETS_UNSTABLE,
            detail,
            "Start again; if it stays, look for a hanging transaction with kafka-transactions.",
        )

    def _check_wanted(self) -> None:
        if self.abandoned:
            raise Abandoned

    @property
    def _name(self) -> str:
        return f"partition-{self.number}"

    def _open_store(self) -> Store:
        try:
            store = self._store()
            why = self._outdated(store)
        except Fatal as fatal:
            if fatal.cause is not Cause.STORE_DAMAGED:
                raise
            store, why = None, fatal.detail
        if store is not None and why is None:
            return store
        log.warning("%s is rebuilt from the changelog: %s", self._name, why)
        if store is not None:
            store.close()
        self.disk.remove(self._name)
        return self._store()

    def _store(self, *, filling: bool = False) -> Store:
        label = f"{self.identity.label} [{self.number}]".encode()
        database = self.disk.database(self._name, filling=filling)
        try:
            store = Store(database, label, self.clock)
            store.index(self._due_of_all(store))
            return store
        except BaseException:
            database.close()
            raise

    def _outdated(self, store: Store) -> str | None:
        """Why the changelog may lack tombstones of rows that this store still has, or None."""
        if not store.positions:
            return None
        age_ms = self.clock.now_ms() - store.written_at_ms
        if age_ms > self.identity.tombstones_ms:
            return f"it is {age_ms / 3_600_000:.0f} hours old, and deletions since may be forgotten"
        if age_ms < -_CLOCK_SET_BACK_MS:
            return "it was written in the future, so its age is not known"
        return None

    def _due_of_all(self, store: Store) -> Iterable[Due]:
        for spec in self.tables:
            if spec.due is not None:
                yield from self._due_of(store.scan(spec.prefix))

    def _due_of(self, rows: Iterable[Write]) -> Iterator[Due]:
        """Of rows as they lie in the store or in the changelog."""
        ways = {
            spec.prefix: (spec.due, spec.load, spec.is_idle)
            for spec in self.tables
            if spec.due is not None
        }
        if not ways:
            return
        for key, value in rows:
            if value is None or (way := ways.get(key[:1])) is None:
                continue
            due, load, is_idle = way
            if is_idle is None or not is_idle(value):
                yield from due(key[1:], load(value))

    def _check_reach(self, store: Store, bounds: Bounds) -> None:
        """The changelog must begin and end so that the store can be filled up from it."""
        changelog = self.config.changelog
        low, high = bounds
        if store.position > high:
            raise Fatal(
                Cause.STATE_CONTRADICTS_LOG,
                f"The folder {self._name} stands for changelog offset {store.position} of "
                f"{changelog} [{self.number}], which ends at {high}: the log has lost what was "
                "committed.",
                "Find out what happened to the topic, and restore it. Move the folder away only if "
                "the folder alone is in doubt: it may be the last copy of what was committed.",
            )
        if store.position < low:
            # Compaction never moves the start of a log; only deleting records does.
            raise Fatal(
                Cause.STATE_CONTRADICTS_LOG,
                f"{changelog} [{self.number}] begins at {low}, the store lacks it from "
                f"{store.position} on: rows are gone.",
                "Restore the changelog, or a data folder that stands for at least its beginning.",
            )

    def _replayed(self, store: Store, high: int) -> Store:
        """The store as far as the changelog's end `high`; a long way in another opening of it."""
        missing = high - store.position
        if missing < self.config.limits.filling_records:
            if missing:
                self._replay(store, high)
            return store
        store.close()
        filling = self._store(filling=True)
        try:
            self._replay(filling, high)
            filling.flush()
        finally:
            filling.close()
        return self._store()

    def _replay(self, store: Store, high: int) -> None:
        changelog = self.config.changelog
        reader = self.clients.reader("restore")
        try:
            reader.assign([TopicPartition(changelog, self.number, store.position)])
            ended, limit = False, self.config.limits.stable_offsets
            until = self.clock.monotonic() + limit
            while not ended:
                self._check_wanted()
                # The last word on a key counts.
                rows: dict[bytes, bytes | None] = {}
                positions = store.positions
                last: Message | None = None
                for message in reader.consume(_BATCH, 0.05):
                    error = message.error()
                    if error is None:
                        last = message
                        key = message.key()
                        assert key is not None
                        if key == POSITIONS_KEY:
                            positions = message.value() or b""
                        else:
                            rows[key] = message.value()
                    elif is_end(message):
                        # Below the high watermark a transaction holds the end back: wait for it.
                        offset = message.offset()
                        ended = offset is not None and offset >= high
                    elif not error.retriable():
                        raise KafkaException(error)
                if last is not None:
                    store.write(rows.items(), _next(last), positions, self._due_of(rows.items()))
                    until = self.clock.monotonic() + limit
                elif not ended and self.clock.monotonic() > until:
                    raise self._hanging(
                        f"{changelog} [{self.number}] has given no record below its end {high} for "
                        f"{limit:.0f} s, the next is {store.position}: a transaction of a dead "
                        "owner is still open, or the partition's leader does not answer."
                    )
        finally:
            reader.close()

    def _compare(
        self, store: Store, group_offsets: list[int], bounds: Sequence[Bounds]
    ) -> Positions:
        where = f"partition {self.number} of group {self.config.group}"
        if not store.positions:
            known = [offset for offset in group_offsets if offset != _NO_OFFSET]
            if known:
                raise Fatal(
                    Cause.STATE_CONTRADICTS_LOG,
                    f"The group has positions for {where} ({group_offsets}) but the changelog "
                    "has none: state is lost.",
                    "Restore the changelog topic.",
                )
            # A group that has never decided anything starts at the first records there are.
            starts = [low for low, _ in bounds]
            count = len(self.config.references)
            return Positions(self.identity.digest(count), starts, [0] * count)
        positions = Positions.load(store.positions)
        if positions.identity != self.identity.digest(len(positions.references)):
            raise Fatal(
                Cause.STATE_CONTRADICTS_LOG,
                f"The topics of {where} are not those its state was made from: one of "
                f"{', '.join(self.identity.ids)} was deleted and made again, or this is another "
                "cluster's copy.",
                "Restore the original topics.",
            )
        for topic, offset, mine, bound in zip(
            self.config.inputs, group_offsets, positions.next, bounds, strict=True
        ):
            # The broker forgets offsets of topics nobody subscribes to; a contradiction counts.
            if offset not in (_NO_OFFSET, mine):
                raise Fatal(
                    Cause.STATE_CONTRADICTS_LOG,
                    f"{topic} [{self.number}]: the group's offset is {offset}, the positions "
                    f"record says {mine}.",
                    _AHEAD if offset > mine else _RESET,
                )
            self._check_not_truncated(topic, mine, bound)
        count = len(self.config.references)
        positions.references += [0] * (count - len(positions.references))
        positions.identity = self.identity.digest(count)
        return positions

    def _compare_references(self, positions: Positions) -> None:
        """A topic that is shorter than it was would be waited for without end.

        Asked last: nobody has read further than the end that is told now.
        """
        topics = self.config.references
        if not topics:
            return
        bounds = self.look_ups.bounds([(topic, 0) for topic in topics])
        for topic, position, (_, high) in zip(topics, positions.references, bounds, strict=True):
            if position > high:
                raise Fatal(
                    Cause.STATE_CONTRADICTS_LOG,
                    f"Partition {self.number} has decided by {topic} as far as {position}, and it "
                    f"ends at {high}: it has lost its end.",
                    "Restore it.",
                )

    def _check_not_truncated(self, topic: str, position: int, bounds: Bounds) -> None:
        low, high = bounds
        if position < low or position > high:
            raise Fatal(
                Cause.LOG_TRUNCATED,
                f"{topic} [{self.number}] has offsets {low} to {high}, the next to take is "
                f"{position}: records are gone that were never decided.",
                "Restore them; nothing is skipped and nothing is started over by itself.",
            )


def _next(message: Message) -> int:
    offset = message.offset()
    assert offset is not None
    return offset + 1
