"""Simulated workers: the real engine and the real gate in a process of the model.

A machine has a clock, a disk and at most one worker; a worker is one process's life, from its start
to its end, whatever that was. What Faust's side of a turn does (streams/engine/agent.py) is done
here in its place: begin, decide each partition, flush, and a failure handed to the engine.
"""

import struct
from collections.abc import Callable
from concurrent.futures import Future
from random import Random
from typing import NamedTuple, TypeVar

from confluent_kafka import KafkaException, Message

from streams.engine import Config, Engine, Fatal, Ports
from streams.engine.agent import _as_fatal
from streams.engine.engine import as_fatal
from streams.engine.ports import Database, GroupConsumer
from streams.engine.restore import Abandoned
from streams.engine.turn import Turn, uncertain
from streams.job import Job, make_job
from streams.settings import Settings
from tests.sim.kit import failing_codecs
from tests.sim.model.broker import Broker
from tests.sim.model.clients import SimClients
from tests.sim.model.clock import Machine, MachineClock, SimBackground, SimExit
from tests.sim.model.disk import Folder, SimDisk
from tests.sim.model.member import SimGroupConsumer
from tests.sim.model.network import Network
from tests.sim.model.scheduler import Killed, Process, World

T = TypeVar("T")

WATCHDOG_S = 0.5
_META, _META_HEAD = b"\0meta", struct.Struct("<q")


class Place(NamedTuple):
    """Where workers run."""

    world: World
    broker: Broker
    network: Network
    mark: Callable[[str], None]
    """A coverage mark was met."""


class WatchedBackground(SimBackground):
    """The model's, which also sees openings that were abandoned."""

    def __init__(self, process: Process, mark: Callable[[str], None]) -> None:
        super().__init__(process)
        self._mark = mark

    def submit(self, work: Callable[[], T]) -> Future[T]:
        def watched() -> T:
            try:
                return work()
            except Abandoned:
                self._mark("recovery: an opening is abandoned")
                raise

        return super().submit(watched)


class WatchedDisk(SimDisk):
    """The model's, which also sees how much an opening has to restore."""

    def __init__(self, process: Process, folder: Folder, place: Place, changelog: str) -> None:
        super().__init__(process, folder)
        self._place = place
        self._changelog = changelog
        self._filled: set[str] = set()
        """Names of those whose next opening only ends a filling."""

    def database(self, name: str, *, filling: bool = False) -> Database:
        database = super().database(name, filling=filling)
        if filling:
            self._filled.add(name)
            self._place.mark("recovery: a store is opened for filling")
            return database
        if name in self._filled:
            self._filled.remove(name)
            return database
        log = self._place.broker.partition(self._changelog, int(name.rpartition("-")[2]))
        try:
            stands = database.get(_META)
        except RuntimeError:  # damaged just there: the store finds it itself
            return database
        position = _META_HEAD.unpack_from(stands)[0] if stands else 0
        if log is not None and log.high:
            what = "restored from nothing" if position == 0 else "nothing to restore"
            if position and any(log.visible[position:]):
                what = "restored from where the store stood"
            self._place.mark(f"recovery: {what}")
        return database


class WatchedClients(SimClients):
    """The model's, which also see what was fetched in vain."""

    mark: Callable[[str], None]

    def group_consumer(self, instance: str) -> GroupConsumer:
        consumer = super().group_consumer(instance)
        assert isinstance(consumer, SimGroupConsumer)
        take, queue = consumer._take, consumer._queue

        def watched() -> Message | None:
            if queue and queue[0][0] is not None and queue[0][0].version != queue[0][1]:
                self.mark("recovery: prefetched records are dropped")
            return take()

        consumer._take = watched  # type: ignore[method-assign]  # of this one consumer
        return consumer


class Worker:
    """One life of a worker."""

    def __init__(
        self,
        place: Place,
        machine: Machine,
        folder: Folder,
        settings: Settings,
        reshape: Callable[[Config], Config],
        salts: Random,
    ) -> None:
        self.machine = machine
        self.folder = folder
        self.instance = settings.instance
        self.engine: Engine | None = None
        self.has_stopped = False
        """It was told to, and left in order."""
        self.job: Job = make_job(settings, failing_codecs(), lambda: salts.randbytes(16))
        self._config = reshape(self.job.config)
        self._place = place
        self._is_stopping = False
        self.process: Process = place.world.process(machine.name)
        self.process.spawn_main(self._main, "engine")

    def stop(self) -> None:
        """SIGTERM."""
        self._is_stopping = True
        if self.engine is not None:
            self.engine.stopping = True

    @property
    def failure(self) -> Fatal | None:
        """Why it ended itself."""
        failure = self.process.failure
        assert failure is None or isinstance(failure, Fatal)
        return failure

    @property
    def is_ready(self) -> bool:
        return self.engine is not None and self.engine.is_ready

    def _main(self) -> None:
        process = self.process
        try:
            self._run()
        except Killed:
            raise
        except BaseException as error:  # noqa: BLE001  # nothing may outlive the engine
            process.exit(as_fatal(error))
        self.has_stopped = True
        process.kill()

    def _run(self) -> None:
        process, place, config = self.process, self._place, self._config
        clock = MachineClock(self.machine)
        disk = WatchedDisk(process, self.folder, place, config.changelog)
        clients = WatchedClients(process, place.broker, place.network, clock, config)
        clients.mark = place.mark
        ports = Ports(
            clients,
            disk,
            clock,
            WatchedBackground(process, place.mark),
            SimExit(process),
        )
        specs = [table.spec for table in self.job.tables]
        engine = self.engine = Engine(config, specs, ports, self._hand_over, _after_turn)
        engine.stopping = self._is_stopping
        process.spawn_main(self._watch, "watchdog")
        engine.run()

    def _watch(self) -> None:
        assert self.engine is not None
        watchdog = self.engine._watchdog
        while True:
            self._place.world.pause(self.process, "watchdog", WATCHDOG_S)
            watchdog.check()

    def _hand_over(self, turn: Turn) -> None:
        if self._is_stopping:
            self._place.mark("recovery: a turn is dropped at a stop")
            turn.drop()
            return
        try:
            turn.begin()
        except KafkaException as error:
            turn.fail(uncertain("beginning", error))
            return
        try:
            for partition in turn:
                self.job.decide(partition)
            turn.flush()
        except Exception as error:  # noqa: BLE001  # whatever it is, the turn is not committed
            turn.fail(_as_fatal(error))


def _after_turn(turn: Turn) -> None:
    """Nobody waits for it."""
