"""One record as a line of JSON: decoded by its topic's schemas, masked by law 11.

Times become ISO 8601, days dates, bytes hexadecimal; a policy's code key is hidden. A dead letter
shows why it is one, and its record as far as the original topic's schemas can read it.
"""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from confluent_kafka import Message

from streams import topics
from streams.codec.classes import types_of
from streams.codec.codecs import Codecs
from streams.codec.faults import Undecodable
from streams.codec.ids import repository
from streams.codec.schema import Array, Fixed, Node, Primitive, Record, Union
from streams.egress import records
from streams.egress.dead_letters import CAUSE_HEADER
from streams.gate import effects, events, reference, rows, words
from streams.gate.rows import ChargeAccount, Complaint, Seen, ServiceDay, Subscriber
from streams.ingress.read import is_msisdn
from streams.masking import mask_bytes, mask_id, mask_text, masked
from streams.settings import Settings

_ERRORS = "__connect.errors."
_HIDDEN = "(hidden)"
_BYTES_SHOWN = 200
# What JSON leaves as it is, and a terminal may take for an order.
_CONTROLS = re.compile(r"[\x7f-\x9f\u2028\u2029]")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# The tables whose rows lie on the changelog (streams/app.py declares them): a key's first byte,
# the table, its rows' schema and class, and at which place of the key the number stands.
TABLES: dict[bytes, tuple[str, str, type[Any], int]] = {
    b"g": ("grants", "grants", ServiceDay, 1),
    b"s": ("subscribers", "subscribers", Subscriber, 0),
    b"o": ("orders", "seen", Seen, 0),
    b"e": ("events", "seen", Seen, 0),
    b"c": ("charges", "charges", ChargeAccount, 0),
    b"q": ("complaints", "complaints", Complaint, 0),
}

Shown = dict[str, Any]


def codecs_of(settings: Settings) -> Codecs:
    """The codecs of everything that is shown."""
    types = types_of(words, events, effects, reference, rows, records)
    if settings.schema_registry_url:
        return Codecs.from_registry(settings.schema_registry_url, settings.topic_prefix, types)
    return Codecs.from_repository(types)


class Shower:
    """Makes lines of one topic's records."""

    def __init__(self, codecs: Codecs, topic: topics.Topic, prefix: str) -> None:
        self._codecs = codecs
        self._topic = topic
        self._prefix = prefix
        self._loads: dict[bytes, Callable[[bytes], Any]] = {}

    def line(self, message: Message) -> str:
        """A record, as it may be shown."""
        shown: Shown = {
            "topic": message.topic(),
            "partition": message.partition(),
            "offset": message.offset(),
            "time": _instant(message.timestamp()[1]),
        }
        key, value = message.key(), message.value()
        match self._topic.name:
            case topics.CHANGELOG:
                shown |= self._row(key, value)
            case topics.DEAD_LETTERS:
                shown |= {"key": _key(key), **self._letter(message)}
            case name:
                shown |= {"key": self._key(key), **self._record(name, key, value)}
        line = json.dumps(shown, ensure_ascii=False)
        return _CONTROLS.sub(lambda sign: f"\\u{ord(sign[0]):04x}", line)

    def _key(self, key: bytes | None) -> str | None:
        if key is None or self._topic.kind is not topics.Kind.REFERENCE:
            return _key(key)
        # The id of a provider, service or policy.
        return key.decode("utf-8", "replace")

    def _record(self, name: str, key: bytes | None, value: bytes | None) -> Shown:
        try:
            record = self._codecs.decode(name, value)
        except Undecodable as fault:
            return _unreadable(fault, value)
        # Both, because they may differ: that is what some dead letters are about.
        numbers = tuple(filter(str.isdigit, (_text_of(key), getattr(record, "msisdn", ""))))
        root = repository().newest(name).schema.root
        return {"value": _shown("", root, record, numbers)}

    def _letter(self, message: Message) -> Shown:
        key, value = message.key(), message.value()
        # The last of a name counts, as for Kafka's readers: a record may have died before.
        said = {name: _decoded(text) for name, text in dict(message.headers() or ()).items()}
        origin = said.get(f"{_ERRORS}topic", "")
        why = {
            "cause": mask_text(said.get(CAUSE_HEADER, "")),
            "detail": mask_text(said.get(f"{_ERRORS}exception.message", "")),
            "topic": mask_text(origin),
            # Offsets are long numbers that nobody answers.
            "partition": _whole(said.get(f"{_ERRORS}partition", "")),
            "offset": _whole(said.get(f"{_ERRORS}offset", "")),
        }
        topic = topics.BY_NAME.get(origin.removeprefix(self._prefix))
        if topic is None or not topic.has_schema:
            return {"dead_letter": why, **_raw(value)}
        return {"dead_letter": why, **self._record(topic.name, key, value)}

    def _row(self, key: bytes | None, value: bytes | None) -> Shown:
        found = TABLES.get(key[:1]) if key else None
        if key is None or found is None:
            return {"table": "positions" if key == b"\0positions" else None, **_raw(value)}
        table, schema, kind, place = found
        parts = key[1:].decode("utf-8", "replace").split("|")
        number = parts[place] if place < len(parts) else ""
        shown: Shown = {
            "table": table,
            "key": [
                masked(part) if at == place else mask_id(part, (number,))
                for at, part in enumerate(parts)
            ],
        }
        if value is None:
            return {**shown, "value": None}
        load = self._loads.get(key[:1])
        if load is None:
            _, load = self._codecs.row_codec(schema, kind)
            self._loads[key[:1]] = load
        try:
            row = load(value)
        except Undecodable as fault:
            return {**shown, **_unreadable(fault, value)}
        root = repository().newest(f"state/{schema}").schema.root
        return {**shown, "value": _shown("", root, row, (number,))}


def _shown(name: str, node: Node, value: Any, numbers: tuple[str, ...]) -> Any:
    """A value as JSON; `name` is its field's, `numbers` the subscriber's own."""
    match node:
        case Record():
            return {
                field.name: _shown(field.name, field.type, each, numbers)
                for field, each in zip(node.fields, value, strict=True)
            }
        case Array():
            return [_shown(name, node.items, each, numbers) for each in value]
        case Union():
            some = next(branch for branch in node.branches if branch != Primitive("null"))
            return None if value is None else _shown(name, some, value, numbers)
        case Primitive("string"):
            return _text(name, value, numbers)
        case Primitive("long", "timestamp-millis"):
            return _instant(value)
        case Primitive("int", "date"):
            return _day(value)
        case Primitive("bytes"):
            return _HIDDEN  # the key of reply codes: the gate's and the auditors' only
        case Fixed():
            return value.hex()
    return value


def _text(name: str, value: str, numbers: tuple[str, ...]) -> str:
    if name == "msisdn":
        return masked(value)
    return mask_id(value, numbers) if _is_identifier(name) else mask_text(value)


def _is_identifier(name: str) -> bool:
    """Whether a field names something other than a subscriber, and may be made of digits."""
    return name.endswith(("_id", "_ids")) or name in ("id", "charge_code")


def _key(key: bytes | None) -> str | None:
    if key is None:
        return None
    try:
        return mask_text(key.decode())
    except UnicodeDecodeError:
        return mask_bytes(key[:_BYTES_SHOWN])


def _decoded(header: str | bytes | None) -> str:
    return header.decode("utf-8", "replace") if isinstance(header, bytes) else header or ""


def _text_of(key: bytes | None) -> str:
    return key.decode() if key is not None and is_msisdn(key) else ""


def _unreadable(fault: Undecodable, value: bytes | None) -> Shown:
    return {"unreadable": {"cause": fault.cause, "detail": fault.detail}, **_raw(value)}


def _raw(value: bytes | None) -> Shown:
    if value is None:
        return {"value": None}
    return {"bytes": len(value), "begins": mask_bytes(value[:_BYTES_SHOWN])}


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None


def _instant(ms: int) -> str | None:
    try:
        at = _EPOCH + timedelta(milliseconds=ms)
    except OverflowError:
        return None
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _day(days: int) -> str | None:
    try:
        return (_EPOCH + timedelta(days=days)).date().isoformat()
    except OverflowError:
        return None
