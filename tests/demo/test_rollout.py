"""A small rollout: the notice's own dates, a real broker, a real worker, the auditor's word."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from streams.cli.demo import demo
from streams.demo import run_rollout


def test_a_small_rollout_ends_drained_audited_and_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A day of each phase is lived; the tables name dates, batches and providers; no law breaks."""
    folder = tmp_path / "demo"
    code = run_rollout(orders_a_day=150, subscribers=100, seed=3, data_dir=folder)
    said = capsys.readouterr().out
    assert code == 0, said
    for promised in (
        "16 Aug 2010: before-notice + trial",
        "What changed for subscribers",
        "batch 1: GD SC TJ",
        "not yet: HI ZJ",
        "What the trials foresaw",
        "What changed for providers",
        "Black Rain SMS",
        "(drained)",
    ):
        assert promised in said, said
    assert (folder / "worker.log").exists()


def test_an_unknown_scenario_is_refused_with_the_choices() -> None:
    """Whoever misspells a scenario is told which there are."""
    result = CliRunner().invoke(demo, ["--scenario", "rolout"])
    assert result.exit_code == 2
    assert "'rolout' is not one of 'minute', 'rollout'" in result.output
