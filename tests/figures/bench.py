"""`make bench`: throughput and latency of a worker, with the broker on the same cores.

Prints a table and writes it to build/bench.md. Nothing is judged here: figures depend on the
machine and on what else it does, which is told beside them.
"""

import os
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import click

from streams.broker import EmbeddedBroker
from tests.figures import balance, burst, latency, throughput

REPORT = Path(__file__).parents[2] / "build/bench.md"

# Held against each other on any machine: (what is different, workers, partitions).
_SHAPES = (
    ("one worker, 4 partitions", 1, 4),
    ("one worker, 32 partitions", 1, 32),
    ("two workers, 8 partitions", 2, 8),
)

# More than the cores can use: what is asked is how they share, and what a rebalance costs.
_MANY_WORKERS, _MANY_PARTITIONS = 8, 64


@click.command()
@click.option("--events", default=120_000, show_default=True, help="Preloaded for each run.")
@click.option("--runs", default=3, show_default=True, help="Of each kind.")
@click.option("--rate", default=1000.0, show_default=True, help="Events a second, for latency.")
@click.option("--seconds", default=20.0, show_default=True, help="Measured, for latency.")
@click.option("--warm-up", default=10.0, show_default=True, help="Seconds before that.")
@click.option("--burst-rate", default=800.0, show_default=True, help="Steady, beside a burst.")
@click.option("--balance-rate", default=400.0, show_default=True, help="Over many workers.")
@click.option("--seed", default=1, show_default=True, help="Of the first run's events.")
@click.option(
    "--only",
    type=click.Choice(["throughput", "shapes", "latency", "burst", "balance"]),
    help="One of them, not all.",
)
def main(
    events: int,
    runs: int,
    rate: float,
    seconds: float,
    warm_up: float,
    burst_rate: float,
    balance_rate: float,
    seed: int,
    only: str | None,
) -> None:
    """Measure one worker on an embedded broker."""
    lines = [f"{os.cpu_count()} cores; least, middle and most of {runs} runs.", ""]
    with tempfile.TemporaryDirectory(prefix="tollgate-bench-") as made:
        folder = Path(made)
        with EmbeddedBroker(folder / "kafka", tell=click.echo) as broker:
            if only in (None, "throughput"):
                drained = []
                for run in range(runs):
                    drained.append(
                        throughput.measure(broker, folder, f"drain{run}", events, seed + run)
                    )
                    click.echo(drained[-1])
                lines += _table(f"Draining {events:,} events", drained)
            if only in (None, "shapes"):
                for title, workers, partitions in _SHAPES:
                    shape = throughput.measure(
                        broker,
                        folder,
                        f"shape-{workers}-{partitions}",
                        events,
                        seed,
                        workers=workers,
                        partitions=partitions,
                    )
                    click.echo(shape)
                    lines += _table(f"The same, once: {title}", [shape])
            if only in (None, "latency"):
                steady = []
                for run in range(runs):
                    steady.append(
                        latency.measure(broker, folder, f"steady{run}", rate, warm_up, seconds)
                    )
                    click.echo(steady[-1])
                lines += _table(f"Steady {rate:,.0f} events/s for {seconds:g} s", steady)
            if only in (None, "burst"):
                one = burst.measure(broker, folder, "burst", burst_rate, warm_up)
                click.echo(one)
                times = f"{burst.TIMES} times as much for {burst.BURST_S} s, once"
                lines += _table(f"Steady {burst_rate:,.0f} events/s, {times}", [one])
            if only in (None, "balance"):
                many = balance.measure(
                    broker,
                    folder,
                    "balance",
                    balance_rate,
                    warm_up,
                    workers=_MANY_WORKERS,
                    partitions=_MANY_PARTITIONS,
                )
                click.echo(many)
                lines += _table("One worker joins many, and leaves, once", [many])
    report = "\n".join(lines)
    click.echo(report)
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(report + "\n")


# What the fields of a run are called, in units.
_NAMES = {
    "events_per_s": "events/s",
    "worker_us": "CPU of the worker, µs an event",
    "broker_us": "CPU of the broker, µs an event",
    "written_per_event": "records written an event (markers included)",
    "turns": "turns in all",
    "turns_per_s": "turns a second",
    "memory_mb": "most memory of the worker, MB",
    "prompts": "prompts",
    "p50": "order to prompt, p50, ms",
    "p99": "order to prompt, p99, ms",
    "most": "order to prompt, most, ms",
    "key_presses": "key presses in calls",
    "voice_p50": "key press to approved charge, p50, ms",
    "voice_p99": "key press to approved charge, p99, ms",
    "steady_per_s": "events/s before and after",
    "burst_events": "events of the burst",
    "published_s": "published in, s",
    "steady_p99": "order to prompt before, highest p99 of a second, ms",
    "burst_most": "order to prompt, most, ms",
    "back_s": "after its end until p99 is back, s",
    "late_prompts": "prompts whose life was over when they were seen",
    "workers": "workers",
    "partitions": "partitions",
    "settled_s": "from the first worker's start until every partition has an owner, s",
    "fewest": "partitions of a worker, fewest",
    "largest": "partitions of a worker, most",
    "before_p99": "order to prompt before, p99, ms",
    "before_most": "order to prompt before, most, ms",
    "moved": "partitions that changed hands",
    "stayed_p99": "order to prompt meanwhile, p99 of the partitions that stayed, ms",
    "stayed_most": "order to prompt meanwhile, most of the partitions that stayed, ms",
    "moved_p99": "order to prompt meanwhile, p99 of the partitions that changed hands, ms",
    "moved_most": "order to prompt meanwhile, most of the partitions that changed hands, ms",
    "others_cores": "cores busy with anything else",
    "load": "load average (1 min)",
}


def _table(title: str, runs: Sequence[NamedTuple]) -> list[str]:
    """Markdown: a line a figure, least, middle and most of the runs."""
    lines = [f"| {title} | least | middle | most |", "|---|---:|---:|---:|"]
    for name in runs[0]._fields:
        values = [getattr(run, name) for run in runs]
        shown = [_shown(v) for v in (min(values), statistics.median(values), max(values))]
        lines.append(f"| {_NAMES[name]} | {' | '.join(shown)} |")
    return [*lines, ""]


def _shown(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.1f}"


if __name__ == "__main__":
    main()
