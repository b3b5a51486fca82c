"""What subscribers do is drawn from the seed and themselves, and nothing else."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.gate.words import Channel
from streams.world.draws import Lots, chances
from streams.world.mix import DEFAULT_MIX, Fault, Mix, MixError, Temper, parse_mix
from streams.world.options import Options, OptionsError
from streams.world.people import Answer, OrderIds, People, Wish, base36
from streams.world.rounds import Rounds
from tests.world.market_for_tests import small_market

ALL_QUICK = Mix({Temper.QUICK_YES: 1.0}, DEFAULT_MIX.faults)


def _people(seed: int, size: int = 500) -> People:
    return People(seed, size, DEFAULT_MIX, small_market())


def _doings(people: People, index: int) -> tuple[Wish, Answer | None]:
    person = people.person(index)
    return people.wish(person, 3), people.answer(person, 3, Channel.SMS, "zh")


def test_the_same_seed_gives_the_same_people() -> None:
    """Everybody does the same again, whoever was met before them."""
    forwards, backwards = _people(7), _people(7)
    first = [_doings(forwards, index) for index in range(200)]
    second = [_doings(backwards, index) for index in reversed(range(200))]
    assert first == second[::-1]
    assert [forwards.person(i) for i in range(200)] == [backwards.person(i) for i in range(200)]


def test_another_seed_gives_other_people() -> None:
    """Two seeds share neither numbers nor tempers."""
    ours, theirs = _people(1), _people(2)
    numbers = [{people.person(index).msisdn for index in range(200)} for people in (ours, theirs)]
    tempers = [[people.person(index).temper for index in range(200)] for people in (ours, theirs)]
    assert not numbers[0] & numbers[1]
    assert tempers[0] != tempers[1]


def test_every_subscriber_has_a_number_of_their_own() -> None:
    """No two subscribers share an MSISDN."""
    people = _people(3)
    assert len({people.person(index).msisdn for index in range(20_000)}) == 20_000


def test_tempers_come_in_their_shares() -> None:
    """Among many subscribers each temper has about its share."""
    people = _people(5)
    counted = Counter(people.person(index).temper for index in range(20_000))
    for temper, share in DEFAULT_MIX.tempers.items():
        assert abs(counted[temper] / 20_000 - share) < 0.01


def test_answers_keep_to_the_prompts_life_unless_late() -> None:
    """Late people answer after the prompt's end, all others within its life."""
    people = _people(11)
    for index in range(2000):
        person = people.person(index)
        answer = people.answer(person, 0, Channel.SMS, "en")
        if answer is not None:
            assert (answer.at > 1) == (person.temper is Temper.LATE_YES)


def test_people_order_what_their_province_is_offered() -> None:
    """A local provider's service is ordered at home only."""
    people = _people(13)
    for index in range(2000):
        person = people.person(index)
        for offer in people.wish(person, 0).offers:
            assert offer.province in (None, person.province)


def test_everyone_has_one_turn_a_round() -> None:
    """In each round every subscriber comes once, in another order than before."""
    rounds = Rounds(1, 97)
    first = [rounds.next() for _ in range(97)]
    second = [rounds.next() for _ in range(97)]
    assert sorted(first) == [(index, 0) for index in range(97)]
    assert sorted(second) == [(index, 1) for index in range(97)]
    assert [index for index, _ in first] != [index for index, _ in second]


@given(st.integers(1_600_000_000_000, 2_000_000_000_000), st.integers(0, 10**7), st.integers(0))
def test_an_order_id_names_its_subscriber(started_at: int, index: int, number: int) -> None:
    """An order id of this run is read back; one of another run is nobody's."""
    ids = OrderIds(started_at)
    assert ids.read(ids.mint(index, number)) == (index, number)
    assert OrderIds(started_at + 1000).read(ids.mint(index, number)) is None


def test_order_ids_fit_a_link_id() -> None:
    """Ten million subscribers with a thousand orders each fit CMPP's 20 characters."""
    assert len(OrderIds(2_000_000_000_000).mint(10**7, 1000)) <= 20


@given(st.integers(0))
def test_base36_reads_back(number: int) -> None:
    """Python reads what we write."""
    assert int(base36(number), 36) == number


@given(st.integers(), st.text(max_size=5))
def test_chances_lie_below_one(seed: int, name: str) -> None:
    """Every chance is at least 0 and below 1."""
    assert all(0 <= chance < 1 for chance in chances(seed, name))


def test_lots_never_pick_what_has_no_weight() -> None:
    """A weight of zero is never picked, and no chance falls beyond the end."""
    lots = Lots({"never": 0.0, "a": 1.0, "b": 3.0})
    assert [lots.pick(chance) for chance in (0.0, 0.2499, 0.25, 0.999999)] == ["a", "a", "b", "b"]


def test_a_mix_is_read_by_name() -> None:
    """Tempers named replace all tempers; faults not named stay as they are."""
    mix = parse_mix("silence=0.25, quick_yes=0.75, malformed=0")
    assert mix.tempers == {Temper.SILENCE: 0.25, Temper.QUICK_YES: 0.75}
    assert mix.faults == {**DEFAULT_MIX.faults, Fault.MALFORMED: 0.0}
    assert parse_mix("") == DEFAULT_MIX


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("silense=1", "'silense'"),
        ("silence=0.5", "sum to 0.500"),
        ("silence=1.5,no=-0.5", "between 0 and 1"),
        ("silence=much", "'much'"),
        ("malformed=2", "malformed"),
        ("silence=nan", "silence"),
    ],
)
def test_a_mix_that_cannot_be_is_refused(text: str, says: str) -> None:
    """The sentence names the share and what is wrong with it."""
    with pytest.raises(MixError, match=says):
        parse_mix(text)


def test_options_that_cannot_be_are_refused() -> None:
    """The sentence names the option and what is allowed."""
    with pytest.raises(OptionsError, match="rate: 0 is refused, expected above 0"):
        Options(rate=0).checked()
    with pytest.raises(OptionsError, match="subscribers"):
        Options(subscribers=0).checked()
