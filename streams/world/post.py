"""How the outside publishes: by key, counted, and now and then a record twice.

Law: a record that is sent again is the same bytes, within a second, as after a lost
acknowledgement.
"""

from functools import partial

from streams import topics
from streams.gate.events import CareAction, DeliveryReport, Order, Reply, Settlement
from streams.world.agenda import Agenda
from streams.world.draws import chances
from streams.world.mistakes import RawRecord
from streams.world.mix import Fault
from streams.world.options import Options, Tally
from streams.world.wire import Encoders, Writer

_TWICE_WITHIN_MS = 1000


class Post:
    """Takes events to their topics, as at an instant of the world."""

    def __init__(
        self, options: Options, agenda: Agenda, writer: Writer, encoders: Encoders, tally: Tally
    ) -> None:
        self._seed = options.seed
        self._twice = options.mix.faults[Fault.DUPLICATES]
        self._agenda = agenda
        self._writer = writer
        self._tally = tally
        self.encoders = encoders

    def order(self, order: Order, now: int) -> None:
        """A centre took an order."""
        value = self.encoders.order(order)
        self._publish(topics.ORDERS, order.msisdn, value, now, order.order_id)

    def reply(self, reply: Reply, now: int) -> None:
        """A centre took a reply."""
        value = self.encoders.reply(reply)
        self._publish(topics.REPLIES, reply.msisdn, value, now, reply.reply_id)

    def report(self, report: DeliveryReport, now: int) -> None:
        """A centre reports on a message."""
        value = self.encoders.report(report)
        self._publish(topics.DELIVERY_REPORTS, report.msisdn, value, now, report.report_id)

    def settlement(self, settlement: Settlement, now: int) -> None:
        """Billing says what it did."""
        value = self.encoders.settlement(settlement)
        self._publish(topics.SETTLEMENTS, settlement.msisdn, value, now, settlement.settlement_id)

    def care(self, action: CareAction, now: int) -> None:
        """Customer care acts."""
        value = self.encoders.care(action)
        self._publish(topics.CARE, action.msisdn, value, now, action.action_id)

    def raw(self, record: RawRecord, now: int) -> None:
        """A centre publishes among its orders what is none."""
        where = -1 if record.partition is None else record.partition
        self._writer.publish(topics.ORDERS, record.key, record.value, now, where)
        self._tally.published[topics.ORDERS] += 1

    def _publish(self, topic: str, msisdn: str, value: bytes, now: int, name: str) -> None:
        key = msisdn.encode()
        self._send(topic, key, value, now)
        twice, delay, *_ = chances(self._seed, "twice", name)
        if twice < self._twice:
            again = partial(self._send_again, topic, key, value)
            self._agenda.enter(now + int(delay * _TWICE_WITHIN_MS), again)

    def _send(self, topic: str, key: bytes, value: bytes, now: int) -> None:
        self._writer.publish(topic, key, value, now)
        self._tally.published[topic] += 1

    def _send_again(self, topic: str, key: bytes, value: bytes, now: int) -> None:
        self._send(topic, key, value, now)
        self._tally.duplicates += 1
