"""A run of the outside world during which the worker is killed again and again.

The world orders at a steady rate; at moments drawn from a seed, also while the last orders are
answered, the worker gets SIGKILL and is started again at once, once without its state. When
all is drained the auditor, which shares no code with the gate, judges what lies on the topics.
Every wait has a bound.
"""

import random
import shutil
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple, Self

from streams import clients, topics
from streams.audit import Report, audit_topics
from streams.broker import EmbeddedBroker
from streams.settings import Settings
from streams.world import Options, Summary, run_simulation
from tests.figures.eyes import Eyes, now_ms
from tests.figures.gate import PROMPT_LIFE_MS, Gate, Worker
from tests.figures.latency import EVENTS_AN_ORDER
from tests.figures.progress import Progress

# The drain is about as long as the last prompts live.
DRAIN_S = PROMPT_LIFE_MS / 1000
# A dead owner's transaction is over after 6 s, its broker looks every 10 s, and machines are busy.
_RECOVERY_S = 60.0
_LOOK_EVERY_S = 0.02

Tell = Callable[[str], None]


class Kill(NamedTuple):
    """One kill: when (seconds into the run), whether the state went too, and how long it hurt."""

    at_s: float
    wiped: bool
    until_next_ms: int | None  # to the next decision seen; none was due after the last one


class Outcome(NamedTuple):
    """What came of the run."""

    kills: list[Kill]
    summary: Summary
    undecided: int
    report: Report

    @property
    def is_flawless(self) -> bool:
        """All answered, all decided, and the auditor finds nothing."""
        return self.summary.drained and self.undecided == 0 and self.report.held


class Plan(NamedTuple):
    """How much happens, how fast, and when the worker dies."""

    events: int
    events_per_s: float
    moments: tuple[float, ...]  # seconds into the run
    wiped: int  # which of the kills takes the state folder along
    seed: int

    @property
    def ordering_s(self) -> float:
        """How long the world orders."""
        return self.events / self.events_per_s


def draw(seed: int, events: int, kills: int, events_per_s: float) -> Plan:
    """Moments over the whole run, the last of them in the drain; which of them wipes the state."""
    draws = random.Random(seed)
    ordering_s = events / events_per_s
    moments = sorted(draws.uniform(0, ordering_s) for _ in range(kills - 1))
    moments.append(ordering_s + draws.uniform(0, DRAIN_S))
    return Plan(events, events_per_s, tuple(moments), draws.randrange(kills), seed)


def strike(broker: EmbeddedBroker, prefix: str, folder: Path, plan: Plan, tell: Tell) -> Outcome:
    """Let it happen."""
    gate = Gate(broker, prefix, folder)
    options = Options(
        rate=plan.events_per_s / EVENTS_AN_ORDER,
        duration=timedelta(seconds=plan.ordering_s),
        seed=plan.seed,
        subscribers=max(100, plan.events // 20),
        patience=timedelta(seconds=_RECOVERY_S),
    )
    with ExitStack() as stack:
        hands = _Hands(gate, stack)
        eyes = stack.enter_context(decisions_seen(gate.settings))
        hands.await_ready()
        world = stack.enter_context(_World(gate.settings, options))
        struck = _kill_all(plan, hands, world, tell)
        summary = world.wait(plan.ordering_s + 4 * _RECOVERY_S)
        undecided = _await_decided(gate.settings, hands)
        hands.worker.stop()
    kills = [Kill(at_s, wiped, eyes.first_after(killed_at)) for at_s, wiped, killed_at in struck]
    report = audit_topics(gate.settings, drained=summary.drained, log_files=[gate.log])
    return Outcome(kills, summary, undecided, report)


def _kill_all(
    plan: Plan, hands: "_Hands", world: "_World", tell: Tell
) -> list[tuple[float, bool, int]]:
    struck = []
    began = time.monotonic()
    for number, moment in enumerate(plan.moments):
        while time.monotonic() < began + moment and world.is_turning:
            time.sleep(_LOOK_EVERY_S)
        wiped = number == plan.wiped
        struck.append((time.monotonic() - began, wiped, hands.kill_and_restart(wipe=wiped)))
        tell(
            f"{struck[-1][0]:6.1f} s  kill {number + 1} of {len(plan.moments)}"
            f"{', state removed' if wiped else ''}"
        )
    return struck


def decisions_seen(settings: Settings) -> Eyes:
    """When decisions of a gate are committed, from now on."""
    topic = settings.topic_prefix + topics.DECISIONS
    return Eyes(clients.reader(settings, "figures") | {"log_level": 0}, topic, settings.partitions)


def _await_decided(settings: Settings, hands: "_Hands") -> int:
    """How many events are still undecided when all are, or when it has taken too long."""
    progress = Progress(settings)
    deadline = time.monotonic() + _RECOVERY_S
    try:
        while (left := progress.published() - progress.decided()) and time.monotonic() < deadline:
            hands.check()
            time.sleep(_LOOK_EVERY_S)
        return left
    finally:
        progress.close()


class _Hands:
    """Hold the one worker there is; end it, and start the next."""

    def __init__(self, gate: Gate, stack: ExitStack) -> None:
        self._gate = gate
        self._stack = stack
        self.worker = self._start()

    def _start(self) -> Worker:
        return self._stack.enter_context(self._gate.worker())

    def await_ready(self) -> None:
        """Until every partition is open."""
        deadline = time.monotonic() + _RECOVERY_S
        while self._gate.metric("tollgate_partitions_open") < self._gate.settings.partitions:
            self.check()
            if time.monotonic() > deadline:
                raise RuntimeError(f"the worker was not ready in {_RECOVERY_S:.0f} s")
            time.sleep(_LOOK_EVERY_S)

    def kill_and_restart(self, *, wipe: bool) -> int:
        """When it was killed, in ms since the epoch."""
        self.check()
        at = now_ms()
        self.worker.kill()
        if wipe:
            shutil.rmtree(self._gate.state)
        self.worker = self._start()
        return at

    def check(self) -> None:
        """A worker that ends by itself has failed, whatever else holds."""
        code = self.worker.exit_code
        if code is not None:
            last = self._gate.log.read_text(errors="replace")[-3000:]
            raise RuntimeError(f"the worker ended by itself with exit code {code}:\n{last}")


class _World:
    """The outside, on a thread of its own."""

    def __init__(self, settings: Settings, options: Options) -> None:
        self._settings = settings
        self._options = options
        self._summary: Summary | None = None
        self._failure: BaseException | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._turn, name="world", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(_RECOVERY_S)

    @property
    def is_turning(self) -> bool:
        """Whether it has not ended yet, well or not."""
        return self._thread.is_alive()

    def wait(self, seconds: float) -> Summary:
        """Until it has drained or given up."""
        self._thread.join(seconds)
        if self._failure is not None:
            raise self._failure
        if self._summary is None:
            raise RuntimeError(f"the world did not come to its end in {seconds:.0f} s")
        return self._summary

    def _turn(self) -> None:
        try:
            self._summary = run_simulation(self._settings, self._options, stopped=self._over.is_set)
        except BaseException as error:  # noqa: BLE001  # raised again by whoever waits
            self._failure = error
