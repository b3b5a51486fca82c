"""Bytes that do not conform: each cause by example, and mutations nobody chose."""

import copy
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.codec.classes import Classes
from streams.codec.faults import CAUSES, Undecodable
from streams.codec.framing import header
from streams.codec.generate_decoder import make_decoder
from streams.codec.ids import repository
from streams.codec.resolve import slow_reader
from streams.codec.schema import Schema
from streams.codec.strict import EMPTY_ITEMS_MAX, read_body
from streams.codec.varint import varint, zigzag
from tests.codec.samples import (
    CODECS,
    TABLES,
    TOPICS,
    TYPES,
    as_json,
    codec_of,
    fastavro_read,
    record_of,
    values,
)

SAMPLE = record_of(
    {"name": "text", "type": "string"},
    {"name": "flag", "type": "boolean"},
    {"name": "small", "type": "int"},
    {"name": "large", "type": "long"},
    {
        "name": "word",
        "type": {"type": "enum", "name": "Word", "symbols": ["UNKNOWN", "A"], "default": "UNKNOWN"},
    },
    {"name": "maybe", "type": ["null", "string"]},
    {"name": "many", "type": {"type": "array", "items": "bytes"}},
    {"name": "digest", "type": {"type": "fixed", "name": "Two", "size": 2}},
)
GOOD = {
    "text": b"\x06abc",
    "flag": b"\x01",
    "small": b"\x02",
    "large": b"\x04",
    "word": b"\x02",
    "maybe": b"\x02\x02x",
    "many": b"\x02\x02y\x00",
    "digest": b"zz",
}
HUGE = varint(zigzag(1 << 40))
ENDLESS = b"\xff" * 10 + b"\x01"
OVER_64_BITS = b"\xff" * 9 + b"\x02"
OVER_32_BITS = varint(1 << 32)

BROKEN = [
    ("text", b"\x01abc", "bad_length"),  # -1
    ("text", HUGE, "bad_length"),
    ("text", OVER_64_BITS, "bad_length"),
    ("text", ENDLESS, "bad_varint"),
    ("text", b"\x04\xff\xfe", "bad_text"),
    ("text", b"\x06\xed\xa0\x80", "bad_text"),  # a surrogate
    ("flag", b"\x02", "bad_boolean"),
    ("flag", b"\xff", "bad_boolean"),
    ("small", OVER_32_BITS, "out_of_range"),
    ("small", OVER_64_BITS, "out_of_range"),
    ("small", ENDLESS, "bad_varint"),
    ("large", OVER_64_BITS, "out_of_range"),
    ("large", ENDLESS, "bad_varint"),
    ("word", b"\x04", "bad_enum"),
    ("word", b"\x01", "bad_enum"),  # -1
    ("word", HUGE, "bad_enum"),
    ("word", ENDLESS, "bad_varint"),
    ("maybe", b"\x04", "bad_union"),
    ("maybe", b"\x01", "bad_union"),
    ("maybe", b"\x02\x04\xff\xfe", "bad_text"),
    ("many", HUGE, "bad_length"),
    ("many", varint(zigzag(1 << 60)), "bad_length"),
    ("many", varint(zigzag(-(1 << 63))), "bad_length"),
    ("many", b"\x02\x01", "bad_length"),
    ("many", b"\x01\x06\x02y\x00", "bad_length"),  # a block that states another size
    ("many", b"\x01\x01\x02y\x00", "bad_length"),  # a negative block size
    ("many", b"\x01\x40\x02y\x00", "bad_length"),  # a block that states more than there is
]


def body_with(**changed: bytes) -> bytes:
    return b"".join((GOOD | changed).values())


def decoders(writer: Schema, reader: Schema | None = None) -> list[Any]:
    """The generated way and the slow way: whatever is true must be true of both."""
    return [make(writer, reader or writer, Classes({}), 0) for make in (make_decoder, slow_reader)]


def test_the_unbroken_sample_is_read() -> None:
    """The body that the others are broken from is right."""
    for decode in decoders(SAMPLE):
        assert tuple(decode(body_with())) == (("abc", True, 1, 2, "A", "x", (b"y",), b"zz"))


@pytest.mark.parametrize(("field", "bytes_", "cause"), BROKEN)
def test_each_fault_has_its_cause(field: str, bytes_: bytes, cause: str) -> None:
    """A fault is named the same whichever way the bytes were read, and says where it is."""
    for decode in decoders(SAMPLE):
        with pytest.raises(Undecodable) as caught:
            decode(body_with(**{field: bytes_}))
        assert caught.value.cause == cause
        assert f"Sample.{field}" in caught.value.detail


def test_every_shorter_body_is_truncated_and_every_longer_one_overlong() -> None:
    """A body cut anywhere is truncated; one with anything after its end is overlong."""
    body = body_with()
    for decode in decoders(SAMPLE):
        for end in range(len(body)):
            with pytest.raises(Undecodable) as caught:
                decode(body[:end])
            assert caught.value.cause == "truncated"
        with pytest.raises(Undecodable) as caught:
            decode(body + b"\0")
        assert caught.value.cause == "overlong"


@pytest.mark.parametrize(
    ("value", "cause"),
    [
        (None, "no_value"),
        (b"", "no_value"),
        (b"\x01\0\0\0\0rest", "wrong_magic"),
        (b"{", "wrong_magic"),
        (b"\0\0\0", "truncated"),
        (b"\0\0\0\0\x07rest", "unknown_schema"),
        (b"\0\xff\xff\xff\xffrest", "unknown_schema"),
    ],
)
def test_each_fault_of_the_framing_has_its_cause(value: bytes | None, cause: str) -> None:
    """What is before the body is judged first."""
    with pytest.raises(Undecodable) as caught:
        CODECS.decode("orders.v1", value)
    assert caught.value.cause == cause


def test_a_record_of_another_topic_is_an_unknown_schema_here() -> None:
    """A reply's schema id among the orders is refused by its name, without reading it."""
    reply = codec_of("replies.v1").encode(
        TYPES["Reply"]("R1", "46700000001", TYPES["Channel"]("SMS"), "10086", "y", 1, None)
    )
    with pytest.raises(Undecodable, match=r"is for replies\.v1, not orders\.v1") as caught:
        CODECS.decode("orders.v1", reply)
    assert caught.value.cause == "unknown_schema"


@pytest.mark.parametrize(("row", "cause"), [(b"", "no_value"), (b"\0x", "unknown_schema")])
def test_a_row_of_no_version_is_refused(row: bytes, cause: str) -> None:
    """A state row says its version first."""
    with pytest.raises(Undecodable) as caught:
        codec_of("state/seen").decode(row)
    assert caught.value.cause == cause


def test_every_cause_is_a_stable_word_and_survives_a_process() -> None:
    """Causes are the contract's words, and a fault can be copied or pickled."""
    assert len(CAUSES) == 12
    again = copy.copy(Undecodable("bad_text", "Order.source is not UTF-8"))
    assert (again.cause, again.detail) == ("bad_text", "Order.source is not UTF-8")


@pytest.mark.parametrize("items", ["null", {"type": "record", "name": "Nothing", "fields": []}])
def test_items_without_bytes_are_counted(items: Any) -> None:
    """A count that costs no bytes is bounded over the whole body, however it is spread."""
    nothing = record_of(
        {
            "name": "many",
            "type": {"type": "array", "items": {"type": "array", "items": items}},
        }
    )
    for decode in decoders(nothing):
        assert len(decode(b"\x02" + varint(zigzag(1000)) + b"\0\0").many[0]) == 1000
        full = varint(zigzag(EMPTY_ITEMS_MAX))
        for body in (
            b"\x02" + varint(zigzag(1 << 60)) + b"\0\0",
            b"\x02" + varint(zigzag(-(1 << 60))) + b"\0\0\0",
            b"\x04" + (full + b"\0") * 2 + b"\0",
            b"\x02" + full * 2 + b"\0\0",
        ):
            with pytest.raises(Undecodable) as caught:
                decode(body)
            assert caught.value.cause == "bad_length"


@pytest.mark.parametrize(
    "items",
    [
        "string",
        "boolean",
        {"type": "fixed", "name": "Two", "size": 2},
        {"type": "array", "items": {"type": "fixed", "name": "Two", "size": 2}},
        ["null", "long"],
        {"type": "long", "logicalType": "timestamp-millis"},
        {"type": "record", "name": "R", "fields": [{"name": "f", "type": ["null", "int"]}]},
    ],
    ids=str,
)
@pytest.mark.parametrize("count", [1 << 20, 1 << 40, 1 << 60, -(1 << 60)])
def test_a_count_beyond_the_bytes_ends_at_once(items: Any, count: int) -> None:
    """However many items are claimed, no more are read than there are bytes."""
    many = record_of({"name": "many", "type": {"type": "array", "items": items}})
    for decode in decoders(many):
        with pytest.raises(Undecodable) as caught:
            decode(varint(zigzag(count)) + b"\2\2\2\2\2\2\0")
        assert caught.value.cause == ("truncated" if count == 1 << 20 else "bad_length")


def test_depth_is_bounded() -> None:
    """A body of a recursive schema that goes on and on is refused, not followed."""
    node = record_of({"name": "next", "type": ["null", "Node"], "default": None}, name="Node")
    for decode in decoders(node):
        assert decode(b"\x02" * 20 + b"\0").next.next.next is not None
        with pytest.raises(Undecodable) as caught:
            decode(b"\x02" * 100_000 + b"\0")
        assert caught.value.cause == "bad_length"


def test_blocks_with_sizes_and_long_forms_of_numbers_are_read() -> None:
    """What Avro allows but few write is read: sized blocks, several blocks, padded numbers."""
    for decode in decoders(SAMPLE):
        assert decode(body_with(many=b"\x01\x04\x02y\x02\x02x\x00")).many == (b"y", b"x")
        assert decode(body_with(many=b"\x80\x00")).many == ()
        assert decode(body_with(many=b"\x02\x02x\x80\x00")).many == (b"x",)
        assert decode(body_with(word=b"\x82\x00")).word == "A"
        assert decode(body_with(maybe=b"\x80\x00")).maybe is None
        assert decode(body_with(large=b"\x84\x80\x80\x00")).large == 2


def test_a_padded_end_of_an_array_is_its_end() -> None:
    """An end written in two bytes is not taken for an empty block before another one."""
    codec = codec_of("state/subscribers")
    body = b"\x80\x00" + bytes(5)
    assert codec.decode(b"\x02" + body).prompts == ()
    with pytest.raises(Undecodable) as caught:
        codec.decode(b"\x02" + body + b"\x00")
    assert caught.value.cause == "overlong"


def mutated(value: bytes, draw: random.Random) -> bytes:
    """One to three random changes: a byte, a cut, an insertion, a doubling, a huge number."""
    out = bytearray(value)
    for _ in range(draw.randint(1, 3)):
        at = draw.randrange(len(out) + 1)
        match draw.randrange(6):
            case 0:
                out[at : at + 1] = bytes([draw.randrange(256)])
            case 1:
                del out[at : at + draw.randint(1, 8)]
            case 2:
                out[at:at] = draw.randbytes(draw.randint(1, 8))
            case 3:
                out[at:at] = out[at : at + draw.randint(1, 20)]
            case 4:
                out[at:at] = draw.choice((HUGE, ENDLESS, OVER_64_BITS, b"\x01", b"\xff\x0f"))
            case _:
                out[at : at + 1] = (
                    bytes([out[at] ^ 1 << draw.randrange(8)]) if at < len(out) else b""
                )
    return bytes(out)


@pytest.mark.parametrize("name", [*TOPICS, *TABLES])
@settings(max_examples=40, deadline=None)
@given(choice=st.data(), seed=st.integers(0, 1 << 32))
def test_any_bytes_give_a_record_or_undecodable(name: str, choice: Any, seed: int) -> None:
    """Mutated bytes are read, and then as fastavro reads them, or refused with a cause; ours."""
    codec = codec_of(name)
    written = codec.encode(choice.draw(values(codec.schema.root, Classes(TYPES))))
    draw = random.Random(seed)
    for _ in range(8):
        body = mutated(written[codec.body_at :], draw)
        assert_judged_alike(codec.schema, codec.decode, written[: codec.body_at], body)


def assert_judged_alike(schema: Schema, decode: Any, head: bytes, body: bytes) -> None:
    """The generated decoder, the strict walk and fastavro agree on what is readable."""
    found, cause = outcome_of(decode, head + body)
    _, strict_cause = outcome_of(
        lambda value: read_body(schema.root, value, len(head)), head + body
    )
    assert cause == strict_cause
    if cause is None:
        assert fastavro_read(schema, body) == as_json(found)


def outcome_of(read: Any, value: bytes) -> tuple[Any, str | None]:
    """What was read, or the cause why not; any other exception ends the test."""
    try:
        return read(value), None
    except Undecodable as refused:
        return None, refused.cause


@settings(max_examples=200, deadline=None)
@given(body=st.binary(max_size=200))
def test_noise_is_judged_alike(body: bytes) -> None:
    """Pure noise as well."""
    for name in ("orders.v1", "decisions.v1"):
        schema = repository().newest(name).schema
        codec = codec_of(name)
        head = header(repository().newest(name).id)
        assert_judged_alike(schema, codec.decode, head, body)
