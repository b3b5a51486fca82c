"""The subscribers: who they are and what they order; what they say is `talk`.

Laws: a subscriber is drawn from (seed, index), an order from (seed, index, its turn); nobody's
doings depend on anybody else's. A number that is released belongs to the next subscriber: another
temper in another province, who knows nothing of the one before.
"""

from typing import NamedTuple

from streams.gate.events import Order
from streams.gate.words import Channel
from streams.world.draws import Lots, chances
from streams.world.market import Market, Offer
from streams.world.mix import Fault, Mix, Temper

_DIGITS36 = "0123456789abcdefghijklmnopqrstuvwxyz"
_ID_CENTRES = {Channel.SMS: "smsc", Channel.MMS: "mmsc", Channel.IVR: "ivr"}


# Together more than a prompt lets wait, a call may cost or a day may cost.
_BINGE_TIMES = 4


class Person(NamedTuple):
    """One subscriber."""

    ordinal: int  # from 0; everything about them is drawn from it
    msisdn: str
    province: str
    temper: Temper
    favourite: Offer
    owner: int = 0  # how many had the number before


class Wish(NamedTuple):
    """What a subscriber wants when it is their turn: these at once, the first `again` once more."""

    offers: tuple[Offer, ...]
    again: bool
    misorder: float | None  # a chance that picks what is wrong with the first order; mostly none
    malformed: float | None  # a chance that picks what the centre garbles beside it; mostly none
    gives_up: bool  # the number is somebody else's afterwards


class People:
    """All subscribers of one seed; made as they are met, and remembered."""

    def __init__(self, seed: int, size: int, mix: Mix, market: Market) -> None:
        self.seed = seed
        self.size = size
        self._market = market
        self._faults = mix.faults
        self._tempers = Lots(mix.tempers)
        self._persons: dict[int, Person] = {}
        self._indexes: dict[str, int] = {}

    def person(self, index: int) -> Person:
        """The subscriber of this index."""
        return self._persons.get(index) or self._meet(index, 0)

    def of_number(self, msisdn: str) -> Person | None:
        """Whose number this is, if we have met them."""
        index = self._indexes.get(msisdn)
        return None if index is None else self._persons[index]

    def release(self, person: Person) -> Person:
        """The next subscriber with this number."""
        return self._meet(person.ordinal, person.owner + 1)

    def _meet(self, index: int, owner: int) -> Person:
        name = ("person", index, owner) if owner else ("person", index)
        temper, province, line, offer, *_ = chances(self.seed, *name)
        provinces = self._market.provinces
        home = provinces[int(province * len(provinces))]
        person = Person(
            index,
            _msisdn(self.seed, index),
            home,
            self._tempers.pick(temper),
            self._market.pick(home, line, offer),
            owner,
        )
        self._persons[index] = person
        self._indexes[person.msisdn] = index
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
            case Temper.BINGES:
                offers = self._market.dearest(person.province) * _BINGE_TIMES
            case _:
                offers = (self._market.pick(person.province, line, offer),)
        return Wish(
            offers,
            person.temper is Temper.REPEATS,
            what if err < self._faults[Fault.MISORDERS] else None,
            how if garble < self._faults[Fault.MALFORMED] else None,
            chances(self.seed, "released", person.ordinal, turn)[0] < self._faults[Fault.RELEASED],
        )


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
