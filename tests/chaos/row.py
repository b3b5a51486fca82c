"""One row: what is done to the system, what the laws demand, and what was observed."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from tests.chaos.stage import Stage


class Observed(NamedTuple):
    """What one run has seen, in which everything demanded held."""

    sentence: str
    again_s: tuple[float, ...] = ()
    """From each disturbance to the next committed decision, where the row measures it."""
    figures: Mapping[str, float] = {}
    """Whatever else was counted or measured, by a name that ends with its unit."""


class NotRun(Exception):
    """This machine lacks a right or a program that the row needs; the message says which."""


class Row(NamedTuple):
    """`run` returns what was observed, or raises: AssertionError where a demand did not hold."""

    name: str
    does: str
    laws: tuple[int, ...]
    demands: str
    run: Callable[[Stage, int], Observed]
    """(the stage, the seed): moments, counts and choices follow from the seed."""
    limit_s: float = 300.0
    """For one seed, on a busy machine; a run that takes longer has failed."""
    quick: bool = False
    """Whether `make test` runs it too, with one seed."""
