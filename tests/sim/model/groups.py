"""The group coordinator of a simulated broker: classic protocol, static and dynamic members.

Observed of Kafka 4.3.1 and 4.2.1, and held by the contract suite:
- a dynamic member is first told its id (MEMBER_ID_REQUIRED), then joins; every join, leave and
  expiry makes a new generation once all members have rejoined or their time is up;
- a static member (an instance) that comes back while the group is stable is given its assignment at
  once, in the same generation; whoever had the name before is FENCED_INSTANCE_ID from then on;
- TxnOffsetCommit is checked for member, instance and generation (KIP-447), not for the group's
  state: it is taken also while the group awaits its leader's assignment;
- offsets of a transaction are pending until its marker, and "unstable" to who asks for stable ones;
- the offsets of a deleted topic are gone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from confluent_kafka import KafkaError

from tests.sim.model.log import OK
from tests.sim.model.scheduler import World

NO_OFFSET = -1001
At = tuple[str, int]


Claims = Mapping[str, tuple[str, list[int]]]
"""Member id to (the topic it subscribes to, the partitions of it that it says it owns)."""


@dataclass(slots=True)
class Joined:
    """The answer to JoinGroup."""

    error: int
    generation: int = -1
    member: str = ""
    leads: bool = False
    claims: Claims | None = None
    """For the leader: those of every member."""


@dataclass(slots=True)
class Asked:
    """JoinGroup: who asks, and what it owns."""

    member: str
    instance: str
    topic: str
    owned: list[int]
    session_s: float
    rebalance_s: float


@dataclass(slots=True)
class Member:
    id: str
    asked: Asked
    deadline: float
    join: Callable[[Joined], None] | None = None
    sync: Callable[[int, list[int]], None] | None = None
    assigned: list[int] = field(default_factory=list)


State = Literal["empty", "preparing", "completing", "stable"]


class Group:
    """One consumer group; a member subscribes to one topic, so its partitions are numbers."""

    def __init__(self, world: World, name: str) -> None:
        self.name = name
        self.state: State = "empty"
        self.generation = 0
        self.members: dict[str, Member] = {}
        self.instances: dict[str, str] = {}
        self.leader = ""
        self.offsets: dict[At, int] = {}
        self.pending: dict[int, dict[At, int]] = {}
        """Producer id to the offsets of its open transaction."""
        self._commits = 0
        self._written: dict[tuple[int, At], int] = {}
        """Of a pending offset: the how manieth commit it came with."""
        self._settled: dict[At, int] = {}
        """The same of the committed ones."""
        self.refuse_while_completing = False
        """A driver's wish: TxnOffsetCommit is REBALANCE_IN_PROGRESS while assignments are awaited,
        as other brokers do (Kafka does not)."""
        self._world = world
        self._named = 0
        self._invited: dict[str, None] = {}
        self._round = 0

    # -- membership ------------------------------------------------------------------------------

    def join(self, asked: Asked, reply: Callable[[Joined], None]) -> None:
        """JoinGroup; the answer comes when the generation is complete."""
        if asked.instance and not asked.member:
            self._join_static(asked, reply)
            return
        if not asked.member:
            invited = self._name("member")
            self._invited[invited] = None
            reply(Joined(KafkaError.MEMBER_ID_REQUIRED, member=invited))
            return
        if asked.member in self._invited:
            del self._invited[asked.member]
            self._add(asked, asked.member, reply)
            self._prepare()
            return
        error = self._who(asked.member, asked.instance)
        if error != OK:
            reply(Joined(error))
            return
        member = self.members[asked.member]
        same = member.asked.owned == asked.owned
        member.asked = asked
        self._touch(member)
        if self.state == "stable" and same and asked.member != self.leader:
            reply(Joined(OK, self.generation, member.id))
            return
        member.join = reply
        self._prepare()

    def _join_static(self, asked: Asked, reply: Callable[[Joined], None]) -> None:
        fresh = self._name(asked.instance)
        former = self.instances.get(asked.instance)
        self.instances[asked.instance] = fresh
        if former is None:
            self._add(asked, fresh, reply)
            self._prepare()
            return
        old = self.members.pop(former)
        if old.join is not None:
            old.join(Joined(KafkaError.FENCED_INSTANCE_ID))
        if old.sync is not None:
            old.sync(KafkaError.FENCED_INSTANCE_ID, [])
        if self.leader == former:
            self.leader = fresh
        if self.state == "stable":
            self._add(asked, fresh, None)
            self.members[fresh].assigned = old.assigned
            reply(Joined(OK, self.generation, fresh))
            return
        self._add(asked, fresh, reply)
        self._prepare()

    def _name(self, stem: str) -> str:
        self._named += 1
        return f"{stem}-{self.name}-{self._named}"

    def _add(self, asked: Asked, name: str, reply: Callable[[Joined], None] | None) -> None:
        member = self.members[name] = Member(name, asked, 0.0, reply)
        self._touch(member)
        self._watch(member)

    def _touch(self, member: Member) -> None:
        member.deadline = self._world.now + member.asked.session_s

    def _watch(self, member: Member) -> None:
        """Let the session end when nothing was heard of the member in time."""

        def look() -> None:
            if self.members.get(member.id) is not member:
                return
            if member.join is not None or member.sync is not None:
                self._touch(member)  # it waits for us, not we for it
            if self._world.now >= member.deadline:
                self._remove(member)
            else:
                self._world.at(member.deadline, look)

        self._world.at(member.deadline, look)

    def _remove(self, member: Member) -> None:
        del self.members[member.id]
        if self.instances.get(member.asked.instance) == member.id:
            del self.instances[member.asked.instance]
        self._prepare()

    def leave(self, member: str) -> int:
        """LeaveGroup of a dynamic member (anybody may send it)."""
        if member not in self.members:
            return KafkaError.UNKNOWN_MEMBER_ID
        self._remove(self.members[member])
        return OK

    # -- generations -----------------------------------------------------------------------------

    def _prepare(self) -> None:
        if self.state != "preparing":
            self.state = "preparing"
            for member in self.members.values():
                reply, member.sync = member.sync, None
                if reply is not None:
                    reply(KafkaError.REBALANCE_IN_PROGRESS, [])
            self._round += 1
            this_round = self._round
            patience = max((one.asked.rebalance_s for one in self.members.values()), default=0.0)
            self._world.later(patience, lambda: self._give_up(this_round))
        # Not at once: others who join at the same time get into the same generation.
        self._world.later(0.0, self._complete_if_all)

    def _give_up(self, this_round: int) -> None:
        if self.state == "preparing" and self._round == this_round:
            for member in [one for one in self.members.values() if one.join is None]:
                self._remove(member)
            self._complete_if_all()

    def _complete_if_all(self) -> None:
        members = list(self.members.values())
        if self.state != "preparing" or any(one.join is None for one in members):
            return
        self.generation += 1
        if not members:
            self.state, self.leader = "empty", ""
            return
        self.state = "completing"
        if self.leader not in self.members:
            self.leader = members[0].id
        claims = {one.id: (one.asked.topic, one.asked.owned) for one in members}
        for member in members:
            reply, member.join = member.join, None
            assert reply is not None
            leads = member.id == self.leader
            self._touch(member)
            reply(Joined(OK, self.generation, member.id, leads, claims if leads else None))

    def sync(
        self,
        member: str,
        instance: str,
        generation: int,
        assignment: Mapping[str, list[int]] | None,
        reply: Callable[[int, list[int]], None],
    ) -> None:
        """SyncGroup; the answer comes when the leader has sent the assignment."""
        error = self._who(member, instance)
        if error == OK and generation != self.generation:
            error = KafkaError.ILLEGAL_GENERATION
        if error == OK and self.state == "preparing":
            error = KafkaError.REBALANCE_IN_PROGRESS
        if error != OK:
            reply(error, [])
            return
        mine = self.members[member]
        self._touch(mine)
        if self.state == "stable":
            reply(OK, mine.assigned)
            return
        mine.sync = reply
        if assignment is not None and member == self.leader:
            self.state = "stable"
            for one in self.members.values():
                one.assigned = assignment.get(one.id, [])
                answer, one.sync = one.sync, None
                self._touch(one)
                if answer is not None:
                    answer(OK, one.assigned)

    def heartbeat(self, member: str, instance: str, generation: int) -> int:
        """Heartbeat."""
        error = self._who(member, instance)
        if error != OK:
            return error
        if generation != self.generation:
            return KafkaError.ILLEGAL_GENERATION
        self._touch(self.members[member])
        return KafkaError.REBALANCE_IN_PROGRESS if self.state == "preparing" else OK

    def owners(self, topic: str) -> dict[str, frozenset[int]] | None:
        """DescribeGroups: who was given what of a topic; None while the group is not stable."""
        if self.state != "stable":
            return None
        return {
            one.id: frozenset(one.assigned if one.asked.topic == topic else ())
            for one in self.members.values()
        }

    def _who(self, member: str, instance: str) -> int:
        if instance:
            known = self.instances.get(instance)
            if known is not None and known != member:
                return KafkaError.FENCED_INSTANCE_ID
        return OK if member in self.members else KafkaError.UNKNOWN_MEMBER_ID

    # -- offsets ---------------------------------------------------------------------------------

    def commit_in_transaction(
        self,
        producer: int,
        who: tuple[int, str, str],
        offsets: Mapping[At, int],
    ) -> int:
        """TxnOffsetCommit; `who` is (generation, member id, instance)."""
        generation, member, instance = who
        if generation >= 0 or member or instance:
            error = self._who(member, instance)
            if error != OK:
                return error
            if generation != self.generation:
                return KafkaError.ILLEGAL_GENERATION
        if self.refuse_while_completing and self.state == "completing":
            return KafkaError.REBALANCE_IN_PROGRESS
        self.pending.setdefault(producer, {}).update(offsets)
        self._commits += 1
        self._written.update(dict.fromkeys(((producer, at) for at in offsets), self._commits))
        return OK

    def commit(self, at: At, offset: int) -> None:
        """OffsetCommit, as an operator's tool sends it: what a transaction has left pending before
        does not undo it (OffsetMetadataManager keeps the later record of the two).
        """
        self._commits += 1
        self._settled[at] = self._commits
        self.offsets[at] = offset

    def settle(self, producer: int, *, commit: bool) -> None:
        """The marker of a producer's transaction has reached the group's offsets."""
        for at, offset in self.pending.pop(producer, {}).items():
            written = self._written.pop((producer, at))
            # Markers of two transactions may come in another order than their offsets did.
            if commit and written > self._settled.get(at, 0):
                self._settled[at] = written
                self.offsets[at] = offset

    def fetch(self, partitions: list[At]) -> list[int] | None:
        """Stable offsets, NO_OFFSET where none; None while one is pending."""
        for offsets in self.pending.values():
            if any(at in offsets for at in partitions):
                return None
        return [self.offsets.get(at, NO_OFFSET) for at in partitions]

    def forget(self, topic: str) -> None:
        """A topic was deleted: so are its offsets."""
        for offsets in (self.offsets, *self.pending.values()):
            for at in [one for one in offsets if one[0] == topic]:
                del offsets[at]


def cooperative_sticky(claims: Claims, counts: Callable[[str], int]) -> dict[str, list[int]]:
    """What the leader's assignor makes of it, topic by topic; `counts` has their partitions."""
    plan = {}
    for topic in {topic: None for topic, _ in claims.values()}:
        owned = {member: numbers for member, (of, numbers) in claims.items() if of == topic}
        plan.update(_of_one_topic(owned, counts(topic)))
    return plan


def _of_one_topic(owned: Mapping[str, list[int]], count: int) -> dict[str, list[int]]:
    """Balanced, and nobody loses more than it must.

    A partition that moves is given to nobody in this round: its owner lets go of it first, rejoins,
    and the next round gives it away.
    """
    members = list(owned)
    claimed: dict[int, str] = {}
    for member in members:
        for number in owned[member]:
            if number < count:
                claimed.setdefault(number, member)
    share, extra = divmod(count, len(members))
    fullest = sorted(members, key=lambda one: -sum(who == one for who in claimed.values()))
    quota = {one: share + (place < extra) for place, one in enumerate(fullest)}
    target: dict[str, list[int]] = {one: [] for one in members}
    homeless = []
    for number in range(count):
        owner = claimed.get(number)
        if owner is not None and len(target[owner]) < quota[owner]:
            target[owner].append(number)
        else:
            homeless.append(number)
    for number in homeless:
        taker = next(one for one in fullest if len(target[one]) < quota[one])
        target[taker].append(number)
    return {
        member: sorted(number for number in numbers if claimed.get(number, member) == member)
        for member, numbers in target.items()
    }
