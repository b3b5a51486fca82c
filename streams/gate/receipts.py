"""What a subscriber is told when money was charged: a receipt, and that half of the limit is spent.

A receipt follows a charge where the rule says so, per service not more often than the policy says.
A notice is sent once a day and currency, by the charge that reaches half of the spend limit. Both
go out as SMS; where the policy has no words for one, it is not sent.
"""

from collections.abc import Mapping

from streams.gate.days import spent_of, total_of
from streams.gate.effects import Message
from streams.gate.events import Order
from streams.gate.facts import Facts
from streams.gate.ids import CHARGE, NOTICE, RECEIPT
from streams.gate.policy import PolicyInForce
from streams.gate.prompts import in_language
from streams.gate.rows import SubscriberDay
from streams.gate.segments import measure
from streams.gate.texts import fill, minutes_text, price_text
from streams.gate.words import Channel, Keyword, MessageKind


def receipt_due(policy: PolicyInForce, day: SubscriberDay, order: Order, at: int) -> bool:
    """Whether a charge at an instant is followed by a receipt, if its rule asks for one."""
    total = total_of(day, order.service_id)
    interval_ms = policy.record.receipt_interval_ms
    if total is not None and total.receipt_at and at - total.receipt_at < interval_ms:
        return False
    return policy.can_tell(MessageKind.RECEIPT, policy.language(order.province))


def notice_due(policy: PolicyInForce, day: SubscriberDay, order: Order, limit_minor: int) -> bool:
    """Whether the charge of an order takes the day from below half of the limit to it or over."""
    spent = spent_of(day, order.currency)
    after_minor = spent.amount_minor + order.price_minor
    return (
        not spent.noticed
        and 2 * spent.amount_minor < limit_minor <= 2 * after_minor
        and policy.can_tell(MessageKind.NOTICE, policy.language(order.province))
    )


def receipt(
    facts: Facts, policy: PolicyInForce, order: Order, after: SubscriberDay, base: str
) -> Message:
    """The receipt of an order that was charged, with what the day has come to."""
    language = policy.language(order.province)
    service = facts.catalogue.services[order.service_id]
    provider = facts.catalogue.providers[order.provider_id]
    spent_minor = spent_of(after, order.currency).amount_minor
    undo_ms = policy.record.undo_ms
    values = {
        "provider": in_language(provider.name, language),
        "service": in_language(service.name, language),
        "price": price_text(order.price_minor, order.currency, language),
        "spent": price_text(spent_minor, order.currency, language),
        "undo": policy.keyword_word(Keyword.UNDO),
        "undo_minutes": minutes_text(undo_ms) if undo_ms else "0",
    }
    return _told(facts, policy, order, MessageKind.RECEIPT, RECEIPT, base, values)


def notice(
    facts: Facts,
    policy: PolicyInForce,
    order: Order,
    after: SubscriberDay,
    base: str,
    limit_minor: int,
) -> Message:
    """The notice that half of the day's spend limit is reached."""
    language = policy.language(order.province)
    spent_minor = spent_of(after, order.currency).amount_minor
    values = {
        "spent": price_text(spent_minor, order.currency, language),
        "limit": price_text(limit_minor, order.currency, language),
    }
    return _told(facts, policy, order, MessageKind.NOTICE, NOTICE, base, values)


def _told(
    facts: Facts,
    policy: PolicyInForce,
    order: Order,
    kind: MessageKind,
    letter: str,
    base: str,
    values: Mapping[str, str],
) -> Message:
    language = policy.language(order.province)
    text = fill(policy.template(kind, Channel.SMS, language).text, values)
    encoding, segments = measure(text)
    return Message(
        letter + base,
        order.msisdn,
        order.province,
        kind,
        Channel.SMS,
        policy.sender,
        text,
        None,  # voice_prompt_id
        (),
        language,
        encoding,
        segments,
        order.order_id,
        None,  # prompt_id
        CHARGE + base,
        None,  # call_id
        order.provider_id if kind is MessageKind.RECEIPT else None,
        policy.template_version,
        None,  # reply_code
        facts.at,
        facts.at + policy.record.message_life_ms,
    )
