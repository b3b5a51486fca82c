"""A log full of events before anybody reads it: for measuring how fast a gate drains it.

The demo's people without their eyes: a plain yes to the one number needs nothing from the prompt, a
caller knows their own call, and a message's and a charge's id follow from the order's by the public
rule. So replies and reports are planned from what people would have seen, in the same shares as
live, and settlements where the charge is certain; malformed records, customer care and answers to
anything but a prompt are left out. Subscribers come in rounds, so that one subscriber's events lie
a round apart.

Law: a reply is published only after the broker has its order, and a settlement only after the
broker has what approved its charge, as their times say: the gate judges a yes at its received_at
against a prompt that was issued at its order's record time, and billing knows no charge before the
gate does.
"""

from collections import Counter
from collections.abc import Iterator
from hashlib import blake2b
from time import monotonic
from typing import NamedTuple

from streams import topics
from streams.gate.events import DeliveryReport, Order, Reply, Settlement
from streams.gate.words import Channel, DeliveryStatus, SettlementOutcome
from streams.settings import Settings
from streams.world.clock import WallClock
from streams.world.draws import chances
from streams.world.mistakes import MISORDERS
from streams.world.mix import DEFAULT_MIX, Fault, Mix, Temper, validated
from streams.world.people import OrderIds, People, Person, Wish, order_of
from streams.world.rounds import Rounds
from streams.world.talk import IN_CALL, OTHER_NUMBER, Answer, Question, Way, answers
from streams.world.wire import Encoders, Writer, encoders, our_codecs, read_market

# Orders published before the replies to them: many, to keep the producer busy, but few enough that
# a block's replies follow within a fraction of a second, inside any prompt's life.
_BLOCK_ORDERS_MAX = 4000
# What people see on their display when 10086 asks; the policy of the example data says the same.
SENDER = "10086"
# Nor does it charge anybody for these.
_REFUSED = frozenset({"heiyu"})
# Callers of these must press a digit that only the prompt tells.
_DIGITS_ASKED = frozenset({"sulian"})
# Whose first answer charges nothing: a no, or a plain yes while several prompts are open.
_NO_PLAIN_YES = frozenset({Temper.NO, Temper.SEVERAL, Temper.BINGES})
_EVENTS_PER_SUBSCRIBER = 10


class Preloaded(NamedTuple):
    """What was published, and how long it took."""

    events: int
    orders: int
    seconds: float


class _Asked(NamedTuple):
    """An order that a prompt is expected for."""

    person: Person
    order: Order
    number: int
    granted: bool  # a yes of today covers it: charged at once, no prompt


def preload(
    settings: Settings,
    n_events: int,
    seed: int = 1,
    *,
    subscribers: int | None = None,
    mix: Mix = DEFAULT_MIX,
) -> Preloaded:
    """Publish exactly this many events as fast as the broker takes them."""
    codecs = our_codecs()
    size = subscribers or max(1, n_events // _EVENTS_PER_SUBSCRIBER)
    people = People(seed, size, validated(mix), read_market(settings, codecs))
    duplicates = mix.faults[Fault.DUPLICATES]
    loader = _Loader(people, encoders(codecs), Writer(settings), n_events, duplicates)
    began = monotonic()
    loader.run()
    return Preloaded(loader.events, loader.orders, monotonic() - began)


class _Loader:
    """One preload under way."""

    def __init__(
        self, people: People, encode: Encoders, writer: Writer, limit: int, duplicates: float
    ) -> None:
        self._people = people
        self._encode = encode
        self._writer = writer
        self._limit = limit
        self._duplicates = duplicates
        self._clock = WallClock()
        self._ids = OrderIds(self._clock.now())
        self._rounds = Rounds(people.seed, people.size)
        # Replies come before the round is over, and before the events run out.
        self._block_orders = max(1, min(_BLOCK_ORDERS_MAX, people.size // 2, limit // 8))
        self._granted: set[tuple[int, str]] = set()
        self._charged: list[Order] = []  # since the last flush
        # Who may have left a prompt open: their next plain yes could mean it too.
        self._unclear: set[int] = set()
        self._numbers: dict[int, int] = {}
        self.events = 0
        self.orders = 0

    def run(self) -> None:
        """Blocks of orders, each followed by what people answer to the block before."""
        before: list[_Asked] = []
        while self.events < self._limit:
            block = self._place_block()
            charged, self._charged = self._charged, []
            for order in charged:
                self._settle(order)
            times = Counter(asked.person.ordinal for asked in (*before, *block))
            self._unclear.update(ordinal for ordinal, count in times.items() if count > 1)
            for asked in before:
                self._follow(asked)
            self._writer.flush()
            before = block

    def _place_block(self) -> list[_Asked]:
        block: list[_Asked] = []
        while len(block) < self._block_orders and self.events < self._limit:
            index, turn = self._rounds.next()
            person = self._people.person(index)
            block.extend(self._place(person, self._people.wish(person, turn)))
            self._writer.attend()
        return block

    def _place(self, person: Person, wish: Wish) -> Iterator[_Asked]:
        offers = wish.offers + wish.offers[:1] * wish.again
        call_id = None
        for place, offer in enumerate(offers):
            number = self._numbers.get(person.ordinal, 0)
            self._numbers[person.ordinal] = number + 1
            order_id = self._ids.mint(person.ordinal, number)
            if offer.line is Channel.IVR:
                call_id = call_id or f"call-{order_id}"
            now = self._clock.now()
            order = order_of(
                person, offer, order_id, call_id if offer.line is Channel.IVR else None, now
            )
            slip = wish.misorder if place == 0 else None
            if slip is not None:
                order = MISORDERS[int(slip * len(MISORDERS))](order)
            self._publish(topics.ORDERS, order.msisdn, self._encode.order(order))
            self.orders += 1
            granted = (person.ordinal, offer.service_id) in self._granted
            if offer.sold and slip is None and place < len(wish.offers):
                yield _Asked(person, order, number, granted)

    def _follow(self, asked: _Asked) -> None:
        """The prompt's delivery report and the answer; a charge is settled a block later."""
        person, order, number, granted = asked
        voice = order.channel is Channel.IVR
        if granted:
            self._charged.append(order)
            return
        if not voice:
            self._report(order)
        question = Question(order.channel, "zh", None, is_told=False)
        said = answers(self._people.seed, person.temper, person.ordinal, number, question)
        answer = said[0] if said and said[0].at <= 1 else None
        if answer is not None:
            self._reply(order, answer)
        is_clear = answer is not None and answer.way in (Way.WORD, Way.KEY)
        is_yes = is_clear and person.temper not in _NO_PLAIN_YES
        refused = _REFUSED | _DIGITS_ASKED if voice else _REFUSED
        if not voice and not (is_yes or (is_clear and person.temper is Temper.NO)):
            self._unclear.add(person.ordinal)
        if is_yes and order.provider_id not in refused and person.ordinal not in self._unclear:
            self._charged.append(order)
            if not voice:
                self._granted.add((person.ordinal, order.service_id))

    def _report(self, order: Order) -> None:
        message_id = f"m-{_base_id(order)}"
        report = DeliveryReport(
            f"r-{message_id}", message_id, order.msisdn, DeliveryStatus.DELIVERED, self._clock.now()
        )
        self._publish(topics.DELIVERY_REPORTS, order.msisdn, self._encode.report(report))

    def _reply(self, order: Order, answer: Answer) -> None:
        in_call = answer.way in IN_CALL
        reply = Reply(
            f"m-{_base_id(order)}-r",
            order.msisdn,
            Channel.IVR if in_call else Channel.SMS,
            OTHER_NUMBER if answer.way is Way.OTHER_NUMBER else SENDER,
            answer.text,
            self._clock.now(),
            order.call_id if in_call else None,
        )
        self._publish(topics.REPLIES, order.msisdn, self._encode.reply(reply))

    def _settle(self, order: Order) -> None:
        charge_id = f"c-{_base_id(order)}"
        settlement = Settlement(
            f"t-{charge_id}",
            charge_id,
            None,
            order.msisdn,
            SettlementOutcome.CHARGED,
            order.price_minor,
            order.currency,
            None,
            self._clock.now(),
        )
        self._publish(topics.SETTLEMENTS, order.msisdn, self._encode.settlement(settlement))

    def _publish(self, topic: str, msisdn: str, value: bytes) -> None:
        twice = chances(self._people.seed, "twice", self.events)[0] < self._duplicates
        for _ in range(1 + twice):
            if self.events < self._limit:
                self._writer.publish(topic, msisdn.encode(), value, self._clock.now())
                self.events += 1


def _base_id(order: Order) -> str:
    """What the ids of an order's message and charge are made of (deploy/publishing.md)."""
    return blake2b(f"{order.msisdn}|{order.order_id}".encode(), digest_size=16).hexdigest()
