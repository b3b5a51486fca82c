"""From an event's publication to its output in the hand of a read_committed reader.

A steady rate after a warm-up. An event's CreateTime is the moment at which it was produced, an
output's is when our reader has it; both clocks are one machine's. Producer and reader cost about
2 ms, the same for every engine.
"""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaException, TopicPartition

from streams.broker import EmbeddedBroker
from tests.figures.aside import Aside
from tests.peers import audit, generator, workload
from tests.peers.audit import Findings, OutputId
from tests.peers.builds import ROOT
from tests.peers.engines import Engine
from tests.peers.process import Process, shares
from tests.peers.progress import Progress

# Those of the warm-up are nobody's in the steady load.
_WARM_UP_SUBSCRIBERS = 50_000_000
_WARM_UP_S = 120.0
# The reader has caught up, and the engine has come from draining to waiting.
_SETTLE_S = 2.0
_SKIP_S = 5.0
_END_S = 60.0
_LOOK_EVERY_S = 0.2
_READ_MOST = 500
_READ_S = 0.05


class Latency(NamedTuple):
    """One run; milliseconds unless said."""

    events_per_s: float
    p50: float
    p90: float
    p99: float
    p999: float
    most: float
    engine_us: float  # CPU an event
    broker_us: float  # CPU an event; it serves generator and reader too
    memory_mb: float
    others_cores: float  # generator included
    load: float
    findings: Findings


def measure(
    engine: Engine, broker: EmbeddedBroker, prefix: str, folder: Path, events: int, seed: int
) -> Latency:
    """Warm the engine, let events flow at its rate; the first seconds do not count."""
    bootstrap = broker.bootstrap_servers
    generator.make_topics(bootstrap, prefix)
    warm_up = min(engine.warm_up, events)
    generator.preload(bootstrap, prefix, warm_up, seed, _WARM_UP_SUBSCRIBERS)
    progress = Progress(bootstrap, prefix)
    with Process(engine, broker, prefix, folder) as process:
        progress.watch(process, warm_up, engine.rest_s, _WARM_UP_S)
        with _Eyes(bootstrap, progress.ends()) as eyes:
            time.sleep(_SETTLE_S)
            steady = (bootstrap, prefix, engine.rate, events, seed)
            load = subprocess.Popen(
                [sys.executable, "-m", "tests.peers.generator", *map(str, steady)], cwd=ROOT
            )
            try:
                time.sleep(_SKIP_S)
                before = after = process.sample()
                while load.poll() is None:
                    after = process.sample()
                    time.sleep(_LOOK_EVERY_S)
            finally:
                load.kill()
                load.wait()
            eyes.wait(events)
        memory_mb = process.memory_peak_mb()
    caused = audit.caused_at(bootstrap, prefix)
    waits = sorted(
        seen - caused[output]
        for output, seen in eyes.seen().items()
        if output in caused and caused[output] >= before.at * 1000
    )
    if not waits:
        raise RuntimeError("no output came within the time that counts")
    used = shares(before, after)
    counted = used.seconds * engine.rate
    return Latency(
        engine.rate,
        _at(0.5, waits),
        _at(0.9, waits),
        _at(0.99, waits),
        _at(0.999, waits),
        waits[-1],
        used.engine_s / counted * 1e6,
        used.broker_s / counted * 1e6,
        memory_mb,
        used.others_cores,
        os.getloadavg()[0],
        audit.check(bootstrap, prefix),
    )


def _at(share: float, ordered: list[float]) -> float:
    return ordered[int(share * len(ordered))]


class _Eyes(Aside):
    """A reader of committed outputs, on a thread of its own; it only notes what came when."""

    def __init__(self, bootstrap: str, ends: list[TopicPartition]) -> None:
        super().__init__("eyes")
        self._consumer = Consumer(audit.reader(bootstrap))
        self._consumer.assign(ends)
        self._came: list[tuple[str, bytes, float]] = []

    def _close(self) -> None:
        self._consumer.close()

    def _look(self) -> None:
        first = self._consumer.poll(_READ_S)
        if first is None:
            return
        records = [first, *self._consumer.consume(_READ_MOST, 0)]
        now_ms = time.time() * 1000
        for record in records:
            if record.error() is not None:
                raise KafkaException(record.error())
            topic = record.topic()
            assert topic is not None
            self._came.append((topic, audit.value_of(record), now_ms))

    def wait(self, outputs: int) -> None:
        """Until so many have come, or no more can be expected: the audit says what is missing."""
        deadline = time.monotonic() + _END_S
        while len(self._came) < outputs and time.monotonic() < deadline:
            time.sleep(_LOOK_EVERY_S)

    def seen(self) -> dict[OutputId, float]:
        """When each output first came, in ms since the epoch."""
        first: dict[OutputId, float] = {}
        for topic, value, at_ms in self._came:
            name = topic.rpartition("-")[2]
            assert name in workload.OUTPUTS
            first.setdefault((name, workload.decode(value)[1]["order_id"]), at_ms)
        return first
