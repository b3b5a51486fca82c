"""The gate in memory: rows in dictionaries, a watermark, a heap of due acts; no broker, no bytes.

Does for one partition what the shell does: gather facts, read rows, decide, apply. What went out
and what was decided is kept in lists, for tests to look at.
"""

import heapq
from dataclasses import dataclass, field
from typing import TypeVar

from streams.gate.catalogue import Catalogue
from streams.gate.clocks import Overdue
from streams.gate.decide import Decision, Event, decide
from streams.gate.decision import Effect
from streams.gate.effects import Alarm, Charge, DeadLetter, Message, RefundRequest, Verdict
from streams.gate.events import CareAction, DeliveryReport, Order, Reply, Settlement
from streams.gate.facts import Facts, gather_facts
from streams.gate.keys import due_of_complaint, due_of_subscriber, read_clock_token
from streams.gate.lapses import Lapse, lapse_of
from streams.gate.rows import ChargeAccount, Complaint, Seen, ServiceDay, Subscriber
from streams.gathering import Tables, gather, remember

Row = TypeVar("Row")

TOPICS = {
    Order: "orders.v1",
    Reply: "replies.v1",
    DeliveryReport: "delivery-reports.v1",
    Settlement: "settlements.v1",
    CareAction: "care.v1",
    Lapse: "ticks.v1",
    Overdue: "ticks.v1",
}


class Rows(dict[bytes, Row]):
    """A table in memory."""

    def put(self, key: bytes, row: Row) -> None:
        self[key] = row

    def delete(self, key: bytes) -> None:
        self.pop(key, None)


@dataclass(frozen=True)
class Taken:
    """One event that was decided, with the time of its record."""

    event: Event
    at: int
    decision: Decision


@dataclass
class Gate:
    """One partition of the gate."""

    catalogue: Catalogue
    watermark: int = 0
    seen: Rows[Seen] = field(default_factory=Rows)
    seen_events: Rows[Seen] = field(default_factory=Rows)
    service_days: Rows[ServiceDay] = field(default_factory=Rows)
    subscribers: Rows[Subscriber] = field(default_factory=Rows)
    accounts: Rows[ChargeAccount] = field(default_factory=Rows)
    complaints: Rows[Complaint] = field(default_factory=Rows)
    due: list[tuple[int, bytes]] = field(default_factory=list)
    taken: list[Taken] = field(default_factory=list)
    sent: list[Effect] = field(default_factory=list)

    def take(self, event: Event, at: int) -> Decision:
        """Decide the event of a record of that time."""
        decision = self._decide(event, at)
        assert decision is not None, "only a lapse can be nothing"
        return decision

    def tick(self, at: int) -> list[Decision]:
        """Move the watermark; what has become due by then is decided, in the order of its time."""
        self.watermark = max(self.watermark, at)
        decisions = []
        while self.due and self.due[0][0] <= self.watermark:
            due_at, token = heapq.heappop(self.due)
            clock = read_clock_token(token)
            event = lapse_of(token, due_at) if clock is None else Overdue(*clock, due_at)
            decision = self._decide(event, due_at)
            if decision is not None:
                decisions.append(decision)
        return decisions

    def restart(self) -> None:
        """Forget the due acts and find them again in the rows, as a new owner does."""
        self.due = [
            *(
                due
                for key, row in self.subscribers.items()
                for due in due_of_subscriber(key.decode(), row)
            ),
            *(due for key, row in self.complaints.items() for due in due_of_complaint(key, row)),
        ]
        heapq.heapify(self.due)

    def facts(self, event: Event, at: int) -> Facts:
        """The facts of an event at its place in the log: the next one."""
        topic, offset = TOPICS[type(event)], len(self.taken)
        return gather_facts(self.catalogue, at, self.watermark, topic, 0, offset)

    def service_day_of(self, event: Event, facts: Facts) -> bytes | None:
        """The key of the service day that an event concerns, if it is one."""
        return gather(event, facts, self.tables).service_day_key or None

    @property
    def messages(self) -> list[Message]:
        return [effect for effect in self.sent if isinstance(effect, Message)]

    @property
    def charges(self) -> list[Charge]:
        return [effect for effect in self.sent if isinstance(effect, Charge)]

    @property
    def verdicts(self) -> list[Verdict]:
        return [effect for effect in self.sent if isinstance(effect, Verdict)]

    @property
    def alarms(self) -> list[Alarm]:
        return [effect for effect in self.sent if isinstance(effect, Alarm)]

    @property
    def dead_letters(self) -> list[DeadLetter]:
        return [effect for effect in self.sent if isinstance(effect, DeadLetter)]

    @property
    def refunds(self) -> list[RefundRequest]:
        return [effect for effect in self.sent if isinstance(effect, RefundRequest)]

    @property
    def tables(self) -> Tables:
        return Tables(
            self.service_days,
            self.subscribers,
            self.seen,
            self.seen_events,
            self.accounts,
            self.complaints,
        )

    def _decide(self, event: Event, at: int) -> Decision | None:
        facts = self.facts(event, at)
        gathered = gather(event, facts, self.tables)
        decision = decide(gathered.remembered, event, facts)
        if decision is not None:
            remember(decision, gathered, self.tables)
            for wake in decision.wake:
                heapq.heappush(self.due, wake)
            self.sent += decision.effects
            self.taken.append(Taken(event, at, decision))
        return decision
