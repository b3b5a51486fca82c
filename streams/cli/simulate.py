"""`tollgate simulate`: the outside world alone."""

import signal
import threading
from datetime import timedelta
from types import FrameType
from typing import TYPE_CHECKING

import click

from streams import settings
from streams.errors import Cause, Stop
from streams.setting_rows import span_of

if TYPE_CHECKING:
    from streams.world.options import Summary, Tally


class Span(click.ParamType):
    """A span with its unit: 500ms, 10s, 15m, 24h."""

    name = "span"

    def convert(
        self, value: object, parameter: click.Parameter | None, context: click.Context | None
    ) -> timedelta:
        if isinstance(value, timedelta):
            return value
        if (span := span_of(str(value))) is None:
            self.fail(f"{value!r} is no span: write 500ms, 10s, 15m or 24h", parameter, context)
        return span


SPAN = Span()


@click.command()
@click.option("--rate", default=300.0, show_default=True, help="Orders a second.")
@click.option(
    "--duration",
    type=SPAN,
    default="60s",
    show_default=True,
    help="How long orders are placed; answers and settlements follow.",
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
    """Play message centres, voice platform, billing and subscribers against any broker.

    Topics and reference data must be there (`topics apply`, `reference apply`); a worker answers.
    Ends by itself when every order has its verdict and every approved one its charge; Ctrl-C
    places no more orders and waits for the answers.
    """
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
    asked_to_stop = _stop_on_interrupt()
    _report(run_simulation(loaded, options, on_progress=_tell, stopped=asked_to_stop.is_set))


def _stop_on_interrupt() -> threading.Event:
    """Set by the first Ctrl-C: no more orders, the rest is answered; a second one ends at once."""
    asked_to_stop = threading.Event()

    def ask(number: int, _frame: FrameType | None) -> None:
        click.echo("no more orders; waiting for the answers (Ctrl-C again ends at once)")
        asked_to_stop.set()
        signal.signal(number, signal.default_int_handler)

    signal.signal(signal.SIGINT, ask)
    return asked_to_stop


def _tell(tally: "Tally") -> None:
    click.echo(
        f"{tally.world_seconds:8.0f} s  {tally.orders} orders, {sum(tally.messages.values())} "
        f"messages, {tally.approved} approved, {sum(tally.refused.values())} refused, "
        f"{tally.waiting} waiting"
    )


def _report(summary: "Summary") -> None:
    tally = summary.tally
    click.echo(
        f"{tally.events} records in {summary.publishing_seconds:.1f} s "
        f"({summary.events_per_second:.0f} a second): {tally.orders} orders, {tally.approved} "
        f"approved, {sum(tally.refused.values())} refused, {tally.charges} charges."
    )
    if summary.trouble:
        raise Stop(Cause.NOT_DRAINED, summary.trouble)
    click.echo("Drained: every order has its verdict, every approved one its charge.")
