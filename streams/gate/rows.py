"""The rows of state, field for field their Avro schemas. Immutable: a change makes a new row.

Times are UTC in milliseconds since the epoch, days are days since the epoch, money is integer
minor units. Enums are `streams.gate.words`.
"""

from typing import NamedTuple

from streams.gate.words import Channel, Confirmation, SettlementOutcome


class Grant(NamedTuple):
    """What one yes covers."""

    prompt_id: str
    reply_id: str
    consented_at: int
    confirmation: Confirmation
    price_minor: int
    currency: str
    count_left: int
    amount_left_minor: int


class Waiting(NamedTuple):
    """An order that waits on a prompt."""

    order_id: str
    ordered_at: int
    province: str
    rule: str  # the policy's rule that asked


class OpenPrompt(NamedTuple):
    """A prompt that has been neither answered nor lapsed."""

    prompt_id: str
    channel: Channel
    call_id: str | None
    provider_id: str
    price_minor: int
    currency: str
    confirmation: Confirmation
    issued_at: int
    expires_at: int
    due_at: int  # expires_at plus the grace in force when it was issued
    grant_count_max: int
    grant_amount_max_minor: int
    waiting: tuple[Waiting, ...]  # in the order taken; the first was asked about
    code: str  # what names this prompt in a reply; for voice the digit, if one is asked for
    code_required: bool
    receipt: bool  # a receipt follows each charge
    call_count_max: int
    call_amount_max_minor: int


class ServiceDay(NamedTuple):
    """The record of one subscriber, service and operator-local day: what was asked, what waits,
    what was granted and used.
    """

    grant: Grant | None
    prompts: tuple[OpenPrompt, ...]
    # what a yes to the first prompt would have covered, had SHADOW been in force
    shadow: Grant | None


class PromptRef(NamedTuple):
    """Where an open prompt is."""

    day: int
    service_id: str
    prompt_id: str
    channel: Channel
    call_id: str | None
    issued_at: int
    expires_at: int
    due_at: int
    code: str
    code_required: bool


class ServiceTotal(NamedTuple):
    """One service of the day; its place in the list is its number in a listing."""

    service_id: str
    charges: int  # approved and not failed
    amount_minor: int
    currency: str
    declined: bool  # the subscriber said no to it
    receipt_at: int  # when the last receipt was sent; 0: never


class Spent(NamedTuple):
    """Money of one currency."""

    currency: str
    amount_minor: int  # approved and not failed
    noticed: bool  # the subscriber was told of half of the limit


class CallTotal(NamedTuple):
    """What was charged in one call."""

    call_id: str
    charges: int
    amount_minor: int


class SubscriberDay(NamedTuple):
    """What one operator-local day has brought a subscriber, across providers."""

    day: int
    prompts: int  # that were sent
    shadow_prompts: int  # that would have been sent, had SHADOW been in force
    codes: tuple[str, ...]  # reply codes given out
    services: tuple[ServiceTotal, ...]
    spent: tuple[Spent, ...]
    calls: tuple[CallTotal, ...]  # the last ones; a phone is in one call at a time


class LastCharge(NamedTuple):
    """What an undo would take back."""

    charge_id: str
    approved_at: int


class Subscriber(NamedTuple):
    """Which prompts of a subscriber are open, so that a reply finds its prompt, and what the last
    days have brought. Forgotten when empty.
    """

    prompts: tuple[PromptRef, ...]
    days: tuple[SubscriberDay, ...]  # in the order of their days; days past the horizon are dropped
    province: str  # of the last order; says the language
    clarified: bool  # a CLARIFY was sent while these prompts are open
    last_charge: LastCharge | None
    released_at: int | None  # the number has had another owner since; orders before it are refused
    releases: int  # how often the number was given to somebody else, as far as this row remembers


class Refund(NamedTuple):
    """Money given back or on its way."""

    refund_id: str
    amount_minor: int
    outcome: SettlementOutcome  # UNKNOWN: under way; REFUNDED or FAILED
    complaint_id: str | None


class ChargeAccount(NamedTuple):
    """What became of an approved charge: settled or failed, refunds and refunds under way."""

    order_id: str
    provider_id: str
    service_id: str
    day: int
    channel: Channel
    province: str
    price_minor: int
    currency: str
    prompt_id: str | None  # the grant it was charged by
    reply_id: str | None
    call_id: str | None
    receipt: bool  # a receipt was sent
    approved_at: int
    settled: SettlementOutcome  # UNKNOWN: billing has not answered yet; CHARGED or FAILED
    settlement_ids: tuple[str, ...]  # in the order taken
    refunds: tuple[Refund, ...]
    releases: int  # the subscriber's when it was approved: it counts in no later owner's day


class Complaint(NamedTuple):
    """An open complaint with its clock. Forgotten when it is closed."""

    charge_id: str | None
    order_id: str | None
    category: str | None
    province: str | None
    provider_id: str | None
    service_id: str | None
    opened_at: int
    answered_at: int | None  # from then on the clock stands still
    alarms_at: tuple[int, ...]  # instants at which alarms are still to be raised, in their order


class Seen(NamedTuple):
    """An event that has been taken, by its id: a repetition is recognised, other content under the
    same id is a conflict (law 2).
    """

    digest: bytes
    day: int  # operator-local day of its record; forgotten when the horizon has passed
