"""The outside world, turning: everyone acts when it is time, until all orders are answered.

One thread turns it: place orders that are due, let happen what is due, read what the gate said,
again. It ends by itself: after `duration` no more orders are placed, and when every order has its
verdict, and every approved one its charge, the world is drained. It never waits for ever: when the
last prompt has ended and `patience` has passed too, it ends with a sentence saying what is missing.

It must not know how the gate decides: it sees messages, charges and verdicts, as the outside does.
"""

from collections.abc import Callable
from time import monotonic
from types import TracebackType
from typing import Self, cast

from streams import topics
from streams.gate.effects import Charge, Message, Verdict
from streams.gate.events import Tick
from streams.settings import Settings
from streams.world.agenda import Agenda
from streams.world.billing import Billing
from streams.world.centres import Centres
from streams.world.clock import Clock, SimulatedClock, WallClock
from streams.world.mix import Fault
from streams.world.options import Options, Summary, Tally
from streams.world.people import OrderIds, People
from streams.world.wire import (
    Encoders,
    Reader,
    Writer,
    encoders,
    our_codecs,
    read_market,
)

Progress = Callable[[Tally], None]

# A turn of the world waits this long for the gate's records: how late a reply may be.
_TURN_S = 0.005
_READ_MOST = 1000
# After a stall orders catch up in portions, so that messages are still read in between.
_ORDERS_A_TURN = 500
_PROGRESS_S = 1.0
_TICK_MS = 1000
# Simulated time starts this much earlier than rate and duration need, since nobody knows beforehand
# how long prompts live; Kafka refuses times more than an hour ahead.
_MARGIN_S = 3600.0


def _say_nothing(_: Tally) -> None:
    """Nobody listens."""


def _never() -> bool:
    return False


def run_simulation(
    settings: Settings,
    options: Options,
    on_progress: Progress = _say_nothing,
    stopped: Callable[[], bool] = _never,
) -> Summary:
    """Simulate the outside until it is drained; `stopped` ends the placing of orders early."""
    with World(settings, options) as world:
        return world.run(on_progress, stopped)


class World:
    """Everything of one simulation, put together and ready to turn."""

    def __init__(self, settings: Settings, options: Options) -> None:
        self._options = options.checked()
        self._settings = settings
        self._codecs = our_codecs()
        market = read_market(settings, self._codecs)
        self._writer = Writer(settings)
        self._encoders: Encoders = encoders(self._codecs)
        self._reader = Reader(settings, (topics.MESSAGES, topics.CHARGES, topics.VERDICTS))
        self._partitions = self._reader.partitions(topics.MESSAGES)
        self._agenda = Agenda()
        self._billing = Billing(options.seed, options.mix.faults[Fault.UNPAID])
        self.tally = Tally()
        self._clock = _clock(settings, options)
        self._began = self._ticked = 0
        self._centres = Centres(
            options,
            People(options.seed, options.subscribers, options.mix, market),
            OrderIds(self._clock.now()),
            self._agenda,
            self._writer,
            self._encoders,
            self._partitions,
            self.tally,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._reader.close()

    def run(
        self, on_progress: Progress = _say_nothing, stopped: Callable[[], bool] = _never
    ) -> Summary:
        """Place orders for the duration, then wait until all of them are answered."""
        began = monotonic()
        self._began = self._clock.now()
        self._ticked = self._began // _TICK_MS
        end = self._began + int(self._options.duration.total_seconds() * 1000)
        told = 0.0
        while (now := self._clock.now()) < end and not stopped():
            self._place_orders(now)
            self._turn(now)
            told = self._tell(on_progress, told)
        while now >= end and self._place_orders(end):
            self._turn(now)
        published, events = monotonic(), self.tally.events
        patience = int(self._options.patience.total_seconds() * 1000)
        give_up = now + patience
        while not self._drained() and now < give_up:
            now = self._clock.now()
            self._turn(now)
            told = self._tell(on_progress, told)
            give_up = max(give_up, self._centres.last_end + patience)
        self._writer.flush()
        self._count()
        on_progress(self.tally)
        ended = monotonic()
        return Summary(self.tally, ended - began, published - began, events, self._trouble())

    def _place_orders(self, now: int) -> bool:
        """Place what is due by now, in portions; whether there is more."""
        wanted = int((now - self._began) / 1000 * self._options.rate)
        for _ in range(_ORDERS_A_TURN):
            if self._centres.placed >= wanted:
                return False
            self._centres.next_turn(now)
        return True

    def _turn(self, now: int) -> None:
        self._agenda.happen(now)
        if self._settings.simulated_time:
            self._tick(now)
        self._writer.attend()
        for topic, value in self._reader.read(_READ_MOST, _TURN_S):
            record = self._codecs.decode(topic, value)
            heard_at = self._clock.now()
            match topic:
                case topics.MESSAGES:
                    self._centres.deliver(cast(Message, record), heard_at)
                case topics.CHARGES:
                    self._bill(cast(Charge, record), heard_at)
                case topics.VERDICTS:
                    self._centres.hear(cast(Verdict, record))

    def _bill(self, charge: Charge, now: int) -> None:
        settlement = self._billing.take(charge, now)
        if settlement is not None:
            self._centres.settle(settlement, now)

    def _tick(self, now: int) -> None:
        """Write the ticks that are due; everything before them has been published."""
        while self._ticked < now // _TICK_MS:
            self._ticked += 1
            at = self._ticked * _TICK_MS
            for number in range(self._partitions):
                tick = Tick(f"world-{at}-{number}", at)
                value = self._encoders.tick(tick)
                self._writer.publish(topics.TICKS, None, value, at, number)

    def _drained(self) -> bool:
        return (
            not self._centres.waiting
            and not self._agenda
            and self._billing.charges >= self.tally.approved
        )

    def _tell(self, on_progress: Progress, told: float) -> float:
        if (at := monotonic()) < told + _PROGRESS_S:
            return told
        self._count()
        on_progress(self.tally)
        return at

    def _count(self) -> None:
        tally = self.tally
        tally.waiting = self._centres.waiting
        tally.charges = self._billing.charges
        tally.charges_repeated = self._billing.repeated
        tally.collected_minor = dict(self._billing.collected_minor)
        tally.world_seconds = (self._clock.now() - self._began) / 1000

    def _trouble(self) -> str | None:
        """What is wrong with the end, in one sentence; nothing when all is well."""
        tally, where = self.tally, self._settings
        if tally.waiting:
            return (
                f"{tally.waiting} of {tally.orders} orders have no verdict "
                f"{self._options.patience.total_seconds():g} s after the last prompt ended: "
                f"check that a worker runs for topics {where.topic_prefix}* at "
                f"{where.bootstrap_servers}"
            )
        if tally.charges_repeated:
            return f"billing was given {tally.charges_repeated} charges more than once"
        if tally.verdicts_repeated:
            return f"{tally.verdicts_repeated} orders got more than one verdict"
        if tally.charges < tally.approved:
            return f"{tally.approved} orders were approved, but {tally.charges} charges came"
        return None


def _clock(settings: Settings, options: Options) -> Clock:
    wall = WallClock()
    if not settings.simulated_time:
        return wall
    spans_s = options.duration.total_seconds() + options.patience.total_seconds() + _MARGIN_S
    return SimulatedClock(wall.now() - int(spans_s * 1000), options.speed)
