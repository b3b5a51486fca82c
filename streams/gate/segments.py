"""How many SMS segments a text takes, and in which encoding (3GPP TS 23.038 and 23.040).

A text of the GSM 7-bit default alphabet travels in septets: 160 in one segment, 153 in each of
several, because the concatenation header takes 7. A character of the extension table takes two.
Any other text travels in UCS-2: 70 units in one segment, 67 in each of several; a character outside
the basic plane takes two units. What takes two is never torn over two segments.

Knows nothing of prompts or policies.
"""

import re
from collections.abc import Iterable

from streams.gate.words import Encoding

# TS 23.038 §6.2.1, in the order of its codes; 0x1B is the escape to the extension table.
GSM_DEFAULT = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENSION = "\f^{}\\[~]|€"  # TS 23.038 §6.2.1.1: each is the escape and a code

_SEPTETS = {**dict.fromkeys(GSM_DEFAULT, 1), **dict.fromkeys(GSM_EXTENSION, 2)}
_ALL_SINGLE = re.compile(f"[{re.escape(GSM_DEFAULT)}]*")
_ALL_GSM = re.compile(f"[{re.escape(GSM_DEFAULT + GSM_EXTENSION)}]*")

SEPTETS_ALONE, SEPTETS_EACH = 160, 153
UNITS_ALONE, UNITS_EACH = 70, 67


def measure(text: str) -> tuple[Encoding, int]:
    """The encoding a text needs and the segments it takes; an empty text still takes one."""
    # Where every character takes one, which is nearly always, nothing can be torn.
    if _ALL_SINGLE.fullmatch(text):
        return Encoding.GSM7, _even_segments(len(text), SEPTETS_ALONE, SEPTETS_EACH)
    if _ALL_GSM.fullmatch(text):
        septets = [_SEPTETS[character] for character in text]
        return Encoding.GSM7, _segments(septets, SEPTETS_ALONE, SEPTETS_EACH)
    if max(text) <= "\uffff":
        return Encoding.UCS2, _even_segments(len(text), UNITS_ALONE, UNITS_EACH)
    units = [2 if character > "\uffff" else 1 for character in text]
    return Encoding.UCS2, _segments(units, UNITS_ALONE, UNITS_EACH)


def _even_segments(size: int, alone: int, each: int) -> int:
    """Segments needed to carry characters that take one each."""
    return 1 if size <= alone else -(-size // each)


def _segments(sizes: Iterable[int], alone: int, each: int) -> int:
    """Segments needed to carry characters of these sizes, none torn."""
    sizes = tuple(sizes)
    if sum(sizes) <= alone:
        return 1
    segments, used = 1, 0
    for size in sizes:
        if used + size > each:
            segments, used = segments + 1, 0
        used += size
    return segments
