"""A network that delays, loses, cuts and is slow, by the kind of request (tests/rigs/proxy.py)."""

import time
from collections.abc import Callable
from functools import partial

from tests.chaos.keeping import Keeper
from tests.chaos.row import Observed, Row
from tests.chaos.stage import Stage
from tests.engine.rig import Rig
from tests.figures.eyes import now_ms
from tests.rigs.far_broker import behind_proxy
from tests.rigs.proxy import LOOPBACK, Act, Proxy
from tests.rigs.wire import Api

_RATE = 400.0
# Past the 10 s that a transactional call may take; past the session timeout and the transaction's.
_DELAY_S = 11.0
TRANSACTIONAL = (
    Api.PRODUCE,
    Api.ADD_PARTITIONS_TO_TXN,
    Api.ADD_OFFSETS_TO_TXN,
    Api.TXN_OFFSET_COMMIT,
    Api.END_TXN,
)
GROUP = (Api.HEARTBEAT, Api.FETCH)


def far_job(stage: Stage) -> tuple[Rig, Proxy]:
    """A job whose workers reach their broker through a proxy; load and checker do not."""
    broker, proxy = stage.enter(behind_proxy(stage.place("kafka")))
    return stage.job(broker, bootstrap=f"{LOOPBACK}:{proxy.port}"), proxy


def _each_of(apis: tuple[Api, ...], act: Act, stage: Stage, seed: int) -> Observed:
    """One request of each kind after another, each at a moment of its own."""
    job, proxy = far_job(stage)
    again_s = []
    with job.flowing(_RATE, seed), job.decisions_seen() as eyes:
        worker = Keeper(job)
        for api in apis:
            worker.decides(eyes)
            fault = proxy.plan([api], act, delay_s=_DELAY_S, skip=stage.draws.randrange(8), times=1)
            worker.wait(fault.caught.is_set, f"a {api.name} to do harm to")
            at = now_ms()
            if act is Act.DELAY:
                worker.wait(_after(_DELAY_S), "the delay", _DELAY_S + 5)
            again_s.append(worker.decides_again(eyes, at))
            proxy.lift()
    faults = worker.finish()
    assert faults == [], faults
    return Observed(f"exact; {worker.told()}", tuple(again_s), {"requests": len(apis)})


def _after(seconds: float) -> Callable[[], bool]:
    end = time.monotonic() + seconds
    return lambda: time.monotonic() >= end


def _half_open(stage: Stage, seed: int) -> Observed:
    """Each direction in turn loses everything; connections stay, new ones are accepted."""
    job, proxy = far_job(stage)
    again_s = []
    with job.flowing(_RATE, seed), job.decisions_seen() as eyes:
        worker = Keeper(job)
        for side in ("deaf", "mute"):
            worker.decides(eyes)
            time.sleep(stage.draws.uniform(0.1, 1.0))
            setattr(proxy, side, True)
            seconds = stage.draws.uniform(4.0, 14.0)
            worker.wait(_after(seconds), "the silence", seconds + 5)
            proxy.cut_all()
            proxy.lift()
            again_s.append(worker.decides_again(eyes, now_ms()))
    faults = worker.finish()
    assert faults == [], faults
    return Observed(f"exact; {worker.told()}", tuple(again_s))


def _slow(stage: Stage, seed: int) -> Observed:
    job, proxy = far_job(stage)
    again_s = []
    with job.flowing(_RATE, seed), job.decisions_seen() as eyes:
        worker = Keeper(job)
        worker.decides(eyes)
        for _ in range(4):
            proxy.latency_s = stage.draws.uniform(0.025, 0.1)  # each way
            stage.tell(f"a round trip takes {proxy.latency_s * 2000:.0f} ms more")
            worker.wait(_after(5.0), "a while", 10)
            again_s.append(worker.decides_again(eyes, now_ms()))
        proxy.lift()
    faults = worker.finish()
    assert faults == [], faults
    assert worker.ends == [], worker.words
    return Observed("exact; the worker went on", tuple(again_s))


def _all_cut(stage: Stage, seed: int) -> Observed:
    job, proxy = far_job(stage)
    again_s = []
    with job.flowing(_RATE, seed), job.decisions_seen() as eyes:
        worker = Keeper(job)
        worker.decides(eyes)
        for _ in range(12):
            time.sleep(stage.draws.uniform(0.05, 1.5))
            proxy.cut_all()
            again_s.append(worker.decides_again(eyes, now_ms()))
    faults = worker.finish()
    assert faults == [], faults
    return Observed(f"exact; {worker.told()}", tuple(again_s), {"cuts": 12})


def _row(name: str, does: str, apis: tuple[Api, ...], act: Act, limit_s: float = 300) -> Row:
    names = ", ".join(api.name for api in apis)
    return Row(
        name,
        f"one request of each of {names} {does}",
        (9, 10),
        "nothing lost or doubled; no cause that needs a person",
        partial(_each_of, apis, act),
        limit_s=limit_s,
    )


ROWS = (
    _row("requests-delayed", f"is delayed by {_DELAY_S:.0f} s", TRANSACTIONAL, Act.DELAY, 400),
    _row("group-delayed", f"is delayed by {_DELAY_S:.0f} s", GROUP, Act.DELAY),
    _row("requests-cut", "is lost with its connection", TRANSACTIONAL + GROUP, Act.CUT),
    _row(
        "answers-cut",
        "is done, and its answer lost with the connection",
        TRANSACTIONAL + GROUP,
        Act.CUT_BEFORE_ANSWER,
    ),
    _row("requests-lost", "is lost, the connection stays", TRANSACTIONAL, Act.SWALLOW_REQUEST, 400),
    _row("answers-lost", "is done, its answer lost", TRANSACTIONAL, Act.SWALLOW_ANSWER, 400),
    Row(
        "half-open",
        "connections stay open and one direction loses everything, for 4 to 14 s",
        (9, 10),
        "nothing lost or doubled; no cause that needs a person",
        _half_open,
    ),
    Row(
        "all-cut",
        "every connection is closed at once, twelve times",
        (9, 10),
        "the same",
        _all_cut,
    ),
    Row(
        "slow-network",
        "everything takes 50 to 200 ms more, under load",
        (4, 9),
        "nothing breaks: the worker goes on, nothing lost or doubled",
        _slow,
    ),
)
