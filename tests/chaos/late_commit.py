"""The delayed EndTxn (KIP-890): a commit that arrives when its producer has long gone on.

The client library repeats an EndTxn by itself, with the same epoch, when its connection breaks or
its answer does not come within the transaction's timeout, and says nothing of it but in its log.
The first one may still be on its way: it then ends whatever transaction of that id and epoch is
open. The broker cannot tell it from a true one, for the library does not speak the protocol that
could (transactions of version 2). The cure is a new epoch after any such doubt; disabled
(careless.py), the same steps must show a fault.
"""

import json
import re
import time

from tests.chaos.keeping import Keeper, NeedsAPerson
from tests.chaos.network_faults import far_job
from tests.chaos.row import Observed, Row
from tests.chaos.stage import Stage
from tests.figures.eyes import Eyes, now_ms
from tests.rigs.proxy import Act, Proxy
from tests.rigs.wire import Api

_RATE = 400.0
# Outputs lie at the broker, the changelog's records do not: for that long, if nothing is released.
_HALF_DONE_S = 0.4
_TIMES = 4
# As every client of the gate (streams/clients.py): it must not make the cure blind.
_CLIENT = json.dumps({"log.connection.close": False})


class _Harm:
    """A connection breaks with a commit on its way, which arrives within a later transaction."""

    def __init__(self, stage: Stage, program: str = "tests.engine.worker") -> None:
        self._stage = stage
        self.job, self.proxy = far_job(stage)
        self.worker = Keeper(self.job, client=_CLIENT, program=program)
        self.answers: list[str] = []
        """What the broker said to the late commits."""
        self.again_s: list[float] = []

    def do(self, eyes: Eyes) -> None:
        """Once, at a turn that the seed chooses."""
        draws, proxy, worker = self._stage.draws, self.proxy, self.worker
        worker.decides(eyes)
        late = proxy.plan([Api.END_TXN], Act.CUT_AND_HOLD, skip=draws.randrange(6))
        worker.wait(late.caught.is_set, "a commit on its way")
        # A later transaction of the same id, half of it at the broker.
        names = late.picked[0].transactional_id, f"{self.job.prefix}changelog"
        half = proxy.plan(
            [Api.PRODUCE],
            Act.HOLD,
            carries=tuple(name.encode() for name in names),
            skip=2 + draws.randrange(6),
        )
        worker.wait(half.caught.is_set, "a later transaction of the same id")
        time.sleep(_HALF_DONE_S)
        at = now_ms()
        proxy.release(late)
        worker.wait(lambda: bool(late.answers), "the late commit's answer")
        self.answers += late.answers
        proxy.lift()
        self.again_s.append(worker.decides_again(eyes, at))


def _with_the_cure(stage: Stage, seed: int) -> Observed:
    harm = _Harm(stage)
    with harm.job.flowing(_RATE, seed), harm.job.decisions_seen() as eyes:
        for _ in range(_TIMES):
            harm.do(eyes)
    faults = harm.worker.finish()
    assert faults == [], f"{faults}\n{harm.proxy.said()}"
    assert "NO_ERROR" not in harm.answers, harm.proxy.said()
    told = ", ".join(sorted(set(harm.answers)))
    return Observed(
        f"exact; {harm.worker.told()}; late commits were told {told}", tuple(harm.again_s)
    )


def _without_it(stage: Stage, seed: int) -> Observed:
    harm = _Harm(stage, program="tests.chaos.careless")
    found = ""
    with harm.job.flowing(_RATE, seed), harm.job.decisions_seen() as eyes:
        try:
            for _ in range(_TIMES):
                harm.do(eyes)
        except NeedsAPerson as stop:
            found = f"the next start stops: {str(stop).split(':')[0].upper()}"
    assert "NO_ERROR" in harm.answers, harm.proxy.said()
    if not found:
        faults = harm.worker.finish()
        assert faults, f"nobody has found what a late commit did\n{harm.proxy.said()}"
        found = f"the check finds: {faults[0]}"
    return Observed(f"{found}; late commits were told NO_ERROR")


def _held(stage: Stage, seed: int) -> Observed:
    """Nothing breaks, nothing comes: the library gives the request up and repeats it."""
    job, proxy = far_job(stage)
    with job.flowing(_RATE, seed), job.decisions_seen() as eyes:
        worker = Keeper(job, client=_CLIENT)
        worker.decides(eyes)
        late = proxy.plan([Api.END_TXN], Act.HOLD, skip=stage.draws.randrange(6))
        worker.wait(late.caught.is_set, "a commit on its way")
        again_s = worker.decides_again(eyes, now_ms())
        name = late.picked[0].transactional_id
        old = re.sub(".* epoch ", "", late.picked[0].about)
        worker.wait(lambda: _has_moved_on(proxy, name, old), "a commit of another epoch")
        proxy.release(late)
        worker.wait(lambda: bool(late.answers), "the late commit's answer")
        worker.decides(eyes)
    faults = worker.finish()
    assert faults == [], f"{faults}\n{proxy.said()}"
    assert "NO_ERROR" not in late.answers, proxy.said()
    return Observed(
        f"exact; {worker.told()}; the late commit was told {late.answers[0]}", (again_s,)
    )


def _has_moved_on(proxy: Proxy, transactional_id: str, epoch: str) -> bool:
    """Whether the id has committed under another epoch,"""
    ends = [said for _, said in list(proxy.trace) if f"commit {transactional_id} " in said]
    return any(not re.search(rf" epoch {epoch}\b", said) for said in ends)


ROWS = (
    Row(
        "commit-held",
        "a commit is held on its way past the transaction's timeout (6 s), and reaches the broker "
        "when its id has gone on",
        (2, 9),
        "the worker ends or takes a new epoch: the late commit is refused, nothing lost or doubled",
        _held,
    ),
    Row(
        "late-commit",
        "the connection breaks with a commit on its way, which reaches the broker within a later "
        f"transaction of the same id, {_TIMES} times",
        (2, 9),
        "the late commit is refused: a producer that has seen such a break takes a new epoch; "
        "nothing lost or doubled",
        _with_the_cure,
    ),
    Row(
        "late-commit-uncured",
        "the same, with a worker that keeps its producers after a break",
        (2, 9),
        "the test bites: the late commit ends another transaction, and that is found",
        _without_it,
    ),
)
