"""W1, a cut-down charging gate, the same job for every engine: topics, records, framing.

Topics, four partitions each, keyed by msisdn as every Java client does it (murmur2): PREFIX-events
in, PREFIX-prompts and PREFIX-charges out. State is by msisdn, service and day of `ordered_at`
(UTC), on local disk, with a changelog; outputs, state and positions become real together.

An Order that was seen before is ignored. Else, if its service and day are granted, it is charged at
once (`c-` and its id); if a prompt is open for them, it waits on that; else it opens a prompt (`p-`
and its id). A Reply `Y` grants the oldest open prompt of its msisdn, and every order that waits on
it is charged; any other text drops that prompt with its orders; without one it is ignored.

The reference codec is fastavro, timestamps as integers. No engine is written with it but those that
have no codec of their own.
"""

import io
from typing import Any, TypeAlias

import fastavro

DAY_MS = 86_400_000
PARTITIONS = 4
EVENTS, PROMPTS, CHARGES = "events", "prompts", "charges"
OUTPUTS = (PROMPTS, CHARGES)

# Ids of the schemas: fixed, for there is no registry.
ORDER, REPLY, PROMPT, CHARGE = 1, 2, 3, 4

Fields: TypeAlias = dict[str, Any]

_HEADER_BYTES = 5


_RECORDS = {
    ORDER: (
        "Order",
        "order_id link_id msisdn sp_id service_id price_fen channel province ordered_at",
    ),
    REPLY: ("Reply", "reply_id msisdn text channel received_at"),
    PROMPT: (
        "Prompt",
        "prompt_id order_id msisdn sp_id service_id price_fen text expires_at",
    ),
    CHARGE: (
        "Charge",
        "charge_id order_id msisdn sp_id service_id price_fen consented_at charged_at",
    ),
}


def _schema(name: str, fields: str, instant: Any) -> Fields:
    """A record of instants (…_at), amounts (…_fen) and strings."""
    types = {"at": instant, "fen": "long"}
    return {
        "type": "record",
        "name": name,
        "fields": [
            {"name": field, "type": types.get(field.rpartition("_")[2], "string")}
            for field in fields.split()
        ],
    }


_INSTANT = {"type": "long", "logicalType": "timestamp-millis"}
SCHEMAS = {number: _schema(*record, _INSTANT) for number, record in _RECORDS.items()}
# fastavro would make datetimes of instants; the bytes are the same.
_PLAIN = {
    number: fastavro.parse_schema(_schema(*record, "long")) for number, record in _RECORDS.items()
}
_HEADS = {number: b"\0" + number.to_bytes(4, "big") for number in _PLAIN}
_BY_HEAD = {head: (number, _PLAIN[number]) for number, head in _HEADS.items()}


def topic(prefix: str, name: str) -> str:
    """The full name of one of the topics."""
    return f"{prefix}-{name}"


def encode(schema_id: int, fields: Fields) -> bytes:
    """One framed value: a zero, four bytes of schema id (big-endian), Avro."""
    out = io.BytesIO()
    out.write(_HEADS[schema_id])
    fastavro.schemaless_writer(out, _PLAIN[schema_id], fields)
    return out.getvalue()


def decode(value: bytes) -> tuple[int, Fields]:
    """The schema id and the record of one framed value; ValueError without its header."""
    body = io.BytesIO(value)
    known = _BY_HEAD.get(body.read(_HEADER_BYTES))
    if known is None:
        raise ValueError(f"no header of W1: {value[:_HEADER_BYTES].hex()}")
    schema_id, schema = known
    fields: Any = fastavro.schemaless_reader(body, schema, None)
    return schema_id, fields
