"""What goes out, one class a topic: field for field the Avro schema of its topic.

Times are UTC in milliseconds since the epoch, days are days since the epoch, money is integer
minor units. Enums are `streams.gate.words`.
"""

from typing import NamedTuple

from streams.gate.words import (
    AlarmKind,
    Channel,
    Confirmation,
    Encoding,
    MessageKind,
    Outcome,
    Reason,
    RefundReason,
)


class Variable(NamedTuple):
    """A value spoken in a voice prompt."""

    name: str
    value: str


class Message(NamedTuple):
    """What is sent to the subscriber, always from the one number. A centre that gets one past
    expires_at drops it and reports EXPIRED.
    """

    message_id: str
    msisdn: str  # E.164 digits without '+'; equals the record's key
    province: str
    kind: MessageKind
    channel: Channel
    sender: str
    text: str  # empty for a voice prompt
    voice_prompt_id: str | None  # which recording the IVR platform plays
    variables: tuple[Variable, ...]
    language: str
    encoding: Encoding
    segments: int  # SMS segments; 0 for voice
    order_id: str | None
    prompt_id: str | None
    charge_id: str | None
    call_id: str | None
    provider_id: str | None
    template_version: str  # policy_id/version
    reply_code: str | None
    issued_at: int  # UTC; a prompt's life begins
    expires_at: int  # UTC; a prompt's life has ended at this very instant


class Charge(NamedTuple):
    """Billing may take the money, once per charge_id."""

    charge_id: str
    order_id: str
    msisdn: str  # E.164 digits without '+'; equals the record's key
    provider_id: str
    service_id: str
    charge_code: str
    channel: Channel
    price_minor: int  # minor units of the currency (fen, cents)
    currency: str  # ISO 4217 code
    province: str
    day: int  # operator-local day of ordered_at
    confirmation: Confirmation
    prompt_id: str | None  # the prompt that was answered
    reply_id: str | None  # the yes
    policy_id: str
    policy_version: int
    ordered_at: int  # UTC
    consented_at: int | None  # received_at of the yes; null when none was asked
    approved_at: int  # UTC; time of the event that approved it


class Verdict(NamedTuple):
    """What the provider is told about an order: exactly one per readable order."""

    verdict_id: str
    order_id: str
    msisdn: str  # E.164 digits without '+'; equals the record's key
    provider_id: str
    service_id: str
    outcome: Outcome
    reason: Reason
    decided_at: int  # UTC


class RefundRequest(NamedTuple):
    """Billing gives money back, once per refund_id. All requests of a charge together never exceed
    it.
    """

    refund_id: str
    charge_id: str
    msisdn: str  # E.164 digits without '+'; equals the record's key
    amount_minor: int  # minor units of the currency (fen, cents)
    currency: str  # ISO 4217 code
    complaint_id: str | None
    reason: RefundReason
    requested_at: int  # UTC; time of the event that asked for it


class Alarm(NamedTuple):
    """Something an operator must look at."""

    alarm_id: str
    kind: AlarmKind
    subject: str  # what it is about; never a whole number
    detail: str
    raised_at: int  # UTC


class Evidence(NamedTuple):
    """A record that bears on a complaint's charge; named in the decision that opens it."""

    topic: str  # catalogue name, without prefix
    id: str


class DeadLetter(NamedTuple):
    """Asks the shell to write the original record, untouched, to the dead letters."""

    cause: str  # a stable word; counted by it
    detail: str  # a sentence for people; never a whole number


def effect_id(effect: Message | Charge | Verdict | RefundRequest | Alarm) -> str:
    """The id of a record that goes out: the first field of each."""
    return effect[0]
