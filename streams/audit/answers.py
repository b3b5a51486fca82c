"""What a subscriber's reply says, by the words of a policy: yes, no, or nothing clear.

Laws: only a whole text that is one of the policy's words is an answer (law 5); width, case, spaces
and the punctuation that people put around a word do not count. MMS orders are asked and answered by
SMS, so both use the words for SMS.
"""

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import cast

from streams.audit.records import Policy

_VOICE = "IVR"
_KNOWN = ("SMS", "MMS", _VOICE)

# Spaces that are not seen, and punctuation of the two languages; not the keys * and # of a phone.
_DROPPED = frozenset("\u200b\u200c\u200d\u2060\ufeff.,;:!?\"'`~…。、，；：！？“”‘’「」『』《》·")


@lru_cache(maxsize=100_000)
def plain(text: str) -> str:
    """A text without what people add to a word."""
    letters = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return "".join(x for x in letters if x not in _DROPPED and not x.isspace())


class Words:
    """The spellings of yes and no of one policy."""

    def __init__(self, policy: Policy) -> None:
        self._answers: dict[tuple[bool, str], str] = {}
        for spelling in policy.reply_words:
            for word in cast(Sequence[str], spelling["words"]):
                said = spelling["channel"] == _VOICE, plain(word)
                self._answers[said] = str(spelling["answer"])

    def answer(self, channel: str, text: str) -> str | None:
        """YES, NO or None."""
        said = plain(text)
        if channel not in _KNOWN or not said:
            return None
        return self._answers.get((channel == _VOICE, said))
