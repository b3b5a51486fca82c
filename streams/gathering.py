"""Which rows an event's decision may depend on, read first and written after.

The gate decides on rows that it is given and says which it needs (streams.gate.needs); here they
are read, and what a decision changes goes back under the keys it was read by. The shell and the
tests' gate in memory share it.
"""

from typing import NamedTuple, Protocol, TypeVar

from streams.gate import keys, needs
from streams.gate.decide import Event
from streams.gate.decision import (
    KEEP,
    AccountWrite,
    ComplaintWrite,
    Decision,
    Keep,
    OtherDay,
    Remembered,
)
from streams.gate.events import Order, Reply
from streams.gate.facts import Facts
from streams.gate.rows import ChargeAccount, Complaint, Seen, ServiceDay, Subscriber

Row = TypeVar("Row")

_NO_KEY = b""


class Table(Protocol[Row]):
    """Rows of one table and partition, as far as they have come in this turn."""

    def get(self, key: bytes, /) -> Row | None:
        """The row, or None."""

    def put(self, key: bytes, row: Row, /) -> None:
        """A row in place of what was there."""

    def delete(self, key: bytes, /) -> None:
        """No row from now on."""


class Tables(NamedTuple):
    """The rows of the partition at hand."""

    service_days: Table[ServiceDay]
    subscribers: Table[Subscriber]
    orders: Table[Seen]
    events: Table[Seen]
    charges: Table[ChargeAccount]
    complaints: Table[Complaint]


class Gathered(NamedTuple):
    """The rows an event is decided on, with the keys under which changes to them go back."""

    remembered: Remembered
    msisdn: str
    seen: Table[Seen] | None
    seen_key: bytes
    service_day_key: bytes
    subscriber_key: bytes


def gather(event: Event, facts: Facts, tables: Tables) -> Gathered:
    """Read the rows that an event's decision may depend on."""
    msisdn = event.msisdn
    subscriber_key = keys.subscriber_key(msisdn)
    known = tables.subscribers.get(subscriber_key)
    if isinstance(event, Order):  # the most of all events, and the simplest
        seen_key = keys.order_seen_key(event)
        day_key = keys.service_day_key(facts.day_of(event.ordered_at), msisdn, event.service_id)
        remembered = Remembered(
            tables.orders.get(seen_key), tables.service_days.get(day_key), known
        )
        return Gathered(remembered, msisdn, tables.orders, seen_key, day_key, subscriber_key)
    seen_table: Table[Seen] | None = None
    seen, seen_key = None, _NO_KEY
    if not isinstance(event, needs.DUE):
        seen_table, seen_key = tables.events, keys.event_seen_key(event)
        seen = seen_table.get(seen_key)
    complaint_id = needs.complaint_of(event)
    complaint = (
        None
        if complaint_id is None
        else tables.complaints.get(keys.complaint_key(msisdn, complaint_id))
    )
    if isinstance(event, Reply):
        charge_id, place, closing = needs.of_reply(event, known, facts)
        account = _account(tables, msisdn, charge_id)
    else:
        account = _account(tables, msisdn, needs.charge_of(event, complaint))
        place = needs.service_day_of(event, account, facts)
        closing = needs.others_of(event, known)
    day_key = _NO_KEY if place is None else keys.service_day_key(place[0], msisdn, place[1])
    others = tuple(
        OtherDay(
            day, service_id, tables.service_days.get(keys.service_day_key(day, msisdn, service_id))
        )
        for day, service_id in closing
    )
    remembered = Remembered(
        seen,
        None if place is None else tables.service_days.get(day_key),
        known,
        account,
        complaint,
        others,
    )
    return Gathered(remembered, msisdn, seen_table, seen_key, day_key, subscriber_key)


def _account(tables: Tables, msisdn: str, charge_id: str | None) -> ChargeAccount | None:
    """The account of a charge, if one is concerned and remembered."""
    return None if charge_id is None else tables.charges.get(keys.account_key(msisdn, charge_id))


def remember(decision: Decision, gathered: Gathered, tables: Tables) -> None:
    """Write the rows that a decision changes, under the keys they were read by."""
    if decision.seen is not KEEP:
        assert gathered.seen is not None, "a due act has no id of its own"
        gathered.seen.put(gathered.seen_key, decision.seen)
    if decision.service_day is not KEEP:
        assert gathered.service_day_key, "no service day was concerned"
        _write(tables.service_days, gathered.service_day_key, decision.service_day)
    if decision.subscriber is not KEEP:
        _write(tables.subscribers, gathered.subscriber_key, decision.subscriber)
    msisdn = gathered.msisdn
    for write in decision.writes:
        match write:
            case AccountWrite():
                tables.charges.put(keys.account_key(msisdn, write.charge_id), write.row)
            case ComplaintWrite():
                key = keys.complaint_key(msisdn, write.complaint_id)
                _write(tables.complaints, key, write.row)
            case OtherDay():
                key = keys.service_day_key(write.day, msisdn, write.service_id)
                _write(tables.service_days, key, write.row)


def _write(rows: Table[Row], key: bytes, row: Row | Keep | None) -> None:
    assert not isinstance(row, Keep), "a row that stays is not written"
    if row is None:
        rows.delete(key)
    else:
        rows.put(key, row)
