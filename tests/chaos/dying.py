"""SIGKILL at every named point, at its first, second and third passing; then restart, and audit.

One worker of the small job under a steady load lives again and again on one folder; each life has
one plan. A point that is not reached within the patience of a life fails the row. What the lives
leave behind together must equal the replay.
"""

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from tests.chaos import failpoints
from tests.chaos.failpoints import Plan
from tests.chaos.row import Observed, Row
from tests.chaos.stage import Stage
from tests.engine.rig import Rig
from tests.figures.eyes import Eyes, now_ms

_RATE = 400.0
_PASSINGS = (1, 2, 3)
# A worker that joins and leaves three times, on a machine that starts one in ten seconds.
_LIFE_S = 150.0
_SESSION_S = 6.0
# The coordinator looks for sessions that are over in time for this.
_STOPPED_S = _SESSION_S + 1.5
_ASLEEP = "struck at poll.after"
_POLLS = 30  # about a second of turns
_LOST = ("lost.before", "lost.after")
_REFUSALS = "offsets.before:2:refuse offsets.before:3:refuse offsets.before:4:refuse"
# The small job has no dead letters.
_JOB_TURN = tuple(point for point in failpoints.TURN if point != "produce.dead-letter")
_WITHOUT_STATE = tuple(point for point in failpoints.OPENING if point.startswith("restore."))
_SOME = (
    "produce.positions:2:kill",
    "commit.before:3:kill",
    "commit.after:2:kill",
    "write.middle:1:kill",
    "abort.after:1:kill",
    "restore.write.middle:2:kill",
    "restore.flush.after:1:kill",
)

Meanwhile = Callable[[subprocess.Popen[bytes]], None]
Company = Callable[[Rig, Plan, subprocess.Popen[bytes]], None]


class Lives:
    """The lives of one worker, each of which ends where it was planned."""

    def __init__(self, job: Rig) -> None:
        self._job = job
        self.deaths: list[int] = []

    def live(self, plan: Plan, meanwhile: Meanwhile = lambda _: None) -> None:
        """Until it dies at the plan's point; AssertionError if it does not, or otherwise."""
        if plan.point in _WITHOUT_STATE:
            shutil.rmtree(self._job.folder / "w0", ignore_errors=True)
        options = {"limits": json.dumps({"filling_records": 1})} if _is_filling(plan) else {}
        code, said = self._end_of(f"{plan} {_beside(plan)}", meanwhile, options)
        assert code == -signal.SIGKILL, f"{plan}: ended with {code}: {said[-3000:]}"
        assert f"struck at {plan}\n" in said, f"{plan}: killed elsewhere: {said[-3000:]}"
        self.deaths.append(now_ms())

    def _end_of(
        self, plans: str, meanwhile: Meanwhile, options: Mapping[str, str]
    ) -> tuple[int, str]:
        log = self._job.folder / "w0.log"
        start = log.stat().st_size if log.exists() else 0
        worker = self._job.start(
            "w0", static=True, program="tests.chaos.failing_job", failpoints=plans, **options
        )
        meanwhile(worker)
        try:
            code = worker.wait(_LIFE_S)
        except subprocess.TimeoutExpired:
            said = self._job.log("w0")[start:]
            raise AssertionError(f"{plans} never reached in {_LIFE_S:.0f} s: {said}") from None
        self._job.forget("w0")
        with log.open("rb") as written:
            written.seek(start)
            return code, written.read().decode(errors="replace")


def _is_filling(plan: Plan) -> bool:
    """Whether the changelog is long for this life: its stores are then opened for filling."""
    return plan.point.startswith("restore.flush") or (
        plan.point in _WITHOUT_STATE and plan.passing == _PASSINGS[1]
    )


def _beside(plan: Plan) -> str:
    """What must happen so that the point is passed often enough."""
    if plan.point in failpoints.REDO:
        return _REFUSALS
    if plan.point in _LOST:  # stopped between turns: in a turn it would end of that
        return " ".join(f"poll.after:{_POLLS * (n + 1)}:stop" for n in range(plan.passing))
    return ""


def times_to_decide(deaths: Sequence[int], eyes: Eyes) -> tuple[float, ...]:
    """Of each death after which the next life decided something: seconds until that was seen."""
    times = []
    for at, following in zip(deaths, [*deaths[1:], now_ms()], strict=True):
        after = eyes.first_after(at)
        if after is not None and at + after < following:
            times.append(after / 1000)
    return tuple(times)


def _die(
    stage: Stage, seed: int, *, plans: Sequence[Plan], company: Company | None = None
) -> Observed:
    job = stage.job()
    plans = stage.draws.sample(plans, len(plans))
    with job.decisions_seen() as eyes:
        with job.flowing(_RATE, seed):
            # What is to be recovered must be there first.
            job.start("w0", static=True)
            job.wait(lambda: eyes.all_after(0) is not None, "every partition's first decision")
            job.kill("w0")
            lives = Lives(job)
            for plan in plans:
                lives.live(plan, partial(company, job, plan) if company else lambda _: None)
                if job.is_running("w1"):
                    assert job.stop("w1") == 0
            job.start("w0", static=True)
            last = lives.deaths[-1]
            job.wait(lambda: eyes.all_after(last) is not None, "every partition's next decision")
        job.wait_until_taken()
        assert job.stop("w0") == 0
    checked = job.check()
    assert checked.faults == [], checked.faults
    return Observed(
        "every point was reached; outputs, state and positions equal the replay",
        times_to_decide(lives.deaths, eyes),
        {"lives": len(plans), "records": checked.taken},
    )


def _company(job: Rig, plan: Plan, victim: subprocess.Popen[bytes]) -> None:
    """Partitions come and go because another worker does, or are lost in a long sleep."""
    (_lose if plan.point in _LOST else _come_and_go)(job, plan, victim)


def _come_and_go(job: Rig, plan: Plan, victim: subprocess.Popen[bytes]) -> None:
    """Another worker joins and leaves until the victim is dead."""
    end = time.monotonic() + _LIFE_S
    had = _opened(job, "w0")
    while time.monotonic() < end:
        _until_opened(job, "w0", had, victim)
        if victim.poll() is not None or plan == Plan("assigned.before", 1, "kill"):
            return
        others = _opened(job, "w1")
        job.start("w1")
        _until_opened(job, "w1", others, victim)
        had = _opened(job, "w0")
        job.stop("w1")


def _lose(job: Rig, plan: Plan, victim: subprocess.Popen[bytes]) -> None:
    """The victim sleeps longer than the group waits, as often as it takes."""
    slept = job.log("w0").count(_ASLEEP)
    for number in range(plan.passing):
        _until(lambda: job.log("w0").count(_ASLEEP) > slept + number, victim)  # noqa: B023  # waits
        if victim.poll() is not None:
            return
        time.sleep(_STOPPED_S)
        victim.send_signal(signal.SIGCONT)


def _opened(job: Rig, name: str) -> int:
    """How many partitions a worker has opened, in all its lives."""
    return job.log(name).count("is open") if name in job.names else 0


def _until_opened(job: Rig, name: str, before: int, victim: subprocess.Popen[bytes]) -> None:
    _until(lambda: _opened(job, name) > before, victim)


def _until(condition: Callable[[], bool], victim: subprocess.Popen[bytes]) -> None:
    """The condition holds, or the victim is dead, or has lived too long."""
    end = time.monotonic() + _LIFE_S
    while victim.poll() is None and not condition() and time.monotonic() < end:
        time.sleep(0.05)


def _all(points: Iterable[str]) -> tuple[Plan, ...]:
    return tuple(Plan(point, passing, "kill") for point in points for passing in _PASSINGS)


_DEMANDS = "every point is reached; nothing lost, doubled or half done after each restart"

ROWS = (
    Row(
        "killed-in-a-turn",
        "SIGKILL at each of the 18 points of a turn, from the poll to the local write, at the "
        "first, second and third passing",
        (2, 8, 9),
        _DEMANDS,
        partial(_die, plans=_all(_JOB_TURN)),
        limit_s=1_200,
    ),
    Row(
        "killed-in-a-redo",
        "the same at each point of a turn that the group refuses: flush, abort, fencing of the "
        "next handle",
        (2, 8, 9),
        _DEMANDS,
        partial(_die, plans=_all(failpoints.REDO)),
        limit_s=600,
    ),
    Row(
        "killed-in-a-rebalance",
        "the same before and after each rebalance callback: partitions assigned, revoked, lost; "
        "another worker comes and goes",
        (2, 8, 9),
        _DEMANDS,
        partial(_die, plans=_all(failpoints.REBALANCE), company=_company),
        limit_s=1_200,
    ),
    Row(
        "killed-in-an-opening",
        "the same at each point of opening a partition: before and after stable offsets and the "
        "store, after look-ups, in reading and writing back the changelog (state removed)",
        (2, 8, 9),
        _DEMANDS,
        partial(_die, plans=_all(failpoints.OPENING)),
        limit_s=600,
    ),
    Row(
        "killed-here-and-there",
        "SIGKILL at a few points of each kind",
        (2, 8, 9),
        _DEMANDS,
        partial(_die, plans=failpoints.read_plans(" ".join(_SOME))),
        limit_s=180,
        quick=True,
    ),
)
