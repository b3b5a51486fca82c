"""The slow and exact writer: every field judged by its schema, then written by fastavro.

For schemas the generator does not know, for what is larger than its tables, and for the name of
the field that is wrong. The values themselves are never quoted.
"""

import io
from collections.abc import Callable
from typing import Any

import fastavro

from streams.codec.faults import Unencodable
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
    short,
)

Write = Callable[[Any], bytes]


def slow_writer(schema: Schema, header: bytes) -> Write:
    """A writer that says which field of a record is wrong, or writes it however large it is."""
    schema_json = _plain(schema)

    def write(record: Any) -> bytes:
        fault = fault_of(schema.root, record, schema.name)
        if fault is not None:
            raise Unencodable(fault)
        out = io.BytesIO()
        out.write(header)
        fastavro.schemaless_writer(out, schema_json, _taken(schema.root, record))
        return out.getvalue()

    return write


def fault_of(node: Node, value: Any, path: str) -> str | None:
    """Which part of a value its schema does not allow, in a sentence without the value."""
    match node:
        case Primitive(kind):
            wrong = not _PRIMITIVE[kind](value)
            return f"{path} must be a {kind}, in its range." if wrong else None
        case Fixed():
            right = isinstance(value, bytes) and len(value) == node.size
            return None if right else f"{path} must be {node.size} bytes."
        case Enum():
            return None if value in node.symbols else f"{path} must be one of its symbols."
        case Union():
            if any(fault_of(branch, value, path) is None for branch in node.branches):
                return None
            return f"{path} fits none of its types."
        case Array():
            if not isinstance(value, tuple | list):
                return f"{path} must be a tuple."
            return _first(fault_of(node.items, each, f"{path}[]") for each in value)
        case Map():
            if not isinstance(value, dict):
                return f"{path} must be a dict."
            keys = (fault_of(Primitive("string"), key, f"{path} key") for key in value)
            values = (fault_of(node.values, each, f"{path}{{}}") for each in value.values())
            return _first(keys) or _first(values)
        case Record():
            if not isinstance(value, tuple) or len(value) != len(node.fields):
                return f"{path} must be a {short(node.name)} with its {len(node.fields)} fields."
            pairs = zip(node.fields, value, strict=True)
            return _first(
                fault_of(field.type, each, f"{path}.{field.name}") for field, each in pairs
            )


def _first(faults: Any) -> str | None:
    return next((fault for fault in faults if fault is not None), None)


def _is_text(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_number(value: Any, bits: int) -> bool:
    bound = 1 << bits - 1
    return isinstance(value, int) and not isinstance(value, bool) and -bound <= value < bound


_PRIMITIVE: dict[str, Callable[[Any], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "int": lambda value: _is_number(value, 32),
    "long": lambda value: _is_number(value, 64),
    "float": lambda value: isinstance(value, float),
    "double": lambda value: isinstance(value, float),
    "bytes": lambda value: isinstance(value, bytes),
    "string": _is_text,
}


def _plain(schema: Schema) -> Any:
    """The schema for fastavro, without logical types: values stay what they are on the wire."""
    return fastavro.parse_schema(_without_logical(schema.json))


def _without_logical(source: Any) -> Any:
    match source:
        case dict():
            return {
                key: each if key == "default" else _without_logical(each)
                for key, each in source.items()
                if key != "logicalType"
            }
        case list():
            return [_without_logical(each) for each in source]
    return source


def _taken(node: Node, value: Any) -> Any:
    """What fastavro takes: records as dicts, union branches named where they have names."""
    match node:
        case Enum():
            return str(value)
        case Array():
            return [_taken(node.items, each) for each in value]
        case Map():
            return {key: _taken(node.values, each) for key, each in value.items()}
        case Record():
            pairs = zip(node.fields, value, strict=True)
            return {field.name: _taken(field.type, each) for field, each in pairs}
        case Union():
            branch = next(each for each in node.branches if fault_of(each, value, "") is None)
            taken = _taken(branch, value)
            return (branch.name, taken) if isinstance(branch, Record | Enum | Fixed) else taken
    return value
