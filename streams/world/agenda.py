"""What will happen outside later: acts with their instants, taken in order."""

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count

# An act is told the instant at which it happens, which may be later than the one it was due.
Act = Callable[[int], None]


class Agenda:
    """Acts by the instant they are due; acts of one instant in the order they were entered."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Act]] = []
        self._entries = count()

    def __len__(self) -> int:
        return len(self._heap)

    @property
    def next_due(self) -> int | None:
        """When the next act is due; None when nothing is to be done."""
        return self._heap[0][0] if self._heap else None

    def enter(self, due: int, act: Act) -> None:
        """Let this happen at `due`, or as soon after it as the world turns."""
        heappush(self._heap, (due, next(self._entries), act))

    def happen(self, now: int) -> None:
        """Do all that is due, what it brings about at once included."""
        while self._heap and self._heap[0][0] <= now:
            heappop(self._heap)[2](now)

    def happen_on_time(self, until: int) -> None:
        """Do all that is due until then, each at its own instant."""
        while self._heap and self._heap[0][0] <= until:
            due, _, act = heappop(self._heap)
            act(due)
