"""An instant as an option's value."""

from datetime import datetime

import click


class Instant(click.ParamType):
    """An instant with its zone, as milliseconds UTC."""

    name = "instant"

    def convert(
        self, value: object, parameter: click.Parameter | None, context: click.Context | None
    ) -> int:
        if isinstance(value, int):
            return value
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


INSTANT = Instant()
