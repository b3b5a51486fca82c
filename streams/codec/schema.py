"""Schemas as trees: Avro JSON with every name resolved, so that the rest never looks one up.

A recursive schema is a tree that meets itself; whoever walks it counts the depth.
Logical types are kept as words only: values stay the integers and bytes they are on the wire.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from streams.codec.faults import SchemaFault

PRIMITIVES = frozenset(
    ("null", "boolean", "int", "long", "float", "double", "bytes", "string"),
)

NO_DEFAULT: Any = object()


@dataclass(frozen=True, slots=True)
class Primitive:
    """One of Avro's eight simple types; `logical` says precision and scale too."""

    kind: str
    logical: str | None = None


@dataclass(frozen=True, slots=True)
class Fixed:
    """Bytes of one length."""

    name: str
    size: int
    logical: str | None = None


@dataclass(frozen=True, slots=True)
class Enum:
    """A closed vocabulary; `default` is what a reader takes for a symbol it does not know."""

    name: str
    symbols: tuple[str, ...]
    default: str | None


@dataclass(frozen=True, slots=True)
class Array:
    """Any number of items of one type."""

    items: "Node"


@dataclass(frozen=True, slots=True)
class Map:
    """Any number of values of one type, by text."""

    values: "Node"


@dataclass(frozen=True, slots=True)
class Union:
    """One of several types."""

    branches: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Field:
    """One field; `default` is JSON, or NO_DEFAULT."""

    name: str
    type: "Node"
    default: Any
    aliases: tuple[str, ...]
    doc: str


@dataclass(slots=True, eq=False)
class Record:
    """Named fields in order. Filled after it was made, because its fields may name it."""

    name: str
    aliases: tuple[str, ...] = ()
    fields: tuple[Field, ...] = field(default=(), repr=False)


Node = Primitive | Fixed | Enum | Array | Map | Union | Record


@dataclass(frozen=True, slots=True, eq=False)
class Schema:
    """One schema: its name in the repository, its JSON as it stands in the file, and its tree."""

    name: str
    text: str
    root: Node

    @property
    def json(self) -> Any:
        """The parsed JSON, fresh each time, so that nobody can change another's copy."""
        return json.loads(self.text)


def short(name: str) -> str:
    """The last part of a full name: the class's name, and what Avro compares in resolution."""
    return name.rpartition(".")[2]


def parse_schema(name: str, text: str) -> Schema:
    """Parse one schema; a fault says which schema and what is wrong with it."""
    try:
        return Schema(name, text, _Parser({}).node(json.loads(text), ""))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SchemaFault(f"Schema {name} is not a valid Avro schema: {error}.") from error


@cache
def load_schema(name: str) -> Schema:
    """The current schema of a topic (`orders.v1`) or of a state table (`state/grants`)."""
    file = files("schemas").joinpath(f"{name}.avsc")
    if not file.is_file():
        raise SchemaFault(f"There is no schema schemas/{name}.avsc; add the file or fix the name.")
    return parse_schema(name, file.read_text("utf-8"))


class _Parser:
    """Turns JSON into nodes; `names` holds every named type met so far, by full name."""

    def __init__(self, names: dict[str, Node]) -> None:
        self._names = names

    def node(self, source: Any, namespace: str) -> Node:
        match source:
            case str():
                return self._named(source, namespace)
            case list():
                return Union(tuple(self.node(branch, namespace) for branch in source))
            case {"type": "array"}:
                return Array(self.node(source["items"], namespace))
            case {"type": "map"}:
                return Map(self.node(source["values"], namespace))
            case {"type": "record" | "enum" | "fixed" as kind}:
                return self._definition(kind, source, namespace)
            case {"type": str() as kind} if kind in PRIMITIVES:
                return Primitive(kind, _logical(source))
            case {"type": inner}:
                return self.node(inner, namespace)
        raise ValueError(f"{source!r} is no type")

    def _named(self, name: str, namespace: str) -> Node:
        if name in PRIMITIVES:
            return Primitive(name)
        full = _full(name, namespace)
        found = self._names.get(full) or self._names.get(name)
        if found is None:
            raise ValueError(f"the name {full} is not defined before it is used")
        return found

    def _definition(self, kind: str, source: Mapping[str, Any], namespace: str) -> Node:
        full = _full(source["name"], source.get("namespace", namespace))
        namespace = full.rpartition(".")[0]
        aliases = tuple(short(alias) for alias in source.get("aliases", ()))
        if kind == "fixed":
            return self._keep(full, Fixed(full, int(source["size"]), _logical(source)))
        if kind == "enum":
            return self._keep(full, Enum(full, tuple(source["symbols"]), source.get("default")))
        record = Record(full, aliases)
        self._keep(full, record)
        record.fields = tuple(self._field(each, namespace) for each in source["fields"])
        return record

    def _field(self, source: Mapping[str, Any], namespace: str) -> Field:
        return Field(
            source["name"],
            self.node(source["type"], namespace),
            source.get("default", NO_DEFAULT),
            tuple(source.get("aliases", ())),
            source.get("doc", ""),
        )

    def _keep(self, full: str, node: Node) -> Node:
        if full in self._names:
            raise ValueError(f"the name {full} is defined twice")
        self._names[full] = node
        return node


def _logical(source: Mapping[str, Any]) -> str | None:
    name = source.get("logicalType")
    if name is None or "precision" not in source:
        return name
    return f"{name} of precision {source['precision']} and scale {source.get('scale', 0)}"


def _full(name: str, namespace: str) -> str:
    return name if "." in name or not namespace else f"{namespace}.{name}"
