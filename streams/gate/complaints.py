"""Complaints: opened with their clock and the charge's evidence, answered, upheld or rejected.

Laws: a complaint is open until it is upheld or rejected; its clock runs until it is answered
(clocks.py raises the alarms). It is opened also about a charge that nobody remembers: somebody must
answer. An upheld one gives back what it says, or all that is left, and closes only when it can.
"""

from collections.abc import Iterator
from typing import NamedTuple

from streams.gate import refunds
from streams.gate.decision import (
    KEEP,
    AccountWrite,
    ComplaintWrite,
    Effect,
    Keep,
    Remembered,
    Write,
)
from streams.gate.effects import Evidence
from streams.gate.events import CareAction
from streams.gate.facts import Facts
from streams.gate.ids import (
    MESSAGE,
    PROMPT,
    RECEIPT,
    REFUND,
    VERDICT,
    base_id,
    charge_named,
    complaint_name,
    event_base,
)
from streams.gate.keys import clock_token
from streams.gate.rows import ChargeAccount, Complaint, Subscriber
from streams.gate.words import Reason, RefundReason


class Acted(NamedTuple):
    """What a care action comes to."""

    reason: Reason
    effects: tuple[Effect, ...] = ()
    writes: tuple[Write, ...] = ()
    wake: tuple[tuple[int, bytes], ...] = ()
    evidence: tuple[Evidence, ...] = ()
    subscriber: Subscriber | Keep | None = KEEP


def open_complaint(remembered: Remembered, action: CareAction, facts: Facts) -> Acted:
    """Start the clock, and gather what bears on the charge."""
    if remembered.complaint is not None:
        return Acted(Reason.COMPLAINT_KNOWN)
    account, name = remembered.account, complaint_name(action)
    charge_id = charge_named(action)
    assert charge_id is not None, "an action that names no charge is set aside before"
    after_ms = () if facts.policy is None else facts.policy.record.complaint_alarms_ms
    alarms_at = tuple(facts.at + each for each in after_ms)
    complaint = Complaint(
        charge_id,
        action.order_id if account is None else account.order_id,
        action.category,
        action.province if account is None else account.province,
        None if account is None else account.provider_id,
        None if account is None else account.service_id,
        facts.at,
        None,
        alarms_at,
    )
    token = clock_token(action.msisdn, name)
    return Acted(
        Reason.COMPLAINT_OPENED,
        writes=(ComplaintWrite(name, complaint),),
        wake=tuple((at, token) for at in alarms_at[:1]),
        evidence=tuple(
            _named(action) if account is None else _evidence(action.msisdn, charge_id, account)
        ),
    )


def answer_complaint(complaint: Complaint, action: CareAction, facts: Facts) -> Acted:
    """Let the clock stand still; the first answer counts."""
    if complaint.answered_at is not None:
        return Acted(Reason.COMPLAINT_ANSWERED)
    answered = complaint._replace(answered_at=facts.at)
    write = ComplaintWrite(complaint_name(action), answered)
    return Acted(Reason.COMPLAINT_ANSWERED, writes=(write,))


def reject_complaint(action: CareAction) -> Acted:
    """Close it; the charge stands."""
    write = ComplaintWrite(complaint_name(action), None)
    return Acted(Reason.COMPLAINT_REJECTED, writes=(write,))


def uphold_complaint(
    complaint: Complaint, account: ChargeAccount | None, action: CareAction, facts: Facts
) -> Acted:
    """Close it and give back what is said, or all that is left if anything is."""
    write = ComplaintWrite(complaint_name(action), None)
    amount = action.amount_minor
    if account is None and amount is not None:
        return Acted(Reason.CHARGE_UNKNOWN)
    rest = 0 if account is None else refunds.left(account)
    if amount is not None and amount > rest:
        return Acted(Reason.REFUND_EXCEEDS)
    if account is None or rest == 0:
        return Acted(Reason.COMPLAINT_UPHELD, writes=(write,))
    assert complaint.charge_id is not None, "its account was found by it"
    refund = give_back(account, complaint.charge_id, action, RefundReason.UPHELD, facts)
    if not refund.writes:
        return refund
    return Acted(Reason.COMPLAINT_UPHELD, refund.effects, (*refund.writes, write))


def give_back(
    account: ChargeAccount, charge_id: str, action: CareAction, reason: RefundReason, facts: Facts
) -> Acted:
    """Ask billing to give back what an action says, or all that is left."""
    asked = refunds.request(
        account,
        charge_id,
        action.msisdn,
        action.amount_minor,
        reason,
        action.complaint_id,
        REFUND + event_base(action),
        facts.at,
    )
    if isinstance(asked, Reason):
        return Acted(asked)
    effect, after = asked
    return Acted(Reason.REFUND_REQUESTED, (effect,), (AccountWrite(charge_id, after),))


def _named(action: CareAction) -> Iterator[Evidence]:
    """All that is known of a charge that is not remembered: what it was called."""
    if action.order_id:
        yield Evidence("orders.v1", action.order_id)
    if action.charge_id:
        yield Evidence("charges.approved.v1", action.charge_id)


def _evidence(msisdn: str, charge_id: str, account: ChargeAccount) -> Iterator[Evidence]:
    """The records that explain a charge (law 12), in the order they came."""
    base = base_id(msisdn, account.order_id)
    yield Evidence("orders.v1", account.order_id)
    if account.prompt_id is not None:
        yield Evidence("messages.v1", MESSAGE + account.prompt_id.removeprefix(PROMPT))
    if account.reply_id is not None:
        yield Evidence("replies.v1", account.reply_id)
    yield Evidence("charges.approved.v1", charge_id)
    yield Evidence("verdicts.v1", VERDICT + base)
    if account.receipt:
        yield Evidence("messages.v1", RECEIPT + base)
    for settlement_id in account.settlement_ids:
        yield Evidence("settlements.v1", settlement_id)
    for refund in account.refunds:
        # What billing gave back on its own bears its settlement's id.
        if refund.refund_id not in account.settlement_ids:
            yield Evidence("refunds.v1", refund.refund_id)
