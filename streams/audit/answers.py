"""What a subscriber's reply says, by the words of a policy: an answer, a keyword, or nothing clear.

Laws: only a whole text is read: one of the policy's words, a prompt's code, or a word and a code
put together; what can be read in two ways says nothing (law 5). Width, case, spaces and the
punctuation that people put around a word do not count. MMS orders are asked and answered by SMS, so
both use the words for SMS.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple, cast

from streams.audit.records import Policy

_VOICE = "IVR"
_KNOWN = ("SMS", "MMS", _VOICE)

# Spaces that are not seen, and punctuation of the two languages; not the keys * and # of a phone.
_DROPPED = frozenset("\u200b\u200c\u200d\u2060\ufeff.,;:!?\"'`~…。、，；：！？“”‘’「」『』《》·")

CODE_LENGTH = 3
# A longer text is no answer unless it is ASCII: nobody's word is so long.
_TEXT_LENGTH_MAX = 300
# No list is so long; what is longer is the number of no service.
_NUMBER_LENGTH_MAX = 6


@lru_cache(maxsize=100_000)
def plain(text: str) -> str:
    """A text without what people add to a word."""
    letters = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return "".join(x for x in letters if x not in _DROPPED and not x.isspace())


def said_in(text: str) -> str:
    """What a reply's text says without what people add; nothing when it is too long."""
    return plain(text) if len(text) <= _TEXT_LENGTH_MAX or text.isascii() else ""


class Reading(NamedTuple):
    """What a text says: a keyword (CANCEL perhaps with a number), or an answer with or without the
    code of a prompt, or nothing.
    """

    keyword: str | None = None
    number: int | None = None
    answer: str | None = None
    code: str | None = None


NOTHING = Reading()


def is_code(text: str) -> bool:
    """Whether a text could be the code of a prompt."""
    return len(text) == CODE_LENGTH and text.isascii() and text.isdigit() and text[0] != "0"


class Words:
    """The spellings of one policy."""

    def __init__(self, policy: Policy) -> None:
        self._answers: dict[tuple[bool, str], str] = {}
        for spelling in policy.reply_words:
            for word in cast(Sequence[str], spelling["words"]):
                said = spelling["channel"] == _VOICE, plain(word)
                self._answers[said] = str(spelling["answer"])
        self._keywords = {
            plain(word): str(row["keyword"])
            for row in policy.keywords
            for word in cast(Sequence[str], row["words"])
        }
        self._readings: dict[str, Reading] = {}

    def pressed(self, text: str) -> str | None:
        """What keys say where no digit was asked for: YES, NO or None."""
        return self._answers.get((True, said_in(text)))

    def is_no_key(self, digit: str) -> bool:
        """Whether a key is one of those that mean no."""
        return self._answers.get((True, digit)) == "NO"

    def read(self, text: str) -> Reading:
        """What a text to the one number says."""
        said = said_in(text)
        if said not in self._readings:
            self._readings[said] = self._reading(said)
        return self._readings[said]

    def _reading(self, said: str) -> Reading:
        if not said:
            return NOTHING
        if said in self._keywords:
            return Reading(keyword=self._keywords[said])
        if numbered := set(self._numbered(said)):
            return numbered.pop() if len(numbered) == 1 else NOTHING
        if (False, said) in self._answers:
            return Reading(answer=self._answers[False, said])
        if is_code(said):
            return Reading(answer="YES", code=said)
        coded = set(self._coded(said))
        return coded.pop() if len(coded) == 1 else NOTHING

    def _numbered(self, said: str) -> Iterator[Reading]:
        """The ways to read a text as a cancellation of one service."""
        for word, keyword in self._keywords.items():
            number = said.removeprefix(word)
            if keyword == "CANCEL" and number != said and number.isascii() and number.isdigit():
                known = len(number.lstrip("0")) <= _NUMBER_LENGTH_MAX
                yield Reading(keyword=keyword, number=int(number.lstrip("0") or 0) if known else 0)

    def _coded(self, said: str) -> Iterator[Reading]:
        """The ways to read a text as a word with a code behind or before it."""
        for word, code in (
            (said[:-CODE_LENGTH], said[-CODE_LENGTH:]),
            (said[CODE_LENGTH:], said[:CODE_LENGTH]),
        ):
            if is_code(code) and (False, word) in self._answers:
                yield Reading(answer=self._answers[False, word], code=code)


def is_known(channel: str) -> bool:
    """Whether a reply came by a channel that anybody can answer on."""
    return channel in _KNOWN
