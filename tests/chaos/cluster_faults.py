"""Three brokers, and the one that matters is taken away under load (tests/rigs/cluster.py)."""

import time
from collections.abc import Callable
from functools import partial

from tests.chaos.keeping import Keeper
from tests.chaos.row import Observed, Row
from tests.chaos.stage import Stage
from tests.engine.rig import PARTITIONS, Rig
from tests.figures.eyes import now_ms
from tests.rigs.cluster import Cluster

_RATE = 300.0
_HELD_STILL_S = 20.0
_DOWN_S = 4.0

Who = Callable[[Stage, Cluster, Rig], int]


def _leader(stage: Stage, cluster: Cluster, job: Rig) -> int:
    topic = stage.draws.choice(("adds", "takes", "changelog", "out"))
    return cluster.leader(job.prefix + topic, stage.draws.randrange(PARTITIONS))


def _transactions(stage: Stage, cluster: Cluster, job: Rig) -> int:
    worker = (job.folder / "w0" / "worker-id").read_text().strip()
    letter = stage.draws.choice("ab")
    return cluster.transaction_coordinator(f"{job.prefix}group-{worker}-{letter}")


def _group(_stage: Stage, cluster: Cluster, job: Rig) -> int:
    return cluster.group_coordinator(job.prefix + "group")


_CHOSEN: tuple[tuple[str, Who], ...] = (
    ("a partition's leader", _leader),
    ("the transaction coordinator", _transactions),
    ("the group coordinator", _group),
)


def _taken_away(stage: Stage, seed: int, harm: Callable[[Cluster, int, Keeper], None]) -> Observed:
    """One after another; each time the copies have caught up before the next."""
    cluster = stage.enter(Cluster(stage.place("cluster")))
    job = stage.job(cluster, replicas=3)
    topics = [job.prefix + name for name in ("adds", "takes", "ticks", "out", "taken", "changelog")]
    chosen = stage.draws.sample(_CHOSEN, len(_CHOSEN))
    again_s = []
    with job.flowing(_RATE, seed), job.decisions_seen() as eyes:
        worker = Keeper(job)
        for words, who in chosen:
            worker.decides(eyes)
            worker.wait(lambda: cluster.in_sync(topics), "all copies in step")
            node = who(stage, cluster, job)
            stage.tell(f"{words} is node {node}")
            time.sleep(stage.draws.uniform(0.1, 1.0))
            at = now_ms()
            harm(cluster, node, worker)
            again_s.append(worker.decides_again(eyes, at))
            if not cluster.nodes[node].running:
                time.sleep(_DOWN_S)
                cluster.start([node])
    faults = worker.finish()
    assert faults == [], faults
    return Observed(f"exact; {worker.told()}", tuple(again_s))


def _kill(cluster: Cluster, node: int, _worker: Keeper) -> None:
    cluster.nodes[node].kill()


def _hold_still(cluster: Cluster, node: int, worker: Keeper) -> None:
    """Its connections stay open; the others elect somebody else; then it wakes up."""
    cluster.nodes[node].suspend()
    end = time.monotonic() + _HELD_STILL_S
    worker.wait(lambda: time.monotonic() > end, "the freeze", _HELD_STILL_S + 5)
    cluster.nodes[node].resume()


_DEMAND = "nothing lost or doubled; no cause that needs a person"

ROWS = (
    Row(
        "cluster-killed",
        "of three brokers a partition's leader, the transaction coordinator and the group "
        "coordinator are killed (-9) in turn, and come back",
        (9, 10),
        _DEMAND,
        partial(_taken_away, harm=_kill),
        limit_s=420,
    ),
    Row(
        "cluster-held-still",
        f"the same three are stopped (SIGSTOP) for {_HELD_STILL_S:.0f} s in turn",
        (9, 10),
        _DEMAND,
        partial(_taken_away, harm=_hold_still),
        limit_s=480,
    ),
)
