"""A text as an option's value."""

import click


class Text(click.ParamType):
    """A text that says something, of a length that fits where it is kept."""

    name = "text"

    def __init__(self, length_max: int | None = None) -> None:
        self._length_max = length_max

    def convert(
        self, value: object, parameter: click.Parameter | None, context: click.Context | None
    ) -> str:
        text = str(value).strip()
        if not text:
            self.fail("it is empty", parameter, context)
        if self._length_max is not None and len(text) > self._length_max:
            self.fail(f"it has {len(text)} signs, at most {self._length_max}", parameter, context)
        return text
