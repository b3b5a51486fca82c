"""An engine as a process that dies with us, and the CPU that it, the broker and we use."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, NamedTuple, Self

import streams.broker
from streams.broker import EmbeddedBroker
from tests.figures.processes import cpu_s, machine_busy_s, memory_peak_mb
from tests.peers.builds import ROOT
from tests.peers.engines import Engine

_GUARD = Path(streams.broker.__file__).with_name("guard.py")


class Sample(NamedTuple):
    """Seconds of CPU used so far, at an instant."""

    at: float  # seconds since the epoch
    engine_s: float
    broker_s: float
    others_s: float  # of the whole machine, but engine, broker and this process


class Shares(NamedTuple):
    """Who used how much between two samples."""

    seconds: float
    engine_s: float
    broker_s: float
    others_cores: float


def shares(before: Sample, after: Sample) -> Shares:
    """What was used from one sample to a later one; RuntimeError if they are one and the same."""
    seconds = after.at - before.at
    if seconds <= 0:
        raise RuntimeError("too few events: they passed between two looks")
    return Shares(
        seconds,
        after.engine_s - before.engine_s,
        after.broker_s - before.broker_s,
        max(0.0, after.others_s - before.others_s) / seconds,
    )


def guarded(
    command: Sequence[str], environment: Mapping[str, str], log: IO[bytes]
) -> subprocess.Popen[bytes]:
    """Start a program in the repository's root; what is returned is its guard.

    The guard's first line is the program's process id, its exit code the program's. The program is
    killed when the guard's standard input is closed, so also when we are gone.
    """
    return subprocess.Popen(
        [sys.executable, "-I", "-S", str(_GUARD), *command],
        cwd=ROOT,
        env=os.environ | environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        # Ctrl-C is for us, who kill it.
        start_new_session=True,
    )


def end(guard: subprocess.Popen[bytes]) -> None:
    """Kill what is guarded, if it still runs."""
    assert guard.stdin is not None
    assert guard.stdout is not None
    guard.stdin.close()
    guard.wait()
    guard.stdout.close()


class Process:
    """An engine on one run's topics while entered; left, it is killed if it still runs.

    No engine starts processes of its own, so that the one is all that must be looked at.
    """

    def __init__(self, engine: Engine, broker: EmbeddedBroker, prefix: str, folder: Path) -> None:
        """All that it leaves is in `folder`, which is there."""
        temporary = folder / "temporary"
        temporary.mkdir(exist_ok=True)
        names = {
            "bootstrap": broker.bootstrap_servers,
            "prefix": prefix,
            "state": str(folder / "state"),
            "temporary": str(temporary),
        }
        program, *arguments = (part.format_map(names) for part in engine.command)
        # The guard looks nowhere for it.
        self._command = [shutil.which(program) or program, *arguments]
        self._environment = {
            name: part.format_map(names) for name, part in engine.environment.items()
        }
        self._broker = broker.pid
        self.log = folder / "engine.log"
        self._guard: subprocess.Popen[bytes] | None = None
        self._process = 0

    def __enter__(self) -> Self:
        with self.log.open("ab") as log:
            self._guard = guarded(self._command, self._environment, log)
        assert self._guard.stdout is not None
        told = self._guard.stdout.readline()
        if not told:
            end(self._guard)
            raise RuntimeError(f"{self._command[0]} could not be started")
        self._process = int(told)
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        assert self._guard is not None
        end(self._guard)

    def sample(self) -> Sample:
        """What has been used so far; RuntimeError when engine or broker has ended by itself."""
        assert self._guard is not None
        if (code := self._guard.poll()) is not None:
            raise RuntimeError(f"the engine ended by itself with exit code {code}")
        try:
            engine_s, broker_s = cpu_s(self._process), cpu_s(self._broker)
        except OSError as gone:
            raise RuntimeError("the engine or the broker ended by itself") from gone
        others_s = machine_busy_s() - engine_s - broker_s - time.process_time()
        return Sample(time.time(), engine_s, broker_s, others_s)

    def memory_peak_mb(self) -> float:
        """The most memory that it has had resident, in MB of a million bytes."""
        return memory_peak_mb(self._process)
