"""What is wrong with a policy's spellings: each text must say one thing, or nothing.

Subscribers type answers, keywords, codes, and some of these together. A keyword that could be
another thing as well is not taken, so that no reading depends on the order in which things are
tried. A word for yes or no may be (it then is that word, and such codes are not drawn), because
there were policies before there were codes; `reference apply` refuses it in new ones.
"""

from collections.abc import Iterator

from streams.gate.policy import by_keyword, normalise
from streams.gate.reading import CODE_LENGTH, is_code
from streams.gate.reference import Policy, ReplyWords
from streams.gate.words import Answer, Channel, Keyword


def spelling_faults(policy: Policy) -> Iterator[str]:
    """Every fault of the reply words and keywords."""
    yield from _reply_words(policy)
    yield from _keywords(policy)
    yield from _overlaps(policy)


def overlap(spelling: str, answers: dict[str, Answer], keywords: dict[str, Keyword]) -> str | None:
    """What else a normalised spelling could be read as, in words; None when nothing."""
    if is_code(spelling):
        return "is three digits, as the reply codes are"
    for word in answers:
        for rest in (spelling.removeprefix(word), spelling.removesuffix(word)):
            if is_code(rest) and rest != spelling:
                return f"is {word!r} and a reply code"
    for word, keyword in keywords.items():
        rest = spelling.removeprefix(word)
        if keyword is Keyword.CANCEL and rest != spelling and _is_number(rest):
            return f"is {word!r}, which takes a number, and the number {rest}"
    if keywords.get(spelling) is Keyword.CANCEL:
        for word in answers:
            rest = spelling.removeprefix(word)
            # With a number behind it, it would look like the answer and a code.
            if rest != spelling and _is_number(rest) and len(rest) < CODE_LENGTH:
                return f"with a number is also {word!r} and a reply code"
    return None


def _reply_words(policy: Policy) -> Iterator[str]:
    meanings: dict[tuple[bool, str], Answer] = {}
    for words in policy.reply_words:
        if words.answer is Answer.UNKNOWN or words.channel is Channel.UNKNOWN:
            yield "it has reply words with an answer or a channel that is not known to this version"
        for word in words.words:
            spelling = (words.channel is Channel.IVR, normalise(word))
            if not spelling[1]:
                yield f"the reply word {word!r} is nothing but spaces and punctuation; remove it"
            if meanings.setdefault(spelling, words.answer) is not words.answer:
                yield f"the reply word {word!r} means both yes and no; keep it in one list"


def _keywords(policy: Policy) -> Iterator[str]:
    answers = _answers(policy)
    meanings: dict[str, Keyword] = {}
    for words in policy.keywords:
        if words.keyword is Keyword.UNKNOWN:
            yield "it has a keyword that is not known to this version"
        for word in words.words:
            spelling = normalise(word)
            if not spelling:
                yield f"the keyword {word!r} is nothing but spaces and punctuation; remove it"
            if (other := meanings.setdefault(spelling, words.keyword)) is not words.keyword:
                yield f"the keyword {word!r} means both {other} and {words.keyword}; keep it in one"
            if spelling in answers:
                yield (
                    f"the keyword {word!r} of {words.keyword} is also a reply word for"
                    f" {answers[spelling].lower()}; keep it in one of the two lists"
                )


def _overlaps(policy: Policy) -> Iterator[str]:
    answers, keywords = _answers(policy), by_keyword(policy.keywords)
    for words in policy.keywords:
        for word in words.words:
            if other := overlap(normalise(word), answers, keywords):
                yield f"the keyword {word!r} {other}; spell it otherwise"


def _answers(policy: Policy) -> dict[str, Answer]:
    return {normalise(each): words.answer for words in policy.reply_words for each in _texts(words)}


def _texts(words: ReplyWords) -> tuple[str, ...]:
    """The spellings of an answer by text; callers press keys, and are read by themselves."""
    return () if words.channel is Channel.IVR else words.words


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
