"""What was measured, as markdown: minimum, median and maximum of each engine's runs."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import NamedTuple, TypeAlias

from tests.peers.engines import KAFKA_STREAMS
from tests.peers.latency import Latency
from tests.peers.speed import Speed

Results: TypeAlias = Mapping[str, Sequence[Speed]] | Mapping[str, Sequence[Latency]]

# A figure's field, what it is called, its digits after the point.
_SPEED = (
    ("events_per_cpu_s_half", "events per CPU-second, 2nd half", 0),
    ("events_per_cpu_s", "the same, whole process", 0),
    ("events_per_s_half", "events/s, 2nd half", 0),
    ("events_per_s", "events/s from the process's start", 0),
    ("broker_us_half", "broker, CPU µs an event", 1),
    ("start_s", "first output after, s", 1),
    ("memory_mb", "peak memory, MB", 0),
    ("others_cores_half", "others' cores", 2),
    ("load", "load", 1),
)
_LATENCY = (
    ("p50", "p50, ms", 1),
    ("p90", "p90, ms", 1),
    ("p99", "p99, ms", 1),
    ("p999", "p99.9, ms", 1),
    ("most", "most, ms", 1),
    ("events_per_s", "events/s that came", 0),
    ("engine_us", "CPU µs an event", 0),
    ("broker_us", "broker, CPU µs an event", 0),
    ("memory_mb", "peak memory, MB", 0),
    ("others_cores", "others' cores", 2),
    ("load", "load", 1),
)


class Report(NamedTuple):
    """All runs so far, by engine."""

    heading: str
    speeds: Mapping[str, Sequence[Speed]]
    latencies: Mapping[str, Sequence[Latency]]
    not_run: Mapping[str, str]
    """By engine: why this machine cannot run it, or what there was no time for."""
    failed: Mapping[str, str]
    """By engine and kind of run: what went wrong."""

    @property
    def is_flawless(self) -> bool:
        """Whether there were runs, none failed, and every audit found its run exact."""
        found = [run.findings for runs in self.speeds.values() for run in runs]
        found += [run.findings for runs in self.latencies.values() for run in runs]
        exact = bool(found) and all(findings.is_exact for findings in found)
        return exact and not self.failed

    def markdown(self) -> str:
        """The tables."""
        lines = [
            self.heading,
            "",
            "Each figure: least / **median** / most of the runs.",
            "Others' cores: busy with neither engine nor broker nor the measuring itself.",
            f"× {KAFKA_STREAMS}: the ratio of the medians of the first figure.",
            "Few events flatter the second half of who reads ahead, and leave a JVM no time to",
            "compile: compare second halves from 600,000 events on.",
            "",
        ]
        if self.speeds:
            lines += ["## Speed: a full log, drained", "", *_table(self.speeds, _SPEED), ""]
        if self.latencies:
            lines += ["## Latency at a steady rate", "", *_table(self.latencies, _LATENCY), ""]
        lines += [f"- {name} NOT RUN: {reason}" for name, reason in self.not_run.items()]
        lines += [f"- {name} FAILED: {trouble}" for name, trouble in self.failed.items()]
        return "\n".join(lines).rstrip() + "\n"


def spread(runs: Sequence[Speed] | Sequence[Latency], field: str) -> tuple[float, float, float]:
    """The least, the median and the most of one figure."""
    values = [getattr(run, field) for run in runs]
    return min(values), median(values), max(values)


def _table(results: Results, figures: Sequence[tuple[str, str, int]]) -> list[str]:
    titles = [title for _, title, _ in figures]
    head = ["engine", "runs", f"× {KAFKA_STREAMS}", *titles, "audit"]
    return [
        f"| {' | '.join(head)} |",
        "|---|---:|---:|" + "---:|" * len(figures) + "---|",
        *(f"| {' | '.join(_row(name, results, figures))} |" for name in results),
    ]


def _row(name: str, results: Results, figures: Sequence[tuple[str, str, int]]) -> list[str]:
    runs = results[name]
    load = runs[0]
    size = f"{load.events:,}" if isinstance(load, Speed) else f"{load.rate:,}/s"
    theirs = results.get(KAFKA_STREAMS)
    field = figures[0][0]
    ratio = f"{spread(runs, field)[1] / spread(theirs, field)[1]:.2f}" if theirs else "-"
    cells = [_cell(spread(runs, field), digits, len(runs)) for field, _, digits in figures]
    exact = sum(run.findings.is_exact for run in runs)
    faults = [str(run.findings) for run in runs if not run.findings.is_exact]
    audit = "; ".join([f"{exact}/{len(runs)} exact", *faults])
    return [f"{name} ({size})", str(len(runs)), ratio, *cells, audit]


def _cell(values: tuple[float, float, float], digits: int, runs: int) -> str:
    least, middle, most = (f"{value:,.{digits}f}" for value in values)
    return middle if runs == 1 else f"{least} / **{middle}** / {most}"
