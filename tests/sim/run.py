"""One run: a seed draws everything, the driver takes its steps, the books are looked at after each.

    run = Run(seed, steps=200)
    outcome = run.go()          # raises Violation, with the step at which it was seen

The same seed is the same run, to the byte: `outcome.digest` is over every record of every topic.
"""

from collections.abc import Callable
from hashlib import blake2b
from random import Random
from typing import NamedTuple

from streams import topics
from streams.audit import Entry, History, audit
from streams.engine import Fatal
from streams.gate.events import Tick
from streams.gate.words import Confirmation
from streams.topics import CATALOGUE, Kind
from tests.sim.books import Books, Violation
from tests.sim.crowd import Crowd, Unsent
from tests.sim.journal import Journal, headers_of
from tests.sim.kit import encoded, schemas
from tests.sim.market import Market, Publication
from tests.sim.model.broker import Broker
from tests.sim.model.clock import Machine
from tests.sim.model.disk import Folder
from tests.sim.model.log import Partition
from tests.sim.model.network import Network
from tests.sim.model.scheduler import World
from tests.sim.plan import GROUP, HOUR, PREFIX, Plan, draw_plan
from tests.sim.replay import Replay
from tests.sim.stores import Stores
from tests.sim.workers import Place, Worker

DRAIN_S = 120.0
_UNASKED = (Confirmation.OFF, Confirmation.SHADOW)


class PassingWorld(World):
    """A world in which hours can pass at once: nothing happens meanwhile, and clocks show it."""

    passed_ms = 0

    def wall_ms(self) -> int:
        return super().wall_ms() + self.passed_ms


class Outcome(NamedTuple):
    """What a run came to."""

    digest: str
    decisions: int
    records: int


class Site:
    """A machine with its folder and, at most times, a worker."""

    def __init__(self, world: World, number: int) -> None:
        self.number = number
        self.machine = Machine(world, f"machine-{number}")
        self.folder = Folder(f"machine-{number}")
        self.worker: Worker | None = None
        self.start_at: float | None = 0.0
        """When a worker is to be started; None: not."""


class Run:
    """One seed."""

    def __init__(self, seed: int, steps: int, trace: Callable[[str], None] | None = None) -> None:
        self.draw = Random(f"driver {seed}")
        self.plan: Plan = draw_plan(seed, steps, self.draw)
        self.world = PassingWorld(seed)
        self.network = Network(self.world)
        self.broker = Broker(self.world, scan_s=self.plan.scan_s)
        self.place = Place(self.world, self.broker, self.network)
        self.journal = Journal(PREFIX)
        self.broker.listener = self.journal.hear
        self.books = Books(self.journal, self.plan.partitions)
        self.stores = Stores(self.books.changelog)
        self.market = Market(self.draw, self.now() - HOUR)
        self.crowd = Crowd(
            self.draw,
            self.journal,
            self.market,
            self.plan.partitions,
            self.publish,
            self.now,
        )
        self.salts = Random(f"salts {seed}")
        self.sites = [Site(self.world, number) for number in range(self.plan.workers)]
        self.step = 0
        self._trace = trace
        self._create_topics()
        for publication in self.market.first():
            self.refer(publication)

    # -- the world -------------------------------------------------------------------------------

    def now(self) -> int:
        """The broker's clock, UTC ms."""
        return self.world.wall_ms()

    def tell(self, what: str) -> None:
        if self._trace is not None:
            self._trace(f"{self.step:4} {self.world.now:9.4f} {what}")

    def _create_topics(self) -> None:
        for topic in CATALOGUE:
            settings: dict[str, str] = {}
            if topic.kind is Kind.INPUT and not self.plan.simulated_time:
                settings["message.timestamp.type"] = "LogAppendTime"
            if topic.kind is Kind.STATE:
                settings["delete.retention.ms"] = str(self.plan.tombstones_ms)
            count = 1 if topic.kind is Kind.REFERENCE else self.plan.partitions
            for partition in self.broker.create(PREFIX + topic.name, count, settings).partitions:
                self.journal.follow(partition)

    def log(self, topic: str, number: int) -> Partition:
        """A partition's log, by the topic's catalogue name."""
        found = self.broker.partition(PREFIX + topic, number)
        assert found is not None
        return found

    def publish(self, unsent: Unsent) -> None:
        """An input record is written; under simulated time its writer stamps it."""
        offset = self.log(unsent.topic, unsent.partition).high
        self.books.write(unsent, offset)
        at = self.now()
        if self.plan.simulated_time:
            at -= self.draw.choice((0, 0, 0, 1, 1_000))
        self.broker.write(
            PREFIX + unsent.topic, unsent.partition, unsent.value, unsent.key, unsent.headers, at
        )
        self.tell(f"{unsent.topic}[{unsent.partition}]@{offset} {unsent.event}")

    def refer(self, publication: Publication) -> None:
        """A reference record is written."""
        topic, key, value = publication
        self.broker.write(PREFIX + topic, 0, value, key)
        policies = self.market.policies
        self.books.allow_unasked(
            allowed=any(rule.confirmation in _UNASKED for each in policies for rule in each.rules)
        )
        self.tell(f"{topic} {key.decode()}")

    def tick(self, number: int, at: int) -> None:
        """The simulator's tick."""
        value = encoded(Tick(f"{number}-{at}", at))
        self.broker.write(PREFIX + topics.TICKS, number, value, None, None, at)

    # -- workers ---------------------------------------------------------------------------------

    def tend(self) -> None:
        """Start what is to be started; see to what has ended."""
        for site in self.sites:
            worker = site.worker
            if worker is not None and worker.process.dead:
                self._ended(site, worker)
                site.worker = None
            at = site.start_at
            if site.worker is None and at is not None and at <= self.world.now:
                self._start(site)

    def _start(self, site: Site) -> None:
        self.tell(f"machine {site.number} starts a worker")
        site.start_at = None
        site.worker = Worker(
            self.place,
            site.machine,
            site.folder,
            self.plan.settings(site.number),
            self.plan.reshape,
            self.salts,
        )

    def _ended(self, site: Site, worker: Worker) -> None:
        failure = worker.failure
        if worker.has_stopped or failure is None:
            return
        self.tell(f"machine {site.number}: {failure}")
        raise Violation(f"a worker ended: {_whole(failure)}")

    # -- the run ---------------------------------------------------------------------------------

    def go(self) -> Outcome:
        """All steps, the drain, the end; Violation when something must not be."""
        try:
            for step in range(self.plan.steps):
                self.step = step
                self._act()
                self._pass()
                self._look()
            return self._end()
        finally:
            self.world.close()

    def _act(self) -> None:
        draw = self.draw
        if draw.random() < 0.03:
            self.refer(
                draw.choice((lambda: self.market.new_policy(self.now()), self.market.change))()
            )
        elif self.plan.simulated_time and draw.random() < 0.15:
            at = self.now() - draw.choice((0, 0, 0, 1_000, HOUR))
            for number in range(self.plan.partitions):
                self.tick(number, at)
            self.tell(f"ticks at {at}")
        else:
            self.crowd.move()

    def _pass(self) -> None:
        draw = self.draw
        self.world.passed_ms += draw.choice(self.plan.gaps_ms)
        self.tend()
        seconds = draw.choice((0.0, 0.0, 0.002, 0.02, 0.1, 0.3))
        if seconds:
            self.world.run_for(seconds)

    def _look(self) -> None:
        self.tend()
        if self.journal.catch_up():
            self.books.settle(self.broker.group(GROUP).offsets, PREFIX)
            for site in self.sites:
                self.stores.look(site.folder)

    # -- the end ---------------------------------------------------------------------------------

    def _end(self) -> Outcome:
        self.crowd.let_go()
        self._drain()
        for site in self.sites:
            if site.worker is not None:
                site.worker.stop()
        stopped = self.world.run_until(
            lambda: all(one.worker is None or one.worker.process.dead for one in self.sites), 30.0
        )
        if not stopped:
            raise Violation("a worker that was told to stop goes on")
        self.world.run_for(5.0)
        self.tend()
        if not self.journal.catch_up():
            raise Violation("a transaction stays open when all workers have left")
        self._look()
        ends = {
            (topic, number): self.log(topic, number).high
            for topic in topics.INPUTS
            for number in range(self.plan.partitions)
        }
        self.books.close(ends)
        report = audit(self._history(), schemas(), drained=True)
        if not report.held:
            raise Violation("; ".join(str(one) for one in report.findings[:3]))
        decisions = Replay(self.plan.settings(0), self.journal, self.plan.partitions).run()
        return Outcome(self._digest(), decisions, report.records)

    def _drain(self) -> None:
        """Time passes until nothing can be open, and everything is decided."""
        self.world.passed_ms += 2 * HOUR
        goal = self.now()
        if self.plan.simulated_time:
            for number in range(self.plan.partitions):
                self.tick(number, goal)
        until = self.world.now + DRAIN_S
        while not self._is_drained(goal):
            if self.world.now > until:
                raise Violation(f"not drained in {DRAIN_S:.0f} s: {self._left()}")
            self.world.run_for(0.25)
            self._look()

    def _is_drained(self, goal: int) -> bool:
        return self.journal.catch_up() and not self._left(goal)

    def _left(self, goal: int = 0) -> list[str]:
        left = []
        for number, position in enumerate(self.books.positions):
            for place, topic in enumerate(topics.INPUTS):
                end = self.log(topic, number).high
                if (
                    topic != topics.TICKS
                    and (0 if position is None else position.next[place]) < end
                ):
                    left.append(f"{topic}[{number}]")
            if position is None or position.watermark < goal:
                left.append(f"time of {number}")
        for site in self.sites:
            engine = None if site.worker is None else site.worker.engine
            if engine is not None:
                left += [
                    f"acts of {one.number}" for one in engine.partitions.values() if one.has_work()
                ]
        return left

    def _history(self) -> History:
        entries: dict[str, list[Entry]] = {}
        for topic in CATALOGUE:
            if topic.kind is Kind.STATE:
                continue
            heard = sorted(self.journal.of[topic.name], key=lambda one: (one.partition, one.offset))
            entries[topic.name] = [
                Entry(
                    topic.name,
                    one.partition,
                    one.offset,
                    one.message.timestamp()[1],
                    one.message.key(),
                    one.message.value(),
                    headers_of(one.message),
                )
                for one in heard
            ]
        committed = {
            (topic.removeprefix(PREFIX), number): offset
            for (topic, number), offset in self.broker.group(GROUP).offsets.items()
        }
        return History(entries, self.plan.partitions, committed, PREFIX)

    def _digest(self) -> str:
        digest = blake2b(digest_size=16)
        for name, topic in self.broker.topics.items():
            for partition in topic.partitions:
                for entry in partition.raw:
                    message = entry.message
                    where = name, partition.number, entry.kind, entry.producer, entry.epoch
                    digest.update(repr(where).encode())
                    if message is not None:
                        said = message.key(), message.value(), message.timestamp()
                        digest.update(repr(said).encode())
        return digest.hexdigest()


def _whole(failure: Fatal) -> str:
    said = str(failure)
    cause = failure.__cause__
    return said if cause is None else f"{said} ({type(cause).__name__}: {cause})"
