"""From when on a row can no longer change any decision, so that it may be forgotten (DESIGN §4).

An order older than the horizon is refused as stale whatever is remembered. The longest horizon of
any policy counts, and two days more: days are local to the operator, and an order a moment ahead of
its record belongs to the next day.
"""

from streams.gate.catalogue import Catalogue
from streams.gate.policy import DAY_MS
from streams.gate.rows import Seen, ServiceDay

NEVER = 1 << 62
_MARGIN_DAYS = 2


class Horizon:
    """Asks the catalogue's policies how long rows matter; instants in UTC ms."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._policies = 0
        self._days: int | None = None

    def of_seen(self, _key: bytes, row: Seen) -> int:
        """For the remembered id of an order or another input."""
        return self._after(row.day)

    def of_service_day(self, key: bytes, row: ServiceDay) -> int:
        """For a service day; never while a prompt is open in it."""
        return NEVER if row.prompts else self._after(int(key.partition(b"|")[0]))

    def _after(self, day: int) -> int:
        policies = self._catalogue.policies
        if len(policies) != self._policies:
            self._policies = len(policies)
            self._days = max(policy.horizon_days for policy in policies.values())
        if self._days is None:
            return NEVER
        return (day + self._days + _MARGIN_DAYS) * DAY_MS
