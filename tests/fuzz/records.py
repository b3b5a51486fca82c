"""A record as a whole: key, partition, value and headers, up to the event or the cause why not."""

import json
import re
from random import Random
from typing import NamedTuple

from confluent_kafka import murmur2 as kafka_murmur2

from streams import topics
from streams.codec.faults import CAUSES
from streams.egress.dead_letters import CAUSE_HEADER, Header, Origin, headers
from streams.ingress import read
from streams.ingress.read import Event, Reader, Unreadable, is_msisdn
from streams.topics import INPUT_VALUE_BYTES_MAX, INPUTS
from tests.codec.samples import CODECS
from tests.fuzz.decoding import Decoding, Value
from tests.fuzz.fuzzing import Single
from tests.fuzz.mutate import mutated, pick
from tests.fuzz.wire import EXAMPLES, draw_text

# Every cause that reading a record can have.
READ_CAUSES = frozenset(
    (
        *CAUSES,
        *(read.NO_KEY, read.BAD_MSISDN, read.WRONG_PARTITION, read.KEY_MISMATCH, read.TOO_LARGE),
    )
)
PARTITIONS = (1, 2, 7, 64)
_KEYS = (
    *(b"8613800138000", b"46700000001", b"1234567", b"123456789012345"),
    *(b"", b"0", b"123456", b"1234567890123456", b"0123456789", b"+8613800138000", b"8613800 8000"),
    *("８６１３８００１３８０００".encode(), "٨٦١٣٨٠٠١".encode(), b"861380013800\0", b"\xff" * 9),
)
_MSISDN = re.compile(rb"[1-9][0-9]{6,14}")


class Raw(NamedTuple):
    """A Kafka message, as much of it as the gate looks at; the rest is in the target's hands."""

    raw_key: bytes | None
    raw_value: bytes | None
    raw_headers: tuple[Header, ...] | None = None
    at: int = 0
    raw_offset: int = 0

    def key(self) -> bytes | None:
        return self.raw_key

    def value(self) -> bytes | None:
        return self.raw_value

    def headers(self) -> list[Header] | None:
        return None if self.raw_headers is None else list(self.raw_headers)

    def timestamp(self) -> tuple[int, int]:
        return 1, self.at

    def offset(self) -> int:
        return self.raw_offset


class Placed(NamedTuple):
    """A record of an input, on a partition."""

    source: int
    key: bytes | None
    value: bytes | None
    partition: int
    partitions: int


class Records(Single):
    """The reader of every keyed input, with keys of every kind."""

    name = "records"

    def __init__(self) -> None:
        self._reader = Reader(CODECS)
        self._values = Decoding("values", topics.INPUTS[:-1])
        found = (
            json.loads(file.read_text("utf-8")).get("msisdn") for file in EXAMPLES.rglob("*.json")
        )
        self._numbers = sorted({number.encode() for number in found if number})

    def draw(self, draw: Random) -> Placed:
        name, value = self._values.draw(draw)
        key: bytes | None = pick(_KEYS if draw.random() < 0.3 else self._numbers, draw)
        chance = draw.random()
        if chance < 0.3 and key is not None:
            key = mutated(key, draw)
        elif chance < 0.32:
            key = None
        partitions = pick(PARTITIONS, draw)
        partition = int(draw.random() * partitions)
        if key is not None and chance > 0.4:
            partition = murmur2(key) % partitions
        if chance > 0.999:
            return Placed(INPUTS.index(name), key, bytes(INPUT_VALUE_BYTES_MAX + 1), partition, 1)
        held = None if chance > 0.99 else value
        return Placed(INPUTS.index(name), key, held, partition, partitions)

    def take(self, made: Placed) -> Event | Unreadable:
        record = Raw(made.key, made.value)
        return self._reader.read(made.source, record, made.partition, made.partitions)

    def judge(self, made: Placed, found: Event | Unreadable) -> None:
        key = made.key
        if not isinstance(found, Unreadable):
            assert key is not None
            assert _MSISDN.fullmatch(key)
            assert murmur2(key) % made.partitions == made.partition
            assert found.msisdn.encode() == key
            return
        assert found.cause in READ_CAUSES
        assert_shows_no_number(found.detail, key)
        if key is None:
            assert found.cause == read.NO_KEY
        elif not _MSISDN.fullmatch(key):
            assert found.cause == read.BAD_MSISDN
        elif murmur2(key) % made.partitions != made.partition:
            assert found.cause == read.WRONG_PARTITION
        elif made.value is not None and len(made.value) > INPUT_VALUE_BYTES_MAX:
            assert found.cause == read.TOO_LARGE


class Keys(Single):
    """What can be a number, and the partition it belongs to: murmur2 as Java's clients have it."""

    name = "keys"

    def draw(self, draw: Random) -> bytes:
        chance = draw.random()
        if chance < 0.3:
            return mutated(pick(_KEYS, draw), draw)
        if chance < 0.4:
            return draw_text(draw).encode()
        return b"%d" % draw.getrandbits(1 + int(draw.random() * 60))

    def take(self, made: bytes) -> tuple[bool, int]:
        return is_msisdn(made), kafka_murmur2(made, 64)

    def judge(self, made: bytes, found: tuple[bool, int]) -> None:
        assert found == (bool(_MSISDN.fullmatch(made)), murmur2(made) % 64)


class Ticks(Single):
    """The values of ticks; a tick that can be read is only that, its time is the record's."""

    name = "ticks"

    def __init__(self) -> None:
        self._reader = Reader(CODECS)
        self._values = Decoding("values", (topics.TICKS,))

    def draw(self, draw: Random) -> bytes:
        return self._values.draw(draw).value

    def take(self, made: bytes) -> Unreadable | None:
        return self._reader.tick_fault(Raw(None, made))

    def judge(self, made: bytes, found: Unreadable | None) -> None:
        assert found is None or found.cause in CAUSES
        assert (found is None) == (self._values.take(Value(topics.TICKS, made))[1] is None)


class Letter(NamedTuple):
    """What becomes a dead letter's headers."""

    original: tuple[Header, ...] | None
    cause: str
    detail: str


class Letters(Single):
    """A dead letter's headers: the original's untouched and first, what we say last."""

    name = "dead-letters"
    _NAMES = (CAUSE_HEADER, "traceparent", "", "\0", "x" * 300, "__connect.errors.topic", "名")

    def draw(self, draw: Random) -> Letter:
        held = tuple(
            (
                pick(self._NAMES, draw) if draw.random() < 0.7 else draw_text(draw),
                None if draw.random() < 0.1 else draw.randbytes(int(draw.random() * 40)),
            )
            for _ in range(int(draw.random() * 6))
        )
        cause = pick(CAUSES, draw)
        return Letter(None if draw.random() < 0.1 else held, cause, draw_text(draw))

    def take(self, made: Letter) -> list[Header]:
        origin = Origin("vas.orders.v1", 3, 1 << 40)
        return headers(made.original, origin, "gate", made.cause, made.detail)

    def judge(self, made: Letter, found: list[Header]) -> None:
        before = list(made.original or ())
        assert found[: len(before)] == before, "the original's headers have changed"
        said = dict(found)
        assert said[CAUSE_HEADER] == made.cause.encode()
        assert said["__connect.errors.exception.message"] == made.detail.encode()
        assert len({name for name, _ in found[len(before) :]}) == len(found) - len(before)
        assert all(isinstance(text, bytes) for _, text in found[len(before) :])


def assert_shows_no_number(text: str, key: bytes | None) -> None:
    """Law 11: what is told of a record does not hold its number."""
    if key is not None and is_msisdn(key):
        assert key.decode() not in text, "it shows the number"


def murmur2(key: bytes) -> int:
    """Kafka's own hash, written from org.apache.kafka.common.utils.Utils, made positive."""
    factor, mask = 0x5BD1E995, 0xFFFFFFFF
    size = len(key)
    value = (0x9747B28C ^ size) & mask
    whole = size // 4 * 4
    for at in range(0, whole, 4):
        word = int.from_bytes(key[at : at + 4], "little") * factor & mask
        word = (word ^ word >> 24) * factor & mask
        value = (value * factor & mask) ^ word
    if size != whole:
        value = (value ^ int.from_bytes(key[whole:], "little")) * factor & mask
    value = (value ^ value >> 13) * factor & mask
    return (value ^ value >> 15) & 0x7FFFFFFF
