"""What many keys cost, measured on few; the figures themselves are not judged here."""

from pathlib import Path

from streams.broker import EmbeddedBroker
from tests.peers import growth
from tests.peers.engines import named
from tests.peers.growth import Grown


def test_a_state_is_grown_killed_and_restored(
    kafka: EmbeddedBroker, prefix: str, tmp_path: Path
) -> None:
    """Every event on a key that is there is answered, also by a worker that had nothing on disk."""
    [ours] = named("ours")
    grown = growth.measure(ours, kafka, f"{prefix}growth", tmp_path, 20_000, 30_000)
    assert grown.keys == 20_000
    # A row a key, one more for most events (a turn writes a row once), and positions.
    assert grown.restored > 30_000
    assert grown.event_us > 0
    assert grown.memory_mb > 10
    assert grown.first_decision_s > 0


def test_what_was_asked_for_and_missed_is_told() -> None:
    """By name, and a table says what was measured."""
    few = Grown(50_000, 10.0, 5.0, 100.0, 1.0, 1.0, 100_000)
    well = Grown(5_000_000, 14.0, 5.0, 419.0, 2.0, 10.0, 4_000_000)
    badly = Grown(5_000_000, 14.1, 5.0, 420.0, 2.1, 10.0, 3_999_999)
    assert growth.missed(few, well) == []
    assert len(growth.missed(few, badly)) == 4
    assert "1.41 times" in growth.table(few, badly)
