"""`tollgate demo`: the main job in about a minute, from nothing to an audited end."""

from datetime import timedelta
from pathlib import Path

import click

from streams.cli.span import SPAN


@click.command()
@click.option(
    "--duration",
    type=SPAN,
    default="60s",
    show_default=True,
    help="How long subscribers order; the answers follow.",
)
@click.option("--rate", default=300.0, show_default=True, help="Orders a second.")
@click.option("--subscribers", default=3000, show_default=True, help="How many people there are.")
@click.option("--seed", default=1, show_default=True, help="The same seed, the same world.")
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for everything it makes; emptied first.",
)
def demo(
    duration: timedelta, rate: float, subscribers: int, seed: int, data_dir: Path | None
) -> None:
    """See the whole job live in about a minute, and have it audited.

    Starts Kafka, a worker and a simulated outside world, all in one folder. Needs the extra
    `embedded`. Ends by itself, drained, with a summary; with 0 only when the auditor, who shares
    no code with the gate, has found every law kept.
    """
    from streams.demo import run
    from streams.world.options import OptionsError

    try:
        code = run(
            seconds=duration.total_seconds(),
            rate=rate,
            subscribers=subscribers,
            seed=seed,
            data_dir=data_dir,
        )
    except OptionsError as error:
        raise click.UsageError(str(error)) from error
    if code:
        raise click.exceptions.Exit(code)
