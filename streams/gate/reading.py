"""What a text to the one number says: an answer, a keyword, or nothing that is clear.

Only the whole text counts, in this order:

    a keyword                 0000
    CANCEL and a number       QX2
    a word for yes or no      Y
    a prompt's code alone     345    a yes to that prompt
    a word and a code         Y345, 345N

Law 5: what fits none of these says nothing, and neither does a text that two readings of the same
kind would take differently. Whether a code is one that was given out is not asked here.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple, TypeAlias

from streams.gate.words import Answer, Keyword

CODE_LENGTH = 3

# No list is so long. A longer number is read as one that no service has.
_NUMBER_LENGTH_MAX = 6
_NO_NUMBER = 0


class Wish(NamedTuple):
    """What a subscriber asks for besides answering."""

    keyword: Keyword
    number: int | None  # of the service in the day's list, counted from 1; None: all of them


class Said(NamedTuple):
    """An answer, and the code of the prompt that it is to; None where no code was typed."""

    answer: Answer
    code: str | None


Reading: TypeAlias = Wish | Said | None


def is_code(text: str) -> bool:
    """Whether a text could be the code of a prompt."""
    return len(text) == CODE_LENGTH and text.isascii() and text.isdigit() and text[0] != "0"


def read(text: str, answers: Mapping[str, Answer], keywords: Mapping[str, Keyword]) -> Reading:
    """What a normalised text says, in the words of a policy, which are normalised too."""
    if not text:
        return None
    if keyword := keywords.get(text):
        return Wish(keyword, None)
    if numbered := set(_numbered(text, keywords)):
        return _only(numbered)
    if answer := answers.get(text):
        return Said(answer, None)
    if is_code(text):
        return Said(Answer.YES, text)
    return _only(set(_coded(text, answers)))


def _numbered(text: str, keywords: Mapping[str, Keyword]) -> Iterator[Wish]:
    """The ways to read a text as a cancellation of one service of the list."""
    for word, keyword in keywords.items():
        if keyword is not Keyword.CANCEL or not text.startswith(word):
            continue
        number = text[len(word) :]
        if number.isascii() and number.isdigit():
            number = number.lstrip("0")
            known = 0 < len(number) <= _NUMBER_LENGTH_MAX
            yield Wish(keyword, int(number) if known else _NO_NUMBER)


def _coded(text: str, answers: Mapping[str, Answer]) -> Iterator[Said]:
    """The ways to read a text as a word with a code behind or before it."""
    for word, code in (
        (text[:-CODE_LENGTH], text[-CODE_LENGTH:]),
        (text[CODE_LENGTH:], text[:CODE_LENGTH]),
    ):
        answer = answers.get(word)
        if answer is not None and is_code(code):
            yield Said(answer, code)


def _only(readings: Collection[Wish | Said]) -> Reading:
    """The reading of a text that can be read in one way."""
    return next(iter(readings)) if len(readings) == 1 else None
