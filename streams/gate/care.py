"""Customer care acts for a subscriber: looks, revokes, gives a number away, hears complaints, gives
money back.

The law of this file: an action that lacks what it needs is set aside and not remembered; one that
cannot be done says why and changes nothing.
"""

from streams.gate import days
from streams.gate.closing import close
from streams.gate.complaints import (
    Acted,
    answer_complaint,
    give_back,
    open_complaint,
    reject_complaint,
    uphold_complaint,
)
from streams.gate.decision import KEEP, Decision, Keep, Remembered
from streams.gate.events import CareAction
from streams.gate.facts import Facts
from streams.gate.ids import charge_named, complaint_name, note_digest
from streams.gate.repeats import NEGATIVE_AMOUNT, TurnedAway, dead_letter, turned_away
from streams.gate.rows import Seen
from streams.gate.words import CareKind, Channel, Reason, RefundReason, State

CARE_INCOMPLETE = "care_incomplete"

_ABOUT_A_CHARGE = (CareKind.COMPLAIN, CareKind.REFUND)
_ABOUT_A_COMPLAINT = (CareKind.ANSWER, CareKind.UPHOLD, CareKind.REJECT)


def act(remembered: Remembered, action: CareAction, facts: Facts) -> Decision:
    """Decide what customer care does."""
    if fault := _fault(action):
        return _decision(remembered, action, KEEP, Acted(fault.reason, fault.effects))
    digest = note_digest(action)
    away = turned_away(facts, remembered.seen, digest, action.acted_at, action.msisdn)
    if away is not None:
        return _decision(remembered, action, KEEP, Acted(away.reason, away.effects))
    seen = Seen(digest, facts.day_of(facts.at))
    return _decision(remembered, action, seen, _acted(remembered, action, facts))


def _fault(action: CareAction) -> TurnedAway | None:
    """What keeps an action from being meant."""
    kind, amount = action.kind, action.amount_minor
    if amount is not None and amount <= 0:
        return dead_letter(NEGATIVE_AMOUNT, f"its amount {amount} is not more than nothing")
    if kind is CareKind.UNKNOWN:
        return dead_letter(CARE_INCOMPLETE, "its kind is none that this version knows")
    if kind in _ABOUT_A_CHARGE and charge_named(action) is None:
        return dead_letter(CARE_INCOMPLETE, f"a {kind} must name a charge or an order")
    if kind in _ABOUT_A_COMPLAINT and not action.complaint_id:
        return dead_letter(CARE_INCOMPLETE, f"{kind} must name a complaint")
    return None


def _acted(remembered: Remembered, action: CareAction, facts: Facts) -> Acted:
    """Do what the action says."""
    match action.kind:
        case CareKind.LOOK:
            return Acted(Reason.NOTED)
        case CareKind.REVOKE:
            return _revoke(remembered, action, facts)
        case CareKind.RELEASE:
            return _release(remembered, action, facts)
        case CareKind.COMPLAIN:
            return open_complaint(remembered, action, facts)
        case CareKind.REFUND:
            return _refund(remembered, action, facts)
    complaint = remembered.complaint
    if complaint is None:
        return Acted(Reason.COMPLAINT_UNKNOWN)
    match action.kind:
        case CareKind.ANSWER:
            return answer_complaint(complaint, action, facts)
        case CareKind.UPHOLD:
            return uphold_complaint(complaint, remembered.account, action, facts)
    assert action.kind is CareKind.REJECT, "every kind has been asked for"
    return reject_complaint(action)


def _refund(remembered: Remembered, action: CareAction, facts: Facts) -> Acted:
    """Give back what the action says, or all that is left of the charge."""
    account, charge_id = remembered.account, charge_named(action)
    assert charge_id is not None, "an action that names no charge is set aside before"
    if account is None:
        return Acted(Reason.CHARGE_UNKNOWN)
    return give_back(account, charge_id, action, RefundReason.CARE, facts)


def _revoke(remembered: Remembered, action: CareAction, facts: Facts) -> Acted:
    """Take back what was granted and asked, of one service or of all."""
    known = remembered.subscriber
    if known is None:
        return Acted(Reason.NOTHING_TO_REVOKE)
    closed = close(
        remembered.others, known, facts, action.msisdn, action.service_id, Reason.DECLINED
    )
    if not closed.found:
        return Acted(Reason.NOTHING_TO_REVOKE)
    # It is no answer to what was asked: the next order is asked about, whatever the policy does
    # after a no.
    after = closed.subscriber._replace(days=known.days)
    return Acted(Reason.REVOKED, closed.effects, closed.writes, subscriber=days.kept(after))


def _release(remembered: Remembered, action: CareAction, facts: Facts) -> Acted:
    """Let nothing of the owner before carry over; charges and complaints stay to be settled."""
    known = remembered.subscriber or days.NOBODY
    closed = close(remembered.others, known, facts, action.msisdn, None, Reason.NUMBER_RELEASED)
    released_at = max(action.acted_at, known.released_at or action.acted_at)
    return Acted(
        Reason.RELEASED,
        closed.effects,
        closed.writes,
        subscriber=days.NOBODY._replace(released_at=released_at, releases=known.releases + 1),
    )


def _decision(
    remembered: Remembered, action: CareAction, seen: Seen | Keep, acted: Acted
) -> Decision:
    """The decision, told of the complaint and the charge as far as they are known."""
    account, complaint = remembered.account, remembered.complaint
    opened = acted.reason is Reason.COMPLAINT_OPENED
    charge_id = charge_named(action)
    if complaint is not None and action.kind in _ABOUT_A_COMPLAINT:
        charge_id = complaint.charge_id or charge_id
    return Decision(
        acted.reason,
        State.UNKNOWN,
        State.UNKNOWN,
        None,  # rule
        action.order_id if account is None else account.order_id,
        None if account is None else account.prompt_id,
        charge_id,
        complaint_name(action) if opened else action.complaint_id,
        Channel.UNKNOWN if account is None else account.channel,
        action.province if account is None else account.province,
        None if account is None else account.provider_id,
        action.service_id if account is None else account.service_id,
        None if account is None else account.price_minor,
        seen,
        KEEP,
        acted.subscriber,
        acted.effects,
        acted.wake,
        acted.writes,
        None,  # would_ask
        acted.evidence,
    )
