"""What subscribers say: answers to prompts, and what they send after other messages.

Laws: what is said is drawn from the seed, the subscriber and the order or message it is about; a
subscriber knows what a message says, its code included, and nothing of the gate. A wish to list,
cancel or undo is put in the words that the operator advertises.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from streams.gate.words import Channel
from streams.world.draws import chances
from streams.world.mix import Temper

# Spellings that people use; the policy's list knows what they mean after normalisation.
YES_ZH = ("是", "好", "确认", "Y", "y", "Ｙ", "是。", " 确 认 ")
YES_EN = ("Y", "y", "yes", "YES", "Yes!", "ｙｅｓ", " Y ")
NO_ZH = ("否", "不", "N", "n", "Ｎ")
NO_EN = ("N", "n", "no", "NO", "No.")
NONSENSE = ("1", "什么?", "who is this", "?", "👍", "yes no", "好吧不要", "多少钱", "Y N", "")
PRESS_YES = "1"
PRESS_NO = "2"
PRESS_NONSENSE = "9"

# As the operator advertises them.
LIST_WORD = "0000"
CANCEL_WORDS = ("QX", "qx", "取消", "ＱＸ")
UNDO_WORDS = ("TF", "tf", "撤销", " Tf。")

# A short number of a provider's: a bait asks for a yes there, and it must count for nothing.
OTHER_NUMBER = "1065800"

# Fractions of the prompt's life, from the moment the subscriber has the message.
_QUICK = (0.02, 0.25)
_SLOW = (0.45, 0.85)
_LATE = (1.05, 1.4)
# After a message that has no life to speak of.
_SOON_MS = (400, 3000)

_CODES = 900  # of three digits, from 100
_FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")


class Way(StrEnum):
    """How something is said."""

    WORD = "word"
    CODE = "code"
    WORD_AND_CODE = "word_and_code"
    WRONG_CODE = "wrong_code"
    NONSENSE = "nonsense"
    OTHER_NUMBER = "other_number"
    KEY = "key"  # in a call
    DIGIT = "digit"  # in a call: the one that was spoken
    WRONG_KEY = "wrong_key"
    LIST = "list"
    CANCEL = "cancel"
    CANCEL_ONE = "cancel_one"
    UNDO = "undo"


IN_CALL = frozenset({Way.KEY, Way.DIGIT, Way.WRONG_KEY})


class Question(NamedTuple):
    """What a prompt says about answering it."""

    channel: Channel
    language: str
    code: str | None  # its own
    is_told: bool  # whether its text (or voice) asks for the code


class Answer(NamedTuple):
    """When and what a subscriber answers; `at` is a fraction of the prompt's remaining life."""

    at: float
    text: str
    way: Way


class Remark(NamedTuple):
    """What a subscriber sends after a message that was no prompt."""

    after_ms: int
    text: str
    way: Way


def answers(
    seed: int, temper: Temper, ordinal: int, number: int, question: Question
) -> tuple[Answer, ...]:
    """What a subscriber of this temper says to the prompt about an order; nothing is silence."""
    delay, word, form, which, later, *_ = chances(seed, "answer", ordinal, number)
    quick = _between(_QUICK, delay)
    yes = Answer(quick, *_yes(question, word, form))
    afterwards = _between(_SLOW, later)
    cancels = _one_of(CANCEL_WORDS, word)
    match temper:
        case Temper.SILENCE | Temper.HANGS_UP:
            return ()
        case Temper.NO:
            return (Answer(quick, *_no(question, word, form)),)
        case Temper.NONSENSE:
            return (Answer(quick, *_nonsense(question, word, which)),)
        case Temper.WRONG_CODE:
            return (Answer(quick, *_wrong(question, word)),)
        case Temper.SLOW_YES:
            return (yes._replace(at=_between(_SLOW, delay)),)
        case Temper.LATE_YES:
            return (yes._replace(at=_between(_LATE, delay)),)
        case Temper.CODES:
            return (Answer(quick, *_yes(question._replace(is_told=True), word, form)),)
        case Temper.SEVERAL if which < 0.5:
            return (Answer(quick, *_yes(question._replace(is_told=False), word, form)),)
        case Temper.LISTS:
            return (yes, Answer(afterwards, LIST_WORD, Way.LIST))
        case Temper.CANCELS if which < 0.25:
            return (Answer(quick, cancels, Way.CANCEL),)
        case Temper.CANCELS if which < 0.5:
            return (yes, Answer(afterwards, cancels, Way.CANCEL))
        case Temper.CANCELS:
            return (yes, Answer(afterwards, LIST_WORD, Way.LIST))
    return (yes,)


def after_clarify(
    seed: int, temper: Temper, ordinal: int, nth: int, codes: Sequence[str]
) -> tuple[Remark, ...]:
    """What is said to a CLARIFY that names these codes: an answer to one, to all, or no more."""
    delay, how, form, *_ = chances(seed, "clarify", ordinal, nth)
    if not codes or how < 0.2 or temper is Temper.NONSENSE:
        return ()
    chosen = codes[:1] if how < 0.6 else codes
    soon = int(_between(_SOON_MS, delay))
    said = [
        (f"N{code}", Way.WORD_AND_CODE) if temper is Temper.NO else _with_code(code, "Y", form)
        for code in chosen
    ]
    return tuple(Remark(soon * (place + 1), *words) for place, words in enumerate(said))


def after_listing(seed: int, ordinal: int, nth: int) -> Remark:
    """What somebody who wants to be rid of a service says to the day's list."""
    delay, which, word, *_ = chances(seed, "listing", ordinal, nth)
    place = "1" if which < 0.7 else "2" if which < 0.9 else "77"
    return Remark(
        int(_between(_SOON_MS, delay)), f"{_one_of(CANCEL_WORDS, word)}{place}", Way.CANCEL_ONE
    )


def after_receipt(seed: int, ordinal: int, number: int) -> tuple[Remark, ...]:
    """What somebody who has thought better of it says to a receipt; some say it twice."""
    delay, again, word, *_ = chances(seed, "receipt", ordinal, number)
    soon = int(_between(_SOON_MS, delay))
    once = Remark(soon, _one_of(UNDO_WORDS, word), Way.UNDO)
    return (once, once._replace(after_ms=2 * soon)) if again < 0.3 else (once,)


def _yes(question: Question, word: float, form: float) -> tuple[str, Way]:
    if question.channel is Channel.IVR:
        return (question.code, Way.DIGIT) if question.code else (PRESS_YES, Way.KEY)
    spelling = _one_of(YES_EN if question.language == "en" else YES_ZH, word)
    if question.code and question.is_told:
        return _with_code(question.code, spelling, form)
    return spelling, Way.WORD


def _no(question: Question, word: float, form: float) -> tuple[str, Way]:
    if question.channel is Channel.IVR:
        return PRESS_NO, Way.KEY
    spelling = _one_of(NO_EN if question.language == "en" else NO_ZH, word)
    if question.code and question.is_told:
        return f"{spelling}{question.code}" if form < 0.5 else f"{question.code} {spelling}", (
            Way.WORD_AND_CODE
        )
    return spelling, Way.WORD


def _with_code(code: str, spelling: str, form: float) -> tuple[str, Way]:
    if form < 0.5:
        return code if form < 0.4 else code.translate(_FULL_WIDTH), Way.CODE
    return f"{spelling}{code}" if form < 0.75 else f"{code} {spelling}", Way.WORD_AND_CODE


def _nonsense(question: Question, word: float, which: float) -> tuple[str, Way]:
    if question.channel is Channel.IVR:
        return PRESS_NONSENSE, Way.WRONG_KEY
    return ("Y", Way.OTHER_NUMBER) if which < 0.3 else (_one_of(NONSENSE, word), Way.NONSENSE)


def _wrong(question: Question, word: float) -> tuple[str, Way]:
    """Another code, or digit, than the prompt's own."""
    if question.channel is Channel.IVR:
        right = int(question.code or PRESS_YES)
        return str((right + int(word * 8)) % 9 + 1), Way.WRONG_KEY
    place = int(question.code or "100") - 100
    return str((place + 1 + int(word * (_CODES - 1))) % _CODES + 100), Way.WRONG_CODE


def _one_of(words: tuple[str, ...], chance: float) -> str:
    return words[int(chance * len(words))]


def _between(span: tuple[float, float], chance: float) -> float:
    low, high = span
    return low + (high - low) * chance
