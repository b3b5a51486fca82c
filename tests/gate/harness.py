"""The gate in memory: rows in dictionaries, a watermark, a heap of due acts; no broker, no bytes.

Does for one partition what the shell does: gather facts, read rows, decide, apply. What went out
and what was decided is kept in lists, for tests to look at.
"""

import heapq
from dataclasses import dataclass, field
from typing import TypeVar

from streams.gate.catalogue import Catalogue
from streams.gate.decide import Decision, Event, Remembered, decide
from streams.gate.decision import KEEP, Effect, Keep
from streams.gate.effects import Alarm, Charge, DeadLetter, Message, Verdict
from streams.gate.events import CareAction, DeliveryReport, Order, Reply, Settlement
from streams.gate.facts import Facts, gather_facts
from streams.gate.keys import (
    due_of_subscriber,
    event_seen_key,
    order_seen_key,
    service_day_key,
    subscriber_key,
)
from streams.gate.lapses import Lapse, lapse_of
from streams.gate.replies import locate
from streams.gate.rows import PromptRef, Seen, ServiceDay, Subscriber

Row = TypeVar("Row")

TOPICS = {
    Order: "orders.v1",
    Reply: "replies.v1",
    DeliveryReport: "delivery-reports.v1",
    Settlement: "settlements.v1",
    CareAction: "care.v1",
    Lapse: "ticks.v1",
}


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
    seen: dict[bytes, Seen] = field(default_factory=dict)
    service_days: dict[bytes, ServiceDay] = field(default_factory=dict)
    subscribers: dict[bytes, Subscriber] = field(default_factory=dict)
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
            decision = self._decide(lapse_of(token, due_at), due_at)
            if decision is not None:
                decisions.append(decision)
        return decisions

    def restart(self) -> None:
        """Forget the due acts and find them again in the rows, as a new owner does."""
        self.due = [
            due
            for key, row in self.subscribers.items()
            for due in due_of_subscriber(key.decode(), row)
        ]
        heapq.heapify(self.due)

    def facts(self, event: Event, at: int) -> Facts:
        """The facts of an event at its place in the log: the next one."""
        topic, offset = TOPICS[type(event)], len(self.taken)
        return gather_facts(self.catalogue, at, self.watermark, topic, 0, offset)

    def service_day_of(self, event: Event, facts: Facts) -> bytes | None:
        """The service day that an event concerns, if it is one."""
        match event:
            case Order():
                day = facts.day_of(event.ordered_at)
                return service_day_key(day, event.msisdn, event.service_id)
            case Lapse():
                return service_day_key(event.day, event.msisdn, event.service_id)
            case Reply():
                row = self.subscribers.get(subscriber_key(event.msisdn))
                ref = locate(event, row, facts)
                if isinstance(ref, PromptRef):
                    return service_day_key(ref.day, event.msisdn, ref.service_id)
        return None

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

    def _decide(self, event: Event, at: int) -> Decision | None:
        facts = self.facts(event, at)
        seen_key = _seen_key(event)
        day_key = self.service_day_of(event, facts)
        known_key = subscriber_key(event.msisdn)
        remembered = Remembered(
            self.seen.get(seen_key) if seen_key is not None else None,
            self.service_days.get(day_key) if day_key is not None else None,
            self.subscribers.get(known_key),
        )
        decision = decide(remembered, event, facts)
        if decision is not None:
            _write(self.seen, seen_key, decision.seen)
            _write(self.service_days, day_key, decision.service_day)
            _write(self.subscribers, known_key, decision.subscriber)
            for wake in decision.wake:
                heapq.heappush(self.due, wake)
            self.sent += decision.effects
            self.taken.append(Taken(event, at, decision))
        return decision


def _seen_key(event: Event) -> bytes | None:
    match event:
        case Lapse():
            return None
        case Order():
            return order_seen_key(event)
        case _:
            return event_seen_key(event)


def _write(rows: dict[bytes, Row], key: bytes | None, row: Row | Keep | None) -> None:
    if row is KEEP:
        return
    assert key is not None, "a row is changed only under the key it was read by"
    if row is None:
        rows.pop(key, None)
    else:
        rows[key] = row
