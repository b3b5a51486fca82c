"""From an event's publication to its output in the hand of a read_committed reader.

A steady rate after a warm-up. An event's CreateTime is the moment at which it was produced, an
output's is when our reader has it; both clocks are one machine's. Producer and reader cost about
2 ms, the same for every engine.
"""

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Self

from confluent_kafka import Consumer, KafkaException, TopicPartition

from streams.broker import EmbeddedBroker
from tests.figures.aside import Aside
from tests.peers import audit, generator, workload
from tests.peers.audit import Findings, OutputId
from tests.peers.engines import Engine
from tests.peers.process import Process, end, guarded, shares
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

    rate: int  # events a second that were wanted
    events_per_s: float  # that came
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
    generator.preload(bootstrap, prefix, engine.warm_up, seed, _WARM_UP_SUBSCRIBERS)
    progress = Progress(bootstrap, prefix)
    with Process(engine, broker, prefix, folder) as process:
        progress.watch(process, engine.warm_up, engine.rest_s, _WARM_UP_S)
        with _Eyes(bootstrap, progress.ends()) as eyes:
            time.sleep(_SETTLE_S)
            with _Load(folder, bootstrap, prefix, engine.rate, events, seed) as load:
                time.sleep(_SKIP_S)
                before = after = process.sample()
                while load.is_going():
                    after = process.sample()
                    time.sleep(_LOOK_EVERY_S)
            eyes.wait(events)
        memory_mb = process.memory_peak_mb()
    findings = audit.check(bootstrap, prefix, engine.warm_up + events)
    caused = audit.caused_at(bootstrap, prefix)
    waits = waits_since(before.at * 1000, caused, eyes.seen())
    used = shares(before, after)
    # Every event of the generator causes one output.
    counted = sum(before.at * 1000 <= at < after.at * 1000 for at in caused.values())
    return Latency(
        engine.rate,
        counted / used.seconds,
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
        findings,
    )


def waits_since(
    since_ms: float, caused: Mapping[OutputId, float], seen: Mapping[OutputId, float]
) -> list[float]:
    """The milliseconds from each event since then to its output, in order of length.

    RuntimeError if an output was not seen at all, or there is none: no figure hides that.
    """
    counted = {output: at for output, at in caused.items() if at >= since_ms}
    unseen = len(counted.keys() - seen.keys())
    if unseen or not counted:
        raise RuntimeError(f"{unseen:,} of {len(counted):,} outputs that count were not seen")
    return sorted(seen[output] - at for output, at in counted.items())


def _at(share: float, ordered: list[float]) -> float:
    return ordered[int(share * len(ordered))]


class _Load:
    """The generator at its steady rate, as a process of its own while entered."""

    def __init__(self, folder: Path, *arguments: str | int) -> None:
        self._log = folder / "generator.log"
        command = [sys.executable, "-m", "tests.peers.generator", *map(str, arguments)]
        with self._log.open("wb") as log:
            self._guard = guarded(command, {}, log)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        end(self._guard)

    def is_going(self) -> bool:
        """Whether it still sends; RuntimeError if it failed."""
        code = self._guard.poll()
        if code:
            said = self._log.read_text("utf-8", "replace").strip().rpartition("\n")[2]
            raise RuntimeError(f"the generator failed: {said or code}")
        return code is None


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
