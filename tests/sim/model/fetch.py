"""What a simulated consumer fetches, and when its application sees it.

As librdkafka does, and as the contract suite observes:
- records are fetched ahead of polls; a seek, a pause or an unassignment makes what was fetched
  stale, and a resumed partition goes on from what the application has taken;
- `_PARTITION_EOF` comes once for each end that is reached, its offset counts markers, and the end
  of a read_committed consumer is the last stable offset;
- the cached high watermark is the log's end as of the last fetch, open transactions included; below
  0 (-1001) before the first;
- a position outside the log is one `_AUTO_OFFSET_RESET` message, then silence; a seek then fails
  with `_STATE` until the partition is assigned anew;
- a topic that is deleted is silence; made again under its name it is read by its name.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from tests.sim.model.broker import Broker
from tests.sim.model.groups import NO_OFFSET, At
from tests.sim.model.log import Partition
from tests.sim.model.network import Network
from tests.sim.model.scheduler import Answer, Process

_QUEUED_MAX = 5_000
_RETRY_S = 0.1


class Assigned:
    """One partition that a consumer reads."""

    __slots__ = ("app", "at", "eof", "failed", "high", "log", "paused", "position", "version")

    def __init__(self, at: At, offset: int) -> None:
        self.at = at
        self.position = offset
        """The next offset to fetch."""
        self.app = offset
        """The next offset that the application has not been given."""
        self.eof = -1
        self.high = NO_OFFSET
        self.paused = False
        self.failed = False
        self.version = 0
        """What was fetched under an earlier version is stale."""
        self.log: Partition | None = None


class Fetcher:
    """A consumer's fetching and its queue; `poll` and `consume` are the application's."""

    what = "member"
    """Who reads; the engine's readers have names."""

    def __init__(self, process: Process, broker: Broker, network: Network) -> None:
        self._process = process
        self._world = process.world
        self._broker = broker
        self._network = network
        self._assigned: dict[At, Assigned] = {}
        self._queue: deque[tuple[Assigned | None, int, Message]] = deque()
        self._is_fetching = False
        self._arrived: Answer[None] | None = None
        self._stir = self.stir
        network.watch(self._stir)
        process.at_death.append(self._let_go)

    # -- assignment ------------------------------------------------------------------------------

    def _begin(self, partitions: Sequence[TopicPartition]) -> None:
        for one in partitions:
            at = (one.topic, one.partition)
            self._end_one(at)
            self._assigned[at] = Assigned(at, one.offset)
        self.stir()

    def _end_one(self, at: At) -> None:
        former = self._assigned.pop(at, None)
        if former is not None:
            former.version += 1
            if former.log is not None:
                former.log.watchers.pop(self._stir, None)
                former.log = None

    def _let_go(self) -> None:
        for at in list(self._assigned):
            self._end_one(at)
        self._network.unwatch(self._stir)

    # -- fetching --------------------------------------------------------------------------------

    def stir(self) -> None:
        """Something may be there to fetch: one request is on its way at a time."""
        if not self._is_fetching and self._assigned and not self._process.dead:
            self._is_fetching = True
            world = self._world
            network = self._network
            most = network.reference_lag_s if self.what == "reference" else network.fetch_lag_s
            lag = most * world.random.random() if most else 0.0
            world.later(world.latency() + world.latency() + lag, self._fetched, self._process)

    def _fetched(self) -> None:
        self._is_fetching = False
        if not self._network.reaches(self._process):
            return  # healed, the network stirs
        world, more = self._world, False
        draw = world.random.random()
        limit = 1 + int(draw * draw * 400)
        room = len(self._queue) < _QUEUED_MAX
        for one in self._assigned.values():
            if one.paused or one.failed:
                continue
            log = self._broker.partition(*one.at)
            if log is None:
                continue
            if one.log is not log:
                one.log = log
                log.watchers[self._stir] = None
            one.high = log.high
            if not log.start <= one.position <= log.high:
                self._out_of_range(one)
            elif one.position < log.stable:
                if room:
                    found, one.position = log.read(one.position, limit)
                    version, append = one.version, self._queue.append
                    for message in found:
                        append((one, version, message))
                    more = True
            elif one.position == log.stable and one.eof != one.position:
                one.eof = one.position
                text = f"Fetch from broker 1 reached end of partition at offset {one.position}"
                self._tell_error(one, KafkaError._PARTITION_EOF, text)
        if more:
            self.stir()
        if self._queue:
            self._wake()

    def _out_of_range(self, one: Assigned) -> None:
        one.failed = True
        self._tell_error(
            one,
            KafkaError._AUTO_OFFSET_RESET,
            "fetch failed due to requested offset not available on the broker: "
            "Broker: Offset out of range (broker 1)",
        )

    def _tell_error(self, one: Assigned, code: int, text: str) -> None:
        message = Message(
            topic=one.at[0],
            partition=one.at[1],
            offset=one.position,
            value=text.encode(),
            error=KafkaError(code, text),
            timestamp=(0, -1),
        )
        self._queue.append((one, one.version, message))

    def _wake(self) -> None:
        arrived, self._arrived = self._arrived, None
        if arrived is not None:
            arrived.give(None)

    # -- the application -------------------------------------------------------------------------

    def _take(self) -> Message | None:
        """The next message that is not stale."""
        queue = self._queue
        while queue:
            one, version, message = queue.popleft()
            if one is None:
                return message
            if one.version != version:
                continue
            if message.error() is None:
                offset = message.offset()
                assert offset is not None
                one.app = offset + 1
            if len(queue) == _QUEUED_MAX - 1:
                self.stir()
            return message
        return None

    def _serve(self) -> None:
        """What a group's member is called back for."""

    def poll(self, timeout: float = -1) -> Message | None:
        """The next message, waiting for it; callbacks are made in here."""
        world, process = self._world, self._process
        world.pause(process, "poll")
        deadline = world.now + (timeout if timeout >= 0 else 3600.0)
        while True:
            self._serve()
            message = self._take()
            if message is not None:
                return message
            left = deadline - world.now
            if left <= 0:
                return None
            self._arrived = Answer(process)
            self._arrived.wait(left)

    def consume(self, num_messages: int = 1, timeout: float = -1) -> list[Message]:
        """Up to so many messages; waits all of the timeout unless that many arrive."""
        world, process = self._world, self._process
        world.pause(process, "consume")
        deadline = world.now + (timeout if timeout >= 0 else 3600.0)
        found: list[Message] = []
        while True:
            self._serve()
            while len(found) < num_messages:
                message = self._take()
                if message is None:
                    break
                found.append(message)
            left = deadline - world.now
            if len(found) >= num_messages or left <= 0:
                return found
            self._arrived = Answer(process)
            self._arrived.wait(left)


class SimReader(Fetcher):
    """The Reader port."""

    def assign(self, partitions: list[TopicPartition]) -> None:
        """Read these, from the offsets given."""
        self._world.pause(self._process, "assign")
        for at in list(self._assigned):
            self._end_one(at)
        self._begin(partitions)

    def close(self) -> None:
        """Leave nothing open."""
        self._world.pause(self._process, "reader close")
        self._let_go()


def state_error(what: str, at: Any) -> KafkaException:
    """What librdkafka says of a partition that is not being fetched."""
    text = f"{what} {at}: Local: Erroneous state"
    return KafkaException(KafkaError(KafkaError._STATE, text))
