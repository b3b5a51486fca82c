"""The message centres: SMSC, MMSC and IVR platform, and the subscribers who use them.

They publish orders, replies and delivery reports, and deliver the gate's messages to people. A
centre that gets a message past its end drops it and reports so.
"""

from collections import Counter, deque
from functools import partial

from streams.gate.effects import Message, Verdict
from streams.gate.events import DeliveryReport, Order, Reply
from streams.gate.words import Channel, DeliveryStatus, MessageKind, Outcome
from streams.world import care, talk
from streams.world.agenda import Agenda
from streams.world.draws import chances
from streams.world.market import Offer
from streams.world.mistakes import MISORDERS, malformed, malformed_kind
from streams.world.mix import Fault, Temper
from streams.world.offices import Offices
from streams.world.options import Options, Tally
from streams.world.people import OrderIds, People, Person, order_of
from streams.world.post import Post
from streams.world.rounds import Rounds
from streams.world.talk import Question, Remark, Way

# An order repeated by an impatient subscriber, as a fraction of the prompt's remaining life.
_REPEATED_AT = 0.015
# From an order to the instant at which its number is somebody else's: its prompt is open then.
_RELEASED_AFTER_MS = 1200
# An order of the last owner that its centre publishes late.
_PLACED_BEFORE_MS, _PUBLISHED_AFTER_MS = 600, 400
# Codes that a person still has on the display.
_CODES_KEPT = 6


class Centres:
    """Where orders, replies and reports come from, and where messages go."""

    def __init__(
        self,
        options: Options,
        people: People,
        ids: OrderIds,
        agenda: Agenda,
        post: Post,
        offices: Offices,
        partitions: int,
        tally: Tally,
    ) -> None:
        self._options = options
        self._people = people
        self._ids = ids
        self._agenda = agenda
        self._post = post
        self._offices = offices
        self._partitions = partitions
        self._tally = tally
        self._rounds = Rounds(options.seed, options.subscribers)
        self._numbers: Counter[int] = Counter()
        self._impatient: dict[str, Offer] = {}
        self._codes: dict[str, deque[str]] = {}
        self._heard: Counter[tuple[str, str]] = Counter()
        self._cancels_next: set[str] = set()
        self._waiting: set[str] = set()
        self._answered: set[str] = set()
        self.placed = 0  # orders that came with a subscriber's turn
        self.last_end = 0  # of all prompts seen: no verdict is due before it

    @property
    def waiting(self) -> int:
        """How many orders have no verdict yet."""
        return len(self._waiting)

    def begin_anew(self) -> None:
        """Let everybody's turns begin again: they want what they wanted the first time."""
        self._rounds = Rounds(self._options.seed, self._options.subscribers)

    def next_turn(self, now: int) -> None:
        """Let the next subscriber order what they want."""
        index, turn = self._rounds.next()
        person = self._people.person(index)
        wish = self._people.wish(person, turn)
        misorder = wish.misorder
        call_id = None
        for offer in wish.offers:
            order = self._place(person, offer, now, misorder=misorder, call_id=call_id)
            call_id = call_id or order.call_id
            self.placed += 1
            misorder = None
        if wish.again:
            self._impatient[order.order_id] = wish.offers[-1]
        if wish.malformed is not None:
            self._garble(person, order, wish.malformed, now)
        if wish.gives_up:
            self._agenda.enter(now + _RELEASED_AFTER_MS, partial(self._release, person, turn))

    def deliver(self, message: Message, now: int) -> None:
        """Take a message of the gate's to its subscriber, and report what became of it."""
        self._tally.messages[message.kind] += 1
        status = DeliveryStatus.DELIVERED
        if now >= message.expires_at:
            status = DeliveryStatus.EXPIRED
        elif message.channel is not Channel.IVR and self._falls(
            Fault.UNDELIVERED, message.message_id
        ):
            status = DeliveryStatus.FAILED
        # A caller hears the prompt or has hung up: only a drop is reported for voice.
        if message.channel is not Channel.IVR or status is DeliveryStatus.EXPIRED:
            self._report(message, status, now)
        if message.kind is MessageKind.PROMPT:
            self.last_end = max(self.last_end, message.expires_at)
        if status is not DeliveryStatus.DELIVERED:
            return
        match message.kind:
            case MessageKind.PROMPT:
                self._prompt(message, now)
            case MessageKind.CLARIFY | MessageKind.LISTING | MessageKind.RECEIPT:
                if person := self._people.of_number(message.msisdn):
                    self._react(person, message, now)

    def hear(self, verdict: Verdict) -> None:
        """Take note of a verdict on an order of ours."""
        if verdict.order_id in self._waiting:
            self._waiting.remove(verdict.order_id)
            self._answered.add(verdict.order_id)
            if verdict.outcome is Outcome.APPROVED:
                self._tally.approved += 1
            else:
                self._tally.refused[verdict.reason] += 1
        elif verdict.order_id in self._answered:
            self._tally.verdicts_repeated += 1

    def _place(
        self,
        person: Person,
        offer: Offer,
        now: int,
        *,
        misorder: float | None = None,
        call_id: str | None = None,
        ordered_at: int | None = None,
    ) -> Order:
        order = self._fresh(person, offer, now if ordered_at is None else ordered_at, call_id)
        if misorder is not None:
            order = MISORDERS[int(misorder * len(MISORDERS))](order)
        self._waiting.add(order.order_id)
        self._tally.orders += 1
        self._post.order(order, now)
        return order

    def _fresh(self, person: Person, offer: Offer, now: int, call_id: str | None) -> Order:
        number = self._numbers[person.ordinal]
        self._numbers[person.ordinal] = number + 1
        order_id = self._ids.mint(person.ordinal, number)
        if offer.line is not Channel.IVR:
            call_id = None
        elif call_id is None:
            call_id = f"call-{order_id}"
        return order_of(person, offer, order_id, call_id, now)

    def _garble(self, person: Person, placed: Order, chance: float, now: int) -> None:
        kind = malformed_kind(chance, self._partitions)
        fresh = self._fresh(person, person.favourite, now, None)
        encode = self._post.encoders.order
        self._post.raw(malformed(kind, fresh, placed, encode, self._partitions), now)
        self._tally.malformed[kind] += 1

    def _release(self, person: Person, turn: int, now: int) -> None:
        """The number goes to the next subscriber; an order of the last one comes late."""
        self._offices.do(care.release(person, turn, now), now)
        self._people.release(person)
        self._codes.pop(person.msisdn, None)
        self._cancels_next.discard(person.msisdn)
        late = partial(self._place_late, person, now - _PLACED_BEFORE_MS)
        self._agenda.enter(now + _PUBLISHED_AFTER_MS, late)

    def _place_late(self, person: Person, ordered_at: int, now: int) -> None:
        self._place(person, person.favourite, now, ordered_at=ordered_at)

    def _report(self, message: Message, status: DeliveryStatus, now: int) -> None:
        report_id = f"r-{message.message_id}"
        report = DeliveryReport(report_id, message.message_id, message.msisdn, status, now)
        self._tally.reports[status] += 1
        self._post.report(report, now)

    def _prompt(self, message: Message, now: int) -> None:
        """A subscriber reads (or hears) a prompt: what will they do, and when?"""
        ours = self._ids.read(message.order_id or "")
        if ours is None:
            return
        index, number = ours
        person = self._people.person(index)
        left = message.expires_at - now
        offer = self._impatient.pop(message.order_id or "", None)
        if offer is not None:
            again = partial(self._order_again, person, offer, message.call_id)
            self._agenda.enter(now + int(left * _REPEATED_AT), again)
        question = self._question(message)
        seed = self._options.seed
        for answer in talk.answers(seed, person.temper, index, number, question):
            due = now + int(left * self._paced(answer.at))
            self._enter(person, message, due, answer.text, answer.way)

    def _question(self, message: Message) -> Question:
        code = message.reply_code
        voice = message.channel is Channel.IVR
        if code and not voice:
            self._codes.setdefault(message.msisdn, deque(maxlen=_CODES_KEPT)).append(code)
        is_told = bool(code) and (voice or str(code) in message.text)
        return Question(message.channel, message.language, code, is_told)

    def _react(self, person: Person, message: Message, now: int) -> None:
        for remark in self._remarks(person, message):
            due = now + int(remark.after_ms * self._options.pace)
            self._enter(person, message, due, remark.text, remark.way)

    def _remarks(self, person: Person, message: Message) -> tuple[Remark, ...]:
        """What is said to a message that is no prompt; mostly nothing."""
        seed, ordinal = self._options.seed, person.ordinal
        if message.kind is MessageKind.RECEIPT:
            ours = self._ids.read(message.order_id or "")
            if ours is None or person.temper is not Temper.UNDOES:
                return ()
            return talk.after_receipt(seed, *ours)
        nth = self._heard[message.msisdn, message.kind]
        self._heard[message.msisdn, message.kind] += 1
        if message.kind is MessageKind.LISTING:
            if message.msisdn not in self._cancels_next:
                return ()
            self._cancels_next.discard(message.msisdn)
            return (talk.after_listing(seed, ordinal, nth),)
        codes = [code for code in self._codes.get(message.msisdn, ()) if code in message.text]
        return talk.after_clarify(seed, person.temper, ordinal, nth, codes)

    def _paced(self, fraction: float) -> float:
        """A late answer stays late however fast people are."""
        return fraction * self._options.pace if fraction < 1 else fraction

    def _order_again(self, person: Person, offer: Offer, call_id: str | None, now: int) -> None:
        self._place(person, offer, now, call_id=call_id)

    def _enter(self, person: Person, message: Message, due: int, text: str, way: Way) -> None:
        self._agenda.enter(due, partial(self._reply, person, message, text, way))

    def _reply(self, person: Person, message: Message, text: str, way: Way, now: int) -> None:
        if self._people.person(person.ordinal) is not person:
            return  # the number is somebody else's by now
        if way is Way.LIST and person.temper is Temper.CANCELS:
            self._cancels_next.add(person.msisdn)
        in_call = way in talk.IN_CALL
        said = self._heard[message.message_id, "said"]
        self._heard[message.message_id, "said"] += 1
        reply = Reply(
            f"{message.message_id}-r{said or ''}",
            message.msisdn,
            Channel.IVR if in_call else Channel.SMS,
            talk.OTHER_NUMBER if way is Way.OTHER_NUMBER else message.sender,
            text,
            now,
            message.call_id if in_call else None,
        )
        self._tally.replies[person.temper] += 1
        self._tally.said[way] += 1
        self._post.reply(reply, now)

    def _falls(self, fault: Fault, name: str) -> bool:
        return chances(self._options.seed, fault, name)[0] < self._options.mix.faults[fault]
