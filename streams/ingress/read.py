"""One input record becomes an event, or is unreadable for a stated cause.

Laws: what is read here is what the record says, to the last byte; what cannot be read, or lies
where it does not belong, is unreadable and never an event (law 10). A cause is a stable word, its
detail a sentence without the payload or the number (law 11). Nothing is judged here that needs
state or reference data: that is the gate's.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from confluent_kafka import murmur2

from streams.codec.codecs import Codecs
from streams.codec.faults import Undecodable
from streams.gate.events import CareAction, DeliveryReport, Order, Reply, Settlement, Tick
from streams.topics import INPUT_VALUE_BYTES_MAX, INPUTS, TICKS

Event = Order | Reply | DeliveryReport | Settlement | CareAction
TICK = INPUTS.index(TICKS)

NO_KEY = "no_key"
BAD_MSISDN = "bad_msisdn"
WRONG_PARTITION = "wrong_partition"
KEY_MISMATCH = "key_mismatch"
TOO_LARGE = "too_large"

# E.164: at most 15 digits, no leading zero; below 7 no subscriber can be meant.
_MSISDN_DIGITS = range(7, 16)
_ZERO = ord("0")


class Unreadable(NamedTuple):
    """Why a record is no event."""

    cause: str
    detail: str


class RawRecord(Protocol):
    """As much of a Kafka message as reading needs."""

    def key(self) -> bytes | None: ...
    def value(self) -> bytes | None: ...


def is_msisdn(key: bytes) -> bool:
    """Whether these bytes can be a subscriber's number."""
    return key.isdigit() and len(key) in _MSISDN_DIGITS and key[0] != _ZERO


class Reader:
    """Reads the records of every input."""

    def __init__(self, codecs: Codecs) -> None:
        self._decode: tuple[Callable[[bytes | None], Any], ...] = tuple(
            codecs.decoder(topic) for topic in INPUTS
        )

    def read(
        self, source: int, record: RawRecord, partition: int, partitions: int
    ) -> Event | Unreadable:
        """The event of a record of a per-subscriber input (not of a tick).

        `partitions` is the number that keys are spread over.
        """
        key = record.key()
        if key is None:
            return Unreadable(NO_KEY, "the record has no key; it must be the MSISDN's digits")
        if not is_msisdn(key):
            return Unreadable(BAD_MSISDN, "the key is no MSISDN: 7 to 15 digits, no leading zero")
        home = murmur2(key, partitions)
        if home != partition:
            return Unreadable(
                WRONG_PARTITION,
                f"the key belongs to partition {home}; the writer must use the murmur2 partitioner",
            )
        value = record.value()
        if value is not None and len(value) > INPUT_VALUE_BYTES_MAX:
            return Unreadable(
                TOO_LARGE,
                f"the value has {len(value)} bytes, at most {INPUT_VALUE_BYTES_MAX} are read",
            )
        try:
            event = self._decode[source](value)
        except Undecodable as fault:
            return Unreadable(fault.cause, fault.detail)
        if event.msisdn.encode() != key:
            return Unreadable(KEY_MISMATCH, "the record's msisdn is not its key")
        return event  # type: ignore[no-any-return]  # the decoder of this input makes these

    def tick_fault(self, record: RawRecord) -> Unreadable | None:
        """Why a tick cannot be read, or None; its time is the record's, not its content's."""
        try:
            tick = self._decode[TICK](record.value())
        except Undecodable as fault:
            return Unreadable(fault.cause, fault.detail)
        assert isinstance(tick, Tick)
        return None
