"""Ends that were asked for, in every state of a worker; and a start that must not be."""

import json
import signal
import subprocess
import time
from typing import NamedTuple

from streams.engine.errors import Cause
from streams.engine.process import EXIT_CODE
from tests.chaos.membership import seconds_until_all_decide
from tests.chaos.row import Observed, Row
from tests.chaos.stage import Stage
from tests.engine.rig import Rig
from tests.figures.eyes import now_ms

_RATE = 300.0
_FAILING = "tests.chaos.failing_job"
_HELD_S = 1.5
# A turn at work is finished first, and what holds it up here is part of it.
_END_S = 10.0
_STUCK_S = 3.0
_STARTS = 5


class _State(NamedTuple):
    """A state in which SIGTERM arrives: a worker held up at a point is in it."""

    name: str
    point: str


_STATES = (
    _State("opening", "open.before"),
    _State("reading the changelog", "stable.after"),
    _State("given partitions", "assigned.before"),
    _State("deciding", "decided"),
    _State("flushing", "produce.positions"),
    _State("committing", "offsets.before"),
    _State("committed", "commit.after"),
    _State("writing", "write.before"),
)


def _told_to_stop(stage: Stage, seed: int) -> Observed:
    job = stage.job()
    took_s = []
    with job.decisions_seen() as eyes:
        with job.flowing(_RATE, seed):
            for state in stage.draws.sample(_STATES, len(_STATES)):
                took_s.append(_stop_in(job, state, stage.draws.random()))
                stage.tell(f"{state.name}: ended after {took_s[-1]:.1f} s")
            moments = [1.5 * stage.draws.random() for _ in range(_STARTS)]
            took_s += [_stop_starting(job, moment) for moment in moments]
            started_ms = now_ms()
            job.start("w0", static=True)
            seconds_until_all_decide(job, eyes, started_ms)
        job.wait_until_taken()
        at = time.monotonic()
        assert job.stop("w0") == 0
        took_s.append(time.monotonic() - at)
    faults = job.check().faults
    assert faults == [], faults
    return Observed(
        "every end was clean; outputs, state and positions equal the replay",
        figures={"longest from SIGTERM to the end, s": max(took_s)},
    )


def _stop_in(job: Rig, state: _State, moment: float) -> float:
    """SIGTERM while the worker is held up; seconds until it has ended."""
    said_before = len(job.log("w0")) if "w0" in job.names else 0
    passing = 1 if state.point in ("assigned.before", "open.before", "stable.after") else 5
    plan = f"{state.point}:{passing}:sleep={_HELD_S}"
    worker = job.start("w0", static=True, program=_FAILING, failpoints=plan)
    job.wait(lambda: "struck at" in job.log("w0")[said_before:], state.name)
    time.sleep(moment * _HELD_S / 2)
    code, seconds = _terminated(job, worker, state.name)
    assert code == 0, f"{state.name}: ended with {code}: {job.log('w0')[-3000:]}"
    return seconds


def _stop_starting(job: Rig, moment: float) -> float:
    """SIGTERM between exec and the first turn: before its handler is set, the signal ends it."""
    worker = job.start("w0", static=True)
    time.sleep(moment)
    code, seconds = _terminated(job, worker, f"starting, {moment:.2f} s after exec")
    assert code in (0, -signal.SIGTERM), f"{moment:.2f} s after exec: ended with {code}"
    return seconds


def _terminated(job: Rig, worker: subprocess.Popen[bytes], state: str) -> tuple[int, float]:
    at = time.monotonic()
    worker.terminate()
    try:
        code = worker.wait(_END_S)
    except subprocess.TimeoutExpired:
        raise AssertionError(f"{state}: not ended in {_END_S:.0f} s: {job.log('w0')}") from None
    job.forget("w0")
    return code, time.monotonic() - at


def _cannot_leave(stage: Stage, seed: int) -> Observed:
    """The worker sleeps where librdkafka may block for ever, far longer than its watchdog waits."""
    job = stage.job()
    with job.decisions_seen() as eyes:
        with job.flowing(_RATE, seed):
            started_ms = now_ms()
            plan = "leave.before:1:sleep=3600"
            limits = json.dumps({"stuck": _STUCK_S})
            worker = job.start("w0", static=True, program=_FAILING, failpoints=plan, limits=limits)
            seconds_until_all_decide(job, eyes, started_ms)
            time.sleep(stage.draws.random())
            code, took_s = _terminated(job, worker, "leaving")
            started_ms = now_ms()
            job.start("w0", static=True)
            seconds_until_all_decide(job, eyes, started_ms)
        job.wait_until_taken()
        assert job.stop("w0") == 0
    assert code == EXIT_CODE, f"ended with {code}"
    assert f"{Cause.STUCK.value}: Leaving the group took longer" in job.log("w0")
    faults = job.check().faults
    assert faults == [], faults
    return Observed(
        "its watchdog ended it, saying STUCK; outputs, state and positions equal the replay",
        figures={"from SIGTERM to the end, s": took_s},
    )


def _started_twice(stage: Stage, seed: int) -> Observed:
    job = stage.job()
    with job.decisions_seen() as eyes:
        with job.flowing(_RATE, seed):
            job.start("w0", static=True)
            seconds_until_all_decide(job, eyes, now_ms())
            time.sleep(stage.draws.random())
            at = time.monotonic()
            second = job.start("w1", static=stage.draws.random() < 0.5, **_folder_of(job, "w0"))
            code = second.wait(_END_S)
            took_s = time.monotonic() - at
            job.forget("w1")
            seconds_until_all_decide(job, eyes, now_ms())
        job.wait_until_taken()
        assert job.stop("w0") == 0
    assert code == EXIT_CODE, f"the second ended with {code}"
    assert "folder_in_use" in job.log("w1")
    faults = job.check().faults
    assert faults == [], faults
    return Observed(
        "the second ended, saying FOLDER_IN_USE; the first went on",
        figures={"the second's end after, s": took_s},
    )


def _folder_of(job: Rig, name: str) -> dict[str, str]:
    return {"data_dir": str(job.folder / name)}


ROWS = (
    Row(
        "told-to-stop",
        "SIGTERM while opening, given partitions, deciding, flushing, committing, committed, "
        "writing, idle, and at five moments after exec",
        (9,),
        f"it ends with 0 within {_END_S:.0f} s, its turn real or never begun; before its handler "
        "is set the signal itself ends it",
        _told_to_stop,
        limit_s=240,
    ),
    Row(
        "cannot-leave",
        "SIGTERM, and the call that leaves the group never comes back",
        (9,),
        "the watchdog ends it; a start goes on with nothing lost or doubled",
        _cannot_leave,
        limit_s=120,
        quick=True,
    ),
    Row(
        "started-twice",
        "a second worker on the folder of one that runs",
        (9, 10),
        "the second ends and says why; the first goes on",
        _started_twice,
        limit_s=120,
        quick=True,
    ),
)
