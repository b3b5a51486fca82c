"""The outside world, turning: everyone acts when it is time, until all orders are answered.

One thread turns it: place orders that are due, let happen what is due, read what the gate said,
again. It ends by itself: after `duration` no more orders are placed, and when every order has its
verdict, and every approved one its charge, the world is drained. It never waits for ever: when the
last prompt has ended and `patience` has passed too, it ends with a sentence saying what is missing.

It must not know how the gate decides: it sees messages, charges, refund requests and verdicts, as
the outside does.
"""

from collections.abc import Callable
from time import monotonic
from types import TracebackType
from typing import Self

from streams.settings import Settings
from streams.world.clock import Clock, SimulatedClock, WallClock
from streams.world.options import Options, Summary, Tally
from streams.world.outside import Outside

Progress = Callable[[Tally], None]

# A turn of the world waits this long for the gate's records: how late a reply may be.
_TURN_S = 0.005
_READ_MOST = 1000
# After a stall orders catch up in portions, so that messages are still read in between.
_ORDERS_A_TURN = 500
_PROGRESS_S = 1.0
_TICK_MS = 1000
# What was asked of billing by the last replies is on its way when the last order is answered.
_QUIET_S = 0.5
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
        self._clock = _clock(settings, options)
        self._began = self._ticked = 0
        self._outside = Outside(settings, self._options, self._clock.now())
        self.tally = self._outside.tally

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._outside.close()

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
        quiet_since = published
        while monotonic() < quiet_since + _QUIET_S and now < give_up:
            now = self._clock.now()
            if self._turn(now) or not self._drained():
                quiet_since = monotonic()
            told = self._tell(on_progress, told)
            give_up = max(give_up, self._outside.centres.last_end + patience)
        self._outside.writer.flush()
        self._count()
        on_progress(self.tally)
        ended = monotonic()
        return Summary(self.tally, ended - began, published - began, events, self._trouble())

    def _place_orders(self, now: int) -> bool:
        """Place what is due by now, in portions; whether there is more."""
        wanted = int((now - self._began) / 1000 * self._options.rate)
        for _ in range(_ORDERS_A_TURN):
            if self._outside.centres.placed >= wanted:
                return False
            self._outside.centres.next_turn(now)
        return True

    def _turn(self, now: int) -> int:
        """Do what is due, then hear what the gate says; how many records came."""
        outside = self._outside
        outside.agenda.happen(now)
        if self._settings.simulated_time:
            self._tick(now)
        outside.writer.attend()
        heard = 0
        for topic, value in outside.reader.read(_READ_MOST, _TURN_S):
            outside.take(topic, outside.decode(topic, value), self._clock.now())
            heard += 1
        return heard

    def _tick(self, now: int) -> None:
        """Write the ticks that are due; everything before them has been published."""
        while self._ticked < now // _TICK_MS:
            self._ticked += 1
            self._outside.tick(self._ticked * _TICK_MS)

    def _drained(self) -> bool:
        outside = self._outside
        return (
            not outside.centres.waiting
            and not outside.agenda
            and outside.offices.billing.charges >= self.tally.approved
        )

    def _tell(self, on_progress: Progress, told: float) -> float:
        if (at := monotonic()) < told + _PROGRESS_S:
            return told
        self._count()
        on_progress(self.tally)
        return at

    def _count(self) -> None:
        self._outside.count()
        self.tally.world_seconds = (self._clock.now() - self._began) / 1000

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
        return self._outside.trouble()


def _clock(settings: Settings, options: Options) -> Clock:
    wall = WallClock()
    if not settings.simulated_time:
        return wall
    spans_s = options.duration.total_seconds() + options.patience.total_seconds() + _MARGIN_S
    return SimulatedClock(wall.now() - int(spans_s * 1000), options.speed)
