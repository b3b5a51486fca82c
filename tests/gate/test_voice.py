"""Voice: the digit that nobody can foresee, and the calls in which it counts."""

from streams.gate.codes import DIGITS
from streams.gate.keys import subscriber_key
from streams.gate.reference import ReplyWords
from streams.gate.words import Answer, Channel, Reason
from tests.gate.examples import (
    BEGINNING,
    DAY,
    EVERY,
    FIRST,
    IVR_SERVICE,
    MINUTE,
    NOON,
    REPLY_WORDS,
    SECOND,
    SUBSCRIBER,
    VOICE,
    catalogue,
    key_press,
    order,
    policy,
)
from tests.gate.harness import Gate

DIGIT = VOICE._replace(code_required=True)


def asked(count: int = 1) -> Gate:
    """A gate that has asked for a digit in call-1, with so many orders waiting."""
    gate = Gate(catalogue(policy(DIGIT, FIRST)))
    for place in range(1, count + 1):
        gate.take(order(f"o-{place}", NOON, IVR_SERVICE), NOON)
    return gate


def digit_of(gate: Gate) -> str:
    return gate.messages[-1].reply_code or ""


def other_than(*digits: str) -> str:
    return next(digit for digit in DIGITS if digit not in digits)


def test_the_spoken_prompt_names_the_digit() -> None:
    """The digit is the prompt's code and what the recording says in place of the policy's yes."""
    gate = asked()
    (message,) = gate.messages
    spoken = {each.name: each.value for each in message.variables}
    assert message.reply_code == spoken["yes"] == digit_of(gate)
    assert digit_of(gate) in DIGITS
    row = gate.subscribers[subscriber_key(SUBSCRIBER)]
    assert (row.prompts[0].code, row.prompts[0].code_required) == (message.reply_code, True)
    assert row.days[0].codes == ()
    assert row.days[0].prompts == 1
    assert (message.text, message.segments, message.call_id) == ("", 0, "call-1")


def test_without_a_code_the_prompt_speaks_the_policys_key() -> None:
    """Where no digit is asked for the prompt has no code."""
    gate = Gate(catalogue())
    gate.take(order("o-1", NOON, IVR_SERVICE), NOON)
    (message,) = gate.messages
    assert message.reply_code is None
    assert dict(message.variables)["yes"] == "1"


def test_digits_differ_and_none_is_a_no() -> None:
    """Over many calls every digit but the policy's no is drawn."""
    gate = Gate(catalogue(policy(DIGIT, FIRST)))
    for place in range(100):
        gate.take(order(f"o-{place}", NOON, IVR_SERVICE, call_id=f"call-{place}"), NOON)
    assert {message.reply_code for message in gate.messages} == set(DIGITS) - {"2"}


def test_only_the_digit_is_a_yes() -> None:
    """The policy's own yes key is none here, and every other key is a no."""
    assert asked().take(key_press("r", NOON, digit_of(asked())), NOON).reason is (
        Reason.APPROVED_CONFIRMED
    )
    for wrong in {"0", "2", other_than("1", digit_of(asked())), "1"} - {digit_of(asked())}:
        gate = asked()
        decision = gate.take(key_press("r-1", NOON, wrong), NOON)
        assert decision.reason is gate.verdicts[0].reason is Reason.DECLINED
        assert not gate.charges


def test_each_order_of_a_call_has_a_digit_of_its_own() -> None:
    """After the yes to the first, the next is asked about with its own prompt's digit."""
    gate = asked(2)
    first = digit_of(gate)
    gate.take(key_press("r-1", NOON, first), NOON)
    second = gate.messages[1]
    assert second.order_id == "o-2"
    assert dict(second.variables)["yes"] == second.reply_code
    gate.take(key_press("r-2", NOON, digit_of(gate)), NOON)
    assert [charge.order_id for charge in gate.charges] == ["o-1", "o-2"]


def test_silence_in_a_call_is_no() -> None:
    """Whoever hangs up is not charged: the prompt lapses and the order is refused."""
    gate = asked()
    (decision,) = gate.tick(NOON + DAY)
    assert decision.reason is gate.verdicts[0].reason is Reason.SILENCE
    assert not gate.charges


def test_a_policy_whose_every_key_is_a_no_cannot_ask_for_a_digit() -> None:
    """With no key left for a yes the order is refused, not asked about."""
    keys = ReplyWords(Answer.NO, Channel.IVR, tuple(DIGITS))
    yes = ReplyWords(Answer.YES, Channel.IVR, ("0",))
    gate = Gate(catalogue(policy(DIGIT, FIRST, reply_words=(*REPLY_WORDS[:2], yes, keys))))
    decision = gate.take(order("o-1", NOON, IVR_SERVICE), NOON)
    assert decision.reason is gate.verdicts[0].reason is Reason.UNASKABLE


def test_a_call_through_midnight_keeps_its_ceiling() -> None:
    """What was charged before midnight counts for the call after it, though not for the day."""
    midnight = BEGINNING + DAY
    gate = Gate(catalogue(policy(EVERY._replace(call_amount_max_minor=1_000))))
    instants = (midnight - SECOND, midnight + SECOND, midnight + MINUTE)
    reasons = []
    for place, at in enumerate(instants):
        reasons.append(gate.take(order(f"o-{place}", at, IVR_SERVICE), at).reason)
        gate.take(key_press(f"r-{place}", at), at)
    assert reasons == [Reason.PROMPTED, Reason.PROMPTED, Reason.CALL_LIMIT]
    days = gate.subscribers[subscriber_key(SUBSCRIBER)].days
    assert [each.spent[0].amount_minor for each in days] == [500, 500]


def test_a_call_is_remembered_while_later_ones_come() -> None:
    """Eight calls of a day are remembered, the last ones; each with its own ceiling."""
    gate = Gate(catalogue(policy(VOICE._replace(call_count_max=1), FIRST)))
    for place in range(10):
        call = f"call-{place}"
        gate.take(order(f"o-{place}", NOON, IVR_SERVICE, call_id=call), NOON)
        gate.take(key_press(f"r-{place}", NOON, call_id=call), NOON)
    (day,) = gate.subscribers[subscriber_key(SUBSCRIBER)].days
    assert [each.call_id for each in day.calls] == [f"call-{place}" for place in range(2, 10)]
    again = gate.take(order("o-x", NOON, IVR_SERVICE, call_id="call-2"), NOON)
    assert again.reason is Reason.CALL_LIMIT
