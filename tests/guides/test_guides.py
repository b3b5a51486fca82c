"""The programs in the guides are taken out of them and run against a real broker."""

import json
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition, murmur2

from streams import clients, provision, topics
from streams.broker import EmbeddedBroker
from streams.codec.classes import types_of
from streams.codec.codecs import Codecs
from streams.codec.faults import CAUSES
from streams.egress.dead_letters import CAUSE_HEADER
from streams.gate import effects, events, words
from streams.gate.care import CARE_INCOMPLETE
from streams.gate.effects import Charge, RefundRequest
from streams.gate.repeats import CONFLICT, NEGATIVE_AMOUNT, NEGATIVE_PRICE, TIME_AHEAD
from streams.gate.settlements import CHARGE_UNKNOWN, CONTRADICTS, REFUND_UNKNOWN
from streams.gate.words import CareKind, Channel, Confirmation, RefundReason, SettlementOutcome
from streams.ingress import read
from streams.settings import Settings, load

ROOT = Path(__file__).parents[2]
PUBLISHING = (ROOT / "deploy/publishing.md").read_text("utf-8")
BILLING = (ROOT / "deploy/billing.md").read_text("utf-8")
RELEASED = ROOT / "schemas/released"
CODECS = Codecs.from_repository(types_of(words, events, effects))
PARTITIONS = 4
_PATIENCE_S = 60.0


@pytest.fixture
def settings(kafka: EmbeddedBroker, prefix: str) -> Settings:
    """Topics of one's own."""
    made = load(
        {
            "TOLLGATE_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
            "TOLLGATE_TOPIC_PREFIX": prefix,
            "TOLLGATE_PARTITIONS": str(PARTITIONS),
        }
    )
    provision.apply(made)
    return made


def test_the_publishing_example_publishes(settings: Settings, tmp_path: Path) -> None:
    """Orders that go in as JSON lines lie on their key's partition, readable, in order."""
    (order,) = (json.loads(block) for block in _blocks(PUBLISHING, "json"))
    orders = [
        order | {"order_id": f"o-{number}", "msisdn": str(8613900000000 + number % 7)}
        for number in range(50)
    ]
    (schema,) = RELEASED.glob("*-orders.v1.avsc")
    topic = settings.topic_prefix + topics.ORDERS
    done = subprocess.run(
        [
            *(sys.executable, _program(PUBLISHING, tmp_path)),
            *(settings.bootstrap_servers, str(schema), topic),
        ],
        input="".join(json.dumps(each) + "\n" for each in orders),
        text=True,
        capture_output=True,
        timeout=_PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = _found(settings, topics.ORDERS, 50)
    by_number: dict[str, list[str]] = {}
    for partition, key, read_order in found:
        assert key == read_order.msisdn.encode()
        assert partition == murmur2(key, PARTITIONS)
        by_number.setdefault(read_order.msisdn, []).append(read_order.order_id)
    wanted: dict[str, list[str]] = {}
    for each in orders:
        wanted.setdefault(each["msisdn"], []).append(each["order_id"])
    assert by_number == wanted
    assert found[0][2].price_minor == order["price_minor"]


def test_the_billing_example_takes_each_charge_once(settings: Settings, tmp_path: Path) -> None:
    """What was aborted is never taken, what is repeated is taken once and settled alike."""
    ledger = tmp_path / "ledger.db"
    program = _program(BILLING, tmp_path)
    charges = [_charge(number) for number in range(20)]
    _put(settings, charges, commit=True)
    _put(settings, [_charge(99)], commit=False)
    _put(settings, charges[:5], commit=True)
    with _billing(settings, program, ledger):
        first = _found(settings, topics.SETTLEMENTS, 25)
    _put(settings, charges[5:8], commit=True)
    with _billing(settings, program, ledger):
        settlements = [record for _, _, record in _found(settings, topics.SETTLEMENTS, 28)]
    assert len(first) == 25
    assert {s.charge_id for s in settlements} == {c.charge_id for c in charges}
    assert len(set(settlements)) == 20
    assert all(s.outcome is SettlementOutcome.CHARGED for s in settlements)
    assert sqlite3.connect(ledger).execute("select count(*) from booked").fetchone() == (20,)


def test_billing_stops_at_a_charge_with_another_amount(settings: Settings, tmp_path: Path) -> None:
    """A charge id that comes again with another amount ends the example before any offset goes."""
    charge = _charge(1)
    _put(settings, [charge, charge._replace(price_minor=900)], commit=True)
    command = _bill(settings, _program(BILLING, tmp_path), tmp_path / "ledger.db")
    done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_S, check=False)
    assert done.returncode == 1
    assert f"{charge.charge_id} came again with another amount" in done.stderr


def test_the_billing_example_gives_each_refund_back_once(
    settings: Settings, tmp_path: Path
) -> None:
    """A refund request that comes twice is answered twice alike, with its own id and amount."""
    charge = _charge(1)
    refund = RefundRequest(
        "f-1", charge.charge_id, charge.msisdn, 40, "CNY", None, RefundReason.CARE, 3
    )
    _put(settings, [charge, refund, refund], commit=True)
    with _billing(settings, _program(BILLING, tmp_path), tmp_path / "ledger.db"):
        found = [record for _, _, record in _found(settings, topics.SETTLEMENTS, 3)]
    by_outcome = {each.outcome: each for each in found}
    assert len(set(found)) == 2
    taken, given = by_outcome[SettlementOutcome.CHARGED], by_outcome[SettlementOutcome.REFUNDED]
    assert (taken.refund_id, taken.amount_minor) == (None, charge.price_minor)
    assert (given.refund_id, given.charge_id, given.amount_minor) == ("f-1", charge.charge_id, 40)


def test_the_guide_names_every_cause_of_a_dead_letter() -> None:
    """The table of causes has every word that a dead letter can carry."""
    named = set(re.findall(r"`([a-z_]+)`", PUBLISHING.partition("| cause |")[2]))
    of_the_gate = {TIME_AHEAD, CONFLICT, NEGATIVE_AMOUNT, NEGATIVE_PRICE, CARE_INCOMPLETE}
    of_billing = {CHARGE_UNKNOWN, REFUND_UNKNOWN, CONTRADICTS}
    of_the_edge = {read.NO_KEY, read.BAD_MSISDN, read.WRONG_PARTITION, read.KEY_MISMATCH}
    assert {*CAUSES, *of_the_gate, *of_billing, *of_the_edge} <= named
    assert of_billing <= set(re.findall(r"`([a-z_]+)`", BILLING))
    assert f"`{CAUSE_HEADER}`" in PUBLISHING


def test_the_guide_names_every_kind_of_care() -> None:
    """Whoever writes care actions finds what each kind needs."""
    table = PUBLISHING.partition("| kind | needs | does |")[2].partition("\n\n")[0]
    assert set(re.findall(r"\b[A-Z]{4,}\b", table)) == set(CareKind) - {CareKind.UNKNOWN}


def test_the_guides_link_and_name_what_is_there() -> None:
    """Every file of the repository that a guide names exists."""
    for guide in (PUBLISHING, BILLING):
        for name in re.findall(r"`(schemas/[a-z.0-9-]+\.avsc)`|\]\(([a-z]+\.md)\)", guide):
            path = ROOT / name[0] if name[0] else ROOT / "deploy" / name[1]
            assert path.is_file(), path


def _blocks(guide: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", guide, re.DOTALL)


def _program(guide: str, folder: Path) -> str:
    """The one Python program of a guide, as a file."""
    (program,) = _blocks(guide, "python")
    file = folder / "program.py"
    file.write_text(program, "utf-8")
    return str(file)


def _charge(number: int) -> Charge:
    return Charge(
        charge_id=f"c-{number}",
        order_id=f"o-{number}",
        msisdn=str(8613900000000 + number),
        provider_id="huayin",
        service_id="joke",
        charge_code="1",
        channel=Channel.SMS,
        price_minor=100 + number,
        currency="CNY",
        province="GD",
        day=20_000,
        confirmation=Confirmation.OFF,
        prompt_id=None,
        reply_id=None,
        policy_id="notice",
        policy_version=1,
        ordered_at=1,
        consented_at=None,
        approved_at=2,
    )


def _put(settings: Settings, records: Sequence[Charge | RefundRequest], *, commit: bool) -> None:
    """Publish charges and refund requests in a transaction, as the gate does."""
    producer = Producer(
        clients.producer(settings, "tests") | {"transactional.id": settings.topic_prefix}
    )
    producer.init_transactions(_PATIENCE_S)
    producer.begin_transaction()
    for record in records:
        topic = topics.CHARGES if isinstance(record, Charge) else topics.REFUNDS
        value = CODECS.encoder(topic, type(record))(record)
        producer.produce(settings.topic_prefix + topic, value, record.msisdn.encode())
    producer.flush(_PATIENCE_S)
    if commit:
        producer.commit_transaction(_PATIENCE_S)
    else:
        producer.abort_transaction(_PATIENCE_S)


def _bill(settings: Settings, program: str, ledger: Path) -> list[str]:
    where = settings.bootstrap_servers
    return [sys.executable, program, where, str(RELEASED), str(ledger), settings.topic_prefix]


@contextmanager
def _billing(settings: Settings, program: str, ledger: Path) -> Iterator[None]:
    """The example running as a service, ended as a service is."""
    with subprocess.Popen(_bill(settings, program, ledger)) as service:
        try:
            yield
            service.send_signal(signal.SIGTERM)
            assert service.wait(_PATIENCE_S) == 0
        finally:
            if service.poll() is None:
                service.kill()


def _found(settings: Settings, name: str, count: int) -> list[tuple[int, bytes, Any]]:
    """The first `count` records of a topic: (partition, key, record)."""
    consumer = Consumer(clients.reader(settings, "tests"))
    topic = settings.topic_prefix + name
    consumer.assign([TopicPartition(topic, number, 0) for number in range(PARTITIONS)])
    found: list[tuple[int, bytes, Any]] = []
    deadline = time.monotonic() + _PATIENCE_S
    while len(found) < count:
        assert time.monotonic() < deadline, f"{len(found)} of {count} records of {name}"
        for record in consumer.consume(count - len(found), 0.2):
            partition, key = record.partition(), record.key()
            assert record.error() is None
            assert partition is not None
            assert key is not None
            found.append((partition, key, CODECS.decode(name, record.value())))
    consumer.close()
    return found
