"""Law 10: too many unreadable records stop the worker.

A writer that is broken must not drain a topic into the dead letters unnoticed. What is counted are
the last records this worker took; the turn that goes over the limit is not committed. No decision
depends on it.
"""

from streams.errors import Cause, Stop


class DeadLetterLimit:
    """A share of the last `window` records, once at least `count_min` of them were unreadable."""

    def __init__(self, share_max_percent: int, window: int, count_min: int) -> None:
        self._share_max_percent = share_max_percent
        self._window = window
        self._count_min = count_min
        self._last = bytearray(window)
        self._at = 0
        self._seen = 0
        self._unreadable = 0

    def count(self, fault: str | None) -> None:
        """Take note of one record: where it lies and what is wrong with it, or None.

        Stop when it is one too many. The turn's dead letters are not committed then, so the
        sentence names the record.
        """
        is_unreadable = fault is not None
        self._unreadable += is_unreadable - self._last[self._at]
        self._last[self._at] = is_unreadable
        self._at = (self._at + 1) % self._window
        self._seen = min(self._seen + 1, self._window)
        if (
            is_unreadable
            and self._unreadable >= self._count_min
            and self._unreadable * 100 > self._share_max_percent * self._seen
        ):
            raise Stop(
                Cause.DEAD_LETTERS,
                f"{self._unreadable} of the last {self._seen} records, allowed are "
                f"{self._share_max_percent} %; the last is {fault}.",
                "Look at that record and mend its writer. A restart takes the same records again: "
                "to set them aside all the same, start with a higher "
                "TOLLGATE_DEAD_LETTERS_SHARE_MAX.",
            )
