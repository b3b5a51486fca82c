"""What fuzzing found: each input once did what no input may do."""

import time

import pytest

from streams.audit.answers import said_in
from streams.gate.policy import ANSWER_LENGTH_MAX, PolicyInForce, spoken
from streams.gate.reading import Said
from streams.gate.words import Answer, Channel, Reason
from tests.gate.examples import NOON, key_press, policy, reply
from tests.gate.harness import Gate
from tests.gate.talking import talking

# Marks that stand above and below in turn: Unicode has them sorted, one by one.
MARKS = "\u0301\u0316" * 8_000


@pytest.mark.parametrize("channel", [Channel.SMS, Channel.IVR])
def test_a_long_text_of_marks_is_not_sorted(channel: Channel) -> None:
    """A reply of 16,000 marks says nothing, at once: sorting them took a third of a second."""
    gate: Gate = talking()
    said = reply("r-1", NOON, MARKS) if channel is Channel.SMS else key_press("r-1", NOON, MARKS)
    began = time.thread_time()
    assert gate.take(said, NOON).reason is Reason.UNCLEAR
    assert time.thread_time() - began < 0.1


def test_an_answer_may_be_as_long_as_any_answer_is() -> None:
    """Up to the limit spaces around a yes do not count; a character more and it is no answer."""
    words = PolicyInForce(policy())
    longest = "是".rjust(ANSWER_LENGTH_MAX)
    assert words.reading(longest) == Said(Answer.YES, None)
    assert words.answer(Channel.SMS, longest) is Answer.YES
    assert words.reading(longest + " ") is None
    assert words.answer(Channel.SMS, longest + " ") is None
    assert (spoken(longest), spoken(longest + " ")) == ("是", "")
    assert (said_in(longest), said_in(longest + " ")) == ("是", "")


def test_a_long_text_in_ascii_costs_nothing_and_is_read() -> None:
    """What has no marks to sort is read however long it is."""
    words = PolicyInForce(policy())
    assert words.reading("Y".rjust(16_000)) == Said(Answer.YES, None)
    assert said_in("Y".rjust(16_000)) == "y"
