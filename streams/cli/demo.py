"""`tollgate demo`: the main job in about a minute, from nothing to an audited end."""

from datetime import timedelta
from pathlib import Path

import click

from streams.cli.span import SPAN

SCENARIOS = ("minute", "rollout")

# About 840 records a second: an order brings three or four of them.
RATE = 260.0


@click.command()
@click.option(
    "--scenario",
    type=click.Choice(SCENARIOS),
    default=SCENARIOS[0],
    show_default=True,
    help="minute: a minute of a gate at work, live. rollout: the notice's dates before and after, "
    "weeks in about a minute, and what changed for subscribers and providers.",
)
@click.option(
    "--duration",
    type=SPAN,
    default="60s",
    show_default=True,
    help="minute: how long subscribers order; the answers follow.",
)
@click.option("--rate", default=RATE, show_default=True, help="minute: orders a second.")
@click.option(
    "--orders-a-day",
    type=click.IntRange(1, 1_000_000),
    default=3000,
    show_default=True,
    help="rollout: orders of each day lived.",
)
@click.option(
    "--subscribers", type=int, help="How many people there are. [default: 3000, rollout: 600]"
)
@click.option("--seed", default=1, show_default=True, help="The same seed, the same world.")
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for everything it makes; emptied first.",
)
def demo(
    scenario: str,
    duration: timedelta,
    rate: float,
    orders_a_day: int,
    subscribers: int | None,
    seed: int,
    data_dir: Path | None,
) -> None:
    """See the whole job live in about a minute, and have it audited.

    Starts Kafka, a worker and a simulated outside world, all in one folder. Needs the extra
    `embedded`. Ends by itself, drained, with a summary; with 0 only when the auditor, who shares
    no code with the gate, has found every law kept.
    """
    from streams.demo import run, run_rollout
    from streams.world.options import OptionsError

    try:
        if scenario == "rollout":
            code = run_rollout(
                orders_a_day=orders_a_day,
                subscribers=subscribers or 600,
                seed=seed,
                data_dir=data_dir,
            )
        else:
            code = run(
                seconds=duration.total_seconds(),
                rate=rate,
                subscribers=subscribers or 3000,
                seed=seed,
                data_dir=data_dir,
            )
    except OptionsError as error:
        raise click.UsageError(str(error)) from error
    if code:
        raise click.exceptions.Exit(code)
