"""`make soak`: the gate under load while faults strike, and what it holds and what it takes.

The exit code is 0 only when every order was answered, every event decided, no law broken, no worker
ended for a cause that needs a person, and memory, file handles and threads stayed flat. Else what
was written (logs, state, the broker's records) is kept in build/soak.
"""

import math
import os
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console

from streams.broker import EmbeddedBroker
from tests.soak.faults import Fault
from tests.soak.soaking import RATE_LEAST, SECONDS_LEAST, Outcome, soak

MINUTES_LEAST = SECONDS_LEAST / 60
_BUILD = Path("build")


def _at_least(least: float) -> Callable[[click.Context, click.Parameter, float], float]:
    """Refuses what is less, or no number."""

    def checked(_context: click.Context, _option: click.Parameter, given: float) -> float:
        if not least <= given < math.inf:
            raise click.BadParameter(f"{given:g}: what is below {least:g} cannot be judged.")
        return given

    return checked


@click.command()
@click.option(
    "--minutes",
    default=10.0,
    show_default=True,
    callback=_at_least(MINUTES_LEAST),
    help=f"For which orders are placed, {MINUTES_LEAST:g} or more.",
)
@click.option(
    "--rate",
    default=2000.0,
    show_default=True,
    callback=_at_least(RATE_LEAST),
    help=f"Events a second, {RATE_LEAST:g} or more.",
)
@click.option("--seed", type=click.IntRange(min=0), help="Of people and faults; else drawn.")
def main(minutes: float, rate: float, seed: int | None) -> None:
    """Let faults strike every few seconds while the outside world turns."""
    seed = time.time_ns() % 1_000_000 if seed is None else seed
    click.echo(f"seed {seed}: {minutes:g} minutes at {rate:g} events a second")
    with evidence((_BUILD / "soak" / str(seed)).absolute()) as folder:
        with EmbeddedBroker(folder / "kafka", tell=click.echo) as broker:
            outcome = soak(
                broker,
                "soak.",
                folder / "gate",
                seed=seed,
                seconds=minutes * 60,
                rate=rate,
                tell=click.echo,
            )
        _tell(outcome)
        faults = outcome.faults()
        for fault in faults:
            click.echo(f"FAILED: {fault}")
        outcome.report.print(Console())
        click.echo(f"seed {seed}; load average {os.getloadavg()[0]:.1f}")
        if faults:
            sys.exit(outcome.report.exit_code or 1)


@contextmanager
def evidence(folder: Path) -> Iterator[Path]:
    """An empty folder; removed when all went well inside, else kept and named."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    except BaseException:  # an end by exit code or Ctrl-C too
        click.echo(f"logs, state and the broker's records are kept in {folder}", err=True)
        raise
    shutil.rmtree(folder)


def _tell(outcome: Outcome) -> None:
    click.echo(f"{'fault':34}{'times':>6}  deciding again after, ms: median and most")
    for fault in Fault:
        took = [one.again_ms for one in outcome.struck if one.fault is fault]
        if took:
            median = statistics.median(took)
            click.echo(f"{fault.value:34}{len(took):6}  {median:7,.0f} {max(took):7,}")
    for cause, times in outcome.ended.items():
        click.echo(f"ended by itself and was started again, {cause}: {times}")
    click.echo(f"{'worker':8}{'s':>6}  MB, handles, threads: first, last, most; 2nd half gained")
    for life in outcome.lives:
        if not life.is_judged:
            continue
        columns = []
        for place, unit in ((1, 1e6), (2, 1), (3, 1)):
            held = [one[place] / unit for one in life.samples]
            gained = life.gains()[place - 1] / unit
            columns.append(f"{held[0]:5.0f} {held[-1]:5.0f} {max(held):5.0f} {gained:+5.0f}")
        click.echo(f"{life.name:8}{life.seconds:6.0f}  " + "  |".join(columns))
    short = sum(not life.is_judged for life in outcome.lives)
    click.echo(f"and {short} lives too short to be judged")
    click.echo(
        f"{outcome.events:,} events in {outcome.seconds:.0f} s ({outcome.events_per_s:,.0f} a "
        f"second), at most {outcome.lag_most:,} undecided when asked; "
        f"{len(outcome.struck)} faults, {len(outcome.lives)} lives"
    )


if __name__ == "__main__":
    main()
