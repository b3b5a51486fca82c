"""Opening and closing prompts: the message, the row of the service day and the subscriber's.

A prompt is kept twice: whole in its service day, and as a reference in its subscriber's row, so
that a reply finds it. Both are made and dropped here, together.
"""

from typing import NamedTuple

from streams.gate.codes import draw_code, draw_digit
from streams.gate.days import NOBODY, codes_taken, kept, with_prompt
from streams.gate.effects import Message
from streams.gate.events import Order
from streams.gate.facts import Facts
from streams.gate.ids import MESSAGE, PROMPT, base_id
from streams.gate.keys import due_token
from streams.gate.limits import over_prompt_limit
from streams.gate.policy import PolicyInForce
from streams.gate.prompts import Prompt, prompt_channel, with_code
from streams.gate.reference import Rule
from streams.gate.rows import (
    Grant,
    LastCharge,
    OpenPrompt,
    PromptRef,
    ServiceDay,
    Subscriber,
    SubscriberDay,
    Waiting,
)
from streams.gate.words import Channel, Confirmation, MessageKind, Reason


class Worded(NamedTuple):
    """A prompt in words, with the code that names it."""

    words: Prompt
    code: str


class Asked(NamedTuple):
    """What opening a prompt leads to."""

    prompt: OpenPrompt
    message: Message
    ref: PromptRef
    wake: tuple[int, bytes]
    day: SubscriberDay  # of the order, with this prompt in it


def question(
    facts: Facts, policy: PolicyInForce, order: Order, rule: Rule, confirmation: Confirmation
) -> OpenPrompt:
    """The prompt about an order, before it has a code."""
    expires_at = facts.at + rule.prompt_life_ms
    return OpenPrompt(
        PROMPT + base_id(order.msisdn, order.order_id),
        order.channel,
        order.call_id if order.channel is Channel.IVR else None,
        order.provider_id,
        order.price_minor,
        order.currency,
        confirmation,
        facts.at,
        expires_at,
        expires_at + policy.grace_ms,
        rule.grant_count_max,
        rule.grant_amount_max_minor,
        (Waiting(order.order_id, order.ordered_at, order.province, rule.name),),
        "",
        rule.code_required,
        rule.receipt,
        rule.call_count_max,
        rule.call_amount_max_minor,
    )


def put_into_words(
    facts: Facts,
    policy: PolicyInForce,
    msisdn: str,
    service_id: str,
    days: tuple[SubscriberDay, ...],
    refs: tuple[PromptRef, ...],
    prompt: OpenPrompt,
) -> Worded | Reason:
    """How the first order that waits on a prompt is asked about, beside the prompts in `refs`.

    A prompt fits one segment (law 6). `reference apply` sees to it; names that outgrew their
    template, or a policy that dropped one, can still reach the topics.
    """
    channel, province = prompt_channel(prompt.channel), prompt.waiting[0].province
    if not policy.can_ask(channel, province):
        return Reason.UNASKABLE
    words = facts.catalogue.prompt(
        policy,
        channel,
        province,
        service_id,
        prompt.price_minor,
        prompt.currency,
        prompt.expires_at - prompt.issued_at,
    )
    key = policy.record.code_key
    if channel is Channel.IVR:
        if not prompt.code_required:
            return Worded(words, "")
        digit = draw_digit(key, prompt.prompt_id, policy.digits_no)
        return Reason.UNASKABLE if digit is None else Worded(with_code(words, digit), digit)
    taken = codes_taken(days, refs)
    code = draw_code(key, msisdn, prompt.prompt_id, taken, policy.codes_spelt)
    if code is None:
        return Reason.PROMPT_LIMIT
    if prompt.code_required or _another_is_alive(refs, facts.at):
        words = with_code(words, code)
    return Reason.UNASKABLE if words.segments > 1 else Worded(words, code)


def _another_is_alive(refs: tuple[PromptRef, ...], at: int) -> bool:
    """Whether a plain yes by text could mean one of these prompts."""
    return any(
        ref.channel is not Channel.IVR and ref.issued_at <= at < ref.expires_at for ref in refs
    )


def ask(
    facts: Facts,
    policy: PolicyInForce,
    msisdn: str,
    service_id: str,
    days: tuple[SubscriberDay, ...],
    refs: tuple[PromptRef, ...],
    day: SubscriberDay,
    prompt: OpenPrompt,
) -> Asked | Reason:
    """Ask the subscriber about the first order that waits on a prompt, or say why not.

    The message goes out as SMS for SMS and MMS orders, because any handset can answer that, and as
    a voice prompt in the order's own call; the row keeps the order's channel.
    """
    worded = put_into_words(facts, policy, msisdn, service_id, days, refs, prompt)
    if isinstance(worded, Reason):
        return worded
    if reason := over_prompt_limit(policy, day.prompts):
        return reason
    code, coded = worded.code, prompt._replace(code=worded.code)
    ref = PromptRef(
        day.day,
        service_id,
        prompt.prompt_id,
        prompt.channel,
        prompt.call_id,
        prompt.issued_at,
        prompt.expires_at,
        prompt.due_at,
        code,
        prompt.code_required,
    )
    codes = () if prompt.channel is Channel.IVR else (code,)
    return Asked(
        coded,
        _message(policy, msisdn, coded, worded.words),
        ref,
        (prompt.due_at, due_token(day.day, msisdn, service_id, prompt.prompt_id)),
        with_prompt(day, service_id, prompt.currency, codes),
    )


def _message(policy: PolicyInForce, msisdn: str, prompt: OpenPrompt, words: Prompt) -> Message:
    """The message that asks about the first order that waits on a prompt."""
    first = prompt.waiting[0]
    return Message(
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
        prompt.code or None,
        prompt.issued_at,
        prompt.expires_at,
    )


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
    known = known or NOBODY
    return kept(subscriber(known, refs, known.days, known.province, known.last_charge))


def subscriber(
    known: Subscriber,
    refs: tuple[PromptRef, ...],
    days: tuple[SubscriberDay, ...],
    province: str,
    last_charge: LastCharge | None,
) -> Subscriber:
    """A subscriber's row as it is now.

    That a CLARIFY was sent is forgotten as soon as a plain answer can mean only one prompt.
    """
    by_text = [ref for ref in refs if ref.channel is not Channel.IVR]
    unclear = len(by_text) > 1 or any(ref.code_required for ref in by_text)
    clarified = known.clarified and unclear
    return Subscriber(
        refs, days, province, clarified, last_charge, known.released_at, known.releases
    )
