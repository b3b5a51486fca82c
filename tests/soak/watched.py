"""What a worker holds while it lives: memory, file handles, threads, sampled from /proc.

A life is one process. Of a life that was long enough a line is fitted through its second half: what
it would have gained in that half must stay below a bound.
"""

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.figures.aside import Aside

SAMPLE_EVERY_S = 0.5
# A shorter life is all beginning: partitions open, buffers fill.
LIFE_LEAST_S = 20.0

# A row that is kept decoded (the engine keeps 100,000, twice), its key, its dictionary entry and
# its place in RocksDB's write buffers take 300 to 500 bytes, an event writes one or two, and a
# short life ends before all of them are full.
BYTES_AN_EVENT = 1_000
# What is taken in steps: 48 MB for the allocators of Python, librdkafka and RocksDB and for fetches
# that queue up while the worker or the broker stood still, and RocksDB's write buffers of 64 MB,
# which partitions that come over fill at once.
BYTES_FREE = 112_000_000
# At no time may a worker take more: twice what it has once those are full, for the changelogs and
# the backlog of eight partitions that come over at once.
BYTES_MOST = 400 << 20
# A flush or a compaction leaves a table file more or less in each of 8 partitions, and the second
# worker's coming and going opens and closes whole partitions, of up to 8 files each.
HANDLES_FREE = 64
# librdkafka has one a connection, RocksDB two; clients are made anew at a rebalance.
THREADS_FREE = 16


class Sample(NamedTuple):
    """One look at a process."""

    at_s: float
    memory: int
    """Resident, bytes."""
    handles: int
    threads: int


class Life(NamedTuple):
    """A worker from its start to its end."""

    name: str
    process: int
    samples: list[Sample]

    @property
    def seconds(self) -> float:
        """From the first look to the last."""
        return self.samples[-1].at_s - self.samples[0].at_s if self.samples else 0.0

    @property
    def is_judged(self) -> bool:
        """Whether it was long enough to tell anything."""
        return self.seconds >= LIFE_LEAST_S

    def gains(self) -> tuple[float, float, float]:
        """Memory, handles and threads that the second half gained, by the line through it."""
        half = self.samples[len(self.samples) // 2 :]
        return (
            gain([(one.at_s, one.memory) for one in half]),
            gain([(one.at_s, one.handles) for one in half]),
            gain([(one.at_s, one.threads) for one in half]),
        )

    def faults(self, events_per_s: float) -> list[str]:
        """What has grown too much, in sentences."""
        memory, handles, threads = self.gains()
        allowed = BYTES_FREE + BYTES_AN_EVENT * events_per_s * self.seconds / 2
        told = []
        if memory > allowed:
            told.append(
                f"memory grew by {memory / 1e6:.0f} MB in its second half, {allowed / 1e6:.0f} are "
                "allowed"
            )
        if (most := max(sample.memory for sample in self.samples)) > BYTES_MOST:
            told.append(f"memory reached {most / 1e6:.0f} MB, {BYTES_MOST / 1e6:.0f} are allowed")
        if handles > HANDLES_FREE:
            told.append(
                f"file handles grew by {handles:.0f} in its second half, {HANDLES_FREE} are allowed"
            )
        if threads > THREADS_FREE:
            told.append(
                f"threads grew by {threads:.0f} in its second half, {THREADS_FREE} are allowed"
            )
        return [f"{self.name}, {self.seconds:.0f} s: {one}" for one in told]


def gain(points: list[tuple[float, float]]) -> float:
    """How much the line through (time, value) rises from the first time to the last."""
    if len(points) < 2 or points[0][0] == points[-1][0]:
        return 0.0
    times, values = zip(*points, strict=True)
    slope: float = statistics.linear_regression(times, values).slope
    return slope * float(times[-1] - times[0])


def look(process: int) -> Sample | None:
    """A process as it is now; None when it has ended."""
    folder = Path(f"/proc/{process}")
    try:
        lines = (folder / "status").read_text().splitlines()
        said = dict(line.split(":", 1) for line in lines)
        if "VmRSS" not in said:
            return None  # ended, and nobody has asked for its code yet
        memory = int(said["VmRSS"].split()[0]) * 1024
        handles = sum(1 for _ in (folder / "fd").iterdir())
        return Sample(time.monotonic(), memory, handles, int(said["Threads"]))
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None


class Watcher(Aside):
    """Samples whatever workers there are, on a thread of its own."""

    def __init__(self, workers: Callable[[], dict[str, int]]) -> None:
        """`workers` gives the processes that live now, by name."""
        super().__init__("watcher")
        self.lives: list[Life] = []
        self._open: dict[int, Life] = {}
        self._workers = workers

    def _look(self) -> None:
        for name, process in self._workers().items():
            sample = look(process)
            if sample is None:
                continue
            if process not in self._open:
                self._open[process] = Life(name, process, [])
                self.lives.append(self._open[process])
            self._open[process].samples.append(sample)
        self._over.wait(SAMPLE_EVERY_S)
