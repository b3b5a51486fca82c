"""Alarms about what is unusual in number: at the threshold, once a window, the same every time."""

from collections.abc import Iterator
from typing import Any, cast

import pytest

from streams import topics
from streams.agent import GateAgent
from streams.codec.classes import types_of
from streams.codec.codecs import Codecs
from streams.egress import records
from streams.egress.outbox import Chain, Outbox
from streams.egress.sealing import Salts
from streams.engine import PartitionTurn
from streams.gate import effects, events, reference, rows, words
from streams.gate.decide import Event
from streams.gate.effects import Alarm
from streams.gate.facts import Facts
from streams.gate.reference import Policy
from streams.gate.watch import NOTHING, TOLD, Watch, watch
from streams.gate.words import AlarmKind, Confirmation, Reason
from streams.gathering import Tables
from streams.ingress.dead_letter_limit import DeadLetterLimit
from streams.ingress.read import Reader
from streams.ingress.reference_log import ReferenceLog
from tests.gate.examples import (
    DAY,
    MINUTE,
    NOON,
    OFF,
    SUBSCRIBER,
    VOICE,
    care,
    catalogue,
    order,
    policy,
    reply,
    rule,
    settlement,
)
from tests.gate.harness import Gate, Rows

WINDOW = 5 * MINUTE
assert NOON % WINDOW == 0


class Guarded(Gate):
    """A gate whose decisions are watched, as the agent does it."""

    watch: Watch = NOTHING

    def alarms_of(self, event: Event, at: int) -> list[Alarm]:
        """The alarms that an event raises by being one too many."""
        facts: Facts = self.facts(event, at)
        decision = self.take(event, at)
        self.watch, told = watch(self.watch, decision, facts)
        assert told.effects[: len(decision.effects)] == decision.effects
        assert told == decision._replace(effects=told.effects)
        return cast(list[Alarm], list(told.effects[len(decision.effects) :]))


def guarded(**fields: object) -> Guarded:
    """A gate that raises an alarm at the third of either kind."""
    limits = {"alarm_dead_letters": 3, "alarm_limit_refusals": 3, **fields}
    return Guarded(catalogue(policy(VOICE, OFF, **limits)))


def bury(gate: Guarded, number: int, at: int) -> list[Alarm]:
    """One more dead letter: an action that nobody can mean."""
    return gate.alarms_of(care(f"a-{number}", at, kind=words.CareKind.UNKNOWN), at)


def test_the_alarm_comes_with_the_dead_letter_that_reaches_the_number() -> None:
    """The third of a window raises it; the fourth raises no other."""
    gate = guarded()
    raised = [bury(gate, n, NOON + n) for n in range(4)]
    assert [len(each) for each in raised] == [0, 0, 1, 0]
    ((alarm,),) = (each for each in raised if each)
    assert (alarm.kind, alarm.subject) == (AlarmKind.DEAD_LETTERS, "partition 0")
    assert alarm.detail == "3 records within 300 s could not be read or meant"
    assert alarm.raised_at == NOON + 2


def test_a_window_ends_at_its_very_instant() -> None:
    """What lies a moment before the end counts in it, what lies at the end begins the next."""
    gate = guarded()
    end = NOON + WINDOW
    assert not bury(gate, 1, NOON)
    assert not bury(gate, 2, end - 1)
    assert not bury(gate, 3, end)
    assert not bury(gate, 4, end)
    (second,) = bury(gate, 5, end + WINDOW - 1)
    assert not bury(gate, 6, end + WINDOW)
    gate = guarded()
    bury(gate, 1, NOON)
    bury(gate, 2, NOON)
    (first,) = bury(gate, 3, end - 1)
    assert first.alarm_id != second.alarm_id


def test_each_window_has_its_own_alarm() -> None:
    """A day of trouble raises one alarm every five minutes."""
    gate = guarded()
    alarms = [
        alarm
        for n in range(60)
        for alarm in bury(gate, n, NOON + n * MINUTE)  # five in each window
    ]
    assert [each.raised_at for each in alarms] == [
        NOON + window * WINDOW + 2 * MINUTE for window in range(12)
    ]
    assert len({each.alarm_id for each in alarms}) == 12


def test_a_record_that_comes_late_counts_in_the_window_at_hand() -> None:
    """Time does not go back: no old window is opened again, and no count is lost."""
    gate = guarded()
    bury(gate, 1, NOON + WINDOW)
    bury(gate, 2, NOON)
    assert len(bury(gate, 3, NOON + WINDOW)) == 1
    assert not bury(gate, 4, NOON)


def test_a_conflict_counts_as_a_dead_letter_and_a_repetition_does_not() -> None:
    """Both reasons lead to the dead letters; what came before is no trouble."""
    gate = guarded()
    assert not gate.alarms_of(care("a-1", NOON), NOON)
    for _ in range(5):
        assert not gate.alarms_of(care("a-1", NOON), NOON)
    assert not gate.alarms_of(care("a-1", NOON, agent="x"), NOON)
    assert not gate.alarms_of(settlement("s-1", NOON), NOON)
    (alarm,) = gate.alarms_of(care("a-1", NOON, agent="y"), NOON)
    assert alarm.kind is AlarmKind.DEAD_LETTERS


def test_orders_refused_because_of_limits_are_counted_by_their_verdicts() -> None:
    """One answer may refuse several; what it takes beyond the number is told."""
    first = rule("first", Confirmation.FIRST_OF_DAY, grant_count_max=1)
    gate = Guarded(catalogue(policy(VOICE, first, alarm_limit_refusals=3, waiting_orders_max=4)))
    for number in range(1, 5):
        assert not gate.alarms_of(order(f"o-{number}", NOON), NOON)
    assert not gate.alarms_of(order("o-5", NOON), NOON)  # WAITING_LIMIT
    assert gate.taken[-1].decision.reason is Reason.WAITING_LIMIT
    (alarm,) = gate.alarms_of(reply("r-1", NOON), NOON)
    refused = [each.reason for each in gate.verdicts if each.reason is Reason.GRANT_EXHAUSTED]
    assert len(refused) == 3
    assert (alarm.kind, alarm.subject) == (AlarmKind.LIMITS, "partition 0")
    assert alarm.detail == "4 orders within 300 s were refused because of limits"
    assert not gate.alarms_of(order("o-6", NOON), NOON)


def test_other_refusals_are_no_trouble() -> None:
    """A no, silence or a service that is not on sale is business as usual."""
    first = rule("first", Confirmation.FIRST_OF_DAY)
    gate = Guarded(catalogue(policy(VOICE, first, alarm_limit_refusals=1)))
    gate.alarms_of(order("o-1", NOON), NOON)
    assert not gate.alarms_of(reply("r-1", NOON, "N"), NOON)
    assert not gate.alarms_of(order("o-2", NOON, price_minor=1), NOON)
    assert gate.watch == NOTHING


def test_both_kinds_are_counted_apart() -> None:
    """Two of each raise nothing; the third of one raises its own alarm only."""
    first = rule("first", Confirmation.FIRST_OF_DAY)
    limits = {"alarm_dead_letters": 3, "alarm_limit_refusals": 3, "waiting_orders_max": 1}
    gate = Guarded(catalogue(policy(VOICE, first, **limits)))
    gate.take(order("o-0", NOON), NOON)
    for number in (1, 2):
        assert not bury(gate, number, NOON)
        assert not gate.alarms_of(order(f"o-{number}", NOON), NOON)
    assert [each.kind for each in bury(gate, 3, NOON)] == [AlarmKind.DEAD_LETTERS]
    told = gate.alarms_of(order("o-3", NOON), NOON)
    assert [each.kind for each in told] == [AlarmKind.LIMITS]
    assert gate.watch == Watch(NOON, TOLD, TOLD)


def test_a_lower_number_holds_at_once_and_a_higher_one_tells_nothing_twice() -> None:
    """A policy that comes into force within a window: the next of its kind is too many."""
    lower = policy(OFF, alarm_dead_letters=2, version=2, effective_from=NOON + MINUTE)
    higher = policy(OFF, alarm_dead_letters=5, version=3, effective_from=NOON + 2 * MINUTE)
    gate = Guarded(catalogue(policy(OFF, alarm_dead_letters=100), lower, higher))
    for number in range(3):
        assert not bury(gate, number, NOON)
    assert len(bury(gate, 3, NOON + MINUTE)) == 1
    for number in range(4, 10):
        assert not bury(gate, number, NOON + 2 * MINUTE)


def test_without_a_policy_nothing_is_unusual() -> None:
    """No number says what is too many."""
    gate = guarded(alarm_dead_letters=1)
    before = NOON - 30 * DAY
    assert not bury(gate, 1, before)
    assert gate.watch == NOTHING


# -- with the agent, over owners ------------------------------------------------------------------

CODECS = Codecs.from_repository(types_of(words, events, effects, reference, rows, records))


class Record:
    """As much of a Kafka message as the agent asks for."""

    def __init__(self, value: bytes, at: int, offset: int) -> None:
        self._value, self.at, self.place = value, at, offset

    def key(self) -> bytes:
        return SUBSCRIBER.encode()

    def value(self) -> bytes:
        return self._value

    def headers(self) -> None:
        return None


class Desk:
    """A partition's turn in memory: records in, what is sent out, the carry between owners."""

    number, total, watermark = 0, 1, 0
    references: tuple[int, ...] = ()
    references_before: tuple[int, ...] = ()

    def __init__(self, taken: list[Record], carry: bytes) -> None:
        self.taken, self.carry, self.offset = taken, carry, -1
        self.sent: list[tuple[str, bytes]] = []

    def events(self) -> Iterator[tuple[int, Record, int]]:
        for record in self.taken:
            self.offset = record.place
            yield topics.INPUTS.index(topics.CARE), record, record.at

    def send(self, topic: str, _key: bytes, value: bytes, _headers: Any = None) -> None:
        self.sent.append((topic, value))


def alarms_of_turns(log: list[Record], turns: int, record: Policy) -> tuple[list[bytes], bytes]:
    """Every alarm of a log that is taken in so many turns, each by another owner."""
    alarms, carry, size = list[bytes](), b"", -(-len(log) // turns)
    for start in range(0, len(log), size):
        reference_log = ReferenceLog(CODECS)
        assert reference_log.catalogue.fold("policies.v1", record) is None
        limit = DeadLetterLimit(100, len(log) + 1, len(log) + 1)
        agent = GateAgent(
            Reader(CODECS), reference_log, Outbox(CODECS, "", "gate", Salts().draw), limit
        )
        desk = Desk(log[start : start + size], carry)
        tables = Tables(Rows(), Rows(), Rows(), Rows(), Rows(), Rows())
        agent.decide_partition(cast(PartitionTurn, desk), tables)
        alarms += [value for topic, value in desk.sent if topic == topics.ALARMS]
        carry = desk.carry
    return alarms, carry


@pytest.mark.parametrize("turns", [2, 3, 7, 20])
def test_the_same_log_gives_the_same_alarms_whoever_owns_it(turns: int) -> None:
    """The counts travel in the carry: turns and owners change no byte of any alarm (law 8)."""
    record = policy(OFF, alarm_dead_letters=7)
    log = [Record(b"no such schema", NOON + n * MINUTE // 2, n) for n in range(20)]
    alarms, carry = alarms_of_turns(log, 1, record)
    assert len(alarms) == 2
    again, carried = alarms_of_turns(log, turns, record)
    assert again == alarms
    assert Chain.load(carried).watch == Chain.load(carry).watch == Watch(NOON + WINDOW, TOLD, 0)
    decode = CODECS.decoder(topics.ALARMS)
    assert [decode(value).subject for value in alarms] == ["partition 0", "partition 0"]


def test_a_partition_from_before_goes_on_under_the_watch() -> None:
    """A carry without counts is read, and its chain goes on; the counts begin at nothing."""
    record = policy(OFF, alarm_dead_letters=1)
    reference_log = ReferenceLog(CODECS)
    assert reference_log.catalogue.fold("policies.v1", record) is None
    limit = DeadLetterLimit(100, 2, 2)
    agent = GateAgent(
        Reader(CODECS), reference_log, Outbox(CODECS, "", "gate", Salts().draw), limit
    )
    old = (41).to_bytes(8, "big") + bytes(range(32)) + b"\0the last tick"
    desk = Desk([Record(b"no such schema", NOON, 0)], old)
    agent.decide_partition(
        cast(PartitionTurn, desk), Tables(Rows(), Rows(), Rows(), Rows(), Rows(), Rows())
    )
    after = Chain.load(desk.carry)
    assert (after.sequence, after.tick) == (42, b"\0the last tick")
    assert after.watch == Watch(NOON, TOLD, 0)
    assert [topic for topic, _ in desk.sent] == [
        topics.DEAD_LETTERS,
        topics.ALARMS,
        topics.DECISIONS,
    ]
