"""From when on a row can no longer change any decision, so that it may be forgotten (DESIGN §4).

An order older than the horizon is refused as stale whatever is remembered, and a charge older than
the refund deadline can no longer be settled or refunded. The longest of each that any policy says
counts, and two days more: days are local to the operator, and an order a moment ahead of its record
belongs to the next day.
"""

from collections.abc import Callable

from streams.gate.catalogue import Catalogue
from streams.gate.policy import DAY_MS, PolicyInForce, utc_day
from streams.gate.rows import ChargeAccount, Complaint, Seen, ServiceDay, Subscriber

NEVER = 1 << 62
_MARGIN_DAYS = 2


class Horizon:
    """Asks the catalogue's policies how long rows matter; instants in UTC ms."""

    def __init__(self, catalogue: Callable[[], Catalogue]) -> None:
        """`catalogue` gives the one in force now."""
        self._catalogue = catalogue
        # Of which policies the days below are, and of how many: a catalogue only adds to them.
        self._policies: dict[int, PolicyInForce] = {}
        self._count = 0
        self._days: int | None = None
        self._refund_days: int | None = None

    def of_seen(self, _key: bytes, row: Seen) -> int:
        """For the remembered id of an order or another input."""
        return self._after(row.day)

    def of_service_day(self, key: bytes, row: ServiceDay) -> int:
        """For a service day; never while a prompt is open in it."""
        return NEVER if row.prompts else self._after(int(key.partition(b"|")[0]))

    def of_subscriber(self, _key: bytes, row: Subscriber) -> int:
        """For what a subscriber's days have brought; never while a prompt is open."""
        if row.prompts:
            return NEVER
        last = row.days[-1].day if row.days else 0
        released = 0 if row.released_at is None else utc_day(row.released_at)
        return self._after(max(last, released))

    def of_account(self, _key: bytes, row: ChargeAccount) -> int:
        """For a charge: settlements, refunds and complaints have their deadline."""
        return self._after_refunds(row.day)

    def of_complaint(self, _key: bytes, row: Complaint) -> int:
        """For a complaint that nobody closed: its charge can no longer be refunded."""
        return self._after_refunds(utc_day(row.opened_at))

    def _after(self, day: int) -> int:
        self._ask_policies()
        return NEVER if self._days is None else (day + self._days + _MARGIN_DAYS) * DAY_MS

    def _after_refunds(self, day: int) -> int:
        self._ask_policies()
        days = self._refund_days
        return NEVER if days is None else (day + days + _MARGIN_DAYS) * DAY_MS

    def _ask_policies(self) -> None:
        policies = self._catalogue().policies
        if self._policies is policies and self._count == len(policies):
            return
        self._policies, self._count = policies, len(policies)
        records = [policy.record for policy in policies.values()]
        self._days = max((record.horizon_days for record in records), default=None)
        self._refund_days = max(
            (max(record.refund_days, record.horizon_days) for record in records), default=None
        )
