"""One run: a seed draws everything, the driver takes its steps, the books are looked at after each.

    run = Run(seed, steps=200)
    outcome = run.go()          # raises Violation, with the step at which it was seen

The same seed is the same run, to the byte: `outcome.digest` is over every record of every topic.
"""

from collections import Counter
from collections.abc import Callable
from hashlib import blake2b
from random import Random
from typing import NamedTuple

from streams import topics
from streams.audit import History, audit
from streams.audit.verify.run import verify_partition
from streams.engine import Cause
from streams.engine import Partition as EnginePartition
from streams.gate.events import Tick
from streams.gate.reference import OperatorAct
from streams.gate.words import ActKind, Confirmation
from streams.history import Entry
from streams.reference.fold import ReferenceFold
from streams.topics import CATALOGUE, Kind
from tests.history.memory import MemorySource
from tests.sim.books import Books, Violation
from tests.sim.crowd import Crowd, Unsent
from tests.sim.endings import ended
from tests.sim.faults import FAULTS, KINDS, LAST, OF_ACTS
from tests.sim.journal import Journal, headers_of
from tests.sim.kit import codecs, encoded, schemas
from tests.sim.market import Market, Publication
from tests.sim.marks import listening
from tests.sim.model.broker import Broker
from tests.sim.model.clock import Machine
from tests.sim.model.disk import Files, Folder
from tests.sim.model.log import Partition, Topic
from tests.sim.model.network import Network
from tests.sim.model.scheduler import Process, World
from tests.sim.model.transactions import MARKER_PACE
from tests.sim.plan import GROUP, HOUR, PREFIX, Plan, draw_plan
from tests.sim.replay import Replay
from tests.sim.stores import Stores
from tests.sim.workers import Place, Worker

DRAIN_S = 120.0
_FAULTS_LEFT = "reference records"
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
    over: str | None
    """The cause of the end after which nothing could go on, if the run had such a fault."""


class Site:
    """A machine with its folder and, at most times, a worker."""

    def __init__(self, machine: Machine, folder: Folder, instance: str) -> None:
        self.machine = machine
        self.folder = folder
        self.instance = instance
        self.worker: Worker | None = None
        self.start_at: float | None = 0.0
        """When a worker is to be started; None: not."""
        self.is_guest = False
        """It has no place of its own here: nobody starts it again."""
        self.copies: list[dict[str, Files]] = []
        """Of the folder, from earlier steps."""


class Run:
    """One seed."""

    def __init__(
        self,
        seed: int,
        steps: int,
        marks: Counter[str] | None = None,
        trace: Callable[[str], None] | None = None,
    ) -> None:
        self.draw = Random(f"driver {seed}")
        self.plan: Plan = draw_plan(seed, steps, self.draw, KINDS, LAST, OF_ACTS)
        self.marks: Counter[str] = Counter() if marks is None else marks
        self.world = PassingWorld(seed)
        self.world.on_pause = self._at_pause
        self.network = Network(self.world)
        self.broker = Broker(self.world, scan_s=self.plan.scan_s)
        self.place = Place(self.world, self.broker, self.network, self.mark)
        self.journal = Journal(PREFIX)
        self.broker.listener = self.journal.hear
        self.books = Books(self.journal, self.plan.partitions)
        self.books.marks = self.marks
        self.stores = Stores(
            self.books.changelog, lambda number: self.log(topics.CHANGELOG, number)
        )
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
        self.sites: list[Site] = []
        self.step = 0
        self.over: str | None = None
        """The cause of a worker's end after which nothing can go on."""
        self.is_ending = False
        """The steps are over; nobody writes any more."""
        self.is_doomed = False
        """Something is destroyed that nobody can mend."""
        self.explained: dict[Cause, None] = {}
        """Ends of workers that the faults so far explain."""
        self.unchecked: dict[str, None] = {}
        """Folders whose stores were exchanged, until a worker has noticed."""
        self.reset_offset: tuple[str, int] | None = None
        self.hang_at = ""
        self.deleted: Topic | None = None
        """A topic that the operator will restore."""
        self._aim: tuple[int, str] | None = None
        self._closed_topics: dict[str, None] = {}
        self._paused: dict[EnginePartition, None] = {}
        self._trace = trace
        self._create_topics()
        for publication in self.market.first():
            self.refer(publication)
        for _ in range(self.plan.workers):
            self.add_site()

    # -- the world -------------------------------------------------------------------------------

    def now(self) -> int:
        """The broker's clock, UTC ms."""
        return self.world.wall_ms()

    def mark(self, what: str) -> None:
        self.marks[what] += 1

    def tell(self, what: str) -> None:
        if self._trace is not None:
            self._trace(f"{self.step:4} {self.world.now:9.4f} {what}")

    def _create_topics(self) -> None:
        for topic in CATALOGUE:
            self._create(topic, 1 if topic.kind is Kind.REFERENCE else self.plan.partitions)

    def _create(self, topic: topics.Topic, count: int) -> None:
        settings: dict[str, str] = {}
        if topic.kind is Kind.INPUT and not self.plan.simulated_time:
            settings["message.timestamp.type"] = "LogAppendTime"
        if topic.kind is Kind.STATE:
            settings["delete.retention.ms"] = str(self.plan.tombstones_ms)
        for partition in self.broker.create(PREFIX + topic.name, count, settings).partitions:
            self.journal.follow(partition)

    def remake(self, name: str, *, count: int = 0, is_refilled: bool = False) -> None:
        """Delete a topic and make it again; nobody writes to it from now on, except that it may be
        filled with as much as was there before.
        """
        self.journal.catch_up()
        self._closed_topics[name] = None
        former = self.broker.delete(PREFIX + name).partitions
        for partition in former:
            self.journal.leave(partition)
        self._create(topics.BY_NAME[name], count or len(former))
        self.journal.ignored[name] = None
        for number, end in enumerate([one.high for one in former] if is_refilled else ()):
            for _ in range(end + 3):
                self.broker.write(PREFIX + name, number, b"junk", b"8613900000999")

    def log(self, topic: str, number: int) -> Partition:
        """A partition's log, by the topic's catalogue name."""
        found = self.broker.partition(PREFIX + topic, number)
        assert found is not None
        return found

    def publish(self, unsent: Unsent) -> None:
        """An input record is written; under simulated time its writer stamps it."""
        if unsent.topic in self._closed_topics:
            return
        offset = self.log(unsent.topic, unsent.partition).high
        self.books.write(unsent, offset)
        at = self.now()
        if self.plan.simulated_time:
            at -= self.draw.choice((0, 0, 0, 1, 1_000))
        self.broker.write(
            PREFIX + unsent.topic, unsent.partition, unsent.value, unsent.key, unsent.headers, at
        )
        self.tell(f"{unsent.topic}[{unsent.partition}]@{offset} {unsent.event}")

    def fill(self, topic: str, number: int) -> None:
        """Some records on that partition that nobody can have decided yet."""
        for _ in range(3):
            self.publish(Unsent(topic, b"8613900000999", b"junk", None, number))

    def refer(self, publication: Publication) -> None:
        """A reference record is written."""
        topic, key, value = publication
        if topic in self._closed_topics:
            return
        self.broker.write(PREFIX + topic, 0, value, key)
        policies = self.market.policies
        self.books.allow_unasked(
            allowed=any(rule.confirmation in _UNASKED for each in policies for rule in each.rules)
        )
        self.tell(f"{topic} {key.decode()}")

    def set_aside(self, topic: str, offset: int) -> None:
        """An operator's act on a reference record, unless there is one; prices follow."""
        place = topics.REFERENCES.index(topic)
        found = self._reference().not_taken.get((place, offset))
        if found is None or not isinstance(found.why, OperatorAct):
            self.refer(self.market.act(ActKind.QUARANTINE, topic, 0, offset))
            self.market.follow(self._reference().catalogue.services)

    def _reference(self) -> ReferenceFold:
        """What is in force by all that was written, to a version of the program without mistake."""
        self.journal.catch_up()
        fold = ReferenceFold(codecs())
        for place, topic in enumerate(topics.REFERENCES):
            for heard in self.journal.of[topic]:
                fold.add(place, heard.message)
        return fold

    def tick(self, number: int, at: int) -> None:
        """The simulator's tick."""
        value = encoded(Tick(f"{number}-{at}", at))
        self.broker.write(PREFIX + topics.TICKS, number, value, None, None, at)

    def compact(self) -> None:
        """Compact the changelog, as far as its settings allow."""
        self.journal.catch_up()
        for number in range(self.plan.partitions):
            log = self.log(topics.CHANGELOG, number)
            log.compact(self.now(), self.plan.tombstones_ms)

    # -- workers ---------------------------------------------------------------------------------

    def add_site(self, instance: str | None = None, folder: Folder | None = None) -> Site:
        """One more machine; a guest has somebody else's name or folder."""
        number = len(self.sites)
        name = f"machine-{number}"
        own = f"worker-{number}" if self.plan.is_static else ""
        site = Site(
            Machine(self.world, name),
            Folder(name) if folder is None else folder,
            own if instance is None else instance,
        )
        site.is_guest = instance is not None or folder is not None
        self.sites.append(site)
        return site

    def running(self) -> Site | None:
        """A machine whose worker lives, drawn."""
        found = [one for one in self.sites if one.worker and not one.worker.process.dead]
        return self.draw.choice(found) if found else None

    def restart(self, site: Site, after: float) -> None:
        """Start a worker there in so many seconds, once the one that is there has ended."""
        if not site.is_guest:
            site.start_at = self.world.now + after

    def retire(self, site: Site) -> None:
        """A guest leaves."""
        site.is_guest, site.start_at = True, None
        if site.worker is not None:
            site.worker.process.kill()

    def aim(self, passings: int, what: str) -> None:
        """Kill a worker when it comes to a pause of that name so many times; "": any pause."""
        self._aim = passings, what

    def _at_pause(self, process: Process, what: str) -> None:
        if what == "offsets are unstable":
            self.mark("recovery: offsets are unstable")
        if self.hang_at and what == self.hang_at:
            self.hang_at = ""
            self.world.pause(process, "it hangs", 60.0)
        if self._aim is not None and what.startswith(self._aim[1]):
            passings, aimed = self._aim
            self._aim = (passings - 1, aimed) if passings > 1 else None
            if self._aim is None:
                self.mark(f"killed at: {aimed}")
                self.tell(f"{process.name} is killed at {what}")
                process.kill()

    def tend(self) -> None:
        """Start what is to be started; see to what has ended."""
        for site in list(self.sites):
            worker = site.worker
            if worker is not None and worker.process.dead:
                site.worker = None
                ended(self, site, worker)
            at = site.start_at
            if site.worker is None and at is not None and at <= self.world.now:
                self._start(site)

    def _start(self, site: Site) -> None:
        self.tell(f"{site.machine.name} starts a worker")
        site.start_at = None
        site.worker = Worker(
            self.place,
            site.machine,
            site.folder,
            self.plan.settings(site.machine.name, site.instance),
            self.plan.reshape,
            self.salts,
        )

    # -- the run ---------------------------------------------------------------------------------

    def go(self) -> Outcome:
        """All steps, the drain, the end; Violation when something must not be."""
        try:
            with listening(self.marks):
                for step in range(self.plan.steps):
                    self.step = step
                    self._act()
                    self._pass()
                    self._look()
                    if self.over is not None:
                        break
                return self._end()
        finally:
            self.world.close()
            for (_, fate), count in self.network.happened.items():
                self.marks[f"request {fate}"] += count

    def is_idle(self) -> bool:
        """Whether all that was written is decided."""
        return all(
            self.books.chains[number].next[topic] == self.log(topic, number).high
            for topic in topics.INPUTS
            if topic != topics.TICKS
            for number in range(self.plan.partitions)
        )

    def _act(self) -> None:
        draw = self.draw
        kinds = self.plan.faults.get(self.step, ())
        for kind in kinds:
            self.fault(kind)
        if self.step % 25 == 0 and self.plan.keeps_copies:
            for site in self.sites:
                site.copies.append(site.folder.copy())
        if kinds:
            return
        if draw.random() < 0.03:
            new = draw.random() < 0.5
            self.refer(self.market.new_policy(self.now()) if new else self.market.change())
        elif self.plan.simulated_time and draw.random() < 0.15:
            at = self.now() - draw.choice((0, 0, 0, 1_000, HOUR))
            for number in range(self.plan.partitions):
                self.tick(number, at)
            self.tell(f"ticks at {at}")
        else:
            self.crowd.move()

    def fault(self, kind: str) -> None:
        """Something goes wrong."""
        fault = FAULTS[kind]
        self.tell(f"FAULT {kind}")
        if fault.happen(self):
            self.mark(f"fault: {kind}")
            self.is_doomed = self.is_doomed or fault.is_last
            self.explained.update(dict.fromkeys(fault.explains))

    def _pass(self) -> None:
        draw = self.draw
        self.world.passed_ms += draw.choice(self.plan.gaps_ms)
        self.tend()
        seconds = draw.choice((0.0, 0.0, 0.002, 0.02, 0.1, 0.3))
        if seconds:
            self.world.run_for(seconds)

    def _look(self) -> None:
        self.tend()
        self._peek()
        if self.journal.catch_up() and self.over is None:
            group = self.broker.group(GROUP)
            is_exact = not group.pending and self.reset_offset is None
            self.books.settle(group.offsets, PREFIX, is_exact=is_exact)
            for site in self.sites:
                if site.folder.path not in self.unchecked:
                    self.stores.look(site.folder)

    def _peek(self) -> None:
        """What a live engine is in the middle of, for the coverage marks."""
        for site in self.sites:
            engine = None if site.worker is None else site.worker.engine
            if engine is None:
                continue
            for partition in engine.partitions.values():
                if partition.has_work():
                    self.mark("recovery: due acts are left for a later turn")
                if partition.merge._goal is not None:
                    self.mark("recovery: a tick waits for its siblings")
                if partition.paused:
                    self.mark("recovery: an input is paused")
                    self._paused[partition] = None
                elif partition in self._paused:
                    self.mark("recovery: a paused input goes on")

    # -- the end ---------------------------------------------------------------------------------

    def _end(self) -> Outcome:
        self._end_faults()
        if self.over is None:
            self.crowd.let_go()
            self._drain()
        if self.over is not None:
            return self._end_early()
        if self.is_doomed:
            raise Violation("what was destroyed was passed over in silence")
        if self.reset_offset is not None:
            raise Violation(f"{self.reset_offset[0]} was reset, and nobody has noticed")
        for site in self.sites:
            site.start_at = None
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
        return self._judge(drained=True)

    def _judge(self, *, drained: bool) -> Outcome:
        """The auditor over everything, and law 8 by doing it all again."""
        history = self._history(drained=drained)
        report = audit(history, schemas(), drained=drained)
        if not report.held:
            raise Violation("; ".join(str(one) for one in report.findings[:3]))
        if drained:
            self._verify(history)
        settings = self.plan.settings("replay", "", dead_letters_share_max=100)
        replay = Replay(settings, self.journal, self.plan.partitions, self.mark)
        return Outcome(self._digest(), replay.run(), report.records, self.over)

    def _verify(self, history: History) -> None:
        """What was recorded holds together, by the reader that goes forward only."""
        entries = (entry for topic in history.topics.values() for entry in topic)
        source = MemorySource.of(entries, history.partitions, history.prefix)
        for number in range(history.partitions):
            result = verify_partition(source, number, schemas())
            if not result.holds:
                raise Violation("; ".join([*map(str, result.flaws[:3]), *result.gone]))

    def _end_faults(self) -> None:
        """Everything is as it should be again, but what cannot be mended."""
        self.is_ending = True
        self._aim, self.hang_at = None, ""
        self.network.faults.clear()
        self.network.fetch_lag_s = self.network.reference_lag_s = 0.0
        self.network.next_fates.clear()
        self.network.broker_is_away(away=False)
        transactions = self.broker.transactions
        transactions.marker_pace, transactions.group_marker_pace = MARKER_PACE, None
        for site in self.sites:
            site.folder.full = False
            if site.is_guest:
                self.retire(site)
            elif site.worker is not None:
                self.network.heal(site.worker.process)
                if site.worker.process.frozen:
                    site.worker.process.thaw()

    def _end_early(self) -> Outcome:
        """The run cannot go on: what was committed before must still be right."""
        for site in self.sites:
            if site.worker is not None:
                site.worker.process.kill()
                site.worker = None
        self.world.run_for(10.0)
        self.journal.catch_up()
        return self._judge(drained=False)

    def _drain(self) -> None:
        """Time passes until nothing can be open, and everything is decided."""
        self.world.passed_ms += 2 * HOUR
        goal = self.now()
        if self.plan.simulated_time:
            for number in range(self.plan.partitions):
                self.tick(number, goal)
        until = self.world.now + DRAIN_S
        # What was destroyed is noticed, by who has nothing else to do, too.
        while self.over is None and (self.is_doomed or not self._is_drained(goal)):
            if self.world.now > until and self.is_doomed:
                return
            if self.world.now > until:
                raise Violation(f"not drained in {DRAIN_S:.0f} s: {self._left(goal)}")
            self.world.run_for(0.25)
            self._look()
            if self.plan.simulated_time and self._left(goal) == [_FAULTS_LEFT]:
                # Whoever simulates goes on: what lies on a reference topic is told in a turn.
                self.tick(0, self.now())

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
        owned = {
            number: partition
            for site in self.sites
            if site.worker is not None and site.worker.engine is not None
            for number, partition in site.worker.engine.partitions.items()
        }
        first = self.books.positions[0]
        if first is not None and any(
            log is None or at < log.high  # None: deleted, and nobody has noticed yet
            for at, log in zip(first.references, self._reference_logs(), strict=True)
        ):
            left.append(_FAULTS_LEFT)
        left += [
            f"acts of {number}"
            for number in range(self.plan.partitions)
            if number not in owned or owned[number].has_work()
        ]
        return left

    def _reference_logs(self) -> list[Partition | None]:
        return [self.broker.partition(PREFIX + topic, 0) for topic in topics.REFERENCES]

    def _history(self, *, drained: bool) -> History:
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
        return History(entries, self.plan.partitions, committed if drained else None, PREFIX)

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
