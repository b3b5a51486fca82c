"""Law 2: at most once.

An order is charged at most once, for ever, and what is charged is what was ordered. What is given
back never exceeds the charge, requests under way included, and is asked for once a cause.
"""

from collections import Counter
from collections.abc import Iterator

from streams.audit.evidence import Evidence
from streams.audit.records import Charge
from streams.audit.report import Finding, finding

NUMBER = 2
NAME = "at most once"

_SAME = (
    "provider_id",
    "service_id",
    "channel",
    "price_minor",
    "currency",
    "province",
    "ordered_at",
)


def check(evidence: Evidence, counts: Counter[str]) -> Iterator[Finding]:
    """Every charge against its order and against the other charges."""
    yield from evidence.walk.found(NUMBER)
    counts["refunds requested"] += len(evidence.books.refunds)
    for (_, order_id), charges in evidence.books.charges_of.items():
        counts["orders charged"] += 1
        for again in charges[1:]:
            yield finding(NUMBER, again.entry, f"order {order_id} has been charged before")
        for charge in charges:
            for sentence in _differences(evidence, charge):
                yield finding(NUMBER, charge.entry, sentence)


def _differences(evidence: Evidence, charge: Charge) -> Iterator[str]:
    books = evidence.books
    order = books.order(charge.msisdn, charge.order_id)
    if order is None:
        yield f"no order of this subscriber is {charge.order_id}"
        return
    for name in _SAME:
        if getattr(charge, name) != getattr(order, name):
            yield f"its {name} is not its order's"
    decision = books.decision_of(charge)
    if decision is not None:
        service = books.standing.service(charge.service_id, decision.reference)
        if service is None or service.charge_code != charge.charge_code:
            yield "its charge_code is not its service's"
    if evidence.walk.day(order) != charge.day:
        yield "its day is not its order's"
