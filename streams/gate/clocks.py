"""A complaint waits for its answer: an alarm at each instant of its clock (72 h, DESIGN §5)."""

from typing import NamedTuple

from streams.gate.decision import KEEP, ComplaintWrite, Decision, Remembered
from streams.gate.effects import Alarm
from streams.gate.facts import Facts
from streams.gate.ids import alarm_of, shown
from streams.gate.keys import clock_token
from streams.gate.words import AlarmKind, Channel, Reason, State

_HOUR_MS = 3_600_000


class Overdue(NamedTuple):
    """An instant of a complaint's clock has come: the watermark has passed it."""

    msisdn: str
    complaint_id: str
    due_at: int


def remind(remembered: Remembered, event: Overdue, facts: Facts) -> Decision | None:
    """Raise the alarm of an unanswered complaint; None when it was answered or closed."""
    complaint = remembered.complaint
    if complaint is None or complaint.answered_at is not None:
        return None
    if event.due_at not in complaint.alarms_at:
        return None
    left = tuple(at for at in complaint.alarms_at if at > event.due_at)
    hours = (event.due_at - complaint.opened_at) // _HOUR_MS
    last = "its deadline has passed" if not left else "it still waits"
    alarm = Alarm(
        alarm_of(f"{event.msisdn}|{event.complaint_id}|{event.due_at}"),
        AlarmKind.OVERDUE,
        f"complaint {shown(event.complaint_id, event.msisdn)}",
        f"opened {hours} h ago and not answered; {last}",
        facts.at,
    )
    token = clock_token(event.msisdn, event.complaint_id)
    return Decision(
        Reason.COMPLAINT_OVERDUE,
        State.UNKNOWN,
        State.UNKNOWN,
        None,  # rule
        complaint.order_id,
        None,  # prompt_id
        complaint.charge_id,
        event.complaint_id,
        Channel.UNKNOWN,
        complaint.province,
        complaint.provider_id,
        complaint.service_id,
        None,  # price_minor
        KEEP,
        KEEP,
        KEEP,
        (alarm,),
        tuple((at, token) for at in left[:1]),
        (ComplaintWrite(event.complaint_id, complaint._replace(alarms_at=left)),),
    )
