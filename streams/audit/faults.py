"""The faults that make an input a dead letter, named by the auditor for itself.

Laws: a fault follows from the record, from what was taken before it, or from earlier records of its
own reference topic; where this file and the gate may rightly differ the fault is not `certain`:
it explains a dead letter, but its absence is no finding.
"""

from streams.audit.acts import act_on
from streams.audit.books import EVENT_ID
from streams.audit.evidence import Evidence
from streams.audit.letters import Where
from streams.audit.records import (
    CareAction,
    Decision,
    DeliveryReport,
    Event,
    Order,
    Reply,
    Settlement,
    Tick,
)
from streams.audit.reference_faults import Fault
from streams.audit.standing import day_of
from streams.topics import REFERENCES


def fault_of(evidence: Evidence, where: Where, decision: Decision | None) -> Fault | None:
    """The first fault of a record when it was decided, or None."""
    if act_on(evidence.books, decision) is not None:
        return Fault("an operator set it aside")
    malformed = evidence.books.malformed.get(where)
    if malformed is not None:
        return Fault(f"it is unreadable ({malformed})")
    if decision is not None and where[0] in REFERENCES:
        return evidence.books.folds.at(decision.reference).faults.get(where)
    event = evidence.books.events.get(where)
    if event is None or isinstance(event, Tick):
        return None
    early = _negative(event) or _ahead(evidence, event) or _conflict(evidence, event)
    contradiction = evidence.walk.fault(where)
    if early is None and contradiction is not None:
        return Fault(*contradiction)
    return early


def _negative(event: Event) -> Fault | None:
    match event:
        case Order() if event.price_minor < 0:
            return Fault("its price is negative")
        case Settlement() if event.amount_minor < 0:
            return Fault("its amount is negative")
    return None


def _said_at(event: Event) -> int:
    """The business time of an event."""
    match event:
        case Order():
            return event.ordered_at
        case Reply():
            return event.received_at
        case DeliveryReport():
            return event.reported_at
        case Settlement():
            return event.settled_at
        case CareAction():
            return event.acted_at
        case Tick():
            return event.entry.timestamp


def _ahead(evidence: Evidence, event: Event) -> Fault | None:
    decision = evidence.books.decided.get(event.entry[:3])
    if decision is None:
        return None
    policy = evidence.books.standing.policy_at(decision.event_at, decision.reference)
    if policy is not None and _said_at(event) > event.entry.timestamp + policy.skew_ms:
        return Fault("its time is too far ahead")
    return None


def _conflict(evidence: Evidence, event: Event) -> Fault | None:
    """Another content under an id that was taken before."""
    if isinstance(event, Tick):
        return None
    books = evidence.books
    topic = event.entry.topic
    first = books.first.get((topic, event.msisdn, EVENT_ID[topic](event)))
    if first is None or first is event or first[1:] == event[1:]:
        return None
    before, now = books.decided[first.entry[:3]], books.decided.get(event.entry[:3])
    if now is None or before.sequence > now.sequence:
        return None
    policy = books.standing.policy_at(now.event_at, now.reference)
    remembered = policy is None or (
        day_of(policy.time_zone, now.event_at) - day_of(policy.time_zone, before.event_at)
        <= policy.horizon_days
    )
    return Fault("its id was used before for something else", certain=remembered)
