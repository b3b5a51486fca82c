"""A writer's schema and a reader's that are not the same: resolution, both ways alike."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.codec.classes import Classes
from streams.codec.codecs import Codecs
from streams.codec.faults import Irreconcilable, SchemaFault, Undecodable
from streams.codec.generate_decoder import make_decoder
from streams.codec.generate_encoder import make_encoder
from streams.codec.ids import Release, Released
from streams.codec.resolve import slow_reader
from streams.codec.schema import Schema
from tests.codec.samples import as_json, fastavro_read, fastavro_write, record_of, schema_of, values


def word(*symbols: str, default: str | None = "UNKNOWN") -> dict[str, Any]:
    """An enum type made up here."""
    return {"type": "enum", "name": "Word", "symbols": list(symbols)} | (
        {"default": default} if default else {}
    )


INNER_1 = {"type": "record", "name": "Inner", "fields": [{"name": "a", "type": "int"}]}
INNER_2 = {
    "type": "record",
    "name": "Inner",
    "fields": [{"name": "b", "type": "string", "default": "b"}, *INNER_1["fields"]],
}

V1 = record_of(
    {"name": "id", "type": "string"},
    {"name": "gone", "type": ["null", "string"], "default": None},
    {"name": "count", "type": "int"},
    {"name": "old_name", "type": "string"},
    {"name": "word", "type": word("UNKNOWN", "A", "B", "C")},
    {"name": "inner", "type": {"type": "array", "items": INNER_1}},
    {"name": "gone_too", "type": {"type": "array", "items": "Inner"}, "default": []},
)
V2 = record_of(
    {"name": "fresh", "type": ["null", "long"], "default": None},
    {"name": "id", "type": "string"},
    {"name": "new_name", "type": "string", "aliases": ["old_name"]},
    {"name": "word", "type": ["null", word("UNKNOWN", "A", "D")], "default": None},
    {"name": "inner", "type": {"type": "array", "items": INNER_2}},
    {"name": "count", "type": "long"},
    {"name": "list", "type": {"type": "array", "items": "Word"}, "default": ["A", "D"]},
    {"name": "nested", "type": "Inner", "default": {"b": "x", "a": 7}},
)


def both(writer: Schema, reader: Schema) -> list[Any]:
    """The generated reader and the slow one."""
    return [make(writer, reader, Classes({}), 0) for make in (make_decoder, slow_reader)]


@settings(max_examples=100, deadline=None)
@given(value=values(V1.root, Classes({})))
def test_a_new_reader_reads_an_old_writer(value: Any) -> None:
    """Missing fields take their defaults, removed ones are skipped, aliases and promotions hold."""
    body = make_encoder(V1, b"")(value)
    expected = fastavro_read(V1, body, V2)
    for read in both(V1, V2):
        found = read(body)
        assert as_json(found) == expected
        assert (found.id, found.new_name, found.count) == (value.id, value.old_name, value.count)
        assert found.word == (value.word if value.word == "A" else "UNKNOWN")
        assert found.list == ("A", "D")
        assert found.nested == ("x", 7)


@settings(max_examples=50, deadline=None)
@given(value=values(V2.root, Classes({})))
def test_a_union_that_became_plain_is_read_unless_it_is_null(value: Any) -> None:
    """An old reader without null reads a new writer's values, and refuses its nulls by cause."""
    reader = record_of({"name": "word", "type": word("UNKNOWN", "A", "D")})
    body = make_encoder(V2, b"")(value)
    for read in both(V2, reader):
        if value.word is None:
            with pytest.raises(Undecodable) as caught:
                read(body)
            assert caught.value.cause == "bad_union"
        else:
            assert read(body).word == value.word


def test_an_unknown_symbol_without_default_is_a_bad_enum() -> None:
    """A symbol the reader does not know and has no default for is refused by cause."""
    writer = record_of({"name": "word", "type": word("UNKNOWN", "A", "B")})
    reader = record_of({"name": "word", "type": word("UNKNOWN", "A", default=None)})
    for read in both(writer, reader):
        assert read(b"\x02").word == "A"
        with pytest.raises(Undecodable) as caught:
            read(b"\x04")
        assert caught.value.cause == "bad_enum"


@pytest.mark.parametrize(
    ("writer", "reader"),
    [
        (record_of({"name": "x", "type": "string"}), record_of({"name": "x", "type": "int"})),
        (record_of({"name": "x", "type": "long"}), record_of({"name": "x", "type": "int"})),
        (record_of({"name": "x", "type": "int"}), record_of({"name": "y", "type": "int"})),
        (record_of({"name": "x", "type": "int"}), record_of({"name": "x", "type": INNER_1})),
        (record_of(name="One"), record_of(name="Other")),
    ],
)
def test_schemas_that_never_fit_are_refused_at_once(writer: Schema, reader: Schema) -> None:
    """What no record of the writer could satisfy is said when the decoder is made."""
    with pytest.raises(Irreconcilable):
        make_decoder(writer, reader, Classes({}), 0)


UNUSUAL = record_of(
    {"name": "map", "type": {"type": "map", "values": ["null", "double"]}},
    {"name": "float", "type": "float"},
    {"name": "choice", "type": ["string", "null", "long", INNER_1, word("UNKNOWN", "A")]},
    {"name": "reversed", "type": ["long", "null"]},
    {"name": "rest", "type": {"type": "array", "items": "Unusual"}},
    name="Unusual",
)
# Values of a recursive schema cannot be drawn without an end; its own kind stays empty.
FLAT = record_of(
    *(field for field in UNUSUAL.json["fields"] if field["name"] != "rest"),
    {"name": "rest", "type": {"type": "array", "items": "null"}},
    name="Unusual",
)


@settings(max_examples=100, deadline=None)
@given(value=values(FLAT.root, Classes({})))
def test_what_the_generator_does_not_know_goes_the_slow_way(value: Any) -> None:
    """Maps, floats, wide unions and recursion are written and read as fastavro does."""
    value = value._replace(rest=())
    body = make_encoder(UNUSUAL, b"")(value)
    assert body == fastavro_write(UNUSUAL, value)
    for read in both(UNUSUAL, UNUSUAL):
        assert as_json(read(body)) == as_json(value)


@given(number=st.integers(-(1 << 31), (1 << 31) - 1))
def test_promotions_beyond_ours_are_fastavros(number: int) -> None:
    """An int read as a double, a text read as bytes: right, if slower."""
    writer = record_of({"name": "n", "type": "int"}, {"name": "s", "type": "string"})
    reader = record_of({"name": "n", "type": "double"}, {"name": "s", "type": "bytes"})
    body = make_encoder(writer, b"")((number, "é"))
    for read in both(writer, reader):
        assert read(body) == (float(number), "é".encode())


def test_defaults_of_bytes_are_bytes() -> None:
    """Avro writes a default of bytes as text, one code point a byte (fastavro leaves it so)."""
    two = {"type": "fixed", "name": "Two", "size": 2}
    reader = record_of(
        {"name": "b", "type": "bytes", "default": "\u00ff\u0000"},
        {"name": "f", "type": two, "default": "\u0001\u00fe"},
        {"name": "d", "type": "double", "default": 1},
        {"name": "m", "type": {"type": "map", "values": "bytes"}, "default": {"k": "\u0080"}},
        {"name": "r", "type": INNER_1, "default": {"a": 1}},
        {"name": "u", "type": ["string", "null"], "default": "text"},
    )
    for read in both(record_of(), reader):
        assert read(b"") == (b"\xff\0", b"\x01\xfe", 1.0, {"k": b"\x80"}, (1,), "text")


def test_reversed_unions_keep_their_own_order() -> None:
    """A union that names null last is written by its own indices."""
    schema = record_of({"name": "x", "type": ["string", "null"]})
    encode = make_encoder(schema, b"")
    assert encode((None,)) == b"\x02"
    assert encode(("a",)) == b"\x00\x02a"
    for read in both(schema, schema):
        assert read(b"\x02").x is None
        assert read(b"\x00\x02a").x == "a"


def test_an_enum_of_more_symbols_than_one_byte_holds_is_read() -> None:
    """A hundred symbols need two bytes for the last ones."""
    symbols = ["UNKNOWN", *(f"S{index}" for index in range(99))]
    schema = record_of({"name": "x", "type": word(*symbols)})
    encode = make_encoder(schema, b"")
    for read in both(schema, schema):
        for symbol in symbols:
            assert read(encode((symbol,))).x == symbol
        with pytest.raises(Undecodable, match="bad_enum"):
            read(b"\xc8\x01")


def release(schema_id: int, version: int, schema: Schema, name: str = "orders.v1") -> Release:
    return Release(schema_id, name, version, schema)


def test_every_release_and_every_known_foreign_schema_is_read_as_the_newest() -> None:
    """Old and new writers may be mixed in one topic; a foreign id is asked for once."""
    foreign = record_of({"name": "id", "type": "string"}, {"name": "more", "type": "long"})
    newest = record_of({"name": "id", "type": "string"}, {"name": "n", "type": "int", "default": 3})
    oldest = record_of({"name": "id", "type": "string"})
    asked = []

    def look_up(schema_id: int) -> Schema | None:
        asked.append(schema_id)
        return {9: foreign, 8: record_of(name="Other"), 7: schema_of("string")}.get(schema_id)

    codecs = Codecs({}, Released([release(1, 1, oldest), release(2, 2, newest)]), look_up)
    decode = codecs.decoder("orders.v1")
    for value in (b"\0\0\0\0\x01\x02a", b"\0\0\0\0\x02\x02a\x06", b"\0\0\0\0\x09\x02a\x08"):
        for _ in range(2):
            assert decode(value) == ("a", 3)
    assert asked == [9]
    for unknown in (8, 7, 6):
        with pytest.raises(Undecodable, match=f"schema id {unknown} ") as caught:
            decode(b"\0\0\0\0" + bytes((unknown,)) + b"\x02a")
        assert caught.value.cause == "unknown_schema"


def test_every_released_version_of_a_row_is_read() -> None:
    """A row's first byte says which release wrote it."""
    old = record_of({"name": "id", "type": "string"}, name="Row")
    new = record_of(
        {"name": "id", "type": "string"}, {"name": "n", "type": "int", "default": 3}, name="Row"
    )
    released = [release(1, 1, old, "state/rows"), release(2, 2, new, "state/rows")]
    row_type = type(make_decoder(new, new, Classes({}), 0)(b"\x02a\x00"))
    dump, load = Codecs({}, Released(released)).row_codec("rows", row_type)
    assert load(b"\x01\x02a") == ("a", 3)
    assert dump(row_type("a", 4)) == b"\x02\x02a\x08"
    assert load(dump(row_type("a", 4))) == ("a", 4)


def test_a_class_that_does_not_fit_its_schema_is_refused_when_asked_for() -> None:
    """Positional records must have the schema's fields in its order; else nothing would notice."""
    from streams.gate.events import Reply

    schema = record_of({"name": "reply_id", "type": "string"}, name="Reply")
    codecs = Codecs({"Reply": Reply}, Released([release(1, 1, schema, "replies.v1")]))
    with pytest.raises(SchemaFault, match="Class Reply does not have the fields"):
        codecs.encoder("replies.v1", Reply)
    with pytest.raises(SchemaFault, match="Class Reply does not have the fields"):
        codecs.decoder("replies.v1")
    with pytest.raises(SchemaFault, match="No schema of other is released"):
        codecs.decoder("other")


@pytest.mark.parametrize(
    "source",
    [
        "nonsense",
        {"type": "record", "name": "R", "fields": [{"name": "x", "type": "Missing"}]},
        {"type": "record", "name": "R", "fields": [{"name": "x"}]},
        {"type": "fixed", "name": "F"},
        [
            "null",
            {"type": "enum", "name": "E", "symbols": ["A"]},
            {"type": "fixed", "name": "E", "size": 2},
        ],
        {},
        7,
    ],
)
def test_a_schema_that_is_none_is_named(source: Any) -> None:
    """What is no schema is a fault that names the file."""
    with pytest.raises(SchemaFault, match="Schema made-up is not a valid Avro schema"):
        schema_of(source)
