"""How a command ends when it cannot go on: a sentence on standard error, the cause's code."""

import textwrap
from typing import IO, Any

import click

from streams.errors import RESTART_SECONDS, RESTART_SIGNALS, Cause, Stop, Supervisor


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


# As wide as help is (main.py).
_COLUMNS = 100


def exit_codes() -> str:
    """Every exit code: its meaning, what a worker's supervisor does, and below what to do."""
    lines = [
        f"  {cause.exit_code}  {cause.value.sentence} · {cause.supervisor.value}\n"
        + textwrap.fill(
            cause.value.advice,
            _COLUMNS,
            initial_indent=" " * 6,
            subsequent_indent=" " * 6,
            break_on_hyphens=False,
        )
        for cause in Cause
    ]
    foreseen = ["  0  done", f"  1  an error nobody foresaw · {Supervisor.PAGE.value}"]
    return "\n".join([*foreseen, "  2  wrong usage", *lines])


def restart_codes() -> str:
    """A line each: the code after which a worker is started again, and the seconds before that.

    A worker ended by a signal is started again too: it goes on from the log.
    """
    at_once = RESTART_SECONDS[Supervisor.AT_ONCE]
    codes = {
        cause.exit_code: RESTART_SECONDS[cause.supervisor] for cause in Cause if cause.value.restart
    }
    # As a shell tells signals.
    codes |= {128 + number: at_once for number in RESTART_SIGNALS}
    return "\n".join(f"{code} {seconds}" for code, seconds in sorted(codes.items()))
