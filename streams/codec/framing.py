"""Confluent's framing: a zero byte, the schema's id in four bytes big-endian, then the body."""

from streams.codec.faults import Undecodable

HEADER_BYTES = 5
ID_MAX = 0x7FFF_FFFF  # registries count ids in a signed 32-bit integer


def header(schema_id: int) -> bytes:
    """The five bytes before a body."""
    return b"\0" + schema_id.to_bytes(4, "big")


def schema_id_of(value: bytes | None) -> int:
    """The schema id of a framed value, or what keeps it from having one."""
    if not value:
        raise Undecodable("no_value", "the record has no value")
    if value[0] != 0:
        raise Undecodable("wrong_magic", "the first byte is not 0: no registry framing")
    if len(value) < HEADER_BYTES:
        raise Undecodable("truncated", "the value ends within the schema id")
    return int.from_bytes(value[1:HEADER_BYTES], "big")
