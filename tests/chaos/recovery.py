"""How soon the gate decides again: after a kill with a large state, and when another takes over."""

import time
from collections import Counter
from collections.abc import Mapping
from functools import partial

from streams import topics
from streams.audit import History, read_history
from tests.app.rig import CODECS
from tests.chaos.rolling import Crew, settled_report
from tests.chaos.row import Observed, Row
from tests.chaos.stage import Stage
from tests.figures.disaster import decisions_seen
from tests.figures.eyes import Eyes, now_ms
from tests.figures.filling import Feed, fill

_KEYS = 1_000_000
_KILLS = 3
_RESTART_S = 3.0
_RATE = 150.0
_PEOPLE = 5_000
_COORDINATOR = "transaction.abort.timed.out.transaction.cleanup.interval.ms"


def _restart(stage: Stage, seed: int) -> Observed:
    """Only state intact and the group's session still open: the quickest way back there is."""
    gate = stage.gate()
    fill(gate.settings, _KEYS)
    crew = stage.enter(Crew(gate, static=True))
    first_s, all_s = [], []
    with decisions_seen(gate.settings) as eyes:
        with Feed(gate.settings, _KEYS, _RATE, seed):
            began_ms = now_ms()
            crew.start("a")
            restored_s = crew.seconds_until_all_decide(eyes, began_ms)
            for _ in range(_KILLS):
                time.sleep(1 + 2 * stage.draws.random())
                crew.kill("a")
                at = now_ms()
                crew.start("a")
                all_s.append(crew.seconds_until_all_decide(eyes, at))
                first_s.append((eyes.first_after(at) or 0) / 1000)
                stage.tell(f"first decision after {first_s[-1]:.2f} s, all {all_s[-1]:.2f} s")
        crew.drain()
    _check_one_decision_each(read_history(gate.settings, gate.logs))
    assert max(first_s) <= _RESTART_S, f"decided again after {first_s} s"
    return Observed(
        "each order decided once",
        tuple(first_s),
        {
            "longest until all partitions decide, s": max(all_s),
            "restored from nothing, s": restored_s,
        },
    )


def _check_one_decision_each(history: History) -> None:
    """The auditor is no judge here: the state was written, not lived through."""
    decided = Counter(
        (cause.partition, cause.offset)
        for entry in history.of(topics.DECISIONS)
        for cause in (CODECS.decode(topics.DECISIONS, entry.value).cause,)
        if cause.topic == topics.ORDERS
    )
    orders = {(entry.partition, entry.offset) for entry in history.of(topics.ORDERS)}
    assert set(decided) == orders, "orders without a decision, or decisions without an order"
    assert set(decided.values()) == {1}, "an order was decided twice"


def _take_over(
    stage: Stage, seed: int, *, kills: bool, within_s: float, broker: Mapping[str, str] | None
) -> Observed:
    gate = stage.gate(stage.broker(broker) if broker else None)
    crew = stage.enter(Crew(gate, static=False))
    again_s = []
    with decisions_seen(gate.settings) as eyes:
        with Feed(gate.settings, _PEOPLE, _RATE, seed):
            crew.start("a", "b")
            _settle(crew, eyes)
            for name in stage.draws.sample(("a", "b"), 2):
                time.sleep(1 + stage.draws.random())
                at = now_ms()
                if kills:
                    crew.kill(name)
                else:
                    crew.stop(name)
                again_s.append(crew.seconds_until_all_decide(eyes, at))
                stage.tell(f"{name} is gone, all decide after {again_s[-1]:.2f} s")
                crew.start(name)
                _settle(crew, eyes)
        report = settled_report(gate, crew)
        crew.drain()
    assert report.held, [str(one) for one in report.findings]
    assert max(again_s) <= within_s, f"taken over after {again_s} s"
    return Observed("no law broken", tuple(again_s))


def _settle(crew: Crew, eyes: Eyes) -> None:
    """Both have their share, and no rebalance is under way."""
    crew.wait(crew.all_have_opened, "every worker has opened partitions")
    crew.seconds_until_all_decide(eyes, now_ms())


ROWS = (
    Row(
        "restart-a-million-keys",
        "kill -9 of the one, static worker with 1,000,000 subscribers' rows, state intact; "
        "started again at once",
        (8, 9),
        f"its first decision is committed within {_RESTART_S:.0f} s of its start",
        _restart,
        limit_s=400,
    ),
    Row(
        "take-over-after-kill",
        "kill -9 of one of two dynamic workers, a broker with defaults",
        (1, 2, 4, 8, 9),
        "the other decides all partitions within 20 s; no law broken",
        partial(_take_over, kills=True, within_s=20.0, broker=None),
        limit_s=400,
    ),
    Row(
        "take-over-quick-coordinator",
        "the same, the coordinator looking for dead transactions each second",
        (1, 2, 4, 8, 9),
        "within 10 s",
        partial(_take_over, kills=True, within_s=10.0, broker={_COORDINATOR: "1000"}),
        limit_s=400,
    ),
    Row(
        "take-over-after-stop",
        "one of two dynamic workers is told to stop",
        (1, 2, 4, 8, 9),
        "it ends with 0, the other decides all partitions within 3 s; no law broken",
        partial(_take_over, kills=False, within_s=3.0, broker=None),
        limit_s=400,
    ),
)
