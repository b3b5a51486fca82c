"""What subscribers do is drawn from the seed and themselves, and nothing else."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.gate.words import Channel
from streams.world.draws import Lots, chances
from streams.world.mix import DEFAULT_MIX, Fault, Mix, MixError, Temper, parse_mix
from streams.world.options import Options, OptionsError
from streams.world.people import OrderIds, People, Wish, base36
from streams.world.rounds import Rounds
from streams.world.talk import (
    Answer,
    Question,
    Way,
    after_clarify,
    after_listing,
    after_receipt,
    answers,
)
from tests.world.market_for_tests import small_market

ALL_QUICK = Mix({Temper.QUICK_YES: 1.0}, DEFAULT_MIX.faults)

PLAIN = Question(Channel.SMS, "zh", "417", is_told=False)
TOLD = PLAIN._replace(is_told=True)
CALL = Question(Channel.IVR, "zh", None, is_told=False)


def _people(seed: int, size: int = 500) -> People:
    return People(seed, size, DEFAULT_MIX, small_market())


def _said(people: People, index: int, number: int, question: Question) -> tuple[Answer, ...]:
    return answers(people.seed, people.person(index).temper, index, number, question)


def _doings(people: People, index: int) -> tuple[Wish, tuple[Answer, ...]]:
    return people.wish(people.person(index), 3), _said(people, index, 3, PLAIN)


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
        is_late = people.person(index).temper is Temper.LATE_YES
        for answer in _said(people, index, 0, PLAIN):
            assert (answer.at > 1) == is_late


def test_all_tempers_speak_their_own_way() -> None:
    """Among many people every way of saying something occurs, with the code where one is told."""
    people = _people(12, 4000)
    ways = Counter(
        answer.way
        for index in range(4000)
        for question in (PLAIN, TOLD, CALL, CALL._replace(code="7", is_told=True))
        for answer in _said(people, index, 0, question)
    )
    for nth in range(50):
        ways[after_listing(1, 5, nth).way] += 1
        ways.update(remark.way for remark in after_receipt(1, 5, nth))
    assert set(ways) == set(Way)


def test_a_code_is_said_as_it_was_told() -> None:
    """A yes to a prompt that names its code holds just this code, however it is typed."""
    people = _people(13)
    for index in range(500):
        for answer in answers(people.seed, Temper.QUICK_YES, index, 0, TOLD):
            digits = "".join(str(int(sign)) for sign in answer.text if sign.isdigit())
            assert digits == "417"
            assert answer.way in (Way.CODE, Way.WORD_AND_CODE)


def test_a_wrong_code_is_never_the_prompts_own() -> None:
    """Somebody who errs gives three other digits, or presses another key."""
    spoken = CALL._replace(code="7", is_told=True)
    for index in range(1000):
        (typed,) = answers(3, Temper.WRONG_CODE, index, 0, TOLD)
        assert len(typed.text) == 3
        assert typed.text != "417"
        assert 100 <= int(typed.text) <= 999
        (pressed,) = answers(3, Temper.WRONG_CODE, index, 0, spoken)
        assert pressed.text in set("12345689")


def test_the_spoken_digit_is_what_a_willing_caller_presses() -> None:
    """In a call that asks for a digit, yes is that digit, and no is another key."""
    spoken = CALL._replace(code="7", is_told=True)
    assert answers(3, Temper.QUICK_YES, 1, 0, spoken)[0][1:] == ("7", Way.DIGIT)
    assert answers(3, Temper.QUICK_YES, 1, 0, CALL)[0][1:] == ("1", Way.KEY)
    assert answers(3, Temper.NO, 1, 0, spoken)[0].text != "7"


def test_a_clarify_is_answered_with_codes_that_it_names() -> None:
    """To several codes some say yes to one, some to all, some nothing more."""
    counts: Counter[int] = Counter()
    for index in range(300):
        remarks = after_clarify(3, Temper.SEVERAL, index, 0, ("417", "902"))
        counts[len(remarks)] += 1
        for remark, code in zip(remarks, ("417", "902"), strict=False):
            digits = "".join(str(int(sign)) for sign in remark.text if sign.isdigit())
            assert digits == code
    assert set(counts) == {0, 1, 2}
    assert after_clarify(3, Temper.SEVERAL, 1, 0, ()) == ()


def test_a_released_number_is_somebody_elses() -> None:
    """The next owner keeps the number and nothing else, and the same seed gives the same one."""
    people, again = _people(17), _people(17)
    first = people.person(4)
    second = people.release(first)
    assert (second.msisdn, second.ordinal, second.owner) == (first.msisdn, 4, 1)
    assert people.person(4) is second is people.of_number(first.msisdn)
    assert again.release(again.person(4)) == second
    others = [people.release(people.person(index)).temper for index in range(50)]
    assert others != [again.person(index).temper for index in range(50)]


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
