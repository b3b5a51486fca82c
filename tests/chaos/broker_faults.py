"""One broker that is killed, held still, cut off, slow."""

import time

from tests.chaos.keeping import Keeper
from tests.chaos.row import Observed, Row
from tests.chaos.stage import Stage
from tests.figures.eyes import now_ms

_RATE = 500.0
_KILLS = 3
# Above the session timeout (6 s), so that the group has given the worker up, and below and above
# what a transactional call may take (10 s).
_FREEZES_S = (8.0, 14.0)
_AWAY_S = 60.0


def _killed_in_mid_transaction(stage: Stage, seed: int) -> Observed:
    """Whichever transaction is open: at this rate there is one most of the time."""
    broker = stage.broker()
    job = stage.job(broker)
    again_s = []
    with job.flowing(_RATE, seed), job.decisions_seen() as eyes:
        worker = Keeper(job)
        worker.decides(eyes)
        for _ in range(_KILLS):
            time.sleep(stage.draws.uniform(0.5, 2.5))
            broker.kill()
            broker.start()
            again_s.append(worker.decides_again(eyes, now_ms()))
    faults = worker.finish()
    assert faults == [], faults
    return Observed(f"exact; {worker.told()}", tuple(again_s), {"kills": _KILLS})


def _held_still(stage: Stage, seed: int) -> Observed:
    broker = stage.broker()
    job = stage.job(broker)
    again_s = []
    with job.flowing(_RATE, seed), job.decisions_seen() as eyes:
        worker = Keeper(job)
        for seconds in _FREEZES_S:
            worker.decides(eyes)
            time.sleep(stage.draws.uniform(0.2, 1.0))
            broker.suspend()
            time.sleep(seconds)
            broker.resume()
            again_s.append(worker.decides_again(eyes, now_ms()))
    faults = worker.finish()
    assert faults == [], faults
    return Observed(f"exact; {worker.told()}", tuple(again_s), {"freezes": len(_FREEZES_S)})


def _away_for_a_minute(stage: Stage, seed: int) -> Observed:
    broker = stage.broker()
    job = stage.job(broker)
    with job.flowing(_RATE, seed), job.decisions_seen() as eyes:
        worker = Keeper(job)
        worker.decides(eyes)
        broker.kill()
        end = time.monotonic() + _AWAY_S
        worker.wait(lambda: time.monotonic() > end, "a minute", _AWAY_S + 1)
        broker.start()
        again_s = worker.decides_again(eyes, now_ms())
    faults = worker.finish()
    assert faults == [], faults
    return Observed(f"exact; {worker.told()}", (again_s,))


ROWS = (
    Row(
        "broker-killed",
        f"the one broker is killed (-9) in mid-transaction and started again, {_KILLS} times",
        (9, 10),
        "nothing lost or doubled; no cause that needs a person",
        _killed_in_mid_transaction,
    ),
    Row(
        "broker-held-still",
        "the one broker is stopped (SIGSTOP) for 8 and for 14 s, past the session timeout, and "
        "thawed",
        (9, 10),
        "the same",
        _held_still,
    ),
    Row(
        "broker-away",
        "the one broker is gone for a minute",
        (9, 10),
        "the same; the supervisor's restarts end when it is back",
        _away_for_a_minute,
        limit_s=400,
    ),
)
