"""A rolling restart of the full gate under load: no law broken, and nobody waits long.

What is wanted is 2,000 events a second. The steady state is measured first, at falling rates, and
the restarts are made at the highest that broker, world and two workers hold on this machine; the
table says which that was. In a static restart a worker is stopped and started again under its name,
within its session: nothing moves. In a dynamic one it leaves the group, and the other takes over.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple, Self

from streams.audit import Report, audit, read_history, released
from tests.chaos.row import Observed, Row
from tests.chaos.stage import Stage
from tests.figures.disaster import decisions_seen
from tests.figures.eyes import Eyes, now_ms
from tests.figures.gate import GRACE_MS, PROMPT_LIFE_MS, Gate, Worker
from tests.figures.latency import EVENTS_AN_ORDER
from tests.figures.outside import Outside
from tests.figures.progress import Progress
from tests.figures.waits import Wait, Waits

_RATES = (2_000.0, 1_500.0, 1_000.0, 700.0, 500.0)
_PEOPLE = 20_000
_WARM_UP_S = 6.0
_STEADY_S = 8.0
_RESTARTED_S = 45.0
PATIENCE_S = 90.0
_LOOK_S = 0.05
# A rate is held if nearly so much is published and decided, and no more is left than comes in this.
_NEARLY = 0.9
_BACKLOG_S = 0.5
WAIT_MS_MAX = 5_000


class _Steady(NamedTuple):
    """A rate that was held: events a second decided, and when it was measured."""

    events_per_s: float
    since_ms: int
    until_ms: int


def _roll(stage: Stage, seed: int, *, static: bool) -> Observed:
    gate = stage.gate()
    crew = stage.enter(Crew(gate, static=static))
    again_s = []
    with Waits(gate.settings) as waits, decisions_seen(gate.settings) as eyes:
        crew.start("a", "b")
        crew.wait(crew.all_have_opened, "both have opened partitions")
        steady, world = _steady(stage, gate, crew, seed)
        began_ms = now_ms()
        for name in stage.draws.sample(("a", "b"), 2):
            time.sleep(1 + stage.draws.random())
            at = now_ms()
            crew.restart(name)
            again_s.append(crew.seconds_until_all_decide(eyes, at))
            stage.tell(f"{name} restarted, all decide after {again_s[-1]:.1f} s")
        ended_ms = now_ms()
        crew.wait(lambda: not world.is_turning(), "the world has come to its end")
        assert world.wait(0) == 0, world.log.read_text()[-2000:]
        report = settled_report(gate, crew)
        crew.drain()
    assert report.held, [str(one) for one in report.findings]
    found = waits.of_orders(read_history(gate.settings, gate.logs))
    before = _longest(found, steady.since_ms, steady.until_ms)
    longest = _longest(found, began_ms - WAIT_MS_MAX, ended_ms)
    assert longest <= WAIT_MS_MAX, f"an order waited {longest} ms; without a restart {before} ms"
    assert steady.events_per_s > _NEARLY * _RATES[0], (
        f"no law broken and no order waited longer, but at {steady.events_per_s:.0f} events/s: "
        f"this machine does not hold the {_RATES[0]:.0f} that are demanded just now"
    )
    return Observed(
        f"no law broken among {len(found):,} orders",
        tuple(again_s),
        {
            "events a second held": round(steady.events_per_s),
            "longest wait without a restart, ms": before,
            "longest wait, ms": longest,
        },
    )


def _steady(stage: Stage, gate: Gate, crew: "Crew", seed: int) -> tuple[_Steady, Outside]:
    """The highest rate that is held, and the world that turns at it."""
    progress = Progress(gate.settings)
    stage.callback(progress.close)
    for rate in _RATES:
        world = Outside(
            gate,
            rate / EVENTS_AN_ORDER,
            _WARM_UP_S + _STEADY_S + _RESTARTED_S,
            seed,
            _PEOPLE,
        )
        before = progress.published()
        stage.enter(world)
        crew.wait(lambda before=before: progress.published() > before, "the world turns")  # type: ignore[misc]
        time.sleep(_WARM_UP_S)
        since_ms, published, decided = now_ms(), progress.published(), progress.decided()
        time.sleep(_STEADY_S)
        until_ms = now_ms()
        seconds = (until_ms - since_ms) / 1000
        written = (progress.published() - published) / seconds
        taken = (progress.decided() - decided) / seconds
        left = progress.published() - progress.decided()
        stage.tell(f"{rate:.0f} wanted: {written:.0f} published, {taken:.0f} decided, {left} left")
        crew.check()
        if written > _NEARLY * rate and taken > _NEARLY * rate and left < _BACKLOG_S * rate:
            return _Steady(taken, since_ms, until_ms), world
        world.kill()
        crew.wait(lambda: progress.published() == progress.decided(), "what is left is decided")
    raise AssertionError(f"not even {_RATES[-1]:.0f} events a second are held")


def _longest(found: list[Wait], since_ms: int, until_ms: int) -> int:
    return max(one.waited_ms for one in found if since_ms <= one.placed_ms <= until_ms)


def settled_report(gate: Gate, crew: "Crew") -> Report:
    """What the auditor says when the last prompt has lapsed, by the ticks of those who work.

    A law that is broken stays broken: only what is still to come is waited for.
    """
    end = time.monotonic() + PATIENCE_S
    while True:
        time.sleep((PROMPT_LIFE_MS + GRACE_MS) / 1000)
        crew.check()
        report = audit(read_history(gate.settings, gate.logs), released(), drained=True)
        if report.held or time.monotonic() > end:
            return report


class Crew:
    """Workers of one gate, by name; left, they are killed."""

    def __init__(self, gate: Gate, *, static: bool, **settings: str) -> None:
        self._gate = gate
        self._settings = settings if static else settings | {"INSTANCE": ""}
        self._workers: dict[str, Worker] = {}
        self._began: dict[str, int] = {}  # where its log begins

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers.values():
            worker.__exit__(None, None, None)

    def start(self, *names: str) -> None:
        """Processes of these names; they open their partitions in their own time."""
        for name in names:
            log = self._gate.folder / f"{name}.log"
            self._began[name] = log.stat().st_size if log.exists() else 0
            self._workers[name] = self._gate.another(name, **self._settings).__enter__()

    def stop(self, name: str) -> None:
        """SIGTERM, and the end that belongs to it."""
        worker = self._workers.pop(name)
        code = worker.stop()
        worker.__exit__(None, None, None)
        assert code == 0, f"{name} ended with {code}"

    def restart(self, name: str) -> None:
        """As a supervisor does: started when the other has ended."""
        self.stop(name)
        self.start(name)

    def kill(self, name: str) -> None:
        """SIGKILL."""
        self._workers.pop(name).__exit__(None, None, None)

    def check(self) -> None:
        """AssertionError for a worker that has ended by itself."""
        for name, worker in self._workers.items():
            code = worker.exit_code
            assert code is None, f"{name} ended with {code}: {self._said(name)[-3000:]}"

    def all_have_opened(self) -> bool:
        """Whether each of the present processes has opened a partition."""
        return all("is open" in self._said(name) for name in self._workers)

    def _said(self, name: str) -> str:
        log = (self._gate.folder / f"{name}.log").read_bytes()
        return log[self._began[name] :].decode(errors="replace")

    def wait(self, condition: Callable[[], bool], what: str, seconds: float = PATIENCE_S) -> None:
        """Until the condition holds; nobody may end meanwhile."""
        end = time.monotonic() + seconds
        while not condition():
            self.check()
            assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}"
            time.sleep(_LOOK_S)

    def seconds_until_all_decide(self, eyes: Eyes, since_ms: int) -> float:
        """From the instant until each partition has committed a decision written after it."""
        self.wait(lambda: eyes.all_after(since_ms) is not None, "every partition decides again")
        found = eyes.all_after(since_ms)
        assert found is not None
        return found / 1000

    def drain(self) -> None:
        """Until every event is decided; then all end, cleanly."""
        progress = Progress(self._gate.settings)
        try:
            self.wait(lambda: progress.published() == progress.decided(), "all is decided")
        finally:
            progress.close()
        for name in list(self._workers):
            self.stop(name)


_DEMANDS = (
    "at 2,000 events a second: no law broken; no order waits longer than 5 s for its decision"
)

ROWS = (
    Row(
        "rolling-restart-static",
        "two gate workers under load, each stopped and started again under its name",
        (1, 2, 4, 8, 9, 10),
        _DEMANDS,
        partial(_roll, static=True),
        limit_s=600,
    ),
    Row(
        "rolling-restart-dynamic",
        "the same with dynamic members: each leaves, the other takes over, it joins again",
        (1, 2, 4, 8, 9, 10),
        _DEMANDS,
        partial(_roll, static=False),
        limit_s=600,
    ),
)
