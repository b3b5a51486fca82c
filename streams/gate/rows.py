"""The rows of state, field for field their Avro schemas. Immutable: a change makes a new row.

Times are UTC in milliseconds since the epoch, days are days since the epoch, money is integer
minor units. Enums are `streams.gate.words`.
"""

from typing import NamedTuple

from streams.gate.words import Channel, Confirmation


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


class ServiceDay(NamedTuple):
    """The record of one subscriber, service and operator-local day: what was asked, what waits,
    what was granted and used.
    """

    grant: Grant | None
    prompts: tuple[OpenPrompt, ...]


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


class Subscriber(NamedTuple):
    """Which prompts of a subscriber are open, so that a reply finds its prompt. Forgotten when
    empty.
    """

    prompts: tuple[PromptRef, ...]


class Seen(NamedTuple):
    """An event that has been taken, by its id: a repetition is recognised, other content under the
    same id is a conflict (law 2).
    """

    digest: bytes
    day: int  # operator-local day of its record; forgotten when the horizon has passed
