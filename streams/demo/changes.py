"""What a rollout changed, counted from the topics: by phase, province and provider.

Pure: decoded records come in, counts go out. Every count is of records of one topic: orders,
prompts, answers and complaints are decisions, money is charges and refund requests, refusals are
verdicts. A record belongs to the phase in whose time its instant lies.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields
from typing import NamedTuple

from streams import topics
from streams.demo.phases import Phase
from streams.egress.records import Decision
from streams.gate.effects import Charge, RefundRequest, Verdict
from streams.gate.events import Order
from streams.gate.words import Outcome, Reason

_NO_ORDERS = (Reason.DEAD_LETTER, Reason.CONFLICT, Reason.REPEATED)
_NOWHERE = ""


@dataclass(slots=True)
class Count:
    """What happened, in some phase and place."""

    orders: int = 0
    prompts: int = 0
    would_ask: int = 0  # prompts that a trial says would have been sent
    confirmed: int = 0  # prompts answered with yes
    declined: int = 0
    silent: int = 0
    charges: int = 0
    money_minor: int = 0
    refused: int = 0
    complaints: int = 0
    refunds: int = 0  # requests

    def add(self, other: "Count") -> None:
        """Both together."""
        for each in fields(self):
            name = each.name
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def per_thousand(self, count: int) -> float | None:
        """So many for a thousand orders; None where nobody ordered."""
        return count * 1000 / self.orders if self.orders else None


class Records(NamedTuple):
    """What the topics hold, decoded; readable orders only."""

    orders: Iterable[Order]
    decisions: Iterable[Decision]
    verdicts: Iterable[Verdict]
    charges: Iterable[Charge]
    refunds: Iterable[RefundRequest]


@dataclass(slots=True)
class Changes:
    """Counts by (phase, province, provider): whatever is asked for is a sum of these."""

    counts: dict[tuple[int, str, str], Count] = field(default_factory=dict)

    def at(self, phase: int, province: str | None, provider: str | None) -> Count:
        """The count of one phase and place, to be counted on."""
        key = (phase, province or _NOWHERE, provider or _NOWHERE)
        return self.counts.setdefault(key, Count())

    def total(
        self,
        phase: int,
        provinces: Sequence[str] | None = None,
        provider: str | None = None,
    ) -> Count:
        """Of a phase, of some provinces or all, of one provider or all."""
        total = Count()
        for (when, where, who), count in self.counts.items():
            if (
                when == phase
                and (provinces is None or where in provinces)
                and (provider is None or who == provider)
            ):
                total.add(count)
        return total


_ANSWERS: dict[Reason, str] = {
    Reason.APPROVED_CONFIRMED: "confirmed",
    Reason.DECLINED: "declined",
    Reason.SILENCE: "silent",
}


def count(phases: Sequence[Phase], records: Records) -> Changes:
    """Everything that happened, in its phase and place."""
    changes = Changes()
    begins = [phase.begins for phase in phases]

    def phase_of(at: int) -> int:
        return bisect_right(begins, at) - 1

    for decision in records.decisions:
        _count_decision(changes.at, phase_of(decision.event_at), decision)
    placed: dict[tuple[str, str], Order] = {}
    for order in records.orders:
        placed.setdefault((order.msisdn, order.order_id), order)
    for verdict in records.verdicts:
        if verdict.outcome is Outcome.REFUSED:
            province = placed[verdict.msisdn, verdict.order_id].province
            changes.at(phase_of(verdict.decided_at), province, verdict.provider_id).refused += 1
    charged: dict[str, Charge] = {}
    for charge in records.charges:
        charged[charge.charge_id] = charge
        at = changes.at(phase_of(charge.approved_at), charge.province, charge.provider_id)
        at.charges += 1
        at.money_minor += charge.price_minor
    for refund in records.refunds:
        charge = charged[refund.charge_id]
        at = changes.at(phase_of(refund.requested_at), charge.province, charge.provider_id)
        at.refunds += 1
    return changes


def _count_decision(
    at: Callable[[int, str | None, str | None], Count], phase: int, decision: Decision
) -> None:
    reason = decision.reason
    count = at(phase, decision.province, decision.provider_id)
    if decision.cause.topic == topics.ORDERS and reason not in _NO_ORDERS:
        count.orders += 1
    count.prompts += sum(
        effect.topic == topics.MESSAGES and effect.id.startswith("m-")
        for effect in decision.effects
    )
    count.would_ask += reason is Reason.APPROVED_WOULD_ASK
    count.complaints += reason is Reason.COMPLAINT_OPENED
    if name := _ANSWERS.get(reason):
        setattr(count, name, getattr(count, name) + 1)
