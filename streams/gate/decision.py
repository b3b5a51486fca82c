"""What deciding takes and gives: the rows remembered, and the Decision.

A Decision is everything the shell has to do, and nothing else happens: rows to write, effects to
send, instants to wake at, and what the record of the decision says.
"""

from enum import Enum
from typing import Final, NamedTuple, TypeAlias

from streams.gate.effects import (
    Alarm,
    Charge,
    DeadLetter,
    Evidence,
    Message,
    RefundRequest,
    Verdict,
)
from streams.gate.rows import ChargeAccount, Complaint, Seen, ServiceDay, Subscriber
from streams.gate.words import Channel, Reason, State

Effect: TypeAlias = Message | Charge | Verdict | RefundRequest | Alarm | DeadLetter


class Keep(Enum):
    """Says of a row that it stays as it is; None says that it is deleted."""

    KEEP = "keep"


KEEP: Final = Keep.KEEP


class OtherDay(NamedTuple):
    """Another service day of the same subscriber: as it is remembered, or as it shall be."""

    day: int
    service_id: str
    row: ServiceDay | None


class AccountWrite(NamedTuple):
    """A charge's account, as it shall be."""

    charge_id: str
    row: ChargeAccount


class ComplaintWrite(NamedTuple):
    """A complaint, as it shall be; None when it is closed."""

    complaint_id: str
    row: Complaint | None


Write: TypeAlias = OtherDay | AccountWrite | ComplaintWrite


class Remembered(NamedTuple):
    """The rows that an event is decided on; None where there is none, or none is concerned."""

    seen: Seen | None
    service_day: ServiceDay | None
    subscriber: Subscriber | None
    account: ChargeAccount | None = None
    """Of the charge that a settlement, an undo, a care action or a complaint is about."""
    complaint: Complaint | None = None
    others: tuple[OtherDay, ...] = ()
    """Every service day that is open or granted on the subscriber's days, for what may close
    several of them at once (a cancellation, a revocation, a released number) or lists them."""


class Changes(NamedTuple):
    """What a decision writes and sends."""

    seen: Seen | Keep
    service_day: ServiceDay | Keep | None
    subscriber: Subscriber | Keep | None
    effects: tuple[Effect, ...]
    wake: tuple[tuple[int, bytes], ...]
    writes: tuple[Write, ...] = ()


class Decision(NamedTuple):
    """The gate's answer to one event. Rows are changed under the keys they were read by."""

    reason: Reason
    before: State  # of the service day; UNKNOWN when the event concerns no one service day
    after: State
    rule: str | None  # name of the policy's rule that matched
    order_id: str | None
    prompt_id: str | None
    charge_id: str | None
    complaint_id: str | None
    channel: Channel
    province: str | None
    provider_id: str | None
    service_id: str | None
    price_minor: int | None
    seen: Seen | Keep
    service_day: ServiceDay | Keep | None
    subscriber: Subscriber | Keep | None
    effects: tuple[Effect, ...]
    wake: tuple[tuple[int, bytes], ...]  # (instant of the watermark, token): see keys.due_token
    writes: tuple[Write, ...] = ()  # rows beside the three above
    would_ask: str | None = None  # under SHADOW: what would have been asked
    evidence: tuple[Evidence, ...] = ()  # a complaint's


def state_of(row: ServiceDay | None) -> State:
    """The state of a service day: is something granted, is something asked."""
    if row is None:
        return State.FRESH
    if row.grant is None:
        return State.ASKED if row.prompts else State.FRESH
    return State.GRANTED_ASKED if row.prompts else State.GRANTED
