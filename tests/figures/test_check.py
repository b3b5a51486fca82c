"""What an event costs has not doubled (`make bench-check` has the closer look)."""

from pathlib import Path

import pytest

from streams.broker import EmbeddedBroker
from tests.figures import check

# Enough for a second half without starting; the whole takes some 20 s.
EVENTS = 60_000
DOUBLED = 2.0


def test_an_event_does_not_cost_twice_what_it_did(kafka: EmbeddedBroker, tmp_path: Path) -> None:
    """In units of a fixed job that is timed just before and after, whatever else goes on here."""
    cost = check.measure(kafka, tmp_path, EVENTS, seed=1)
    print(cost, cost.factors())  # noqa: T201  # the report
    # The broker is not judged here: it has not yet compiled what is hot.
    assert cost.factors()["worker"] < DOUBLED, cost


def test_what_is_dearer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A factor is what it costs now over what it cost then."""
    monkeypatch.setattr(check, "COST", {"worker": 10.0, "broker": 4.0})
    assert check.Cost(30.0, 2.0, 1.0).factors() == {"worker": 3.0, "broker": 0.5}
