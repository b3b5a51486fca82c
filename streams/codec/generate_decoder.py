"""Decoders as generated Python, each for one pair of a writer's and a reader's schema.

The generated code takes the plain road: it accepts only what strict.py accepts, and whatever is
not plain (or not right) it hands to the slow reader, which decodes it or says why not. So a
decoder needs no exact fault of its own, only to stop in time: lengths are not compared with the
buffer field by field, because a position past the end fails at the next byte or at the last line.
"""

from collections.abc import Iterator
from itertools import count
from typing import Any

from streams.codec.classes import Classes
from streams.codec.faults import Irreconcilable
from streams.codec.resolve import (
    Read,
    default_of,
    mismatch,
    promotes,
    same_record,
    slow_reader,
    takers_of,
)
from streams.codec.schema import (
    Array,
    Enum,
    Fixed,
    Node,
    Primitive,
    Record,
    Schema,
    Union,
)
from streams.codec.strict import takes_no_bytes
from streams.codec.varint import NotPlain, TimeUppers, more_int, more_length, more_long, zigzag

_times = TimeUppers()

_LOOPS_MAX = 6  # nested arrays; CPython compiles at most 20 nested blocks


class Unsupported(Exception):
    """The generator does not know this; resolve.py does."""


def make_decoder(writer: Schema, reader: Schema, classes: Classes, start: int) -> Read:
    """The fastest exact reader of `writer`'s bodies, from `start`, as `reader`'s records."""
    slow = slow_reader(writer, reader, classes, start)
    generator = _Generator(classes)
    try:
        source = generator.decoder(writer.root, reader.root, start)
    except Unsupported:
        return slow
    names = generator.names | {
        "slow": slow,
        "more_int": more_int,
        "more_long": more_long,
        "more_length": more_length,
        "NotPlain": NotPlain,
        "new": tuple.__new__,
        "upper": _times.get,
        "time": _times.read,
    }
    # Names in the source are numbered, never a schema's own: a foreign schema brings no code.
    exec(compile(source, f"<decoder of {writer.name} as {reader.name}>", "exec"), names)  # noqa: S102
    made: Read = names["decode"]
    return made


class _Generator:
    """Lines of one decoder, and the constants they name."""

    def __init__(self, classes: Classes) -> None:
        self.names: dict[str, Any] = {}
        self._classes = classes
        self._fresh: Iterator[int] = count()
        self._lines: list[str] = []
        self._open_records: list[Record] = []
        self._loops = 0

    def decoder(self, writer: Node, reader: Node, start: int) -> str:
        made = self._value(writer, reader, " " * 8)
        return "\n".join(
            (
                "def decode(b):",
                f"    p = {start}",
                "    try:",
                *self._lines,
                "        if p != len(b): raise NotPlain",
                f"        return {made}",
                "    except (LookupError, ValueError):",
                "        pass",
                # Outside of the handler: its error may hold the bytes and must not be chained.
                "    return slow(b)",
            )
        )

    def _value(self, writer: Node, reader: Node | None, pad: str) -> str:
        """Emit the reading of one value; gives its expression. No reader: read and forget."""
        if isinstance(writer, Union):
            return self._nullable(writer, reader, pad)
        if isinstance(reader, Union):
            return self._value(writer, _some_of(reader, writer), pad)
        match writer, reader:
            case Primitive(), Primitive() | None:
                return self._primitive(writer, reader, pad)
            case Fixed(), Fixed() | None:
                return self._fixed(writer, reader, pad)
            case Enum(), Enum() | None:
                return self._enum(writer, reader, pad)
            case Array(), Array() | None:
                return self._array(writer, reader, pad)
            case Record(), Record() | None:
                return self._record(writer, reader, pad)
        if reader is not None and type(writer) is not type(reader):
            raise mismatch(writer, reader)
        raise Unsupported

    def _name(self, stem: str) -> str:
        return f"{stem}{next(self._fresh)}"

    def _constant(self, stem: str, value: Any) -> str:
        name = self._name(stem)
        self.names[name] = value
        return name

    def _emit(self, pad: str, *lines: str) -> None:
        self._lines += (pad + line for line in lines)

    def _primitive(self, writer: Primitive, reader: Primitive | None, pad: str) -> str:
        kinds = writer.kind, writer.kind if reader is None else reader.kind
        v = self._name("v")
        match kinds:
            case ("null", "null"):
                return "None"
            case ("boolean", "boolean"):
                table = self._constant("BOOL", (False, True))
                self._emit(pad, f"{v} = {table}[b[p]]; p += 1")
            case ("long", "long") if writer.logical == "timestamp-millis":
                # 128 of 129: more bytes follow, and the number is not negative.
                self._emit(
                    pad,
                    f"{v} = upper(b[p + 2:p + 6])",
                    "n = b[p]; m = b[p + 1]",
                    f"if {v} is not None and n & 129 == 128 and m > 127:",
                    f"    {v} += (n & 126) >> 1 | (m & 127) << 6; p += 6",
                    f"else: {v}, p = time(b, p)",
                )
            case ("int", "int" | "long") | ("long", "long"):
                more = f"more_{writer.kind}"
                self._emit(
                    pad,
                    f"{v} = b[p]; p += 1",
                    f"if {v} > 127: {v}, p = {more}(b, p, {v})",
                    f"{v} = {v} >> 1 ^ -({v} & 1)",
                )
            case ("string", "string") | ("bytes", "bytes"):
                # 129: more bytes follow, or the length is negative.
                self._emit(
                    pad,
                    "n = b[p]; p += 1",
                    "if n & 129: n, p = more_length(b, p, n)",
                    "e = p + (n >> 1)",
                    f"{v} = b[p:e]" + (".decode()" if writer.kind == "string" else ""),
                    "p = e",
                )
            case _ if reader is not None and not promotes(writer, reader):
                raise mismatch(writer, reader)
            case _:
                raise Unsupported
        return v

    def _fixed(self, writer: Fixed, reader: Fixed | None, pad: str) -> str:
        if reader is not None and writer.size != reader.size:
            raise mismatch(writer, reader)
        v = self._name("v")
        self._emit(pad, f"e = p + {writer.size}; {v} = b[p:e]; p = e")
        if self._loops:
            # Nothing is read byte by byte here, so nothing else would end a loop past the end.
            self._emit(pad, "if e > len(b): raise NotPlain")
        return v

    def _enum(self, writer: Enum, reader: Enum | None, pad: str) -> str:
        v = self._name("v")
        table = self._constant("ENUM", self._symbols(writer, reader))
        self._emit(pad, f"{v} = b[p]; p += 1")
        if len(writer.symbols) > 64:
            self._emit(pad, f"if {v} > 127: {v}, p = more_long(b, p, {v})")
        self._emit(pad, f"{v} = {table}[{v}]")
        return v

    def _symbols(self, writer: Enum, reader: Enum | None) -> dict[int, str]:
        """By zigzag index; a symbol the reader cannot place is left to the slow way's fault."""
        table = {}
        for index, symbol in enumerate(writer.symbols):
            if reader is None:
                table[zigzag(index)] = symbol
            elif symbol in reader.symbols:
                table[zigzag(index)] = self._classes.symbol(reader, symbol)
            elif reader.default is not None:
                table[zigzag(index)] = self._classes.symbol(reader, reader.default)
        return table

    def _array(self, writer: Array, reader: Array | None, pad: str) -> str:
        if takes_no_bytes(writer.items) or self._loops >= _LOOPS_MAX:
            raise Unsupported
        v, k = self._name("v"), self._name("k")
        self._emit(
            pad,
            f"{k} = b[p]; p += 1",
            f"if {k}:",
            f"    {v} = []",
            f"    while {k}:",
            f"        if {k} & 129:",
            f"            {k}, p = more_length(b, p, {k})",
            f"            if not {k}: break",  # an end in more bytes than it needs
            f"        for _ in range({k} >> 1):",
        )
        self._loops += 1
        item = self._value(writer.items, None if reader is None else reader.items, pad + " " * 12)
        self._loops -= 1
        self._emit(
            pad,
            f"            {v}.append({item})",
            f"        {k} = b[p]; p += 1",
            f"    {v} = tuple({v})",
            f"else: {v} = ()",
        )
        return v

    def _record(self, writer: Record, reader: Record | None, pad: str) -> str:
        if writer in self._open_records:
            raise Unsupported
        if reader is not None and not same_record(writer, reader):
            raise mismatch(writer, reader)
        self._open_records.append(writer)
        found = self._fields(writer, reader, pad)
        self._open_records.pop()
        if reader is None:
            return "None"
        parts = [
            found.get(field.name)
            or self._constant("DEFAULT", default_of(field, reader, self._classes))
            for field in reader.fields
        ]
        v = self._name("v")
        made = self._constant("CLASS", self._classes.record(reader))
        self._emit(pad, f"{v} = new({made}, ({''.join(part + ', ' for part in parts)}))")
        return v

    def _fields(self, writer: Record, reader: Record | None, pad: str) -> dict[str, str]:
        """Emit the writer's fields in their order; gives the reader's fields' expressions."""
        takers = takers_of(writer, reader) if reader is not None else {}
        found = {}
        for field in writer.fields:
            taker = takers.get(field.name)
            expression = self._value(field.type, None if taker is None else taker.type, pad)
            if taker is not None:
                found[taker.name] = expression
        return found

    def _nullable(self, writer: Union, reader: Node | None, pad: str) -> str:
        """A union of null and one other type; the others are resolve.py's."""
        null, some, index = _null_and_some(writer)
        v = self._name("v")
        if isinstance(reader, Union):
            _null_and_some(reader)
            reader = _some_of(reader, some)
            absent = f"{v} = None"
        else:
            absent = f"{v} = None" if reader is None else "raise NotPlain"
        self._emit(pad, f"{v} = b[p]; p += 1", f"if {v} == {zigzag(index)}:")
        try:
            expression = self._value(some, reader, pad + "    ")
        except Irreconcilable:
            # The reader can still take the nulls; which values it cannot, only the bytes tell.
            raise Unsupported from None
        self._emit(
            pad,
            f"    {v} = {expression}",
            f"elif {v} == {zigzag(null)}: {absent}",
            "else: raise NotPlain",
        )
        return v


def _null_and_some(union: Union) -> tuple[int, Node, int]:
    """Where null is, the other type, and where that is; any other union is Unsupported."""
    match union.branches:
        case (Primitive("null"), some) if some != Primitive("null"):
            return 0, some, 1
        case (some, Primitive("null")):
            return 1, some, 0
    raise Unsupported


def _some_of(reader: Union, writer: Node) -> Node:
    """The reader's branch for a writer's type that is no union."""
    null, some, _ = _null_and_some(reader)
    return reader.branches[null] if writer == Primitive("null") else some
