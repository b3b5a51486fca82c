"""What fuzzing found: each input once did what no input may do."""

import time
import tracemalloc

import pytest

from streams.audit.answers import said_in
from streams.gate.catalogue import Catalogue
from streams.gate.facts import gather_facts
from streams.gate.faults import PRICE_MINOR_MAX, service_fault
from streams.gate.ids import shown
from streams.gate.objections import first_objection
from streams.gate.policy import ANSWER_LENGTH_MAX, PolicyInForce, spoken
from streams.gate.policy_faults import SPAN_MAX_MS, policy_fault
from streams.gate.reading import Said
from streams.gate.rows import Seen
from streams.gate.words import Answer, Channel, Reason
from streams.masking import mask_id, mask_text
from tests.codec.samples import CODECS
from tests.fuzz.wire import INT_MAX, LONG_MAX, LONG_MIN
from tests.gate.examples import (
    FIRST,
    NOON,
    SMS_SERVICE,
    VOICE,
    catalogue,
    key_press,
    order,
    policy,
    reply,
)
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


def test_two_numbers_that_share_digits_are_both_masked() -> None:
    """Where an id holds the number twice, overlapping, masking one does not show the other."""
    assert shown("set-138001380013-9", "1380013") == "set-…0…013-9"
    assert "1380013" not in shown("1380013800138001380013", "1380013")


def test_a_long_run_of_digits_is_masked_at_once() -> None:
    """An id of 16,000 digits without the number took a second to look through; one with it goes."""
    began = time.thread_time()
    assert mask_id("1" * 16_000, ("8613800138000",)) == "1" * 16_000
    assert time.thread_time() - began < 0.1
    assert mask_id("9" * 16_000 + "008613800138000-1", ("8613800138000",)) == "…000-1"
    assert mask_id("a13800138000b2", ("8613800138000",)) == "a…000b2"


def test_a_long_run_of_digits_is_masked_in_little_memory() -> None:
    """300 bytes were kept for each digit of a run, to come back to it."""
    text = "1" * 16_000
    tracemalloc.start()
    try:
        assert mask_text(text) == "…111"
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 20 * len(text)


@pytest.mark.parametrize("instant", [LONG_MAX, LONG_MIN])
def test_an_order_of_any_instant_is_remembered_while_there_is_no_policy(instant: int) -> None:
    """Nothing says yet what is ahead or stale; the day that is remembered fits its row."""
    gate = Gate(Catalogue())
    dump, load = CODECS.row_codec("seen", Seen)
    assert gate.take(order("o-1", instant), NOON).reason is Reason.NO_POLICY
    (seen,) = gate.seen.values()
    assert load(dump(seen)) == seen
    assert gate.take(order("o-1", instant), NOON).reason is Reason.REPEATED


@pytest.mark.parametrize(
    "field",
    [
        *("grace_ms", "skew_ms", "message_life_ms", "receipt_interval_ms", "undo_ms"),
        "alarm_window_ms",
    ],
)
def test_a_policy_of_more_than_a_thousand_years_is_not_taken(field: str) -> None:
    """Added to an instant it fitted no record, and the first subscriber who asked stopped all."""
    assert policy_fault(policy(**{"horizon_days": INT_MAX, field: SPAN_MAX_MS})) is None
    fault = policy_fault(policy(**{"horizon_days": INT_MAX, field: SPAN_MAX_MS + 1}))
    assert fault is not None
    assert "a thousand years" in fault


def test_neither_are_prompts_nor_complaints_that_live_so_long() -> None:
    """The life of a rule's prompts and the alarms of a complaint have the same limit."""
    long_lived = FIRST._replace(prompt_life_ms=SPAN_MAX_MS)
    assert policy_fault(policy(VOICE, long_lived, complaint_alarms_ms=(SPAN_MAX_MS,))) is None
    longer = FIRST._replace(prompt_life_ms=SPAN_MAX_MS + 1)
    for refused in (policy(VOICE, longer), policy(complaint_alarms_ms=(SPAN_MAX_MS + 1,))):
        assert "a thousand years" in (policy_fault(refused) or "")


def test_a_price_that_cannot_be_added_up_is_not_taken() -> None:
    """Two charges of half of 64 bits were more than a subscriber's row can hold."""
    assert service_fault(SMS_SERVICE._replace(price_minor=PRICE_MINOR_MAX)) is None
    assert service_fault(SMS_SERVICE._replace(price_minor=PRICE_MINOR_MAX + 1)) is not None


@pytest.mark.parametrize("field", ["province", "provider_id", "service_id"])
def test_long_names_in_orders_are_not_kept(field: str) -> None:
    """What is remembered to be quick is counted in names, so a long name is not remembered."""
    known = catalogue()
    facts = gather_facts(known, NOON, NOON, "orders.v1", 0, 0)
    assert facts.policy is not None
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(500):
            asked = order("o-1", NOON, **{field: f"{number}".rjust(15_000)})  # type: ignore[arg-type]
            if first_objection(asked, facts) is None:
                known.rule_for(facts.policy, asked, NOON)
        kept = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert kept < 500_000, "500 names of 15 KB were kept"


@pytest.mark.parametrize("number", ["8600(0p", "(((((((", "8600\\g<9>", "[8600000", "1234567\\"])
def test_a_number_that_is_none_is_masked_as_it_stands(number: str) -> None:
    """What stands in a number's place in a key may be anything, and is no pattern."""
    assert mask_id(f"x-{number}-y", (number,)) in (f"x-…{number[-3:]}-y", f"x-{number}-y")
