"""The subscribers: who they are, what they order, and how they answer.

Laws: a subscriber is drawn from (seed, index), an order from (seed, index, its number), an answer
from the order it is about; nobody's doings depend on anybody else's. A subscriber knows what a
prompt says and when it came, nothing of the gate.
"""

from typing import NamedTuple

from streams.gate.events import Order
from streams.gate.words import Channel
from streams.world.draws import Lots, chances
from streams.world.market import Market, Offer
from streams.world.mix import Fault, Mix, Temper

# Spellings that people use; the policy's list knows what they mean after normalisation.
YES_ZH = ("是", "好", "确认", "Y", "y", "Ｙ", "是。", " 确 认 ")
YES_EN = ("Y", "y", "yes", "YES", "Yes!", "ｙｅｓ", " Y ")
NO_ZH = ("否", "不", "N", "n", "Ｎ")
NO_EN = ("N", "n", "no", "NO", "No.")
NONSENSE = ("1", "什么?", "who is this", "?", "👍", "yes no", "好吧不要", "多少钱", "Y N", "")
PRESS_YES = "1"
PRESS_NO = "2"
PRESS_NONSENSE = "9"

# A short number of a provider's: a bait asks for a yes there, and it must count for nothing.
OTHER_NUMBER = "1065800"

# Fractions of the prompt's life, from the moment the subscriber has the message.
_QUICK = (0.02, 0.25)
_SLOW = (0.45, 0.85)
_LATE = (1.05, 1.4)

_DIGITS36 = "0123456789abcdefghijklmnopqrstuvwxyz"
_ID_CENTRES = {Channel.SMS: "smsc", Channel.MMS: "mmsc", Channel.IVR: "ivr"}


class Person(NamedTuple):
    """One subscriber."""

    ordinal: int  # from 0; everything about them is drawn from it
    msisdn: str
    province: str
    temper: Temper
    favourite: Offer


class Wish(NamedTuple):
    """What a subscriber wants when it is their turn: these at once, the first `again` once more."""

    offers: tuple[Offer, ...]
    again: bool
    misorder: float | None  # a chance that picks what is wrong with the first order; mostly none
    malformed: float | None  # a chance that picks what the centre garbles beside it; mostly none


class Answer(NamedTuple):
    """When and what a subscriber answers; `at` is a fraction of the prompt's remaining life."""

    at: float
    text: str
    misdirected: bool = False  # sent to another number than the prompt came from


class People:
    """All subscribers of one seed; made as they are met, and remembered."""

    def __init__(self, seed: int, size: int, mix: Mix, market: Market) -> None:
        self.seed = seed
        self.size = size
        self._market = market
        self._faults = mix.faults
        self._tempers = Lots(mix.tempers)
        self._persons: dict[int, Person] = {}

    def person(self, index: int) -> Person:
        """The subscriber of this index."""
        if person := self._persons.get(index):
            return person
        temper, province, line, offer, *_ = chances(self.seed, "person", index)
        provinces = self._market.provinces
        home = provinces[int(province * len(provinces))]
        person = Person(
            index,
            _msisdn(self.seed, index),
            home,
            self._tempers.pick(temper),
            self._market.pick(home, line, offer),
        )
        self._persons[index] = person
        return person

    def wish(self, person: Person, turn: int) -> Wish:
        """What this subscriber orders at their `turn`, counted from 0."""
        line, offer, more, other, err, what, garble, how = chances(
            self.seed, "wish", person.ordinal, turn
        )
        match person.temper:
            case Temper.AGAIN:
                offers: tuple[Offer, ...] = (person.favourite,)
            case Temper.HANGS_UP:
                offers = (self._market.pick_of(person.province, Channel.IVR, offer),)
            case Temper.SEVERAL:
                first = self._market.pick(person.province, line, offer)
                second = self._market.pick(person.province, other, more)
                offers = (first,) if first == second else (first, second)
            case _:
                offers = (self._market.pick(person.province, line, offer),)
        return Wish(
            offers,
            person.temper is Temper.REPEATS,
            what if err < self._faults[Fault.MISORDERS] else None,
            how if garble < self._faults[Fault.MALFORMED] else None,
        )

    def answer(
        self, person: Person, order_number: int, channel: Channel, language: str
    ) -> Answer | None:
        """How this subscriber answers the prompt about their order; None is silence."""
        delay, word, stray, *_ = chances(self.seed, "answer", person.ordinal, order_number)
        voice = channel is Channel.IVR
        match person.temper:
            case Temper.SILENCE | Temper.HANGS_UP:
                return None
            case Temper.NO:
                text = PRESS_NO if voice else _one_of(NO_EN if language == "en" else NO_ZH, word)
                return Answer(_between(_QUICK, delay), text)
            case Temper.NONSENSE:
                misdirected = stray < 0.3 and not voice
                text = PRESS_NONSENSE if voice else "Y" if misdirected else _one_of(NONSENSE, word)
                return Answer(_between(_QUICK, delay), text, misdirected=misdirected)
        text = PRESS_YES if voice else _one_of(YES_EN if language == "en" else YES_ZH, word)
        when = {Temper.SLOW_YES: _SLOW, Temper.LATE_YES: _LATE}.get(person.temper, _QUICK)
        return Answer(_between(when, delay), text)


class OrderIds:
    """Mints order ids (LinkIDs) that name their subscriber's index and the order's number.

    A run has its own prefix, so that a second run with the same seed orders anew.
    """

    def __init__(self, started_at: int) -> None:
        self._run = base36(started_at // 1000)

    def mint(self, index: int, number: int) -> str:
        """The id of a subscriber's order, at most 20 characters as CMPP has it."""
        return f"{self._run}-{base36(index)}-{base36(number)}"

    def read(self, order_id: str) -> tuple[int, int] | None:
        """(index, number) of an order of this run; None for anybody else's."""
        run, _, rest = order_id.partition("-")
        index, _, number = rest.partition("-")
        if run != self._run or not (index and number):
            return None
        return int(index, 36), int(number, 36)


def order_of(person: Person, offer: Offer, order_id: str, call_id: str | None, now: int) -> Order:
    """The order as its message centre publishes it."""
    return Order(
        order_id,
        person.msisdn,
        offer.provider_id,
        offer.service_id,
        offer.line,
        offer.price_minor,
        offer.currency,
        person.province,
        now,
        _ID_CENTRES[offer.line],
        call_id,
    )


def base36(number: int) -> str:
    """Short digits for ids."""
    digits = ""
    while True:
        number, digit = divmod(number, 36)
        digits = _DIGITS36[digit] + digits
        if not number:
            return digits


def _msisdn(seed: int, index: int) -> str:
    """A mobile number of its own for each index: 7,919 shares no factor with 10**8."""
    return f"86139{(index * 7919 + seed * 104_729) % 100_000_000:08d}"


def _one_of(words: tuple[str, ...], chance: float) -> str:
    return words[int(chance * len(words))]


def _between(span: tuple[float, float], chance: float) -> float:
    low, high = span
    return low + (high - low) * chance
