"""Reply codes: that nobody outside can foresee them, that none means something else, that none
comes back, and where they stand in what is asked.
"""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.gate.codes import CODES, DIGITS, draw_code, draw_digit
from streams.gate.keys import subscriber_key
from streams.gate.reference import KeywordWords, ReplyWords, Template
from streams.gate.rows import OpenPrompt, PromptRef
from streams.gate.words import Answer, Channel, Keyword, MessageKind, Reason
from tests.gate.examples import (
    DAY,
    EVERY,
    FIRST,
    HOUR,
    IVR_SERVICE,
    KEYWORDS,
    LIFE,
    MINUTE,
    NOON,
    OTHER_SMS_SERVICE,
    REPLY_WORDS,
    SECOND,
    SMS_SERVICE,
    SUBSCRIBER,
    TEMPLATES,
    VOICE,
    catalogue,
    key_press,
    order,
    policy,
    reply,
    service,
)
from tests.gate.harness import Gate

KEY = b"the operator's secret of 32 bytes"


def test_the_same_prompt_has_the_same_code_for_ever() -> None:
    """A code follows from key, subscriber and prompt alone (law 8), and from all three of them."""
    code = draw_code(KEY, SUBSCRIBER, "p-1", (), ())
    assert code == draw_code(KEY, SUBSCRIBER, "p-1", (), ()) == "120"
    others = {
        draw_code(b"x" * 32, SUBSCRIBER, "p-1", (), ()),
        draw_code(KEY, SUBSCRIBER + "1", "p-1", (), ()),
        draw_code(KEY, SUBSCRIBER, "p-2", (), ()),
    }
    assert code not in others


def test_codes_are_spread_over_all_that_there_are() -> None:
    """Of nine thousand prompts hardly a code is never drawn, and none much more than others."""
    drawn = [draw_code(KEY, SUBSCRIBER, f"p-{n}", (), ()) for n in range(9_000)]
    counts = [drawn.count(code) for code in CODES]
    assert sum(count == 0 for count in counts) < 5
    assert max(counts) < 30


@given(draw=st.randoms(use_true_random=False), prompt=st.text(max_size=40))
def test_no_code_is_taken_or_forbidden(draw: Random, prompt: str) -> None:
    """However few are left, a code is one of them; when none is left there is none."""
    left = draw.sample(CODES, draw.choice((0, 1, 2, 20, 899)))
    rest = [code for code in CODES if code not in left]
    half = len(rest) // 2
    code = draw_code(KEY, SUBSCRIBER, prompt, set(rest[:half]), set(rest[half:]))
    assert code in left if left else code is None


@given(key=st.binary(min_size=32, max_size=32))
@settings(max_examples=10, deadline=None)
def test_two_hundred_prompts_of_a_day_have_two_hundred_codes(key: bytes) -> None:
    """The most prompts that a policy may allow a day never repeat a code, whatever the key; the day
    after goes on without repeating one that may still be remembered.
    """
    first = [service(f"s-{n}", Channel.SMS, 100) for n in range(10)]
    gate = Gate(catalogue(policy(EVERY, code_key=key, prompts_per_day_max=200)))
    for each in first:
        assert gate.catalogue.fold("services.v1", each) is None
    for n in range(220):
        at = NOON + n * (DAY // 210)
        gate.take(order(f"o-{n}", NOON if n < 200 else at, first[n % 10]), NOON + n * LIFE)
        gate.tick(NOON + n * LIFE)
    codes = [message.reply_code for message in gate.messages]
    assert len(codes) == len(set(codes)) >= 200
    assert all(code in CODES for code in codes)


def test_a_subscriber_for_whom_no_code_is_left_is_not_asked() -> None:
    """When every code of the days kept is given out, the order is refused as over the limit."""
    gate = Gate(catalogue(policy(EVERY)))
    gate.take(order("o-1", NOON - DAY), NOON)
    key = subscriber_key(SUBSCRIBER)
    row = gate.subscribers[key]
    gate.subscribers[key] = row._replace(days=(row.days[0]._replace(codes=CODES),))
    decision = gate.take(order("o-2", NOON, OTHER_SMS_SERVICE), NOON)
    assert decision.reason is gate.verdicts[0].reason is Reason.PROMPT_LIMIT


def test_no_code_is_a_word_of_the_policy() -> None:
    """Neither an answer, nor a keyword, nor a cancellation with its number can be a code, in
    whatever width they are spelt.
    """
    words = (ReplyWords(Answer.YES, Channel.SMS, ("Y", "１２３", "9999")), *REPLY_WORDS[1:])
    keywords = (
        KeywordWords(Keyword.LIST, ("0000",)),
        KeywordWords(Keyword.CANCEL, ("8", "QX")),
    )
    (in_force,) = catalogue(policy(reply_words=words, keywords=keywords)).policies.values()
    expected = {"123", *(code for code in CODES if code.startswith("8"))}
    assert in_force.codes_spelt == expected
    (usual,) = catalogue(policy(keywords=KEYWORDS)).policies.values()
    assert usual.codes_spelt == set()


def test_a_code_is_never_a_word_when_prompts_are_sent() -> None:
    """With nine tenths of the codes spelt as words, every prompt still has one of the rest."""
    spelt = tuple(code for code in CODES if not code.endswith("7"))
    words = (ReplyWords(Answer.YES, Channel.SMS, ("Y", *spelt)), *REPLY_WORDS[1:])
    gate = Gate(catalogue(policy(EVERY, reply_words=words)))
    for n in range(40):
        gate.take(order(f"o-{n}", NOON, SMS_SERVICE), NOON + n * LIFE)
    codes = [message.reply_code or "" for message in gate.messages]
    assert len(set(codes)) == len(codes) == 40
    assert all(code.endswith("7") for code in codes)


def test_every_text_prompt_has_a_code_and_remembers_it() -> None:
    """The message, the prompt's row, the subscriber's row and the day all know the code."""
    gate = Gate(catalogue())
    gate.take(order("o-1", NOON), NOON)
    (code,) = [message.reply_code for message in gate.messages]
    prompt, ref = prompt_of(gate)
    assert code == prompt.code == ref.code
    assert gate.subscribers[subscriber_key(SUBSCRIBER)].days[0].codes == (code,)
    assert not prompt.code_required
    assert "回复Y确认" in gate.messages[0].text


def test_with_another_prompt_alive_the_text_asks_for_the_code() -> None:
    """The first prompt asks for Y, the second, while a Y could mean either, for its own code."""
    gate = Gate(catalogue())
    gate.take(order("o-1", NOON), NOON)
    gate.take(order("o-2", NOON, OTHER_SMS_SERVICE), NOON + LIFE - 1)
    gate.take(order("o-3", NOON, service("mms-1", Channel.MMS, 300)), NOON + 2 * LIFE)
    first, second, third = gate.messages
    assert "回复Y确认" in first.text
    assert f"回复{second.reply_code}确认" in second.text
    assert "回复Y确认" in third.text  # nothing alive any more, though nothing has lapsed


def test_a_prompt_at_its_very_end_makes_nothing_ambiguous() -> None:
    """At expires_at the earlier prompt is dead, so that a plain yes can only mean the later one;
    a voice prompt is never meant by a text.
    """
    gate = Gate(catalogue())
    gate.take(order("o-0", NOON, IVR_SERVICE), NOON)
    gate.take(order("o-1", NOON), NOON)
    gate.take(order("o-2", NOON, OTHER_SMS_SERVICE), NOON + LIFE)
    texts = [message.text for message in gate.messages if message.channel is Channel.SMS]
    assert all("回复Y确认" in text for text in texts)


def test_one_wording_serves_every_code() -> None:
    """What is remembered of a prompt is written once, whatever codes are put into it."""
    gate = Gate(catalogue(policy(VOICE, FIRST._replace(code_required=True))))
    (in_force,) = gate.catalogue.policies.values()
    words = (in_force, Channel.SMS, "guangdong", "sms-1", 200, "CNY", LIFE)
    before = gate.catalogue.prompt(*words)
    for place in range(3):
        gate.take(order(f"o-{place}", NOON, msisdn=f"861380000000{place}"), NOON)
    texts = {message.text.replace(message.reply_code or "", "") for message in gate.messages}
    assert len({message.reply_code for message in gate.messages}) == 3
    assert texts == {"".join(before.around_code)}
    assert gate.catalogue.prompt(*words) is before


@pytest.mark.parametrize("province", ["guangdong", "hongkong"])
def test_where_a_code_is_required_the_text_asks_for_it(province: str) -> None:
    """Also the only prompt asks for its code, in either language, within one segment."""
    gate = Gate(catalogue(policy(VOICE, FIRST._replace(code_required=True))))
    gate.take(order("o-1", NOON, province=province), NOON)
    (message,) = gate.messages
    assert message.reply_code is not None
    assert message.reply_code in message.text
    assert message.segments == 1
    prompt, ref = prompt_of(gate)
    assert prompt.code_required
    assert ref.code_required


def test_the_next_prompt_of_waiting_orders_has_a_code_of_its_own() -> None:
    """Each question of EVERY_ORDER has another code, and asks for it only where it must."""
    gate = Gate(catalogue(policy(EVERY)))
    for place in (1, 2):
        gate.take(order(f"o-{place}", NOON), NOON)
    gate.take(reply("r-1", NOON), NOON)
    first, second = gate.messages
    assert first.reply_code != second.reply_code
    assert "回复Y确认" in second.text
    assert prompt_of(gate)[0].code == second.reply_code


def test_words_that_fit_with_yes_but_not_with_a_code_are_not_sent() -> None:
    """A prompt whose code takes it over one segment is not sent in two (law 6)."""
    words = "{{ provider }}{{ service }}{{ price }}{{ yes }}"
    room = 70 - len("新浪服务12.00元Y")
    tight = (Template(MessageKind.PROMPT, Channel.SMS, "zh", words + "。" * room), *TEMPLATES[1:])
    gate = Gate(catalogue(policy(templates=tight)))
    assert gate.take(order("o-1", NOON), NOON).reason is Reason.PROMPTED
    assert gate.messages[0].segments == 1
    refused = gate.take(order("o-2", NOON, OTHER_SMS_SERVICE), NOON)
    assert refused.reason is Reason.UNASKABLE
    assert len(gate.messages) == 1


def test_a_template_changed_while_prompts_are_open_leaves_their_codes() -> None:
    """What was asked under the old words is answered by the code it named; what is asked under the
    new words has theirs.
    """
    text = "新{{ provider }}{{ service }}{{ price }}回{{ yes }}"
    changed = (Template(MessageKind.PROMPT, Channel.SMS, "zh", text), *TEMPLATES[1:])
    second = policy(templates=changed, version=2, effective_from=NOON + MINUTE)
    gate = Gate(catalogue(policy(), second))
    gate.take(order("o-1", NOON), NOON)
    gate.take(order("o-2", NOON, OTHER_SMS_SERVICE), NOON + MINUTE)
    old, new = gate.messages
    assert new.text == f"新新浪服务21.00元回{new.reply_code}"
    assert (old.template_version, new.template_version) == ("operator/1", "operator/2")
    at = NOON + 2 * MINUTE
    assert gate.take(reply("r-1", at, old.reply_code or ""), at).order_id == "o-1"
    assert gate.take(reply("r-2", at, new.reply_code or ""), at).order_id == "o-2"
    assert [charge.order_id for charge in gate.charges] == ["o-1", "o-2"]


def test_the_digit_is_never_a_no_and_follows_from_the_prompt() -> None:
    """One of the digits that mean nothing else is drawn; when all mean no there is none."""
    drawn = {draw_digit(KEY, f"p-{n}", {"2", "9"}) for n in range(200)}
    assert drawn == set(DIGITS) - {"2", "9"}
    assert draw_digit(KEY, "p-1", {"2"}) == draw_digit(KEY, "p-1", {"2"})
    assert draw_digit(KEY, "p-1", set(DIGITS)) is None


def test_that_a_clarify_was_sent_is_forgotten_when_one_prompt_is_left() -> None:
    """Of three text prompts two lapse: with one left the next doubt is a new one, not before."""
    gate = Gate(catalogue())
    key = subscriber_key(SUBSCRIBER)
    ordered = (SMS_SERVICE, OTHER_SMS_SERVICE, service("mms-1", Channel.MMS, 300))
    for place, each in enumerate(ordered):
        gate.take(order(f"o-{place}", NOON, each), NOON + place * SECOND)
    gate.take(order("o-v", NOON, IVR_SERVICE), NOON + 10 * SECOND)
    gate.subscribers[key] = gate.subscribers[key]._replace(clarified=True)
    gate.take(key_press("r-v", NOON + 11 * SECOND), NOON + 11 * SECOND)
    due = sorted(at for at, _ in gate.due)
    gate.tick(due[1])
    assert gate.subscribers[key].clarified
    gate.tick(due[2])
    assert [ref.service_id for ref in gate.subscribers[key].prompts] == ["mms-1"]
    assert not gate.subscribers[key].clarified
    gate.tick(NOON + HOUR)
    assert not gate.subscribers[key].prompts


def prompt_of(gate: Gate) -> tuple[OpenPrompt, PromptRef]:
    (row,) = gate.service_days.values()
    (prompt,), (ref,) = row.prompts, gate.subscribers[subscriber_key(SUBSCRIBER)].prompts
    return prompt, ref
