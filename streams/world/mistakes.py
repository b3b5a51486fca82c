"""What goes wrong outside: orders that no gate should approve, and records that none can read.

A misorder is readable and gets its verdict, a refusal. A malformed record gets none: all that is
left of it is a dead letter with a cause.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from confluent_kafka import murmur2

from streams.gate.events import Order
from streams.gate.words import Channel

_DAY_MS = 24 * 3600 * 1000
# Older than any operator remembers orders for.
_STALE_MS = 1000 * _DAY_MS
# Further ahead than any clock of a centre goes wrong.
_AHEAD_MS = 2 * _DAY_MS

_NO_SUCH_SCHEMA = (0xFFFF_FFF0).to_bytes(4, "big")
_NOT_UTF8 = 0xFF
_IMPOSSIBLE_MSISDN = "0046-70"

Misorder = Callable[[Order], Order]


def _wrong_price(order: Order) -> Order:
    return order._replace(price_minor=order.price_minor + 100)


def _unknown_service(order: Order) -> Order:
    return order._replace(service_id="no-such-service")


def _wrong_provider(order: Order) -> Order:
    return order._replace(provider_id="no-such-provider")


def _wrong_channel(order: Order) -> Order:
    other = Channel.SMS if order.channel is Channel.MMS else Channel.MMS
    return order._replace(channel=other, call_id=None)


def _no_call(order: Order) -> Order:
    return order._replace(channel=Channel.IVR, call_id=None)


def _stale(order: Order) -> Order:
    return order._replace(ordered_at=order.ordered_at - _STALE_MS)


MISORDERS: tuple[Misorder, ...] = (
    _wrong_price,
    _unknown_service,
    _wrong_provider,
    _wrong_channel,
    _no_call,
    _stale,
)


class Malformed(StrEnum):
    """The ways in which a record beside an order is unreadable."""

    NO_VALUE = "no_value"
    WRONG_MAGIC = "wrong_magic"
    UNKNOWN_SCHEMA = "unknown_schema"
    TRUNCATED = "truncated"
    OVERLONG = "overlong"
    BAD_TEXT = "bad_text"
    WRONG_PARTITION = "wrong_partition"
    KEY_MISMATCH = "key_mismatch"
    IMPOSSIBLE_MSISDN = "impossible_msisdn"
    NEGATIVE_PRICE = "negative_price"
    TIME_AHEAD = "time_ahead"
    CONFLICT = "conflict"


class RawRecord(NamedTuple):
    """A record as it goes on the wire; partition None is the key's own."""

    key: bytes
    value: bytes | None
    partition: int | None = None


def malformed(
    kind: Malformed,
    fresh: Order,
    placed: Order,
    encode: Callable[[Order], bytes],
    partitions: int,
) -> RawRecord:
    """A record of this kind; `fresh` is an order never placed, `placed` one just published."""
    key, value = fresh.msisdn.encode(), encode(fresh)
    match kind:
        case Malformed.NO_VALUE:
            return RawRecord(key, None)
        case Malformed.WRONG_MAGIC:
            return RawRecord(key, b"\x01" + value[1:])
        case Malformed.UNKNOWN_SCHEMA:
            return RawRecord(key, value[:1] + _NO_SUCH_SCHEMA + value[5:])
        case Malformed.TRUNCATED:
            return RawRecord(key, value[: len(value) // 2])
        case Malformed.OVERLONG:
            return RawRecord(key, value + b"\x00\x00")
        case Malformed.BAD_TEXT:
            return RawRecord(key, _with_broken_text(value, fresh.province.encode()))
        case Malformed.WRONG_PARTITION:
            return RawRecord(key, value, (murmur2(key, partitions) + 1) % partitions)
        case Malformed.KEY_MISMATCH:
            return RawRecord(key[:-1] + (b"1" if key[-1:] == b"0" else b"0"), value)
        case Malformed.IMPOSSIBLE_MSISDN:
            bad = fresh._replace(msisdn=_IMPOSSIBLE_MSISDN)
            return RawRecord(bad.msisdn.encode(), encode(bad))
        case Malformed.NEGATIVE_PRICE:
            return RawRecord(key, encode(fresh._replace(price_minor=-fresh.price_minor - 1)))
        case Malformed.TIME_AHEAD:
            return RawRecord(key, encode(fresh._replace(ordered_at=fresh.ordered_at + _AHEAD_MS)))
        case Malformed.CONFLICT:
            return RawRecord(key, encode(placed._replace(price_minor=placed.price_minor + 1)))


def malformed_kind(chance: float, partitions: int) -> Malformed:
    """The kind that this chance falls on; with one partition none can be wrong."""
    kinds = [k for k in Malformed if partitions > 1 or k is not Malformed.WRONG_PARTITION]
    return kinds[int(chance * len(kinds))]


def _with_broken_text(value: bytes, word: bytes) -> bytes:
    """The value with the first byte of this word spoilt, so that its text is not UTF-8."""
    place = value.rindex(word)
    return value[:place] + bytes([_NOT_UTF8]) + value[place + 1 :]
