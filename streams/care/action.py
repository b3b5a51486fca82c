"""What makes an action one that may go out: a number, and an id that says its own instant.

An action's id is a UUID of version 7, whose first 48 bits are its time. Whoever repeats an action
by its id therefore repeats its `acted_at` too; another instant under the same id would be another
action, which the gate sets aside as a conflict (law 2).
"""

import secrets
from uuid import UUID

from streams.ingress.read import is_msisdn

_VERSION, _VARIANT = 7, 0b10
_INSTANT_BITS = 48


class BadAction(ValueError):
    """What a person gave cannot be an action; the sentence shows no number."""


def is_number(text: str) -> bool:
    """Whether this can be a subscriber's number: E.164 digits without `+`."""
    return text.isascii() and is_msisdn(text.encode())


def draw_id(at: int) -> str:
    """A fresh id for an action at that instant (UTC, ms)."""
    value = at << 80 | _VERSION << 76 | secrets.randbits(12) << 64
    return str(UUID(int=value | _VARIANT << 62 | secrets.randbits(62)))


def instant_of(action_id: str) -> int:
    """The instant that an id says (UTC, ms); raises BadAction for what `draw_id` has not made."""
    try:
        drawn = UUID(action_id)
    except ValueError as error:
        raise BadAction("it is no id that an earlier run has printed") from error
    if drawn.version != _VERSION or str(drawn) != action_id:
        raise BadAction("it is no id that an earlier run has printed")
    return drawn.int >> 128 - _INSTANT_BITS
