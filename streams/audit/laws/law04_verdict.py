"""Law 4: every readable order gets exactly one verdict.

At the latest when its prompt's life and the grace have passed: in a drained history every order has
its verdict, in a running one those that were asked about or wait are open. A stale order that comes
again after the horizon has passed is told so again, under the same id. Each refusal because of a
limit is true, and no limit is exceeded: of money, prompts, orders that wait, and messages.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from streams.audit.evidence import Evidence
from streams.audit.records import Order, Verdict
from streams.audit.report import Finding, finding
from streams.audit.standing import day_of

NUMBER = 4
NAME = "one verdict for every order"

_OPEN = ("PROMPTED", "WAITING")


def check(evidence: Evidence, counts: Counter[str]) -> Iterator[Finding]:
    """Every order's verdicts, and every verdict's order."""
    books = evidence.books
    yield from evidence.walk.found(NUMBER)
    for order in books.orders():
        counts["orders"] += 1
        verdicts = books.verdicts_of.get((order.msisdn, order.order_id), [])
        if not verdicts:
            yield from _missing(evidence, order, counts)
        for again in verdicts[1:]:
            if not _stale_again(evidence, order, again):
                yield finding(NUMBER, again.entry, f"order {order.order_id} has a verdict already")
        yield from _agree(evidence, order, verdicts)
    for (msisdn, order_id), verdicts in books.verdicts_of.items():
        counts["verdicts"] += len(verdicts)
        if books.order(msisdn, order_id) is None:
            for verdict in verdicts:
                yield finding(NUMBER, verdict.entry, f"no readable order is {order_id}")


def _missing(evidence: Evidence, order: Order, counts: Counter[str]) -> Iterator[Finding]:
    decision = evidence.books.decided.get(order.entry[:3])
    waits = decision is not None and decision.reason in _OPEN
    if waits and not evidence.books.drained:
        counts["orders open"] += 1
    else:
        yield finding(NUMBER, order.entry, f"order {order.order_id} has no verdict")


def _agree(evidence: Evidence, order: Order, verdicts: Sequence[Verdict]) -> Iterator[Finding]:
    charged = (order.msisdn, order.order_id) in evidence.books.charges_of
    for verdict in verdicts:
        if (verdict.provider_id, verdict.service_id) != (order.provider_id, order.service_id):
            yield finding(NUMBER, verdict.entry, "it names another provider or service")
        if verdict.outcome not in ("APPROVED", "REFUSED"):
            yield finding(NUMBER, verdict.entry, "it neither approves nor refuses")
    if verdicts and charged != (verdicts[0].outcome == "APPROVED"):
        said = "it refuses a charged order" if charged else "it approves an order never charged"
        yield finding(NUMBER, verdicts[0].entry, said)


def _stale_again(evidence: Evidence, order: Order, verdict: Verdict) -> bool:
    """Whether the order came again when the memory of it had passed."""
    books = evidence.books
    first = books.decided.get(order.entry[:3])
    policy = books.standing.policy_at(first.event_at, first.reference) if first else None
    if first is None or policy is None or verdict.reason != "STALE":
        return False
    zone = policy.time_zone
    later = day_of(zone, verdict.decided_at) - day_of(zone, first.event_at)
    return later > policy.horizon_days
