"""Law 8 by doing it again: the recorded order of decisions through a fresh gate, byte for byte.

The gate is the real agent on rows in memory, without engine, store or turns: each recorded decision
names the record that it answers, the reference positions and the salt; what the agent sends then
must be what lies on the topics. This is a mended version of the program: it could take what the
workers failed at.
"""

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from confluent_kafka import Message

from streams import topics
from streams.engine import DUE
from streams.engine.spec import TableSpec
from streams.gate import keys
from streams.gate.clocks import Overdue
from streams.gate.decide import state_of
from streams.gate.facts import gather_facts
from streams.gate.lapses import lapse_of
from streams.gathering import gather
from streams.ingress.read import Reader, Unreadable
from streams.job import make_job, rows_of
from streams.settings import Settings
from tests.sim.books import Violation
from tests.sim.journal import Heard, Journal, headers_of
from tests.sim.kit import codecs

_TICK = topics.INPUTS.index(topics.TICKS)
_OUTPUTS = tuple(topic.name for topic in topics.CATALOGUE if topic.kind is topics.Kind.OUTPUT)
Event = tuple[int, Any, int]


class MemoryRows:
    """A table in memory; what may be forgotten is not there any more."""

    def __init__(self, spec: TableSpec[Any]) -> None:
        self.rows: dict[bytes, Any] = {}
        self.watermark = 0
        self._forget_at = spec.forget_at

    def get(self, key: bytes) -> Any:
        row = self.rows.get(key)
        if row is None or self._forget_at is None:
            return row
        return row if self._forget_at(key, row) > self.watermark else None

    def put(self, key: bytes, row: Any) -> None:
        self.rows[key] = row

    def delete(self, key: bytes) -> None:
        self.rows.pop(key, None)


class ReplayedPartition:
    """What the agent sees of a partition: one event at a time."""

    def __init__(self, number: int, total: int, tables: Sequence[TableSpec[Any]]) -> None:
        self.number = number
        self.total = total
        self.carry = b""
        self.watermark = 0
        self.references: tuple[int, ...] = (0,) * len(topics.REFERENCES)
        self.references_before = self.references
        self.offset = -1
        self.sent: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        self.due: list[tuple[int, bytes]] = []
        self.specs = {spec.name: spec for spec in tables}
        self.tables = {spec.name: MemoryRows(spec) for spec in tables}
        self._event: Event | None = None
        self._acts = (-1, 0)
        self._tick_offset = -1

    def hand(self, event: Event | None, offset: int) -> None:
        """The next thing that `events` gives."""
        self._event, self.offset = event, offset

    @property
    def at_hand(self) -> Event | None:
        return self._event

    def events(self) -> Iterator[Event]:
        if self._event is not None:
            yield self._event

    def advance(self, at: int) -> None:
        if at > self.watermark:
            self.watermark = at
            self._tick_offset = self.offset
            self._acts = self.offset, 0
            for rows in self.tables.values():
                rows.watermark = at

    def pop_due(self) -> None:
        """Hand out what is due next; nothing if nothing is."""
        if not self.due or self.due[0][0] > self.watermark:
            raise Violation(f"replay of partition {self.number}: nothing is due")
        at, token = heapq.heappop(self.due)
        self.hand((DUE, token, at), self._tick_offset)

    def act(self) -> int:
        offset, index = self._acts
        self._acts = offset, index + 1
        return index + 1

    def wake(self, at: int, token: bytes) -> None:
        heapq.heappush(self.due, (at, token))

    def send(self, topic: str, key: bytes | None, value: bytes | None, headers: Any = None) -> None:
        self.sent[topic].append((key, value, tuple(headers or ())))

    def rows(self, table: str) -> MemoryRows:
        return self.tables[table]


class Replay:
    """Every partition of a run, once more."""

    def __init__(
        self, settings: Settings, journal: Journal, partitions: int, mark: Callable[[str], None]
    ) -> None:
        self._mark = mark
        self._settings = settings
        self._journal = journal
        self._partitions = partitions

    def run(self) -> int:
        """Compare everything; how many decisions there were."""
        logs: dict[tuple[str, int], list[Heard]] = defaultdict(list)
        for topic in (*_OUTPUTS, *topics.INPUTS, *topics.REFERENCES):
            for heard in self._journal.of[topic]:
                logs[topic, heard.partition].append(heard)
        return sum(
            _OnePartition(self._settings, logs, number, self._partitions, self._mark).run()
            for number in range(self._partitions)
        )


class _OnePartition:
    def __init__(
        self,
        settings: Settings,
        logs: dict[tuple[str, int], list[Heard]],
        number: int,
        total: int,
        mark: Callable[[str], None],
    ) -> None:
        self._logs = logs
        self._mark = mark
        self._reader = Reader(codecs())
        self._decisions = logs[topics.DECISIONS, number]
        self._place = 0
        self._prefix = settings.topic_prefix
        self._job = make_job(settings, codecs(), self._salt)
        specs = [table.spec for table in self._job.tables]
        self._partition = ReplayedPartition(number, total, specs)
        self._tables = rows_of(self._partition)
        self._next_tick = 0
        causes = [heard.fields["cause"] for heard in self._decisions]
        self._own_decision = {
            one["offset"] for one in causes if one["topic"] == topics.TICKS and not one["index"]
        }

    def _salt(self) -> bytes:
        """As recorded, in the order of the decisions."""
        if self._place >= len(self._decisions):
            raise Violation(f"replay of partition {self._partition.number} decides more")
        salt: bytes = self._decisions[self._place].fields["salt"]
        self._place += 1
        return salt

    def run(self) -> int:
        partition, number = self._partition, self._partition.number
        while self._place < len(self._decisions):
            said = self._decisions[self._place].fields
            cause = said["cause"]
            self._tick_until(said["watermark"], cause)
            self._fold(said["reference"])
            if cause["topic"] in topics.REFERENCES:
                partition.hand(None, -1)
                self._decide()
            elif cause["topic"] == topics.TICKS and cause["index"] > 0:
                before = self._place
                while self._place == before:
                    partition.pop_due()
                    self._note_due()
                    self._decide()
            else:
                self._record(cause["topic"], cause["offset"])
        for topic in _OUTPUTS:
            lying = [_content(heard) for heard in self._logs[topic, number]]
            sent = partition.sent[self._prefix + topic]
            if lying != sent:
                raise Violation(_difference(topic, number, lying, sent))
        return len(self._decisions)

    def _fold(self, positions: list[int]) -> None:
        """Reference data as far as the decision knew it."""
        partition = self._partition
        before, fold = partition.references, self._job.config.fold
        if list(before) == positions:
            return
        assert fold is not None
        for place, (start, end) in enumerate(zip(before, positions, strict=True)):
            log = self._logs[topics.REFERENCES[place], 0]
            for heard in log[start:end]:
                fold(place, heard.message)
        partition.references_before, partition.references = before, tuple(positions)

    def _tick_until(self, watermark: int, cause: dict[str, Any]) -> None:
        """Ticks that nothing was decided on, up to the watermark of the next decision."""
        partition = self._partition
        ticks = self._logs[topics.TICKS, partition.number]
        while partition.watermark < watermark and self._next_tick < len(ticks):
            is_set_aside = cause["topic"] == topics.TICKS and not cause["index"]
            if is_set_aside and self._next_tick >= cause["offset"]:
                return
            at = ticks[self._next_tick].message.timestamp()[1]
            if at <= partition.watermark and self._next_tick not in self._own_decision:
                # It moved nothing, and when it was taken nobody wrote down: an act may have come.
                self._next_tick += 1
            else:
                self._record(topics.TICKS, self._next_tick)

    def _record(self, topic: str, offset: int) -> None:
        partition, source = self._partition, topics.INPUTS.index(topic)
        message = self._logs[topic, partition.number][offset].message
        if source == _TICK:
            self._next_tick = offset + 1
        else:
            self._note(source, message, offset)
        partition.hand((source, message, message.timestamp()[1]), offset)
        self._decide()

    def _note(self, source: int, message: Message, offset: int) -> None:
        """Which state of a service day meets this event, for the coverage marks."""
        partition = self._partition
        event = self._reader.read(source, message, partition.number, partition.total)
        if not isinstance(event, Unreadable):
            self._note_event(event, message.timestamp()[1], topics.INPUTS[source], offset)

    def _note_due(self) -> None:
        event = self._partition.at_hand
        assert event is not None
        _, token, at = event
        clock = keys.read_clock_token(token)
        lapse = lapse_of(token, at) if clock is None else Overdue(*clock, at)
        self._note_event(lapse, at, topics.TICKS, self._partition.offset)

    def _note_event(self, event: Any, at: int, topic: str, offset: int) -> None:
        partition = self._partition
        facts = gather_facts(
            self._job.reference.catalogue, at, partition.watermark, topic, partition.number, offset
        )
        gathered = gather(event, facts, self._tables)
        met = {state_of(gathered.remembered.service_day)}
        if not gathered.service_day_key:
            # An event that concerns no one service day meets all of its subscriber's.
            own = f"|{event.msisdn}|".encode()
            days = partition.tables["grants"].rows
            met = {state_of(row) for key, row in days.items() if own in key} or met
        for state in met:
            self._mark(f"life: {state} × {type(event).__name__}")

    def _decide(self) -> None:
        self._job.agent.decide_partition(self._partition, self._tables)
        self._partition.references_before = self._partition.references


def _content(heard: Heard) -> tuple[Any, ...]:
    return heard.message.key(), heard.message.value(), headers_of(heard.message)


def _difference(topic: str, number: int, lying: list[Any], sent: list[Any]) -> str:
    for place, (one, other) in enumerate(zip(lying, sent, strict=False)):
        if one != other:
            return f"replay: {topic}[{number}], record {place} is another"
    return f"replay: {topic}[{number}] has {len(lying)} records, {len(sent)} when done again"
