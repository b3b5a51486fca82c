"""One gate on the shared broker: its topics, the notice's reference data, real worker processes.

What is written to the inputs is kept with where it lies, so that its decision can be found.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from confluent_kafka import (
    Consumer,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
    murmur2,
)
from confluent_kafka.admin import AdminClient

from streams import clients, provision, topics
from streams.audit import History, Report, audit, read_history, released
from streams.broker import EmbeddedBroker
from streams.codec.classes import types_of
from streams.codec.codecs import Codecs
from streams.egress import records
from streams.gate import effects, events, reference, rows, words
from streams.gate.events import Order, Reply, Tick
from streams.gate.words import Channel
from streams.history import Entry
from streams.reference import applying
from streams.reference import file as reference_file
from streams.reference.file import ReferenceFile
from streams.setting_rows import PREFIX
from streams.settings import Settings, load

EXAMPLE = Path(__file__).parents[2] / "deploy/reference/notice.yaml"
CODECS = Codecs.from_repository(types_of(words, events, effects, reference, rows, records))
# What is run with Python's -m.
WORKER = ("streams", "worker")
# Far above what any step takes alone, on a busy machine with two cores.
PATIENCE_S = 60.0
# The example's confirmation in these provinces: the first order of a day is asked about, or nobody.
ASKS, ASKS_NOT = "GD", "ZJ"

_OURS = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
_ENCODE = {
    kind: (topic, CODECS.encoder(topic, kind))
    for topic, kind in (
        (topics.ORDERS, Order),
        (topics.REPLIES, Reply),
        (topics.DELIVERY_REPORTS, events.DeliveryReport),
        (topics.SETTLEMENTS, events.Settlement),
        (topics.CARE, events.CareAction),
        (topics.TICKS, Tick),
        (topics.PROVIDERS, reference.Provider),
        (topics.SERVICES, reference.Service),
        (topics.POLICIES, reference.Policy),
    )
}

Headers = list[tuple[str, bytes | None]]


class Sent(NamedTuple):
    """A record as it was written, and where it lies."""

    topic: str
    """Catalogue name, without prefix."""
    partition: int
    offset: int
    at: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]

    @property
    def place(self) -> tuple[str, int, int]:
        """Topic, partition and offset."""
        return self.topic, self.partition, self.offset


class Ended(NamedTuple):
    """How a worker ended by itself."""

    code: int
    said: str
    seconds: float


def now_ms() -> int:
    """This machine's clock, which is the shared broker's too."""
    return time.time_ns() // 1_000_000


def encoded(record: Any) -> bytes:
    """A record as its centre would write it."""
    return _ENCODE[type(record)][1](record)


def order(msisdn: str, order_id: str, province: str, at: int, **other: Any) -> Order:
    """An order of the example's weather forecast by SMS."""
    plain = Order(
        order_id,
        msisdn,
        "huayu",
        "huayu-weather",
        Channel.SMS,
        100,
        "CNY",
        province,
        at,
        "smsc-1",
        None,
    )
    return plain._replace(**other)


def reply(msisdn: str, reply_id: str, at: int, text: str = "Y") -> Reply:
    """An answer by SMS to the operator's one number."""
    return Reply(reply_id, msisdn, Channel.SMS, "10086", text, at, None)


def example(prompt_life_ms: int = 1500, grace_ms: int = 500) -> ReferenceFile:
    """The shipped example with lives that fit a test."""
    return reference_file.with_lives(reference_file.load(EXAMPLE), prompt_life_ms, grace_ms)


class Gate:
    """Topics and reference data under a prefix of their own; `folder` holds state and logs."""

    def __init__(
        self,
        broker: EmbeddedBroker,
        prefix: str,
        folder: Path,
        file: ReferenceFile | None = None,
        **environment: str,
    ) -> None:
        self.folder = folder
        self.environment = {
            f"{PREFIX}BOOTSTRAP_SERVERS": broker.bootstrap_servers,
            f"{PREFIX}TOPIC_PREFIX": prefix,
            f"{PREFIX}GROUP": f"{prefix}gate",
            f"{PREFIX}DATA_DIR": str(folder / "state"),
            f"{PREFIX}PARTITIONS": "2",
            **{PREFIX + name: value for name, value in environment.items()},
        }
        self.settings: Settings = load(self.environment)
        self.logs: list[Path] = []
        self.admin = AdminClient(clients.admin(self.settings))
        # Never subscribes. Asked by the admin client, a coordinator that is loading would crash us
        # (librdkafka takes every asker for a consumer).
        self._asker = Consumer(
            clients.reader(self.settings, "test")
            # What is committed now, though a transaction be open.
            | {"group.id": self.settings.group, "isolation.level": "read_uncommitted"}
        )
        provision.apply(self.settings)
        if file is not None:
            applying.apply_file(self.settings, file, by="tests", reason="a test")

    # -- writing ---------------------------------------------------------------------------------

    def write(self, *unsent: "Unsent") -> list[Sent]:
        """All of them in this order, and wait until they are on the log."""
        producer = Producer(
            clients.producer(self.settings, "test")
            | {"message.max.bytes": 1 << 26}  # the topics' own limits are to be met
        )
        found: dict[int, Message] = {}
        for place, one in enumerate(unsent):
            producer.produce(
                self.settings.topic_prefix + one.topic,
                one.value,
                one.key,
                one.home(self.settings.partitions),
                on_delivery=_keeper(found, place),
                timestamp=one.at,
                headers=list(one.headers),
            )
        assert producer.flush(PATIENCE_S) == 0
        return [self._sent(one, found[place]) for place, one in enumerate(unsent)]

    @staticmethod
    def _sent(one: "Unsent", message: Message) -> Sent:
        partition, offset = message.partition(), message.offset()
        assert message.error() is None, message.error()
        assert partition is not None
        assert offset is not None
        at = message.timestamp()[1]
        return Sent(one.topic, partition, offset, at, one.key, one.value, tuple(one.headers))

    # -- workers ---------------------------------------------------------------------------------

    @contextmanager
    def worker(
        self, name: str = "worker", program: Sequence[str] = WORKER, **environment: str
    ) -> Iterator["Worker"]:
        """`tollgate worker` while the block runs, or another module; killed if it still runs."""
        log = self.folder / f"{name}.log"
        if log not in self.logs:
            self.logs.append(log)
        worker = Worker(self._environment(environment), log, program)
        try:
            yield worker
        finally:
            worker.kill()

    def refused(self, limit_s: float = 30.0, **environment: str) -> Ended:
        """A start that must end by itself within the limit, with all that it said."""
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "streams", "worker"],
            env=self._environment(environment),
            capture_output=True,
            text=True,
            timeout=limit_s,
            check=False,
        )
        return Ended(done.returncode, done.stdout + done.stderr, time.monotonic() - began)

    def tollgate(self, *arguments: str, program: str = "streams", code: int = 0) -> str:
        """What another command prints, of the program or of another module; it must end so."""
        done = subprocess.run(
            [sys.executable, "-m", program, *arguments],
            env=self._environment({}),
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert done.returncode == code, done.stderr
        return done.stderr if code else done.stdout

    def _environment(self, more: dict[str, str]) -> dict[str, str]:
        return _OURS | self.environment | {PREFIX + name: value for name, value in more.items()}

    # -- waiting and reading -----------------------------------------------------------------------

    def committed(self) -> dict[tuple[str, int], int]:
        """The group's offsets of the inputs, by catalogue name and partition; 0 for none."""
        asked = [
            TopicPartition(self.settings.topic_prefix + name, number)
            for name in topics.INPUTS
            for number in range(self.settings.partitions)
        ]
        prefix = self.settings.topic_prefix
        return {
            (one.topic.removeprefix(prefix), one.partition): max(one.offset, 0)
            for one in self._asker.committed(asked, 5)
        }

    def has_taken(self, sent: Sequence[Sent]) -> bool:
        """Whether the positions have passed all of these input records."""
        try:
            committed = self.committed()
        except KafkaException:  # a transaction is open: not yet
            return False
        return all(committed[one.topic, one.partition] > one.offset for one in sent)

    def history(self) -> History:
        """Everything on the gate's topics."""
        return read_history(self.settings, self.logs)

    def changelog(self) -> list[tuple[bytes, bytes | None]]:
        """Key and value of every record of the changelog, partition behind partition."""
        name = self.settings.topic_prefix + topics.CHANGELOG
        consumer = Consumer(clients.reader(self.settings, "test") | {"enable.partition.eof": True})
        found = []
        try:
            places = [TopicPartition(name, n, 0) for n in range(self.settings.partitions)]
            consumer.assign(places)
            left = len(places)
            while left:
                message = consumer.poll(PATIENCE_S)
                assert message is not None, "the changelog went silent"
                if message.error() is None:
                    found.append((message.key() or b"", message.value()))
                else:
                    left -= 1
        finally:
            consumer.close()
        return found


class Unsent(NamedTuple):
    """A record to write; `partition` if not its key's, `at` only under simulated time."""

    topic: str
    key: bytes | None
    value: bytes | None
    partition: int | None = None
    at: int = 0
    headers: Sequence[tuple[str, bytes | None]] = ()

    def home(self, partitions: int) -> int:
        """The partition it goes to: its own, or its key's."""
        if self.partition is not None:
            return self.partition
        return murmur2(self.key, partitions) if self.key else 0


def keyed(record: Any, at: int = 0) -> Unsent:
    """A record of a subscriber under its number."""
    return Unsent(_ENCODE[type(record)][0], record.msisdn.encode(), encoded(record), at=at)


def ticks_at(partition: int, value: bytes | None, at: int = 0) -> Unsent:
    """A record of the ticks' topic."""
    return Unsent(topics.TICKS, None, value, partition, at)


def ticks(gate: Gate, *instants: int) -> list[Unsent]:
    """These ticks, on every partition."""
    return [
        ticks_at(number, encoded(Tick(f"t-{at}", at)), at)
        for at in instants
        for number in range(gate.settings.partitions)
    ]


class Worker:
    """One process of the gate's, started when this is made."""

    def __init__(
        self, environment: dict[str, str], log: Path, program: Sequence[str] = WORKER
    ) -> None:
        self._log = log
        with log.open("ab") as written:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *program],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=written,
            )

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        """Until the condition holds; the worker must not end before."""
        end = time.monotonic() + PATIENCE_S
        while not condition():
            code = self.process.poll()
            assert code is None, f"the worker ended with {code}: {self.said()}"
            assert time.monotonic() < end, f"not within {PATIENCE_S:.0f} s: {what}; {self.said()}"
            time.sleep(0.05)

    def wait_for_end(self) -> int:
        """Until it ends by itself; its exit code."""
        return self.process.wait(PATIENCE_S)

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        self.process.terminate()
        return self.process.wait(PATIENCE_S)

    def said(self) -> str:
        """Its log."""
        return self._log.read_text(errors="replace")

    def kill(self) -> None:
        """At once, if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


class Told:
    """A history's outputs, decoded, and the decisions by what they answer."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.decisions: dict[tuple[str, int, int], list[records.Decision]] = {}
        for entry in history.of(topics.DECISIONS):
            decision: records.Decision = CODECS.decode(topics.DECISIONS, entry.value)
            cause = decision.cause
            place = cause.topic, cause.partition, cause.offset
            self.decisions.setdefault(place, []).append(decision)

    def of(self, topic: str) -> list[Any]:
        """The records of a topic that has a schema."""
        return [CODECS.decode(topic, entry.value) for entry in self.history.of(topic)]

    def letters(self, sent: Sent) -> list[Entry]:
        """The dead letters of a record."""
        wanted = (str(sent.partition).encode(), str(sent.offset).encode())
        return [
            entry
            for entry in self.history.of(topics.DEAD_LETTERS)
            for said in (dict(entry.headers),)
            if (said["__connect.errors.topic"] or b"").endswith(sent.topic.encode())
            and (said["__connect.errors.partition"], said["__connect.errors.offset"]) == wanted
        ]

    def reasons(self, sent: Sent) -> list[str]:
        """The reasons of the decisions on a record (of a tick: on its due acts too)."""
        return [decision.reason for decision in self.decisions.get(sent.place, [])]

    def audit(self) -> Report:
        """Every law, over a history that is complete."""
        return audit(self.history, released(), drained=True)


def told_of(report: Report) -> str:
    """What an audit found, for an assertion's message."""
    return "\n".join(str(finding) for finding in report.findings)


def _keeper(found: dict[int, Message], place: int) -> Callable[[Any, Message], None]:
    def keep(error: Any, message: Message) -> None:
        assert error is None, error
        found[place] = message

    return keep
