"""One partition of an input topic, read forward beside the decisions that cite it.

Each input on its own is decided in the order of its offsets, whatever the order between inputs, so
no look-back is needed: the record at hand is kept (due acts of one tick cite it again and again),
and what is passed over was never decided. Of reference data a record is told long after others when
an act comes late; whoever asks for one that is passed begins anew (`is_past`).
"""

from collections.abc import Callable, Iterator

from streams.history import Entry


class Inlet:
    """`find` gives records by ascending offsets; `passed` hears of each that lies between."""

    def __init__(self, entries: Iterator[Entry], passed: Callable[[Entry], None]) -> None:
        self._entries = entries
        self._passed = passed
        self._at_hand: Entry | None = None
        self._next: Entry | None = None
        self._reached = 0

    def is_past(self, offset: int) -> bool:
        """Whether a record would not be found because it was passed."""
        return self._reached > offset

    def find(self, offset: int) -> Entry | None:
        """The record of an offset, or None if there is none at or after the one at hand."""
        if self._at_hand is not None and self._at_hand.offset >= offset:
            return self._at_hand if self._at_hand.offset == offset else None
        self._reached = offset
        while True:
            entry = self._next or next(self._entries, None)
            if entry is None or entry.offset > offset:
                self._next = entry
                return None
            self._next = None
            if entry.offset == offset:
                self._at_hand = entry
                return entry
            self._passed(entry)
