"""What every source of a history can do, whatever it is made of."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple, Protocol

from streams.errors import Cause, Stop
from streams.history.entry import Entry

Home = tuple[str, int]
"""A topic, by its catalogue name, and a partition."""


class Span(NamedTuple):
    """The offsets that a source has of one home: from `begin` up to, not including, `end`.

    Not every offset between holds a record: markers of transactions and records that were never
    committed take offsets too. `begin` is above 0 where retention has removed what came before.
    """

    begin: int
    end: int


class Source(Protocol):
    """A history that can be read, as far as it reached when the source was opened.

    A source can be pickled: partitions are read in processes of their own. It holds no connection;
    each reading opens its own and closes it when it ends or is closed.
    """

    @property
    def prefix(self) -> str:
        """What the topics' names begin with on the broker; dead letters name them so."""
        ...

    @property
    def partitions(self) -> int:
        """How many partitions each per-subscriber topic has."""
        ...

    @property
    def spans(self) -> Mapping[Home, Span]:
        """Every home of the catalogue, but the changelog's (state is the gate's own).

        The effects of every decision before the decisions' ends lie before the others' ends.
        """
        ...

    def read(self, home: Home, begin: int, end: int) -> Iterator[Entry]:
        """The records of one home from `begin` up to, not including, `end`, in offset order.

        Fetching begins with the call, so that several readings can begin together. Raises
        Stop(HISTORY_INCOMPLETE) where the source no longer has `begin`, or does not reach `end`.
        Memory: a few MiB a reading, whatever the span (each source says its bound).
        """
        ...

    def read_together(self, spans: Mapping[Home, Span]) -> Iterator[Entry]:
        """The records of many homes as they come: those of one home in offset order."""
        ...

    def later(self) -> "Source":
        """The same history as far as it reaches now, decisions included to their very end.

        What lay before this source's ends was produced by decisions before the later one's.
        """
        ...


def incomplete(prefix: str, home: Home, what: str) -> Stop:
    """The end that a gap in a history is: where it is, and what is missing."""
    return Stop(Cause.HISTORY_INCOMPLETE, f"{prefix}{home[0]} partition {home[1]}: {what}")


def check_asked(prefix: str, home: Home, asked: Span, there: Span | None) -> None:
    """Raise Stop(HISTORY_INCOMPLETE) if a source does not have all that is asked of a home."""
    if there is None:
        raise incomplete(prefix, home, "there is no such partition")
    if asked.begin < there.begin and asked.begin < asked.end:
        last = min(there.begin, asked.end) - 1
        raise incomplete(prefix, home, f"offsets {asked.begin} to {last} are gone")
    if asked.end > there.end:
        raise incomplete(prefix, home, f"it ends at {there.end}, before {asked.end}")
