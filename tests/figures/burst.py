"""A burst of ten times the steady rate: how long until latency is back, and whose prompt was late.

The steady world answers as people do; what ten seconds of the burst bring is written by a process
of its own as fast as the broker takes it; how long that took is told.
"""

import multiprocessing
import os
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from streams.broker import EmbeddedBroker
from streams.demo.funnel import latency_of
from streams.settings import Settings
from streams.world import preload
from tests.figures.gate import PROMPT_LIFE_MS, Gate
from tests.figures.latency import EVENTS_AN_ORDER, Eyes, wait_until_ready
from tests.figures.outside import Outside

if TYPE_CHECKING:
    from multiprocessing.sharedctypes import Synchronized

TIMES = 10
BURST_S = 10
_AFTER_S = 40.0
_END_S = 120.0
# A second's p99 moves: the highest of these before the burst is what it must come back to.
_STEADY_S = 10


class Burst(NamedTuple):
    """One burst; milliseconds unless said."""

    steady_per_s: float  # events
    burst_events: int
    published_s: float  # in which the burst was written
    steady_p99: int  # the highest of the seconds before
    burst_most: int  # the latest prompt there was
    back_s: float  # from the burst's end until p99 is what it was, and stays so
    late_prompts: int  # that were seen when their life was over
    load: float


def measure(
    broker: EmbeddedBroker, folder: Path, name: str, events_per_s: float, warm_up_s: float
) -> Burst:
    """Steady, ten times as much for ten seconds, steady again."""
    gate = Gate(broker, f"{name}.", folder / name, partitions=4)
    with ExitStack() as stack:
        worker = stack.enter_context(gate.worker())
        wait_until_ready(gate)
        eyes = stack.enter_context(Eyes(gate.settings))
        ordering_s = warm_up_s + _STEADY_S + 2 * BURST_S + _AFTER_S
        world = stack.enter_context(Outside(gate, events_per_s / EVENTS_AN_ORDER, ordering_s))
        time.sleep(warm_up_s + _STEADY_S)
        events = int(events_per_s * (TIMES - 1) * BURST_S)
        context = multiprocessing.get_context("spawn")
        began_at = context.Value("d", 0.0)
        writer = context.Process(target=_publish, args=(gate.settings, events, began_at))
        writer.start()
        writer.join()
        began, ended = began_at.value, time.time()
        if writer.exitcode:
            raise RuntimeError("the burst could not be written")
        time.sleep(_AFTER_S)
        world.wait(_END_S)
        worker.stop()
    seconds = _p99s(eyes, began - _STEADY_S, ended + _AFTER_S)
    steady = max(p99 for at, p99 in seconds if at + 1 < began)
    back = [at + 1 for at, p99 in seconds if at >= ended and p99 > steady]
    everything = eyes.latencies(began - _STEADY_S, ended + _AFTER_S)
    return Burst(
        events_per_s,
        events,
        ended - began,
        steady,
        max(everything),
        max(back, default=ended) - ended,
        sum(latency > PROMPT_LIFE_MS for latency in everything),
        os.getloadavg()[0],
    )


def _p99s(eyes: Eyes, since: float, until: float) -> list[tuple[float, int]]:
    """(instant, p99 of the orders published in the second after it)."""
    found = []
    for second in range(int(until - since)):
        latencies = latency_of(eyes.latencies(since + second, since + second + 1))
        if latencies is not None:
            found.append((since + second, latencies[1]))
    return found


def _publish(settings: Settings, events: int, began_at: "Synchronized[float]") -> None:
    began_at.value = time.time()
    preload(settings, events, seed=1000)
