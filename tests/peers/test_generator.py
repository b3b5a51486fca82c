"""The events of W1 are the same for the same seed, and have the mix that is told."""

from collections import Counter
from hashlib import sha256

import pytest

from tests.peers import workload
from tests.peers.generator import plan
from tests.peers.workload import ORDER, REPLY


def test_the_same_seed_gives_the_same_events() -> None:
    """Byte for byte, in order; another seed gives others."""
    first, again, other = ([event.value(7) for event in plan(2_000, seed)] for seed in (5, 5, 6))
    assert first == again
    assert not set(first) & set(other)


def test_the_events_are_those_of_the_suite_before() -> None:
    """Byte for byte those of the suite whose figures ours are held against (its seed 7)."""
    digest = sha256()
    for place, event in enumerate(plan(60_000, 7)):
        digest.update(event.msisdn.encode() + event.value(1_759_971_600_000 + place // 100))
    assert digest.hexdigest() == "7e4c748627bd92945cd04fb0124931083a45faf91ad9eb288958408f1f599895"


def test_every_subscriber_has_ten_events() -> None:
    """Seven orders for five services, three replies; ids are unique."""
    events = list(plan(2_000, 5))
    assert set(Counter(event.msisdn for event in events).values()) == {10}
    assert len({event.msisdn for event in events}) == 200
    orders = [event.fields["order_id"] for event in events if event.schema_id == ORDER]
    replies = [event.fields["reply_id"] for event in events if event.schema_id == REPLY]
    assert (len(set(orders)), len(set(replies))) == (1_400, 600)


def test_events_of_a_subscriber_are_far_apart() -> None:
    """A key comes back after as many events as there are subscribers in progress, or about so."""
    last: dict[str, int] = {}
    gaps = []
    for place, event in enumerate(plan(100_000, 5)):
        if event.msisdn in last:
            gaps.append(place - last[event.msisdn])
        last[event.msisdn] = place
    assert 4_000 < sum(gaps) / len(gaps) < 5_500


def test_ranges_of_subscribers_do_not_meet() -> None:
    """The warm-up's subscribers are nobody's in the load that is measured."""
    measured, warming = list(plan(2_000, 5)), list(plan(2_000, 5, 50_000_000))
    assert not {event.msisdn for event in measured} & {event.msisdn for event in warming}
    assert not {event.value(7) for event in measured} & {event.value(7) for event in warming}


def test_half_a_subscriber_is_refused() -> None:
    """So that every output that is counted on comes."""
    with pytest.raises(ValueError, match="multiple of 10"):
        next(plan(2_005, 5))


def test_framing_goes_there_and_back() -> None:
    """The reference codec reads what it wrote, and refuses what has no header."""
    event = next(plan(10, 5))
    assert workload.decode(event.value(7)) == (ORDER, event.fields | {"ordered_at": 7})
    with pytest.raises(ValueError, match="no header"):
        workload.decode(b"\1" + event.value(7)[1:])
