"""Everything outside the gate, put together: centres, offices, people, and the wires to Kafka.

It turns nobody's clock: whoever drives it says when things happen, and hands it what it reads.
"""

from typing import Any, cast

from streams import topics
from streams.gate.effects import Charge, Message, RefundRequest, Verdict
from streams.gate.events import Tick
from streams.settings import Settings
from streams.world.agenda import Agenda
from streams.world.centres import Centres
from streams.world.offices import Offices
from streams.world.options import Options, Tally
from streams.world.people import OrderIds, People
from streams.world.post import Post
from streams.world.wire import Reader, Writer, encoders, our_codecs, read_market

HEARD = (topics.MESSAGES, topics.CHARGES, topics.VERDICTS, topics.REFUNDS)


class Outside:
    """The parts of one simulation."""

    def __init__(
        self, settings: Settings, options: Options, began: int, heard: tuple[str, ...] = HEARD
    ) -> None:
        self._codecs = our_codecs()
        market = read_market(settings, self._codecs)
        self.tally = Tally()
        self.agenda = Agenda()
        self.writer = Writer(settings)
        self.reader = Reader(settings, heard)
        self.partitions = self.reader.partitions(topics.MESSAGES)
        self._encode_tick = self._codecs.encoder(topics.TICKS, Tick)
        post = Post(options, self.agenda, self.writer, encoders(self._codecs), self.tally)
        ids = OrderIds(began)
        self.offices = Offices(options, ids, self.agenda, post, self.tally)
        self.centres = Centres(
            options,
            People(options.seed, options.subscribers, options.mix, market),
            ids,
            self.agenda,
            post,
            self.offices,
            self.partitions,
            self.tally,
        )

    def decode(self, topic: str, value: bytes) -> Any:
        """A record of the gate's."""
        return self._codecs.decode(topic, value)

    def take(self, topic: str, record: Any, now: int) -> None:
        """Let the world hear of a record at this instant."""
        match topic:
            case topics.MESSAGES:
                self.centres.deliver(cast(Message, record), now)
            case topics.CHARGES:
                self.offices.charge(cast(Charge, record), now)
            case topics.VERDICTS:
                self.centres.hear(cast(Verdict, record))
            case topics.REFUNDS:
                self.offices.refund(cast(RefundRequest, record), now)

    def tick(self, at: int) -> None:
        """Write the time to every partition; everything before it has been published."""
        for number in range(self.partitions):
            value = self._encode_tick(Tick(f"world-{at}-{number}", at))
            self.writer.publish(topics.TICKS, None, value, at, number)

    def count(self) -> None:
        """Bring the tally up to date."""
        self.tally.waiting = self.centres.waiting
        self.offices.count()

    def trouble(self) -> str | None:
        """What billing and providers should never have seen, in one sentence."""
        tally = self.tally
        if tally.charges_repeated:
            return f"billing was given {tally.charges_repeated} charges more than once"
        if tally.refunds_repeated:
            return f"billing was given {tally.refunds_repeated} refunds more than once"
        if tally.verdicts_repeated:
            return f"{tally.verdicts_repeated} orders got more than one verdict"
        if tally.charges < tally.approved:
            return f"{tally.approved} orders were approved, but {tally.charges} charges came"
        return None

    def close(self) -> None:
        """Let the connections go."""
        self.reader.close()
        self.writer.close()
