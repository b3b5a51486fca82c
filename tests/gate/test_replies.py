"""Which prompt a reply answers: the only one, the one whose code it names, the one of its call."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.gate.effects import Message
from streams.gate.policy import normalise
from streams.gate.reading import Said, Wish, is_code, read
from streams.gate.words import Answer, Channel, Keyword, MessageKind, Outcome, Reason
from tests.gate.examples import (
    EVERY,
    FIRST,
    GRACE,
    HOUR,
    IVR_SERVICE,
    LIFE,
    LOCAL_SERVICE,
    MINUTE,
    NOON,
    OTHER_SMS_SERVICE,
    SECOND,
    VOICE,
    key_press,
    order,
    reply,
)
from tests.gate.harness import Gate
from tests.gate.talking import asked_twice, codes_of, of_kind, talking

ANSWERS = {"y": Answer.YES, "是": Answer.YES, "1": Answer.YES, "n": Answer.NO, "2": Answer.NO}
KEYWORDS = {
    "0000": Keyword.LIST,
    "qx": Keyword.CANCEL,
    "取消点播": Keyword.CANCEL,
    "tf": Keyword.UNDO,
}


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("Y", Said(Answer.YES, None)),
        ("0000", Wish(Keyword.LIST, None)),
        ("０ ０ ０ ０", Wish(Keyword.LIST, None)),
        ("qx", Wish(Keyword.CANCEL, None)),
        ("QX 2", Wish(Keyword.CANCEL, 2)),
        ("qx０１２", Wish(Keyword.CANCEL, 12)),
        ("取消点播3。", Wish(Keyword.CANCEL, 3)),
        ("qx0", Wish(Keyword.CANCEL, 0)),
        ("qx" + "9" * 5000, Wish(Keyword.CANCEL, 0)),
        ("qx" + "0" * 5000 + "7", Wish(Keyword.CANCEL, 7)),
        ("tf", Wish(Keyword.UNDO, None)),
        ("345", Said(Answer.YES, "345")),
        ("３４５", Said(Answer.YES, "345")),
        ("3 4 5!", Said(Answer.YES, "345")),
        ("Y345", Said(Answer.YES, "345")),
        ("345 是", Said(Answer.YES, "345")),
        ("345N", Said(Answer.NO, "345")),
        ("n 345", Said(Answer.NO, "345")),
        ("1345", Said(Answer.YES, "345")),
        ("3452", Said(Answer.NO, "345")),
        ("1112", None),  # yes to 112, or no to 111
        ("045", None),
        ("45", None),
        ("4567", None),
        ("Y45", None),
        ("345Y345", None),
        ("QXY", None),
        ("qx٣", None),  # other scripts have digits too
        ("tf2", None),
        ("00001", None),
        ("", None),
        (" \t", None),
        ("maybe", None),
    ],
)
def test_a_text_is_read_as_a_whole(text: str, reading: Said | Wish | None) -> None:
    """A text is one answer, one keyword or nothing; width, case, spaces do not count."""
    assert read(normalise(text), ANSWERS, KEYWORDS) == reading


def test_two_ways_to_read_a_number_are_none() -> None:
    """Where one spelling of a cancellation goes on as another, a number of either is not clear."""
    keywords = {"td": Keyword.CANCEL, "td1": Keyword.CANCEL}
    assert read("td1", ANSWERS, keywords) == Wish(Keyword.CANCEL, None)
    assert read("td12", ANSWERS, keywords) is None
    assert read("td2", ANSWERS, keywords) == Wish(Keyword.CANCEL, 2)


@given(text=st.text())
def test_any_text_can_be_read(text: str) -> None:
    """No text, however strange, stops the reading; a code that is read could be one."""
    reading = read(normalise(text), ANSWERS, KEYWORDS)
    if isinstance(reading, Said) and reading.code is not None:
        assert is_code(reading.code)


def test_a_reply_counts_until_just_before_the_end_of_its_prompt() -> None:
    """A millisecond before expires_at a code and a plain yes count, at expires_at neither."""
    for text in ("Y", "code"):
        for early, reason in ((1, Reason.APPROVED_CONFIRMED), (0, Reason.TOO_LATE)):
            gate = talking()
            gate.take(order("o-1", NOON), NOON)
            said = codes_of(gate)[0] if text == "code" else text
            heard = gate.take(reply("r-1", NOON + LIFE - early, said), NOON + LIFE)
            assert heard.reason is reason


def test_a_code_counts_until_the_grace_is_over() -> None:
    """A code received in time is honoured until its prompt lapses; afterwards it names nothing."""
    for late, reason in ((-1, Reason.APPROVED_CONFIRMED), (0, Reason.UNCLEAR)):
        gate = talking()
        gate.take(order("o-1", NOON), NOON)
        at = NOON + LIFE + GRACE
        gate.tick(at + late)
        heard = gate.take(reply("r-1", NOON + LIFE - 1, codes_of(gate)[0]), at)
        assert heard.reason is reason


def test_two_services_pending_and_a_plain_yes() -> None:
    """A plain yes among two prompts does nothing but bring one CLARIFY; a code then answers."""
    gate = asked_twice()
    first, second = codes_of(gate)
    assert gate.take(reply("r-1", NOON + SECOND), NOON + SECOND).reason is Reason.AMBIGUOUS
    (clarify,) = of_kind(gate, MessageKind.CLARIFY)
    assert clarify.text == f"请回复代码：{first} 服务1 2.00元；{second} 服务2 1.00元"
    assert (clarify.sender, clarify.language, clarify.segments) == ("10086", "zh", 1)
    assert clarify.issued_at == NOON + SECOND
    assert clarify.expires_at == NOON + SECOND + HOUR
    assert gate.take(reply("r-2", NOON + SECOND, "N"), NOON + SECOND).reason is Reason.AMBIGUOUS
    assert len(of_kind(gate, MessageKind.CLARIFY)) == 1
    assert not gate.charges
    assert not gate.verdicts
    heard = gate.take(reply("r-3", NOON + MINUTE, second), NOON + MINUTE)
    assert heard.reason is Reason.APPROVED_CONFIRMED
    assert [charge.order_id for charge in gate.charges] == ["o-2"]
    # Now one is left, and a plain yes is clear again.
    assert gate.take(reply("r-4", NOON + MINUTE), NOON + MINUTE).order_id == "o-1"
    assert len(gate.charges) == 2


def test_a_clarify_is_in_the_subscribers_language() -> None:
    """In Hong Kong a CLARIFY is written in English."""
    gate = asked_twice(province="hongkong")
    first, second = codes_of(gate)
    gate.take(reply("r-1", NOON), NOON)
    (clarify,) = of_kind(gate, MessageKind.CLARIFY)
    assert clarify.text == (
        f"Reply with the code: {first} Service 1 CNY 2.00; {second} Service 2 CNY 1.00"
    )


def test_another_clarify_comes_for_other_prompts() -> None:
    """When only one prompt stayed open in between, new prompts are clarified anew."""
    gate = asked_twice()
    gate.take(reply("r-1", NOON), NOON)
    gate.take(reply("r-2", NOON, codes_of(gate)[0]), NOON)
    gate.take(order("o-3", NOON, LOCAL_SERVICE), NOON)
    gate.take(reply("r-3", NOON + MINUTE), NOON + MINUTE)
    assert len(of_kind(gate, MessageKind.CLARIFY)) == 2


def test_no_clarify_without_words_for_it() -> None:
    """A policy without a CLARIFY template sends none, and nothing else changes."""
    gate = asked_twice(without=MessageKind.CLARIFY)
    assert gate.take(reply("r-1", NOON), NOON).reason is Reason.AMBIGUOUS
    assert not of_kind(gate, MessageKind.CLARIFY)
    assert gate.take(reply("r-2", NOON, codes_of(gate)[1]), NOON).order_id == "o-2"


def test_a_clarify_names_only_prompts_that_were_alive() -> None:
    """A prompt that has ended but not lapsed is not meant: a plain yes is to the other one."""
    gate = talking()
    gate.take(order("o-1", NOON), NOON)
    gate.take(order("o-2", NOON + MINUTE, OTHER_SMS_SERVICE), NOON + MINUTE)
    assert gate.take(reply("r-1", NOON + LIFE), NOON + LIFE).order_id == "o-2"
    assert not of_kind(gate, MessageKind.CLARIFY)


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{}", Reason.APPROVED_CONFIRMED),
        ("Y{}", Reason.APPROVED_CONFIRMED),
        ("{} yes", Reason.APPROVED_CONFIRMED),
        ("{}是", Reason.APPROVED_CONFIRMED),
        ("确认 {}。", Reason.APPROVED_CONFIRMED),
        ("N{}", Reason.DECLINED),
        ("{} 取消", Reason.DECLINED),
        ("{}{}", Reason.UNCLEAR),
        ("Y{}N", Reason.UNCLEAR),
        ("{}maybe", Reason.UNCLEAR),
    ],
)
@pytest.mark.parametrize("wide", [False, True])
def test_a_code_with_a_word(template: str, reason: Reason, *, wide: bool) -> None:
    """A code alone is a yes to its prompt; with a word before or after it says that word."""
    gate = asked_twice()
    code = codes_of(gate)[1]
    if wide:
        code = " ".join(chr(ord(digit) - ord("0") + ord("０")) for digit in code)
    heard = gate.take(reply("r-1", NOON + SECOND, template.replace("{}", code)), NOON + SECOND)
    assert heard.reason is reason
    assert heard.order_id == (None if reason is Reason.UNCLEAR else "o-2")


def test_a_code_of_a_prompt_that_has_ended() -> None:
    """The code of a prompt whose life is over is too late, though another prompt is alive."""
    gate = talking()
    gate.take(order("o-1", NOON), NOON)
    gate.take(order("o-2", NOON + MINUTE, OTHER_SMS_SERVICE), NOON + MINUTE)
    code = codes_of(gate)[0]
    assert gate.take(reply("r-1", NOON + LIFE, code), NOON + LIFE).reason is Reason.TOO_LATE
    assert gate.take(reply("r-2", NOON + LIFE, f"N{code}"), NOON + LIFE).reason is Reason.TOO_LATE


def test_a_code_that_was_never_given() -> None:
    """A code of no open prompt says nothing, even where only one prompt is open."""
    gate = talking()
    gate.take(order("o-1", NOON), NOON)
    given = codes_of(gate)[0]
    other = "100" if given != "100" else "101"
    for text in (other, f"Y{other}"):
        assert gate.take(reply(f"r-{text}", NOON, text), NOON).reason is Reason.UNCLEAR
    assert not gate.charges


def test_a_code_is_another_subscribers() -> None:
    """The code of one subscriber's prompt says nothing from another number."""
    gate = talking()
    gate.take(order("o-1", NOON), NOON)
    foreign = reply("r-1", NOON, codes_of(gate)[0], msisdn="8613800000002")
    assert gate.take(foreign, NOON).reason is Reason.UNCLEAR


def test_a_yes_after_a_no_finds_nothing() -> None:
    """After a no the prompt is closed: neither a plain yes nor its code opens it again."""
    gate = talking()
    gate.take(order("o-1", NOON), NOON)
    code = codes_of(gate)[0]
    assert gate.take(reply("r-1", NOON, "N"), NOON).reason is Reason.DECLINED
    assert gate.take(reply("r-2", NOON + 1), NOON + 1).reason is Reason.NOT_ANSWERING
    assert gate.take(reply("r-3", NOON + 1, code), NOON + 1).reason is Reason.UNCLEAR
    assert [verdict.outcome for verdict in gate.verdicts] == [Outcome.REFUSED]


def test_the_same_reply_twice() -> None:
    """A code that a handset sends twice is heard once, a second one of its own finds nothing."""
    gate = asked_twice()
    said = reply("r-1", NOON, codes_of(gate)[0])
    assert gate.take(said, NOON).reason is Reason.APPROVED_CONFIRMED
    assert gate.take(said, NOON).reason is Reason.REPEATED
    again = said._replace(reply_id="r-2")
    assert gate.take(again, NOON).reason is Reason.UNCLEAR
    assert len(gate.charges) == 1


def test_an_ambiguous_reply_twice_clarifies_once() -> None:
    """A repeated ambiguous reply is recorded as repeated and sends nothing."""
    gate = asked_twice()
    gate.take(reply("r-1", NOON), NOON)
    assert gate.take(reply("r-1", NOON), NOON).reason is Reason.REPEATED
    assert len(of_kind(gate, MessageKind.CLARIFY)) == 1


def test_where_a_code_is_required_a_plain_yes_is_none() -> None:
    """With code_required a plain yes to the only prompt brings one CLARIFY, the code charges."""
    gate = talking(VOICE, FIRST._replace(code_required=True))
    gate.take(order("o-1", NOON), NOON)
    (code,) = codes_of(gate)
    for number in (1, 2, 3):
        assert gate.take(reply(f"r-{number}", NOON), NOON).reason is Reason.AMBIGUOUS
    assert len(of_kind(gate, MessageKind.CLARIFY)) == 1
    assert gate.take(reply("r-4", NOON, code), NOON).reason is Reason.APPROVED_CONFIRMED


def test_a_clarify_for_a_code_that_is_required_is_not_forgotten() -> None:
    """While a prompt that requires its code stays open, other charges bring no second CLARIFY."""
    free = FIRST._replace(name="local", provider_ids=("sp-2",), confirmation=EVERY.confirmation)
    gate = talking(VOICE, free, FIRST._replace(code_required=True))
    gate.take(order("o-1", NOON), NOON)
    gate.take(reply("r-1", NOON), NOON)
    gate.take(order("o-2", NOON, LOCAL_SERVICE), NOON)
    gate.take(reply("r-2", NOON, codes_of(gate)[1]), NOON)
    assert gate.take(reply("r-3", NOON), NOON).reason is Reason.AMBIGUOUS
    assert len(of_kind(gate, MessageKind.CLARIFY)) == 1


def test_a_text_does_not_answer_a_call_nor_a_key_a_text() -> None:
    """A voice prompt does not make a plain text ambiguous, and a key press hears no text prompt."""
    gate = talking()
    gate.take(order("o-1", NOON), NOON)
    gate.take(order("o-2", NOON, IVR_SERVICE), NOON)
    assert gate.take(reply("r-1", NOON), NOON).order_id == "o-1"
    assert gate.take(key_press("r-2", NOON), NOON).order_id == "o-2"


def digits() -> tuple[Gate, Message]:
    """A gate that has asked a caller to press a digit that nobody can foresee."""
    gate = talking(VOICE._replace(code_required=True), FIRST)
    gate.take(order("o-1", NOON, IVR_SERVICE), NOON)
    (prompt,) = gate.messages
    assert prompt.reply_code is not None
    return gate, prompt


def test_the_digit_that_was_asked_for_is_a_yes() -> None:
    """The digit of the prompt charges, in any width."""
    for shift in (0, ord("０") - ord("0")):
        gate, prompt = digits()
        pressed = key_press("r-1", NOON, chr(ord(prompt.reply_code or "") + shift))
        assert gate.take(pressed, NOON).reason is Reason.APPROVED_CONFIRMED


def test_any_other_key_is_a_no() -> None:
    """Where a digit is asked for, every other key says no, the policy's usual yes too."""
    gate, prompt = digits()
    right = prompt.reply_code
    for wrong in (*(d for d in "0123456789*#" if d != right), f"{right}{right}", "yes"):
        gate, _ = digits()
        assert gate.take(key_press("r-1", NOON, wrong), NOON).reason is Reason.DECLINED
        assert gate.take(key_press("r-2", NOON, right or ""), NOON).reason is Reason.NOT_ANSWERING
        assert not gate.charges


def test_no_key_at_all_is_a_no_in_the_end() -> None:
    """A call in which nothing is pressed changes nothing; its prompt ends in silence."""
    gate, prompt = digits()
    assert gate.take(key_press("r-1", NOON, ""), NOON).reason is Reason.UNCLEAR
    (lapsed,) = gate.tick(prompt.expires_at + GRACE)
    assert lapsed.reason is Reason.SILENCE
    assert [verdict.outcome for verdict in gate.verdicts] == [Outcome.REFUSED]


def test_a_digit_counts_in_its_own_call_only() -> None:
    """The right digit in another call, or in none, answers nothing (law 7)."""
    gate, prompt = digits()
    right = prompt.reply_code or ""
    heard = gate.take(key_press("r-1", NOON, right, "call-2"), NOON).reason
    assert heard in (Reason.NOT_ANSWERING, Reason.UNCLEAR)
    nowhere = key_press("r-2", NOON, right)._replace(call_id=None)
    assert gate.take(nowhere, NOON).reason in (Reason.NOT_ANSWERING, Reason.UNCLEAR)
    assert not gate.charges


def test_a_digit_at_the_end_of_its_prompt() -> None:
    """A wrong key after the prompt's end is not even a no; the right one is no yes."""
    gate, prompt = digits()
    at = prompt.expires_at
    heard = gate.take(key_press("r-1", at, "2"), at)
    assert heard.reason is Reason.TOO_LATE
    (lapsed,) = gate.tick(at + GRACE)
    assert lapsed.reason is Reason.SILENCE


def test_a_reply_is_read_in_the_words_of_its_own_time() -> None:
    """A code answers its prompt also under a later policy; words that it dropped say nothing."""
    gate = talking(later_yes="ok")
    at = NOON + 2 * HOUR
    gate.take(order("o-1", at - MINUTE), at - MINUTE)
    (code,) = codes_of(gate)
    assert gate.take(reply("r-1", at, f"Y{code}"), at).reason is Reason.UNCLEAR
    assert gate.take(reply("r-2", at, "Y"), at).reason is Reason.UNCLEAR
    assert gate.take(reply("r-3", at, f"ok{code}"), at).reason is Reason.APPROVED_CONFIRMED


def test_a_code_to_another_number() -> None:
    """A code sent to another number than the one that asked answers nothing (law 6)."""
    gate = talking()
    gate.take(order("o-1", NOON), NOON)
    astray = reply("r-1", NOON, codes_of(gate)[0], to="10010")
    assert gate.take(astray, NOON).reason is Reason.NOT_ANSWERING


def test_an_mms_order_is_answered_by_text() -> None:
    """A reply by MMS with the code is as good as one by SMS."""
    gate = asked_twice()
    heard = gate.take(reply("r-1", NOON, codes_of(gate)[0], channel=Channel.MMS), NOON)
    assert heard.order_id == "o-1"
    assert heard.channel is Channel.MMS
    assert gate.charges[0].reply_id == "r-1"
