"""What became of the orders so far, counted from the gate's decisions and verdicts alone.

Pure: records and instants come in, counts go out; nothing here reads a topic or a clock.
"""

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from streams import topics
from streams.egress.records import Decision
from streams.gate.effects import Verdict
from streams.gate.words import Outcome, Reason

# The span over which "now" is shown: long enough to be calm, short enough to show a stall.
RECENT_MS = 5000

# What a subscriber's answer came to, in the order in which it is shown.
ANSWERS = {
    Reason.APPROVED_CONFIRMED: "yes",
    Reason.DECLINED: "no",
    Reason.SILENCE: "silence",
    Reason.UNCLEAR: "unclear",
    Reason.TOO_LATE: "too late",
    Reason.AMBIGUOUS: "ambiguous",
    Reason.NOT_ANSWERING: "to no prompt",
}

# What subscribers, customer care and billing did besides, in the order in which it is shown.
BESIDES = {
    Reason.LISTED: "listed",
    Reason.CANCELLED: "cancelled",
    Reason.UNDONE: "undone",
    Reason.REVOKED: "revoked",
    Reason.RELEASED: "numbers released",
    Reason.COMPLAINT_OPENED: "complaints",
    Reason.COMPLAINT_UPHELD: "upheld",
    Reason.COMPLAINT_REJECTED: "rejected",
    Reason.CHARGE_FAILED: "charges failed",
    Reason.REFUNDED: "refunded",
    Reason.REFUND_FAILED: "refunds failed",
}

# What a message is, by the first letter of its id.
MESSAGES = {"m-": "prompts", "k-": "clarified", "r-": "receipts", "l-": "listings", "n-": "notices"}


# Decisions on records of the orders' topic that are no order, or none for the first time.
_NO_ORDERS = (Reason.DEAD_LETTER, Reason.CONFLICT, Reason.REPEATED)


class Latency(NamedTuple):
    """Milliseconds from an order's publication to its committed prompt, as read from outside."""

    prompts: int
    p50: int
    p99: int
    most: int


@dataclass(slots=True)
class Funnel:
    """Counts by what the gate decided."""

    decided: int = 0  # inputs with a decision; ticks are no inputs of the outside
    orders: int = 0
    messages: Counter[str] = field(default_factory=Counter)  # by what they are
    answers: Counter[str] = field(default_factory=Counter)
    besides: Counter[str] = field(default_factory=Counter)  # what else was done
    refunds: int = 0  # requests
    alarms: int = 0
    charges: int = 0
    money_minor: int = 0
    refused: Counter[str] = field(default_factory=Counter)  # orders, by reason
    repeated: int = 0
    dead: Counter[str] = field(default_factory=Counter)  # dead letters, by cause
    first_at: int | None = None  # when the first decision was seen
    _latencies: list[int] = field(default_factory=list)
    _recent: deque[tuple[int, int]] = field(default_factory=deque)  # (seen at, latency)
    _pace: deque[tuple[int, int]] = field(default_factory=deque)  # (seen at, decided by then)

    def take(self, decision: Decision, seen_at: int) -> None:
        """Count one decision that a reader of committed records saw at this instant."""
        if self.first_at is None:
            self.first_at = seen_at
        cause = decision.cause
        if cause.topic != topics.TICKS:
            self.decided += 1
        self._effects(decision)
        reason = decision.reason
        if cause.topic == topics.ORDERS:
            self.orders += reason not in _NO_ORDERS
            if reason is Reason.PROMPTED:
                latency = seen_at - decision.event_at
                self._latencies.append(latency)
                self._recent.append((seen_at, latency))
        elif reason in ANSWERS:
            self.answers[ANSWERS[reason]] += 1
        elif reason in BESIDES:
            self.besides[BESIDES[reason]] += 1
        self.repeated += reason is Reason.REPEATED

    def tell(self, verdict: Verdict) -> None:
        """Count one verdict."""
        if verdict.outcome is Outcome.REFUSED:
            self.refused[verdict.reason] += 1

    def bury(self, cause: str) -> None:
        """Count one dead letter."""
        self.dead[cause] += 1

    def mark(self, now: int) -> None:
        """Remember how far we are, so that a pace can be told."""
        self._pace.append((now, self.decided))
        for queue in (self._pace, self._recent):
            while queue and queue[0][0] < now - RECENT_MS:
                queue.popleft()

    @property
    def pace(self) -> float:
        """Inputs decided a second, of late."""
        if len(self._pace) < 2:
            return 0.0
        (began, before), (ended, after) = self._pace[0], self._pace[-1]
        return (after - before) * 1000 / max(ended - began, 1)

    @property
    def latency(self) -> Latency | None:
        """Of all prompts so far."""
        return latency_of(self._latencies)

    @property
    def recent_latency(self) -> Latency | None:
        """Of late."""
        return latency_of(latency for _, latency in list(self._recent))

    @property
    def prompts(self) -> int:
        """How many subscribers were asked."""
        return self.messages["prompts"]

    def _effects(self, decision: Decision) -> None:
        for effect in decision.effects:
            match effect.topic:
                case topics.MESSAGES:
                    self.messages[MESSAGES.get(effect.id[:2], "others")] += 1
                case topics.CHARGES:
                    self.charges += 1
                    self.money_minor += decision.price_minor or 0
                case topics.REFUNDS:
                    self.refunds += 1
                case topics.ALARMS:
                    self.alarms += 1


def latency_of(latencies: Iterable[int]) -> Latency | None:
    """The percentiles of these; none where there is nothing."""
    ordered = sorted(latencies)
    if not ordered:
        return None
    last = len(ordered) - 1
    return Latency(len(ordered), ordered[last // 2], ordered[last * 99 // 100], ordered[last])
