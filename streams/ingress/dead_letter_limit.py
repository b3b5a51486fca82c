"""Law 10: too many unreadable records stop the worker.

A writer that is broken must not drain a topic into the dead letters unnoticed. What is counted are
the last records this worker took; the turn that goes over the limit is not committed. No decision
depends on it. What an operator's act excuses is not handed in here (see acts.py).
"""

from typing import NamedTuple

from streams.errors import Cause, Stop
from streams.ingress.acts import unreadable_command

# Named with the stop; more partitions than these are seen one stop later.
_PLACES_TOLD_MAX = 8


class Bad(NamedTuple):
    """A record that cannot be read, or contradicts itself: where it lies and what is wrong."""

    topic: str
    partition: int
    offset: int
    cause: str
    is_readable: bool = False
    """It contradicts what was decided: the record alone does not show it."""


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
        self._counted = 0
        # Of each partition of a topic the last bad record, and how many were counted before it.
        self._latest: dict[tuple[str, int], tuple[int, int]] = {}
        # How many were counted before the last of them that shows by itself that it is bad.
        self._shown: dict[tuple[str, int], int] = {}

    def count(self, bad: Bad | None) -> None:
        """Take note of one record: what is wrong with it, or None.

        Stop when it is one too many. The turn's dead letters are not committed then, so the
        sentence names the record, and what to type if it and those before it are to be set aside.
        """
        is_unreadable = bad is not None
        self._unreadable += is_unreadable - self._last[self._at]
        self._last[self._at] = is_unreadable
        self._at = (self._at + 1) % self._window
        self._seen = min(self._seen + 1, self._window)
        self._counted += 1
        if bad is None:
            return
        self._latest[bad.topic, bad.partition] = bad.offset, self._counted
        if not bad.is_readable:
            self._shown[bad.topic, bad.partition] = self._counted
        if (
            self._unreadable >= self._count_min
            and self._unreadable * 100 > self._share_max_percent * self._seen
        ):
            raise self._stop(bad)

    def _stop(self, bad: Bad) -> Stop:
        oldest = self._counted - self._window
        told = [
            unreadable_command(
                *place, offset, readable_too=self._shown.get(place, oldest) <= oldest
            )
            for place, (offset, counted) in sorted(self._latest.items())
            if counted > oldest
        ]
        commands = "".join(f"\n  {command}" for command in told[:_PLACES_TOLD_MAX])
        return Stop(
            Cause.DEAD_LETTERS,
            f"{self._unreadable} of the last {self._seen} records, allowed are "
            f"{self._share_max_percent} %; the last is {bad.topic} [{bad.partition}] "
            f"offset {bad.offset}, {bad.cause}.",
            "Look at that record and mend its writer; a restart takes the same records again. To "
            "set them aside all the same, and no others, give the offset of the last bad one of "
            f"each partition (this worker has come so far), then start again:{commands}",
        )
