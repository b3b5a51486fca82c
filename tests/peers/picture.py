"""The same as a picture: medians as bars, from the least to the most as whiskers."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tests.peers.report import Report, Results, spread

_BAR_INCHES = 0.4
_OURS, _PEERS = "tab:blue", "tab:gray"


def draw(report: Report, to: Path) -> None:
    """Write the picture, in the format that the file's ending says."""
    panels: Sequence[tuple[Results, str, str]] = (
        (report.speeds, "events_per_cpu_s_half", "events per CPU-second, 2nd half"),
        (report.speeds, "events_per_s_half", "events/s, 2nd half"),
        (report.latencies, "p50", "latency p50, ms"),
        (report.latencies, "p99", "latency p99, ms"),
    )
    shown = [panel for panel in panels if panel[0]]
    inches = sum(1.2 + _BAR_INCHES * len(results) for results, _, _ in shown)
    figure = Figure(figsize=(9, inches), layout="constrained")
    figure.suptitle("W1: least, median and most of each engine's runs")
    heights = [1.2 + len(results) for results, _, _ in shown]
    axes = figure.subplots(len(shown), 1, squeeze=False, height_ratios=heights)
    for each, (results, field, title) in zip(axes[:, 0], shown, strict=True):
        _bars(each, results, field, title)
    figure.savefig(to, dpi=120)


def _bars(axes: Axes, results: Results, field: str, title: str) -> None:
    spreads = [spread(runs, field) for runs in results.values()]
    names = list(results)
    medians = [middle for _, middle, _ in spreads]
    whiskers = [
        [middle - least for least, middle, _ in spreads],
        [most - middle for _, middle, most in spreads],
    ]
    colours = [_OURS if name.startswith("ours") else _PEERS for name in names]
    bars = axes.barh(names, medians, xerr=whiskers, color=colours, capsize=3)
    axes.bar_label(bars, [f"{middle:,.0f}" for middle in medians], padding=4)
    axes.invert_yaxis()
    axes.margins(x=0.15)
    axes.set_title(title, loc="left", fontsize="medium")
