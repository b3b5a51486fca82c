"""Law 11 for what is shown: numbers become their last three digits, wherever they stand.

Two ways. In a text that may hold anything, every run of seven digits or more is masked, also one
with single signs between the digits. An identifier is made of digits too, so there only the
subscriber's own number is looked for, with or without the country's code.
"""

import re

# Below seven digits no subscriber can be meant. Digits of any script: full-width ones are typed.
# Up to three signs may stand between digits, as people write numbers. Derived ids and UUIDs are
# known by their form and stay whole; one of nothing but digits is numbers in a row (one in three
# million derived ids is so).
_DERIVED = r"[a-z]-(?![0-9]{32})[0-9a-f]{32}"
_UUID = r"(?![-0-9]{36})[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_KEPT = rf"\b(?:{_DERIVED}|{_UUID})\b"
_RUN = re.compile(rf"({_KEPT})|\d(?:[\W_]{{0,3}}\d){{6,}}")

# As many digits of a number as tell its subscriber, when the codes before them are left out.
_TELLING = 8
_SHOWN = 3


def masked(number: str) -> str:
    """A number as it may be shown."""
    return f"…{number[-_SHOWN:]}"


def mask_text(text: str) -> str:
    """A text without anything that could be a number."""
    return _RUN.sub(lambda run: run[1] or masked("".join(filter(str.isdigit, run[0]))), text)


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
