"""How a command ends when it cannot go on: a sentence on standard error, the cause's code."""

from typing import IO, Any

import click

from streams.errors import Cause, Stop


class Ended(click.ClickException):
    """A `Stop` on its way to a person."""

    def __init__(self, stop: Stop) -> None:
        super().__init__(str(stop))
        self.exit_code = stop.cause.exit_code

    def show(self, file: IO[Any] | None = None) -> None:
        """Everything in one go, so that other output cannot come between its lines."""
        click.echo(f"tollgate: {self.message}", file=file, err=True)


class EndingGroup(click.Group):
    """A group whose commands may end with a `Stop`."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except Stop as stop:
            raise Ended(stop) from stop


def exit_codes() -> str:
    """Every exit code with its meaning, for the help."""
    lines = [f"  {cause.exit_code}  {cause.value.sentence}" for cause in Cause]
    return "\n".join(["  0  done", "  1  an error nobody foresaw", "  2  wrong usage", *lines])
