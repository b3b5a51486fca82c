"""The polling consumer of a worker: a member of a group, as librdkafka is one.

Everything but the callbacks happens in the background: joining, heartbeats, being evicted. Observed
of librdkafka 2.16 and held by the contract suite:
- callbacks come only inside poll, consume and close: what was lost or revoked, then what is given,
  and an empty "given" where a rebalance changed nothing;
- cooperative: partitions that must move are revoked; when the application has let go of them the
  member rejoins, and they are given to their new owner in the next generation;
- generation and member id change when JoinGroup is answered, in the background;
- an evicted member's id is emptied by the next heartbeat, its generation stays; nothing is called
  back before the next poll (lost), only then does it join again, under a new id;
- a member displaced by another one of its instance name gets one `_FATAL` message without a topic,
  and keeps its id and generation;
- close revokes; a dynamic member leaves the group, a static one does not.

Not modelled: `max.poll.interval.ms` (300 s, far above the engine's watchdog).
"""

from collections import deque
from typing import Any

from confluent_kafka import KafkaError, Message, TopicPartition

from streams.engine.ports import Rebalance
from tests.sim.model.broker import Broker
from tests.sim.model.fetch import Fetcher, state_error
from tests.sim.model.groups import NO_OFFSET, Asked, At, Joined, cooperative_sticky
from tests.sim.model.log import OK
from tests.sim.model.network import Network, Reply
from tests.sim.model.scheduler import Process

Metadata = tuple[str, int, str, str]
"""(group, generation, member id, instance): what fences positions."""

_REBALANCE_S = 300.0
_RETRY_S = 0.1
_FENCED_TEXT = (
    "Fatal error: Broker: Static consumer fenced by other consumer with same group.instance.id"
)


class SimGroupConsumer(Fetcher):
    """The GroupConsumer port."""

    def __init__(
        self,
        process: Process,
        broker: Broker,
        network: Network,
        group: str,
        instance: str,
        session_s: float,
        heartbeat_s: float,
    ) -> None:
        super().__init__(process, broker, network)
        self._group = group
        self._instance = instance
        self._session_s = session_s
        self._heartbeat_s = heartbeat_s
        self._member = ""
        self._generation = -1
        self._topic = ""
        self._owned: list[int] = []
        """What the group has given us and our application has taken."""
        self._calls: deque[tuple[str, list[int]]] = deque()
        self._is_serving = False
        self._is_joining = False
        self._rejoin = False
        """Join again once the application has been called back."""
        self._attempt = 0
        self._heard = 0.0
        self._dead = False
        """Fenced for good, or closed."""
        self._on: dict[str, Rebalance] = {}

    # -- the application -------------------------------------------------------------------------

    def subscribe(
        self, topics: list[str], on_assign: Rebalance, on_revoke: Rebalance, on_lost: Rebalance
    ) -> None:
        """Join the group in the background."""
        self._world.pause(self._process, "subscribe")
        (self._topic,) = topics
        self._on = {"assign": on_assign, "revoke": on_revoke, "lost": on_lost}
        self._heard = self._world.now
        self._join()
        self._world.later(self._heartbeat_s, self._beat, self._process)

    def incremental_assign(self, partitions: list[TopicPartition]) -> None:
        """Begin to read these, at the offsets given."""
        self._begin(partitions)
        self._world.pause(self._process, "incremental_assign")

    def incremental_unassign(self, partitions: list[TopicPartition]) -> None:
        """Read these no more."""
        for one in partitions:
            self._end_one((one.topic, one.partition))
        self._world.pause(self._process, "incremental_unassign")

    def pause(self, partitions: list[TopicPartition]) -> None:
        """Fetch no more of these; what was fetched and not taken is dropped."""
        self._world.pause(self._process, "pause")
        for one in partitions:
            found = self._assigned.get((one.topic, one.partition))
            if found is not None and not found.paused:
                found.paused = True
                found.version += 1
                found.position, found.eof = found.app, -1

    def resume(self, partitions: list[TopicPartition]) -> None:
        """Fetch these again, from what the application has taken."""
        self._world.pause(self._process, "resume")
        for one in partitions:
            found = self._assigned.get((one.topic, one.partition))
            if found is not None and found.paused:
                found.paused = False
        self.stir()

    def seek(self, partition: TopicPartition) -> None:
        """Go on from this offset; `_STATE` when the partition is not being fetched."""
        self._world.pause(self._process, "seek")
        at: At = (partition.topic, partition.partition)
        found = self._assigned.get(at)
        if found is None or found.failed:
            raise state_error("Failed to seek in", at)
        found.version += 1
        found.position = found.app = partition.offset
        found.eof = -1
        self.stir()

    def cached_high_watermark(self, topic: str, partition: int) -> int:
        """As of the last fetch; no pause, as it is no call to anybody."""
        self._process.check()
        found = self._assigned.get((topic, partition))
        return NO_OFFSET if found is None else found.high

    def membership(self) -> tuple[int, str, Any]:
        """(generation, member id, metadata) as they are known now."""
        self._world.pause(self._process, "membership")
        metadata: Metadata = (self._group, self._generation, self._member, self._instance)
        return self._generation, self._member, metadata

    def close(self) -> None:
        """Give back what is owned; a dynamic member leaves."""
        self._world.pause(self._process, "consumer close")
        self._calls.clear()
        if self._owned and not self._dead:
            self._calls.append(("revoke", list(self._owned)))
        self._serve()
        self._dead = True
        self._let_go()
        if self._member and not self._instance:
            group, member = self._broker.group(self._group), self._member
            self._network.send(
                self._process,
                "LeaveGroup",
                lambda reply: reply(group.leave(member)),
                lambda _: None,
                5.0,
            )
            self._member = ""
            self._world.pause(self._process, "left the group")

    # -- callbacks -------------------------------------------------------------------------------

    def _serve(self) -> None:
        if self._is_serving:
            return
        self._is_serving = True
        try:
            while self._calls:
                what, numbers = self._calls.popleft()
                if what == "lost":
                    numbers = list(self._owned)
                if what == "assign":
                    self._owned = sorted({*self._owned, *numbers})
                else:
                    self._owned = [one for one in self._owned if one not in numbers]
                    if not numbers:
                        continue
                self._on[what](self, [TopicPartition(self._topic, one) for one in numbers])
        finally:
            self._is_serving = False
        if self._rejoin and not self._dead:
            self._rejoin = False
            self._join()

    def _call(self, what: str, numbers: list[int]) -> None:
        self._calls.append((what, numbers))
        self._wake()

    @property
    def _is_waiting(self) -> bool:
        """Whether the application has not yet been called back."""
        return bool(self._calls) or self._is_serving

    # -- joining ---------------------------------------------------------------------------------

    def _join(self) -> None:
        if self._dead:
            return
        self._is_joining = True
        self._attempt += 1
        attempt = self._attempt
        group = self._broker.group(self._group)
        asked = Asked(
            self._member,
            self._instance,
            self._topic,
            list(self._owned),
            self._session_s,
            _REBALANCE_S,
        )

        def apply(reply: Reply) -> None:
            group.join(asked, reply)

        self._network.send(
            self._process,
            "JoinGroup",
            apply,
            lambda answer: self._joined(attempt, answer),
            _REBALANCE_S + 5.0,
        )

    def _joined(self, attempt: int, answer: Joined | None) -> None:
        if attempt != self._attempt or self._dead:
            return
        self._heard = self._world.now
        if answer is None:
            self._join()
        elif answer.error == KafkaError.MEMBER_ID_REQUIRED:
            self._member = answer.member
            self._join()
        elif answer.error == OK:
            self._generation, self._member = answer.generation, answer.member
            self._sync(attempt, answer)
        else:
            self._refused(answer.error)

    def _sync(self, attempt: int, joined: Joined) -> None:
        group = self._broker.group(self._group)
        plan = None
        if joined.claims is not None:
            plan = cooperative_sticky(joined.claims, self._count)
        member, instance, generation = self._member, self._instance, self._generation

        def apply(reply: Reply) -> None:
            group.sync(member, instance, generation, plan, lambda *answer: reply(answer))

        self._network.send(
            self._process,
            "SyncGroup",
            apply,
            lambda answer: self._synced(attempt, answer),
            _REBALANCE_S + 5.0,
        )

    def _count(self, name: str) -> int:
        topic = self._broker.topics.get(name)
        return 0 if topic is None else len(topic.partitions)

    def _synced(self, attempt: int, answer: tuple[int, list[int]] | None) -> None:
        if attempt != self._attempt or self._dead:
            return
        self._is_joining = False
        self._heard = self._world.now
        if answer is None:
            self._join()
            return
        error, given = answer
        if error != OK:
            self._refused(error)
            return
        revoked = [one for one in self._owned if one not in given]
        if revoked:
            self._call("revoke", revoked)
            self._rejoin = True
        self._call("assign", [one for one in given if one not in self._owned])

    def _refused(self, error: int) -> None:
        """JoinGroup, SyncGroup or Heartbeat was refused."""
        if error == KafkaError.FENCED_INSTANCE_ID:
            self._die()
        elif error == KafkaError.REBALANCE_IN_PROGRESS:
            if self._is_waiting:
                self._rejoin = True
            else:
                self._join()
        elif error == KafkaError.UNKNOWN_MEMBER_ID:
            self._member = ""
            self._lose()
        else:  # ILLEGAL_GENERATION
            self._generation = -1
            self._lose()

    def _lose(self) -> None:
        """Not a member any more: the application hears of it, then we join anew."""
        self._attempt += 1  # an answer that is still on its way is not for us
        self._is_joining = False
        self._calls.clear()
        if self._owned or self._is_serving:
            self._rejoin = True
            self._call("lost", [])
        else:
            self._join()

    def _die(self) -> None:
        self._dead = True
        error = KafkaError(KafkaError._FATAL, _FENCED_TEXT)
        self._queue.append((None, 0, Message(error=error, value=_FENCED_TEXT.encode())))
        self._wake()

    # -- heartbeats ------------------------------------------------------------------------------

    def _beat(self) -> None:
        if self._dead:
            return
        world = self._world
        world.later(self._heartbeat_s, self._beat, self._process)
        if self._is_joining or not self._member or self._generation < 0:
            return
        if world.now - self._heard > self._session_s:
            self._member = ""
            self._lose()
            return
        attempt, group = self._attempt, self._broker.group(self._group)
        member, instance, generation = self._member, self._instance, self._generation
        self._network.send(
            self._process,
            "Heartbeat",
            lambda reply: reply(group.heartbeat(member, instance, generation)),
            lambda answer: self._beaten(attempt, answer),
            self._session_s,
        )

    def _beaten(self, attempt: int, error: int | None) -> None:
        if attempt != self._attempt or self._dead or self._is_joining or error is None:
            return
        if error in (OK, KafkaError.REBALANCE_IN_PROGRESS):
            self._heard = self._world.now
        if error != OK and self._member:
            self._refused(error)
