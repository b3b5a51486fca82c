"""What an engine should have written, and whether it did: from Kafka alone, by the words of W1.

It shares no code with any engine. A partition is audited by itself, since an event and its outputs
have one key: an output elsewhere is unexpected there and missing here.
"""

from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeAlias

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from tests.peers import workload
from tests.peers.workload import CHARGE, CHARGES, DAY_MS, ORDER, PROMPT, PROMPTS, Fields

OutputId: TypeAlias = tuple[str, str]
"""The output's topic (prompts or charges) and the id of its order."""

_COPIED = ("order_id", "msisdn", "sp_id", "service_id", "price_fen")
_SCHEMAS = {PROMPTS: PROMPT, CHARGES: CHARGE}
_READ_MOST = 10_000
_READ_S = 0.2


class Findings(NamedTuple):
    """What was held against the model, and how many outputs were found at fault."""

    events: int
    outputs: int
    missing: int
    unexpected: int
    doubled: int
    wrong: int  # with another field, key or schema than the model's, or unreadable

    @property
    def is_exact(self) -> bool:
        """Whether the outputs are exactly those of the model."""
        return not (self.missing or self.unexpected or self.doubled or self.wrong)

    def __str__(self) -> str:
        """In words, for a table."""
        if self.is_exact:
            return "exact"
        faults = {name: getattr(self, name) for name in self._fields[2:]}
        return ", ".join(f"{count:,} {name}" for name, count in faults.items() if count)


class Model:
    """The specification, one event at a time."""

    def __init__(self) -> None:
        self._seen: set[tuple[str, str, int, str]] = set()
        self._granted: dict[tuple[str, str, int], int] = {}
        # By msisdn: orders that wait, by service and day, the oldest prompt first.
        self._open: defaultdict[str, OrderedDict[tuple[str, int], list[Fields]]]
        self._open = defaultdict(OrderedDict)

    def step(self, schema_id: int, event: Fields) -> list[tuple[str, Fields]]:
        """The outputs of one event: topic, and those fields that W1 prescribes."""
        return self._order(event) if schema_id == ORDER else self._reply(event)

    def _order(self, order: Fields) -> list[tuple[str, Fields]]:
        msisdn, service, day = order["msisdn"], order["service_id"], order["ordered_at"] // DAY_MS
        if (msisdn, service, day, order["order_id"]) in self._seen:
            return []
        self._seen.add((msisdn, service, day, order["order_id"]))
        consented_at = self._granted.get((msisdn, service, day))
        if consented_at is not None:
            return [_charge(order, consented_at)]
        waiting = self._open[msisdn].setdefault((service, day), [])
        waiting.append(order)
        if len(waiting) > 1:
            return []
        return [(PROMPTS, {"prompt_id": "p-" + order["order_id"], **_copied(order)})]

    def _reply(self, reply: Fields) -> list[tuple[str, Fields]]:
        prompts = self._open[reply["msisdn"]]
        if not prompts:
            return []
        (service, day), waiting = prompts.popitem(last=False)
        if reply["text"] != "Y":
            return []
        self._granted[reply["msisdn"], service, day] = reply["received_at"]
        return [_charge(order, reply["received_at"]) for order in waiting]


def _copied(order: Fields) -> Fields:
    return {name: order[name] for name in _COPIED}


def _charge(order: Fields, consented_at: int) -> tuple[str, Fields]:
    charge_id = "c-" + order["order_id"]
    return CHARGES, {"charge_id": charge_id, "consented_at": consented_at, **_copied(order)}


def judge(events: Iterable[bytes], outputs: Iterable[tuple[str, bytes | None, bytes]]) -> Findings:
    """Hold one partition's outputs (topic, key, value) against its events (values, in order)."""
    model, expected, count = Model(), dict[OutputId, Fields](), 0
    for event in events:
        count += 1
        for name, fields in model.step(*workload.decode(event)):
            expected[name, fields["order_id"]] = fields
    met: set[OutputId] = set()
    written = unexpected = doubled = wrong = 0
    for name, key, value in outputs:
        written += 1
        try:
            schema_id, found = workload.decode(value)
            output = name, found["order_id"]
        except (ValueError, EOFError, LookupError):
            wrong += 1
            continue
        fields = expected.get(output, {})
        if not fields:
            unexpected += 1
        elif output in met:
            doubled += 1
        elif (
            schema_id != _SCHEMAS[name]
            or key != fields["msisdn"].encode()
            or any(found[field] != said for field, said in fields.items())
        ):
            wrong += 1
        met.add(output)
    missing = len(expected.keys() - met)
    return Findings(count, written, missing, unexpected, doubled, wrong)


def check(bootstrap: str, prefix: str, events: int) -> Findings:
    """Judge a whole run, partition by partition, by what is committed now.

    RuntimeError if its log has not so many events: then nothing is proved by what came of them.
    """
    found = []
    for number in range(workload.PARTITIONS):
        log = (value_of(each) for each in read(bootstrap, prefix, workload.EVENTS, number))
        outputs = (
            (name, key_of(each), value_of(each))
            for name in workload.OUTPUTS
            for each in read(bootstrap, prefix, name, number)
        )
        found.append(judge(log, outputs))
    whole = Findings(*(sum(column) for column in zip(*found, strict=True)))
    if whole.events != events:
        raise RuntimeError(f"{whole.events:,} events in the log, not {events:,}")
    return whole


def caused_at(bootstrap: str, prefix: str) -> dict[OutputId, int]:
    """By output: the CreateTime in ms of the event that causes it."""
    caused = {}
    for number in range(workload.PARTITIONS):
        model = Model()
        for message in read(bootstrap, prefix, workload.EVENTS, number):
            for name, fields in model.step(*workload.decode(value_of(message))):
                caused[name, fields["order_id"]] = message.timestamp()[1]
    return caused


def read(bootstrap: str, prefix: str, name: str, partition: int) -> Iterator[Message]:
    """What is committed in one partition, from its beginning to its present end."""
    consumer = Consumer(reader(bootstrap) | {"enable.partition.eof": True})
    try:
        consumer.assign([TopicPartition(workload.topic(prefix, name), partition, 0)])
        while True:
            for message in consumer.consume(_READ_MOST, _READ_S):
                error = message.error()
                if error is None:
                    yield message
                elif error.code() == KafkaError._PARTITION_EOF:
                    return
                else:
                    raise KafkaException(error)
    finally:
        consumer.close()


def reader(bootstrap: str) -> dict[str, str | int | float | bool]:
    """Settings of a consumer that sees what is committed, soon, and commits nothing itself."""
    return {
        "bootstrap.servers": bootstrap,
        "group.id": "peers-reader",
        "enable.auto.commit": False,
        "isolation.level": "read_committed",
        "fetch.wait.max.ms": 20,
        "fetch.error.backoff.ms": 20,
        "queued.min.messages": 200_000,
    }


def value_of(message: Message) -> bytes:
    """Its value: W1 has no tombstones."""
    value = message.value()
    assert value is not None
    return value


def key_of(message: Message) -> bytes | None:
    """Its key, as bytes."""
    return message.key()
