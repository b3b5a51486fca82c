"""The loop: polls, makes turns, commits them. One thread owns it and is the only one to touch the
polling consumer; deciding happens in the job, wherever the hand-over takes it.
"""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from streams.engine.config import Config
from streams.engine.errors import Cause, Fatal, Refused
from streams.engine.identity import IdentityWatch, identify
from streams.engine.membership import Membership
from streams.engine.ownership import OwnershipWatch
from streams.engine.partition import Partition
from streams.engine.ports import Background, Clients, Clock, Disk, Exit, Producer
from streams.engine.references import References
from streams.engine.restore import Opening
from streams.engine.rows import Generations
from streams.engine.spec import TableSpec
from streams.engine.ticks import Ticks
from streams.engine.transactions import Producers
from streams.engine.turn import Turn, abort, commit, reason_of, uncertain
from streams.engine.watchdog import Watchdog

log = logging.getLogger(__name__)


class HandOver(Protocol):
    """Takes a turn to the job and returns when it is decided or dropped."""

    def __call__(self, turn: Turn) -> None: ...


@dataclass(slots=True)
class Ports:
    """The world, as the engine sees it."""

    clients: Clients
    disk: Disk
    clock: Clock
    background: Background
    exit: Exit


@dataclass(slots=True)
class Statistics:
    """Running totals since the start; seconds and counts."""

    turns: int = 0
    records: int = 0
    redone: int = 0
    deciding: float = 0.0
    committing: float = 0.0


class Engine:
    """One worker. `run` until `stop`, or `step` by hand."""

    def __init__(
        self,
        config: Config,
        tables: Sequence[TableSpec[Any]],
        ports: Ports,
        hand_over: HandOver,
        after_turn: Callable[[Turn], None],
    ) -> None:
        self.config = config
        self.statistics = Statistics()
        self.stopping = False
        self._tables = tables
        self._generations = Generations(config.limits.cached_rows)
        self._ports = ports
        self._hand_over = hand_over
        self._after_turn = after_turn
        self.lags: dict[tuple[str, int], int] = {}
        self._refusals = 0
        self._refused_since = 0.0
        self._ask_from = 0.0
        self._busy = False
        self._lags_at = 0.0
        self._asking: tuple[Future[list[int]], list[Partition]] | None = None
        self._watchdog = Watchdog(ports.clock, config.limits.stuck, ports.exit)
        self._look_ups = ports.clients.look_ups()
        self._identity = identify(config, self._look_ups)
        self._identity_watch = IdentityWatch(
            config, self._identity, self._look_ups, ports.clock, ports.background
        )
        self._ownership_watch = OwnershipWatch(
            config,
            self._identity.partitions,
            ports.clients,
            self._look_ups,
            ports.clock,
            ports.background,
        )
        name = f"{config.group}-{ports.disk.worker}"
        self._producers = Producers(ports.clients, ports.background, name)
        self._references = References(config, ports.clients, self._look_ups)
        self._membership = Membership(config, ports.clients, ports.background, self._prepare)
        self._ticks = (
            Ticks(
                ports.clients,
                ports.clock,
                config.clock,
                config.make_tick,
                config.limits.tick_interval,
            )
            if config.clock is not None and config.make_tick is not None
            else None
        )

    @property
    def partitions(self) -> dict[int, Partition]:
        """The partitions that take part now, by number."""
        return self._membership.open

    @property
    def unowned(self) -> frozenset[int]:
        """Partition numbers that no member of the group has, as last told."""
        return self._ownership_watch.unowned

    @property
    def is_ready(self) -> bool:
        """Whether everything that was given to this worker is open."""
        return bool(self._membership.open) and not self._membership.is_opening

    def watch(self) -> None:
        """Start the watchdog's thread (a simulator calls `Watchdog.check` itself)."""
        self._watchdog.start()

    def run(self) -> None:
        """Turn after turn until `stopping`; then leave the group. Fatal ends it."""
        while not self.stopping:
            self.step()
        self.close()

    def close(self) -> None:
        """Leave in order: partitions move at once, the folder is free."""
        if self._ticks is not None:
            self._ticks.close()
        self._ownership_watch.close()
        with self._watchdog.watching("leaving the group"):
            self._membership.leave()
        self._membership.close()
        self._references.close()
        self._look_ups.close()
        self._ports.disk.close()
        totals = self.statistics
        log.info("the engine has ended: %d turns, %d records", totals.turns, totals.records)

    # -- one step --------------------------------------------------------------------------------

    def step(self) -> None:
        """Take in what has arrived and, if there is something to decide, one turn."""
        limits = self.config.limits
        membership = self._membership
        for partition in membership.admit(self._is_ready):
            log.info("partition %d is open at %s", partition.number, partition.committed.next)
        membership.poll(self._patience(), limits.turn_records)
        self._references.advance()
        if self._ticks is not None:
            self._ticks.write(membership.open)
        self._measure_lags()
        self._identity_watch.check()
        self._ownership_watch.check(membership.consumer)
        self._ask_ends()
        partitions = self._gather()
        if partitions:
            self._one_turn(partitions)

    def _is_ready(self, partition: Partition) -> bool:
        return self._references.reached(partition.committed.references)

    def _patience(self) -> float:
        if self._busy:
            return 0.0
        waiting = self._membership.is_opening or self._asking is not None
        if waiting or any(one.merge.hold_since for one in self._membership.open.values()):
            return 0.002
        return self.config.limits.idle_poll

    def _ask_ends(self) -> None:
        """For ticks at hand: where their siblings end, asked after they were fetched."""
        if self._asking is not None:
            future, partitions = self._asking
            if not future.done():
                return
            self._asking = None
            self._take_answer(future, partitions)
        wanting = [one for one in self._membership.open.values() if one.merge.wants_ends()]
        if not wanting or self._ports.clock.monotonic() < self._ask_from:
            return
        for partition in wanting:
            partition.merge.asking()
        inputs = self.config.inputs
        question = [(topic, one.number) for one in wanting for topic in inputs]
        look_ups = self._look_ups
        answer = self._ports.background.submit(lambda: look_ups.ends(question))
        self._asking = answer, wanting

    def _take_answer(self, future: Future[list[int]], partitions: list[Partition]) -> None:
        failure = future.exception()
        if failure is not None:
            log.warning("the ends of the inputs were not told, asking again: %s", failure)
            self._ask_from = self._ports.clock.monotonic() + self.config.limits.ask_again
            for partition in partitions:
                partition.merge.not_answered()
            return
        ends, width = future.result(), len(self.config.inputs)
        for place, partition in enumerate(partitions):
            partition.merge.ends_are(ends[place * width : (place + 1) * width])

    def _measure_lags(self) -> None:
        """Once a second: records of each input, by (topic, partition), not yet decided."""
        now = self._ports.clock.monotonic()
        if now - self._lags_at < 1.0:
            return
        self._lags_at = now
        lags = {}
        for number, partition in self._membership.open.items():
            high = self._membership.high(number)
            for source, topic in enumerate(self.config.inputs):
                lags[topic, number] = max(0, high(source) - partition.committed.next[source])
        self.lags = lags

    def _gather(self) -> list[Partition]:
        """Who has something to decide; fullest first, up to one turn's records."""
        membership = self._membership
        owned = sorted(
            membership.open.values(),
            key=lambda one: -sum(one.merge.buffered(i) for i in range(len(self.config.inputs))),
        )
        now = self._ports.clock.monotonic()
        left = self.config.limits.turn_records
        partitions = []
        for partition in owned:
            taken = (
                partition.merge.take(left, now, membership.high(partition.number)) if left else []
            )
            left -= len(taken)
            partition.taken = taken
            if taken or partition.has_work():
                partitions.append(partition)
            membership.throttle(partition)
        self._busy = left <= 0
        return partitions

    def _one_turn(self, partitions: list[Partition]) -> None:
        clock, statistics = self._ports.clock, self.statistics
        _, member, _ = self._membership.consumer.membership()
        producer = self._producers.next()
        turn = Turn(partitions, producer)
        for partition in partitions:
            partition.begin(producer, partition.taken, self._references.positions)
        began = clock.monotonic()
        with self._watchdog.watching("deciding a turn"):
            self._hand_over(turn)
        if turn.failure is not None:
            raise turn.failure
        if turn.is_dropped:
            for partition in partitions:
                partition.roll_back()
            return
        decided = clock.monotonic()
        try:
            with self._watchdog.watching("committing a transaction"):
                commit(
                    turn,
                    producer,
                    self._membership.consumer,
                    member,
                    self.config.limits.call_timeout,
                )
        except Refused as refusal:
            self._redo(turn, producer, refusal)
            return
        except Fatal as fatal:
            if fatal.cause is Cause.FENCED:
                # Certainly not committed; left open it would hold back every reader until its
                # timeout. If the producer is fenced itself, somebody else has aborted it.
                with suppress(Fatal):
                    abort(producer)
            raise
        committed = clock.monotonic()
        statistics.records += len(turn)
        for partition in partitions:
            partition.finish()
        turn.is_committed = True
        self._refusals = 0
        statistics.turns += 1
        statistics.deciding += decided - began
        statistics.committing += committed - decided
        self._after_turn(turn)

    def _redo(self, turn: Turn, producer: Producer, refusal: Refused) -> None:
        """The broker refused the positions: undo everything and take the records again."""
        log.warning("turn of %d records refused (%s), taken again", len(turn), refusal)
        now = self._ports.clock.monotonic()
        if self._refusals == 0:
            self._refused_since = now
        self._refusals += 1
        # Also in time: a group may wait for a leader that is gone as long as its session lasts.
        is_long = now - self._refused_since > 2 * self.config.limits.session_timeout
        if is_long and self._refusals > self.config.limits.refusals:
            raise Fatal(
                Cause.FENCED,
                f"The group {self.config.group} has refused {self._refusals} turns one after "
                f"another: {refusal}.",
                "Another worker may run under the same instance name; give each its own.",
            ) from refusal
        with self._watchdog.watching("aborting a transaction"):
            abort(producer)
        self._producers.retire_current()
        for partition in turn.partitions:
            partition.roll_back()
        self.statistics.redone += 1
        self._after_turn(turn)

    def _prepare(self, number: int) -> Opening:
        return Opening(
            number,
            self.config,
            self._ports.clients,
            self._look_ups,
            self._ports.clock,
            self._identity,
            self._ports.disk,
            self._tables,
            self._generations,
        )


def as_fatal(error: BaseException) -> Fatal:
    """What ends the engine's thread, as one of the known causes."""
    if isinstance(error, Fatal):
        return error
    reason = reason_of(error)
    if reason is not None and reason.fatal():
        # The client has given its handle up, and says so whatever it is asked next.
        return uncertain("working on", error)
    fatal = Fatal(
        Cause.IMPOSSIBLE,
        f"{type(error).__name__}: {error}",
        "This should not happen: keep the log, start again, and report it.",
    )
    fatal.__cause__ = error
    return fatal
