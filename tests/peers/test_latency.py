"""Waits are those of all outputs that count; a generator that fails is no load."""

import time
from pathlib import Path

import pytest

from tests.peers.audit import OutputId
from tests.peers.latency import _Load, waits_since

CAUSED: dict[OutputId, float] = {
    ("prompts", "o1"): 900.0,
    ("prompts", "o2"): 1_000.0,
    ("charges", "o2"): 1_100.0,
}
PATIENCE_S = 60.0


def test_waits_are_of_what_was_caused_since_then() -> None:
    """An output is told from another of the same order; the very instant counts."""
    seen = {("prompts", "o1"): 901.0, ("prompts", "o2"): 1_030.0, ("charges", "o2"): 1_120.0}
    assert waits_since(1_000.0, CAUSED, seen) == [20.0, 30.0]


def test_an_output_that_was_not_seen_is_no_short_wait() -> None:
    """No percentile leaves out what never came."""
    with pytest.raises(RuntimeError, match="1 of 2 outputs"):
        waits_since(1_000.0, CAUSED, {("prompts", "o2"): 1_030.0})
    with pytest.raises(RuntimeError, match="0 of 0 outputs"):
        waits_since(2_000.0, CAUSED, {})


def test_a_generator_that_fails_is_told(tmp_path: Path) -> None:
    """With the last that it said."""

    def until_it_ends(load: _Load) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while load.is_going() and time.monotonic() < deadline:
            time.sleep(0.05)

    with (
        _Load(tmp_path, "127.0.0.1:1", "nobody", 2_000, 15, 1) as load,
        pytest.raises(RuntimeError, match="generator failed: ValueError: 15 events are no"),
    ):
        until_it_ends(load)
