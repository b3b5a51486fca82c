"""Law 11: numbers stay private.

No dead-letter header, no header at all that we write, no alarm and no line of a log shows a whole
MSISDN that a record is keyed by. Headers that a centre sent are its own, and are kept untouched.
"""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from streams.audit.books import is_msisdn
from streams.audit.evidence import Evidence
from streams.audit.report import Finding, finding
from streams.history import Entry
from streams.topics import (
    ALARMS,
    CHARGES,
    DEAD_LETTERS,
    DECISIONS,
    INPUTS,
    MESSAGES,
    REFUNDS,
    VERDICTS,
)

NUMBER = 11
NAME = "numbers stay private"

_OURS = ("__connect.errors.", "tollgate.")
_POSITION = ("__connect.errors.partition", "__connect.errors.offset", "__connect.errors.task.id")
_DIGITS = re.compile(r"[0-9]{7,}")


class _Numbers:
    """Every subscriber's number, to look for in texts."""

    def __init__(self, evidence: Evidence) -> None:
        keys = {
            entry.key
            for topic in INPUTS
            for entry in evidence.books.history.of(topic)
            if entry.key is not None and is_msisdn(entry.key)
        }
        self._numbers = {key.decode() for key in keys}
        self._lengths = sorted({len(number) for number in self._numbers})

    def shown_in(self, text: str) -> bool:
        """Whether a text holds one of them, also within a longer row of digits."""
        for row in _DIGITS.findall(text):
            for length in self._lengths:
                for at in range(len(row) - length + 1):
                    if row[at : at + length] in self._numbers:
                        return True
        return False


def check(evidence: Evidence, counts: Counter[str]) -> Iterator[Finding]:
    """Headers of every output, alarms, and the lines of the log files given."""
    numbers = _Numbers(evidence)
    books = evidence.books
    for topic in (MESSAGES, CHARGES, VERDICTS, REFUNDS, DECISIONS, ALARMS, DEAD_LETTERS):
        for entry in books.history.of(topic):
            if entry.headers:
                counts["records with headers"] += 1
                if any(numbers.shown_in(text) for text in _written(entry)):
                    yield finding(NUMBER, entry, "a header shows a subscriber's number")
    for alarm in books.alarms:
        counts["alarms"] += 1
        if numbers.shown_in(alarm.subject) or numbers.shown_in(alarm.detail):
            yield finding(NUMBER, alarm.entry, "an alarm shows a subscriber's number")
    for path in books.history.log_files:
        yield from _log(numbers, path, counts)


def _written(entry: Entry) -> Iterator[str]:
    """The values of the headers that we write; a record's position is no number of anybody's."""
    for name, value in entry.headers:
        ours = entry.topic != DEAD_LETTERS or name.startswith(_OURS)
        if ours and name not in _POSITION:
            yield (value or b"").decode("utf-8", "replace")


def _log(numbers: _Numbers, path: Path, counts: Counter[str]) -> Iterator[Finding]:
    with path.open(encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, start=1):
            counts["log lines"] += 1
            if numbers.shown_in(line):
                yield Finding(NUMBER, path.name, 0, number, "a line shows a subscriber's number")
