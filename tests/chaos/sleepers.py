"""Workers that sleep through what they should have done, and wake up believing nothing happened.

SIGSTOP is what a paused machine, a long garbage collection or a swapped-out process looks like from
outside; a thread that sleeps inside the worker is what a slow disk or a slow job looks like.
"""

import json
import re
import signal
import subprocess
import time
from functools import partial
from typing import NamedTuple

from streams.engine.errors import Cause
from streams.engine.process import EXIT_CODE
from tests.chaos.membership import seconds_until_all_decide
from tests.chaos.row import Observed, Row
from tests.chaos.stage import Stage
from tests.engine.rig import Rig
from tests.figures.eyes import Eyes, now_ms

_RATE = 300.0
# Above max.poll.interval.ms, below the watchdog.
_HELD_UP_S = 10
# Ends that say "somebody else may have gone on in my place; the log decides".
_NOTICED = (Cause.FENCED, Cause.UNCERTAIN_COMMIT, Cause.STUCK)
# Which passing of a point it is; a turn of this job sends some dozens of records.
_PASSINGS = {"produce.output": (300, 900)}
_FAILING = "tests.chaos.failing_job"


class _Sleeper(NamedTuple):
    """The worker that is stopped, and where in its log what follows begins."""

    job: Rig
    process: subprocess.Popen[bytes]

    def wake(self) -> str:
        """SIGCONT; says how it took it: it must end, or be a member again. It then goes on."""
        said_before = len(self.job.log("w0"))
        self.process.send_signal(signal.SIGCONT)

        def has_noticed() -> bool:
            said = self.job.log("w0")[said_before:]
            return self.process.poll() is not None or "is open" in said

        self.job.wait(has_noticed, "the sleeper has noticed", mortal="w0")
        said = self.job.log("w0")[said_before:]
        if self.process.poll() is None:
            refused = "had its open turn refused and " if "refused" in said else ""
            return f"{refused}is a member again"
        self.job.forget("w0")
        code = self.process.returncode
        ends = [cause for cause in _NOTICED if re.search(rf"\b{cause.value}: ", said)]
        assert code == EXIT_CODE, f"ended with {code}: {said[-3000:]}"
        assert ends, f"ended otherwise: {said[-3000:]}"
        return f"ended with {ends[0].value.upper()}"


def _taken_over(stage: Stage, seed: int, *, point: str) -> Observed:
    """Longer than the session, and somebody else takes over."""
    job = stage.job()
    static, early = stage.draws.random() < 0.5, stage.draws.random() < 0.5
    with job.decisions_seen() as eyes:
        with job.flowing(_RATE, seed):
            if early:
                _begin_other(job)
            passing = stage.draws.randrange(*_PASSINGS.get(point, (20, 60)))
            sleeper = _started(job, f"{point}:{passing}:stop" if point else "", static=static)
            _fall_asleep(job, eyes, sleeper, point)
            asleep_ms = now_ms()
            if not early:
                _begin_other(job)
            again_s = seconds_until_all_decide(job, eyes, asleep_ms)
            time.sleep(stage.draws.random())
            told = sleeper.wake()
            seconds_until_all_decide(job, eyes, now_ms())
        _all_end(job)
    return Observed(
        f"outputs, state and positions equal the replay; the sleeper {told}", (again_s,)
    )


def _begin_other(job: Rig) -> None:
    job.start("w1")
    if job.is_running("w0"):
        return
    job.wait(lambda: "is open" in job.log("w1"), "the other worker's partitions")


def _started(job: Rig, failpoints: str, *, static: bool, **options: str) -> _Sleeper:
    started = job.start("w0", static=static, program=_FAILING, failpoints=failpoints, **options)
    return _Sleeper(job, started)


def _fall_asleep(job: Rig, eyes: Eyes, sleeper: _Sleeper, point: str) -> None:
    if point:
        job.wait(lambda: "struck at" in job.log("w0"), f"stopped at {point}")
        return
    job.wait(lambda: "is open" in job.log("w0"), "the sleeper's partitions")
    seconds_until_all_decide(job, eyes, now_ms())
    sleeper.process.send_signal(signal.SIGSTOP)


def _all_end(job: Rig) -> None:
    job.wait_until_taken()
    for name in ("w0", "w1"):
        if job.is_running(name):
            code = job.stop(name)
            assert code == 0, f"{name} ended with {code}: {job.log(name)[-3000:]}"
    faults = job.check().faults
    assert faults == [], faults


def _transaction_over(stage: Stage, seed: int) -> Observed:
    """Longer than the transaction may last, shorter than the session: a member, yet fenced."""
    # The coordinator looks for transactions that are over every 10 s by default.
    properties = {"transaction.abort.timed.out.transaction.cleanup.interval.ms": "500"}
    job = stage.job(stage.broker(properties))
    point = stage.draws.choice(("produce.row", "offsets.after", "commit.before"))
    plan = f"{point}:{stage.draws.randrange(20, 60)}:stop"
    limits = json.dumps({"session_timeout": 25.0, "transaction_timeout": 4.0})
    with job.decisions_seen() as eyes:
        with job.flowing(_RATE, seed):
            sleeper = _started(job, plan, static=True, limits=limits)
            _fall_asleep(job, eyes, sleeper, point)
            time.sleep(7 + 3 * stage.draws.random())
            awake_ms = now_ms()
            told = sleeper.wake()
            assert not job.is_running("w0"), f"stopped at {point} it {told}"
            job.start("w0", static=True, limits=limits)
            again_s = seconds_until_all_decide(job, eyes, awake_ms)
        _all_end(job)
    return Observed(f"outputs, state and positions equal the replay; it {told}", (again_s,))


def _poll_too_late(stage: Stage, seed: int) -> Observed:
    """A turn takes longer than the client lets a consumer go without a poll."""
    job = stage.job()
    point = stage.draws.choice(("begin.after", "all-decided", "offsets.before", "write.before"))
    static = stage.draws.random() < 0.5
    plan = f"{point}:{stage.draws.randrange(20, 60)}:sleep={_HELD_UP_S}"
    client = json.dumps({"max.poll.interval.ms": 6_500, "session.timeout.ms": 6_000})
    with job.decisions_seen() as eyes:
        with job.flowing(_RATE, seed):
            sleeper = _started(job, plan, static=static, client=client)
            _fall_asleep(job, eyes, sleeper, point)
            held_up_ms = now_ms()
            told = sleeper.wake()
            if not job.is_running("w0"):
                job.start("w0", static=static)
            again_s = seconds_until_all_decide(job, eyes, held_up_ms)
        _all_end(job)
    assert again_s > _HELD_UP_S
    return Observed(f"outputs, state and positions equal the replay; it {told}", (again_s,))


_DEMANDS = (
    "the sleeper notices and stops, adding nothing: it ends (fenced; uncertain or stuck are as "
    "good, the log decides), or is a member again with its open turn refused"
)

ROWS = (
    Row(
        "asleep-idle",
        "SIGSTOP between turns past the session timeout, a second worker takes over, SIGCONT",
        (2, 9),
        _DEMANDS,
        partial(_taken_over, point=""),
        limit_s=180,
    ),
    Row(
        "asleep-deciding",
        "the same in the middle of deciding a turn, its first records produced",
        (2, 9),
        _DEMANDS,
        partial(_taken_over, point="produce.output"),
        limit_s=180,
    ),
    Row(
        "asleep-before-offsets",
        "the same, all records of the turn produced",
        (2, 9),
        _DEMANDS,
        partial(_taken_over, point="offsets.before"),
        limit_s=180,
        quick=True,
    ),
    Row(
        "asleep-after-offsets",
        "the same, its positions sent",
        (2, 9),
        _DEMANDS,
        partial(_taken_over, point="offsets.after"),
        limit_s=180,
    ),
    Row(
        "asleep-before-commit",
        "the same, about to commit",
        (2, 9),
        _DEMANDS,
        partial(_taken_over, point="commit.before"),
        limit_s=180,
    ),
    Row(
        "transaction-timeout",
        "SIGSTOP in a transaction for longer than it may last, and shorter than the session",
        (2, 9),
        "the commit is refused, the worker ends and its next life takes the same records again",
        _transaction_over,
        limit_s=180,
    ),
    Row(
        "poll-too-late",
        "a turn held up for longer than max.poll.interval.ms: the client leaves the group",
        (2, 9),
        "the turn is refused and taken again, or was committed before; nothing doubled",
        _poll_too_late,
        limit_s=180,
    ),
)
