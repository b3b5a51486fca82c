"""Reply codes: what a subscriber types, or presses in a call, to mean one prompt and no other.

A code is drawn with the policy's secret key from what names its prompt: the same log gives the same
codes (law 8), and nobody outside can compute them. No code is a word of the policy, and none is
given to a subscriber again while the days are kept on which it was given.
"""

import hmac
from collections.abc import Collection

CODES = tuple(str(number) for number in range(100, 1000))
DIGITS = "123456789"

# So often a code is drawn blindly; then from those that are left. Whoever is asked twenty times a
# day draws again once in fifty prompts.
_DRAWS = 4


def draw_code(
    key: bytes, msisdn: str, prompt_id: str, taken: Collection[str], forbidden: Collection[str]
) -> str | None:
    """Three digits for a prompt by text; None when every code is taken."""
    for attempt in range(_DRAWS):
        code = CODES[_number(key, f"{msisdn}|{prompt_id}|{attempt}") % len(CODES)]
        if code not in taken and code not in forbidden:
            return code
    left = [code for code in CODES if code not in taken and code not in forbidden]
    return left[_number(key, f"{msisdn}|{prompt_id}|left") % len(left)] if left else None


def draw_digit(key: bytes, prompt_id: str, avoid: Collection[str]) -> str | None:
    """One digit for a prompt in a call; None when the policy reads every digit as a no."""
    left = [digit for digit in DIGITS if digit not in avoid]
    return left[_number(key, f"digit|{prompt_id}") % len(left)] if left else None


def _number(key: bytes, text: str) -> int:
    """A number of 64 bits that only the key's owner can foresee."""
    return int.from_bytes(hmac.digest(key, text.encode(), "sha256")[:8], "big")
