"""One partition of an output topic against the effects that decisions name.

A decision's effects lie on their topics in the order of the decisions, and in the order in which
the decision names them: each claim meets the next record. Where they differ, the next few of both
(`_WINDOW`) tell what happened: a record changed, missing, put in, or two that changed places.
"""

from collections import deque
from collections.abc import Iterator
from enum import Enum
from itertools import islice
from typing import NamedTuple

from streams.audit.derive import digest
from streams.audit.letters import origin
from streams.audit.verify.result import Flaw, Verified
from streams.history import Entry, Home
from streams.topics import DEAD_LETTERS

# Looked ahead on either side: more wrong records in a row than this are told one by one.
_WINDOW = 8


class Trust(Enum):
    """What a claim's decision is worth."""

    SEALED = "its record must be there"
    DOUBTED = "the decision was changed: its record may be anything"
    LATER = "the decision came after the end: its record may lie behind it"


class Claim(NamedTuple):
    """One effect that a decision names."""

    decision: Entry
    sequence: int
    cause: tuple[str, int, int]  # topic, partition, offset
    id: str
    digest: bytes
    salt: bytes
    trust: Trust


class Outlet:
    """One output topic's partition.

    `next` is the offset behind the last record accounted for, `reached` the one behind the last
    that a decision before the end sent, `gone` counts what retention has removed.
    """

    def __init__(
        self, home: Home, begin: int, entries: Iterator[Entry], prefix: str, result: Verified
    ) -> None:
        self.home = home
        self.next = self.reached = begin
        self.gone = 0
        # Retention has removed the beginning: the first claims have no record any more.
        self._is_aligned = begin == 0
        self._entries = entries
        self._prefix = prefix
        self._result = result
        self._ahead: deque[Entry] = deque()
        self._pending: deque[Claim] = deque()

    def begins_sealed(self) -> None:
        """A signed head says that the next record belongs to the next decision."""
        self._is_aligned = True

    def claim(self, claim: Claim) -> None:
        """The next effect that belongs here."""
        if not self._pending:
            entry = self._first()
            if entry is not None and _is_claimed(claim, entry):
                self._accept(claim, entry)
                return
        self._pending.append(claim)
        if len(self._pending) >= _WINDOW:
            self._resolve()

    def has_more(self) -> bool:
        """Whether a record is left that no claim has met."""
        return self._first() is not None

    def finish(self) -> None:
        """No more claims come."""
        while self._pending:
            self._resolve()
        while (entry := self._first()) is not None:
            self._unclaimed(entry)

    def _first(self) -> Entry | None:
        if not self._ahead:
            entry = next(self._entries, None)
            if entry is None:
                return None
            self._ahead.append(entry)
        return self._ahead[0]

    def _accept(self, claim: Claim, entry: Entry) -> None:
        self._ahead.popleft()
        self.next = entry.offset + 1
        self._is_aligned = True
        if claim.trust is Trust.SEALED:
            self._result.counts["effects"] += 1
            self.reached = self.next
        if self.home[0] == DEAD_LETTERS:
            if origin(entry, self._prefix) != claim.cause:
                self._flaw(entry.offset, "its headers name another record than its decision does")
        elif entry.key != claim.decision.key:
            self._result.flaw(
                Flaw(*claim.decision[:3], "its key is not that of the records it sent")
            )

    def _resolve(self) -> None:
        """The first claim and the first record do not meet: account for some of both."""
        missing = _WINDOW - len(self._ahead)
        self._ahead.extend(islice(self._entries, max(missing, 0)))
        claims, entries = list(self._pending), list(self._ahead)[:_WINDOW]
        if _are_swapped(claims, entries):
            first, second = entries[:2]
            self._flaw(first.offset, f"it and the record at {second.offset} have changed places")
            self._drop(2, 2)
        else:
            self._drop_to(*self._meeting(claims, entries))
        while self._pending and (entry := self._first()) is not None:
            if not _is_claimed(self._pending[0], entry):
                break
            self._accept(self._pending.popleft(), entry)

    def _meeting(self, claims: list[Claim], entries: list[Entry]) -> tuple[int, int]:
        """How many claims and how many records lie before the next pair that meets."""
        pairs = (
            (i, j)
            for i, claim in enumerate(claims)
            for j, entry in enumerate(entries)
            if _is_claimed(claim, entry)
        )
        nearest = min(pairs, key=lambda pair: (sum(pair), pair), default=None)
        if nearest is not None:
            return nearest
        if not self._is_aligned:
            return len(claims), 0
        if not entries:
            return 1, 0
        return (0, 1) if claims[0].trust is Trust.LATER else (1, 1)

    def _drop_to(self, claims: int, entries: int) -> None:
        """Say what is wrong with so many claims and records, which do not meet."""
        paired = min(claims, entries) if self._is_aligned else 0
        for claim, entry in zip(
            islice(self._pending, paired), islice(self._ahead, paired), strict=True
        ):
            if claim.trust is not Trust.DOUBTED:
                told = f"it is not what decision {claim.sequence} sent ({claim.decision.place})"
                self._flaw(entry.offset, told)
        self._drop(paired, paired)
        for _ in range(claims - paired):
            self._missing(self._pending.popleft())
        for _ in range(entries - paired):
            self._unclaimed(self._ahead[0])

    def _missing(self, claim: Claim) -> None:
        if not self._is_aligned:
            self.gone += 1
        elif claim.trust is Trust.SEALED:
            told = f"{claim.id}, sent by decision {claim.sequence} ({claim.decision.place}), "
            self._flaw(self.next, told + "is missing here")

    def _unclaimed(self, entry: Entry) -> None:
        self._flaw(entry.offset, "no decision sent it")
        self._drop(0, 1)

    def _drop(self, claims: int, entries: int) -> None:
        for _ in range(claims):
            self._pending.popleft()
        for _ in range(entries):
            self.next = self._ahead.popleft().offset + 1

    def _flaw(self, offset: int, sentence: str) -> None:
        self._result.flaw(Flaw(*self.home, offset, sentence))


def _is_claimed(claim: Claim, entry: Entry) -> bool:
    return digest(claim.salt, entry.key, entry.value) == claim.digest


def _are_swapped(claims: list[Claim], entries: list[Entry]) -> bool:
    return (
        min(len(claims), len(entries)) > 1
        and _is_claimed(claims[0], entries[1])
        and _is_claimed(claims[1], entries[0])
    )
