"""What was checked in one partition, what was wrong, what was not there."""

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from streams.audit.verify.heads import Head

# Kept of one partition: the first says what is wrong, the count how bad it is.
FLAWS_KEPT_MAX = 20


class Flaw(NamedTuple):
    """A record that is not as it was, or the place where one is missing."""

    topic: str
    partition: int
    offset: int
    sentence: str

    def __str__(self) -> str:
        return f"{self.topic}[{self.partition}]@{self.offset}: {self.sentence}"


@dataclass(slots=True)
class Verified:
    """One partition, in the order of its decisions."""

    partition: int
    counts: Counter[str] = field(default_factory=Counter)
    flaws: list[Flaw] = field(default_factory=list)
    found: int = 0
    # What could not be checked because it is gone, a sentence each.
    gone: list[str] = field(default_factory=list)
    # Where the checking has got to; None without a decision, or where it did not hold.
    head: Head | None = None

    def flaw(self, flaw: Flaw) -> None:
        """Count every flaw, keep the first ones."""
        self.found += 1
        if len(self.flaws) < FLAWS_KEPT_MAX:
            self.flaws.append(flaw)

    @property
    def holds(self) -> bool:
        """Whether all that could be checked is as it was, and all could be."""
        return not self.found and not self.gone
