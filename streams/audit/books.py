"""The auditor's books: every record of a history decoded once, with the look-ups the laws share.

Laws: what stands here follows from the records alone; nothing is judged here, except whether a
record can be read at all. Decisions are kept in the order of their log. This file must not know any
law: an entry that no law can use is still kept.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import zip_longest
from operator import attrgetter, itemgetter
from typing import Any, TypeVar, cast

from streams.audit import records
from streams.audit.derive import digest, partition_of
from streams.audit.folding import Folds, Positions
from streams.audit.history import History
from streams.audit.letters import SET_ASIDE, DeadLetters, Where, cause_of, origin
from streams.audit.records import (
    Alarm,
    Charge,
    Decision,
    DeliveryReport,
    Effect,
    Event,
    Message,
    Order,
    Output,
    Policy,
    Reference,
    Refund,
    Reply,
    Rule,
    Settlement,
    Verdict,
)
from streams.audit.standing import Standing
from streams.audit.strict import Malformed, Schemas
from streams.history import Entry
from streams.topics import (
    ACTS,
    ALARMS,
    CARE,
    CHARGES,
    CONGESTION,
    CREDITS,
    DEAD_LETTERS,
    DECISIONS,
    DELIVERY_REPORTS,
    GATEWAYS,
    INPUT_VALUE_BYTES_MAX,
    INPUTS,
    MESSAGES,
    ORDERS,
    POLICIES,
    PROVIDERS,
    REFERENCES,
    REFUNDS,
    REPLIES,
    SERVICES,
    SETTLEMENTS,
    TICKS,
    VERDICTS,
)

EVENT_TYPES: dict[str, type[Any]] = {
    ORDERS: records.Order,
    REPLIES: records.Reply,
    DELIVERY_REPORTS: records.DeliveryReport,
    SETTLEMENTS: records.Settlement,
    CARE: records.CareAction,
    TICKS: records.Tick,
}
REFERENCE_TYPES: dict[str, type[Any]] = {
    PROVIDERS: records.Provider,
    CREDITS: records.CreditChange,
    SERVICES: records.Service,
    GATEWAYS: records.Gateway,
    ACTS: records.OperatorAct,
    CONGESTION: records.Congestion,
}
OUTPUT_TYPES: dict[str, type[Any]] = {
    MESSAGES: records.Message,
    CHARGES: records.Charge,
    VERDICTS: records.Verdict,
    REFUNDS: records.Refund,
    ALARMS: records.Alarm,
}
# The id that an event is remembered by, for each subscriber.
EVENT_ID: dict[str, Callable[[Any], str]] = {
    ORDERS: attrgetter("order_id"),
    REPLIES: attrgetter("reply_id"),
    DELIVERY_REPORTS: attrgetter("report_id"),
    SETTLEMENTS: attrgetter("settlement_id"),
    CARE: attrgetter("action_id"),
}


T = TypeVar("T")
Make = Callable[[Entry, dict[str, Any]], Any]


def _maker(kind: type[Any]) -> Make:
    """Takes the fields a type wants out of a decoded record."""
    pick = itemgetter(*kind._fields[1:])
    if len(kind._fields) == 2:
        return lambda entry, fields: kind(entry, pick(fields))
    make = kind._make
    return lambda entry, fields: make((entry, *pick(fields)))


def _policy(entry: Entry, fields: dict[str, Any]) -> Policy:
    sets = ("provinces", "lines", "provider_ids")
    rules = tuple(
        Rule._make(frozenset(rule[name]) if name in sets else rule[name] for name in Rule._fields)
        for rule in fields["rules"]
    )
    fields["spend_limits"] = tuple(
        (row["currency"], row["per_day_max_minor"]) for row in fields["spend_limits"]
    )
    return Policy._make((entry, *(fields[name] for name in Policy._fields[1:-1]), rules))


class Books:
    """A history, read. `malformed` says of each record that cannot be read why."""

    def __init__(self, history: History, schemas: Schemas, *, drained: bool) -> None:
        self.history = history
        self.drained = drained
        self._schemas = schemas
        self.malformed: dict[Where, str] = {}
        self.inputs: dict[tuple[str, int], dict[int, Entry]] = defaultdict(dict)
        self.events: dict[Where, Event] = {}
        self.decisions: dict[int, list[Decision]] = defaultdict(list)
        self._read_inputs()
        self._read_decisions()
        self.decided: dict[Where, Decision] = {}  # by the record that caused it, index 0
        self._of_references: dict[Where, list[Decision]] = defaultdict(list)
        self._producers: dict[tuple[str, str], list[Decision]] = defaultdict(list)
        for decision in self.all_decisions():
            if decision.act == 0:
                self.decided.setdefault(decision[2:5], decision)
                if decision.topic in REFERENCES:
                    self._of_references[decision[2:5]].append(decision)
            for effect in decision.effects:
                self._producers[effect.topic, effect.id].append(decision)
        self.beyond = 0  # outputs of decisions that were not read
        self.dead_letters = DeadLetters(history, self._within(history.of(DEAD_LETTERS)))
        self.references: dict[str, list[Reference]] = {
            topic: self._read_reference(topic) for topic in REFERENCES
        }
        self.folds = Folds(self.references, self._refused())
        self.standing = Standing(self.folds)
        self.messages: list[Message] = self._read_output(MESSAGES)
        self.charges: list[Charge] = self._read_output(CHARGES)
        self.verdicts: list[Verdict] = self._read_output(VERDICTS)
        self.refunds: list[Refund] = self._read_output(REFUNDS)
        self.alarms: list[Alarm] = self._read_output(ALARMS)
        self._index()

    @property
    def outputs(self) -> Iterable[tuple[str, list[Any]]]:
        """The decoded outputs but decisions, by topic."""
        return (
            (MESSAGES, self.messages),
            (CHARGES, self.charges),
            (VERDICTS, self.verdicts),
            (REFUNDS, self.refunds),
            (ALARMS, self.alarms),
        )

    def all_decisions(self) -> Iterable[Decision]:
        """Every decision, partition by partition, in the order taken."""
        for partition in sorted(self.decisions):
            yield from self.decisions[partition]

    def letters(self, where: Where) -> list[tuple[Entry, Decision | None]]:
        """The dead letters of a record, each with the decision that sent it.

        A reference record may have one for its own fault and one, later, for an act on it.
        """
        letters = self.dead_letters.of.get(where, [])
        if where[0] not in REFERENCES:
            return [(letter, self.decided.get(where)) for letter in letters]
        decisions = self._of_references.get(where, [])[: len(letters)]
        return list(zip_longest(letters, decisions))

    def letters_of(self, decision: Decision) -> list[Entry]:
        """The dead letters of a decision on a record."""
        return [letter for letter, sender in self.letters(decision[2:5]) if sender is decision]

    def _refused(self) -> dict[Where, list[Positions]]:
        """Of reference records that became dead letters for a fault, where that was decided."""
        refused: dict[Where, list[Positions]] = {}
        for where in self.dead_letters.of:
            if where[0] in REFERENCES:
                refused[where] = [
                    decision.reference
                    for letter, decision in self.letters(where)
                    if decision is not None and cause_of(dict(letter.headers)) != SET_ASIDE
                ]
        return {where: found for where, found in refused.items() if found}

    def decision_of(self, output: Output) -> Decision | None:
        """The decision that names an output among its effects.

        A stale order that comes again once it is forgotten is told again under the same id (law 4):
        of several the one whose digest is the output's.
        """
        named = output.entry.topic, output[1]
        candidates = self._producers.get(named)
        if candidates is None:
            return None
        if len(candidates) > 1:
            for decision in candidates:
                made = digest(decision.salt, output.entry.key, output.entry.value)
                if any(
                    (one.topic, one.id, one.digest) == (*named, made) for one in decision.effects
                ):
                    return decision
        return candidates[0]

    def _read_inputs(self) -> None:
        for topic in INPUTS:
            make = _maker(EVENT_TYPES[topic])
            for entry in self.history.of(topic):
                self.inputs[topic, entry.partition][entry.offset] = entry
                try:
                    fields = self._schemas.decode_strictly(topic, entry.value)
                    if topic != TICKS:
                        self._check_key(entry, fields["msisdn"])
                except Malformed as error:
                    self.malformed[entry[:3]] = error.fault
                else:
                    self.events[entry[:3]] = make(entry, fields)

    def _check_key(self, entry: Entry, msisdn: str) -> None:
        """A per-subscriber record is keyed by its own MSISDN and lies where that key belongs."""
        if entry.key is None or entry.key != msisdn.encode():
            raise Malformed("key_mismatch")
        if not is_msisdn(entry.key):
            raise Malformed("bad_msisdn")
        if partition_of(entry.key, self.history.partitions) != entry.partition:
            raise Malformed("wrong_partition")
        if len(entry.value or b"") > INPUT_VALUE_BYTES_MAX:
            raise Malformed("too_large")

    def _read_decisions(self) -> None:
        at = itemgetter("topic", "partition", "offset", "index")
        pick = itemgetter(*Decision._fields[6:-4])
        named = itemgetter(*Effect._fields)
        interned: dict[tuple[int, ...], tuple[int, ...]] = {}
        for entry in self.history.of(DECISIONS):
            try:
                fields = self._schemas.decode(DECISIONS, entry.value)
            except Malformed as error:
                self.malformed[entry[:3]] = error.fault
                continue
            positions = tuple(fields["reference"])
            fields["reference"] = interned.setdefault(positions, positions)
            self.decisions[entry.partition].append(
                Decision._make(
                    (
                        entry,
                        fields["sequence"],
                        *at(fields["cause"]),
                        *pick(fields),
                        tuple((row["topic"], row["id"]) for row in fields["evidence"]),
                        tuple(map(Effect._make, map(named, fields["effects"]))),
                        fields["salt"],
                        fields["seal"],
                    )
                )
            )

    def _read_reference(self, topic: str) -> list[Reference]:
        make = _policy if topic == POLICIES else _maker(REFERENCE_TYPES[topic])
        rows = []
        for entry in self.history.of(topic):
            self.inputs[topic, entry.partition][entry.offset] = entry
            try:
                rows.append(make(entry, self._schemas.decode_strictly(topic, entry.value)))
            except Malformed as error:
                self.malformed[entry[:3]] = error.fault
        return rows

    def _read_output(self, topic: str) -> list[Any]:
        make = _maker(OUTPUT_TYPES[topic])
        rows = []
        for entry in self.history.of(topic):
            try:
                rows.append(make(entry, self._schemas.decode(topic, entry.value)))
            except Malformed as error:
                self.malformed[entry[:3]] = error.fault
        if self.drained:
            return rows
        explained = self._explained(row.entry for row in rows if (topic, row[1]) in self._producers)
        kept = [row for row in rows if row.entry.offset <= explained[row.entry.partition]]
        self.beyond += len(rows) - len(kept)
        return kept

    def _within(self, letters: Sequence[Entry]) -> Sequence[Entry]:
        """The dead letters up to the last one that a decision read explains."""
        if self.drained:
            return letters
        prefix = self.history.prefix
        explained = self._explained(e for e in letters if origin(e, prefix) in self.decided)
        kept = [entry for entry in letters if entry.offset <= explained[entry.partition]]
        self.beyond += len(letters) - len(kept)
        return kept

    def _explained(self, entries: Iterable[Entry]) -> dict[int, int]:
        """The last offset on each partition of what decisions explain.

        A running history is cut where its decisions end: what lies behind was produced by decisions
        that were not read, and is not judged.
        """
        last: dict[int, int] = defaultdict(lambda: -1)
        for entry in entries:
            last[entry.partition] = max(last[entry.partition], entry.offset)
        return last

    def _index(self) -> None:
        """Look-ups that more than one law needs; the first taken is the one that counts."""
        self.first: dict[tuple[str, str, str], Event] = {}  # by topic, msisdn, id
        for decision in self.all_decisions():
            where = decision[2:5]
            event = self.events.get(where)
            if event is None or decision.topic == TICKS:
                continue
            if where in self.dead_letters.of and not self.dead_letters.is_remembered(where):
                continue
            name = EVENT_ID[decision.topic](event)
            self.first.setdefault((decision.topic, cast(Any, event).msisdn, name), event)
        self.prompts = {m.prompt_id: m for m in self.messages if m.prompt_id and m.kind == "PROMPT"}
        self.reports: dict[str, DeliveryReport] = {}
        self.settlements: dict[tuple[str, str], list[Settlement]] = defaultdict(list)
        for event in self.first.values():
            if isinstance(event, DeliveryReport):
                self.reports[event.message_id] = event
            elif isinstance(event, Settlement):
                self.settlements[event.msisdn, event.charge_id].append(event)
        self._sent = {
            (topic, output.msisdn, output[1])
            for topic, outputs in self.outputs
            for output in outputs
            if topic != ALARMS
        }
        self.charges_of: dict[tuple[str, str], list[Charge]] = defaultdict(list)
        for charge in self.charges:
            self.charges_of[charge.msisdn, charge.order_id].append(charge)
        self.verdicts_of: dict[tuple[str, str], list[Verdict]] = defaultdict(list)
        for verdict in self.verdicts:
            self.verdicts_of[verdict.msisdn, verdict.order_id].append(verdict)

    def order(self, msisdn: str, order_id: str | None) -> Order | None:
        """The order that was taken under this id, the first one."""
        found = self.first.get((ORDERS, msisdn, order_id or ""))
        return found if isinstance(found, Order) else None

    def exists(self, topic: str, msisdn: str, name: str) -> bool:
        """Whether a subscriber has an event that was taken, or an output, of this id."""
        return (topic, msisdn, name) in self.first or (topic, msisdn, name) in self._sent

    def ticked(self, partition: int) -> int:
        """The time to which ticks surely moved a partition whose last record was taken."""
        home, latest = (TICKS, partition), -1
        if not self.drained or self.history.committed is None:
            return latest
        for offset, entry in self.inputs.get(home, {}).items():
            taken = offset < self.history.committed.get(home, 0)
            if taken and entry[:3] in self.events and entry[:3] not in self.dead_letters.of:
                latest = max(latest, entry.timestamp)
        return latest

    def orders(self) -> Iterable[Order]:
        """Every order that was taken, once."""
        return (event for event in self.first.values() if isinstance(event, Order))

    def reply(self, msisdn: str, reply_id: str | None) -> Reply | None:
        """The reply that was taken under this id, the first one."""
        found = self.first.get((REPLIES, msisdn, reply_id or ""))
        return found if isinstance(found, Reply) else None


def is_msisdn(key: bytes) -> bool:
    """E.164 digits without '+': 7 to 15, the first not 0."""
    return 7 <= len(key) <= 15 and key.isdigit() and key[0] != ord("0")
