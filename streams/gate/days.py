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

NOBODY = Subscriber((), (), "", False, None, None, 0)

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


def days_with(
    days: tuple[SubscriberDay, ...], changed: SubscriberDay, oldest: int
) -> tuple[SubscriberDay, ...]:
    """The days with one as it is now; those before `oldest` can change nothing and go."""
    if not days or (len(days) == 1 and days[0].day == changed.day):
        return (changed,)
    others = (each for each in days if each.day != changed.day and each.day >= oldest)
    return tuple(sorted((*others, changed)))


def with_day(known: Subscriber, changed: SubscriberDay, oldest: int) -> Subscriber:
    """The row with one day as it is now."""
    return known._replace(days=days_with(known.days, changed, oldest))


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


def declined(day: SubscriberDay, service_id: str, currency: str) -> SubscriberDay:
    """The day after the subscriber said no to a service."""
    day = touched(day, service_id, currency)
    total = total_of(day, service_id)
    assert total is not None, "it was put there"
    return with_total(day, total._replace(declined=True))


def with_prompt(
    day: SubscriberDay, service_id: str, currency: str, codes: tuple[str, ...]
) -> SubscriberDay:
    """The day after one more prompt about a service, with the codes that it gave out."""
    services = day.services
    if total_of(day, service_id) is None:
        services = (*services, ServiceTotal(service_id, 0, 0, currency, False, 0))
    return SubscriberDay(
        day.day,
        day.prompts + 1,
        day.shadow_prompts,
        (*day.codes, *codes),
        services,
        day.spent,
        day.calls,
    )


def spent_of(day: SubscriberDay, currency: str) -> Spent:
    """What was spent of one currency."""
    for each in day.spent:
        if each.currency == currency:
            return each
    return Spent(currency, 0, False)


def with_spent(day: SubscriberDay, changed: Spent) -> SubscriberDay:
    """The day with one currency as it is now."""
    return day._replace(spent=_with_currency(day.spent, changed))


def charged_in_call(days: tuple[SubscriberDay, ...], call_id: str) -> tuple[int, int]:
    """How often and how much was charged in one call, also when midnight fell into it."""
    calls = [each for day in days for each in day.calls if each.call_id == call_id]
    return sum(each.charges for each in calls), sum(each.amount_minor for each in calls)


def with_charge(
    day: SubscriberDay,
    service_id: str,
    price_minor: int,
    currency: str,
    call_id: str | None,
    *,
    receipt_at: int | None = None,
    noticed: bool = False,
) -> SubscriberDay:
    """The day after one more charge, of which the subscriber was perhaps told."""
    before = total_of(day, service_id)
    if before is None:
        total = ServiceTotal(service_id, 1, price_minor, currency, False, receipt_at or 0)
        services: tuple[ServiceTotal, ...] = (*day.services, total)
    else:
        total = ServiceTotal(
            service_id,
            before.charges + 1,
            before.amount_minor + price_minor,
            before.currency,
            before.declined,
            before.receipt_at if receipt_at is None else receipt_at,
        )
        services = _with_service(day.services, total)
    spent = spent_of(day, currency)
    changed = Spent(currency, spent.amount_minor + price_minor, spent.noticed or noticed)
    return SubscriberDay(
        day.day,
        day.prompts,
        day.shadow_prompts,
        day.codes,
        services,
        _with_currency(day.spent, changed),
        day.calls if call_id is None else _with_call(day.calls, call_id, price_minor),
    )


def _with_service(
    services: tuple[ServiceTotal, ...], changed: ServiceTotal
) -> tuple[ServiceTotal, ...]:
    """The services with one that was among them as it is now."""
    if len(services) == 1:
        return (changed,)
    return tuple(changed if each.service_id == changed.service_id else each for each in services)


def _with_currency(spent: tuple[Spent, ...], changed: Spent) -> tuple[Spent, ...]:
    """What was spent with one currency as it is now."""
    if not spent or (len(spent) == 1 and spent[0].currency == changed.currency):
        return (changed,)
    return (*(each for each in spent if each.currency != changed.currency), changed)


def _with_call(
    calls: tuple[CallTotal, ...], call_id: str, price_minor: int
) -> tuple[CallTotal, ...]:
    """The last calls after one more charge in one of them, which is then the latest."""
    before = next((each for each in calls if each.call_id == call_id), None)
    others = tuple(each for each in calls if each.call_id != call_id)
    charges, amount_minor = (0, 0) if before is None else before[1:]
    changed = CallTotal(call_id, charges + 1, amount_minor + price_minor)
    return (*others[1 - CALLS_KEPT :], changed)


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


def codes_taken(days: tuple[SubscriberDay, ...], refs: tuple[PromptRef, ...]) -> frozenset[str]:
    """Reply codes that must not be given out again: those of the days kept and of open prompts."""
    given = (code for each in days for code in each.codes)
    return frozenset((*given, *(ref.code for ref in refs)))


def text_refs(known: Subscriber | None) -> tuple[PromptRef, ...]:
    """The open prompts that are answered by text."""
    if known is None:
        return ()
    return tuple(ref for ref in known.prompts if ref.channel is not Channel.IVR)
