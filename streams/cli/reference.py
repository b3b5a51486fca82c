"""`tollgate reference`: providers, credits, services, policies and gateways from one file."""

from pathlib import Path

import click

from streams import settings
from streams.cli.ending import EndingGroup
from streams.cli.instant import INSTANT
from streams.cli.registry import registry_trouble

_FILE = click.argument("file", type=click.Path(path_type=Path))


_AT = click.option(
    "--at",
    type=INSTANT,
    help="What `now` in the file means; only with TOLLGATE_SIMULATED_TIME=true, and needed there.",
)


@click.group(cls=EndingGroup)
def reference() -> None:
    """Say who sells what under which policy, from one YAML file.

    The file is judged as a whole: everything wrong in it is shown with line and reason, and then
    nothing is written. Nothing is ever deleted; what the file leaves out stays.
    """


@reference.command()
@_FILE
@_AT
def plan(file: Path, at: int | None) -> None:
    """Show what applying FILE would change; writes nothing.

    \b
    +  new
    ~  changed, and how
    !  on the topics, not in the file: it stays
    """
    from streams.reference import applying

    with registry_trouble():
        click.echo(applying.plan(settings.load(), file, at).text)


@reference.command()
@_FILE
@click.option("--by", help="Who changes it; the user of this process unless given.")
@click.option("--reason", help="Why; the file's own reason unless given.")
@_AT
def apply(file: Path, by: str | None, reason: str | None, at: int | None) -> None:
    """Write what FILE changes, in one transaction; workers take it with their next turn."""
    from streams.reference import applying

    with registry_trouble():
        click.echo(applying.apply(settings.load(), file, by, reason, at).text)
