"""All that a decision may depend on besides the event and the rows: gathered first, passed in.

The shell makes the facts of each record; the gate has no other way to learn the time, the policy or
anything about providers and services (law 8).
"""

from typing import NamedTuple

from streams.gate.catalogue import Catalogue
from streams.gate.policy import PolicyInForce, utc_day


class Facts(NamedTuple):
    """What is so while one event is decided."""

    at: int  # the record's time, UTC ms; for a due act its instant
    watermark: int  # of the partition
    topic: str  # of the cause, its catalogue name; with partition and offset: where it lies
    partition: int
    offset: int
    policy: PolicyInForce | None  # in force at `at`; None before the first one
    catalogue: Catalogue

    def day_of(self, instant: int) -> int:
        """The operator-local day; UTC's while no policy says where the operator is."""
        policy = self.policy
        return utc_day(instant) if policy is None else policy.day_of(instant)

    def oldest_day(self) -> int:
        """The first day whose totals are still needed, under the policy in force.

        By the watermark, which passes no record that was not taken: the event's own time may be
        days ahead of a sibling's that is still to come, after an outage.
        """
        if self.policy is None:
            return 0
        return self.day_of(min(self.at, self.watermark)) - self.policy.horizon_days


def gather_facts(
    catalogue: Catalogue, at: int, watermark: int, topic: str, partition: int, offset: int
) -> Facts:
    """The facts of the record that lies there, under the policy in force at its time."""
    return Facts(at, watermark, topic, partition, offset, catalogue.policy_at(at), catalogue)
