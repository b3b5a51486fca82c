"""Simulated workers: the real engine and the real gate in a process of the model.

A machine has a clock, a disk and at most one worker; a worker is one process's life, from its start
to its end, whatever that was. What Faust's side of a turn does (streams/engine/agent.py) is done
here in its place: begin, decide each partition, flush, and a failure handed to the engine.
"""

from collections.abc import Callable
from random import Random
from typing import NamedTuple

from streams.engine import Cause, Config, Engine, Fatal, Ports
from streams.engine.engine import as_fatal
from streams.engine.turn import Turn
from streams.job import Job, make_job
from streams.settings import Settings
from tests.sim.kit import codecs
from tests.sim.model.broker import Broker
from tests.sim.model.clients import SimClients
from tests.sim.model.clock import Machine, MachineClock, SimBackground, SimExit
from tests.sim.model.disk import Folder, SimDisk
from tests.sim.model.network import Network
from tests.sim.model.scheduler import Killed, Process, World

WATCHDOG_S = 0.5


class Place(NamedTuple):
    """Where workers run."""

    world: World
    broker: Broker
    network: Network


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
        self.dropped = 0
        """Turns that were handed over while it was stopping."""
        self.job: Job = make_job(settings, codecs(), lambda: salts.randbytes(16))
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
        disk = SimDisk(process, self.folder)
        ports = Ports(
            SimClients(process, place.broker, place.network, clock, config),
            disk,
            clock,
            SimBackground(process),
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
            self.dropped += 1
            turn.drop()
            return
        turn.begin()
        try:
            for partition in turn:
                self.job.decide(partition)
        except Exception as error:  # noqa: BLE001  # whatever it is, the turn is not committed
            turn.fail(_job_failed(error))
            return
        try:
            turn.flush()
        except Fatal as fatal:
            turn.fail(fatal)


def _after_turn(turn: Turn) -> None:
    """Nobody waits for it."""


def _job_failed(error: Exception) -> Fatal:
    if isinstance(error, Fatal):
        return error
    fatal = Fatal(Cause.JOB_FAILED, f"The job raised {type(error).__name__}: {error}.", "")
    fatal.__cause__ = error
    return fatal
