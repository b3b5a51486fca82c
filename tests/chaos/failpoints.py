"""Named points of a worker's life at which a fault strikes: wrappers around the engine's ports.

A plan is words like `commit.before:2:kill`: at the second passing of that point the process gets
SIGKILL. Nothing of this is in the engine; the points are where it calls the world, and where the
world calls it. `POINTS` is every name there is; a passing that comes is said on standard error
before the fault, so that a point that was never reached is known.

Actions: `kill` and `stop` (SIGSTOP) strike the process itself, `sleep=S` holds up its thread,
`refuse` makes the group answer as it answers an evicted member.
"""

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, cast

from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from streams.engine import Config, OpenPorts, Ports, real_ports
from streams.engine.partition import POSITIONS_KEY
from streams.engine.ports import (
    Clients,
    Clock,
    Database,
    Disk,
    Exit,
    GroupConsumer,
    LookUps,
    Producer,
    Reader,
    Rebalance,
    Write,
)

# One turn, in its order.
TURN = (
    "poll.after",
    "begin.before",
    "begin.after",
    "decode",  # a record's value is handed to the job
    "read.after",  # the job has read a row for it
    "decided",  # and sends its first record
    "produce.output",
    "produce.decision",
    "produce.dead-letter",
    "all-decided",  # the job has seen the turn's last event
    "produce.row",
    "produce.positions",
    "offsets.before",
    "offsets.after",
    "commit.before",
    "commit.after",
    "write.before",
    "write.middle",
    "write.after",
)
# A turn that the group refused.
REDO = ("flush.before", "abort.before", "abort.after", "fence.before", "fence.after")
REBALANCE = (
    "assigned.before",
    "assigned.after",
    "revoked.before",
    "revoked.after",
    "lost.before",
    "lost.after",
)
OPENING = (
    "stable.before",
    "stable.after",
    "open.before",
    "open.after",
    "bounds.after",
    "restore.read",
    "restore.write.before",
    "restore.write.middle",
    "restore.write.after",
    "restore.flush.before",
    "restore.flush.after",
)
LEAVING = ("leave.before",)
POINTS = (*TURN, *REDO, *REBALANCE, *OPENING, *LEAVING)

# Long enough for librdkafka to send what lingers (50 ms): the record then lies in the log, in a
# transaction that stays open.
_ON_ITS_WAY_S = 0.08
# As librdkafka says it of a member that a rebalance has overtaken: the transaction may be aborted.
_REFUSAL = KafkaError(KafkaError.ILLEGAL_GENERATION, "refused on purpose", False, False, True)


class Plan(NamedTuple):
    """A fault: where, at which passing (from 1; 0: at every one), what."""

    point: str
    passing: int
    action: str

    def __str__(self) -> str:
        return f"{self.point}:{self.passing}:{self.action}"


def read_plans(words: str) -> tuple[Plan, ...]:
    """Plans divided by blanks; ValueError for a point or an action that there is not."""
    plans = []
    for word in words.split():
        point, passing, action = word.split(":")
        if point not in POINTS:
            raise ValueError(f"there is no point {point}")
        if action.partition("=")[0] not in ("kill", "stop", "sleep", "refuse"):
            raise ValueError(f"there is no action {action}")
        plans.append(Plan(point, int(passing), action))
    return tuple(plans)


class Points:
    """Counts passings and strikes where it is planned."""

    def __init__(self, plans: Iterable[Plan]) -> None:
        self._plans = {(plan.point, plan.passing): plan for plan in plans}
        self.planned = {plan.point for plan in self._plans.values()}
        self._passed: Counter[str] = Counter()
        self._lock = threading.Lock()

    def passing(self, point: str, before: Callable[[], object] = lambda: None) -> bool:
        """The worker is here; whether what it asked for is to be refused.

        `before` is called before a fault strikes, and only then.
        """
        if point not in self.planned:
            return False
        with self._lock:
            self._passed[point] += 1
            plan = self._plans.get((point, self._passed[point]))
        plan = plan or self._plans.get((point, 0))
        if plan is None:
            return False
        before()
        _say(f"struck at {plan}")
        what, _, amount = plan.action.partition("=")
        if what == "refuse":
            return True
        if what == "sleep":
            time.sleep(float(amount))
        else:
            # To this thread: another one of a busy process may take its time to hear of it, while
            # this one goes on past the point.
            number = signal.SIGKILL if what == "kill" else signal.SIGSTOP
            signal.pthread_kill(threading.get_ident(), number)
        return False


class Kinds(NamedTuple):
    """Which topics are what: by the ends of their names."""

    decisions: str
    dead_letters: str
    changelog: str

    def of(self, topic: str, key: bytes | None) -> str:
        """The kind of a record."""
        if topic.endswith(self.changelog):
            return "positions" if key == POSITIONS_KEY else "row"
        if topic.endswith(self.decisions):
            return "decision"
        return "dead-letter" if topic.endswith(self.dead_letters) else "output"


def failing_ports(words: str, kinds: Kinds, clock: Path | None = None) -> OpenPorts:
    """The real world, with these plans; and with another clock, if `clock` says how far ahead."""
    points = Points(read_plans(words))

    def open_ports(job: Config, end: Exit) -> Ports:
        real = real_ports(job, end)
        clients = cast(Clients, _Clients(real.clients, points, kinds))
        disk = cast(Disk, _Disk(real.disk, points))
        time_of_day = SetClock(real.clock, clock) if clock else real.clock
        return Ports(clients, disk, time_of_day, real.background, real.exit)

    return open_ports


class SetClock:
    """This machine's clock, set ahead by as many milliseconds as a file says; below 0: back."""

    def __init__(self, real: Clock, ahead: Path) -> None:
        self.monotonic = real.monotonic
        self._real = real
        self._ahead = ahead

    def now_ms(self) -> int:
        """As set now."""
        return self._real.now_ms() + int(self._ahead.read_text())


class _Wrapped:
    """Everything that is not spelled out goes to the real one."""

    def __init__(self, real: Any, points: Points) -> None:
        self._real = real
        self._points = points

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class _Clients(_Wrapped):
    def __init__(self, real: Clients, points: Points, kinds: Kinds) -> None:
        super().__init__(real, points)
        self._kinds = kinds

    def group_consumer(self, instance: str) -> GroupConsumer:
        real = self._real.group_consumer(instance)
        return cast(GroupConsumer, _GroupConsumer(real, self._points))

    def reader(self, name: str) -> Reader:
        real: Reader = self._real.reader(name)
        return cast(Reader, _Restore(real, self._points)) if name == "restore" else real

    def transactional_producer(self, transactional_id: str) -> Producer:
        self._points.passing("fence.before")
        real = self._real.transactional_producer(transactional_id)
        self._points.passing("fence.after")
        return cast(Producer, _Producer(real, self._points, self._kinds))

    def look_ups(self) -> LookUps:
        return cast(LookUps, _LookUps(self._real.look_ups(), self._points))


class _GroupConsumer(_Wrapped):
    def subscribe(
        self, topics: list[str], on_assign: Rebalance, on_revoke: Rebalance, on_lost: Rebalance
    ) -> None:
        self._real.subscribe(
            topics,
            on_assign=self._around("assigned", on_assign),
            on_revoke=self._around("revoked", on_revoke),
            on_lost=self._around("lost", on_lost),
        )

    def _around(self, name: str, callback: Rebalance) -> Rebalance:
        def called(_real: Any, partitions: list[TopicPartition]) -> None:
            self._points.passing(f"{name}.before")
            callback(self, partitions)
            self._points.passing(f"{name}.after")

        return called

    def close(self) -> None:
        self._points.passing("leave.before")
        self._real.close()

    def poll(self, timeout: float = -1) -> Message | None:
        message: Message | None = self._real.poll(timeout)
        if message is None or message.error() is not None:
            return message
        self._points.passing("poll.after")
        return self._read_with_care(message)

    def consume(self, num_messages: int = 1, timeout: float = -1) -> list[Message]:
        return [self._read_with_care(one) for one in self._real.consume(num_messages, timeout)]

    def _read_with_care(self, message: Message) -> Message:
        if "decode" not in self._points.planned or message.error() is not None:
            return message
        return cast(Message, _Message(message, self._points))


class _Message(_Wrapped):
    def value(self) -> Any:
        self._points.passing("decode")
        return self._real.value()


class _Producer(_Wrapped):
    def __init__(self, real: Producer, points: Points, kinds: Kinds) -> None:
        super().__init__(real, points)
        self._kinds = kinds
        self._produce = real.produce
        self._sent = self._rows = False

    def begin_transaction(self) -> None:
        self._points.passing("begin.before")
        self._real.begin_transaction()
        self._sent = self._rows = False
        self._points.passing("begin.after")

    def produce(
        self, topic: str, value: Any, key: bytes | None, *rest: Any, **options: Any
    ) -> None:
        kind = self._kinds.of(topic, key)
        if not self._sent:
            self._sent = True
            self._points.passing("decided")
        if not self._rows and kind in ("row", "positions"):
            self._rows = True
            self._points.passing("all-decided", _let_it_go)
        self._produce(topic, value, key, *rest, **options)
        self._points.passing(f"produce.{kind}", _let_it_go)

    def send_offsets_to_transaction(
        self, positions: list[TopicPartition], group_metadata: Any, timeout: float
    ) -> None:
        if self._points.passing("offsets.before"):
            raise KafkaException(_REFUSAL)
        self._real.send_offsets_to_transaction(positions, group_metadata, timeout)
        self._points.passing("offsets.after")

    def commit_transaction(self, timeout: float) -> None:
        self._points.passing("commit.before")
        self._real.commit_transaction(timeout)
        self._points.passing("commit.after")

    def flush(self, timeout: float) -> int:
        self._points.passing("flush.before")
        return int(self._real.flush(timeout))

    def abort_transaction(self, timeout: float) -> None:
        self._points.passing("abort.before")
        self._real.abort_transaction(timeout)
        self._points.passing("abort.after")


class _Restore(_Wrapped):
    def consume(self, num_messages: int = 1, timeout: float = -1) -> list[Message]:
        found: list[Message] = self._real.consume(num_messages, timeout)
        if any(one.error() is None for one in found):
            self._points.passing("restore.read")
        return found


class _LookUps(_Wrapped):
    def committed(self, partitions: list[TopicPartition]) -> list[int]:
        self._points.passing("stable.before")
        found: list[int] = self._real.committed(partitions)
        self._points.passing("stable.after")
        return found

    def bounds(self, *asked: Any) -> Any:
        found = self._real.bounds(*asked)
        self._points.passing("bounds.after")
        return found


class _Disk(_Wrapped):
    def database(self, name: str, *, filling: bool = False) -> Database:
        self._points.passing("open.before")
        real = self._real.database(name, filling=filling)
        self._points.passing("open.after")
        return cast(Database, _Database(real, self._points))


class _Database(_Wrapped):
    def get(self, key: bytes) -> bytes | None:
        found: bytes | None = self._real.get(key)
        if threading.current_thread() is threading.main_thread():  # where the job decides
            self._points.passing("read.after")
        return found

    def write(self, writes: Iterable[Write]) -> None:
        # Opening writes too, elsewhere.
        name = "write" if threading.current_thread().name == "engine" else "restore.write"
        self._points.passing(f"{name}.before")
        self._real.write(self._halting(list(writes), f"{name}.middle"))
        self._points.passing(f"{name}.after")

    def flush(self) -> None:
        self._points.passing("restore.flush.before")
        self._real.flush()
        self._points.passing("restore.flush.after")

    def _halting(self, writes: list[Write], point: str) -> Iterator[Write]:
        for number, write in enumerate(writes):
            if number == len(writes) // 2:
                self._points.passing(point)
            yield write


def _let_it_go() -> None:
    time.sleep(_ON_ITS_WAY_S)


def _say(words: str) -> None:
    os.write(2, f"\n{words}\n".encode())
