"""The table in markdown: what was demanded, what was observed, how long it took."""

from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from tests.chaos.row import Row
from tests.chaos.running import Run

_HEAD = (
    "| row | what is done | laws | demanded | observed | deciding again, s (min / median / max) "
    "| seeds passed |\n| --- | --- | --- | --- | --- | --- | --- |"
)
# Of a failure, in the table; the whole of it is printed when it happens.
_TROUBLE_CHARACTERS = 200


class Result(NamedTuple):
    """A row with all its runs."""

    row: Row
    runs: Sequence[Run]

    @property
    def failed(self) -> bool:
        """Whether a run failed. One that could not run has not failed, nor passed."""
        return any(run.trouble for run in self.runs)

    @property
    def not_run(self) -> str:
        """Why the row could not run here; empty where it could."""
        return next((run.not_run for run in self.runs if run.not_run), "")


def markdown(results: Sequence[Result], heading: str) -> str:
    """The whole table."""
    return "\n".join((f"{heading}\n", _HEAD, *(_line(result) for result in results))) + "\n"


def _line(result: Result) -> str:
    row = result.row
    passed = sum(run.observed is not None for run in result.runs)
    cells = (
        row.name,
        row.does,
        ", ".join(str(law) for law in row.laws),
        row.demands,
        _observed(result),
        _again(result.runs),
        f"{passed} of {len(result.runs)}",
    )
    # What a system's command says may have several lines.
    return f"| {' | '.join(' '.join(cell.replace('|', '/').split()) for cell in cells)} |"


def _observed(result: Result) -> str:
    said = []
    for run in result.runs:
        if run.trouble:
            last = run.trouble.strip().splitlines()[-1][:_TROUBLE_CHARACTERS]
            said.append(f"FAILED with seed {run.seed}: {last}")
    if result.not_run:
        said.append(f"NOT RUN: {result.not_run}")
    seen = [run.observed for run in result.runs if run.observed is not None]
    said += list(dict.fromkeys(one.sentence for one in seen))
    for name in dict.fromkeys(name for one in seen for name in one.figures):
        values = [one.figures[name] for one in seen if name in one.figures]
        said.append(f"{name}: {spread(values)}")
    return "; ".join(said)


def _again(runs: Sequence[Run]) -> str:
    times = [one for run in runs if run.observed is not None for one in run.observed.again_s]
    if not times:
        return ""
    return f"{min(times):.1f} / {median(times):.1f} / {max(times):.1f}"


def spread(values: Sequence[float]) -> str:
    """One number, or the smallest to the largest."""
    low, high = min(values), max(values)
    return _number(low) if low == high else f"{_number(low)} to {_number(high)}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"
