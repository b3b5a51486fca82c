"""Codecs: what everyone asks for encoders and decoders.

We write with the newest released schema of a topic or table and read every schema of it that was
ever released, or that the registry knows, as that newest one. A schema changed but not released
changes nothing here; `schemas check` and a test say so.
"""

from collections.abc import Callable
from typing import Any

from streams.codec.classes import Classes, Types
from streams.codec.fallback import Write
from streams.codec.faults import Irreconcilable, Undecodable
from streams.codec.framing import HEADER_BYTES, header, schema_id_of
from streams.codec.generate_decoder import make_decoder
from streams.codec.generate_encoder import make_encoder
from streams.codec.ids import Release, Released, repository
from streams.codec.resolve import Read
from streams.codec.schema import Record, Schema, short

# A schema by an id that this Tollgate never released; None when there is none.
LookUp = Callable[[int], Schema | None]
Decode = Callable[[bytes | None], Any]
Dump = Callable[[Any], bytes]
Load = Callable[[bytes], Any]


def _nowhere(_schema_id: int) -> Schema | None:
    return None


class Codecs:
    """Encoders and decoders by topic, made once when first asked for."""

    def __init__(self, types: Types, released: Released, look_up: LookUp = _nowhere) -> None:
        self._types = types
        self._released = released
        self._look_up = look_up
        self._decoders: dict[str, Decode] = {}

    @classmethod
    def from_repository(cls, types: Types) -> "Codecs":
        """Codecs with the repository's own ids, no registry needed."""
        return cls(types, repository())

    @classmethod
    def from_registry(cls, url: str, prefix: str, types: Types) -> "Codecs":
        """Codecs whose ids stand in a registry too, and that ask it for ids they do not know.

        Raises RegistryFault when the registry does not hold what we write, RegistryUnavailable
        when it cannot be asked; decoding may raise RegistryUnavailable too, which is no verdict
        about the record.
        """
        # Slow to import, and not needed without a registry.
        from streams.codec.registry import Registry

        registry = Registry(url, prefix)
        registry.verify(repository())
        return cls(types, repository(), registry.look_up)

    def encoder(self, topic_name: str, record_type: type[Any]) -> Write:
        """Records of a topic to framed bytes; raises Unencodable for what the schema forbids."""
        newest = self._released.newest(topic_name)
        self._classes(record_type, newest)
        return make_encoder(newest.schema, header(newest.id))

    def decode(self, topic_name: str, value: bytes | None) -> Any:
        """One framed value of a topic; raises Undecodable."""
        return self.decoder(topic_name)(value)

    def decoder(self, topic_name: str) -> Decode:
        """The decoder of a topic, for the hot path: raises Undecodable and nothing else."""
        found = self._decoders.get(topic_name)
        if found is None:
            found = self._decoders[topic_name] = self._make_decoder(topic_name)
        return found

    def row_codec(self, name: str, record_type: type[Any]) -> tuple[Dump, Load]:
        """(dump, load) of a state table's rows: one byte of version, then the body."""
        versions = self._released.of(f"state/{name.removeprefix('state/')}")
        newest = versions[-1]
        classes = self._classes(record_type, newest)
        readers = {
            each.version: make_decoder(each.schema, newest.schema, classes, 1) for each in versions
        }

        def load(row: bytes) -> Any:
            if not row:
                raise Undecodable("no_value", f"a row of {name} is empty")
            read = readers.get(row[0])
            if read is None:
                raise Undecodable("unknown_schema", f"no version {row[0]} of {name} is released")
            return read(row)

        return make_encoder(newest.schema, bytes((newest.version,))), load

    def _make_decoder(self, topic_name: str) -> Decode:
        versions = self._released.of(topic_name)
        newest = versions[-1]
        classes = Classes(self._types)
        readers = {
            header(each.id): make_decoder(each.schema, newest.schema, classes, HEADER_BYTES)
            for each in versions
        }

        def decode(value: bytes | None) -> Any:
            read = readers.get(value[:HEADER_BYTES]) if value is not None else None
            if read is None:
                schema_id = schema_id_of(value)
                read = self._foreign_reader(topic_name, schema_id, classes)
                readers[header(schema_id)] = read
            return read(value)  # type: ignore[arg-type]

        return decode

    def _foreign_reader(self, topic_name: str, schema_id: int, classes: Classes) -> Read:
        """A reader for a schema that we did not release for this topic."""
        other = self._released.by_id.get(schema_id)
        if other is not None:
            raise Undecodable(
                "unknown_schema", f"schema id {schema_id} is for {other.name}, not {topic_name}"
            )
        writer = self._look_up(schema_id)
        if writer is None:
            raise Undecodable("unknown_schema", f"schema id {schema_id} is not known")
        newest = self._released.newest(topic_name)
        try:
            return make_decoder(writer, newest.schema, classes, HEADER_BYTES)
        except Irreconcilable as fault:
            raise Undecodable(
                "unknown_schema", f"schema id {schema_id} cannot be read as {topic_name}: {fault}"
            ) from fault

    def _classes(self, record_type: type[Any], release: Release) -> Classes:
        """The classes with this one for the root; a class that does not fit fails here."""
        root = release.schema.root
        assert isinstance(root, Record), f"{release.name} is no record"
        classes = Classes({**self._types, short(root.name): record_type})
        classes.record(root)
        return classes
