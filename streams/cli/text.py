"""A text as an option's value."""

import unicodedata

import click

# Control and formatting signs, line and paragraph ends: they would forge a line, or a terminal's
# colours, wherever the text is shown.
_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")


class Text(click.ParamType):
    """A line that says something, of a length that fits where it is kept."""

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
        unseen = next((sign for sign in text if unicodedata.category(sign) in _UNSEEN), None)
        if unseen is not None:
            where = f"{unseen!a} at sign {text.index(unseen) + 1}"
            self.fail(f"it must be one line of signs that are seen: {where}", parameter, context)
        return text
