"""Which rows an event is decided on, beyond its own id and its subscriber's row.

The shell reads the rows in this order, because each question may need the answer before: the
complaint, the charge's account, the service day, the other service days. Deciding asks the same
questions again where it must.
"""

from typing import NamedTuple

from streams.gate.clarifying import to_clarify
from streams.gate.clocks import Overdue
from streams.gate.events import CareAction, DeliveryReport, Order, Reply, Settlement
from streams.gate.facts import Facts
from streams.gate.ids import charge_named, complaint_name
from streams.gate.lapses import Lapse
from streams.gate.reading import Wish
from streams.gate.replies import Answered, locate
from streams.gate.rows import ChargeAccount, Complaint, Subscriber
from streams.gate.wishes import undoable
from streams.gate.words import CareKind, Channel, Keyword, Reason

Event = Order | Reply | Lapse | Overdue | DeliveryReport | Settlement | CareAction
Place = tuple[int, str]  # day and service


class OfReply(NamedTuple):
    """What a reply's decision depends on."""

    charge_id: str | None
    service_day: Place | None
    others: tuple[Place, ...]


DUE = (Lapse, Overdue)  # that are no records: nothing repeats them

_NAMING = (CareKind.COMPLAIN, CareKind.REFUND)  # that say themselves which charge they mean
_CLOSING = (CareKind.REVOKE, CareKind.RELEASE)


def complaint_of(event: Event) -> str | None:
    """The complaint that an event is about."""
    match event:
        case Overdue():
            return event.complaint_id
        case CareAction() if event.complaint_id or event.kind is CareKind.COMPLAIN:
            return complaint_name(event)
    return None


def charge_of(event: Event, complaint: Complaint | None) -> str | None:
    """The charge that an event is about."""
    match event:
        case Settlement():
            return event.charge_id
        case CareAction():
            about = None if complaint is None else complaint.charge_id
            named = charge_named(event)
            return named if event.kind in _NAMING else about or named
    return None


def service_day_of(event: Event, account: ChargeAccount | None, facts: Facts) -> Place | None:
    """The service day that an event concerns, if it is one."""
    match event:
        case Order():
            return facts.day_of(event.ordered_at), event.service_id
        case Lapse():
            return event.day, event.service_id
        case Settlement() if account is not None:
            return account.day, account.service_id
    return None


def of_reply(reply: Reply, known: Subscriber | None, facts: Facts) -> OfReply:
    """What a reply's decision depends on: the prompt that it answers, or what it asks for."""
    match locate(reply, known, facts):
        case Answered(ref=ref):
            return OfReply(None, (ref.day, ref.service_id), ())
        case Wish(keyword=keyword) if known is not None and facts.policy is not None:
            match keyword:
                case Keyword.LIST:
                    today = facts.policy.day_of(reply.received_at)
                    return OfReply(None, None, tuple(p for p in places(known) if p[0] == today))
                case Keyword.CANCEL:
                    return OfReply(None, None, places(known))
                case Keyword.UNDO:
                    last = undoable(known, reply, facts.policy)
                    return OfReply(None if last is None else last.charge_id, None, ())
        case Reason.AMBIGUOUS if reply.channel is not Channel.IVR:
            refs = to_clarify(reply, known)
            return OfReply(None, None, tuple((ref.day, ref.service_id) for ref in refs))
    return OfReply(None, None, ())


def others_of(event: Event, known: Subscriber | None) -> tuple[Place, ...]:
    """Every service day that an event may close, in the order of day and listing."""
    if known is None:
        return ()
    if isinstance(event, CareAction) and event.kind in _CLOSING:
        return places(known)
    return ()


def places(known: Subscriber) -> tuple[Place, ...]:
    """Every service day that a subscriber's row knows of, each once."""
    counted = ((each.day, total.service_id) for each in known.days for total in each.services)
    asked = ((ref.day, ref.service_id) for ref in known.prompts)
    return tuple(dict.fromkeys((*counted, *asked)))
