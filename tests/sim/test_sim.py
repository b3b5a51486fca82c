"""The simulator in CI: two hundred seeds, everything visited, and the same seed the same run."""

import os
import subprocess
import sys
from pathlib import Path

from tests.sim.marks import missing
from tests.sim.suite import COMPLETE_SEEDS, Result, failed, report, run_seeds

ROOT = Path(__file__).parents[2]
STEPS = 200


def test_no_seed_breaks_a_law_and_everything_is_visited() -> None:
    """No law is broken in any run, and every fault, state, event and recovery was met."""
    result = run_seeds(range(max(200, COMPLETE_SEEDS)), STEPS)
    assert not failed(result), "\n".join(report(result, STEPS))


def test_a_suite_that_has_not_been_everywhere_fails() -> None:
    """What was never met is named, and counts as a failure."""
    result = Result(seeds=COMPLETE_SEEDS)
    assert failed(result)
    assert "fault: kill" in missing(result.marks)


def test_a_seed_is_a_run_to_the_byte() -> None:
    """Two processes with other hash seeds write the same records to every topic."""
    seen = {_digest_of_seeds(hash_seed) for hash_seed in ("1", "2")}
    assert len(seen) == 1


def _digest_of_seeds(hash_seed: str) -> str:
    program = "from tests.sim.suite import run_seeds\nprint(run_seeds((3, 17, 40, 41), 120).digest)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout
