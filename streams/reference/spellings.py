"""What an author writes as words for yes and no and as keywords: each spelling says one thing.

The gate's catalogue judges the same again when it is applied; here each fault gets its line.
"""

from streams.gate.codes import DIGITS
from streams.gate.policy import by_answer, by_keyword, normalise
from streams.gate.policy_faults import lines_asked
from streams.gate.reference import Policy
from streams.gate.spelling_faults import overlap
from streams.gate.words import Answer, Channel, Keyword
from streams.reference.records import policy_record
from streams.reference.sections import Placed, Sections
from streams.reference.shapes import PolicyEntry
from streams.reference.source import Place

_TEXT_LINES = {Channel.SMS, Channel.MMS}
_PHONE_KEYS = set("0123456789*#")
_NOTHING_LEFT = ("nothing is left of it without spaces and punctuation", "remove it")


def check_spellings(sections: Sections, placed: Placed[PolicyEntry]) -> None:
    """Note every fault of the reply words and keywords."""
    record = policy_record(placed.entry)
    _reply_words(sections, placed, record)
    _keywords(sections, placed, record)
    _answers_needed(sections, placed, record)


def _reply_words(sections: Sections, placed: Placed[PolicyEntry], record: Policy) -> None:
    place, policy = placed
    meanings: dict[tuple[Channel, str], Answer] = {}
    for index, listed in enumerate(policy.reply_words):
        at = (*place, "reply_words", index)
        if listed.channel is Channel.MMS:
            what = "MMS orders are confirmed by SMS, and have no reply words of their own"
            sections.problem((*at, "channel"), what, "use channel: SMS")
        for position, word in enumerate(listed.words):
            spelling = normalise(word)
            word_at = (*at, "words", position)
            if fault := _word_fault(listed.channel, listed.answer, spelling):
                sections.problem(word_at, f"reply word {word}: {fault[0]}", fault[1])
            elif meanings.setdefault((listed.channel, spelling), listed.answer) != listed.answer:
                what = f"reply word {word} means both YES and NO"
                sections.problem(word_at, what, "keep it in one of the two lists")
            elif listed.channel is not Channel.IVR:
                _overlap(sections, record, f"reply word {word}", spelling, word_at)


def _keywords(sections: Sections, placed: Placed[PolicyEntry], record: Policy) -> None:
    place, policy = placed
    answers = _text_answers(record)
    meanings: dict[str, Keyword] = {}
    for index, listed in enumerate(policy.keywords):
        for position, word in enumerate(listed.words):
            spelling = normalise(word)
            at = (*place, "keywords", index, "words", position)
            if not spelling:
                sections.problem(at, f"keyword {word}: {_NOTHING_LEFT[0]}", _NOTHING_LEFT[1])
            elif (other := meanings.setdefault(spelling, listed.keyword)) != listed.keyword:
                what = f"keyword {word} means both {other} and {listed.keyword}"
                sections.problem(at, what, "keep it in one of the two lists")
            elif spelling in answers:
                what = f"keyword {word} of {listed.keyword} is also a word for {answers[spelling]}"
                sections.problem(at, what, "keep it in one of the two lists")
            else:
                _overlap(sections, record, f"keyword {word}", spelling, at)


def _overlap(sections: Sections, record: Policy, named: str, spelling: str, place: Place) -> None:
    other = overlap(spelling, _text_answers(record), by_keyword(record.keywords))
    if other is not None:
        sections.problem(place, f"{named} {other}", "spell it otherwise")


def _text_answers(record: Policy) -> dict[str, Answer]:
    known = by_answer(record.reply_words)
    return {spelling: answer for (voice, spelling), answer in known.items() if not voice}


def _answers_needed(sections: Sections, placed: Placed[PolicyEntry], record: Policy) -> None:
    """Whoever is asked can say yes and no, with a code where that is wanted."""
    place, policy = placed
    at = (*place, "reply_words")
    asked = lines_asked(record)
    for channel, lines in ((Channel.SMS, _TEXT_LINES), (Channel.IVR, {Channel.IVR})):
        for answer in (Answer.YES, Answer.NO):
            if asked & lines and (channel, answer) not in {
                (listed.channel, listed.answer) for listed in policy.reply_words
            }:
                what = f"policy {policy.policy_id} asks by {channel} but lists no word for {answer}"
                remedy = f"add {{answer: {answer}, channel: {channel}, words: [...]}}"
                sections.problem(at, what, remedy)
    noes = {
        spelling
        for (voice, spelling), answer in by_answer(record.reply_words).items()
        if voice and answer is Answer.NO
    }
    coded = next((rule for rule in policy.rules if rule.code_required), None)
    if coded and Channel.IVR in asked and noes.issuperset(DIGITS):
        what = f"rule {coded.name} wants a digit pressed, but each of them is a word for NO on IVR"
        sections.problem(at, what, "leave a digit from 1 to 9 that is none")


def _word_fault(channel: Channel, answer: Answer, spelling: str) -> tuple[str, str] | None:
    """What is wrong with one spelling: the fault and the remedy."""
    if not spelling:
        return _NOTHING_LEFT
    if channel is Channel.IVR and not set(spelling) <= _PHONE_KEYS:
        return "a caller answers by keys", "use digits, * or #"
    if channel is not Channel.IVR and answer is Answer.YES and spelling.isdecimal():
        # Baits ask people to send a digit; what they send must not buy anything.
        return "a bare number is no clear yes", "use a word"
    return None
