"""Workers that come and go under load, cleanly and not, one to three at a time."""

from collections.abc import Callable, Sequence
from functools import partial

from tests.chaos.row import Observed, Row
from tests.chaos.stage import Stage
from tests.engine.rig import Rig
from tests.figures.eyes import Eyes, now_ms

_RATE = 600.0  # a second: every partition has something to decide all the time
_CHANGES = 7
_NAMES = ("w0", "w1", "w2")
_UNOWNED = "no worker has partitions"
_TRIES = 4
# The engine asks every 5 s and acts on the second answer; the rest is for a busy machine.
_OWNED_WITHIN_S = 30.0


def _come_and_go(stage: Stage, seed: int, *, static: bool) -> Observed:
    job = stage.job()
    crew = _Crew(job, static=static)
    again_s = []
    with job.flowing(_RATE, seed), job.decisions_seen() as eyes:
        crew.come("w0")
        job.wait(lambda: eyes.all_after(0) is not None, "the first worker's decisions")
        for _ in range(_CHANGES):
            # Not always settled: the next change may fall into the rebalance of the last.
            mark = job.taken() + stage.draws.randrange(1, 1_500)
            job.wait(lambda mark=mark: job.taken() >= mark, "progress")  # type: ignore[misc]
            at = now_ms()
            stage.tell(crew.change(stage.draws.choice, stage.draws.random()))
            again_s.append(seconds_until_all_decide(job, eyes, at))
    job.wait_until_taken()
    crew.all_leave()
    faults = job.check().faults
    assert faults == [], faults
    return Observed(
        "outputs, state and positions equal the replay; every clean leave ended with 0",
        tuple(again_s),
        {"joins": crew.joins, "clean leaves": crew.leaves, "kills": crew.kills},
    )


def _killed_between_halves(stage: Stage, seed: int) -> Observed:
    job = stage.job()
    with job.flowing(_RATE, seed), job.decisions_seen() as eyes:
        died_at = _until_unowned(job, eyes)
        again_s = seconds_until_all_decide(job, eyes, died_at)
        assert again_s <= _OWNED_WITHIN_S, f"somebody owns all after {again_s:.1f} s only"
    job.wait_until_taken()
    for name in ("w0", "w1"):
        assert job.stop(name) == 0
    faults = job.check().faults
    assert faults == [], faults
    return Observed("a worker saw what nobody owned, and the group assigned it", (again_s,))


def _until_unowned(job: Rig, eyes: Eyes) -> int:
    """The instant (ms) at which the first worker died so that partitions were nobody's."""
    for _ in range(_TRIES):
        since = now_ms()
        victim = job.start(
            "w0",
            static=True,
            program="tests.chaos.failing_job",
            failpoints="revoked.before:1:kill",
        )
        job.wait(lambda since=since: eyes.all_after(since) is not None, "decisions")  # type: ignore[misc]
        job.start("w1", static=True)
        job.wait(lambda: victim.poll() is not None, "the first worker's death", mortal="w0")  # noqa: B023  # waited for here
        job.forget("w0")
        died_at = now_ms()
        job.start("w0", static=True)
        job.wait(lambda: eyes.all_after(died_at) is not None, "everybody's decisions")  # noqa: B023  # waited for here
        if _UNOWNED in job.log("w0") + job.log("w1"):
            return died_at
        # It came back too late: its session was over, and the group had assigned anew.
        job.stop("w0")
        job.stop("w1")
    raise AssertionError(f"no partition was ever without an owner, in {_TRIES} tries")


Choice = Callable[[Sequence[str]], str]


class _Crew:
    """Who works, and who may."""

    def __init__(self, job: Rig, *, static: bool) -> None:
        self._job = job
        self._static = static
        self._here: list[str] = []
        self.joins = self.leaves = self.kills = 0

    def come(self, name: str) -> str:
        self._job.start(name, static=self._static)
        self._here.append(name)
        self.joins += 1
        return f"{name} joins"

    def change(self, choose: Choice, draw: float) -> str:
        """Somebody joins, leaves or is killed; somebody always stays."""
        away = [name for name in _NAMES if name not in self._here]
        if len(self._here) == 1 or (away and draw < 0.45):
            return self.come(choose(away))
        name = choose(self._here)
        if draw < 0.75:
            self._here.remove(name)
            self.leaves += 1
            code = self._job.stop(name)
            assert code == 0, f"{name} left with {code}"
            return f"{name} leaves"
        self.kills += 1
        self._job.kill(name)
        if self._static:  # nobody takes over before its session ends: it is started again
            self._job.start(name, static=True)
            return f"{name} is killed and started again"
        self._here.remove(name)
        return f"{name} is killed"

    def all_leave(self) -> None:
        for name in self._here:
            code = self._job.stop(name)
            assert code == 0, f"{name} ended with {code}"


def seconds_until_all_decide(job: Rig, eyes: Eyes, since_ms: int) -> float:
    """From the instant until each partition has committed a decision written after it."""
    job.wait(lambda: eyes.all_after(since_ms) is not None, "every partition's next decision")
    found = eyes.all_after(since_ms)
    assert found is not None
    return found / 1000


ROWS = (
    Row(
        "come-and-go-dynamic",
        "one to three dynamic workers join, leave cleanly and are killed, seven changes at 600 "
        "events/s",
        (8, 9),
        "nothing lost, doubled or out of its partition's order; who leaves ends with 0",
        partial(_come_and_go, static=False),
        limit_s=300,
    ),
    Row(
        "come-and-go-static",
        "the same with static members; who is killed is started again at once",
        (8, 9),
        "the same",
        partial(_come_and_go, static=True),
        limit_s=300,
    ),
    Row(
        "killed-between-halves",
        "a static worker is killed once a rebalance takes partitions from it and before they are "
        "given on, and comes back in time",
        (8, 9),
        f"what nobody owns is decided again within {_OWNED_WITHIN_S:.0f} s",
        _killed_between_halves,
        quick=True,
    ),
)
