"""Chance without a random generator: every draw is named, and the same for ever.

Law: a draw depends on the seed and its own name only, never on what was drawn before. So what one
subscriber does stays the same whoever else takes part, in whichever order the world turns.
"""

from bisect import bisect_right
from collections.abc import Mapping
from hashlib import blake2b
from itertools import accumulate
from struct import Struct
from typing import Generic, TypeVar

_EIGHT = Struct("<8Q")
_UNIT = 2.0**-53  # a double holds 53 bits, so the top 53 of 64 make a chance below 1

Thing = TypeVar("Thing")

Chances = tuple[float, float, float, float, float, float, float, float]


def chances(seed: int, *name: int | str) -> Chances:
    """Eight independent chances in [0, 1) that belong to this seed and name."""
    digest = blake2b(repr((seed, name)).encode(), digest_size=64).digest()
    a, b, c, d, e, f, g, h = _EIGHT.unpack(digest)
    return (
        (a >> 11) * _UNIT,
        (b >> 11) * _UNIT,
        (c >> 11) * _UNIT,
        (d >> 11) * _UNIT,
        (e >> 11) * _UNIT,
        (f >> 11) * _UNIT,
        (g >> 11) * _UNIT,
        (h >> 11) * _UNIT,
    )


class Lots(Generic[Thing]):
    """Things with weights, of which a chance picks one."""

    def __init__(self, weights: Mapping[Thing, float]) -> None:
        self._things = tuple(thing for thing, weight in weights.items() if weight > 0)
        self._sums = tuple(accumulate(weight for weight in weights.values() if weight > 0))
        if not self._things:
            raise ValueError("nothing to pick from: every weight is zero")

    def pick(self, chance: float) -> Thing:
        """The thing that this chance in [0, 1) falls on."""
        place = bisect_right(self._sums, chance * self._sums[-1])
        return self._things[min(place, len(self._things) - 1)]
