"""From names in schemas to classes in Python, given from outside or made here.

A record is a NamedTuple with the schema's fields in the schema's order; an enum is a StrEnum with
at least the schema's symbols. A record that no class was given for gets one made on the fly; an
enum's symbols then stay plain text.
"""

from collections import namedtuple
from collections.abc import Mapping
from enum import StrEnum
from types import ModuleType
from typing import Any

from streams.codec.faults import SchemaFault
from streams.codec.schema import (
    NO_DEFAULT,
    Array,
    Enum,
    Fixed,
    Map,
    Node,
    Primitive,
    Record,
    Union,
    short,
)

Types = Mapping[str, type[Any]]


def types_of(*modules: ModuleType) -> dict[str, type[Any]]:
    """The record and enum classes that these modules define, by name."""
    return {
        name: each
        for module in modules
        for name, each in vars(module).items()
        if isinstance(each, type)
        and each.__module__ == module.__name__
        and (hasattr(each, "_fields") or issubclass(each, StrEnum))
    }


class Classes:
    """The classes for one reader, checked against its schema as they are asked for."""

    def __init__(self, types: Types) -> None:
        self._types = types
        self._made: dict[str, type[Any]] = {}

    def record(self, record: Record) -> type[Any]:
        """The class of a record, with exactly the schema's fields in its order."""
        name = short(record.name)
        fields = tuple(field.name for field in record.fields)
        found = self._types.get(name) or self._made.get(name)
        if found is None:
            # typing.NamedTuple wants its fields written out.
            found = self._made[name] = namedtuple(name, fields)  # noqa: PYI024
        if getattr(found, "_fields", None) != fields:
            raise SchemaFault(
                f"Class {name} does not have the fields of its schema: the schema says"
                f" {', '.join(fields)}; make the two agree (and release the schema:"
                " python -m streams.codec.release)."
            )
        return found

    def symbol(self, enum: Enum, symbol: str) -> str:
        """The member for a symbol, or the plain text when no class was given."""
        name = short(enum.name)
        found = self._types.get(name)
        if found is None:
            return symbol
        try:
            member: str = found(symbol)
        except ValueError as error:
            raise SchemaFault(f"Enum {name} has no member {symbol}; add it.") from error
        return member

    def default(self, node: Node, value: Any) -> Any:
        """A field's default from its JSON. Avro writes bytes as text, one code point a byte."""
        match node:
            case Union():
                return self.default(node.branches[0], value)
            case Primitive("bytes") | Fixed():
                return value.encode("latin-1")
            case Primitive("float" | "double"):
                return float(value)
            case Enum():
                return self.symbol(node, value)
            case Array():
                return tuple(self.default(node.items, each) for each in value)
            case Map():
                return {key: self.default(node.values, each) for key, each in value.items()}
            case Record():
                return self._record_default(node, value)
        return value

    def _record_default(self, record: Record, value: Mapping[str, Any]) -> Any:
        given = ((field, value.get(field.name, field.default)) for field in record.fields)
        made = [(field, each) for field, each in given if each is not NO_DEFAULT]
        if len(made) != len(record.fields):
            raise SchemaFault(f"A default for {record.name} leaves out a field without default.")
        return self.record(record)(*(self.default(field.type, each) for field, each in made))
