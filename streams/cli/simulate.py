"""`tollgate simulate`: the outside world alone."""

import signal
import threading
from datetime import timedelta
from types import FrameType
from typing import TYPE_CHECKING

import click

from streams import settings
from streams.cli.span import SPAN
from streams.errors import Cause, Stop

if TYPE_CHECKING:
    from streams.world.options import Summary, Tally


@click.command()
@click.option("--rate", default=300.0, show_default=True, help="Orders a second.")
@click.option(
    "--duration",
    type=SPAN,
    default="60s",
    show_default=True,
    help="How long orders are placed. It ends when the last prompt has ended: with the example's "
    "prompts 15 minutes later (Ctrl-C twice ends it now).",
)
@click.option("--seed", default=1, show_default=True, help="The same seed, the same world.")
@click.option("--subscribers", default=3000, show_default=True, help="How many people there are.")
@click.option(
    "--mix",
    "mix_text",
    default="",
    metavar="NAME=SHARE,…",
    help="How people behave and how often centres err, where it is not to be the default: "
    "quick_yes=0.8,silence=0.2,duplicates=0.05.",
)
@click.option("--pace", default=1.0, show_default=True, help="0.1: answers in a tenth of the time.")
@click.option(
    "--speed",
    default=60.0,
    show_default=True,
    help="Simulated seconds a second; only with TOLLGATE_SIMULATED_TIME=true.",
)
@click.option(
    "--patience",
    type=SPAN,
    default="60s",
    show_default=True,
    help="How long the last verdict may take after the last prompt has ended.",
)
def simulate(
    rate: float,
    duration: timedelta,
    seed: int,
    subscribers: int,
    mix_text: str,
    pace: float,
    speed: float,
    patience: timedelta,
) -> None:
    """Play the outside world against any broker.

    Message centres, a voice platform, billing, customer care, and subscribers who answer yes, no,
    by code, late or never, list, cancel, undo and complain.
    Topics and reference data must be there (`topics apply`, `reference apply`); a worker answers.
    Ends by itself when every order has its verdict and every approved one its charge; Ctrl-C
    places no more orders and waits for the answers.
    """
    from streams import provision
    from streams.world.mix import MixError, parse_mix
    from streams.world.options import Options, OptionsError
    from streams.world.simulation import run_simulation

    loaded = settings.load()
    try:
        options = Options(
            rate=rate,
            duration=duration,
            seed=seed,
            subscribers=subscribers,
            mix=parse_mix(mix_text),
            pace=pace,
            speed=speed,
            patience=patience,
        ).checked()
    except (MixError, OptionsError) as error:
        raise click.UsageError(str(error)) from error
    provision.check(loaded)
    asked_to_stop = _stop_on_interrupt()
    _report(run_simulation(loaded, options, on_progress=_Teller(), stopped=asked_to_stop.is_set))


def _stop_on_interrupt() -> threading.Event:
    """Set by the first Ctrl-C: no more orders, the rest is answered; a second one ends at once."""
    asked_to_stop = threading.Event()

    def ask(number: int, _frame: FrameType | None) -> None:
        click.echo("no more orders; waiting for the answers (Ctrl-C again ends at once)")
        asked_to_stop.set()
        signal.signal(number, signal.default_int_handler)

    signal.signal(signal.SIGINT, ask)
    return asked_to_stop


class _Teller:
    """A line whenever something has happened; waiting for prompts to end is silent."""

    def __init__(self) -> None:
        self._told = ""

    def __call__(self, tally: "Tally") -> None:
        line = (
            f"{tally.orders} orders, {sum(tally.messages.values())} messages, {tally.approved} "
            f"approved, {sum(tally.refused.values())} refused, {tally.waiting} waiting"
        )
        if line != self._told:
            click.echo(f"{tally.world_seconds:8.0f} s  {line}")
            self._told = line


def _report(summary: "Summary") -> None:
    tally = summary.tally
    click.echo(
        f"{tally.events} records in {summary.publishing_seconds:.1f} s "
        f"({summary.events_per_second:.0f} a second): {tally.orders} orders, {tally.approved} "
        f"approved, {sum(tally.refused.values())} refused, {tally.charges} charges, "
        f"{sum(tally.refunds.values())} refunds, {sum(tally.care.values())} care actions."
    )
    if summary.trouble:
        raise Stop(Cause.NOT_DRAINED, summary.trouble)
    click.echo("Drained: every order has its verdict, every approved one its charge.")
