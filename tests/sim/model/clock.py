"""A simulated machine's clocks, its background threads, and the end of its process."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from streams.engine.errors import Fatal
from tests.sim.model.scheduler import Process, World

T = TypeVar("T")


class Machine:
    """Where processes run: its wall clock may be wrong by `error_ms`, and jump."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.error_ms = 0


class MachineClock:
    """The Clock port. The monotonic clock does not jump; the wall clock does with the machine."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._world = machine.world

    def monotonic(self) -> float:
        """Seconds since the world began."""
        return self._world.now

    def now_ms(self) -> int:
        """What this machine takes for UTC."""
        return self._world.wall_ms() + self._machine.error_ms


class SimBackground:
    """The Background port: each piece of work is a task of the process."""

    def __init__(self, process: Process) -> None:
        self._process = process

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """Run `work` soon, elsewhere."""
        return self._process.spawn(work, "background")


class SimExit:
    """The Exit port: the process ends at once, and `Process.failure` says why."""

    def __init__(self, process: Process) -> None:
        self._process = process

    def __call__(self, fatal: Fatal) -> None:
        self._process.exit(fatal)
