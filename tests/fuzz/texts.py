"""Text from outside and for people: answers, segments, and what is shown of a number."""

import re
from random import Random

from streams.audit.answers import Words
from streams.audit.records import Policy as AuditedPolicy
from streams.audit.segments import count
from streams.gate.ids import masked, shown
from streams.gate.policy import PolicyInForce, normalise
from streams.gate.reading import Reading, Said
from streams.gate.segments import GSM_DEFAULT, GSM_EXTENSION, measure
from streams.gate.words import Answer, Channel, Encoding, Keyword
from streams.history import Entry
from streams.masking import mask_bytes, mask_id, mask_text
from tests.codec.samples import as_json
from tests.fuzz.fuzzing import Single
from tests.fuzz.mutate import mutated, pick
from tests.fuzz.wire import draw_text
from tests.gate.examples import KEYWORDS, REPLY_WORDS, policy

_WORDS = tuple(word for each in (*REPLY_WORDS, *KEYWORDS) for word in each.words)
_PARTS = (*_WORDS, "345", "９９９", "007", "1", "12345678", "QX", " ", "。", "\u200b", "\n", "")
_WIDE = {0x21 + place: 0xFF01 + place for place in range(94)}
# As long as an input can be, and of the kinds that cost most: marks to be sorted, what unfolds.
_LONG = ("\u0301\u0316", "ﷺ", "Y", " ", "\u0f73", "\u1112\u1161\u11ab", "a\u0327\u0301", "9", "😀")

_NUMBERS = (
    "8613800138000",
    "46700000001",
    "1380013",
    "８６１３８００１３８０００",
    "138-0013-8000",
)


class Readings(Single):
    """A reply's text, as the gate and as the auditor read it."""

    name = "readings"

    def __init__(self) -> None:
        record = policy()
        self._words = PolicyInForce(record)
        entry = Entry("policies.v1", 0, 0, 0, None, None, ())
        fields = {"entry": entry, **as_json(record)}
        known = {name: fields[name] for name in AuditedPolicy._fields}
        self._audited = Words(AuditedPolicy(**known))

    def draw(self, draw: Random) -> str:
        chance = draw.random()
        if chance < 0.02:
            return pick(_LONG, draw) * int(draw.random() * 8_000)
        if chance < 0.3:
            return draw_text(draw)
        text = "".join(pick(_PARTS, draw) for _ in range(1 + int(draw.random() * 4)))
        if chance < 0.5:
            text = text.translate(_WIDE)
        if chance > 0.8:
            text = mutated(text.encode(), draw).decode("utf-8", "ignore")
        return text.upper() if chance > 0.7 else text

    def take(self, made: str) -> tuple[Reading, Answer | None]:
        return self._words.reading(made), self._words.answer(Channel.IVR, made)

    def judge(self, made: str, found: tuple[Reading, Answer | None]) -> None:
        assert self.take(made) == found, "read a second time it says something else"
        reading, pressed = found
        theirs = self._audited.read(made)
        ours: tuple[str | None, int | None, str | None, str | None]
        match reading:
            case None:
                ours = (None, None, None, None)
            case Said(answer, code):
                ours = (None, None, answer.value, code)
            case wish:
                ours = (wish.keyword.value, wish.number, None, None)
        assert ours == tuple(theirs), f"the auditor reads {theirs}"
        assert pressed == self._audited.pressed(made)
        if len(made) < 200:
            assert self._words.reading(f"。 {made}\n") == reading, "what stands around it counts"
            if isinstance(reading, Said):
                self._is_written_so(normalise(made), reading)
        assert not isinstance(reading, Said) or reading.answer is not Answer.UNKNOWN
        if not isinstance(reading, Said) and reading is not None:
            assert reading.keyword is not Keyword.UNKNOWN

    def _is_written_so(self, text: str, said: Said) -> None:
        """Law 5: a yes is a word of the policy or a code, with nothing else in the text."""
        rest = text.replace(said.code, "", 1) if said.code is not None else text
        words = [
            normalise(each)
            for one in REPLY_WORDS
            if one.answer is said.answer
            for each in one.words
        ]
        assert rest in words or (not rest and said == Said(Answer.YES, text))


class Segments(Single):
    """How long a message is, counted by the gate and by the auditor."""

    name = "segments"
    _SIZES = (0, 1, 69, 70, 71, 134, 135, 152, 153, 154, 159, 160, 161, 306, 307)
    _EDGES = (*GSM_EXTENSION, *"是😀`ç\u200b\ud7ff\uffff\U00010000", *GSM_DEFAULT[:8])

    def draw(self, draw: Random) -> str:
        size = pick(self._SIZES, draw) + int(draw.random() * 3) - 1
        text = [pick(GSM_DEFAULT, draw)] * max(0, size)
        for _ in range(int(draw.random() * 4)):
            text.insert(int(draw.random() * (len(text) + 1)), pick(self._EDGES, draw))
        return "".join(text) + (draw_text(draw) if draw.random() < 0.2 else "")

    def take(self, made: str) -> tuple[Encoding, int]:
        return measure(made)

    def judge(self, made: str, found: tuple[Encoding, int]) -> None:
        assert found == count(made), f"the auditor counts {count(made)}"
        assert found[1] >= 1


class Masking(Single):
    """What is shown of texts, ids and bytes: never a number."""

    name = "masking"
    _RUN = re.compile(r"\d{7,}")
    # What has the form of an id of ours may show some digits in a row.
    _ID = re.compile(r"\b[a-z]-[0-9a-f]{32}\b|\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
    _ROW = re.compile(r"\d{16}")

    def draw(self, draw: Random) -> tuple[int, str]:
        place = int(draw.random() * len(_NUMBERS))
        number = _NUMBERS[place]
        chance = draw.random()
        if chance < 0.0005:  # in proportion to its length: 0.1 µs a character
            return place, pick(("1", "1 ", "1-_/", "٣", "a", "1" * 6 + "    "), draw) * 4_000
        parts = [
            pick((number, number, draw_text(draw), "c-", "-", " ", "x" * 9), draw) for _ in range(4)
        ]
        text = "".join(parts)
        if chance < 0.3:
            text = mutated(text.encode(), draw).decode("utf-8", "ignore")
        return place, text

    def take(self, made: tuple[int, str]) -> tuple[str, str, str, str, str]:
        number, text = _NUMBERS[made[0]], made[1]
        return (
            mask_text(text),
            mask_id(text, (number,)),
            mask_bytes(text.encode("utf-8", "surrogatepass")),
            masked(number),
            shown(text, number),
        )

    def judge(self, made: tuple[int, str], found: tuple[str, str, str, str, str]) -> None:
        number = _NUMBERS[made[0]]
        text, _, raw, short, _ = found
        assert not self._ROW.search(text), "a text still shows numbers in a row"
        assert not self._RUN.search(self._ID.sub("", text)), "a text still shows a number"
        assert mask_text(text) == text, "masking a second time finds more"
        if number.isascii() and number.isdigit():
            assert not any(number in each for each in found)
        assert not any(map(str.isdigit, raw)), "bytes still show a digit"
        assert sum(map(str.isdigit, short)) <= 3
