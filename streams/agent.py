"""The gate's agent: read, gather, decide, send, remember. It has no opinion of its own.

For every record of a partition's turn it makes the event (ingress), gathers the rows and facts
that deciding may depend on, asks the gate, and does what the decision says: rows into the turn's
overlay, effects and the decision's record into the turn's transaction (egress).

Laws: exactly one decision an input record (a tick that causes nothing has none), dead letters
included; a due act that still means something has one too. Nothing here may change what is decided.
What an operator's act sets aside is not even decoded. An exception names the record at hand.
"""

from collections import Counter
from typing import Any

from streams import topics
from streams.blame import AtHand, blamed, is_blamed
from streams.egress.outbox import Cause, Chain, Outbox
from streams.engine import DUE, PartitionTurn
from streams.errors import Stop
from streams.gate import keys
from streams.gate.catalogue import Catalogue
from streams.gate.clocks import Overdue
from streams.gate.decide import KEEP, Decision, decide
from streams.gate.decision import Effect
from streams.gate.effects import (
    Alarm,
    Charge,
    DeadLetter,
    Evidence,
    Message,
    RefundRequest,
    Verdict,
)
from streams.gate.facts import Facts, gather_facts
from streams.gate.lapses import lapse_of
from streams.gate.reference import OperatorAct
from streams.gate.watch import watch
from streams.gate.words import Channel, Reason, State
from streams.gathering import Tables, gather, remember
from streams.ingress.acts import set_aside_by
from streams.ingress.dead_letter_limit import Bad, DeadLetterLimit
from streams.ingress.read import TICK, Reader, Unreadable, is_msisdn
from streams.ingress.reference_log import ReferenceLog
from streams.reference.fold import NotTaken

_NO_POLICY: tuple[str | None, int | None] = (None, None)


class Counts:
    """What one turn did, for the metrics; kept only if the turn is committed."""

    # By the values of each metric's labels (streams/metrics.py).
    _COUNTERS = (
        "alarms",
        "charges",
        "dead_letters",
        "decisions",
        "messages",
        "records",
        "refunds",
        "verdicts",
    )
    __slots__ = (*_COUNTERS, "oldest_at")

    def __init__(self) -> None:
        self.decisions: Counter[tuple[str, ...]] = Counter()
        self.verdicts: Counter[tuple[str, ...]] = Counter()
        self.charges: Counter[tuple[str, ...]] = Counter()
        self.messages: Counter[tuple[str, ...]] = Counter()
        self.refunds: Counter[tuple[str, ...]] = Counter()
        self.alarms: Counter[tuple[str, ...]] = Counter()
        self.dead_letters: Counter[tuple[str, ...]] = Counter()
        self.records: Counter[tuple[str, ...]] = Counter()
        # The time of the oldest record, UTC ms; None without any.
        self.oldest_at: int | None = None

    def merge(self, other: "Counts") -> None:
        """What another partition did in the same turn."""
        for name in self._COUNTERS:
            getattr(self, name).update(getattr(other, name))
        if other.oldest_at is not None:
            self.take(other.oldest_at)

    def take(self, at: int) -> None:
        """A record of that time."""
        if self.oldest_at is None or at < self.oldest_at:
            self.oldest_at = at

    def add(self, topic: str, decision: Decision) -> None:
        """One decision, with what it sends."""
        self.decisions[decision.reason, decision.channel] += 1
        for effect in decision.effects:
            # By class, not by pattern: this is done for every record.
            if type(effect) is Message:
                self.messages[effect.kind, effect.channel] += 1
            elif type(effect) is Charge:
                self.charges[effect.channel, effect.confirmation] += 1
            elif type(effect) is Verdict:
                self.verdicts[effect.outcome, effect.reason] += 1
            elif type(effect) is RefundRequest:
                self.refunds[effect.reason,] += 1
            elif type(effect) is Alarm:
                self.alarms[effect.kind,] += 1
            elif type(effect) is DeadLetter:
                self.dead_letters[topic, effect.cause] += 1


class GateAgent:
    """Decides the events of a partition's turn; one for all partitions of a worker."""

    def __init__(
        self,
        reader: Reader,
        reference: ReferenceLog,
        outbox: Outbox,
        limit: DeadLetterLimit,
    ) -> None:
        self._reader = reader
        self._reference = reference
        self._outbox = outbox
        self._limit = limit

    def decide_partition(self, partition: PartitionTurn, tables: Tables) -> Counts:
        """Every event of this turn, in the order taken."""
        failed = self._reference.stop_at(partition.references)
        if failed is not None:
            raise _stop_at(failed)
        counts = Counts()
        chain = Chain.load(partition.carry)
        if partition.number == 0:
            chain = self._bury_reference_faults(partition, chain, counts)
        catalogue = self._reference.catalogue
        for source, item, at in partition.events():
            try:
                if source == DUE:
                    chain = self._due(partition, tables, catalogue, item, at, chain, counts)
                elif source == TICK:
                    chain = self._tick(partition, item, at, chain, counts)
                else:
                    chain = self._record(
                        partition, tables, catalogue, source, item, at, chain, counts
                    )
            except Exception as error:
                if not is_blamed(error):
                    raise
                raise blamed(error, _at_hand(partition, source, item)) from None
        partition.carry = chain.dump()
        return counts

    # -- one event -------------------------------------------------------------------------------

    def _record(
        self,
        partition: PartitionTurn,
        tables: Tables,
        catalogue: Catalogue,
        source: int,
        record: Any,
        at: int,
        chain: Chain,
        counts: Counts,
    ) -> Chain:
        topic, number, offset = topics.INPUTS[source], partition.number, partition.offset
        counts.records[topic,] += 1
        counts.take(at)
        cause = _cause(topic, partition, record, at)
        facts = gather_facts(catalogue, at, partition.watermark, topic, number, offset)
        act = self._reference.acts.on(topic, number, offset)
        if act is not None:
            return self._set_aside(partition, chain, cause, act, facts, counts)
        event = self._reader.read(source, record, number, partition.total)
        if isinstance(event, Unreadable):
            return self._bury(partition, chain, cause, event, facts, counts)
        gathered = gather(event, facts, tables)
        decision = decide(gathered.remembered, event, facts)
        assert decision is not None, "only a due act can be nothing"
        remember(decision, gathered, tables)
        for due_at, token in decision.wake:
            partition.wake(due_at, token)
        self._count(cause, _fault_in(decision.effects), is_readable=True)
        return self._send(partition, chain, cause.key, cause, decision, facts, counts)

    def _due(
        self,
        partition: PartitionTurn,
        tables: Tables,
        catalogue: Catalogue,
        token: bytes,
        due_at: int,
        chain: Chain,
        counts: Counts,
    ) -> Chain:
        clock = keys.read_clock_token(token)
        event = lapse_of(token, due_at) if clock is None else Overdue(*clock, due_at)
        offset = partition.offset
        facts = gather_facts(
            catalogue, due_at, partition.watermark, topics.TICKS, partition.number, offset
        )
        gathered = gather(event, facts, tables)
        decision = decide(gathered.remembered, event, facts)
        if decision is None:
            return chain
        remember(decision, gathered, tables)
        for later, another in decision.wake:
            partition.wake(later, another)
        act = partition.act()
        cause = Cause(topics.TICKS, partition.number, offset, act, None, chain.tick, None, due_at)
        key = gathered.subscriber_key
        return self._send(partition, chain, key, cause, decision, facts, counts)

    def _tick(
        self, partition: PartitionTurn, record: Any, at: int, chain: Chain, counts: Counts
    ) -> Chain:
        act = self._reference.acts.on(topics.TICKS, partition.number, partition.offset)
        fault = self._reader.tick_fault(record) if act is None else None
        if act is None and fault is None:
            before = partition.watermark
            partition.advance(at)
            # Its due acts cite it, also those that are left for a later turn.
            return chain if partition.watermark == before else chain.moved_by(record.value())
        cause = _cause(topics.TICKS, partition, record, at)
        catalogue = self._reference.catalogue
        facts = gather_facts(
            catalogue, at, partition.watermark, cause.topic, cause.partition, cause.offset
        )
        if act is not None:
            return self._set_aside(partition, chain, cause, act, facts, counts)
        assert fault is not None, "an act or a fault, or it has moved time"
        return self._bury(partition, chain, cause, fault, facts, counts)

    def _send(
        self,
        partition: PartitionTurn,
        chain: Chain,
        key: bytes | None,
        cause: Cause,
        decision: Decision,
        facts: Facts,
        counts: Counts,
    ) -> Chain:
        """Send a decision, with the alarm that it raises by being one too many."""
        counted, decision = watch(chain.watch, decision, facts)
        counts.add(cause.topic, decision)
        if counted is not chain.watch:
            chain = chain.watched(counted)
        return self._outbox.send(partition, chain, key, cause, decision, _policy(facts))

    # -- dead letters ----------------------------------------------------------------------------

    def _bury(
        self,
        partition: PartitionTurn,
        chain: Chain,
        cause: Cause,
        fault: Unreadable,
        facts: Facts,
        counts: Counts,
    ) -> Chain:
        self._count(cause, fault.cause)
        decision = _dead_letter(fault.cause, fault.detail)
        return self._send(partition, chain, _key(cause), cause, decision, facts, counts)

    def _set_aside(
        self,
        partition: PartitionTurn,
        chain: Chain,
        cause: Cause,
        act: OperatorAct,
        facts: Facts,
        counts: Counts,
    ) -> Chain:
        """An operator said so: it does not count against the limit, and names the act."""
        told = set_aside_by(act)
        decision = _dead_letter(told.cause, told.detail)
        decision = decision._replace(evidence=(Evidence(topics.ACTS, act.act_id),))
        return self._send(partition, chain, _key(cause), cause, decision, facts, counts)

    def _count(self, cause: Cause, fault: str | None, *, is_readable: bool = False) -> None:
        """One record for the limit; `fault` is the stable word of what is wrong with it."""
        if fault is None:
            self._limit.count(None)
        elif not self._reference.acts.excuses(cause.topic, cause.partition, cause.offset):
            self._limit.count(Bad(cause.topic, cause.partition, cause.offset, fault, is_readable))

    def _bury_reference_faults(
        self, partition: PartitionTurn, chain: Chain, counts: Counts
    ) -> Chain:
        """The owner of partition 0 writes the dead letters of reference records, once."""
        for fault in self._reference.faults_between(
            partition.references_before, partition.references
        ):
            cause = Cause(
                fault.topic, 0, fault.offset, 0, fault.key, fault.value, fault.headers, fault.at
            )
            decision = _dead_letter(fault.cause, fault.sentence)
            if fault.act_id is not None:
                decision = decision._replace(evidence=(Evidence(topics.ACTS, fault.act_id),))
            counts.add(fault.topic, decision)
            chain = self._outbox.send(partition, chain, None, cause, decision, _NO_POLICY)
        return chain


def _cause(topic: str, partition: PartitionTurn, record: Any, at: int) -> Cause:
    return Cause(
        topic,
        partition.number,
        partition.offset,
        0,
        record.key(),
        record.value(),
        record.headers(),
        at,
    )


def _policy(facts: Facts) -> tuple[str | None, int | None]:
    policy = facts.policy
    return _NO_POLICY if policy is None else (policy.policy_id, policy.version)


def _fault_in(effects: tuple[Effect, ...]) -> str | None:
    """What is wrong with a record that the gate sets aside."""
    for effect in effects:
        if isinstance(effect, DeadLetter):
            return effect.cause
    return None


def _key(cause: Cause) -> bytes | None:
    """The subscriber's number, where a record that is no event has one."""
    return cause.key if cause.key is not None and is_msisdn(cause.key) else None


def _at_hand(partition: PartitionTurn, source: int, item: Any) -> AtHand:
    if source == DUE:
        return AtHand(topics.TICKS, partition.number, partition.offset, None, is_due=True)
    return AtHand(topics.INPUTS[source], partition.number, partition.offset, item.key())


def _stop_at(failed: NotTaken) -> Stop:
    """How a worker ends before a record of reference data that our code fails at."""
    topic, message, error = failed
    assert isinstance(error, Exception), "it would be told, and decided on"
    return blamed(error, AtHand(topic, 0, message.offset(), message.key()))


def _dead_letter(cause: str, detail: str) -> Decision:
    """The decision on a record that is no event."""
    return Decision(
        reason=Reason.DEAD_LETTER,
        before=State.UNKNOWN,
        after=State.UNKNOWN,
        rule=None,
        order_id=None,
        prompt_id=None,
        charge_id=None,
        complaint_id=None,
        channel=Channel.UNKNOWN,
        province=None,
        provider_id=None,
        service_id=None,
        price_minor=None,
        seen=KEEP,
        service_day=KEEP,
        subscriber=KEEP,
        effects=(DeadLetter(cause, detail),),
        wake=(),
    )
