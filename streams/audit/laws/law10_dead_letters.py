"""Law 10: fail closed.

What cannot be read, or contradicts itself, became a dead letter with its cause: the original bytes
untouched, a decision beside it. And nothing became one that had no fault. Alarms are raised for
what an operator must look at, and for nothing else: ids used again, settlements that contradict the
accounts, refunds that failed, complaints that wait, and too much of what should be rare.
"""

from collections import Counter
from collections.abc import Iterator

from streams.audit.acts import without_act
from streams.audit.evidence import Evidence
from streams.audit.faults import fault_of
from streams.audit.letters import cause_of
from streams.audit.records import Decision
from streams.audit.report import Finding, finding
from streams.audit.telling import untold
from streams.history import Entry
from streams.topics import DEAD_LETTERS, INPUTS

NUMBER = 10
NAME = "fail closed"

_HEADERS = (
    "__connect.errors.topic",
    "__connect.errors.partition",
    "__connect.errors.offset",
    "__connect.errors.stage",
    "__connect.errors.exception.class.name",
    "__connect.errors.exception.message",
    "tollgate.cause",
)
_REASONS = ("DEAD_LETTER", "CONFLICT")


def check(evidence: Evidence, counts: Counter[str]) -> Iterator[Finding]:
    """Every input with a fault, and every dead letter."""
    books = evidence.books
    yield from evidence.walk.found(NUMBER)
    yield from without_act(books)
    counts["alarms"] += len(books.alarms)
    for cause, count in sorted(books.dead_letters.causes.items()):
        counts[f"dead letters ({cause or 'no cause'})"] += count
    for entry in books.dead_letters.nameless:
        yield finding(NUMBER, entry, "its headers do not say which record it was")
    for where in books.dead_letters.of:
        original = books.inputs.get(where[:2], {}).get(where[2])
        for letter, decision in books.letters(where):
            for sentence in _altered(original, letter):
                yield finding(NUMBER, letter, sentence)
            for sentence in _undecided(decision):
                yield finding(NUMBER, letter, sentence)
            fault = fault_of(evidence, where, decision)
            if original is not None and fault is None:
                yield finding(NUMBER, letter, "its original has no fault that can be named")
    yield from _escaped(evidence, counts)
    yield from untold(books, counts)


def _altered(original: Entry | None, letter: Entry) -> Iterator[str]:
    """The original, with our headers behind its own."""
    if original is None:
        yield "the record it was does not exist"
        return
    if (letter.key, letter.value) != (original.key, original.value):
        yield "its key or value is not its original's"
    if letter.headers[: len(original.headers)] != original.headers:
        yield "its original's headers are not kept"
    headers = dict(letter.headers)
    missing = [name for name in _HEADERS if name not in headers]
    if missing:
        yield f"it has no header {missing[0]}"
    if not cause_of(headers):
        yield "it names no cause"


def _undecided(decision: Decision | None) -> Iterator[str]:
    if decision is None:
        yield "no decision says that it was refused"
    elif decision.reason not in _REASONS:
        yield "its decision says something else"
    elif not any(effect.topic == DEAD_LETTERS for effect in decision.effects):
        yield "its decision does not name it"


def _escaped(evidence: Evidence, counts: Counter[str]) -> Iterator[Finding]:
    """Inputs that should have become dead letters, and did not."""
    books = evidence.books
    for where in (*books.malformed, *books.events):
        if where in books.dead_letters.of or where[0] not in INPUTS:
            continue
        counts["inputs judged"] += 1
        if books.drained or where in books.decided:
            fault = fault_of(evidence, where, books.decided.get(where))
            if fault is not None and fault.certain:
                entry = books.inputs[where[:2]][where[2]]
                yield finding(NUMBER, entry, f"it is no dead letter, though {fault.sentence}")
