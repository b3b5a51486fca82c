"""What comes in from outside, one class a topic: field for field the Avro schema of its topic.

Times are UTC in milliseconds since the epoch, days are days since the epoch, money is integer
minor units. Enums are `streams.gate.words`.
"""

from typing import NamedTuple

from streams.gate.words import CareKind, Channel, DeliveryStatus, SettlementOutcome


class Order(NamedTuple):
    """A subscriber asks for a service. Written by the message centres."""

    # LinkID, minted by the operator's centre, never by the provider; unique per msisdn
    order_id: str
    msisdn: str  # E.164 digits without '+'; equals the record's key
    provider_id: str
    service_id: str
    channel: Channel
    # minor units of the currency (fen, cents); the price the subscriber was told; not negative
    price_minor: int
    currency: str  # ISO 4217 code
    province: str  # the subscriber's home province, as in the policy's rules
    ordered_at: int  # UTC; decides the operator-local day
    source: str  # name of the centre that publishes
    call_id: str | None  # the call, for IVR; null otherwise


class Reply(NamedTuple):
    """The subscriber answers. Written by the SMSC and the IVR platform."""

    reply_id: str  # unique per msisdn
    msisdn: str  # E.164 digits without '+'; equals the record's key
    channel: Channel
    to: str  # the number that was replied to
    text: str  # the message as typed, or the DTMF digits
    received_at: int  # UTC; judged against the prompt's life
    call_id: str | None  # the call, for IVR; null otherwise


class DeliveryReport(NamedTuple):
    """What became of a message. Written by the SMSC (with pacing on, also the dispatcher)."""

    report_id: str
    message_id: str
    msisdn: str  # E.164 digits without '+'; equals the record's key
    status: DeliveryStatus
    reported_at: int  # UTC


class Settlement(NamedTuple):
    """What billing answers to an approved charge or a refund request."""

    settlement_id: str
    charge_id: str
    refund_id: str | None  # set when this settles a refund
    msisdn: str  # E.164 digits without '+'; equals the record's key
    outcome: SettlementOutcome
    amount_minor: int  # minor units of the currency (fen, cents); not negative
    currency: str  # ISO 4217 code
    reason: str | None  # billing's own words for a failure
    settled_at: int  # UTC


class CareAction(NamedTuple):
    """What customer care does for a subscriber."""

    action_id: str
    msisdn: str  # E.164 digits without '+'; equals the record's key
    kind: CareKind
    complaint_id: str | None
    charge_id: str | None
    order_id: str | None
    category: str | None
    text: str | None
    amount_minor: int | None  # minor units of the currency (fen, cents)
    province: str | None
    agent: str  # who acts
    reason: str  # why the number was looked at
    acted_at: int  # UTC
    service_id: str | None  # REVOKE: only this service's grant


class Tick(NamedTuple):
    """Time, as an event: about one a second to each partition. Repeated ticks are harmless."""

    tick_id: str
    at: int  # the writer's clock, UTC; the gate's time is the record's timestamp
