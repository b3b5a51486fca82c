"""Law 12: every charge can be explained from the log alone.

Order, policy, prompt as sent, delivery, reply, decision, charge, settlement: each is found from the
one before. And the log can be believed: every decision's digest of its cause and every seal of the
chain, computed again.
"""

from collections import Counter
from collections.abc import Iterator

from streams.audit.derive import FIRST_SEAL, digest, seal
from streams.audit.evidence import Evidence
from streams.audit.history import Entry
from streams.audit.records import Charge, Decision
from streams.audit.report import Finding, finding
from streams.topics import INPUTS, REFERENCES

NUMBER = 12
NAME = "every charge can be explained"

_SEAL_BYTES = 32


def check(evidence: Evidence, counts: Counter[str]) -> Iterator[Finding]:
    """Every charge's chain of evidence, every partition's chain of seals."""
    yield from _unreadable(evidence)
    for charge in evidence.books.charges:
        counts["charges"] += 1
        missing = _missing(evidence, charge, counts)
        if missing is not None:
            yield finding(NUMBER, charge.entry, f"its {missing} cannot be found")
    for decisions in evidence.books.decisions.values():
        counts["seals"] += len(decisions)
        yield from _seals(decisions)
        yield from _cause_digests(evidence, decisions)


def _unreadable(evidence: Evidence) -> Iterator[Finding]:
    """What the gate itself wrote must be readable."""
    for (topic, partition, offset), fault in evidence.books.malformed.items():
        if topic not in INPUTS and topic not in REFERENCES:
            yield Finding(NUMBER, topic, partition, offset, f"it cannot be read: {fault}")


def _missing(evidence: Evidence, charge: Charge, counts: Counter[str]) -> str | None:
    """The first link of a charge's chain that is not there."""
    books = evidence.books
    order = books.order(charge.msisdn, charge.order_id)
    if order is None:
        return "order"
    if order.entry[:3] not in books.decided:
        return "order's decision"
    if books.standing.policy(charge.policy_id, charge.policy_version) is None:
        return "policy version"
    if books.decision_of(charge) is None:
        return "decision"
    if charge.prompt_id is not None:
        prompt = books.prompts.get(charge.prompt_id)
        if prompt is None:
            return "prompt"
        if prompt.message_id in books.reports:
            counts["with a delivery report"] += 1
        reply = books.reply(charge.msisdn, charge.reply_id)
        if reply is None:
            return "reply"
        if reply.entry[:3] not in books.decided:
            return "reply's decision"
    if (charge.msisdn, charge.charge_id) in books.settlements:
        counts["settled"] += 1
    return None


def _seals(decisions: list[Decision]) -> Iterator[Finding]:
    """The chain of one partition; a broken link is one finding, not all that follow it."""
    previous = FIRST_SEAL
    for decision in decisions:
        value = decision.entry.value or b""
        if decision.seal != seal(previous, decision.salt, value[:-_SEAL_BYTES]):
            yield finding(NUMBER, decision.entry, "its seal does not follow from the one before")
        previous = decision.seal


def _cause_digests(evidence: Evidence, decisions: list[Decision]) -> Iterator[Finding]:
    """Each decision was made on the very bytes that lie on its input topic, and is keyed alike."""
    books = evidence.books
    for decision in decisions:
        cause: Entry | None = books.inputs.get(decision[2:4], {}).get(decision.offset)
        if cause is None:
            continue
        if digest(decision.salt, cause.key, cause.value) != decision.cause_digest:
            yield finding(NUMBER, decision.entry, "its cause is not what it was decided on")
