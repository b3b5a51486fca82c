"""Opening and closing prompts: the message, the row of the service day and the subscriber's.

A prompt is kept twice: whole in its service day, and as a reference in its subscriber's row, so
that a reply finds it. Both are made and dropped here, together.
"""

from typing import NamedTuple

from streams.gate.days import NOBODY, kept
from streams.gate.effects import Message
from streams.gate.facts import Facts
from streams.gate.ids import MESSAGE
from streams.gate.keys import due_token
from streams.gate.policy import PolicyInForce
from streams.gate.prompts import prompt_channel
from streams.gate.rows import Grant, OpenPrompt, PromptRef, ServiceDay, Subscriber
from streams.gate.words import Channel, MessageKind


class Asked(NamedTuple):
    """What opening a prompt leads to."""

    message: Message
    ref: PromptRef
    wake: tuple[int, bytes]


def askable(
    facts: Facts,
    policy: PolicyInForce,
    channel: Channel,
    province: str,
    service_id: str,
    price_minor: int,
    currency: str,
    life_ms: int,
) -> bool:
    """Whether a subscriber can be asked about an order within one segment (law 6).

    `reference apply` sees to it; names that outgrew their template, or a policy that dropped one,
    can still reach the topics.
    """
    spoken = prompt_channel(channel)
    if not policy.can_ask(spoken, province):
        return False
    words = facts.catalogue.prompt(
        policy, spoken, province, service_id, price_minor, currency, life_ms
    )
    return words.segments <= 1


def announce(
    facts: Facts, policy: PolicyInForce, msisdn: str, day: int, service_id: str, prompt: OpenPrompt
) -> Asked:
    """Ask the subscriber about the first order that waits on a prompt.

    The message goes out as SMS for SMS and MMS orders, because any handset can answer that, and as
    a voice prompt in the order's own call; the row keeps the order's channel.
    """
    first = prompt.waiting[0]
    life_ms = prompt.expires_at - prompt.issued_at
    words = facts.catalogue.prompt(
        policy,
        prompt_channel(prompt.channel),
        first.province,
        service_id,
        prompt.price_minor,
        prompt.currency,
        life_ms,
    )
    message = Message(
        MESSAGE + prompt.prompt_id[2:],
        msisdn,
        first.province,
        MessageKind.PROMPT,
        words.channel,
        policy.sender,
        words.text,
        words.voice_prompt_id,
        words.variables,
        words.language,
        words.encoding,
        words.segments,
        first.order_id,
        prompt.prompt_id,
        None,  # charge_id
        prompt.call_id,
        prompt.provider_id,
        policy.template_version,
        None,  # reply_code
        prompt.issued_at,
        prompt.expires_at,
    )
    ref = PromptRef(
        day,
        service_id,
        prompt.prompt_id,
        prompt.channel,
        prompt.call_id,
        prompt.issued_at,
        prompt.expires_at,
        prompt.due_at,
        prompt.code,
        prompt.code_required,
    )
    token = due_token(day, msisdn, service_id, prompt.prompt_id)
    return Asked(message, ref, (prompt.due_at, token))


def without_prompt(row: ServiceDay, prompt_id: str) -> tuple[OpenPrompt, ...]:
    """The prompts of a service day that stay open when one closes."""
    return tuple(prompt for prompt in row.prompts if prompt.prompt_id != prompt_id)


def without_ref(row: Subscriber | None, prompt_id: str) -> tuple[PromptRef, ...]:
    """A subscriber's references that stay when a prompt closes."""
    assert row is not None, "an open prompt has a reference in its subscriber's row"
    return tuple(ref for ref in row.prompts if ref.prompt_id != prompt_id)


def service_day(
    grant: Grant | None, prompts: tuple[OpenPrompt, ...], shadow: Grant | None
) -> ServiceDay | None:
    """A service day's row; None when it would say nothing."""
    row = ServiceDay(grant, prompts, shadow)
    return None if row == (None, (), None) else row


def with_refs(known: Subscriber | None, refs: tuple[PromptRef, ...]) -> Subscriber | None:
    """A subscriber's row with these prompts open; None when it would say nothing."""
    return kept((known or NOBODY)._replace(prompts=refs))
