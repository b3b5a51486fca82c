"""`tollgate reference`: providers, credits, services, policies and gateways from one file."""

from datetime import datetime
from pathlib import Path

import click

from streams import settings
from streams.cli.ending import EndingGroup
from streams.cli.registry import registry_trouble

_FILE = click.argument("file", type=click.Path(path_type=Path))


class Instant(click.ParamType):
    """An instant with its zone, as milliseconds UTC."""

    name = "instant"

    def convert(
        self, value: object, parameter: click.Parameter | None, context: click.Context | None
    ) -> int:
        try:
            instant = datetime.fromisoformat(str(value))
        except ValueError:
            instant = None
        if instant is None or instant.tzinfo is None:
            self.fail(
                f"{value!r} is no instant with a zone: write 2026-03-01T00:00:00+08:00",
                parameter,
                context,
            )
        return round(instant.timestamp() * 1000)


_AT = click.option(
    "--at",
    type=Instant(),
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
