"""The transaction coordinator of a simulated broker, in the protocol that librdkafka speaks.

That is the old one (transaction.version below 2): EndTxn does not bump the epoch, so an EndTxn that
was delayed lands on whatever transaction of the same id and epoch is open when it arrives. The hole
is here on purpose (KIP-890 closes it for clients that speak the new protocol).

As Kafka does, and as the contract suite observes:
- EndTxn is answered when the decision is written; the markers follow, partition by partition, each
  when it gets there. Until the last is written the id answers CONCURRENT_TRANSACTIONS.
- InitProducerId of an id with an open transaction first bumps the epoch (the former owner is fenced
  from then on), aborts what is open, and answers CONCURRENT_TRANSACTIONS until that is done.
- A transaction older than its timeout is aborted by the next scan, with a bumped epoch.
- A batch for a partition that the transaction has not been told of is INVALID_TXN_STATE.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from confluent_kafka import KafkaError

from tests.sim.model.groups import Group
from tests.sim.model.log import OK, Partition
from tests.sim.model.scheduler import World

MARKER_PACE = 3.0
"""Of an ordinary hop's time a marker takes so many."""

State = Literal["empty", "open", "committing", "aborting", "committed", "aborted"]


@dataclass(slots=True)
class Transactional:
    """What the coordinator knows of one transactional id."""

    name: str
    producer: int
    epoch: int
    timeout_s: float
    state: State = "empty"
    began: float = 0.0
    partitions: dict[tuple[str, int], None] = field(default_factory=dict)
    groups: dict[str, None] = field(default_factory=dict)
    unmarked: int = 0
    """Markers that are not yet written."""

    @property
    def ending(self) -> bool:
        """Whether markers are still being written."""
        return self.state in ("committing", "aborting")


class Transactions:
    """Every transactional id of one broker."""

    def __init__(
        self,
        world: World,
        partition: Callable[[str, int], Partition | None],
        group: Callable[[str], Group],
        scan_s: float,
    ) -> None:
        self.ids: dict[str, Transactional] = {}
        self.scan_s = scan_s
        self.marker_pace = MARKER_PACE
        """As it is now; the driver may slow markers down."""
        self.group_marker_pace: float | None = None
        """The same of the group's own markers; None: as the others."""
        self._world = world
        self._partition = partition
        self._group = group
        self._owners: dict[int, Transactional] = {}
        self._next_producer = 0
        world.later(scan_s, self._scan)

    # -- requests --------------------------------------------------------------------------------

    def init(self, name: str | None, timeout_s: float) -> tuple[int, int, int]:
        """InitProducerId: (error, producer id, epoch)."""
        if name is None:
            return OK, self._new_producer(), 0
        one = self.ids.get(name)
        if one is None:
            one = self.ids[name] = Transactional(name, self._new_producer(), 0, timeout_s)
            self._owners[one.producer] = one
            return OK, one.producer, 0
        if one.state == "open":
            self._fence_and_abort(one)
        if one.ending:
            return KafkaError.CONCURRENT_TRANSACTIONS, -1, -1
        one.epoch += 1
        one.timeout_s = timeout_s
        one.state = "empty"
        return OK, one.producer, one.epoch

    def _new_producer(self) -> int:
        self._next_producer += 1
        return self._next_producer

    def add(
        self, name: str, producer: int, epoch: int, partitions: list[tuple[str, int]], group: str
    ) -> int:
        """AddPartitionsToTxn and, with a group, AddOffsetsToTxn."""
        one, error = self._owner(name, producer, epoch)
        if one is None:
            return error
        if one.ending:
            return KafkaError.CONCURRENT_TRANSACTIONS
        if any(self._partition(topic, number) is None for topic, number in partitions):
            return KafkaError.UNKNOWN_TOPIC_OR_PART
        if one.state != "open":
            one.state = "open"
            one.began = self._world.now
            one.partitions.clear()
            one.groups.clear()
        for at in partitions:
            one.partitions[at] = None
        if group:
            one.groups[group] = None
        return OK

    def end(self, name: str, producer: int, epoch: int, *, commit: bool) -> int:
        """EndTxn: answered before the markers are written."""
        one, error = self._owner(name, producer, epoch)
        if one is None:
            return error
        if one.state == "open":
            self._end(one, commit=commit)
            return OK
        if one.state == ("committing" if commit else "aborting"):
            return KafkaError.CONCURRENT_TRANSACTIONS
        if one.state == ("committed" if commit else "aborted"):
            return OK  # a repeated request
        return KafkaError.INVALID_TXN_STATE

    def _owner(self, name: str, producer: int, epoch: int) -> tuple[Transactional | None, int]:
        one = self.ids.get(name)
        if one is None or one.producer != producer:
            return None, KafkaError.INVALID_PRODUCER_ID_MAPPING
        if one.epoch != epoch:
            return None, KafkaError.PRODUCER_FENCED
        return one, OK

    def may_write(self, producer: int, epoch: int, partition: Partition) -> int:
        """Whether a transactional batch belongs to an open transaction that knows the partition."""
        one = self._owners[producer]
        if epoch < one.epoch:
            return KafkaError.INVALID_PRODUCER_EPOCH
        if one.state != "open" or (partition.topic, partition.number) not in one.partitions:
            return KafkaError.INVALID_TXN_STATE
        return OK

    def may_commit_offsets(self, producer: int, epoch: int, group: str) -> int:
        """The same for TxnOffsetCommit."""
        one = self._owners[producer]
        if epoch < one.epoch:
            return KafkaError.INVALID_PRODUCER_EPOCH
        if one.state != "open" or group not in one.groups:
            return KafkaError.INVALID_TXN_STATE
        return OK

    # -- ends and markers ------------------------------------------------------------------------

    def _fence_and_abort(self, one: Transactional) -> None:
        one.epoch += 1
        self._end(one, commit=False)

    def _end(self, one: Transactional, *, commit: bool) -> None:
        one.state = "committing" if commit else "aborting"
        producer, epoch = one.producer, one.epoch
        pace = self.marker_pace
        group_pace = pace if self.group_marker_pace is None else self.group_marker_pace
        acts = [
            *((pace, self._marker(at, producer, epoch, commit=commit)) for at in one.partitions),
            *(
                (group_pace, self._group_marker(name, producer, commit=commit))
                for name in one.groups
            ),
        ]
        one.unmarked = len(acts)
        if not acts:
            self._finish(one)
        for slowness, act in acts:
            delay = self._world.latency() * slowness
            self._world.later(delay, partial(self._write, one, act))

    def _marker(
        self, at: tuple[str, int], producer: int, epoch: int, *, commit: bool
    ) -> Callable[[], None]:
        def write() -> None:
            partition = self._partition(*at)
            if partition is not None:
                partition.mark(producer, epoch, commit=commit)

        return write

    def _group_marker(self, name: str, producer: int, *, commit: bool) -> Callable[[], None]:
        return lambda: self._group(name).settle(producer, commit=commit)

    def _write(self, one: Transactional, act: Callable[[], None]) -> None:
        act()
        one.unmarked -= 1
        if one.unmarked == 0:
            self._finish(one)

    def _finish(self, one: Transactional) -> None:
        one.state = "committed" if one.state == "committing" else "aborted"

    def _scan(self) -> None:
        for one in self.ids.values():
            if one.state == "open" and self._world.now - one.began > one.timeout_s:
                self._fence_and_abort(one)
        self._world.later(self.scan_s, self._scan)
