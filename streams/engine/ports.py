"""What the engine needs of the world, as narrow ports.

Clients, disk, clock, threads and the end of the process are reached through these, so that a
simulator can stand in for them and one contract suite holds both. The shapes of calls are
confluent-kafka's (librdkafka's terms), as far as the engine uses them.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from typing import Any, Protocol, TypeVar

from confluent_kafka import KafkaError, Message, TopicPartition

from streams.engine.errors import Fatal

T = TypeVar("T")
Headers = Sequence[tuple[str, bytes | None]]
Rebalance = Callable[[Any, list[TopicPartition]], None]
"""(the consumer, partitions given or taken), called inside `poll` and `close`."""
Delivery = Callable[[KafkaError | None, Message], None]
Write = tuple[bytes, bytes | None]
"""(key, value) as changelog and disk take it; None deletes."""


class Reader(Protocol):
    """A consumer outside any group; read_committed; says where a partition ends."""

    def assign(self, partitions: list[TopicPartition]) -> None: ...
    def consume(self, num_messages: int = 1, timeout: float = -1) -> list[Message]: ...
    def close(self) -> None: ...


class GroupConsumer(Protocol):
    """The polling consumer: only the engine's own thread touches it."""

    def subscribe(
        self,
        topics: list[str],
        on_assign: Rebalance,
        on_revoke: Rebalance,
        on_lost: Rebalance,
    ) -> None: ...
    def poll(self, timeout: float = -1) -> Message | None: ...
    def consume(self, num_messages: int = 1, timeout: float = -1) -> list[Message]: ...
    def incremental_assign(self, partitions: list[TopicPartition]) -> None: ...
    def incremental_unassign(self, partitions: list[TopicPartition]) -> None: ...
    def pause(self, partitions: list[TopicPartition]) -> None: ...
    def resume(self, partitions: list[TopicPartition]) -> None: ...
    def seek(self, partition: TopicPartition) -> None: ...
    def cached_high_watermark(self, topic: str, partition: int) -> int:
        """The end of a partition as last heard of, without a round trip; below 0: not heard."""

    def membership(self) -> tuple[int, str, Any]:
        """(generation, member id, the metadata to fence with); an evicted member's id is empty."""

    def close(self) -> None: ...


class Producer(Protocol):
    """A transactional producer whose `init_transactions` has succeeded."""

    produce: Callable[..., None]
    """(topic, value, key, partition, on_delivery=, headers=): queues one record."""

    def begin_transaction(self) -> None: ...
    def send_offsets_to_transaction(
        self, positions: list[TopicPartition], group_metadata: Any, timeout: float
    ) -> None: ...
    def commit_transaction(self, timeout: float) -> None: ...
    def abort_transaction(self, timeout: float) -> None: ...
    def flush(self, timeout: float) -> int: ...
    def is_disturbed(self) -> bool:
        """Whether a connection has broken since the handle was made, as far as told by now.

        What was on its way may reach the broker later, behind its repetition (KIP-890): an EndTxn
        would then end whatever transaction of this id and epoch is open.
        """

    def close(self) -> None:
        """Let go of connections and threads; nothing may be open."""


class TickProducer(Protocol):
    """A plain producer for the clock topic: ticks are no part of any transaction."""

    produce: Callable[..., None]

    def poll(self, timeout: float = -1) -> int: ...
    def flush(self, timeout: float = -1) -> int: ...


class LookUps(Protocol):
    """Questions to the broker on clients of their own; safe from any thread.

    A consumer handle's lock is unfair: a poll in one thread starves calls from another, so none of
    these may share the polling consumer.
    """

    def cluster_id(self) -> str: ...
    def topics(self, names: Sequence[str]) -> dict[str, tuple[str, int]]:
        """Of these, the ones that exist: name to (topic id, number of partitions)."""

    def committed(self, partitions: list[TopicPartition]) -> list[int] | None:
        """The group's offsets, -1001 where none.

        None, after a second or so, while a transaction that holds some of them is open.
        """

    def bounds(self, partitions: list[tuple[str, int]]) -> list[tuple[int, int]]:
        """(log start, high watermark) of each, in two round trips a broker."""

    def ends(self, partitions: list[tuple[str, int]]) -> list[int]:
        """High watermarks (read_uncommitted), asked now, in one round trip a broker."""

    def owners(self, topic: str) -> dict[str, frozenset[int]] | None:
        """Member id to the partitions of `topic` that the group has given it.

        None while the group is not stable.
        """

    def topic_setting(self, topic: str, name: str) -> str: ...
    def close(self) -> None: ...


class Clients(Protocol):
    """Makes every client of a worker."""

    def group_consumer(self, instance: str) -> GroupConsumer:
        """A member of the group: a static one of that name, or a dynamic one if it is empty."""

    def reader(self, name: str) -> Reader: ...
    def transactional_producer(self, transactional_id: str) -> Producer:
        """Returns once the id's former owner is fenced; blocks, so call it off the loop."""

    def tick_producer(self) -> TickProducer: ...
    def look_ups(self) -> LookUps: ...


class Database(Protocol):
    """Sorted keys and values on local disk, of one partition."""

    where: str
    """For a person."""
    get: Callable[[bytes], bytes | None]
    """The value, or None; an exception of the database's own where it cannot be read."""

    def write(self, writes: Iterable[Write]) -> None:
        """All of it or nothing, durable against the end of the process; Fatal when refused."""

    def scan(self, start: bytes) -> Iterator[tuple[bytes, bytes]]:
        """(key, value) from `start` on, in the keys' order; Fatal where it cannot be read."""

    def flush(self) -> None:
        """What was written is in sorted files when this returns; Fatal when refused."""

    def failure(self, error: Exception) -> Fatal:
        """What an exception of `get` means; damage is marked, so that it is found at the start."""

    def close(self) -> None:
        """Release the database's lock; closing twice is harmless."""


class Disk(Protocol):
    """A worker's own folder; locked against every other worker while this object lives."""

    worker: str
    """The identity stored in it, under which the broker knows the worker."""

    def database(self, name: str, *, filling: bool = False) -> Database:
        """Open one, or make it; Fatal STORE_DAMAGED when its bytes are not what was written.

        One that is opened for filling takes writes more cheaply, and is slow to read.
        """

    def remove(self, name: str) -> None:
        """Forget a database altogether, and the mark of its damage; harmless if there is none."""

    def close(self) -> None:
        """Let another worker have the folder."""


class Clock(Protocol):
    """Of this machine. No decision rests on it."""

    def monotonic(self) -> float: ...
    def now_ms(self) -> int: ...


class Background(Protocol):
    """Where slow work goes, off the engine's thread."""

    def submit(self, work: Callable[[], T]) -> Future[T]: ...


class Exit(Protocol):
    """Ends the process at once; in a simulator, ends the simulated worker."""

    def __call__(self, fatal: Fatal) -> None: ...
