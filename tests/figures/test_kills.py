"""A small share of `make kills`, and the arithmetic of the figures."""

from pathlib import Path

import pytest

from streams.broker import EmbeddedBroker
from tests.figures.disaster import DRAIN_S, draw, strike
from tests.figures.throughput import second_half


def test_a_killed_worker_leaves_nothing_the_auditor_can_find(
    kafka: EmbeddedBroker, prefix: str, tmp_path: Path
) -> None:
    """After kill -9 in the run and in the drain, once with the state removed, every law holds."""
    plan = draw(seed=3, events=5000, kills=2, events_per_s=500)
    outcome = strike(kafka, prefix, tmp_path, plan, tell=lambda _: None)
    assert [str(one) for one in outcome.report.findings] == []
    assert outcome.summary.trouble is None
    assert outcome.undecided == 0
    assert [kill.wiped for kill in outcome.kills].count(True) == 1
    assert outcome.kills[0].until_next_ms is not None


@pytest.mark.parametrize("seed", range(20))
def test_the_last_kill_falls_in_the_drain(seed: int) -> None:
    """All other kills fall while orders are placed; the same seed draws the same plan."""
    plan = draw(seed, events=1000, kills=10, events_per_s=100)
    *others, last = plan.moments
    assert sorted(others) == others
    assert 0 <= others[0] <= others[-1] <= plan.ordering_s <= last <= plan.ordering_s + DRAIN_S
    assert 0 <= plan.wiped < len(plan.moments)
    assert draw(seed, events=1000, kills=10, events_per_s=100) == plan


def test_the_second_half_ends_when_all_is_decided() -> None:
    """It begins where half of the events are decided, and waiting after the end is not counted."""
    assert second_half([0, 10, 49, 50, 80, 100, 100, 100]) == (3, 5)
