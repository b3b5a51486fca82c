"""The measuring of a rebalance, on a small group; how long things take is not judged here."""

from pathlib import Path

import pytest

from streams.broker import EmbeddedBroker
from tests.figures import balance


def test_a_rebalance_is_measured(
    kafka: EmbeddedBroker, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Partitions lie evenly, some change hands and come back, and all orders are answered."""
    monkeypatch.setattr(balance, "_STEADY_S", 3.0)
    monkeypatch.setattr(balance, "_AFTER_S", 4.0)
    measured = balance.measure(
        kafka, tmp_path, f"{prefix}balance", 100.0, 2.0, workers=2, partitions=6
    )
    assert (measured.fewest, measured.largest) == (3, 3)
    assert 2 <= measured.moved < 6
    assert 0 < measured.stayed_p99 <= measured.stayed_most
    assert 0 < measured.moved_p99 <= measured.moved_most
    assert measured.events_per_s > 0
