"""Encoders as generated Python, each for one schema: a positional record in, bytes out.

As in the decoders the generated code takes the plain road. What it cannot write (a number out of
range, a text of more than a table's length, a record that is wrong) goes to the slow writer, which
writes it or names the field. Types are not checked one by one where writing would fail anyway.
"""

from collections.abc import Iterator
from itertools import count
from typing import Any

from streams.codec.fallback import Write, slow_writer
from streams.codec.schema import Array, Enum, Fixed, Node, Primitive, Record, Schema, Union
from streams.codec.varint import (
    TABLE,
    TABLE_SIZE,
    NotPlain,
    encode_int,
    encode_long,
    varint,
    zigzag,
)


class Unsupported(Exception):
    """The generator does not know this; fastavro does."""


def make_encoder(schema: Schema, header: bytes) -> Write:
    """The fastest exact writer of `schema`'s records, each after `header`."""
    slow = slow_writer(schema, header)
    generator = _Generator()
    try:
        source = generator.encoder(schema.root)
    except Unsupported:
        return slow
    names = generator.names | {
        "HEADER": header,
        "TABLE": TABLE,
        "encode_int": encode_int,
        "encode_long": encode_long,
        "NotPlain": NotPlain,
        "slow": slow,
        "join": b"".join,
    }
    # Names in the source are numbered, never the schema's own.
    exec(compile(source, f"<encoder of {schema.name}>", "exec"), names)  # noqa: S102
    made: Write = names["encode"]
    return made


class _Generator:
    """Lines of one encoder, and the constants they name."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {}
        self._fresh: Iterator[int] = count()
        self._lines: list[str] = []
        self._open_records: list[Record] = []

    def encoder(self, root: Node) -> str:
        parts = self._value(root, "x", " " * 8)
        return "\n".join(
            (
                "def encode(x):",
                "    try:",
                *self._lines,
                f"        return join((HEADER, {', '.join(parts)}))",
                "    except (LookupError, ValueError, TypeError, AttributeError):",
                "        pass",
                # Outside of the handler: its error may hold a value and must not be chained.
                "    return slow(x)",
            )
        )

    def _value(self, node: Node, x: str, pad: str) -> list[str]:
        """Emit what one value needs first; gives the expressions of its pieces."""
        match node:
            case Primitive(kind):
                return self._primitive(kind, x, pad)
            case Fixed():
                self._emit(pad, f"if len({x}) != {node.size}: raise NotPlain")
                return [x]
            case Enum():
                return [f"{self._symbols(node)}[{x}]"]
            case Array():
                return self._array(node, x, pad)
            case Record():
                return self._record(node, x, pad)
            case Union():
                return self._nullable(node, x, pad)
        raise Unsupported

    def _name(self, stem: str) -> str:
        return f"{stem}{next(self._fresh)}"

    def _emit(self, pad: str, *lines: str) -> None:
        self._lines += (pad + line for line in lines)

    def _primitive(self, kind: str, x: str, pad: str) -> list[str]:
        match kind:
            case "int" | "long":
                return [f"(TABLE[{x}] if 0 <= {x} < {TABLE_SIZE} else encode_{kind}({x}))"]
            case "boolean":
                name = self._name("BOOL")
                self.names[name] = {False: b"\0", True: b"\1"}
                return [f"{name}[{x}]"]
            case "string":
                s = self._name("s")
                self._emit(pad, f"{s} = {x}.encode()")
                return [f"TABLE[len({s})]", s]
            case "bytes":
                return [f"TABLE[len({x})]", x]
        raise Unsupported

    def _symbols(self, enum: Enum) -> str:
        name = self._name("ENUM")
        self.names[name] = {
            symbol: varint(zigzag(index)) for index, symbol in enumerate(enum.symbols)
        }
        return name

    def _array(self, array: Array, x: str, pad: str) -> list[str]:
        v, i = self._name("a"), self._name("i")
        # By length, not by truth: a None must not pass for an empty array.
        self._emit(pad, f"if len({x}):", f"    {v} = [TABLE[len({x})]]", f"    for {i} in {x}:")
        parts = self._value(array.items, i, pad + " " * 8)
        if not parts:
            raise Unsupported
        self._emit(
            pad,
            f"        {v} += ({', '.join(parts)},)",
            f"    {v}.append(b'\\0')",
            f"    {v} = join({v})",
            f"else: {v} = b'\\0'",
        )
        return [v]

    def _record(self, record: Record, x: str, pad: str) -> list[str]:
        if record in self._open_records:
            raise Unsupported
        self._open_records.append(record)
        fields = [(field, self._name("f")) for field in record.fields]
        self._emit(pad, f"[{', '.join(name for _, name in fields)}] = {x}")
        parts = [part for field, name in fields for part in self._value(field.type, name, pad)]
        self._open_records.pop()
        return parts

    def _nullable(self, union: Union, x: str, pad: str) -> list[str]:
        """A union of null and one other type, as one piece."""
        match union.branches:
            case (Primitive("null"), some):
                null, index = b"\0", "b'\\2'"
            case (some, Primitive("null")):
                null, index = b"\2", "b'\\0'"
            case _:
                raise Unsupported
        v = self._name("u")
        self._emit(pad, f"if {x} is None: {v} = {null!r}", "else:")
        parts = self._value(some, x, pad + "    ")
        self._emit(pad, f"    {v} = " + " + ".join((index, *parts)))
        return [v]
