"""What a reply says, read as a clerk would read it: few words, written out, no code of the gate."""

from typing import NamedTuple

YES, NO = ("y", "yes", "是", "确认"), ("n", "no", "否", "取消")
LIST, CANCEL, UNDO = ("0000",), ("qx", "stop"), ("tf", "undo")

_KEYWORDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("LIST", LIST),
    ("CANCEL", CANCEL),
    ("UNDO", UNDO),
)
_WIDE = {0xFF01 + place: 0x21 + place for place in range(94)}


class Said(NamedTuple):
    """What a text asks for or answers; `number` is a reply code or a place in a listing."""

    meaning: str  # LIST, CANCEL, UNDO, YES, NO, or empty when it is not clear
    number: str = ""


def read(text: str) -> Said:
    """A text to the one number."""
    plain = text.translate(_WIDE).lower().replace(" ", "")
    for meaning, words in _KEYWORDS:
        if plain in words:
            return Said(meaning)
    for word in CANCEL:
        number = plain.removeprefix(word)
        if plain.startswith(word) and _is_number(number):
            return Said("CANCEL", number)
    for meaning, words in (("YES", YES), ("NO", NO)):
        if plain in words:
            return Said(meaning)
        for code, word in ((plain[-3:], plain[:-3]), (plain[:3], plain[3:])):
            if word in words and _is_code(code):
                return Said(meaning, code)
    return Said("YES", plain) if _is_code(plain) else Said("")


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _is_code(text: str) -> bool:
    return len(text) == 3 and _is_number(text) and text >= "100"
