"""Is what a worker left behind exactly what the pure job says, for the order that it took?

Reads the topics with read_committed, replays the recorded order through the job, and compares
outputs in order and bytes, the changelog's state, the positions record and the group's offsets.
Shares nothing with the engine but the layout of the positions record and the job itself.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from streams.engine.partition import POSITIONS_KEY
from streams.engine.positions import Positions
from tests.engine import job

INPUTS = ("adds", "takes", "ticks")
Record = tuple[int, bytes | None, bytes, int]
"""offset, key, value, timestamp"""


def quiet(bootstrap: str) -> dict[str, Any]:
    """For a client beside a broker that is harmed on purpose: librdkafka would tell every try."""
    return {"bootstrap.servers": bootstrap, "log_level": 0}


def read(bootstrap: str, topic: str) -> dict[int, list[Record]]:
    """Every committed record of a topic, by partition; waits for transactions that are open."""
    asker = Consumer(
        {
            **quiet(bootstrap),
            "group.id": "check",
            "isolation.level": "read_uncommitted",
        }
    )
    consumer = Consumer(
        {
            **quiet(bootstrap),
            "group.id": "check",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
            "fetch.wait.max.ms": 10,
        }
    )
    try:
        numbers = list(consumer.list_topics(topic, 10).topics[topic].partitions)
        consumer.assign([TopicPartition(topic, number, 0) for number in numbers])
        found: dict[int, list[Record]] = {number: [] for number in numbers}
        ends = {
            number: asker.get_watermark_offsets(TopicPartition(topic, number), 10)[1]
            for number in numbers
        }
        left = set(numbers)
        while left:
            for message in consumer.consume(5_000, 0.2):
                error, number, offset = message.error(), message.partition(), message.offset()
                assert number is not None
                assert offset is not None
                if error is None:
                    value, at = message.value() or b"", message.timestamp()[1]
                    found[number].append((offset, message.key(), value, at))
                elif error.code() == KafkaError._PARTITION_EOF:
                    if offset >= ends[number]:
                        left.discard(number)
                else:
                    raise KafkaException(error)
        return found
    finally:
        consumer.close()
        asker.close()


@dataclass
class Checked:
    """What was compared, and every difference as a sentence."""

    taken: int = 0
    outputs: int = 0
    due: int = 0
    rows: int = 0
    out_of_order: int = 0
    faults: list[str] = field(default_factory=list)


class Check:
    """One check of everything under a prefix."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self._bootstrap = bootstrap
        self._prefix = prefix
        self._inputs = [self._by_offset(prefix + name) for name in INPUTS]
        self.result = Checked()

    def _by_offset(self, topic: str) -> dict[tuple[int, int], Record]:
        return {
            (number, record[0]): record
            for number, records in read(self._bootstrap, topic).items()
            for record in records
        }

    def run(self) -> Checked:
        """Replay and compare all partitions."""
        taken = read(self._bootstrap, self._prefix + "taken")
        outputs = read(self._bootstrap, self._prefix + "out")
        state = self._changelog()
        for number, order in taken.items():
            expected, rows, watermark = self._replay(number, order)
            got = [(key, value) for _, key, value, _ in outputs[number]]
            if got != expected:
                self._fault(f"partition {number}: {len(got)} outputs, {len(expected)} expected")
            self.result.outputs += len(got)
            self.result.rows += len(rows)
            if {key: row.dump() for key, row in rows.items()} != state[number].rows:
                self._fault(f"partition {number}: the changelog's rows are not the job's")
            self._check_positions(number, state[number].positions, watermark)
        self._check_all_taken()
        return self.result

    def _replay(
        self, number: int, order: list[Record]
    ) -> tuple[list[tuple[bytes | None, bytes]], dict[bytes, job.Count], int]:
        rows: dict[bytes, job.Count] = {}
        table = job.DictTable(rows)
        expected: list[tuple[bytes | None, bytes]] = []
        due: list[tuple[int, bytes]] = []
        at_input = [-1, -1, -1]
        watermark = newest = 0
        for place, (_, _, value, _) in enumerate(order):
            sequence, source, offset, mark, its_watermark = job.TAKEN.unpack(value)
            if sequence != place:
                self._fault(f"partition {number}: sequence {sequence} in place {place}")
                break
            if source == -1:
                self.result.due += 1
                key = min(each for each in due if rows.get(each[1], job.Count(0, 0))[1] == each[0])
                due.remove(key)
                if key[0] > watermark or not job.on_due(
                    key[1], key[0], table, lambda *out: expected.append(out)
                ):
                    self._fault(f"partition {number}: nothing was due at {sequence}")
                continue
            if offset != at_input[source] + 1:
                self._fault(f"partition {number}: input {source} jumps to {offset}")
            at_input[source] = offset
            self.result.taken += 1
            _, key_bytes, body, at = self._inputs[source].pop((number, offset))
            self.result.out_of_order += at < newest
            newest = max(newest, at)
            if source == job.TICKS:
                watermark = max(watermark, at)
            else:
                assert key_bytes is not None
                job.on_record(
                    source,
                    key_bytes,
                    body,
                    at,
                    table,
                    lambda *out: expected.append(out),
                    lambda when, token: due.append((when, token)),
                )
            if its_watermark != watermark or mark != at:
                self._fault(f"partition {number}: stream time {its_watermark}, not {watermark}")
        self._ends = {**getattr(self, "_ends", {}), number: [end + 1 for end in at_input]}
        return expected, rows, watermark

    def _changelog(self) -> dict[int, "State"]:
        states: dict[int, State] = defaultdict(State)
        for number, records in read(self._bootstrap, self._prefix + "changelog").items():
            state = states[number]
            for _, key, value, _ in records:
                assert key is not None
                if key == POSITIONS_KEY:
                    state.positions = value
                elif value:
                    state.rows[key[1:]] = value
                else:
                    state.rows.pop(key[1:], None)
        return states

    def _check_positions(self, number: int, value: bytes, watermark: int) -> None:
        positions = Positions.load(value)
        if positions.next != self._ends[number] or positions.watermark != watermark:
            self._fault(f"partition {number}: positions {positions.next} at {watermark}")
        asker = Consumer({**quiet(self._bootstrap), "group.id": self._prefix + "group"})
        try:
            asked = [TopicPartition(self._prefix + name, number) for name in INPUTS]
            offsets = [one.offset for one in asker.committed(asked, 10)]
        finally:
            asker.close()
        if offsets != positions.next:
            self._fault(f"partition {number}: the group has {offsets}, not {positions.next}")

    def _check_all_taken(self) -> None:
        for name, left in zip(INPUTS, self._inputs, strict=True):
            if left and name != "ticks":
                self._fault(f"{len(left)} records of {name} were never taken")

    def _fault(self, sentence: str) -> None:
        self.result.faults.append(sentence)


@dataclass
class State:
    """One partition's changelog, folded."""

    rows: dict[bytes, bytes] = field(default_factory=dict)
    positions: bytes = b""
