"""Too many unreadable records stop the worker: a share of the last ones, from a least number on."""

import pytest

from streams.errors import Cause, Stop
from streams.ingress.acts import unreadable_command
from streams.ingress.dead_letter_limit import Bad, DeadLetterLimit

BAD = Bad("orders.v1", 3, 7, "truncated")


def take(limit: DeadLetterLimit, bad: int = 0, good: int = 0) -> None:
    """So many unreadable records, then so many good ones."""
    for _ in range(bad):
        limit.count(BAD)
    for _ in range(good):
        limit.count(None)


def test_at_the_share_it_goes_on_and_above_it_stops() -> None:
    """10 % of 100 are ten: the tenth is allowed, the eleventh is one too many."""
    limit = DeadLetterLimit(10, 100, 1)
    take(limit, good=90)
    take(limit, bad=10)
    with pytest.raises(Stop) as stopped:
        take(limit, bad=1)
    assert stopped.value.cause is Cause.DEAD_LETTERS
    assert "11 of the last 100 records" in str(stopped.value)
    assert "the last is orders.v1 [3] offset 7, truncated" in str(stopped.value)
    assert unreadable_command("orders.v1", 3, 7) in str(stopped.value)


def test_few_never_stop_it() -> None:
    """Below the least number no share is too high."""
    limit = DeadLetterLimit(0, 100, 5)
    take(limit, bad=4)
    with pytest.raises(Stop):
        take(limit, bad=1)


def test_what_has_left_the_window_no_longer_counts() -> None:
    """Only the last records count: as many good ones as the window holds clear it."""
    limit = DeadLetterLimit(10, 100, 1)
    take(limit, good=100)
    for _ in range(20):
        take(limit, bad=10, good=90)
    take(limit, bad=10)


def test_the_oldest_leaves_as_the_newest_comes() -> None:
    """At the limit a further one is allowed exactly when an older one leaves the window."""
    limit = DeadLetterLimit(10, 100, 1)
    take(limit, good=100)
    take(limit, bad=10, good=90)
    take(limit, bad=1)  # the first of the ten has left
    with pytest.raises(Stop):
        _filled().count(BAD)


def _filled() -> DeadLetterLimit:
    limit = DeadLetterLimit(10, 100, 1)
    take(limit, good=100)
    take(limit, bad=10, good=89)
    return limit


def test_a_hundred_percent_never_stops_it() -> None:
    """A limit of 100 % is none."""
    take(DeadLetterLimit(100, 100, 1), bad=1000)


def test_good_records_never_stop_it() -> None:
    """It is always an unreadable record that stops the worker."""
    limit = DeadLetterLimit(0, 100, 5)
    take(limit, bad=4, good=1000)


def test_at_a_start_the_share_is_of_what_was_taken_so_far() -> None:
    """A writer that is broken from the first record on is noticed at the least number."""
    limit = DeadLetterLimit(10, 10_000, 100)
    take(limit, bad=99)
    with pytest.raises(Stop) as stopped:
        take(limit, bad=1)
    assert "100 of the last 100 records" in str(stopped.value)


def test_a_partition_whose_bad_records_have_left_the_window_is_not_told() -> None:
    """What has long been decided needs no act: only records of the window are told."""
    limit = DeadLetterLimit(10, 20, 3)
    limit.count(Bad("replies.v1", 0, 1, "x"))
    take(limit, good=20)
    take(limit, bad=2)
    with pytest.raises(Stop) as stopped:
        take(limit, bad=1)
    assert "replies.v1" not in str(stopped.value)
    assert unreadable_command("orders.v1", 3, 7) in str(stopped.value)


def test_the_stop_says_what_to_type_for_each_partition() -> None:
    """Junk on several partitions is told with one command for each, up to its last one taken."""
    limit = DeadLetterLimit(10, 100, 4)
    for bad in (Bad("orders.v1", 1, 5, "x"), Bad("replies.v1", 1, 2, "x"), BAD):
        limit.count(bad)
    with pytest.raises(Stop) as stopped:
        limit.count(Bad("orders.v1", 1, 6, "x"))
    said = str(stopped.value)
    assert said.count("tollgate quarantine unreadable") == 3
    for place in (("orders.v1", 1, 6), ("orders.v1", 3, 7), ("replies.v1", 1, 2)):
        assert unreadable_command(*place) in said


def test_what_only_a_worker_can_tell_is_told_with_its_option() -> None:
    """Where every bad record of the window can be read, the command says that this is known."""
    limit = DeadLetterLimit(10, 100, 3)
    limit.count(Bad("orders.v1", 1, 5, "conflict", is_readable=True))
    limit.count(Bad("replies.v1", 2, 3, "truncated"))
    with pytest.raises(Stop) as stopped:
        limit.count(Bad("replies.v1", 2, 4, "conflict", is_readable=True))
    said = str(stopped.value)
    assert unreadable_command("orders.v1", 1, 5, readable_too=True) in said
    assert unreadable_command("replies.v1", 2, 4) in said
