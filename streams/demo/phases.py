"""The phases of a rollout, as its policies date them, and which provinces join when.

Pure: policies come in, phases and batches go out. A phase begins when a policy takes effect or one
of its dated rules does; until the next one the same rules are in force.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from streams.gate.reference import Policy, Rule
from streams.gate.words import Confirmation

_ASKING = (Confirmation.FIRST_OF_DAY, Confirmation.EVERY_ORDER)
NOT_JOINED = "not joined"

# When people order, by the operator's clock; prompts of the evening lapse on the same day.
_OPENS, _CLOSES = time(8), time(22)


class Phase(NamedTuple):
    """A span in which one policy's rules stay the same, and the day of it that is lived."""

    name: str
    begins: int  # UTC, milliseconds
    opens: int  # of the day that is lived
    closes: int


class Batch(NamedTuple):
    """Provinces that join together."""

    name: str
    provinces: tuple[str, ...]
    joins: int | None  # the instant; None: not yet


def phases_of(policies: Iterable[Policy]) -> tuple[Phase, ...]:
    """All phases, in their order; of the first its last day is lived, of the others the first."""
    begun: dict[int, Policy] = {}
    ordered = sorted(policies, key=lambda policy: policy.effective_from)
    for place, policy in enumerate(ordered):
        until = ordered[place + 1].effective_from if place + 1 < len(ordered) else None
        dates = {at for rule in policy.rules for at in (rule.from_at, rule.until_at) if at}
        begun[policy.effective_from] = policy
        for at in sorted(dates):
            if policy.effective_from < at and (until is None or at < until):
                begun[at] = policy
    begins = sorted(begun)
    found = []
    for place, at in enumerate(begins):
        policy = begun[at]
        zone = ZoneInfo(policy.time_zone)
        opens = datetime.combine(datetime.fromtimestamp(at / 1000, zone), _OPENS, zone)
        if place == 0 and len(begins) > 1:
            opens = datetime.fromtimestamp(begins[1] / 1000, zone) - timedelta(days=1)
        elif _instant(opens) < at:
            opens += timedelta(days=1)
        opens, closes = (datetime.combine(opens, hour, zone) for hour in (_OPENS, _CLOSES))
        found.append(Phase(_name(policy, at), at, _instant(opens), _instant(closes)))
    return tuple(found)


def _name(policy: Policy, at: int) -> str:
    """The policy, and what begins in it later than itself."""
    begin = [rule.name for rule in policy.rules if rule.from_at == at > policy.effective_from]
    return " + ".join((policy.policy_id, *begin))


def _instant(when: datetime) -> int:
    return int(when.timestamp() * 1000)


def batches_of(policy: Policy, provinces: Sequence[str]) -> tuple[Batch, ...]:
    """Which provinces a policy's rules name as joining, and when; the others have not joined."""
    joins: dict[str, int] = {}
    for rule in policy.rules:
        if _lets_join(rule):
            at = max(policy.effective_from, rule.from_at or 0)
            for province in rule.provinces:
                joins[province] = min(at, joins.get(province, at))
    batches = []
    for number, at in enumerate(sorted(set(joins.values())), 1):
        joined = tuple(sorted(name for name, when in joins.items() if when == at))
        batches.append(Batch(f"batch {number}", joined, at))
    rest = tuple(sorted(set(provinces) - set(joins)))
    return (*batches, Batch(NOT_JOINED, rest, None)) if rest else tuple(batches)


def day_text(at: int, zone: str) -> str:
    """The operator's day of an instant."""
    return f"{datetime.fromtimestamp(at / 1000, UTC).astimezone(ZoneInfo(zone)):%-d %b %Y}"


def _lets_join(rule: Rule) -> bool:
    """Whether a rule asks in some provinces, whoever sells."""
    return bool(
        rule.provinces
        and rule.confirmation in _ASKING
        and rule.credit_below is None
        and rule.credit_at_least is None
        and not rule.provider_ids
    )
