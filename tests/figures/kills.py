"""`make kills`: kill -9 of the worker at random moments of a large run, and what the auditor says.

The exit code is 0 only when every order was answered, every event decided and no law broken.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

import click
from rich.console import Console

from streams.broker import EmbeddedBroker
from tests.figures.disaster import Outcome, draw, strike


@click.command()
@click.option("--seed", type=int, help="Of people, moments and what is wiped; else drawn.")
@click.option("--events", default=100_000, show_default=True, help="Published in all, about.")
@click.option("--kills", default=10, show_default=True, help="The last one falls in the drain.")
@click.option("--rate", default=1000.0, show_default=True, help="Events a second.")
def main(seed: int | None, events: int, kills: int, rate: float) -> None:
    """Kill the worker again and again while the outside world turns."""
    seed = time.time_ns() % 1_000_000 if seed is None else seed
    click.echo(f"seed {seed}: {events:,} events at {rate:g} a second, {kills} kills")
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tollgate-kills-") as made:
        folder = Path(made)
        with EmbeddedBroker(folder / "kafka", tell=click.echo) as broker:
            plan = draw(seed, events, kills, rate)
            outcome = strike(broker, "kills.", folder / "gate", plan, click.echo)
    _tell(outcome)
    seconds = time.monotonic() - began
    load = os.getloadavg()[0]
    click.echo(f"seed {seed}: {seconds:.0f} s in all; load average {load:.1f}")
    sys.exit(0 if outcome.is_flawless else outcome.report.exit_code or 1)


def _tell(outcome: Outcome) -> None:
    tally = outcome.summary.tally
    for number, kill in enumerate(outcome.kills, 1):
        took = "nothing was due" if kill.until_next_ms is None else f"{kill.until_next_ms:,} ms"
        state = "state removed, " if kill.wiped else ""
        click.echo(f"kill {number} at {kill.at_s:.1f} s: {state}next committed decision: {took}")
    click.echo(
        f"{tally.events:,} events published, {tally.orders:,} orders, {tally.approved:,} approved, "
        f"{tally.charges:,} charges, {outcome.undecided} events undecided"
    )
    if outcome.summary.trouble is not None:
        click.echo(f"not drained: {outcome.summary.trouble}")
    outcome.report.print(Console())


if __name__ == "__main__":
    main()
