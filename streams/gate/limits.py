"""What protects a subscriber from more than was meant: limits of a call, a day and a no.

All are asked at each order, and those of money again when the yes comes, for then it is charged.
"""

from streams.gate.days import charged_in_call, spent_of, total_of
from streams.gate.policy import PolicyInForce
from streams.gate.rows import SubscriberDay
from streams.gate.words import Reason


def declined_today(policy: PolicyInForce, day: SubscriberDay, service_id: str) -> bool:
    """Whether an earlier no of the day stands for the rest of it."""
    if not policy.record.refuse_after_no:
        return False
    total = total_of(day, service_id)
    return total is not None and total.declined


def over_call_limit(
    days: tuple[SubscriberDay, ...],
    call_id: str | None,
    price_minor: int,
    count_max: int,
    amount_max_minor: int,
) -> Reason | None:
    """Refuse a charge that would take a call over its ceiling; 0 is no ceiling."""
    if call_id is None or not (count_max or amount_max_minor):
        return None
    charges, amount_minor = charged_in_call(days, call_id)
    if count_max and charges >= count_max:
        return Reason.CALL_LIMIT
    if amount_max_minor and amount_minor + price_minor > amount_max_minor:
        return Reason.CALL_LIMIT
    return None


def over_spend_limit(
    policy: PolicyInForce, day: SubscriberDay, price_minor: int, currency: str
) -> Reason | None:
    """Refuse a charge that would take the day over what a subscriber may spend."""
    limit_minor = policy.spend_limit(currency)
    if limit_minor is None or spent_of(day, currency).amount_minor + price_minor <= limit_minor:
        return None
    return Reason.SPEND_LIMIT


def over_prompt_limit(policy: PolicyInForce, prompts: int) -> Reason | None:
    """Refuse to ask a subscriber more often than a day allows."""
    return Reason.PROMPT_LIMIT if prompts >= policy.record.prompts_per_day_max else None
