"""SIGKILL at named points of the full gate, while the simulated world turns; the auditor judges.

The small job's lives (dying.py) go through every point; here are those at which the gate's own
kinds of records are half written: messages and charges, decisions, dead letters, rows, positions.
"""

import time
from collections.abc import Callable

from streams.audit import audit, read_history, released
from tests.chaos.dying import times_to_decide
from tests.chaos.failpoints import Plan
from tests.chaos.row import Observed, Row
from tests.chaos.stage import Stage
from tests.figures.disaster import decisions_seen
from tests.figures.eyes import now_ms
from tests.figures.gate import Gate, Worker
from tests.figures.latency import EVENTS_AN_ORDER
from tests.figures.outside import Outside
from tests.figures.progress import Progress

_POINTS = (
    "decided",
    "produce.output",
    "produce.decision",
    "produce.dead-letter",
    "produce.row",
    "produce.positions",
    "offsets.after",
    "commit.before",
    "commit.after",
    "write.after",
)
_PASSINGS = (1, 2, 3)
_EVENTS_A_SECOND = 400.0
_PEOPLE = 2_000
# A life until it is killed, on a busy machine; and longer than all of them together.
_LIFE_S = 60.0
_WORLD_S = 3_600.0
_PATIENCE_S = 120.0
_LOOK_S = 0.05


def _die(stage: Stage, seed: int) -> Observed:
    gate = stage.gate(partitions=4)
    plans = [Plan(point, passing, "kill") for point in _POINTS for passing in _PASSINGS]
    deaths = []
    progress = Progress(gate.settings)
    stage.callback(progress.close)
    with decisions_seen(gate.settings) as eyes:
        rate = _EVENTS_A_SECOND / EVENTS_AN_ORDER
        with Outside(gate, rate, _WORLD_S, seed, _PEOPLE) as world:
            for plan in stage.draws.sample(plans, len(plans)):
                _live(gate, plan)
                deaths.append(now_ms())
            with _worker(gate, "") as worker:
                at = now_ms()
                _wait(gate, worker, lambda: eyes.all_after(at) is not None, "all decide")
                again_s = times_to_decide(deaths, eyes)
                world.place_no_more()
                _wait(gate, worker, lambda: not world.is_turning(), "the world ends")
                assert world.wait(0) == 0, world.log.read_text()[-2000:]
                _wait(gate, worker, lambda: progress.published() == progress.decided(), "all taken")
                assert worker.stop() == 0
    report = audit(read_history(gate.settings, gate.logs), released(), drained=True)
    assert report.held, [str(one) for one in report.findings]
    return Observed("every point was reached; no law broken", again_s, {"lives": len(plans)})


def _live(gate: Gate, plan: Plan) -> None:
    """Until it dies at the plan's point; AssertionError if it does not, or otherwise."""
    said_before = len(_said(gate))
    with _worker(gate, str(plan)) as worker:
        end = time.monotonic() + _LIFE_S
        while worker.exit_code is None and time.monotonic() < end:
            time.sleep(_LOOK_S)
        code, said = worker.exit_code, _said(gate)[said_before:]
    assert code is not None, f"{plan} never reached in {_LIFE_S:.0f} s: {said[-3000:]}"
    assert f"struck at {plan}\n" in said, f"{plan}: ended with {code}: {said[-3000:]}"


def _worker(gate: Gate, failpoints: str) -> Worker:
    return gate.another("w", ("tests.chaos.failing_gate", failpoints))


def _said(gate: Gate) -> str:
    log = gate.folder / "w.log"
    return log.read_text(errors="replace") if log.exists() else ""


def _wait(gate: Gate, worker: Worker, condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + _PATIENCE_S
    while not condition():
        code = worker.exit_code
        assert code is None, f"ended with {code}: {_said(gate)[-3000:]}"
        assert time.monotonic() < end, f"not within {_PATIENCE_S:.0f} s: {what}"
        time.sleep(_LOOK_S)


ROWS = (
    Row(
        "killed-gate",
        "SIGKILL of the full gate at ten points at which its own kinds of records are half "
        "written (messages, charges, decisions, dead letters, rows, positions), at the first, "
        "second and third passing; 400 events/s",
        (1, 2, 4, 8, 9, 10, 12),
        "every point is reached; the auditor finds no law broken",
        _die,
        limit_s=1_200,
    ),
)
