"""Events a second and what they cost: a full log, drained by one engine.

The second half, from the moment half of the outputs are committed, leaves out starting, opening and
most of a JVM's compiling; the whole is all that the process used from its start on.
"""

import os
import time
from pathlib import Path
from typing import NamedTuple

from streams.broker import EmbeddedBroker
from tests.figures.throughput import second_half
from tests.peers import audit, generator
from tests.peers.audit import Findings
from tests.peers.engines import Engine
from tests.peers.process import Process, Sample, shares
from tests.peers.progress import Progress

# A JVM's start on a busy machine, and a third of what the slowest engine does.
_START_S = 60.0
_SLOWEST_EVENTS_A_SECOND = 200


class Speed(NamedTuple):
    """One run; "half" figures are of its second half."""

    events: int
    events_per_cpu_s_half: float
    events_per_cpu_s: float
    events_per_s_half: float
    events_per_s: float  # from the process's start to the last output
    broker_us_half: float  # CPU an event
    start_s: float  # to the first committed output
    memory_mb: float
    others_cores_half: float  # busy with neither engine nor broker nor this measuring
    load: float
    findings: Findings


def measure(
    engine: Engine, broker: EmbeddedBroker, prefix: str, folder: Path, events: int, seed: int
) -> Speed:
    """Fill a fresh log, start the engine, watch it drain, kill it, audit it."""
    bootstrap = broker.bootstrap_servers
    generator.make_topics(bootstrap, prefix)
    generator.preload(bootstrap, prefix, events, seed)
    progress = Progress(bootstrap, prefix)
    began = time.time()
    with Process(engine, broker, prefix, folder) as process:
        # One output an event; the audit has the last word.
        most_s = _START_S + events / _SLOWEST_EVENTS_A_SECOND
        samples = progress.watch(process, events, engine.rest_s, most_s)
        memory_mb = process.memory_peak_mb()
    return figures(samples, began, events, memory_mb, audit.check(bootstrap, prefix, events))


def figures(
    samples: list[tuple[int, Sample]],
    began: float,
    events: int,
    memory_mb: float,
    findings: Findings,
) -> Speed:
    """What the samples of one run say; RuntimeError when they are too few to say anything."""
    written = [count for count, _ in samples]
    first = next(place for place, count in enumerate(written) if count)
    half, last = second_half(written)
    end = samples[last][1]
    used = shares(samples[half][1], end)
    if used.engine_s <= 0:
        raise RuntimeError("too few events: their CPU time is less than a tick")
    # What is written are outputs and markers; their share is the events' share.
    half_events = events * (written[last] - written[half]) / written[last]
    return Speed(
        events,
        half_events / used.engine_s,
        events / end.engine_s,
        half_events / used.seconds,
        events / (end.at - began),
        used.broker_s / half_events * 1e6,
        samples[first][1].at - began,
        memory_mb,
        used.others_cores,
        os.getloadavg()[0],
        findings,
    )
