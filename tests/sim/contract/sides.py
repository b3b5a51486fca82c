"""The two sides of the contract: a real broker under librdkafka, and the model.

A test is written once, against `Side`. On the model it runs as a task of a simulated process (see
conftest.py), so that it may wait; on the real side it simply runs.
"""

import time
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka import Producer as ConfluentProducer
from confluent_kafka.admin import AdminClient, NewTopic

from streams.broker import EmbeddedBroker
from streams.engine.config import Config, Limits
from streams.engine.kafka import KafkaClients
from streams.engine.ports import Clients, GroupConsumer, LookUps, Producer, Reader, TickProducer
from tests.rigs.proxy import LOOPBACK, Act, Proxy
from tests.rigs.wire import Api
from tests.sim.contract.outsider import Outsider, RealOutsider, leave
from tests.sim.model.broker import Broker
from tests.sim.model.clients import SimClients
from tests.sim.model.clock import Machine, MachineClock
from tests.sim.model.groups import Asked, Joined
from tests.sim.model.network import Fate, Network
from tests.sim.model.scheduler import Answer, World

# Far above what any step takes alone: the real broker shares its machine.
PATIENCE_S = 60.0
_DAY_MS = 86_400_000


class Side(ABC):
    """A broker that a test may use, under a prefix of its own, and clients for it."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix

    @property
    def group(self) -> str:
        """The one group of a test."""
        return self.prefix + "group"

    def name(self, name: str) -> str:
        """A topic's or transaction's name on the shared broker."""
        return self.prefix + name

    def config(self, limits: Limits) -> Config:
        """What clients are made from."""
        return Config(
            group=self.group,
            inputs=(self.name("in"),),
            changelog=self.name("changelog"),
            data_dir=Path(),
            client=self.client(),
            limits=limits,
        )

    def clients(self, **limits: float) -> Clients:
        """A worker's clients; `limits` are those of the engine."""
        wanted = {"session_timeout": 6.0, "heartbeat": 0.2, "stable_offsets": 30.0, **limits}
        return self.clients_of(self.config(Limits(**wanted)))  # type: ignore[arg-type]  # all floats here

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until the condition holds."""
        end = self.now() + PATIENCE_S
        while not condition():
            assert self.now() < end, f"not within {PATIENCE_S:.0f} s: {what}"
            self.sleep(0.005)

    @abstractmethod
    def client(self) -> dict[str, str]: ...
    @abstractmethod
    def clients_of(self, config: Config) -> Clients: ...
    @abstractmethod
    def topic(self, name: str, partitions: int = 1, **settings: str) -> str:
        """Make a topic; its full name. Underscores in a setting's name stand for dots."""

    @abstractmethod
    def delete_topic(self, topic: str) -> None: ...
    @abstractmethod
    def delete_records(self, topic: str, partition: int, offset: int) -> None:
        """Everything below the offset goes."""

    @abstractmethod
    def write(self, topic: str, partition: int, *values: bytes) -> None:
        """An outsider's plain records."""

    @abstractmethod
    def expel(self, member: str) -> None:
        """The group is told, by somebody else, that the member leaves."""

    @abstractmethod
    def reset(self, topic: str, partition: int, offset: int) -> None:
        """Somebody sets a position of the group, which has no member."""

    @abstractmethod
    def outsider(self, topic: str) -> Outsider:
        """A member that leads the group when it is the first, and stalls it."""

    @abstractmethod
    def sleep(self, seconds: float) -> None: ...
    @abstractmethod
    def now(self) -> float: ...


class HarmedSide(Side):
    """A side where requests can be harmed on their way, and logs compacted."""

    @abstractmethod
    def harm(self, api: str, fate: Fate) -> Callable[[], None]:
        """That happens to the next request of this name; call the answer to have it arrive late."""

    @abstractmethod
    def compact(self, topic: str, left: int) -> None:
        """Compact its partition 0 until so many records are left in what is not at work."""


class RealSide(Side):
    """The session's embedded broker."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        super().__init__(prefix)
        self._kept: list[Callable[[], None]] = []
        self._bootstrap = bootstrap
        self._ours = {"bootstrap.servers": bootstrap}
        self._admin = AdminClient({**self._ours})
        self._producer = ConfluentProducer({**self._ours, "linger.ms": 0})

    def client(self) -> dict[str, str]:
        return {"bootstrap.servers": self._bootstrap}

    def clients_of(self, config: Config) -> Clients:
        return _Kept(KafkaClients(config), self._kept)

    def close(self) -> None:
        """Close every client: one that is collected with a transaction open blocks for minutes."""
        for end in reversed(self._kept):
            end()
        self._producer.close()
        del self._admin  # it would go on asking for the broker when that has stopped

    def topic(self, name: str, partitions: int = 1, **settings: str) -> str:
        full = self.name(name)
        config = {key.replace("_", "."): value for key, value in settings.items()}
        (future,) = self._admin.create_topics(
            [NewTopic(full, partitions, 1, config=config)]
        ).values()
        future.result()
        return full

    def delete_topic(self, topic: str) -> None:
        (future,) = self._admin.delete_topics([topic]).values()
        future.result()
        self.until(lambda: topic not in self._admin.list_topics(timeout=10).topics, "deleted")

    def delete_records(self, topic: str, partition: int, offset: int) -> None:
        (future,) = self._admin.delete_records([TopicPartition(topic, partition, offset)]).values()
        future.result()

    def write(self, topic: str, partition: int, *values: bytes) -> None:
        for value in values:
            self._producer.produce(topic, value, partition=partition)
        assert self._producer.flush(30) == 0

    def expel(self, member: str) -> None:
        leave(self._bootstrap, self.group, member)

    def reset(self, topic: str, partition: int, offset: int) -> None:
        consumer = Consumer({**self._ours, "group.id": self.group})
        consumer.commit(offsets=[TopicPartition(topic, partition, offset)], asynchronous=False)
        consumer.close()

    def outsider(self, topic: str) -> Outsider:
        made = RealOutsider(self._bootstrap, self.group, topic)
        self._kept.append(made.close)
        return made

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def now(self) -> float:
        return time.monotonic()


class FarSide(RealSide, HarmedSide):
    """A broker behind a proxy: clients go through it, the test's own do not."""

    def __init__(self, broker: EmbeddedBroker, proxy: Proxy, prefix: str) -> None:
        super().__init__(broker.bootstrap_servers, prefix)
        self._proxy = proxy

    def client(self) -> dict[str, str]:
        return {"bootstrap.servers": f"{LOOPBACK}:{self._proxy.port}"}

    def close(self) -> None:
        self._proxy.lift()
        super().close()

    def harm(self, api: str, fate: Fate) -> Callable[[], None]:
        fault = self._proxy.plan([_APIS[api]], _ACTS[fate])

        def arrive() -> None:
            assert fault.caught.is_set()
            self._proxy.release(fault)
            self.until(lambda: bool(fault.answers), "the late request is answered")

        return arrive

    def compact(self, topic: str, left: int) -> None:
        """Only closed segments are compacted: what is written meanwhile closes them."""
        reader = {**self._ours, "group.id": "compaction", "enable.partition.eof": True}

        def is_compact() -> bool:
            self._producer.produce(topic, b"", b"filler", 0)
            self._producer.flush(30)
            consumer = Consumer(reader)
            consumer.assign([TopicPartition(topic, 0, 0)])
            count = 0
            while (message := consumer.poll(PATIENCE_S)) is not None and message.error() is None:
                count += message.key() != b"filler"
            consumer.close()
            return count <= left

        self.until(is_compact, "the log is compacted")


_APIS = {
    "Produce": Api.PRODUCE,
    "EndTxn": Api.END_TXN,
    "AddPartitionsToTxn": Api.ADD_PARTITIONS_TO_TXN,
}
_ACTS = {
    Fate.LOST: Act.CUT,
    Fate.UNANSWERED: Act.CUT_BEFORE_ANSWER,
    Fate.LATE: Act.CUT_AND_HOLD,
}


class _Kept(Clients):
    """Clients that are closed at the end of the test, whatever state it left them in."""

    def __init__(self, clients: Clients, kept: list[Callable[[], None]]) -> None:
        self._clients = clients
        self._kept = kept

    def group_consumer(self, instance: str) -> GroupConsumer:
        consumer = self._clients.group_consumer(instance)
        self._kept.append(consumer.close)
        return consumer

    def reader(self, name: str) -> Reader:
        reader = self._clients.reader(name)
        self._kept.append(reader.close)
        return reader

    def transactional_producer(self, transactional_id: str) -> Producer:
        producer = self._clients.transactional_producer(transactional_id)

        def end() -> None:
            # One that is fenced says so, twice, and is closed.
            with suppress(KafkaException), warnings.catch_warnings(action="ignore"):
                producer.close()

        self._kept.append(end)
        return producer

    def tick_producer(self) -> TickProducer:
        return self._clients.tick_producer()

    def look_ups(self) -> LookUps:
        look_ups = self._clients.look_ups()
        self._kept.append(look_ups.close)
        return look_ups


class ModelSide(HarmedSide):
    """The model; a test is a task of one of its processes."""

    def __init__(self, seed: int) -> None:
        super().__init__("model.")
        self.world = World(seed)
        self._network = Network(self.world)
        self._broker = Broker(self.world)
        self._broker.on_topics_changed = self._network.stir
        self._process = self.world.process("test")
        self._clock = MachineClock(Machine(self.world, "machine"))

    def drive(self, test: Callable[[], object]) -> None:
        """Run a test in the world, and raise what it raises."""
        answer = self._process.spawn(test, "test")
        try:
            assert self.world.run_until(answer.done, 600), "the test waits for ever"
            answer.result()
        finally:
            self.world.close()

    def client(self) -> dict[str, str]:
        return {}

    def clients_of(self, config: Config) -> Clients:
        return SimClients(self._process, self._broker, self._network, self._clock, config)

    def topic(self, name: str, partitions: int = 1, **settings: str) -> str:
        full = self.name(name)
        config = {key.replace("_", "."): value for key, value in settings.items()}
        self._broker.create(full, partitions, config)
        return full

    def delete_topic(self, topic: str) -> None:
        self._broker.delete(topic)

    def delete_records(self, topic: str, partition: int, offset: int) -> None:
        self._broker.topics[topic].partitions[partition].delete_to(offset)

    def write(self, topic: str, partition: int, *values: bytes) -> None:
        for value in values:
            self._broker.write(topic, partition, value)

    def expel(self, member: str) -> None:
        assert self._broker.group(self.group).leave(member) == 0

    def reset(self, topic: str, partition: int, offset: int) -> None:
        self._broker.group(self.group).commit((topic, partition), offset)

    def outsider(self, topic: str) -> Outsider:
        return _ModelOutsider(self, topic)

    def join(self, asked: Asked) -> Joined:
        """JoinGroup by hand."""
        answer: Answer[Joined] = Answer(self._process)
        self._broker.group(self.group).join(asked, answer.give)
        return answer.result()

    def harm(self, api: str, fate: Fate) -> Callable[[], None]:
        held: list[Callable[[], None]] = []
        self._network.held = held
        self._network.next_fates[api] = [fate]

        def arrive() -> None:
            (late,) = held
            late()
            self.sleep(1.0)  # its markers are written

        return arrive

    def compact(self, topic: str, left: int) -> None:
        partition = self._broker.topics[topic].partitions[0]

        def is_compact() -> bool:
            partition.compact(self.world.wall_ms(), tombstones_ms=_DAY_MS)
            return sum(one is not None for one in partition.visible) <= left

        self.until(is_compact, "the log is compacted")

    def sleep(self, seconds: float) -> None:
        self.world.pause(self._process, "sleep", seconds)

    def now(self) -> float:
        return self.world.now


class _ModelOutsider:
    def __init__(self, side: ModelSide, topic: str) -> None:
        self.member = ""
        self._side = side
        self._topic = topic

    def join(self) -> int:
        joined = self._side.join(Asked(self.member, "", self._topic, [], 30.0, 60.0))
        self.member = joined.member
        return joined.generation if joined.generation >= 0 else self.join()
