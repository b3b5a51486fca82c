"""Credit points of providers, by business line and province, at any instant.

A change sets points or adds to those before, and counts from its effective_from. The points of a
line where a province has none of its own are the mean of the provider's provinces, rounded down;
a provider nobody has rated has 0: unknown credit is bad credit (fail closed).
"""

from bisect import bisect_right, insort
from typing import NamedTuple

from streams.gate.reference import CreditChange
from streams.gate.words import Channel

_Place = tuple[str, Channel]  # provider and line


class _Step(NamedTuple):
    """A change in its place on the time line; equal instants keep the order of arrival."""

    effective_from: int
    arrival: int
    change_id: str
    points: int | None
    delta: int | None


class _Ledger:
    """The changes of one provider, line and province, and the totals they lead to."""

    __slots__ = ("_starts", "_steps", "_totals")

    def __init__(self) -> None:
        self._steps: list[_Step] = []
        self._starts: list[int] = []
        self._totals: list[int] = []

    def add(self, step: _Step) -> None:
        insort(self._steps, step)
        self._sum_up()

    def drop(self, change_id: str) -> None:
        self._steps = [step for step in self._steps if step.change_id != change_id]
        self._sum_up()

    def at(self, instant: int) -> int | None:
        """The points at an instant; None before the first change counts."""
        place = bisect_right(self._starts, instant)
        return self._totals[place - 1] if place else None

    def _sum_up(self) -> None:
        total = 0
        self._starts, self._totals = [], []
        for step in self._steps:
            total = step.points if step.points is not None else total + (step.delta or 0)
            self._starts.append(step.effective_from)
            self._totals.append(total)


class Credit:
    """Every credit change taken so far."""

    __slots__ = ("_arrivals", "_changes", "_ledgers")

    def __init__(self) -> None:
        self._changes: dict[str, CreditChange] = {}
        self._ledgers: dict[_Place, dict[str, _Ledger]] = {}
        self._arrivals = 0

    def version(self, change_id: str) -> int:
        """The version of a change that is in force; 0 when there is none."""
        change = self._changes.get(change_id)
        return change.version if change else 0

    def take(self, change: CreditChange) -> None:
        """Add a change; a later version of the same change replaces the earlier one."""
        if before := self._changes.get(change.change_id):
            self._ledgers[before.provider_id, before.line][before.province].drop(change.change_id)
        self._changes[change.change_id] = change
        self._arrivals += 1
        provinces = self._ledgers.setdefault((change.provider_id, change.line), {})
        provinces.setdefault(change.province, _Ledger()).add(
            _Step(
                change.effective_from,
                self._arrivals,
                change.change_id,
                change.points,
                change.delta,
            )
        )

    def points(self, provider_id: str, line: Channel, province: str, at: int) -> int:
        """The points that count for a provider's line in a province at an instant."""
        provinces = self._ledgers.get((provider_id, line))
        if provinces is None:
            return 0
        own = provinces.get(province)
        if own is not None and (points := own.at(at)) is not None:
            return points
        known = [points for each in provinces.values() if (points := each.at(at)) is not None]
        return sum(known) // len(known) if known else 0
