"""What a subscriber's days have brought, across providers: prompts, services, money, calls.

The row keeps one entry for each operator-local day that can still change a decision: usually one,
two around midnight. Every service that was asked about or charged on a day is in its list, in the
order of the first time; its place there, counted from 1, is its number in a listing for the rest of
the day. All functions give a new row and change none.
"""

from streams.gate.rows import (
    CallTotal,
    PromptRef,
    ServiceTotal,
    Spent,
    Subscriber,
    SubscriberDay,
)
from streams.gate.words import Channel

NOBODY = Subscriber((), (), "", False, None, None)

# A phone is in one call at a time, or in two while one is held; more are kept for centres that
# publish late.
CALLS_KEPT = 8


def day_of(known: Subscriber | None, day: int) -> SubscriberDay:
    """What a day has brought; an empty one when nothing is known of it."""
    if known is not None:
        for each in known.days:
            if each.day == day:
                return each
    return SubscriberDay(day, 0, 0, (), (), (), ())


def with_day(known: Subscriber, changed: SubscriberDay, oldest: int) -> Subscriber:
    """The row with one day as it is now; days before `oldest` can change nothing and go."""
    others = tuple(each for each in known.days if each.day != changed.day and each.day >= oldest)
    days = (*others, changed)
    return known._replace(days=days if len(days) == 1 else tuple(sorted(days)))


def kept(known: Subscriber) -> Subscriber | None:
    """The row, or None when it would say nothing."""
    return None if known == NOBODY._replace(province=known.province) else known


def total_of(day: SubscriberDay, service_id: str) -> ServiceTotal | None:
    """What a day has brought of one service."""
    for each in day.services:
        if each.service_id == service_id:
            return each
    return None


def with_total(day: SubscriberDay, changed: ServiceTotal) -> SubscriberDay:
    """The day with one service as it is now; a new one comes last."""
    for place, each in enumerate(day.services):
        if each.service_id == changed.service_id:
            services = (*day.services[:place], changed, *day.services[place + 1 :])
            return day._replace(services=services)
    return day._replace(services=(*day.services, changed))


def touched(day: SubscriberDay, service_id: str, currency: str) -> SubscriberDay:
    """The day with this service in its list."""
    if total_of(day, service_id) is not None:
        return day
    return with_total(day, ServiceTotal(service_id, 0, 0, currency, False, 0))


def spent_of(day: SubscriberDay, currency: str) -> Spent:
    """What was spent of one currency."""
    for each in day.spent:
        if each.currency == currency:
            return each
    return Spent(currency, 0, False)


def with_spent(day: SubscriberDay, changed: Spent) -> SubscriberDay:
    """The day with one currency as it is now."""
    others = tuple(each for each in day.spent if each.currency != changed.currency)
    return day._replace(spent=(*others, changed))


def call_of(day: SubscriberDay, call_id: str) -> CallTotal:
    """What was charged in one call."""
    for each in day.calls:
        if each.call_id == call_id:
            return each
    return CallTotal(call_id, 0, 0)


def with_call(day: SubscriberDay, changed: CallTotal) -> SubscriberDay:
    """The day with one call as it is now, the latest last."""
    others = tuple(each for each in day.calls if each.call_id != changed.call_id)
    return day._replace(calls=(*others[1 - CALLS_KEPT :], changed))


def with_charge(
    day: SubscriberDay, service_id: str, price_minor: int, currency: str, call_id: str | None
) -> SubscriberDay:
    """The day after one more charge."""
    day = touched(day, service_id, currency)
    total = total_of(day, service_id)
    assert total is not None, "it was put there"
    day = with_total(
        day,
        total._replace(charges=total.charges + 1, amount_minor=total.amount_minor + price_minor),
    )
    spent = spent_of(day, currency)
    day = with_spent(day, spent._replace(amount_minor=spent.amount_minor + price_minor))
    if call_id is None:
        return day
    call = call_of(day, call_id)
    return with_call(day, CallTotal(call_id, call.charges + 1, call.amount_minor + price_minor))


def without_charge(
    day: SubscriberDay, service_id: str, price_minor: int, currency: str
) -> SubscriberDay:
    """The day after billing could not take a charge's money: it counts no longer."""
    total = total_of(day, service_id)
    if total is None or total.charges == 0:
        return day  # of a day or an owner that was forgotten
    day = with_total(
        day,
        total._replace(charges=total.charges - 1, amount_minor=total.amount_minor - price_minor),
    )
    spent = spent_of(day, currency)
    return with_spent(day, spent._replace(amount_minor=spent.amount_minor - price_minor))


def codes_taken(known: Subscriber | None) -> frozenset[str]:
    """Reply codes that must not be given out again: those of the days kept and of open prompts."""
    if known is None:
        return frozenset()
    given = (code for each in known.days for code in each.codes)
    return frozenset((*given, *(ref.code for ref in known.prompts)))


def text_refs(known: Subscriber | None) -> tuple[PromptRef, ...]:
    """The open prompts that are answered by text."""
    if known is None:
        return ()
    return tuple(ref for ref in known.prompts if ref.channel is not Channel.IVR)
