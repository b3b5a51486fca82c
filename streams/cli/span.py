"""A span of time as an option's value."""

from datetime import timedelta

import click

from streams.setting_rows import span_of


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
