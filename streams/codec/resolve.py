"""The slow and exact reader: a strict walk of the bytes, then Avro's rules of resolution.

For schemas the generator does not know, for bytes that are right but not plain (numbers written
longer than needed, blocks with sizes) and for the reason of every refusal. What no record of the
writer could satisfy is Irreconcilable; what only this record does not is its own fault.
"""

from collections.abc import Callable
from typing import Any

from streams.codec.classes import Classes
from streams.codec.faults import Irreconcilable, Undecodable
from streams.codec.schema import (
    NO_DEFAULT,
    Array,
    Enum,
    Field,
    Fixed,
    Map,
    Node,
    Primitive,
    Record,
    Schema,
    Union,
    short,
)
from streams.codec.strict import read_body

Read = Callable[[bytes], Any]

_PROMOTIONS: dict[tuple[str, str], Callable[[Any], Any]] = {
    ("int", "long"): int,
    ("int", "float"): float,
    ("int", "double"): float,
    ("long", "float"): float,
    ("long", "double"): float,
    ("float", "double"): float,
    ("string", "bytes"): str.encode,
    ("bytes", "string"): bytes.decode,
}


def slow_reader(writer: Schema, reader: Schema, classes: Classes, start: int) -> Read:
    """A reader of `writer`'s bodies as `reader`'s records, exact about every fault."""
    resolution = _Resolution(classes)

    def read(buffer: bytes) -> Any:
        value = read_body(writer.root, buffer, start)
        try:
            return resolution.value(writer.root, reader.root, value)
        except Irreconcilable as fault:
            raise Undecodable("unknown_schema", str(fault)) from fault
        except UnicodeDecodeError:
            raise Undecodable("bad_text", f"bytes read as text in {reader.name}") from None

    return read


def takers_of(writer: Record, reader: Record) -> dict[str, Field]:
    """Which reader's field takes which writer's field, by name or else by alias."""
    written = {field.name for field in writer.fields}
    takers = {}
    for field in reader.fields:
        named = [name for name in (field.name, *field.aliases) if name in written]
        if named:
            takers[named[0]] = field
    return takers


def default_of(field: Field, reader: Record, classes: Classes) -> Any:
    """What a field is when the writer did not have it."""
    if field.default is NO_DEFAULT:
        raise Irreconcilable(
            f"Field {field.name} of {reader.name} is not in the writer's schema and has no"
            " default; give it one."
        )
    return classes.default(field.type, field.default)


def same_record(writer: Record, reader: Record) -> bool:
    return short(writer.name) in (short(reader.name), *reader.aliases)


def mismatch(writer: Node, reader: Node) -> Irreconcilable:
    return Irreconcilable(f"A {_words(writer)} cannot be read as a {_words(reader)}.")


def promotes(writer: Primitive, reader: Primitive) -> bool:
    """Whether Avro lets a value of one simple type be read as another."""
    return writer.kind == reader.kind or (writer.kind, reader.kind) in _PROMOTIONS


class _Resolution:
    """Turns a writer's values into a reader's."""

    def __init__(self, classes: Classes) -> None:
        self._classes = classes

    def value(self, writer: Node, reader: Node, value: Any) -> Any:
        match writer, reader:
            case Union(), _:
                return self._branch(writer, reader, value)
            case _, Union():
                return self.value(writer, _branch_for(reader, writer), value)
            case Primitive(), Primitive() if promotes(writer, reader):
                promote = _PROMOTIONS.get((writer.kind, reader.kind))
                return value if promote is None else promote(value)
            case Fixed(), Fixed() if writer.size == reader.size:
                return value
            case Enum(), Enum():
                return self._symbol(reader, value)
            case Array(), Array():
                return tuple([self.value(writer.items, reader.items, each) for each in value])
            case Map(), Map():
                return {
                    key: self.value(writer.values, reader.values, each)
                    for key, each in value.items()
                }
            case Record(), Record() if same_record(writer, reader):
                return self._record(writer, reader, value)
        raise mismatch(writer, reader)

    def _branch(self, writer: Union, reader: Node, value: tuple[int, Any]) -> Any:
        index, chosen = value
        try:
            return self.value(writer.branches[index], reader, chosen)
        except Irreconcilable:
            # Another branch of the same writer may be readable, so this is about the record.
            raise Undecodable(
                "bad_union",
                f"a {_words(writer.branches[index])} came where a {_words(reader)} is read",
            ) from None

    def _symbol(self, reader: Enum, symbol: str) -> str:
        if symbol in reader.symbols:
            return self._classes.symbol(reader, symbol)
        if reader.default is None:
            raise Undecodable(
                "bad_enum", f"a symbol that {short(reader.name)} does not have, nor a default for"
            )
        return self._classes.symbol(reader, reader.default)

    def _record(self, writer: Record, reader: Record, values: tuple[Any, ...]) -> Any:
        takers = takers_of(writer, reader)
        found = {
            taker.name: self.value(field.type, taker.type, value)
            for field, value in zip(writer.fields, values, strict=True)
            if (taker := takers.get(field.name)) is not None
        }
        for field in reader.fields:
            if field.name not in found:
                found[field.name] = default_of(field, reader, self._classes)
        made = self._classes.record(reader)
        return tuple.__new__(made, [found[field.name] for field in reader.fields])


def _branch_for(reader: Union, writer: Node) -> Node:
    """The reader's first branch of the writer's very type, else the first it promotes to."""
    for same in (True, False):
        for branch in reader.branches:
            if _takes(writer, branch, same=same):
                return branch
    raise mismatch(writer, reader)


def _takes(writer: Node, reader: Node, *, same: bool) -> bool:
    match writer, reader:
        case Primitive(), Primitive():
            return writer.kind == reader.kind if same else promotes(writer, reader)
        case Record(), Record():
            return same_record(writer, reader)
        case Enum(), Enum():
            return short(writer.name) == short(reader.name)
        case Fixed(), Fixed():
            return short(writer.name) == short(reader.name)
    return type(writer) is type(reader)


def _words(node: Node) -> str:
    match node:
        case Primitive(kind):
            return kind
        case Record() | Enum() | Fixed():
            return short(node.name)
    return type(node).__name__.lower()
