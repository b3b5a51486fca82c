"""The gate from end to end, on a partition in memory: any record, and exactly one answer.

The classes are the worker's own: reader, agent, outbox, reference log, the engine's partition with
its rows and store. In place of Kafka and RocksDB stand a list and a dictionary. A session is one
partition's life: reference data first, then records, ticks and now and then a new owner, who opens
what the last one left.
"""

from collections.abc import Callable, Iterable, Iterator
from random import Random
from typing import Any, NamedTuple

from streams import topics
from streams.codec.faults import Undecodable
from streams.codec.framing import header
from streams.codec.ids import repository
from streams.egress.dead_letters import CAUSE_HEADER, Header
from streams.egress.sealing import Salts
from streams.engine import Fatal, Partition
from streams.engine.positions import Positions
from streams.engine.rows import Generations
from streams.engine.store import Store
from streams.gate import repeats, settlements
from streams.gate.care import CARE_INCOMPLETE
from streams.gate.effects import Charge, RefundRequest
from streams.gate.events import CareAction, DeliveryReport, Order, Reply, Settlement, Tick
from streams.gate.reference import OperatorAct
from streams.gate.words import ActKind, CareKind, Channel, DeliveryStatus, Reason, SettlementOutcome
from streams.ingress.acts import QUARANTINED
from streams.job import make_job
from streams.reference.reader import REFERENCE_FAULT
from streams.reference.records import RECORD_TYPES, id_of
from streams.setting_rows import PREFIX as SETTINGS_PREFIX
from streams.settings import load
from tests.codec.samples import CODECS
from tests.fuzz.mutate import mutated, pick, spoilt
from tests.fuzz.records import READ_CAUSES, Raw, assert_shows_no_number, murmur2
from tests.fuzz.wire import bent, samples_of
from tests.gate.examples import (
    BEGINNING,
    DAY,
    HOUR,
    LIFE,
    LOCAL_PROVIDER,
    MINUTE,
    PROVIDER,
    SECOND,
    SENDER,
    SERVICES,
    credit,
)
from tests.gate.rules import draw_policy

PREFIX = "vas."
PARTITIONS = 2
NUMBER = 0  # the owner of partition 0 writes the dead letters of reference records too

RECORD, FOLD, REOPEN = range(3)

_TICK = topics.INPUTS.index(topics.TICKS)
_ACTS = topics.REFERENCES.index(topics.ACTS)
_DECISIONS = PREFIX + topics.DECISIONS
_LETTERS = PREFIX + topics.DEAD_LETTERS
_CHANGELOG = PREFIX + topics.CHANGELOG
_CHARGES = PREFIX + topics.CHARGES
_REFUNDS = PREFIX + topics.REFUNDS
_SET_ASIDE = (Reason.DEAD_LETTER, Reason.CONFLICT)
# Every cause of a dead letter; a new one is written down here, and in the operators' guide.
CAUSES = READ_CAUSES | {
    *(repeats.TIME_AHEAD, repeats.CONFLICT, repeats.NEGATIVE_PRICE, repeats.NEGATIVE_AMOUNT),
    *(settlements.CHARGE_UNKNOWN, settlements.REFUND_UNKNOWN, settlements.CONTRADICTS),
    *(CARE_INCOMPLETE, REFERENCE_FAULT, QUARANTINED),
}

# Numbers whose keys belong to partition 0 of 2.
_SUBSCRIBERS = tuple(
    number
    for number in (f"86138000{place:05}" for place in range(12))
    if murmur2(number.encode()) % PARTITIONS == NUMBER
)[:4]
_PROVINCES = ("guangdong", "hongkong", "sichuan", "")
_WORDS = ("Y", "是", "ｙｅｓ", "N", "0000", "QX", "qx 1", "TF", "345", "1", "2", "", "maybe")
_CALLS = ("call-1", "call-2", None)
_GAPS = (*[0] * 8, *[1, SECOND] * 6, MINUTE, LIFE, HOUR, 9 * HOUR)
_AGO = (*[0] * 9, SECOND, HOUR, 9 * DAY, -6 * SECOND, -SECOND)
_HEADERS = (("traceparent", b"00-4b"), (CAUSE_HEADER, b"truncated"), ("none", None), ("", b"\xff"))
_REFERENCE = (
    (topics.PROVIDERS, (PROVIDER, LOCAL_PROVIDER)),
    (topics.CREDITS, (credit(80),)),
    (topics.SERVICES, SERVICES),
)
# A policy is judged rule by rule, 0.5 to 2 ms, and seldom changes; `references` measures it.
_FOLDED = (*[name for name in topics.REFERENCES if name != topics.POLICIES] * 5, topics.POLICIES)
_NODES = {name: repository().newest(name).schema.root for name in topics.INPUTS + topics.REFERENCES}
_ENCODE = {
    name: CODECS.encoder(name, kind)
    for name, kind in (
        *zip(
            topics.INPUTS,
            (Order, Reply, DeliveryReport, Settlement, CareAction, Tick),
            strict=True,
        ),
        *RECORD_TYPES.items(),
    )
}
_SAMPLES = {name: samples_of(name, Random(3), 12) for name in topics.INPUTS + topics.REFERENCES}


class Step(NamedTuple):
    """What happens next: a record of an input, one of a reference topic, or a new owner."""

    what: int
    source: int  # the input, or the reference topic
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...] | None
    at: int


Sent = tuple[str, bytes | None, bytes | None, list[Header]]
"""(topic, key, value, headers)"""


class MemoryDatabase:
    """Sorted keys and values, in memory."""

    where = "memory"

    def __init__(self) -> None:
        self._held: dict[bytes, bytes] = {}
        self.get: Callable[[bytes], bytes | None] = self._held.get

    def write(self, writes: Iterable[tuple[bytes, bytes | None]]) -> None:
        for key, value in writes:
            if value is None:
                self._held.pop(key, None)
            else:
                self._held[key] = value

    def scan(self, start: bytes) -> Iterator[tuple[bytes, bytes]]:
        for key in sorted(each for each in self._held if each >= start):
            yield key, self._held[key]

    def flush(self) -> None:
        """Nothing is sorted later."""

    def failure(self, error: Exception) -> Fatal:
        raise error

    def close(self) -> None:
        """Nothing is held outside."""


class StoppedClock:
    """No decision rests on it."""

    def monotonic(self) -> float:
        return 0.0

    def now_ms(self) -> int:
        return 0


class Delivered(NamedTuple):
    """A delivery report's message."""

    at: int

    def offset(self) -> int:
        return self.at


class Whole:
    """One partition of the gate, fed with anything."""

    name = "end-to-end"
    session = 400

    def __init__(self) -> None:
        self._settings = load({f"{SETTINGS_PREFIX}DEAD_LETTERS_SHARE_MAX": "100"})

    # -- a session -------------------------------------------------------------------------------

    def begin(self, draw: Random) -> None:
        self._job = make_job(self._settings, CODECS, Salts().draw)
        self._database = MemoryDatabase()
        self._references = [0] * len(topics.REFERENCES)
        self._offsets = [0] * len(topics.INPUTS)
        self._folded: list[tuple[bytes | None, bytes | None]] = []
        self._sent: list[Sent] = []
        self._sequence = 0
        self._charged: dict[str, Charge] = {}
        self._refunds: dict[str, RefundRequest] = {}
        self._at = BEGINNING + DAY - pick((MINUTE, HOUR, 12 * HOUR), draw)
        self._events: list[tuple[str, Any]] = []
        self._ids = 0
        self._open(Positions(bytes(16), [0] * len(topics.INPUTS), [0] * len(topics.REFERENCES)))
        for name, known in _REFERENCE:
            for record in known:
                self._fold(topics.REFERENCES.index(name), *_keyed(name, record))
        # One session in ten has no policy at all, three in ten one with a strange field.
        if (chance := draw.random()) > 0.1:
            policy = _drawn_policy(draw, 1, BEGINNING)
            if chance < 0.4:
                policy = bent(_NODES[topics.POLICIES], policy, draw)
            key, value = _keyed(topics.POLICIES, policy)
            self._fold(topics.REFERENCES.index(topics.POLICIES), key, value)
        # A policy that was not taken is the first dead letter.
        self._turn([])
        self._sequence = sum(topic == _DECISIONS for topic, *_ in self._sent)

    def _open(self, positions: Positions) -> None:
        store = Store(self._database, b"fuzz", StoppedClock())
        tables = [each.spec for each in self._job.tables]
        ends = positions.next
        self._partition = Partition(
            NUMBER,
            PARTITIONS,
            self._job.config,
            store,
            positions,
            ends,
            tables,
            Generations(self._job.config.limits.cached_rows),
        )

    def _fold(self, topic: int, key: bytes | None, value: bytes | None) -> None:
        self._job.reference.fold(topic, Raw(key, value, None, self._at, self._references[topic]))
        self._references[topic] += 1
        self._folded.append((key, value))

    # -- what is drawn ---------------------------------------------------------------------------

    def draw(self, draw: Random) -> Step:
        self._at += pick(_GAPS, draw)
        chance = draw.random()
        if chance < 0.01:
            return Step(REOPEN, 0, None, None, None, self._at)
        if chance < 0.03:
            return self._reference(draw)
        if chance < 0.13:
            return self._tick(draw)
        name, event = self._event(draw)
        key: bytes | None = event.msisdn.encode()
        if chance < 0.25:
            event = bent(_NODES[name], event, draw)
            if draw.random() < 0.8:
                event = event._replace(msisdn=key.decode() if key else "")
        value: bytes | None = _ENCODE[name](event)
        if chance > 0.97:
            samples = _SAMPLES[name]
            sample = pick(samples, draw)
            value = header(sample.release.id) + spoilt(sample, samples, draw)
        elif chance > 0.87 and value is not None:
            value = mutated(value, draw)
        elif chance > 0.86:
            value = None
        elif chance > 0.84 and key is not None:
            key = mutated(key, draw) if draw.random() < 0.8 else None
        headers = None
        if draw.random() < 0.1:
            headers = tuple(pick(_HEADERS, draw) for _ in range(int(draw.random() * 4)))
        return Step(RECORD, topics.INPUTS.index(name), key, value, headers, self._at)

    def _reference(self, draw: Random) -> Step:
        """A price, a policy, an act of an operator changes; or bytes are there."""
        name = pick(_FOLDED, draw)
        topic = topics.REFERENCES.index(name)
        catalogue = self._job.reference.catalogue
        if name == topics.SERVICES and draw.random() < 0.8:
            service = pick(SERVICES, draw)
            sold = catalogue.service(service.service_id)
            changed = bent(_NODES[name], sold or service, draw)
            version = sold.version + 1 if sold else 1
            kept = changed._replace(service_id=service.service_id, version=version)
            return Step(FOLD, topic, *_keyed(name, kept), None, self._at)
        if name == topics.POLICIES and draw.random() < 0.8:
            version = catalogue.policy_version("operator") + 1
            policy = _drawn_policy(draw, version, self._at + pick((0, 1, HOUR), draw))
            if draw.random() < 0.7:
                policy = bent(_NODES[name], policy, draw)
            return Step(FOLD, topic, *_keyed(name, policy), None, self._at)
        if name == topics.ACTS and draw.random() < 0.8:
            act = self._act(draw)
            return Step(FOLD, topic, *_keyed(name, act), None, self._at)
        samples = _SAMPLES[name]
        sample = pick(samples, draw)
        value = header(sample.release.id) + spoilt(sample, samples, draw)
        try:
            key = id_of(CODECS.decode(name, value)).encode()
        except Undecodable:
            key = b"some"
        return Step(FOLD, topic, key, value, None, self._at)

    def _act(self, draw: Random) -> OperatorAct:
        """An operator sets one of the next records aside, or lets them be unreadable; or a record
        of reference data, be it there or not.
        """
        self._ids += 1
        if draw.random() < 0.15:
            topic = int(draw.random() * len(topics.REFERENCES))
            offset = int(draw.random() * (self._references[topic] + 1))
            name = topics.REFERENCES[topic]
            act_id = f"act-{self._ids}"
            return OperatorAct(act_id, ActKind.QUARANTINE, name, 0, offset, 1, "wei", "why")
        source = int(draw.random() * len(topics.INPUTS))
        offset = self._offsets[source] + int(draw.random() * 3)
        kind = pick((ActKind.QUARANTINE, ActKind.RAISE_LIMIT), draw)
        name = topics.INPUTS[source]
        return OperatorAct(f"act-{self._ids}", kind, name, NUMBER, offset, 1, "wei", "why")

    def _tick(self, draw: Random) -> Step:
        at = self._at - pick((0, 0, SECOND, HOUR), draw)
        value = _ENCODE[topics.TICKS](Tick("t", at))
        if draw.random() < 0.1:
            value = mutated(value, draw)
        return Step(RECORD, _TICK, None, value, None, at)

    def _event(self, draw: Random) -> tuple[str, Any]:
        """A record as it should be, one in ten an earlier one again."""
        if self._events and draw.random() < 0.1:
            name, event = pick(self._events[-8:], draw)
            return name, bent(_NODES[name], event, draw)._replace(msisdn=event.msisdn)
        self._ids += 1
        made = self._made(f"{self._ids}", self._at, draw)
        self._events.append(made)
        return made

    def _made(self, name: str, at: int, draw: Random) -> tuple[str, Any]:
        chance = draw.random()
        msisdn = pick(_SUBSCRIBERS, draw)
        ago = at - pick(_AGO, draw)
        if chance < 0.4:
            return topics.ORDERS, self._order(f"o-{name}", msisdn, ago, draw)
        if chance < 0.75:
            return topics.REPLIES, self._reply(f"r-{name}", msisdn, ago, draw)
        if chance < 0.78:
            status = pick(tuple(DeliveryStatus), draw)
            return topics.DELIVERY_REPORTS, DeliveryReport(f"d-{name}", "m-1", msisdn, status, ago)
        if chance < 0.9:
            return topics.SETTLEMENTS, self._settlement(f"s-{name}", msisdn, ago, draw)
        return topics.CARE, self._care(f"a-{name}", msisdn, ago, draw)

    def _order(self, name: str, msisdn: str, ago: int, draw: Random) -> Order:
        service = pick(SERVICES, draw)
        service = self._job.reference.catalogue.service(service.service_id) or service
        return Order(
            name,
            msisdn,
            service.provider_id,
            service.service_id,
            service.line,
            service.price_minor,
            service.currency,
            pick(_PROVINCES, draw),
            ago,
            "smsc-1",
            pick(_CALLS, draw) if service.line is Channel.IVR else None,
        )

    def _reply(self, name: str, msisdn: str, ago: int, draw: Random) -> Reply:
        """Mostly an answer to a prompt that is open, in its words or with its code."""
        row = self._partition.rows("subscribers").get(msisdn.encode())
        text = pick(_WORDS, draw)
        if row is None or not row.prompts or draw.random() < 0.2:
            channel = Channel.IVR if draw.random() < 0.2 else Channel.SMS
            return Reply(name, msisdn, channel, SENDER, text, ago, pick(_CALLS, draw))
        prompt = pick(row.prompts, draw)
        at = prompt.issued_at if draw.random() < 0.7 else ago
        if prompt.channel is Channel.IVR:
            digit = prompt.code or "1" if draw.random() < 0.7 else text
            return Reply(name, msisdn, Channel.IVR, SENDER, digit, at, prompt.call_id)
        if draw.random() < 0.6:
            text = pick((prompt.code, f"Y{prompt.code}", f"{prompt.code}n"), draw)
        return Reply(name, msisdn, Channel.SMS, SENDER, text, at, None)

    def _settlement(self, name: str, msisdn: str, ago: int, draw: Random) -> Settlement:
        """Mostly of a charge or a refund that was asked for."""
        outcome = pick(tuple(SettlementOutcome), draw)
        if self._refunds and draw.random() < 0.5:
            refund = pick(tuple(self._refunds.values())[-6:], draw)
            return Settlement(
                *(name, refund.charge_id, refund.refund_id, refund.msisdn, outcome),
                *(refund.amount_minor, refund.currency, None, ago),
            )
        if not self._charged:
            return Settlement(name, "c-?", None, msisdn, outcome, 200, "CNY", None, ago)
        charge = pick(tuple(self._charged.values())[-6:], draw)
        return Settlement(
            *(
                name,
                charge.charge_id,
                pick((None, None, None, "f-?"), draw),
                charge.msisdn,
                outcome,
            ),
            *(charge.price_minor, charge.currency, None, ago),
        )

    def _care(self, name: str, msisdn: str, ago: int, draw: Random) -> CareAction:
        kind = pick(tuple(CareKind), draw)
        complaint = pick((None, "q-1", "q-2"), draw)
        amount = pick((None, None, 1, 200, 0), draw)
        charge_id, order_id = pick((None, "c-?"), draw), pick((None, "o-?"), draw)
        if self._charged and draw.random() < 0.8:
            charge = pick(tuple(self._charged.values())[-6:], draw)
            msisdn = charge.msisdn
            charge_id, order_id = pick(((charge.charge_id, None), (None, charge.order_id)), draw)
        return CareAction(
            *(name, msisdn, kind, complaint, charge_id, order_id, None, "why", amount),
            *(None, "agent-1", "they called", ago, pick((None, None, "sms-1"), draw)),
        )

    # -- what is taken ---------------------------------------------------------------------------

    def produce(
        self,
        topic: str,
        value: bytes | None,
        key: bytes | None,
        partition: int,
        on_delivery: Any = None,
        headers: list[Header] | None = None,
    ) -> None:
        """As a producer's: what is sent, in order."""
        assert partition == NUMBER
        self._sent.append((topic, key, value, headers or []))
        if on_delivery is not None:
            on_delivery(None, Delivered(len(self._sent)))

    def take(self, made: Step) -> list[Sent]:
        self._sent = []
        taken = []
        if made.what == REOPEN:
            self._open(Positions.load(self._partition.store.positions))
        elif made.what == FOLD:
            self._fold(made.source, made.key, made.value)
        else:
            offset = self._offsets[made.source]
            self._offsets[made.source] += 1
            record: Any = Raw(made.key, made.value, made.headers, made.at, offset)
            taken = [(made.source, record, made.at)]
        self._turn(taken)
        return self._sent

    def _turn(self, taken: list[Any]) -> None:
        """As the engine does it, with a transaction that is always committed."""
        partition = self._partition
        producer: Any = self
        partition.begin(producer, taken, self._references)
        self._job.decide(partition)
        partition.flush()
        partition.finish()

    def answers(self, found: list[Sent]) -> int:
        """A tick may close any number of prompts."""
        return max(1, sum(topic == _DECISIONS for topic, *_ in found))

    # -- what must hold --------------------------------------------------------------------------

    def judge(self, made: Step, found: list[Sent]) -> None:
        decisions = [
            CODECS.decode(topics.DECISIONS, value)
            for topic, _, value, _ in found
            if topic == _DECISIONS
        ]
        letters = [sent for sent in found if sent[0] == _LETTERS]
        for decision in decisions:
            assert decision.sequence == self._sequence, "the chain has a hole"
            self._sequence += 1
        outputs = [sent for sent in found if sent[0] not in (_DECISIONS, _CHANGELOG)]
        assert len(outputs) == sum(len(each.effects) for each in decisions)
        assert all(len(value or b"") < topics.OUTPUT_BYTES_MAX for _, _, value, _ in found)
        self._remember(found)
        answers = [each for each in decisions if each.cause.index == 0]
        aside = [each for each in answers if each.reason in _SET_ASIDE]
        assert len(letters) == len(aside), "a dead letter without its decision, or the reverse"
        due = [each for each in decisions if each.cause.index != 0]
        assert all(each.cause.topic == topics.TICKS for each in due)
        if made.what == RECORD and made.source != _TICK:
            (answer,) = answers
            assert not due
            offset = self._offsets[made.source] - 1
            assert answer.cause[:3] == (topics.INPUTS[made.source], NUMBER, offset)
        elif made.what == RECORD:
            assert answers == aside, "a tick is decided only when it cannot be read"
        elif made.what == FOLD:
            # An act may take several out of force.
            assert (
                len(answers) == len(letters) <= (1 if made.source != _ACTS else len(self._folded))
            )
        else:
            assert not decisions
        for letter in letters:
            self._is_untouched(made, letter)

    def _remember(self, found: list[Sent]) -> None:
        """What was charged and is to be given back. Law 2: nothing is charged twice."""
        for topic, _, value, _ in found:
            if topic == _CHARGES:
                charge = CODECS.decode(topics.CHARGES, value)
                assert charge.charge_id not in self._charged, "charged twice"
                self._charged[charge.charge_id] = charge
            elif topic == _REFUNDS:
                refund = CODECS.decode(topics.REFUNDS, value)
                assert refund.refund_id not in self._refunds, "given back twice"
                self._refunds[refund.refund_id] = refund

    def _is_untouched(self, made: Step, letter: Sent) -> None:
        """A dead letter is the record as it came, with a cause that operators know."""
        _, key, value, headers = letter
        assert (key, value) in ([(made.key, made.value)] if made.what == RECORD else self._folded)
        before = list(made.headers or ())
        assert headers[: len(before)] == before
        told = dict(headers[len(before) :])
        assert (told[CAUSE_HEADER] or b"").decode() in CAUSES
        if made.what == RECORD:
            for text in told.values():
                assert_shows_no_number((text or b"").decode(), made.key)


def _keyed(name: str, record: Any) -> tuple[bytes, bytes]:
    """Key and value of a reference record."""
    return id_of(record).encode(), _ENCODE[name](record)


def _drawn_policy(draw: Random, version: int, effective_from: int) -> Any:
    """A policy whose alarms are within reach."""
    policy = draw_policy(draw, version, effective_from)
    few = pick((1, 3, 100), draw)
    return policy._replace(alarm_dead_letters=few, alarm_limit_refusals=few)
