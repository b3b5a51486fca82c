"""Whose turn it is: everyone once a round, in an order that differs from round to round.

Neighbours in time are spread over the subscribers, so that partitions fill evenly and a
subscriber's orders lie a round apart.
"""

from math import gcd

from streams.world.draws import chances

_GOLDEN = 0.6180339887498949


class Rounds:
    """An endless walk over (index, turn)."""

    def __init__(self, seed: int, size: int) -> None:
        self._seed = seed
        self._size = size
        self._step = _coprime_near(int(size * _GOLDEN), size)
        self._turn = -1
        self._place = size
        self._offset = 0

    def next(self) -> tuple[int, int]:
        """The subscriber whose turn is next, and how many turns they had before."""
        if self._place >= self._size:
            self._place = 0
            self._turn += 1
            self._offset = int(chances(self._seed, "round", self._turn)[0] * self._size)
        index = (self._place * self._step + self._offset) % self._size
        self._place += 1
        return index, self._turn


def _coprime_near(number: int, size: int) -> int:
    """The first number from here on that shares no factor with the size."""
    number = max(number, 1)
    while gcd(number, size) != 1:
        number += 1
    return number
