"""The simulator in CI: two hundred seeds, everything visited, and the same seed the same run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sim import suite
from tests.sim.marks import REQUIRED, missing
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


def test_a_suite_whose_time_was_over_fails() -> None:
    """It says how many of its seeds ran, and is no success however well they went."""
    result = run_seeds(range(5), STEPS, until=0.0)
    assert failed(result)
    assert report(result, STEPS)[-1] == "FAILED: the time was over after 0 of 5 seeds"


def test_coverage_is_told_where_it_is_judged() -> None:
    """A small suite says in one line that it is not; a large one tells every mark."""
    small, large = Result(seeds=COMPLETE_SEEDS - 1), Result(seeds=COMPLETE_SEEDS)
    assert f"coverage is judged from {COMPLETE_SEEDS} seeds on" in report(small, STEPS)
    assert not any("NOT VISITED" in line for line in report(small, STEPS))
    assert sum("NOT VISITED" in line for line in report(large, STEPS)) == len(REQUIRED)


@pytest.mark.parametrize(
    ("option", "given"),
    [
        *(("--seeds", given) for given in ("0", "-3", "ten")),
        *(("--steps", "0"), ("--seed", "-1"), ("--first", "-1")),
        *(("--minutes", given) for given in ("0", "-1", "nan")),
        ("--seed", "1 --seeds 1"),
    ],
)
def test_nonsense_is_refused(option: str, given: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A suite of nothing is a usage error that names the option."""
    with pytest.raises(SystemExit) as refused:
        suite.main([option, *given.split()])
    assert refused.value.code == 2
    assert option in capsys.readouterr().err


def test_a_seed_is_a_run_to_the_byte() -> None:
    """Two processes with other hash seeds write the same records to every topic."""
    seen = {_digest_of_seeds(hash_seed) for hash_seed in ("1", "2")}
    assert len(seen) == 1


def _digest_of_seeds(hash_seed: str) -> str:
    program = (
        "from tests.sim.suite import run_seeds\nprint(run_seeds((3, 13, 17, 40, 41), 120).digest)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout
