"""The strict reading of a body: every rule of the format, in the order of the bytes.

Slow and exact. The generated decoders come here when something is not plain, so that each fault
has one cause whoever met it. Nothing here runs or allocates beyond what the bytes can pay for.
Details name the place in the schema, never what was there.

Values come out in the writer's shape: a record or array as a tuple, an enum as its symbol, a union
as (branch, value); resolve.py makes the reader's of them.
"""

import struct
from collections.abc import Iterator
from typing import Any

from streams.codec.faults import Undecodable
from streams.codec.schema import Array, Enum, Fixed, Node, Primitive, Record, Union, short
from streams.codec.varint import unzigzag

# Lengths beyond the buffer: up to this the record was cut, above it the length is nonsense.
LENGTH_MAX = 1 << 24  # bytes or items; sixteen times the largest record Kafka takes unasked
EMPTY_ITEMS_MAX = 65_536  # items that take no bytes, in one body: nothing else would bound them
DEPTH_MAX = 64  # types within types; ours need eight, a recursive schema has no end of its own

_FLOATS = {"float": struct.Struct("<f"), "double": struct.Struct("<d")}


def read_body(root: Node, buffer: bytes, start: int) -> Any:
    """The value that the bytes from `start` are, and nothing more; or Undecodable."""
    walk = _Walk(buffer, start)
    name = short(root.name) if isinstance(root, Record | Enum | Fixed) else "value"
    value = walk.node(root, name, 0)
    if walk.at != len(buffer):
        raise Undecodable("overlong", f"{len(buffer) - walk.at} bytes are left after the {name}")
    return value


def takes_no_bytes(node: Node, depth: int = 0) -> bool:
    """Whether values of this type are empty on the wire, so that any number of them is free."""
    if depth > DEPTH_MAX:
        return False
    match node:
        case Primitive("null") | Fixed(size=0):
            return True
        case Record():
            return all(takes_no_bytes(field.type, depth + 1) for field in node.fields)
    return False


class _Walk:
    """A position in a buffer, and what is left of the allowance for empty items."""

    def __init__(self, buffer: bytes, start: int) -> None:
        self.buffer = buffer
        self.at = start
        self._empty_items = 0

    def node(self, node: Node, path: str, depth: int) -> Any:
        if depth > DEPTH_MAX:
            raise Undecodable("bad_length", f"{path} lies more than {DEPTH_MAX} types deep")
        match node:
            case Primitive(kind):
                return self._primitive(kind, path)
            case Fixed():
                return self._take(node.size, path)
            case Enum():
                return node.symbols[self._index(len(node.symbols), "bad_enum", path)]
            case Union():
                branch = self._index(len(node.branches), "bad_union", path)
                return branch, self.node(node.branches[branch], path, depth + 1)
            case Record():
                return tuple(
                    [
                        self.node(field.type, f"{path}.{field.name}", depth + 1)
                        for field in node.fields
                    ]
                )
            case Array():
                empty = takes_no_bytes(node.items)
                return tuple(
                    [
                        self.node(node.items, path, depth + 1)
                        for _ in self._blocks(path, empty=empty)
                    ]
                )
        return {
            self._text(f"{path} key"): self.node(node.values, path, depth + 1)
            for _ in self._blocks(path, empty=False)
        }

    def _primitive(self, kind: str, path: str) -> Any:
        match kind:
            case "null":
                return None
            case "boolean":
                byte = self._byte(path)
                if byte > 1:
                    raise Undecodable("bad_boolean", f"{path} is neither 0 nor 1")
                return byte == 1
            case "int" | "long":
                bits = 32 if kind == "int" else 64
                raw = self._raw(path)
                if raw >> bits:
                    raise Undecodable("out_of_range", f"{path} does not fit {bits} bits")
                return unzigzag(raw)
            case "string":
                return self._text(path)
            case "bytes":
                return self._take(self._length(path), path)
        form = _FLOATS[kind]
        return form.unpack(self._take(form.size, path))[0]

    def _blocks(self, path: str, *, empty: bool) -> Iterator[None]:
        """One step an item, over all blocks; a block's own byte size is held to its word."""
        while (count := unzigzag(self._raw(path))) != 0:
            if empty:
                self._allow_empty(abs(count), path)
            else:
                self._expect(abs(count), path)
            size = self._block_size(path) if count < 0 else None
            start = self.at
            for _ in range(abs(count)):
                yield
            if size is not None and self.at - start != size:
                raise Undecodable("bad_length", f"a block of {path} is not of the size it states")

    def _block_size(self, path: str) -> int:
        size = unzigzag(self._raw(path))
        # Its items may all be there, and be read by whoever does not look at the size.
        if not 0 <= size <= len(self.buffer) - self.at:
            raise Undecodable("bad_length", f"a block of {path} is not of the size it states")
        return size

    def _allow_empty(self, count: int, path: str) -> None:
        self._empty_items += count
        if self._empty_items > EMPTY_ITEMS_MAX:
            raise Undecodable("bad_length", f"{path} claims more than {EMPTY_ITEMS_MAX} items")

    def _text(self, path: str) -> str:
        taken = self._take(self._length(path), path)
        try:
            return taken.decode()
        except UnicodeDecodeError:
            # From None: the original error holds the bytes.
            raise Undecodable("bad_text", f"{path} is not UTF-8") from None

    def _length(self, path: str) -> int:
        length = unzigzag(self._raw(path))
        if length < 0:
            raise Undecodable("bad_length", f"{path} has a negative length")
        self._expect(length, path)
        return length

    def _expect(self, least: int, path: str) -> None:
        """So many bytes (or items of at least one byte) must still come."""
        if least > LENGTH_MAX:
            raise Undecodable("bad_length", f"{path} claims more than any record may hold")
        if least > len(self.buffer) - self.at:
            raise Undecodable("truncated", f"the bytes end within {path}")

    def _index(self, among: int, cause: str, path: str) -> int:
        index = unzigzag(self._raw(path))
        if not 0 <= index < among:
            raise Undecodable(cause, f"{path} is none of its {among} choices")
        return index

    def _raw(self, path: str) -> int:
        raw = 0
        for shift in range(0, 70, 7):
            byte = self._byte(path)
            raw |= (byte & 127) << shift
            if byte < 128:
                return raw
        raise Undecodable("bad_varint", f"{path} is a number that does not end")

    def _byte(self, path: str) -> int:
        if self.at >= len(self.buffer):
            raise Undecodable("truncated", f"the bytes end before {path}")
        self.at += 1
        return self.buffer[self.at - 1]

    def _take(self, size: int, path: str) -> bytes:
        self._expect(size, path)
        self.at += size
        return self.buffer[self.at - size : self.at]
