"""From raw records of the reference topics to the catalogue, or to a fault."""

import pytest

from streams import topics
from streams.codec.classes import types_of
from streams.codec.codecs import Codecs
from streams.gate import reference, words
from streams.gate.catalogue import Catalogue
from streams.gate.reference import (
    Congestion,
    CreditChange,
    Gateway,
    Names,
    OperatorAct,
    Provider,
    Service,
)
from streams.gate.words import (
    ActKind,
    Channel,
    CongestionState,
    ProviderStatus,
    Scope,
    ServiceStatus,
)
from streams.reference.reader import Fault, ReferenceReader
from streams.reference.records import RECORD_TYPES, Record, id_of

CODECS = Codecs.from_repository(types_of(words, reference))
NAMES = Names("华语", "Huayu")
PROVIDER = Provider("huayu", NAMES, Scope.NATIONAL, None, ProviderStatus.ACTIVE, 1, "wei", "start")

RECORDS: dict[str, Record] = {
    topics.PROVIDERS: PROVIDER,
    topics.CREDITS: CreditChange(
        "c1", "huayu", Channel.SMS, "GD", 80, None, "opening", 0, 1, "wei", "start"
    ),
    topics.SERVICES: Service(
        "joke", "huayu", Channel.SMS, NAMES, 100, "CNY", "A1", ServiceStatus.ON_SALE, 1, "wei", ""
    ),
    topics.GATEWAYS: Gateway("GD", 900, 400, 0, 1, "wei", "start"),
    topics.ACTS: OperatorAct("a1", ActKind.QUARANTINE, "orders.v1", 0, 7, 1, "wei", "start"),
    topics.CONGESTION: Congestion("GD", CongestionState.CONGESTED, 0, 1, "dispatcher", "queue"),
}


def encoded(topic: str, record: Record) -> bytes:
    return CODECS.encoder(topic, RECORD_TYPES[topic])(record)


def reader() -> ReferenceReader:
    return ReferenceReader(CODECS, Catalogue())


@pytest.mark.parametrize("topic", RECORDS)
def test_a_good_record_of_each_topic_is_taken(topic: str) -> None:
    """What was written under its id is taken as it was, once; the same version again is a fault."""
    record = RECORDS[topic]
    reading = reader()
    key, value = id_of(record).encode(), encoded(topic, record)
    assert reading.read(topic, key, value) == record
    assert reading.take(topic, key, value) is None
    again = reading.take(topic, key, value)
    assert again is not None
    assert again.cause == "reference_fault"
    assert "comes as version 1, but its next version is 2" in again.sentence


@pytest.mark.parametrize(
    ("value", "cause"),
    [
        (None, "no_value"),
        (b"{}", "wrong_magic"),
        (b"\0\0\0\0\1x", "unknown_schema"),
        (encoded(topics.PROVIDERS, PROVIDER)[:-3], "truncated"),
        (encoded(topics.PROVIDERS, PROVIDER) + b"x", "overlong"),
    ],
)
def test_what_cannot_be_read_is_a_fault(value: bytes | None, cause: str) -> None:
    """A value that is no such record is a fault with the codec's cause, and nothing is taken."""
    reading = reader()
    fault = reading.take(topics.PROVIDERS, b"huayu", value)
    assert fault is not None
    assert fault.cause == cause
    assert not reading.catalogue.providers


@pytest.mark.parametrize("key", [None, b"", b"other"])
def test_a_record_lies_under_its_id(key: bytes | None) -> None:
    """A record under another key than its id is a fault; the key itself is not shown."""
    fault = reader().take(topics.PROVIDERS, key, encoded(topics.PROVIDERS, PROVIDER))
    assert fault is not None
    assert fault.cause == "key_mismatch"
    assert "the record's id is 'huayu'" in fault.sentence


def test_after_a_fault_the_last_good_version_stays_in_force() -> None:
    """A faulty next version changes nothing; a good one after it is taken."""
    reading = reader()
    homeless = PROVIDER._replace(version=2, scope=Scope.LOCAL)
    suspended = PROVIDER._replace(version=2, status=ProviderStatus.SUSPENDED)
    faults: list[Fault | None] = [
        reading.take(topics.PROVIDERS, b"huayu", encoded(topics.PROVIDERS, record))
        for record in (PROVIDER, homeless, suspended)
    ]
    assert [fault and fault.cause for fault in faults] == [None, "reference_fault", None]
    assert reading.catalogue.provider("huayu") == suspended
