"""Billing answers: a charge was taken or could not be, money was given back or could not be.

The law of this file: what contradicts a charge's account, or speaks of none of ours, changes
nothing; it is a dead letter and an alarm, and its id is remembered so that it is told once. Money
given back, what is under way included, never exceeds the charge.

A failed charge never happened for the subscriber: its count and amount go back to the yes that
covered it, if that yes still stands, and it counts no longer for the day.
"""

from typing import NamedTuple

from streams.gate import days, refunds
from streams.gate.decision import (
    KEEP,
    AccountWrite,
    Decision,
    Effect,
    Keep,
    Remembered,
    Write,
    state_of,
)
from streams.gate.effects import Alarm, DeadLetter
from streams.gate.events import Settlement
from streams.gate.facts import Facts
from streams.gate.ids import alarm_id, masked, note_digest, shown
from streams.gate.repeats import NEGATIVE_AMOUNT, dead_letter, turned_away
from streams.gate.rows import ChargeAccount, Refund, Seen, ServiceDay, Subscriber
from streams.gate.words import AlarmKind, Channel, Reason, SettlementOutcome, State

CHARGE_UNKNOWN = "charge_unknown"
REFUND_UNKNOWN = "refund_unknown"
CONTRADICTS = "settlement_contradicts"

_UNANSWERED, _CHARGED = SettlementOutcome.UNKNOWN, SettlementOutcome.CHARGED
_FAILED, _REFUNDED = SettlementOutcome.FAILED, SettlementOutcome.REFUNDED


class Contradiction(NamedTuple):
    """Why a settlement cannot be meant."""

    cause: str
    detail: str


class Booked(NamedTuple):
    """What a settlement means for its charge's account."""

    reason: Reason
    account: ChargeAccount


class _Changes(NamedTuple):
    """What a settlement writes and sends."""

    seen: Seen | Keep
    service_day: ServiceDay | Keep | None
    subscriber: Subscriber | Keep | None
    effects: tuple[Effect, ...]
    writes: tuple[Write, ...] = ()


def settle(remembered: Remembered, settlement: Settlement, facts: Facts) -> Decision:
    """Decide what billing says."""
    if settlement.amount_minor < 0:
        away = dead_letter(NEGATIVE_AMOUNT, f"its amount {settlement.amount_minor} is negative")
        return _nothing(remembered, settlement, away.reason, KEEP, away.effects)
    digest = note_digest(settlement)
    turned = turned_away(facts, remembered.seen, digest, settlement.settled_at, settlement.msisdn)
    if turned is not None:
        return _nothing(remembered, settlement, turned.reason, KEEP, turned.effects)
    account = remembered.account
    if account is not None and settlement.settlement_id in account.settlement_ids:
        # The account outlives the memory of events.
        return _nothing(remembered, settlement, Reason.REPEATED, KEEP, ())
    seen = Seen(digest, facts.day_of(facts.at))
    booked = book(account, settlement)
    if isinstance(booked, Contradiction):
        told = (DeadLetter(*booked), _alarm(facts, AlarmKind.SETTLEMENT, booked.detail))
        return _nothing(remembered, settlement, Reason.DEAD_LETTER, seen, told)
    return _done(remembered, settlement, facts, seen, booked)


def book(account: ChargeAccount | None, settlement: Settlement) -> Booked | Contradiction:
    """Hold a settlement against the account of the charge that it names."""
    if account is None:
        return Contradiction(
            CHARGE_UNKNOWN,
            f"{_said(settlement)}: no such charge of subscriber {masked(settlement.msisdn)} is"
            " remembered",
        )
    if settlement.currency != account.currency:
        return _contradiction(settlement, f"its charge is in {account.currency}")
    booked = (
        _book_charge(account, settlement)
        if settlement.refund_id is None
        else _book_refund(account, settlement, settlement.refund_id)
    )
    if isinstance(booked, Contradiction):
        return booked
    ids = (*booked.account.settlement_ids, settlement.settlement_id)
    return booked._replace(account=booked.account._replace(settlement_ids=ids))


def _book_charge(account: ChargeAccount, settlement: Settlement) -> Booked | Contradiction:
    """Billing took the money, could not take it, or gave back on its own."""
    outcome, amount = settlement.outcome, settlement.amount_minor
    if outcome is _REFUNDED:
        if account.settled is _FAILED:
            return _contradiction(settlement, "its charge had failed, so nothing was taken")
        if amount > (rest := refunds.left(account)):
            return _contradiction(settlement, f"only {rest} of its charge is left")
        given = Refund(settlement.settlement_id, amount, _REFUNDED, None)
        return Booked(Reason.REFUNDED, refunds.settled(account, given))
    if outcome not in (_CHARGED, _FAILED):
        return _contradiction(settlement, "its outcome is none that is known")
    if account.settled is not _UNANSWERED:
        return _contradiction(settlement, f"its charge was settled {account.settled} before")
    if amount != account.price_minor:
        return _contradiction(settlement, f"its charge is {account.price_minor}")
    if outcome is _CHARGED:
        return Booked(Reason.SETTLED, account._replace(settled=_CHARGED))
    if any(refund.outcome is _REFUNDED for refund in account.refunds):
        return _contradiction(settlement, "money of its charge was given back before")
    return Booked(Reason.CHARGE_FAILED, account._replace(settled=_FAILED))


def _book_refund(
    account: ChargeAccount, settlement: Settlement, refund_id: str
) -> Booked | Contradiction:
    """Billing gave back what was asked for, or could not."""
    refund = refunds.refund_of(account, refund_id)
    outcome, amount = settlement.outcome, settlement.amount_minor
    if refund is None:
        return Contradiction(
            REFUND_UNKNOWN, f"{_said(settlement)}: no such refund of its charge was asked for"
        )
    if outcome not in (_REFUNDED, _FAILED):
        return _contradiction(settlement, "a refund is given back or has failed, nothing else")
    if refund.outcome is not _UNANSWERED:
        return _contradiction(settlement, f"its refund was settled {refund.outcome} before")
    if outcome is _REFUNDED and account.settled is _FAILED:
        return _contradiction(settlement, "its charge had failed, so nothing was taken")
    if amount > refund.amount_minor:
        return _contradiction(settlement, f"only {refund.amount_minor} was asked for")
    reason = Reason.REFUNDED if outcome is _REFUNDED else Reason.REFUND_FAILED
    return Booked(reason, refunds.settled(account, refund._replace(outcome=outcome)))


def _contradiction(settlement: Settlement, truth: str) -> Contradiction:
    return Contradiction(CONTRADICTS, f"{_said(settlement)}, but {truth}")


def _said(settlement: Settlement) -> str:
    """What billing claims, as an alarm may show it."""
    msisdn, refund_id = settlement.msisdn, settlement.refund_id
    money = f"{settlement.amount_minor} {shown(settlement.currency, msisdn)}"
    refund = "" if refund_id is None else f" refund {shown(refund_id, msisdn)} of"
    return (
        f"settlement {shown(settlement.settlement_id, msisdn)} says {settlement.outcome} {money}"
        f" for{refund} charge {shown(settlement.charge_id, msisdn)}"
    )


def _alarm(facts: Facts, kind: AlarmKind, detail: str) -> Alarm:
    """The alarm that a settlement causes, at its place in the log."""
    name = alarm_id(facts.topic, facts.partition, facts.offset)
    place = f"{facts.topic} partition {facts.partition} offset {facts.offset}"
    return Alarm(name, kind, place, detail, facts.at)


def _done(
    remembered: Remembered, settlement: Settlement, facts: Facts, seen: Seen, booked: Booked
) -> Decision:
    """Write down what billing did, and let a failed charge go back where it came from."""
    reason, account = booked
    row: ServiceDay | Keep = KEEP
    known: Subscriber | Keep = KEEP
    effects: tuple[Effect, ...] = ()
    if reason is Reason.CHARGE_FAILED:
        row = _with_grant_back(remembered.service_day, account)
        known = _without_charge(remembered.subscriber, account, facts)
    elif reason is Reason.REFUND_FAILED:
        detail = f"{_said(settlement)}: the subscriber still waits for the money"
        effects = (_alarm(facts, AlarmKind.REFUND, detail),)
    write = AccountWrite(settlement.charge_id, account)
    return _decision(remembered, settlement, reason, _Changes(seen, row, known, effects, (write,)))


def _with_grant_back(row: ServiceDay | None, account: ChargeAccount) -> ServiceDay | Keep:
    """The service day with the charge back in the grant it was taken from, if that still stands."""
    grant = None if row is None else row.grant
    if row is None or grant is None or grant.prompt_id != account.prompt_id:
        return KEEP  # revoked since, of a later yes, forgotten, or never of a grant
    price_minor = account.price_minor
    back = grant._replace(
        count_left=grant.count_left + 1, amount_left_minor=grant.amount_left_minor + price_minor
    )
    return row._replace(grant=back)


def _without_charge(
    known: Subscriber | None, account: ChargeAccount, facts: Facts
) -> Subscriber | Keep:
    """The subscriber's days without the charge, if they remember it."""
    if known is None:
        return KEEP
    if account.releases != known.releases:
        return KEEP  # of an owner before; what was charged then left the days with the release
    day = days.day_of(known, account.day)
    after = days.without_charge(day, account.service_id, account.price_minor, account.currency)
    if after == day:
        return KEEP
    return days.with_day(known, after, facts.oldest_day())


def _nothing(
    remembered: Remembered,
    settlement: Settlement,
    reason: Reason,
    seen: Seen | Keep,
    effects: tuple[Effect, ...],
) -> Decision:
    """A settlement that changes nothing."""
    return _decision(remembered, settlement, reason, _Changes(seen, KEEP, KEEP, effects))


def _decision(
    remembered: Remembered, settlement: Settlement, reason: Reason, changes: _Changes
) -> Decision:
    """The decision, told of the charge if it is remembered."""
    account = remembered.account
    seen, row, known, effects, writes = changes
    before = State.UNKNOWN if account is None else state_of(remembered.service_day)
    return Decision(
        reason,
        before,
        before if row is KEEP else state_of(row),
        None,  # rule
        None if account is None else account.order_id,
        None if account is None else account.prompt_id,
        settlement.charge_id,
        None,  # complaint_id
        Channel.UNKNOWN if account is None else account.channel,
        None if account is None else account.province,
        None if account is None else account.provider_id,
        None if account is None else account.service_id,
        None if account is None else account.price_minor,
        seen,
        row,
        known,
        effects,
        (),
        writes,
    )
