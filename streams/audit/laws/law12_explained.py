"""Law 12: every charge can be explained from the log alone.

Order, policy, prompt as sent, delivery, reply, decision, charge, verdict, receipt, settlement,
complaint, refund: each is found from the one before; a trial (SHADOW) says what would have been
asked, and a complaint names the evidence that there is. And the log can be believed: every
decision's digest of its cause and every seal of the chain, computed again.
"""

from collections import Counter
from collections.abc import Iterator

from streams.audit.acts import unexplained
from streams.audit.derive import FIRST_SEAL, digest, seal
from streams.audit.evidence import Evidence
from streams.audit.records import CareAction, Charge, Decision
from streams.audit.report import Finding, finding
from streams.history import Entry
from streams.topics import ACTS, INPUTS, REFERENCES

NUMBER = 12
NAME = "every charge can be explained"

_SEAL_BYTES = 32


def check(evidence: Evidence, counts: Counter[str]) -> Iterator[Finding]:
    """Every charge's chain of evidence, every partition's chain of seals."""
    yield from _unreadable(evidence)
    yield from unexplained(evidence.books, counts)
    for charge in evidence.books.charges:
        counts["charges"] += 1
        missing = _missing(evidence, charge, counts)
        if missing is not None:
            yield finding(NUMBER, charge.entry, f"its {missing} cannot be found")
    yield from evidence.walk.found(NUMBER)
    yield from _told_of(evidence, counts)
    for decision in evidence.books.all_decisions():
        yield from _tried(decision)
        yield from _gathered(evidence, decision, counts)
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
    decision = books.decision_of(charge)
    if decision is None:
        return "decision"
    cited = charge.policy_id, charge.policy_version
    if books.standing.policy(*cited, decision.reference) is None:
        return "policy version"
    if (charge.msisdn, charge.order_id) not in books.verdicts_of:
        return "verdict"
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


def _told_of(evidence: Evidence, counts: Counter[str]) -> Iterator[Finding]:
    """Receipts and notices tell of a charge; what is given back was charged, and of a complaint."""
    books = evidence.books
    charged = {(charge.msisdn, charge.charge_id) for charge in books.charges}
    for message in books.messages:
        if message.kind in ("RECEIPT", "NOTICE"):
            counts["receipts and notices"] += 1
            if (message.msisdn, message.charge_id) not in charged:
                yield finding(NUMBER, message.entry, "the charge that it tells of cannot be found")
    complaints = {
        (decision.entry.key, decision.complaint_id)
        for decision in books.all_decisions()
        if decision.reason == "COMPLAINT_OPENED"
    }
    for refund in books.refunds:
        counts["refunds"] += 1
        if (refund.msisdn, refund.charge_id) not in charged:
            yield finding(NUMBER, refund.entry, "its charge cannot be found")
        complaint = refund.msisdn.encode(), refund.complaint_id
        if refund.reason == "UPHELD" and complaint not in complaints:
            yield finding(NUMBER, refund.entry, "its complaint cannot be found")


def _tried(decision: Decision) -> Iterator[Finding]:
    """A trial of confirmation says what it would have asked, and nothing else does."""
    if (decision.reason == "APPROVED_WOULD_ASK") != bool(decision.would_ask):
        sentence = "what would have been asked stands with a trial that would have asked, only"
        yield finding(NUMBER, decision.entry, sentence)


def _gathered(evidence: Evidence, decision: Decision, counts: Counter[str]) -> Iterator[Finding]:
    """The evidence that a complaint names is there, or the action itself named it."""
    if not decision.evidence:
        return
    action = evidence.books.events.get(decision[2:5])
    claimed = {action.order_id, action.charge_id} if isinstance(action, CareAction) else frozenset()
    msisdn = (decision.entry.key or b"").decode("utf-8", "replace")
    for topic, name in decision.evidence:
        if topic == ACTS:
            continue  # acts.py asks for those
        counts["evidence"] += 1
        if name not in claimed and not evidence.books.exists(topic, msisdn, name):
            yield finding(NUMBER, decision.entry, f"its evidence {name} of {topic} does not exist")


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
