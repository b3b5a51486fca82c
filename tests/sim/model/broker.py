"""A simulated broker: topics, transactions and groups in one place. It loses nothing by itself.

For a driver:

    broker = Broker(world)                       # scan_s: the coordinator's scan of transactions
    broker.create("orders", 4, {"message.timestamp.type": "LogAppendTime"})
    broker.write("orders", 0, value, key)        # an outsider's record, at once; its offset
    broker.partition("orders", 0).raw            # everything there is, for an auditor
    broker.partition("orders", 0).compact(now_ms, tombstones_ms)   # and delete_to, lose_from
    broker.delete("orders"); broker.create(...)  # the same name, another id
    broker.group("g").commit(("t", 0), 7)        # somebody resets an offset
    broker.group("g").offsets                    # expiry: delete entries

`broker.listener` hears (partition, offset) of every record as soon as a reader may see it.
"""

from collections.abc import Callable, Sequence

from confluent_kafka import KafkaError

from tests.sim.model.groups import Group
from tests.sim.model.log import OK, Headers, Partition, Pending, Topic
from tests.sim.model.scheduler import World
from tests.sim.model.transactions import Transactions

Batch = tuple[str, int, int, list[Pending]]
"""(topic, partition, first sequence, records) of a Produce request."""


class Broker:
    """One broker that never fails by itself; the network may part clients from it."""

    def __init__(self, world: World, *, scan_s: float = 10.0) -> None:
        self.cluster_id = f"cluster-{world.seed}"
        self.topics: dict[str, Topic] = {}
        self.groups: dict[str, Group] = {}
        self.transactions = Transactions(world, self.partition, self.group, scan_s)
        self.listener: Callable[[Partition, int], None] | None = None
        self.on_topics_changed: Callable[[], None] = lambda: None
        """Set by the network's owner: consumers look again."""
        self._world = world
        self._made = 0

    # -- topics ----------------------------------------------------------------------------------

    def create(self, name: str, partitions: int, settings: dict[str, str] | None = None) -> Topic:
        """Make a topic; its id is new even if the name is not."""
        assert name not in self.topics, f"topic {name} exists"
        self._made += 1
        topic = Topic(name, f"id-{self._made}", partitions, settings or {})
        for partition in topic.partitions:
            partition.written = self._written
        self.topics[name] = topic
        self.on_topics_changed()
        return topic

    def delete(self, name: str) -> Topic:
        """Delete a topic, with the groups' offsets for it; what an operator may restore."""
        deleted = self.topics.pop(name)
        for group in self.groups.values():
            group.forget(name)
        self.on_topics_changed()
        return deleted

    def restore(self, topic: Topic) -> None:
        """Bring a deleted topic back, its id and its records with it."""
        assert topic.name not in self.topics, f"topic {topic.name} exists"
        self.topics[topic.name] = topic
        self.on_topics_changed()

    def partition(self, topic: str, number: int) -> Partition | None:
        """One partition's log, None if there is none."""
        found = self.topics.get(topic)
        if found is None or not 0 <= number < len(found.partitions):
            return None
        return found.partitions[number]

    def _written(self, partition: Partition, offset: int) -> None:
        if self.listener is not None:
            self.listener(partition, offset)

    def group(self, name: str) -> Group:
        """A group, made when first named."""
        found = self.groups.get(name)
        if found is None:
            found = self.groups[name] = Group(self._world, name)
        return found

    # -- records ---------------------------------------------------------------------------------

    def write(
        self,
        topic: str,
        number: int,
        value: bytes | None,
        key: bytes | None = None,
        headers: Headers | None = None,
        at_ms: int | None = None,
    ) -> int:
        """An outsider's plain record, written at once; its offset. `at_ms`: the writer's clock."""
        partition = self.partition(topic, number)
        assert partition is not None, f"no partition {number} of {topic}"
        now_ms = self._world.wall_ms()
        stamp = now_ms if at_ms is None else at_ms
        return partition.append([(key, value, headers, stamp)], now_ms)

    def produce(
        self, producer: int, epoch: int, batches: Sequence[Batch], *, transactional: bool
    ) -> list[tuple[int, int]]:
        """Produce: (error, first offset) of each batch."""
        return [
            self._produce(producer, epoch, batch, transactional=transactional) for batch in batches
        ]

    def _produce(
        self, producer: int, epoch: int, batch: Batch, *, transactional: bool
    ) -> tuple[int, int]:
        topic, number, sequence, records = batch
        partition = self.partition(topic, number)
        if partition is None:
            return KafkaError.UNKNOWN_TOPIC_OR_PART, -1
        error, earlier = partition.check(producer, epoch, sequence, len(records))
        if error != OK:
            return error, -1
        if transactional:
            error = self.transactions.may_write(producer, epoch, partition)
            if error != OK:
                return error, -1
        if earlier >= 0:
            return OK, earlier
        now_ms = self._world.wall_ms()
        base = partition.append(
            records, now_ms, producer, epoch, sequence, transactional=transactional
        )
        return OK, base
