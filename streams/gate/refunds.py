"""Giving money back: asked for at most once an id, and never more than the charge (DESIGN §5).

What is under way counts as given back until billing says that it failed; then it is free again. A
charge that billing could not take has nothing left to give back.
"""

from streams.gate.effects import RefundRequest
from streams.gate.rows import ChargeAccount, Refund
from streams.gate.words import Reason, RefundReason, SettlementOutcome


def left(account: ChargeAccount) -> int:
    """What of a charge has neither been given back nor is on its way, in minor units."""
    if account.settled is SettlementOutcome.FAILED:
        return 0
    gone = (
        refund.amount_minor
        for refund in account.refunds
        if refund.outcome is not SettlementOutcome.FAILED
    )
    return account.price_minor - sum(gone)


def refund_of(account: ChargeAccount, refund_id: str) -> Refund | None:
    """The refund of that id."""
    return next((each for each in account.refunds if each.refund_id == refund_id), None)


def request(
    account: ChargeAccount,
    charge_id: str,
    msisdn: str,
    amount_minor: int | None,
    reason: RefundReason,
    complaint_id: str | None,
    refund_id: str,
    at: int,
) -> tuple[RefundRequest, ChargeAccount] | Reason:
    """Ask billing to give back an amount, or all that is left; or why it is not asked.

    The account outlives the memory of events, so that what asked long ago does not ask again.
    """
    if refund_of(account, refund_id) is not None:
        return Reason.REPEATED
    rest = left(account)
    if rest <= 0:
        return Reason.NOTHING_TO_REFUND
    amount = rest if amount_minor is None else amount_minor
    assert amount > 0, "an amount that is not positive is set aside before"
    if amount > rest:
        return Reason.REFUND_EXCEEDS
    asked = RefundRequest(
        refund_id, charge_id, msisdn, amount, account.currency, complaint_id, reason, at
    )
    under_way = Refund(refund_id, amount, SettlementOutcome.UNKNOWN, complaint_id)
    return asked, account._replace(refunds=(*account.refunds, under_way))


def settled(account: ChargeAccount, done: Refund) -> ChargeAccount:
    """The account after billing has answered a refund under way, or gave back on its own."""
    if refund_of(account, done.refund_id) is None:
        return account._replace(refunds=(*account.refunds, done))
    refunds = tuple(done if each.refund_id == done.refund_id else each for each in account.refunds)
    return account._replace(refunds=refunds)
