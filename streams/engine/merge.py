"""The records of one partition number, taken in time order across the co-partitioned inputs.

Kafka gives no order between topics. Records are merged by their timestamps (inputs in their stated
order when times are equal); a bounded wait for a sibling that is known to have more to read makes
the order good, and nothing that is decided depends on it being perfect: the order taken is what
counts, and the job records it.

Law: a clock record (a tick) is handed out only when every sibling has been read to an end that was
asked of the broker after the tick had been fetched. So a record that lies in the log before the
tick is always taken before it, also after an outage, however slow a sibling is; waiting has no
limit here, and meanwhile the other inputs go on.
"""

import heapq
from collections import deque
from collections.abc import Callable, Sequence

from confluent_kafka import TIMESTAMP_CREATE_TIME, Message

Taken = tuple[int, Message, int]
"""(input, record, its timestamp in ms)"""


class Merge:
    """Buffers of one partition number; `fetched` are next offsets to fetch, per input."""

    def __init__(self, inputs: int, clock: int | None, wait: float) -> None:
        self.fetched = [0] * inputs
        self.hold_since: float | None = None
        self._buffers: list[deque[tuple[int, Message]]] = [deque() for _ in range(inputs)]
        self._ends = [-1] * inputs
        self._clock = clock
        self._wait = wait
        # Ticks below `_cleared` may be taken. `_goal`: (siblings' ends, the ticks they clear).
        self._cleared = 0
        self._goal: tuple[list[int], int] | None = None
        self._asked: int | None = None

    def start(self, positions: Sequence[int], ends: Sequence[int]) -> None:
        """Begin at these offsets, with nothing buffered; `ends` are the high watermarks just now.

        An input that is at its end then is not waited for until it is heard of for the first time:
        that would cost every opening the whole wait.
        """
        self.fetched = list(positions)
        self._ends = [at if at >= end else -1 for at, end in zip(positions, ends, strict=True)]
        for buffer in self._buffers:
            buffer.clear()

    def add(self, source: int, message: Message) -> None:
        """Take in a fetched record; one prefetched before a seek is dropped."""
        offset = message.offset()
        if offset is not None and offset >= self.fetched[source]:
            self._buffers[source].append((message.timestamp()[1], message))
            self.fetched[source] = offset + 1

    def reached_end(self, source: int, offset: int) -> None:
        """The consumer has read an input up to `offset`, which is its end for now."""
        self._ends[source] = offset

    def buffered(self, source: int) -> int:
        """How many records of one input are waiting to be taken."""
        return len(self._buffers[source])

    def put_back(self, taken: list[Taken]) -> None:
        """Records of a turn that did not happen, to the front again."""
        for source, message, at in reversed(taken):
            self._buffers[source].appendleft((at, message))

    # -- ticks ---------------------------------------------------------------------------------

    def wants_ends(self) -> bool:
        """Whether the siblings' ends must be asked now, for ticks fetched since the last time."""
        clock = self._clock
        return (
            clock is not None
            and bool(self._buffers[clock])
            and self._goal is None
            and self._asked is None
            and self.fetched[clock] > self._cleared
        )

    def asking(self) -> None:
        """The question is on its way; its answer clears the ticks fetched so far."""
        assert self._clock is not None
        self._asked = self.fetched[self._clock]

    def ends_are(self, ends: list[int]) -> None:
        """The answer: the end of every input, in order (the clock's own is ignored)."""
        if self._asked is not None:
            self._goal = (ends, self._asked)
            self._asked = None

    def not_answered(self) -> None:
        """The question failed; it is asked again."""
        self._asked = None

    def _clear_ticks(self) -> None:
        if self._goal is None:
            return
        ends, ticks = self._goal
        for source, end in enumerate(ends):
            if source != self._clock and self._read_to(source) < end:
                return
        self._cleared = ticks
        self._goal = None

    def _read_to(self, source: int) -> int:
        return max(self.fetched[source], self._ends[source])

    def _tick_must_wait(self) -> bool:
        """Whether the first tick at hand is not yet cleared."""
        clock = self._clock
        if clock is None or not self._buffers[clock]:
            return False
        offset = self._buffers[clock][0][1].offset()
        return offset is not None and offset >= self._cleared

    def _holds_for_tick(self) -> bool:
        """Whether the others wait for a tick whose clearance is being asked for.

        Where writers stamp their records, time may be compressed, and the milliseconds of that
        question are minutes. Where the broker stamps them they are milliseconds of every order.
        """
        if not self._tick_must_wait():
            return False
        assert self._clock is not None
        return self._buffers[self._clock][0][1].timestamp()[0] == TIMESTAMP_CREATE_TIME

    # -- taking --------------------------------------------------------------------------------

    def take(self, limit: int, now: float, high: Callable[[int], int]) -> list[Taken]:
        """Up to `limit` records in time order; `high(input)` is its end as last heard of.

        Empty while a sibling's earlier records are waited for; `hold_since` then says since when.
        """
        self._clear_ticks()
        buffers = self._buffers
        tick_waits = self._tick_must_wait()
        heads = [
            (buffer[0][0], source)
            for source, buffer in enumerate(buffers)
            if buffer and not (tick_waits and source == self._clock)
        ]
        if not heads:
            return []
        if self._should_hold(heads, now, high):
            return []
        self.hold_since = None
        taken: list[Taken] = []
        if len(heads) > 1:
            heapq.heapify(heads)
        while heads and len(taken) < limit:
            source = heads[0][1]
            buffer = buffers[source]
            at, message = buffer.popleft()
            taken.append((source, message, at))
            if not buffer:
                heapq.heappop(heads)
                if heads and self._read_to(source) < high(source):
                    break  # more of this input is on its way
            elif source == self._clock and self._tick_must_wait():
                heapq.heappop(heads)
            else:
                heapq.heapreplace(heads, (buffer[0][0], source))
        return taken

    def _should_hold(
        self,
        heads: list[tuple[int, int]],
        now: float,
        high: Callable[[int], int],
    ) -> bool:
        missing = self._goal is None and self._holds_for_tick()
        if not missing and len(heads) < len(self._buffers):
            missing = any(
                not buffer and self._has_more(source, high(source))
                for source, buffer in enumerate(self._buffers)
            )
        if not missing:
            return False
        if self.hold_since is None:
            self.hold_since = now
        return now - self.hold_since < self._wait

    def _has_more(self, source: int, high: int) -> bool:
        """Whether an input with nothing at hand may have more; below 0 its end was not heard of."""
        if high < 0:
            return self._ends[source] < 0
        return self._read_to(source) < high
