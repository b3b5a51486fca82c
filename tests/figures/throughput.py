"""Sustained events a second: a log full of the demonstration's mix, drained by one worker or more.

Counted over the second half of the events, from what has been committed, so that starting,
opening and warming up are left out; the broker works on the same cores.
"""

import os
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from streams.broker import EmbeddedBroker
from streams.world import preload
from tests.figures.gate import Gate, Worker
from tests.figures.processes import cpu_s, machine_busy_s, memory_peak_mb
from tests.figures.progress import Progress

_LOOK_EVERY_S = 0.1
# At a hundredth of what is required something is broken.
_SLOWEST_EVENTS_A_SECOND = 80
_START_S = 60.0


class Throughput(NamedTuple):
    """One run."""

    events_per_s: float
    worker_us: float  # CPU an event, of all workers together
    broker_us: float
    written_per_event: float  # records, transaction markers included
    turns: float  # of the first worker
    memory_mb: float  # the most of any worker
    others_cores: float  # busy with neither worker nor broker
    load: float


class _Sample(NamedTuple):
    at: float
    decided: int
    worker_s: float
    broker_s: float
    busy_s: float


def measure(
    broker: EmbeddedBroker,
    folder: Path,
    name: str,
    events: int,
    seed: int,
    *,
    workers: int = 1,
    partitions: int = 8,
) -> Throughput:
    """Fill a fresh gate's log, start its workers, watch it drain."""
    gate = Gate(broker, f"{name}.", folder / name, partitions=partitions)
    loaded = preload(gate.settings, events, seed)
    progress = Progress(gate.settings)
    try:
        with ExitStack() as stack:
            others = (gate.another(f"worker-{number}") for number in range(1, workers))
            running = [stack.enter_context(each) for each in (gate.worker(), *others)]
            samples = _watch(running, broker.pid, progress, loaded.events)
            turns = gate.metric("tollgate_turns_total")
            memory = max(memory_peak_mb(worker.process) for worker in running)
            for worker in running:
                worker.stop()
        return _figures(samples, progress.written() / loaded.events, turns, memory)
    finally:
        progress.close()


def _watch(
    workers: Sequence[Worker], broker: int, progress: Progress, events: int
) -> list[_Sample]:
    deadline = time.monotonic() + _START_S + events / _SLOWEST_EVENTS_A_SECOND
    samples: list[_Sample] = []
    while not samples or samples[-1].decided < events:
        for worker in workers:
            if worker.exit_code is not None:
                raise RuntimeError(f"a worker ended by itself with exit code {worker.exit_code}")
        if time.monotonic() > deadline:
            raise RuntimeError(f"{samples[-1].decided} of {events} events decided, then too late")
        time.sleep(_LOOK_EVERY_S)
        samples.append(
            _Sample(
                time.monotonic(),
                progress.decided(),
                sum(cpu_s(worker.process) for worker in workers),
                cpu_s(broker),
                machine_busy_s(),
            )
        )
    return samples


def _figures(samples: list[_Sample], written: float, turns: float, memory: float) -> Throughput:
    first, last = second_half([sample.decided for sample in samples])
    began, ended = samples[first], samples[last]
    events, seconds = ended.decided - began.decided, ended.at - began.at
    worker, broker = ended.worker_s - began.worker_s, ended.broker_s - began.broker_s
    return Throughput(
        events / seconds,
        worker / events * 1e6,
        broker / events * 1e6,
        written,
        turns,
        memory,
        max(0.0, ended.busy_s - began.busy_s - worker - broker) / seconds,
        os.getloadavg()[0],
    )


def second_half(decided: list[int]) -> tuple[int, int]:
    """Where the second half of what was decided begins, and where all of it is."""
    total = decided[-1]
    begin = next(place for place, count in enumerate(decided) if 2 * count >= total)
    return begin, decided.index(total)
