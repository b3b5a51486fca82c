"""Whether a record's bytes are what its schema says: by fastavro, and strictly where it is not.

fastavro reads some malformed bytes without complaint (a negative enum index counts from the end, a
negative length reads to the end). So what it decodes is encoded again: the same bytes prove it well
formed. Other bytes are walked by this file's own reader, which names the fault, or finds none: a
number written longer than needed, or an array in other blocks, is legal Avro.

This file must not know what a record means.
"""

import json
from collections.abc import Mapping
from importlib import resources
from io import BytesIO
from typing import Any, NamedTuple, cast

from fastavro import parse_schema, schemaless_reader, schemaless_writer

MAGIC = 0
HEADER_BYTES = 5


class Malformed(Exception):
    """A value that its schema does not describe; `fault` is one word."""

    def __init__(self, fault: str) -> None:
        super().__init__(fault)
        self.fault = fault


class _Version(NamedTuple):
    """One released schema of a topic."""

    topic: str
    bare: Any
    parsed: Any
    newest: Any  # the topic's latest schema where this is an older one, else None


class Schemas:
    """The schemas of the topics, by the ids that values are framed with.

    Every record is read as the latest schema of its topic has it: what an older one did not say is
    the latest one's default.
    """

    def __init__(self, by_id: Mapping[int, tuple[str, Any]]) -> None:
        newest = {topic: number for number, (topic, _) in sorted(by_id.items())}
        parsed = {number: parse_schema(_bare(schema)) for number, (_, schema) in by_id.items()}
        self._by_id = {
            number: _Version(
                topic,
                _bare(schema),
                parsed[number],
                None if newest[topic] == number else parsed[newest[topic]],
            )
            for number, (topic, schema) in by_id.items()
        }

    def decode(self, topic: str, value: bytes | None) -> dict[str, Any]:
        """A record that need not be questioned (the gate's own): read, and nothing left over."""
        record, version = self._read(topic, value)
        return record if version.newest is None else _as_newest(version, value)

    def decode_strictly(self, topic: str, value: bytes | None) -> dict[str, Any]:
        """A record from outside: any byte that its schema does not explain is a fault."""
        record, version = self._read(topic, value)
        body = cast(bytes, value)[HEADER_BYTES:]
        again = BytesIO()
        try:
            schemaless_writer(again, version.parsed, record)
        except Exception:  # noqa: BLE001 - what it read it cannot write: the walk names why
            walk(version.bare, body)
        else:
            if again.getvalue() != body:
                walk(version.bare, body)
        return record if version.newest is None else _as_newest(version, value)

    def _read(self, topic: str, value: bytes | None) -> tuple[dict[str, Any], _Version]:
        if value is None:
            raise Malformed("no_value")
        if not value or value[0] != MAGIC:
            raise Malformed("wrong_magic")
        if len(value) < HEADER_BYTES:
            raise Malformed("truncated")
        version = self._by_id.get(int.from_bytes(value[1:HEADER_BYTES], "big"))
        if version is None or version.topic != topic:
            raise Malformed("unknown_schema")
        stream = BytesIO(value)
        stream.seek(HEADER_BYTES)
        try:
            record = schemaless_reader(stream, version.parsed, None)
        except Exception as error:  # fastavro raises whatever its C code meets
            walk(version.bare, value[HEADER_BYTES:])
            raise Malformed("unreadable") from error
        if stream.tell() != len(value):
            walk(version.bare, value[HEADER_BYTES:])
            raise Malformed("overlong")
        return cast(dict[str, Any], record), version


def _as_newest(version: _Version, value: bytes | None) -> dict[str, Any]:
    """A value that was read before, as the latest schema of its topic has it."""
    body = BytesIO(cast(bytes, value)[HEADER_BYTES:])
    return cast(dict[str, Any], schemaless_reader(body, version.parsed, version.newest))


def released() -> Schemas:
    """The schemas that were ever released, from the installed package `schemas`."""
    folder = resources.files("schemas") / "released"
    by_id: dict[int, tuple[str, Any]] = {}
    for row in json.loads((folder / "ids.json").read_text("utf-8")):
        number, name = row["id"], row["name"]
        # Rows of state are framed otherwise, and no concern of an audit.
        if not name.startswith("state/"):
            text = (folder / f"{number}-{name}.avsc").read_text("utf-8")
            by_id[number] = name, json.loads(text)
    return Schemas(by_id)


def _bare(schema: Any) -> Any:
    """The schema without logical types: times and days stay the integers they are."""
    if isinstance(schema, dict):
        return {name: _bare(part) for name, part in schema.items() if name != "logicalType"}
    if isinstance(schema, list):
        return [_bare(part) for part in schema]
    return schema


def walk(schema: Any, body: bytes) -> None:
    """Raise the first fault of a body; return if there is none."""
    walker = _Walker(body)
    walker.value(schema)
    if walker.at != len(body):
        raise Malformed("overlong")


class _Walker:
    """Goes through a body as the schema leads, checking every length, index and number."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.at = 0
        self.named: dict[str, Any] = {}

    def value(self, schema: Any) -> None:
        if isinstance(schema, list):
            self.value(schema[self._index(len(schema), "bad_union")])
            return
        if isinstance(schema, str):
            if schema in self.named:
                self.value(self.named[schema])
            else:
                self._primitive(schema)
            return
        kind = schema["type"]
        if "name" in schema:
            self.named[schema["name"]] = schema
        match kind:
            case "record":
                for field in schema["fields"]:
                    self.value(field["type"])
            case "enum":
                self._index(len(schema["symbols"]), "bad_enum")
            case "fixed":
                self._take(schema["size"])
            case "array":
                self._array(schema["items"])
            case _:
                self.value(kind)

    def _primitive(self, kind: str) -> None:
        match kind:
            case "null":
                pass
            case "boolean":
                if self._take(1) not in (b"\0", b"\1"):
                    raise Malformed("bad_boolean")
            case "int":
                self._number(32)
            case "long":
                self._number(64)
            case "string":
                try:
                    self._take(self._length()).decode("utf-8")
                except UnicodeDecodeError as error:
                    raise Malformed("bad_text") from error
            case "bytes":
                self._take(self._length())
            case _:
                raise AssertionError(f"no schema here uses {kind}")

    def _array(self, items: Any) -> None:
        while count := self._number(64):
            if count < 0:
                count = -count
                self._length()
            if count > len(self.body):
                raise Malformed("bad_length")
            for _ in range(count):
                self.value(items)

    def _take(self, length: int) -> bytes:
        end = self.at + length
        if end > len(self.body):
            raise Malformed("truncated")
        taken = self.body[self.at : end]
        self.at = end
        return taken

    def _length(self) -> int:
        length = self._number(64)
        if length < 0 or length > len(self.body):
            raise Malformed("bad_length")
        return length

    def _index(self, count: int, fault: str) -> int:
        index = self._number(32)
        if not 0 <= index < count:
            raise Malformed(fault)
        return index

    def _number(self, bits: int) -> int:
        raw = shift = 0
        while True:
            byte = self._take(1)[0]
            raw |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
            if shift >= 70:
                raise Malformed("bad_varint")
        number = (raw >> 1) ^ -(raw & 1)
        if not -(1 << (bits - 1)) <= number < 1 << (bits - 1):
            raise Malformed("out_of_range")
        return number
