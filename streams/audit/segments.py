"""How long a message is: its encoding and how many SMS segments it takes.

Written from 3GPP TS 23.038 (the 7-bit alphabet and its extension table) and 23.040 (what the header
of a part takes away); the gate counts for itself, and the two counts must agree (law 6).
"""

from math import ceil

# TS 23.038 §6.2.1, row by row; the escape itself (0x1B) is no character of a text.
_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# TS 23.038 §6.2.1.1: each takes two septets.
_EXTENDED = frozenset("\f^{}\\[~]|€")

_SEPTETS, _SEPTETS_PART = 160, 153
_UNITS, _UNITS_PART = 70, 67


def count(text: str) -> tuple[str, int]:
    """The encoding a text needs and the number of segments it takes in it."""
    letters = set(text)
    if letters <= _BASIC | _EXTENDED:
        lengths = [2 if letter in _EXTENDED else 1 for letter in text]
        return "GSM7", _parts(lengths, _SEPTETS, _SEPTETS_PART)
    lengths = [2 if ord(letter) > 0xFFFF else 1 for letter in text]
    return "UCS2", _parts(lengths, _UNITS, _UNITS_PART)


def _parts(lengths: list[int], single: int, part: int) -> int:
    """Segments for units of these lengths; a character is never cut in two."""
    total = sum(lengths)
    if total <= single:
        return 1
    if 2 not in lengths:
        return ceil(total / part)
    parts, used = 1, 0
    for length in lengths:
        if used + length > part:
            parts, used = parts + 1, 0
        used += length
    return parts
