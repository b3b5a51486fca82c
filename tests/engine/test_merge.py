"""Merging the inputs of one partition number by time, and when a tick may be taken."""

from dataclasses import dataclass

from confluent_kafka import TIMESTAMP_CREATE_TIME

from streams.engine.merge import Merge

WAIT_S = 0.5
CLOCK = 2


@dataclass(frozen=True)
class Fetched:
    """As much of a Kafka message as merging needs."""

    at_offset: int
    at: int

    def offset(self) -> int:
        return self.at_offset

    def timestamp(self) -> tuple[int, int]:
        return 2, self.at


class Log:
    """Three inputs with an end each; `fetch` hands the next records of one to the merge."""

    def __init__(self, *inputs: list[int]) -> None:
        self.times = inputs
        self.merge = Merge(len(inputs), CLOCK, WAIT_S)
        self.merge.start([0] * len(inputs), self.ends())

    def fetch(self, source: int, count: int | None = None) -> None:
        first = self.merge.fetched[source]
        times = self.times[source]
        last = len(times) if count is None else first + count
        for offset in range(first, last):
            self.merge.add(source, Fetched(offset, times[offset]))  # type: ignore[arg-type]

    def ends(self) -> list[int]:
        return [len(times) for times in self.times]

    def take(self, now: float = 0.0, limit: int = 100) -> list[tuple[int, int]]:
        high = self.ends()
        return [(source, at) for source, _, at in self.merge.take(limit, now, lambda i: high[i])]


def test_records_are_taken_in_time_order() -> None:
    """Records of all inputs come by timestamp, whatever order they were fetched in."""
    log = Log([1, 4, 5], [2, 3, 6], [])
    log.fetch(1)
    log.fetch(0)
    assert log.take() == [(0, 1), (1, 2), (1, 3), (0, 4), (0, 5), (1, 6)]


def test_equal_times_follow_the_order_of_the_inputs() -> None:
    """At the same instant an order is taken before a reply."""
    log = Log([7], [7], [])
    log.fetch(1)
    log.fetch(0)
    assert log.take() == [(0, 7), (1, 7)]


def test_a_sibling_with_more_to_read_is_waited_for_but_not_for_ever() -> None:
    """Earlier records that are on their way come first; after the wait the rest goes on."""
    log = Log([5], [1], [])
    log.fetch(0)
    assert log.take(now=10.0) == []
    assert log.merge.hold_since == 10.0
    assert log.take(now=10.0 + WAIT_S / 2) == []
    assert log.take(now=10.0 + WAIT_S) == [(0, 5)]


def test_a_sibling_read_to_its_end_is_not_waited_for() -> None:
    """An input whose end has been reached, with markers behind its last record, holds nothing."""
    log = Log([5], [], [])
    log.times[1].extend([0, 0])  # two control records that a reader never sees
    log.fetch(0)
    log.merge.reached_end(1, 2)
    assert log.take() == [(0, 5)]


def test_taking_stops_where_more_of_an_input_is_on_its_way() -> None:
    """Once an input runs out but has more in the log, the others wait for it again."""
    log = Log([1, 3], [2, 9], [])
    log.fetch(0, 1)
    log.fetch(1)
    assert log.take() == [(0, 1)]
    log.fetch(0)
    assert log.take() == [(1, 2), (0, 3), (1, 9)]


def test_a_tick_waits_until_its_siblings_were_read_to_an_end_asked_after_it() -> None:
    """No record that lay in the log before the tick can come after it, however late it is read."""
    log = Log([], [4, 6], [5])
    log.fetch(CLOCK)
    assert log.merge.wants_ends()
    log.merge.asking()
    assert not log.merge.wants_ends()
    log.merge.ends_are([0, 2, 1])
    assert log.take(now=99.0) == [], "the wait for order has no part in this"
    log.fetch(1, 1)
    assert log.take(now=99.0) == [(1, 4)]
    log.fetch(1)
    assert log.take(now=99.0) == [(CLOCK, 5), (1, 6)]


def test_other_inputs_go_on_while_a_tick_waits_for_a_slow_sibling() -> None:
    """A tick that waits holds nobody up for longer than the wait for order."""
    log = Log([7, 8], [1], [5])
    log.fetch(0)
    log.fetch(CLOCK)
    log.merge.asking()
    log.merge.ends_are([2, 1, 1])
    assert log.take(now=1.0) == []
    assert log.take(now=1.0 + WAIT_S) == [(0, 7), (0, 8)]
    log.fetch(1)
    assert log.take(now=2.0) == [(1, 1), (CLOCK, 5)]


def test_ticks_fetched_after_the_question_need_another_answer() -> None:
    """An answer clears the ticks that were there when it was asked for, and no later one."""
    log = Log([], [], [1, 2])
    log.fetch(CLOCK, 1)
    log.merge.asking()
    log.fetch(CLOCK)
    log.merge.ends_are([0, 0, 2])
    assert log.take(now=1.0) == [(CLOCK, 1)]
    assert log.merge.wants_ends()
    log.merge.asking()
    log.merge.ends_are([0, 0, 2])
    assert log.take(now=1.0) == [(CLOCK, 2)]


def test_a_question_that_failed_is_asked_again() -> None:
    """Without an answer nothing is cleared, and the ticks ask anew."""
    log = Log([], [], [1])
    log.fetch(CLOCK)
    log.merge.asking()
    log.merge.not_answered()
    assert log.take(now=99.0) == []
    assert log.merge.wants_ends()


def test_records_of_a_turn_that_did_not_happen_come_again_in_order() -> None:
    """What is put back is taken again, the same records in the same order."""
    log = Log([1, 4], [2], [])
    log.fetch(0)
    log.fetch(1)
    taken = log.merge.take(2, 0.0, lambda i: log.ends()[i])
    log.merge.put_back(taken)
    assert log.take() == [(0, 1), (1, 2), (0, 4)]


def test_records_prefetched_before_a_seek_are_dropped() -> None:
    """An offset below the position is never taken, so nothing is taken twice."""
    log = Log([1, 2, 3], [], [])
    log.merge.start([2, 0, 0], log.ends())
    log.merge.add(0, Fetched(0, 1))  # type: ignore[arg-type]
    log.fetch(0)
    assert log.take() == [(0, 3)]


def test_an_input_that_was_at_its_end_when_opened_is_not_waited_for() -> None:
    """Before anything is heard of it, its end is the one asked for at the opening."""
    log = Log([1, 2], [], [])
    log.fetch(0)
    taken = log.merge.take(100, 0.0, lambda _: -1)
    assert [at for _, _, at in taken] == [1, 2]


def test_an_input_that_had_more_when_opened_is_waited_for() -> None:
    """As long as its end is not heard of, and no longer than the wait."""
    log = Log([2], [1], [])
    log.fetch(0)
    assert log.merge.take(100, 0.0, lambda _: -1) == []
    assert [at for _, _, at in log.merge.take(100, WAIT_S, lambda _: -1)] == [2]


def test_a_turn_takes_no_more_than_its_limit() -> None:
    """The rest stays for the next turn, in order."""
    log = Log([1, 3], [2], [])
    log.fetch(0)
    log.fetch(1)
    assert log.take(limit=2) == [(0, 1), (1, 2)]
    assert log.take() == [(0, 3)]


@dataclass(frozen=True)
class Stamped(Fetched):
    """A record whose writer chose its time."""

    def timestamp(self) -> tuple[int, int]:
        return TIMESTAMP_CREATE_TIME, self.at


def test_under_compressed_time_the_others_wait_for_a_tick_being_cleared() -> None:
    """Where writers stamp the records, time is good to the tick: the rest waits for the answer."""
    log = Log([7], [], [5])
    log.fetch(0)
    log.merge.add(CLOCK, Stamped(0, 5))  # type: ignore[arg-type]
    assert log.take(now=1.0) == []
    log.merge.asking()
    assert log.take(now=1.0) == []
    log.merge.ends_are([1, 0, 1])
    assert log.take(now=1.0) == [(CLOCK, 5), (0, 7)]


def test_under_the_brokers_time_nobody_waits_for_a_tick_being_cleared() -> None:
    """In production a tick that comes a moment late costs nothing, a wait costs every order."""
    log = Log([7], [], [5])
    log.fetch(0)
    log.fetch(CLOCK)
    log.merge.asking()
    assert log.take(now=1.0) == [(0, 7)]
    log.merge.ends_are([1, 0, 1])
    assert log.take(now=1.0) == [(CLOCK, 5)]
