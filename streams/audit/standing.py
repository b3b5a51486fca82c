"""What was in force: reference data as it stood at a decision's cited positions.

Laws: every question is asked at positions (the next offset of each reference topic that the gate
had read), so the answer is the same whenever an audit is made; where nothing was known the answer
is None, and the laws decide what that means. Written from the schemas' documents and DESIGN §5.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime
from functools import lru_cache
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from streams.audit.folding import Fold, Folds, Positions
from streams.audit.letters import Where
from streams.audit.records import (
    CreditChange,
    OperatorAct,
    Order,
    Policy,
    Provider,
    Rule,
    Service,
)
from streams.topics import ACTS, CREDITS, POLICIES, PROVIDERS, REFERENCES, SERVICES

R = TypeVar("R", Provider, Service)

_PROVIDERS = REFERENCES.index(PROVIDERS)
_CREDITS = REFERENCES.index(CREDITS)
_SERVICES = REFERENCES.index(SERVICES)
_POLICIES = REFERENCES.index(POLICIES)
_ACTS = REFERENCES.index(ACTS)

_EPOCH = date(1970, 1, 1).toordinal()
# Every zone's offset changes on a quarter of an hour, so that a quarter has one day.
_QUARTER_MS = 15 * 60 * 1000


_DAY_MS = 24 * 60 * 60 * 1000
# Python's calendar; what lies outside of it is stale or ahead whatever its zone.
_CALENDAR = range(_DAY_MS, 2_900_000 * _DAY_MS)


@lru_cache(maxsize=100_000)
def _day_of_quarter(zone: str, quarter: int) -> int:
    try:
        instant = datetime.fromtimestamp(quarter * _QUARTER_MS / 1000, ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return quarter * _QUARTER_MS // _DAY_MS  # no such zone: law 10 says so
    return instant.date().toordinal() - _EPOCH


def day_of(zone: str, instant: int) -> int:
    """The calendar day of an instant where the operator is, in days since the epoch."""
    if instant not in _CALENDAR:
        return instant // _DAY_MS
    return _day_of_quarter(zone, instant // _QUARTER_MS)


class Versions(Generic[R]):
    """All versions of the records of one topic, by id."""

    def __init__(self, records: Iterable[tuple[str, R]]) -> None:
        self._offsets: dict[str, list[int]] = defaultdict(list)
        self._records: dict[str, list[R]] = defaultdict(list)
        for name, record in records:
            self._offsets[name].append(record.entry.offset)
            self._records[name].append(record)

    def at(self, name: str | None, position: int) -> R | None:
        """The latest version before a position."""
        if name is None:
            return None
        index = bisect_left(self._offsets.get(name, []), position)
        return self._records[name][index - 1] if index else None


class Standing:
    """The reference data of a history, at positions."""

    def __init__(self, folds: Folds) -> None:
        self._folds = folds
        self._made: dict[int, _InForce] = {}

    def provider(self, provider_id: str | None, positions: Positions) -> Provider | None:
        """A provider as known at these positions."""
        return self._at(positions).provider(provider_id, positions)

    def service(self, service_id: str | None, positions: Positions) -> Service | None:
        """A service as known at these positions."""
        return self._at(positions).service(service_id, positions)

    def policy(
        self, policy_id: str | None, version: int | None, positions: Positions
    ) -> Policy | None:
        """The policy that a record cites whose decision was made at these positions."""
        return self._at(positions).policy(policy_id, version)

    def policy_at(self, at: int, positions: Positions) -> Policy | None:
        """The policy in force for a record of this time."""
        return self._at(positions).policy_at(at, positions)

    def act_on(self, where: Where, positions: Positions) -> OperatorAct | None:
        """The operator's act to set a record aside, as known at these positions."""
        return self._at(positions).act_on(where, positions)

    def first_rule(
        self, policy: Policy, order: Order, at: int, positions: Positions
    ) -> Rule | None:
        """The first rule of a policy that matches an order of this record time."""
        return self._at(positions).first_rule(policy, order, at, positions)

    def _at(self, positions: Positions) -> "_InForce":
        number = self._folds.number(positions)
        if number not in self._made:
            self._made[number] = _InForce(self._folds.of_number(number))
        return self._made[number]


class _InForce:
    """The records in force between two acts on reference data, asked at positions there."""

    def __init__(self, fold: Fold) -> None:
        records = fold.records
        self._aside = fold.aside
        self._providers: Versions[Provider] = Versions(
            (r.provider_id, r) for r in records[PROVIDERS] if isinstance(r, Provider)
        )
        self._services: Versions[Service] = Versions(
            (r.service_id, r) for r in records[SERVICES] if isinstance(r, Service)
        )
        self._policies = [r for r in records[POLICIES] if isinstance(r, Policy)]
        self._by_version = {(p.policy_id, p.version): p for p in self._policies}
        self._credits: dict[tuple[str, str], list[CreditChange]] = defaultdict(list)
        for change in records[CREDITS]:
            if isinstance(change, CreditChange):
                self._credits[change.provider_id, change.line].append(change)
        self._acts: dict[Where, OperatorAct] = {}
        for act in records[ACTS]:
            if isinstance(act, OperatorAct) and act.kind == "QUARANTINE":
                # Of two on one record the first counts, and none is ever taken back.
                self._acts.setdefault((act.topic, act.partition, act.offset), act)
        self._policies_at: dict[int, tuple[list[int], list[Policy]]] = {}
        self._rules: dict[tuple[object, ...], Rule | None] = {}

    def provider(self, provider_id: str | None, positions: Positions) -> Provider | None:
        """A provider as known at these positions."""
        return self._providers.at(provider_id, positions[_PROVIDERS])

    def service(self, service_id: str | None, positions: Positions) -> Service | None:
        """A service as known at these positions."""
        return self._services.at(service_id, positions[_SERVICES])

    def policy(self, policy_id: str | None, version: int | None) -> Policy | None:
        """The policy that a record cites."""
        return self._by_version.get((policy_id or "", version or 0))

    def policy_at(self, at: int, positions: Positions) -> Policy | None:
        """The policy in force for a record of this time."""
        position = positions[_POLICIES]
        known = self._policies_at.get(position)
        if known is None:
            policies = sorted(
                (p for p in self._policies if p.entry.offset < position),
                key=lambda p: (p.effective_from, p.entry.offset),
            )
            known = [p.effective_from for p in policies], policies
            self._policies_at[position] = known
        index = bisect_right(known[0], at)
        return known[1][index - 1] if index else None

    def act_on(self, where: Where, positions: Positions) -> OperatorAct | None:
        """The operator's act to set a record aside, as known at these positions."""
        if where[0] in REFERENCES:
            return self._aside.get(where)
        act = self._acts.get(where)
        return act if act is not None and act.entry.offset < positions[_ACTS] else None

    def points(self, provider: str, line: str, province: str, at: int, positions: Positions) -> int:
        """A provider's credit: the province's own, else the mean of its provinces, else none."""
        points: dict[str, int] = {}
        changes = (
            change
            for change in self._credits.get((provider, line), ())
            if change.entry.offset < positions[_CREDITS] and change.effective_from <= at
        )
        for change in sorted(changes, key=lambda c: (c.effective_from, c.entry.offset)):
            before = points.get(change.province, 0)
            points[change.province] = (
                change.points if change.points is not None else before + (change.delta or 0)
            )
        if province in points:
            return points[province]
        return sum(points.values()) // len(points) if points else 0

    def first_rule(
        self, policy: Policy, order: Order, at: int, positions: Positions
    ) -> Rule | None:
        """The first rule of a policy that matches an order of this record time."""
        timed = any(rule.from_at is not None or rule.until_at is not None for rule in policy.rules)
        rated = any(
            rule.credit_below is not None or rule.credit_at_least is not None
            for rule in policy.rules
        )
        question = (
            policy.entry.offset,
            order.province,
            order.channel,
            order.provider_id,
            positions[_PROVIDERS],
            positions[_CREDITS] if rated else None,
            at if timed or rated else None,
        )
        if question not in self._rules:
            self._rules[question] = next(
                (r for r in policy.rules if self._matches(r, order, at, positions)), None
            )
        return self._rules[question]

    def _matches(self, rule: Rule, order: Order, at: int, positions: Positions) -> bool:
        if rule.provinces and order.province not in rule.provinces:
            return False
        if rule.lines and order.channel not in rule.lines:
            return False
        if rule.provider_ids and order.provider_id not in rule.provider_ids:
            return False
        if rule.scope is not None:
            provider = self.provider(order.provider_id, positions)
            if provider is None or provider.scope != rule.scope:
                return False
        if rule.from_at is not None and at < rule.from_at:
            return False
        if rule.until_at is not None and at >= rule.until_at:
            return False
        if rule.credit_below is None and rule.credit_at_least is None:
            return True
        points = self.points(order.provider_id, order.channel, order.province, at, positions)
        if rule.credit_below is not None and points >= rule.credit_below:
            return False
        return rule.credit_at_least is None or points >= rule.credit_at_least
