"""The Clients port on the model: what `streams.engine.kafka.KafkaClients` is on librdkafka.

clients = SimClients(process, broker, network, MachineClock(machine), config)
ports = Ports(clients, disk, MachineClock(machine), SimBackground(process), SimExit(process))
"""

from collections.abc import Callable, Sequence
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from streams.engine.config import Config
from streams.engine.errors import Cause, Fatal
from streams.engine.ports import GroupConsumer, LookUps, Producer, Reader, TickProducer
from tests.sim.model.broker import Broker
from tests.sim.model.clock import MachineClock
from tests.sim.model.fetch import SimReader
from tests.sim.model.groups import At
from tests.sim.model.log import Partition
from tests.sim.model.member import SimGroupConsumer
from tests.sim.model.network import Network
from tests.sim.model.producer import SimProducer
from tests.sim.model.scheduler import Process

_ADMIN_S = 10.0
_INIT_S = 60.0
_UNSTABLE_RETRY_S = 0.1


class SimClients:
    """Makes the clients of one process from its configuration."""

    def __init__(
        self,
        process: Process,
        broker: Broker,
        network: Network,
        clock: MachineClock,
        config: Config,
    ) -> None:
        self._process = process
        self._broker = broker
        self._network = network
        self._clock = clock
        self._config = config

    def group_consumer(self, instance: str) -> GroupConsumer:
        """A member of the group; see member.py."""
        config = self._config
        return SimGroupConsumer(
            self._process,
            self._broker,
            self._network,
            config.group,
            instance,
            config.limits.session_timeout,
            config.limits.heartbeat,
        )

    def reader(self, name: str) -> Reader:
        """A read_committed reader of whole partitions; see fetch.py."""
        reader = SimReader(self._process, self._broker, self._network)
        reader.what = name
        return reader

    def transactional_producer(self, transactional_id: str) -> Producer:
        """Fence the id's former owner, abort what it left open; see producer.py."""
        limits = self._config.limits
        producer = SimProducer(
            self._process,
            self._broker,
            self._network,
            self._clock,
            transactional_id,
            limits.transaction_timeout,
            limits.linger_ms / 1000,
        )
        producer.init(_INIT_S)
        return producer

    def tick_producer(self) -> TickProducer:
        """Plain and idempotent."""
        return SimProducer(
            self._process, self._broker, self._network, self._clock, None, 300.0, 0.005
        )

    def look_ups(self) -> LookUps:
        """Questions on clients of their own."""
        return SimLookUps(self._process, self._broker, self._network, self._config)


class SimLookUps:
    """The LookUps port."""

    def __init__(self, process: Process, broker: Broker, network: Network, config: Config) -> None:
        self._process = process
        self._broker = broker
        self._network = network
        self._group = config.group

    def _ask(self, api: str, apply: Callable[[], Any], timeout: float = _ADMIN_S) -> Any:
        """KafkaException when nobody answers, or what the broker answers."""
        self._process.world.pause(self._process, api)
        try:
            return self._network.call(self._process, api, apply, timeout)
        except TimeoutError:
            raise KafkaException(
                KafkaError(KafkaError._TIMED_OUT, f"Failed while waiting for {api}: Timed out")
            ) from None

    def cluster_id(self) -> str:
        """The cluster's."""
        return str(self._told("Metadata", lambda: self._broker.cluster_id))

    def topics(self, names: Sequence[str]) -> dict[str, tuple[str, int]]:
        """Those that exist."""
        topics = self._broker.topics

        def apply() -> dict[str, tuple[str, int]]:
            return {
                name: (topics[name].id, len(topics[name].partitions))
                for name in names
                if name in topics
            }

        found: dict[str, tuple[str, int]] = self._told("Metadata", apply)
        return found

    def committed(self, partitions: list[TopicPartition]) -> list[int] | None:
        """None while a transaction with these offsets is open; the real one has tried for 1 s."""
        asked: list[At] = [(one.topic, one.partition) for one in partitions]
        group = self._broker.group(self._group)
        try:
            answer: list[int] | None = self._ask("OffsetFetch", lambda: (group.fetch(asked),), 1.0)[
                0
            ]
        except KafkaException:
            answer = None
        if answer is None:
            self._process.world.pause(self._process, "offsets are unstable", _UNSTABLE_RETRY_S)
        return answer

    def bounds(self, partitions: list[tuple[str, int]]) -> list[tuple[int, int]]:
        """(log start, high watermark) of each; all starts are asked first, then all ends."""
        try:
            lows = self._list_offsets(partitions, lambda log: log.start)
            highs = self.ends(partitions)
        except KafkaException as error:
            raise _away(error) from error
        return list(zip(lows, highs, strict=True))

    def ends(self, partitions: list[tuple[str, int]]) -> list[int]:
        """High watermarks; KafkaException when nobody answers or a topic is not there."""
        return self._list_offsets(partitions, lambda log: log.high)

    def _list_offsets(
        self, partitions: list[tuple[str, int]], which: Callable[[Partition], int]
    ) -> list[int]:
        def apply() -> list[int] | str:
            found = [self._broker.partition(*at) for at in partitions]
            offsets = [which(one) for one in found if one is not None]
            return offsets if len(offsets) == len(found) else "unknown"

        answer: list[int] | str = self._ask("ListOffsets", apply)
        if isinstance(answer, str):
            raise KafkaException(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART))
        return answer

    def owners(self, topic: str) -> dict[str, frozenset[int]] | None:
        """Who was given what of a topic; None while the group is not stable."""
        group = self._broker.group(self._group)
        found: dict[str, frozenset[int]] | None = self._told(
            "DescribeGroups", lambda: (group.owners(topic),)
        )[0]
        return found

    def topic_setting(self, topic: str, name: str) -> str:
        """One setting of a topic."""
        topics = self._broker.topics
        found = self._told(
            "DescribeConfigs", lambda: topics[topic].settings[name] if topic in topics else ""
        )
        if not found:
            raise _away(KafkaException(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)))
        return str(found)

    def close(self) -> None:
        """Nothing is kept open."""
        self._process.world.pause(self._process, "look-ups close")

    def _told(self, api: str, apply: Callable[[], Any]) -> Any:
        try:
            return self._ask(api, apply)
        except KafkaException as error:
            raise _away(error) from error


def _away(error: KafkaException) -> Fatal:
    return Fatal(
        Cause.BROKER_AWAY,
        f"The broker does not answer: {error.args[0].str()}.",
        "Check the bootstrap servers, the network and the credentials, then start again.",
    )
