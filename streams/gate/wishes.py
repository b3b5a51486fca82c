"""What a subscriber asks of the one number besides answering: a list, a cancellation, an undo.

The words of DESIGN §5 and the policy's keywords; what was charged is changed by an undo only, and
only by asking billing for a refund.
"""

from streams.gate import refunds
from streams.gate.closing import close
from streams.gate.days import day_of, kept
from streams.gate.decision import KEEP, AccountWrite, Changes, Effect, Remembered
from streams.gate.events import Reply
from streams.gate.facts import Facts
from streams.gate.ids import REFUND, event_base
from streams.gate.listing import list_day
from streams.gate.policy import PolicyInForce
from streams.gate.reading import Wish
from streams.gate.rows import LastCharge, Seen, ServiceDay, Subscriber
from streams.gate.words import Keyword, Reason, RefundReason


def fulfil(
    remembered: Remembered, reply: Reply, wish: Wish, facts: Facts, seen: Seen
) -> tuple[Reason, Changes]:
    """Do what a subscriber asks for."""
    policy = facts.policy
    assert policy is not None, "a text is read under a policy only"
    match wish.keyword:
        case Keyword.LIST:
            listing = list_day(
                facts, policy, reply, remembered.subscriber, _rows(remembered, reply, policy)
            )
            return Reason.LISTED, Changes(seen, KEEP, KEEP, listing, ())
        case Keyword.CANCEL:
            return _cancel(remembered, reply, wish.number, facts, policy, seen)
        case Keyword.UNDO:
            return _undo(remembered, reply, facts, policy, seen)
    raise AssertionError("a policy with a keyword that is not known is not taken")


def undoable(known: Subscriber | None, reply: Reply, policy: PolicyInForce) -> LastCharge | None:
    """The charge that an undo would take back; None when its time is over."""
    last, undo_ms = None if known is None else known.last_charge, policy.record.undo_ms
    if last is None or undo_ms == 0 or reply.received_at >= last.approved_at + undo_ms:
        return None
    return last


def _rows(
    remembered: Remembered, reply: Reply, policy: PolicyInForce
) -> dict[str, ServiceDay | None]:
    """The rows of the day on which a reply was received, by service."""
    today = policy.day_of(reply.received_at)
    return {each.service_id: each.row for each in remembered.others if each.day == today}


def _cancel(
    remembered: Remembered,
    reply: Reply,
    number: int | None,
    facts: Facts,
    policy: PolicyInForce,
    seen: Seen,
) -> tuple[Reason, Changes]:
    """Take back what was granted and asked, of all services or of one of the day's list."""
    nothing = (Reason.NOTHING_TO_CANCEL, Changes(seen, KEEP, KEEP, (), ()))
    known = remembered.subscriber
    if known is None:
        return nothing
    service_id = None
    if number is not None:
        services = day_of(known, policy.day_of(reply.received_at)).services
        if not 1 <= number <= len(services):
            return nothing
        service_id = services[number - 1].service_id
    closed = close(remembered.others, known, facts, reply.msisdn, service_id, Reason.DECLINED)
    if not closed.found:
        return nothing
    gone = {(each.day, each.service_id): each for each in closed.writes}
    others = tuple(gone.get((each.day, each.service_id), each) for each in remembered.others)
    rows = _rows(remembered._replace(others=others), reply, policy)
    listing = list_day(facts, policy, reply, closed.subscriber, rows)
    effects: tuple[Effect, ...] = (*closed.effects, *listing)
    after = kept(closed.subscriber)
    return Reason.CANCELLED, Changes(seen, KEEP, after, effects, (), closed.writes)


def _undo(
    remembered: Remembered, reply: Reply, facts: Facts, policy: PolicyInForce, seen: Seen
) -> tuple[Reason, Changes]:
    """Ask billing to give back what is left of the last charge."""
    nothing = (Reason.NOTHING_TO_UNDO, Changes(seen, KEEP, KEEP, (), ()))
    known, account = remembered.subscriber, remembered.account
    last = undoable(known, reply, policy)
    if known is None or last is None or account is None:
        return nothing
    asked = refunds.request(
        account,
        last.charge_id,
        reply.msisdn,
        None,  # all that is left
        RefundReason.UNDO,
        None,  # complaint_id
        REFUND + event_base(reply),
        facts.at,
    )
    if isinstance(asked, Reason):
        return nothing
    refund, after = asked
    changed = kept(known._replace(last_charge=None))
    write = AccountWrite(last.charge_id, after)
    return Reason.UNDONE, Changes(seen, KEEP, changed, (refund,), (), (write,))
