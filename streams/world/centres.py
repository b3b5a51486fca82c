"""The message centres: SMSC, MMSC and IVR platform, and the subscribers who use them.

They publish orders, replies and delivery reports, and deliver the gate's messages to people. A
centre that gets a message past its end drops it and reports so. Centres send some records twice.
"""

from functools import partial

from streams import topics
from streams.gate.effects import Message, Verdict
from streams.gate.events import DeliveryReport, Order, Reply, Settlement
from streams.gate.words import Channel, DeliveryStatus, MessageKind, Outcome
from streams.world.agenda import Agenda
from streams.world.draws import chances
from streams.world.market import Offer
from streams.world.mistakes import MISORDERS, malformed, malformed_kind
from streams.world.mix import Fault
from streams.world.options import Options, Tally
from streams.world.people import OTHER_NUMBER, Answer, OrderIds, People, Person, order_of
from streams.world.rounds import Rounds
from streams.world.wire import Encoders, Writer

# A centre that repeats a record does so within a second, as after a lost acknowledgement.
_TWICE_WITHIN_MS = 1000
# An order repeated by an impatient subscriber, as a fraction of the prompt's remaining life.
_REPEATED_AT = 0.015


class Centres:
    """Where orders, replies and reports come from, and where messages go."""

    def __init__(
        self,
        options: Options,
        people: People,
        ids: OrderIds,
        agenda: Agenda,
        writer: Writer,
        encoders: Encoders,
        partitions: int,
        tally: Tally,
    ) -> None:
        self._options = options
        self._people = people
        self._ids = ids
        self._agenda = agenda
        self._writer = writer
        self._encoders = encoders
        self._partitions = partitions
        self._tally = tally
        self._rounds = Rounds(options.seed, options.subscribers)
        self._numbers: dict[int, int] = {}
        self._impatient: dict[str, Offer] = {}
        self._waiting: set[str] = set()
        self._answered: set[str] = set()
        self.placed = 0  # orders that came with a subscriber's turn
        self.last_end = 0  # of all prompts seen: no verdict is due before it

    @property
    def waiting(self) -> int:
        """How many orders have no verdict yet."""
        return len(self._waiting)

    def next_turn(self, now: int) -> None:
        """Let the next subscriber order what they want."""
        index, turn = self._rounds.next()
        person = self._people.person(index)
        wish = self._people.wish(person, turn)
        misorder = wish.misorder
        for offer in wish.offers:
            order = self._place(person, offer, now, misorder=misorder)
            self.placed += 1
            misorder = None
        if wish.again:
            self._impatient[order.order_id] = wish.offers[-1]
        if wish.malformed is not None:
            self._garble(person, order, wish.malformed, now)

    def deliver(self, message: Message, now: int) -> None:
        """Take a message of the gate's to its subscriber, and report what became of it."""
        self._tally.messages[message.kind] += 1
        self.last_end = max(self.last_end, message.expires_at)
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
        if message.kind is MessageKind.PROMPT and status is DeliveryStatus.DELIVERED:
            self._prompt(message, now)

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

    def settle(self, settlement: Settlement, now: int) -> None:
        """Publish what billing has to say."""
        value = self._encoders.settlement(settlement)
        self._publish(topics.SETTLEMENTS, settlement.msisdn, value, now, settlement.settlement_id)

    def _place(
        self,
        person: Person,
        offer: Offer,
        now: int,
        *,
        misorder: float | None = None,
        call_id: str | None = None,
    ) -> Order:
        order = self._fresh(person, offer, now, call_id)
        if misorder is not None:
            order = MISORDERS[int(misorder * len(MISORDERS))](order)
        self._waiting.add(order.order_id)
        self._tally.orders += 1
        value = self._encoders.order(order)
        self._publish(topics.ORDERS, order.msisdn, value, now, order.order_id)
        return order

    def _fresh(self, person: Person, offer: Offer, now: int, call_id: str | None) -> Order:
        number = self._numbers.get(person.ordinal, 0)
        self._numbers[person.ordinal] = number + 1
        order_id = self._ids.mint(person.ordinal, number)
        if offer.line is Channel.IVR and call_id is None:
            call_id = f"call-{order_id}"
        return order_of(person, offer, order_id, call_id, now)

    def _garble(self, person: Person, placed: Order, chance: float, now: int) -> None:
        kind = malformed_kind(chance, self._partitions)
        fresh = self._fresh(person, person.favourite, now, None)
        record = malformed(kind, fresh, placed, self._encoders.order, self._partitions)
        where = -1 if record.partition is None else record.partition
        self._writer.publish(topics.ORDERS, record.key, record.value, now, where)
        self._tally.published[topics.ORDERS] += 1
        self._tally.malformed[kind] += 1

    def _report(self, message: Message, status: DeliveryStatus, now: int) -> None:
        report_id = f"r-{message.message_id}"
        report = DeliveryReport(report_id, message.message_id, message.msisdn, status, now)
        self._tally.reports[status] += 1
        value = self._encoders.report(report)
        self._publish(topics.DELIVERY_REPORTS, message.msisdn, value, now, report_id)

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
        answer = self._people.answer(person, number, message.channel, message.language)
        if answer is not None:
            due = now + int(left * self._paced(answer.at))
            self._agenda.enter(due, partial(self._reply, person, message, answer))

    def _paced(self, fraction: float) -> float:
        """A late answer stays late however fast people are."""
        return fraction * self._options.pace if fraction < 1 else fraction

    def _order_again(self, person: Person, offer: Offer, call_id: str | None, now: int) -> None:
        self._place(person, offer, now, call_id=call_id)

    def _reply(self, person: Person, message: Message, answer: Answer, now: int) -> None:
        channel = Channel.IVR if message.channel is Channel.IVR else Channel.SMS
        reply = Reply(
            f"{message.message_id}-r",
            message.msisdn,
            channel,
            OTHER_NUMBER if answer.misdirected else message.sender,
            answer.text,
            now,
            message.call_id,
        )
        self._tally.replies[person.temper] += 1
        value = self._encoders.reply(reply)
        self._publish(topics.REPLIES, reply.msisdn, value, now, reply.reply_id)

    def _publish(self, topic: str, msisdn: str, value: bytes, now: int, name: str) -> None:
        """Publish a record, and now and then publish it once more."""
        key = msisdn.encode()
        self._send(topic, key, value, now)
        twice, delay, *_ = chances(self._options.seed, "twice", name)
        if twice < self._options.mix.faults[Fault.DUPLICATES]:
            again = partial(self._send_again, topic, key, value)
            self._agenda.enter(now + int(delay * _TWICE_WITHIN_MS), again)

    def _send(self, topic: str, key: bytes, value: bytes, now: int) -> None:
        self._writer.publish(topic, key, value, now)
        self._tally.published[topic] += 1

    def _send_again(self, topic: str, key: bytes, value: bytes, now: int) -> None:
        self._send(topic, key, value, now)
        self._tally.duplicates += 1

    def _falls(self, fault: Fault, name: str) -> bool:
        return chances(self._options.seed, fault, name)[0] < self._options.mix.faults[fault]
