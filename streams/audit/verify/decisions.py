"""The chain of one partition's decisions: read, and each link held against the one before.

Where a link does not hold, the next two decisions tell what happened: one changed, some missing,
one put in or repeated, or two that changed places. Checking goes on behind it.
"""

from collections import deque
from collections.abc import Iterator
from typing import Any, NamedTuple

from streams.audit.derive import seal
from streams.audit.strict import Malformed, Schemas
from streams.audit.verify.result import Flaw, Verified
from streams.history import Entry
from streams.topics import DECISIONS

_SEAL_BYTES = 32


class Link(NamedTuple):
    """A decision as read; `fields` is None where it cannot be, with the fault."""

    entry: Entry
    fields: dict[str, Any] | None
    fault: str = ""

    @property
    def sequence(self) -> int:
        return self.fields["sequence"] if self.fields is not None else -1

    @property
    def seal(self) -> bytes:
        return (self.entry.value or b"")[-_SEAL_BYTES:]

    def computed(self, previous: bytes) -> bytes:
        """What its seal must be behind that one."""
        assert self.fields is not None
        return seal(previous, self.fields["salt"], (self.entry.value or b"")[:-_SEAL_BYTES])

    def follows(self, previous: bytes, sequence: int) -> bool:
        """Whether it is, sealed, the decision of that sequence behind that seal."""
        return (
            self.fields is not None
            and self.fields["sequence"] == sequence
            and self.computed(previous) == self.seal
        )


class Chain:
    """Gives the decisions, each with whether it can be trusted; `sequence` is the next one's."""

    def __init__(
        self,
        entries: Iterator[Entry],
        schemas: Schemas,
        result: Verified,
        sequence: int,
        previous: bytes | None,
        begin: int,
    ) -> None:
        self.sequence = sequence
        self.seal = previous
        self.next = begin
        self._links = (read_link(entry, schemas) for entry in entries)
        self._ahead: deque[Link] = deque()
        self._result = result

    def follow(self) -> Iterator[tuple[Link, bool]]:
        """Every decision with whether its link holds."""
        while (link := self._peek(0)) is not None:
            if self.seal is None and link.fields is not None:
                # What came before is gone: the first that is left begins the chain.
                self._take(link, link.sequence, link.seal)
                yield link, True
            elif self.seal is not None and link.follows(self.seal, self.sequence):
                self._take(link, self.sequence, link.seal)
                yield link, True
            else:
                yield from self._wrong(link)

    def _peek(self, index: int) -> Link | None:
        while len(self._ahead) <= index:
            link = next(self._links, None)
            if link is None:
                return None
            self._ahead.append(link)
        return self._ahead[index]

    def _take(self, link: Link, sequence: int, following: bytes) -> None:
        """It is accounted for; the next one follows from that seal."""
        self._ahead.popleft()
        self.next = link.entry.offset + 1
        self.sequence = sequence + 1
        self.seal = following

    def _wrong(self, link: Link) -> Iterator[tuple[Link, bool]]:
        previous, expected, following = self.seal or b"", self.sequence, self._peek(1)
        if following is not None and following.follows(previous, expected):
            if link.follows(following.seal, expected + 1):
                at = following.entry.offset
                self._flaw(link, f"it and the decision at {at} have changed places")
                self._ahead.popleft()
                self._take(following, expected, following.seal)
                yield following, True
                self._ahead.appendleft(link)
                self._take(link, expected + 1, link.seal)
                yield link, True
                return
            self._flaw(link, "no decision belongs here: the next one follows from the one before")
            self._drop(link)
            return
        goes_on = following is not None and following.sequence == expected + 1
        if link.fields is None:
            self._flaw(link, f"it cannot be read: {link.fault}")
            self._take(link, expected, link.seal)
            yield link, False
        elif link.sequence == expected or goes_on:
            yield from self._changed(link, previous, following)
        elif link.sequence > expected:
            count = link.sequence - expected
            told = f"decision {expected} is missing here"
            if count > 1:
                told = f"decisions {expected} to {link.sequence - 1} are missing here"
            self._result.flaw(Flaw(DECISIONS, link.entry.partition, self.next, told))
            self._take(link, link.sequence, link.seal)
            yield link, True
        else:
            told = f"decision {link.sequence} comes again, where {expected} should be"
            self._flaw(link, told)
            self._drop(link)

    def _changed(
        self, link: Link, previous: bytes, following: Link | None
    ) -> Iterator[tuple[Link, bool]]:
        """Its content or its seal: what follows was sealed onto the right one of the two."""
        expected = self.sequence
        computed = link.computed(previous)
        only_seal = following is not None and following.follows(computed, expected + 1)
        self._flaw(link, f"decision {expected} was changed: its seal does not follow")
        self._take(link, expected, computed if only_seal else link.seal)
        yield link, only_seal

    def _drop(self, link: Link) -> None:
        self._ahead.popleft()
        self.next = link.entry.offset + 1

    def _flaw(self, link: Link, sentence: str) -> None:
        self._result.flaw(Flaw(*link.entry[:3], sentence))


def read_link(entry: Entry, schemas: Schemas) -> Link:
    """A decision's fields, or why it has none."""
    try:
        fields = schemas.decode(DECISIONS, entry.value)
    except Malformed as error:
        return Link(entry, None, error.fault)
    return Link(entry, fields)
