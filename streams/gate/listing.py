"""What a day has brought a subscriber, in one message: services, charges, and what a yes covers.

A service's number is its place in the day's list and stays the same for the rest of the day, so
that it can be cancelled by it.
"""

from collections.abc import Mapping

from streams.gate.days import NOBODY, day_of
from streams.gate.effects import Message
from streams.gate.events import Reply
from streams.gate.facts import Facts
from streams.gate.grants import within
from streams.gate.ids import LISTING
from streams.gate.lists import listing_message
from streams.gate.policy import PolicyInForce
from streams.gate.rows import ServiceDay, ServiceTotal, Subscriber
from streams.gate.texts import price_text
from streams.gate.words import Keyword, MessageKind

_NOTHING = {"zh": "今天没有点播", "en": "nothing today"}


def list_day(
    facts: Facts,
    policy: PolicyInForce,
    reply: Reply,
    known: Subscriber | None,
    rows: Mapping[str, ServiceDay | None],
) -> tuple[Message, ...]:
    """The list of the day on which the reply was received, with that day's rows by service."""
    known = known or NOBODY
    language = policy.language(known.province)
    lines = [
        _line(facts, language, number, total, rows.get(total.service_id))
        for number, total in enumerate(day_of(known, policy.day_of(reply.received_at)).services, 1)
    ]
    values = {"cancel": policy.keyword_word(Keyword.CANCEL)}
    return listing_message(
        facts,
        policy,
        reply,
        known.province,
        MessageKind.LISTING,
        LISTING,
        lines or [_NOTHING[language]],
        values,
    )


def _line(
    facts: Facts, language: str, number: int, total: ServiceTotal, row: ServiceDay | None
) -> str:
    """One service: its number, what was charged, and whether a yes covers its next order."""
    name = facts.catalogue.service_name(total.service_id, language)
    amount = price_text(total.amount_minor, total.currency, language)
    grant = None if row is None else row.grant
    covered = grant is not None and within(grant, grant.price_minor, grant.currency)
    if language == "zh":
        return f"{number}.{name} {total.charges}次{amount}{'（已确认）' if covered else ''}"
    return f"{number}.{name} {total.charges}x {amount}{' (confirmed)' if covered else ''}"
