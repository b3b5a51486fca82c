"""What one yes covers: a price, a count and an amount, for one subscriber, service and day."""

from streams.gate.events import Reply
from streams.gate.rows import Grant, OpenPrompt


def granted(prompt: OpenPrompt, reply: Reply) -> Grant:
    """What the yes to a prompt covers, before anything is charged by it."""
    return Grant(
        prompt.prompt_id,
        reply.reply_id,
        reply.received_at,
        prompt.confirmation,
        prompt.price_minor,
        prompt.currency,
        prompt.grant_count_max,
        prompt.grant_amount_max_minor,
    )


def within(grant: Grant, price_minor: int, currency: str) -> bool:
    """Whether a grant covers one more charge at that price (law 3)."""
    return (
        grant.price_minor == price_minor
        and grant.currency == currency
        and grant.count_left > 0
        and grant.amount_left_minor >= price_minor
    )


def used(grant: Grant) -> Grant:
    """What is left of a grant after one more charge."""
    return Grant(
        grant.prompt_id,
        grant.reply_id,
        grant.consented_at,
        grant.confirmation,
        grant.price_minor,
        grant.currency,
        grant.count_left - 1,
        grant.amount_left_minor - grant.price_minor,
    )
