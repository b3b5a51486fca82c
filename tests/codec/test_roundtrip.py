"""Our codec against fastavro, for every schema of the repository, on values nobody chose."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.codec.classes import Classes
from streams.codec.faults import Unencodable
from streams.codec.ids import repository
from streams.codec.schema import Record
from streams.job import asks_nothing
from tests.codec.samples import (
    TABLES,
    TOPICS,
    TYPES,
    as_json,
    codec_of,
    fastavro_read,
    fastavro_write,
    values,
)

every_schema = pytest.mark.parametrize("name", [*TOPICS, *TABLES])


@every_schema
@settings(max_examples=60, deadline=None)
@given(choice=st.data())
def test_both_write_the_same_bytes_and_read_the_same_values(name: str, choice: Any) -> None:
    """Our bytes are fastavro's bytes, and each reads what the other wrote."""
    codec = codec_of(name)
    value = choice.draw(values(codec.schema.root, Classes(TYPES)))
    written = codec.encode(value)
    assert written[codec.body_at :] == fastavro_write(codec.schema, value)
    assert fastavro_read(codec.schema, written[codec.body_at :]) == as_json(value)
    read = codec.decode(written)
    assert read == value
    assert type(read) is type(value)


@every_schema
def test_every_enum_member_comes_back_as_itself(name: str) -> None:
    """What was read holds members of the product's enums, not bare text."""
    codec = codec_of(name)
    assert isinstance(codec.schema.root, Record)
    for field in codec.schema.root.fields:
        kind = getattr(field.type, "name", "").rpartition(".")[2]
        if not hasattr(field.type, "symbols"):
            continue
        members = list(TYPES[kind])  # type: ignore[call-overload]
        assert [str(member) for member in members] == list(field.type.symbols)


@pytest.mark.parametrize("length", [127, 128, 32_767, 32_768, 200_000])
def test_texts_of_any_length_are_written(length: int) -> None:
    """A text beyond the encoder's table takes the slow way and gives the same bytes."""
    codec = codec_of("replies.v1")
    reply = TYPES["Reply"](
        "R1", "46700000001", TYPES["Channel"]("SMS"), "10086", "y" * length, 1, None
    )
    assert codec.encode(reply)[5:] == fastavro_write(codec.schema, reply)
    assert codec.decode(codec.encode(reply)) == reply


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("order_id", None),
        ("order_id", b"bytes"),
        ("order_id", "\ud800"),
        ("channel", "PIGEON"),
        ("channel", None),
        ("price_minor", 1 << 63),
        ("price_minor", -(1 << 63) - 1),
        ("price_minor", 2.0),
        ("price_minor", "2"),
        ("call_id", 7),
    ],
)
def test_a_wrong_field_is_named_and_never_quoted(field: str, value: Any) -> None:
    """A record that its schema does not allow is our own fault: the field is named."""
    order = TYPES["Order"](
        "L1", "46700000001", "SP1", "S1", TYPES["Channel"]("SMS"), 200, "CNY", "Hunan", 1, "C", None
    )
    encode = codec_of("orders.v1").encode
    with pytest.raises(Unencodable, match=rf"orders\.v1\.{field} ") as caught:
        encode(order._replace(**{field: value}))
    assert "46700000001" not in str(caught.value)


def test_numbers_are_written_up_to_their_bits_and_no_further() -> None:
    """The largest and smallest 32-bit numbers pass; one beyond is named."""
    codec = codec_of("credits.v1")
    change = TYPES["CreditChange"](
        "C1", "SP1", TYPES["Channel"]("SMS"), "Hunan", None, -5, "late", 1, 1, "me", "why"
    )
    for number in ((1 << 31) - 1, -(1 << 31)):
        assert codec.decode(codec.encode(change._replace(delta=number))).delta == number
    for number in (1 << 31, -(1 << 31) - 1):
        with pytest.raises(Unencodable, match=r"credits\.v1\.version must be a int"):
            codec.encode(change._replace(version=number))


def test_an_array_is_never_taken_from_nothing() -> None:
    """None in place of an array is a fault, not an empty array."""
    with pytest.raises(Unencodable, match="prompts must be a tuple"):
        codec_of("state/subscribers").encode(
            TYPES["Subscriber"](None, (), "", False, None, None, 0)
        )


@settings(max_examples=100, deadline=None)
@given(choice=st.data())
def test_who_is_asked_nothing_is_told_from_the_packed_row(choice: Any) -> None:
    """In every version there is, so that a restart need not unpack those who wait for nothing."""
    for release in repository().of("state/subscribers"):
        root = release.schema.root
        assert isinstance(root, Record)
        assert root.fields[0].name == "prompts"
    codec = codec_of("state/subscribers")
    row = choice.draw(values(codec.schema.root, Classes(TYPES)))
    assert asks_nothing(codec.encode(row)) == (not row.prompts)


def test_a_fixed_of_another_size_is_refused() -> None:
    """A digest must have all its bytes."""
    with pytest.raises(Unencodable, match="digest must be 16 bytes"):
        codec_of("state/seen").encode(TYPES["Seen"](b"short", 1))


@settings(max_examples=100, deadline=None)
@given(
    start=st.integers(0, 1 << 42) | st.sampled_from([1 << 34, 1 << 41, 1_796_083_200_000]),
    steps=st.lists(st.integers(-20_000, 20_000), max_size=8),
)
def test_times_that_share_their_upper_part_are_told_apart(start: int, steps: list[int]) -> None:
    """Neighbouring times, and their negatives, come back exactly, known upper part or not."""
    codec = codec_of("ticks.v1")
    for step in (0, *steps, 0):
        for at in (start + step, -start - step):
            tick = TYPES["Tick"]("t", at)
            written = codec.encode(tick)
            assert written[5:] == fastavro_write(codec.schema, tick)
            assert codec.decode(written) == tick
