"""The burst's measuring, on a small burst; how long things take is not judged here."""

from pathlib import Path

import pytest

from streams.broker import EmbeddedBroker
from tests.figures import burst


def test_a_burst_is_measured(
    kafka: EmbeddedBroker, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Latency before, during and after it, of orders that were all answered."""
    monkeypatch.setattr(burst, "_STEADY_S", 4)
    monkeypatch.setattr(burst, "_AFTER_S", 4.0)
    measured = burst.measure(kafka, tmp_path, f"{prefix}burst", 60.0, 2.0)
    assert measured.burst_events == 5_400
    assert measured.published_s > 0
    assert 0 < measured.steady_p99 <= measured.burst_most
    assert 0 <= measured.back_s <= 4.0
