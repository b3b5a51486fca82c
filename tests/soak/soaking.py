"""One soak: the world turns at a steady rate, faults strike by a seed, and all is looked at.

After each fault another committed decision of every partition is waited for, and that the gate has
caught up; so what strikes next strikes a gate that works. In the last part of the time no fault
ends the first worker, so that one life is long enough to be judged. When the world is drained, the
auditor reads.
"""

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from random import Random
from signal import SIGCONT, SIGSTOP
from typing import NamedTuple

from confluent_kafka import KafkaException, Producer

from streams import clients, topics
from streams.audit import Report, audit_topics
from streams.broker import EmbeddedBroker
from streams.codec.faults import Undecodable
from tests.codec.samples import CODECS
from tests.figures.disaster import decisions_seen
from tests.figures.eyes import Eyes, now_ms
from tests.figures.gate import Gate
from tests.figures.latency import EVENTS_AN_ORDER
from tests.figures.outside import Outside
from tests.figures.progress import Progress
from tests.fuzz.decoding import decode_inputs
from tests.soak.again import last_records
from tests.soak.faults import Fault, Strokes
from tests.soak.keeping import FIRST, SECOND, Keeper
from tests.soak.watched import LIFE_LEAST_S, Life, Watcher

# A dead owner's transaction is over after 6 s, its broker looks every 10 s, a broker restarts, and
# machines are busy.
RECOVERY_S = 120.0
# Faults wait until no more than this is undecided, counted in seconds of the rate.
LAG_S = 3.0
# The share of the time, at the end, in which no fault ends the first worker.
_CALM = 0.4
# Then the calm holds the gap before a last fault that ends it, its restart, and two lives that are
# judged: a worker may once end by itself, after a long pause say.
SECONDS_LEAST = (2 * LIFE_LEAST_S + 8.0) / _CALM
# Then each of the 8 partitions has an event every 80 ms, so that how long it takes until all decide
# again is the gate's time, not the wait for an event. (A rate at which `make test` has a soak.)
RATE_LEAST = 100.0
# The world waits while the broker is away, and shares the cores; below this it was no such load.
_RATE_SHARE = 0.5
_START_S = 60.0
# Below the dead-letter limit, a tenth of the last 10,000 records, even at low rates.
_BAD_RECORDS = 5
_REPEATED = 300

Tell = Callable[[str], None]


class Struck(NamedTuple):
    """A fault that was made."""

    fault: Fault
    at_s: float
    """Into the run."""
    again_ms: int
    """From its end until every partition had committed another decision."""


class Outcome(NamedTuple):
    """What came of a soak."""

    rate: float
    """Events a second that were asked for."""
    struck: list[Struck]
    ended: dict[str, int]
    """Workers that ended by themselves, by cause."""
    lives: list[Life]
    events: int
    """Published, and decided."""
    undecided: int
    lag_most: int
    """Events that were published and undecided, at most, of those times it was asked."""
    seconds: float
    world_exit_code: int
    report: Report

    @property
    def events_per_s(self) -> float:
        """That were published."""
        return self.events / self.seconds

    def faults(self) -> list[str]:
        """Everything that is not as it must be, in sentences."""
        told = [
            fault
            for life in self.lives
            if life.is_judged
            for fault in life.faults(self.events_per_s)
        ]
        if not any(life.is_judged for life in self.lives):
            told.append("no life was long enough to be judged")
        if not self.struck:
            told.append("no fault was made")
        if self.events_per_s < self.rate * _RATE_SHARE:
            told.append(f"only {self.events_per_s:,.0f} events a second, not {self.rate:,.0f}")
        if self.undecided:
            told.append(f"{self.undecided} events are undecided")
        if self.world_exit_code:
            told.append(f"the world was not answered in full: exit code {self.world_exit_code}")
        return [*told, *(str(one) for one in self.report.findings)]


class Soak:
    """Its parts, and what is done to them."""

    def __init__(
        self, broker: EmbeddedBroker, gate: Gate, stack: ExitStack, seed: int, rate: float
    ) -> None:
        self._broker = broker
        self._gate = gate
        self._rate = rate
        self._draws = Random(seed)
        self.keeper = Keeper(gate, stack)
        self.eyes: Eyes = stack.enter_context(decisions_seen(gate.settings))
        self.watcher = stack.enter_context(Watcher(self.keeper.processes))
        self.progress = Progress(gate.settings)
        stack.callback(self.progress.close)
        # What a broker that restarts makes it say is no news here.
        self._producer = Producer(clients.producer(gate.settings, "soak") | {"log_level": 0})
        self._bad = decode_inputs()
        self._sent: list[tuple[str, bytes | None, bytes | None]] = []
        self.lag_most = 0

    def strike(self, fault: Fault, lasts_s: float) -> int:
        """Let it happen; the instant at which it was over, in ms since the epoch."""
        keeper = self.keeper
        keeper.look()
        match fault:
            case Fault.KILL | Fault.WIPE:
                keeper.kill(FIRST, wipe=fault is Fault.WIPE)
                keeper.start(FIRST)
            case Fault.RESTART:
                keeper.stop(FIRST)
                keeper.start(FIRST)
            case Fault.PAUSE:
                keeper.signal(FIRST, SIGSTOP)
                time.sleep(lasts_s)
                keeper.signal(FIRST, SIGCONT)
            case Fault.JOIN:
                keeper.start(SECOND)
            case Fault.LEAVE:
                (keeper.kill if self._draws.random() < 0.5 else keeper.stop)(SECOND)
                keeper.leave(SECOND)
            case Fault.BROKER_PAUSE:
                self._broker.suspend()
                time.sleep(lasts_s)
                self._broker.resume()
            case Fault.BROKER_RESTART:
                self._broker.restart()
            case Fault.BAD:
                self._publish([self._bad_record() for _ in range(_BAD_RECORDS)])
            case Fault.REPEAT:
                self._publish(self._some_again())
        return now_ms()

    def _bad_record(self) -> tuple[str, bytes | None, bytes | None]:
        """Bytes that no schema of an input's has, under any number."""
        while True:
            name, value = self._bad.draw(self._draws)
            if name == topics.TICKS:
                continue
            try:
                CODECS.decode(name, value)
            except Undecodable:
                return name, f"86139{self._draws.randrange(10**8):08}".encode(), value

    def _some_again(self) -> list[tuple[str, bytes | None, bytes | None]]:
        """Some of the last orders and replies, as a centre that lost its memory sends them."""
        return last_records(self._gate.settings, (topics.ORDERS, topics.REPLIES), _REPEATED)

    def _publish(self, records: list[tuple[str, bytes | None, bytes | None]]) -> None:
        prefix = self._gate.settings.topic_prefix
        for name, key, value in records:
            self._producer.produce(prefix + name, value, key)
        left = self._producer.flush(RECOVERY_S)
        assert not left, f"{left} records could not be written"

    def await_decision(self, after_ms: int) -> int:
        """Until every partition has one that was committed after this instant; how long it took."""
        self.keeper.wait(lambda: self.eyes.all_after(after_ms) is not None, "decision", RECOVERY_S)
        took = self.eyes.all_after(after_ms)
        assert took is not None
        return took

    def await_caught_up(self, most: float) -> None:
        """Until no more than this is undecided."""
        self.keeper.wait(lambda: self._lag() <= most, "end of the backlog", RECOVERY_S)

    def _lag(self) -> int:
        try:
            lag = self.progress.published() - self.progress.decided()
        except KafkaException:
            return 1 << 31  # the broker is coming back
        self.lag_most = max(self.lag_most, lag)
        return lag


def soak(
    broker: EmbeddedBroker,
    prefix: str,
    folder: Path,
    *,
    seed: int,
    seconds: float,
    rate: float,
    tell: Tell,
) -> Outcome:
    """Let all of it happen; `rate` is events a second.

    From SECONDS_LEAST and RATE_LEAST on it can be judged. RuntimeError when something that must
    come does not, or when a worker ends for a cause that needs a person.
    """
    gate = Gate(broker, prefix, folder)
    struck: list[Struck] = []
    with ExitStack() as stack:
        one = Soak(broker, gate, stack, seed, rate)
        one.keeper.start(FIRST)
        ready = gate.settings.partitions
        one.keeper.wait(
            lambda: gate.metric("tollgate_partitions_open") >= ready, "open partition", _START_S
        )
        people = max(200, int(rate * 3))
        world = stack.enter_context(Outside(gate, rate / EVENTS_AN_ORDER, seconds, seed, people))
        began = time.monotonic()
        one.await_decision(now_ms())
        strokes = Strokes(seed)
        while (into_s := time.monotonic() - began) < seconds and world.is_turning():
            stroke = strokes.draw(calm=into_s > seconds * (1 - _CALM))
            one.keeper.mind(stroke.gap_s)
            at_s = time.monotonic() - began
            again_ms = one.await_decision(one.strike(stroke.fault, stroke.lasts_s))
            struck.append(Struck(stroke.fault, at_s, again_ms))
            tell(f"{at_s:6.1f} s  {stroke.fault.value}: deciding again after {again_ms:,} ms")
            one.await_caught_up(LAG_S * rate)
        one.keeper.wait(lambda: not world.is_turning(), "end of the world", 3 * RECOVERY_S)
        took_s = time.monotonic() - began
        one.await_caught_up(0)
        events = one.progress.published()
        undecided = events - one.progress.decided()
        for name in one.keeper.processes():
            one.keeper.stop(name)
        code = world.wait(RECOVERY_S)
    tell(f"{took_s:6.1f} s  the world has ended; the auditor reads {events:,} events and more")
    report = audit_topics(gate.settings, drained=code == 0, log_files=gate.logs)
    return Outcome(
        rate,
        struck,
        dict(one.keeper.ended),
        one.watcher.lives,
        events,
        undecided,
        one.lag_most,
        took_s,
        code,
        report,
    )
