"""Dead letters by the record they are of, as their headers say."""

from collections import Counter, defaultdict
from collections.abc import Iterable

from streams.audit.history import History
from streams.history import Entry

Where = tuple[str, int, int]  # topic, partition, offset
# The cause of what an operator's act set aside.
SET_ASIDE = "quarantined"
# Causes for which a settlement is set aside when it has been understood.
CONTRADICTIONS = frozenset({"charge_unknown", "refund_unknown", "settlement_contradicts"})


class DeadLetters:
    """The dead letters by the record they are of, as their headers say."""

    def __init__(self, history: History, entries: Iterable[Entry]) -> None:
        self.of: dict[Where, list[Entry]] = defaultdict(list)
        self.nameless: list[Entry] = []  # their headers do not say what they are of
        self.causes: Counter[str] = Counter()
        self._remembered: set[Where] = set()
        for entry in entries:
            where = origin(entry, history.prefix)
            if where is None:
                self.nameless.append(entry)
            else:
                self.of[where].append(entry)
            cause = cause_of(dict(entry.headers))
            self.causes[cause] += 1
            if where is not None and cause in CONTRADICTIONS:
                self._remembered.add(where)

    def is_remembered(self, where: Where) -> bool:
        """Whether a record was set aside for what it says of our books: its id counts as taken."""
        return where in self._remembered


def cause_of(headers: dict[str, bytes | None]) -> str:
    """The cause word of a dead letter; empty if it has none."""
    return (headers.get("tollgate.cause") or b"").decode("utf-8", "replace")


def origin(letter: Entry, prefix: str) -> Where | None:
    """The record that a dead letter was, by its headers."""
    headers = dict(letter.headers)
    texts = [
        (headers.get(f"__connect.errors.{part}") or b"").decode("utf-8", "replace")
        for part in ("topic", "partition", "offset")
    ]
    if not (texts[0] and texts[1].isdigit() and texts[2].isdigit()):
        return None
    return texts[0].removeprefix(prefix), int(texts[1]), int(texts[2])
