"""Days of the past, lived as fast as the gate can follow: for what takes weeks outside.

Needs simulated time. Nothing here looks at a clock: orders, answers and all else carry their own
instants, and the world waits for the gate instead of for time. A step of an hour happens like this:
place its orders and do what is due, each at its own instant; wait until the gate has decided all of
it, and hear what it says; do what that brings about in this step, and wait again, until nothing
more is due; then write the step's ticks.

Laws: a tick is written only when all that happens before it has been published and decided, so no
prompt lapses while its answer is on its way. The gate's own decisions are counted, never read for
what they say: they tell that it has caught up. Waiting for it has a limit.
"""

from collections import Counter
from functools import partial
from time import monotonic
from types import TracebackType
from typing import Any, Self

from confluent_kafka import Consumer, TopicPartition

from streams import clients, topics
from streams.codec.classes import types_of
from streams.codec.codecs import Codecs
from streams.egress import records
from streams.errors import Cause, Stop
from streams.gate import words
from streams.settings import Settings
from streams.world.options import Options, Tally
from streams.world.outside import HEARD, Outside

STEP_MS = 3600 * 1000
# Prompts lapse with the next tick; nobody in the past waits for one.
_TICK_MS = 5 * 60 * 1000
# Through weeks in which nothing is due.
_IDLE_TICK_MS = 6 * 3600 * 1000
# From the gate to a handset, or to a caller's ear; and to billing.
_TO_HANDSET_MS = 1500
_TO_OFFICE_MS = 500
_READ_MOST = 1000
_READ_S = 0.02
_STALLED_S = 60.0
_ANSWER_S = 15.0


class Past:
    """The outside world on chosen days, one after the other; time only goes forward."""

    def __init__(self, settings: Settings, options: Options, began: int) -> None:
        assert settings.simulated_time, "records of the past need topics that take their times"
        options = options.checked()
        self._settings = settings
        self._where = f"topics {settings.topic_prefix}* at {settings.bootstrap_servers}"
        self._outside = Outside(settings, options, began, (*HEARD, topics.DECISIONS))
        self._decode = Codecs.from_repository(types_of(words, records)).decoder(topics.DECISIONS)
        self._decided = 0
        self._due: Counter[str] = Counter()  # records that decisions brought about, by topic
        self._seen: Counter[str] = Counter()
        self._now = began - began % _TICK_MS

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._outside.close()

    @property
    def tally(self) -> Tally:
        """What has been done and seen so far."""
        self._outside.count()
        return self._outside.tally

    @property
    def trouble(self) -> str | None:
        """What is wrong with the end, in one sentence; nothing when all is well."""
        if waiting := self.tally.waiting:
            return f"{waiting} orders have no verdict after all their prompts have ended"
        return self._outside.trouble()

    def live(self, since: int, until: int, orders: int) -> None:
        """Let so many orders be placed, evenly, from an instant to another; who orders what begins
        anew, so that the same people want the same on each day that is lived.
        """
        self.rest(since)
        self._outside.centres.begin_anew()
        placed = 0
        while self._now < until:
            end = min(self._now + STEP_MS, until)
            wanted = orders * (end - since) // (until - since)
            self._step(end, wanted - placed)
            placed = wanted

    def rest(self, until: int) -> None:
        """Let time pass in which nobody orders; what is due happens."""
        while self._now < until:
            due = self._outside.agenda.next_due
            is_idle = not self.tally.waiting and (due is None or due > self._now + _IDLE_TICK_MS)
            self._step(min(self._now + (_IDLE_TICK_MS if is_idle else STEP_MS), until), 0)

    def finish(self, until: int) -> None:
        """Rest until then, and wait until the gate has taken all time there was."""
        self.rest(until)
        asker = Consumer(clients.asker(self._settings, self._settings.group))
        topic = self._settings.topic_prefix + topics.TICKS
        places = [TopicPartition(topic, number) for number in range(self._outside.partitions)]
        deadline = monotonic() + _STALLED_S
        try:
            while monotonic() < deadline:
                self._catch_up()
                self._outside.agenda.happen_on_time(self._now)
                if not self._ticks_left(asker, places) and not self.tally.waiting:
                    break
        finally:
            asker.close()

    def _ticks_left(self, asker: Consumer, places: list[TopicPartition]) -> int:
        taken = {each.partition: each.offset for each in asker.committed(places, _ANSWER_S)}
        ends = (asker.get_watermark_offsets(place, timeout=_ANSWER_S)[1] for place in places)
        return sum(ends) - sum(max(offset, 0) for offset in taken.values())

    def _step(self, until: int, orders: int) -> None:
        outside, began = self._outside, self._now
        agenda, centres = outside.agenda, outside.centres
        turns = centres.placed + orders
        count = 0
        while centres.placed < turns:
            at = began + (until - began) * count // orders
            agenda.happen_on_time(at)
            centres.next_turn(at)
            count += 1
        while True:
            agenda.happen_on_time(until)
            self._catch_up()
            if agenda.next_due is None or agenda.next_due > until:
                break
        every = _TICK_MS if until - began <= STEP_MS else _IDLE_TICK_MS
        for at in (*range(began - began % every + every, until, every), until):
            outside.tick(at)
        self._now = until

    def _catch_up(self) -> None:
        """Until everything published is decided, and all that came of it is heard."""
        outside = self._outside
        outside.writer.flush()
        self._listen(0.0)  # to what the last ticks brought about
        heard_at = monotonic()
        while self._decided < outside.tally.events or self._seen != self._due:
            if self._listen(_READ_S):
                heard_at = monotonic()
            if monotonic() > heard_at + _STALLED_S:
                left = outside.tally.events - self._decided
                raise Stop(
                    Cause.NOT_DRAINED,
                    f"{left} records are undecided after {_STALLED_S:.0f} s of silence: check that "
                    f"a worker runs for {self._where}",
                )

    def _listen(self, wait_s: float) -> int:
        """Take in what the gate has said; how many records."""
        self._outside.writer.attend()
        heard = 0
        for topic, value in self._outside.reader.read(_READ_MOST, wait_s):
            self._hear(topic, value)
            heard += 1
        return heard

    def _hear(self, topic: str, value: bytes) -> None:
        if topic == topics.DECISIONS:
            decision = self._decode(value)
            self._decided += decision.cause.topic != topics.TICKS
            self._due.update(each.topic for each in decision.effects if each.topic in HEARD)
            return
        self._seen[topic] += 1
        record = self._outside.decode(topic, value)
        at = max(_heard_at(topic, record), self._now)
        self._outside.agenda.enter(at, partial(self._outside.take, topic, record))


def _heard_at(topic: str, record: Any) -> int:
    """When the outside hears of a record, by what the record says of its own time."""
    match topic:
        case topics.MESSAGES:
            return int(record.issued_at) + _TO_HANDSET_MS
        case topics.CHARGES:
            return int(record.approved_at) + _TO_OFFICE_MS
        case topics.REFUNDS:
            return int(record.requested_at) + _TO_OFFICE_MS
    return int(record.decided_at)
