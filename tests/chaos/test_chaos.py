"""The quick rows of the table, with one seed; `make chaos` runs all of them."""

from pathlib import Path

import pytest

from streams.broker import EmbeddedBroker
from tests.chaos import suite
from tests.chaos.report import Result, markdown
from tests.chaos.row import NotRun, Observed, Row
from tests.chaos.running import Run, run_row
from tests.chaos.stage import Stage
from tests.chaos.table import ROWS, named

QUICK = {row.name: row for row in ROWS if row.quick}
SEED = 1


@pytest.mark.parametrize("name", QUICK)
def test_a_quick_row_holds(name: str, kafka: EmbeddedBroker, tmp_path: Path) -> None:
    """What the row demands is observed."""
    run = run_row(QUICK[name], SEED, lambda: kafka, tmp_path, lambda _: None)
    assert run.observed is not None, run.trouble or run.not_run


def test_every_row_can_be_named() -> None:
    """Names are unique and need no quoting; an unknown one is told, with those there are."""
    names = [row.name for row in ROWS]
    assert len(set(names)) == len(names)
    assert all(name.replace("-", "").isalnum() for name in names)
    assert [row.name for row in named(f"{names[-1]},{names[0]}")] == [names[-1], names[0]]
    with pytest.raises(ValueError, match=f"no row nonsense.*{names[0]}"):
        named("nonsense")
    with pytest.raises(ValueError, match=r"',' names no row"):
        named(",")


def _row(run: object) -> Row:
    return Row("example", "does it", (9,), "nothing is lost", run, limit_s=0.3)  # type: ignore[arg-type]


def _played(run: object, folder: Path) -> Run:
    def no_broker() -> EmbeddedBroker:
        raise AssertionError("no broker is needed")

    return run_row(_row(run), 7, no_broker, folder, lambda _: None)


def test_a_row_that_fails_is_told_and_does_not_stop_the_others(tmp_path: Path) -> None:
    """Its error is kept with its seed, and what it opened is closed."""
    closed: list[str] = []

    def fail(stage: Stage, seed: int) -> Observed:
        stage.callback(lambda: closed.append("it"))
        raise AssertionError(f"lost with {seed}")

    run = _played(fail, tmp_path)
    assert "lost with 7" in run.trouble
    assert closed == ["it"]
    result = Result(_row(fail), [run])
    assert result.failed
    assert "FAILED with seed 7: AssertionError: lost with 7 |  | 0 of 1 |" in markdown([result], "")


def test_a_row_that_hangs_is_ended(tmp_path: Path) -> None:
    """After its limit a run has failed, though it would catch every ordinary error."""

    def hang(_stage: Stage, _seed: int) -> Observed:
        try:
            while True:
                pass
        except Exception:  # noqa: BLE001  # as a careless row would
            return Observed("went on")

    assert "TookTooLong" in _played(hang, tmp_path).trouble


def test_what_cannot_run_here_never_passes(tmp_path: Path) -> None:
    """The table says NOT RUN with the reason, and counts no seed as passed."""

    def refuse(_stage: Stage, _seed: int) -> Observed:
        raise NotRun("mounting needs root")

    result = Result(_row(refuse), [_played(refuse, tmp_path)])
    assert not result.failed
    assert "NOT RUN: mounting needs root |  | 0 of 1 |" in markdown([result], "")


def test_a_reason_of_two_lines_is_one_cell(tmp_path: Path) -> None:
    """What a system's command says breaks no row of the table."""

    def refuse(_stage: Stage, _seed: int) -> Observed:
        raise NotRun("mount: denied.\n  dmesg may say more")

    table = markdown([Result(_row(refuse), [_played(refuse, tmp_path)])], "")
    assert "NOT RUN: mount: denied. dmesg may say more |  | 0 of 1 |" in table


def test_a_suite_of_which_nothing_can_run_has_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One row that could run is enough for it to pass."""

    def refuse(_stage: Stage, _seed: int) -> Observed:
        raise NotRun("mounting needs root")

    monkeypatch.chdir(tmp_path)
    absent = Result(_row(refuse), [_played(refuse, tmp_path / "absent")])
    there = Result(_row(None), [Run(1, 1.0, Observed("all held"))])
    for results, code in (([absent], 1), ([absent, there], 0)):
        with pytest.raises(SystemExit) as ended:
            suite._end(results, "heading", "table.md")
        assert ended.value.code == code


def test_times_and_figures_are_told_over_all_seeds() -> None:
    """Smallest, median and largest time; the smallest and the largest of each figure."""
    seen = [
        Run(1, 1.0, Observed("all held", (1.0, 4.0), {"kills": 3})),
        Run(2, 1.0, Observed("all held", (2.0,), {"kills": 5})),
    ]
    table = markdown([Result(_row(None), seen)], "")
    assert "| all held; kills: 3 to 5 | 1.0 / 2.0 / 4.0 | 2 of 2 |" in table
