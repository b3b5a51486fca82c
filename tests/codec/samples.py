"""What the codec's tests share: the product's classes, every schema's values, fastavro's view."""

import io
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import fastavro
from hypothesis import strategies as st

from streams.codec.classes import Classes, types_of
from streams.codec.codecs import Codecs
from streams.codec.ids import repository
from streams.codec.schema import (
    Array,
    Enum,
    Fixed,
    Map,
    Node,
    Primitive,
    Record,
    Schema,
    Union,
    parse_schema,
    short,
)
from streams.egress import records
from streams.gate import effects, events, reference, rows, words

TYPES = types_of(words, events, effects, reference, rows, records)
CODECS = Codecs.from_repository(TYPES)
TOPICS = tuple(name for name in repository().by_name if not name.startswith("state/"))
TABLES = tuple(name for name in repository().by_name if name.startswith("state/"))
HEADER_BYTES = 5

INT = st.integers(-(1 << 31), (1 << 31) - 1)
LONG = st.integers(-(1 << 63), (1 << 63) - 1) | st.integers(0, 1 << 41) | st.integers(-200, 200)
_PRIMITIVES: dict[str, st.SearchStrategy[Any]] = {
    "null": st.none(),
    "boolean": st.booleans(),
    "int": INT,
    "long": LONG,
    "float": st.floats(width=32, allow_nan=False),
    "double": st.floats(allow_nan=False),
    "bytes": st.binary(max_size=80),
    "string": st.text(st.characters(codec="utf-8"), max_size=80),
}


class Codec(NamedTuple):
    """One schema's two directions, framed or not, behind one face."""

    schema: Schema
    encode: Any
    decode: Any
    body_at: int  # where the body begins


def codec_of(name: str) -> Codec:
    """Our codec for a topic or a state table, with the product's own class."""
    schema = repository().newest(name).schema
    record_type = TYPES[root_name(schema)]
    if name.startswith("state/"):
        return Codec(schema, *CODECS.row_codec(name, record_type), 1)
    return Codec(schema, CODECS.encoder(name, record_type), CODECS.decoder(name), HEADER_BYTES)


def root_name(schema: Schema) -> str:
    assert isinstance(schema.root, Record)
    return short(schema.root.name)


def schema_of(source: Mapping[str, Any] | list[Any] | str, name: str = "made-up") -> Schema:
    """A schema made up in a test."""
    return parse_schema(name, json.dumps(source))


def record_of(*fields: Mapping[str, Any], name: str = "Sample", **more: Any) -> Schema:
    """A record schema made up in a test."""
    return schema_of({"type": "record", "name": name, "fields": list(fields), **more})


def values(node: Node, classes: Classes) -> st.SearchStrategy[Any]:
    """Any value of a type, in our own shape."""
    match node:
        case Primitive(kind):
            return _PRIMITIVES[kind]
        case Fixed():
            return st.binary(min_size=node.size, max_size=node.size)
        case Enum():
            return st.sampled_from([classes.symbol(node, symbol) for symbol in node.symbols])
        case Array():
            return st.lists(values(node.items, classes), max_size=4).map(tuple)
        case Map():
            return st.dictionaries(_PRIMITIVES["string"], values(node.values, classes), max_size=3)
        case Union():
            return st.one_of([values(branch, classes) for branch in node.branches])
    made = classes.record(node)
    return st.tuples(*(values(field.type, classes) for field in node.fields)).map(made._make)


def as_json(value: Any) -> Any:
    """A value as fastavro takes and gives it: dicts, lists, plain text."""
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return {name: as_json(each) for name, each in zip(value._fields, tuple(value), strict=True)}
    if isinstance(value, tuple):
        return [as_json(each) for each in value]
    if isinstance(value, dict):
        return {key: as_json(each) for key, each in value.items()}
    return str(value) if isinstance(value, str) else value


def plain(source: Any) -> Any:
    """A schema's JSON without logical types, so that fastavro leaves the numbers alone."""
    if isinstance(source, dict):
        return {key: plain(each) for key, each in source.items() if key != "logicalType"}
    return [plain(each) for each in source] if isinstance(source, list) else source


def fastavro_write(schema: Schema, value: Any) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(plain(schema.json)), as_json(value))
    return out.getvalue()


def fastavro_read(writer: Schema, body: bytes, reader: Schema | None = None) -> Any:
    """What fastavro reads, and only if nothing is left over."""
    source = io.BytesIO(body)
    found = fastavro.schemaless_reader(
        source,
        fastavro.parse_schema(plain(writer.json)),
        None if reader is None else fastavro.parse_schema(plain(reader.json)),
    )
    assert source.read() == b"", "bytes are left"
    return found
