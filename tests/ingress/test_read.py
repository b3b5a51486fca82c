"""One record becomes an event, or is unreadable for a stated cause; nothing is quoted."""

from typing import NamedTuple

import pytest
from confluent_kafka import murmur2
from hypothesis import given
from hypothesis import strategies as st

from streams import topics
from streams.codec.faults import CAUSES
from streams.gate.events import Order, Reply, Tick
from streams.gate.words import Channel
from streams.ingress.read import (
    BAD_MSISDN,
    KEY_MISMATCH,
    NO_KEY,
    TICK,
    WRONG_PARTITION,
    Reader,
    Unreadable,
    is_msisdn,
)
from tests.codec.samples import CODECS

NUMBER = "8613900000001"
ORDER = Order("L1", NUMBER, "SP1", "S1", Channel.SMS, 200, "CNY", "GD", 1, "C", None)
VALUE = CODECS.encoder(topics.ORDERS, Order)(ORDER)
PARTITIONS = 8
HOME = murmur2(NUMBER.encode(), PARTITIONS)
ORDERS = topics.INPUTS.index(topics.ORDERS)
READER = Reader(CODECS)


class Record(NamedTuple):
    """A Kafka message, as far as reading looks at it."""

    raw_key: bytes | None
    raw_value: bytes | None

    def key(self) -> bytes | None:
        return self.raw_key

    def value(self) -> bytes | None:
        return self.raw_value


def read(key: bytes | None, value: bytes | None, partition: int = HOME) -> object:
    """What becomes of an order's record."""
    return READER.read(ORDERS, Record(key, value), partition, PARTITIONS)


def cause(key: bytes | None, value: bytes | None, partition: int = HOME) -> str:
    """Why a record is no event."""
    found = read(key, value, partition)
    assert isinstance(found, Unreadable)
    assert found.detail
    assert NUMBER not in found.detail
    return found.cause


def test_a_good_record_is_its_event() -> None:
    """What its centre wrote comes out, field for field."""
    assert read(NUMBER.encode(), VALUE) == ORDER


@pytest.mark.parametrize(
    "key", [b"1234567", b"861390000000001", b"46700000001"], ids=["shortest", "longest", "usual"]
)
def test_seven_to_fifteen_digits_are_a_number(key: bytes) -> None:
    """The shortest and the longest number that E.164 leaves are accepted."""
    assert is_msisdn(key)


@pytest.mark.parametrize(
    "key",
    [
        b"",
        b"123456",
        b"8613900000000001",
        b"0123456789",
        b"+46700000001",
        b"4670000000a",
        b" 46700000001",
        b"46700000001\n",
        "４６７００００００１".encode(),
        b"\xff" * 10,
    ],
)
def test_what_cannot_be_a_number_is_refused(key: bytes) -> None:
    """Too short or long, a leading zero, a sign, blanks, letters, other scripts' digits."""
    assert not is_msisdn(key)
    assert cause(key, VALUE) == BAD_MSISDN


def test_a_record_without_a_key_says_so() -> None:
    """No key has a cause of its own: nobody can be meant."""
    assert cause(None, VALUE) == NO_KEY


def test_a_record_on_another_partition_names_the_right_one() -> None:
    """A writer with another partitioner is told where the key belongs."""
    found = read(NUMBER.encode(), VALUE, (HOME + 1) % PARTITIONS)
    assert isinstance(found, Unreadable)
    assert found.cause == WRONG_PARTITION
    assert f"partition {HOME}" in found.detail
    assert "murmur2" in found.detail


def test_the_number_inside_must_be_the_key() -> None:
    """A record keyed by one subscriber and speaking of another is nobody's order."""
    other = ORDER._replace(msisdn="8613900000002")
    value = CODECS.encoder(topics.ORDERS, Order)(other)
    assert cause(NUMBER.encode(), value) == KEY_MISMATCH


def test_another_inputs_record_is_unreadable() -> None:
    """A reply on the orders' topic is not taken for an order."""
    stray = Reply("r", NUMBER, Channel.SMS, "10086", "Y", 1, None)
    value = CODECS.encoder(topics.REPLIES, Reply)(stray)
    assert cause(NUMBER.encode(), value) == "unknown_schema"


@given(value=st.binary(max_size=60) | st.binary(max_size=60).map(lambda tail: VALUE[:5] + tail))
def test_no_bytes_stop_the_reader(value: bytes) -> None:
    """Whatever a value holds, it is an order or unreadable for a known cause."""
    found = read(NUMBER.encode(), value)
    if isinstance(found, Unreadable):
        assert found.cause in (*CAUSES, KEY_MISMATCH)
    else:
        assert isinstance(found, Order)


def test_a_tick_is_judged_by_its_bytes_alone() -> None:
    """A tick has no key and no subscriber; only its bytes must be a tick's."""
    value = CODECS.encoder(topics.TICKS, Tick)(Tick("t", 1))
    assert READER.tick_fault(Record(None, value)) is None
    fault = READER.tick_fault(Record(None, value + b"\0"))
    assert fault is not None
    assert fault.cause == "overlong"
    assert topics.INPUTS[TICK] == topics.TICKS
