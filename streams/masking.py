"""Law 11 for what is shown: numbers become their last three digits, wherever they stand.

Two ways. In a text that may hold anything, every run of seven digits or more is masked, also one
with single signs between the digits. An identifier is made of digits too, so there only the
subscriber's own number is looked for, with or without the country's code.
"""

import re

# Below seven digits no subscriber can be meant. Digits of any script: full-width ones are typed.
# Up to three signs may stand between digits, as people write numbers. Derived ids and UUIDs are
# known by their form and stay whole, unless they have sixteen digits in a row: those are numbers,
# one behind another (of derived ids one in 260 has so many, and is masked too). Nothing that was
# matched is given back (the `+` behind a count): else a digit of a run costs 300 bytes of memory.
_NUMBER = r"\d(?:[\W_]{0,3}+\d){6,}+"
_ID = r"\b(?:[a-z]-[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b"
_ID_OR_RUN = re.compile(rf"({_ID})|{_NUMBER}")
_RUN = re.compile(_NUMBER)
_ROW = re.compile(r"(?:\d-?){16}")

# As many digits of a number as tell its subscriber, when the codes before them are left out.
_TELLING = 8
_SHOWN = 3


def masked(number: str) -> str:
    """A number as it may be shown."""
    return f"…{number[-_SHOWN:]}"


def mask_text(text: str) -> str:
    """A text without anything that could be a number."""
    return _ID_OR_RUN.sub(_kept_or_masked, text)


def _kept_or_masked(found: re.Match[str]) -> str:
    if found[1] and not _ROW.search(found[1]):
        return found[1]
    return _RUN.sub(lambda run: masked("".join(filter(str.isdigit, run[0]))), found[0])


def mask_id(text: str, numbers: tuple[str, ...]) -> str:
    """An identifier without these numbers."""
    for number in numbers:
        # Not shorter ones: they would be found in many an id.
        if len(number) >= _TELLING - 1:
            # Only from the first digit of a run: from each of them it takes the square of the run.
            telling, short = re.escape(number[-_TELLING:]), masked(number).replace("\\", r"\\")
            text = re.sub(rf"(?<!\d)\d*{telling}\d*", short, text)
    return text


def mask_bytes(value: bytes) -> str:
    """Bytes that nobody can read: no digit is left of them in any common encoding."""
    shown = (chr(byte) if 0x20 <= byte < 0x7F else "." for byte in value)
    return "".join("#" if letter.isdigit() else letter for letter in shown)
