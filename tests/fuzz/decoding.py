"""The decoders: of inputs, outputs and state rows, generated and slow, against fastavro.

What fastavro reads and ours refuses is refused for one of the causes in `STRICTER`; what ours reads
fastavro reads too, to the same values.
"""

import io
from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

import fastavro

from streams import topics
from streams.codec.classes import Classes
from streams.codec.faults import Undecodable
from streams.codec.framing import header
from streams.codec.generate_decoder import make_decoder
from streams.codec.ids import repository
from streams.codec.resolve import Read, slow_reader
from tests.codec.samples import CODECS, TABLES, TYPES, plain, root_name
from tests.fuzz.fuzzing import Single
from tests.fuzz.mutate import mutated, pick, spoilt
from tests.fuzz.wire import Sample, samples_of

# Where ours is stricter than fastavro, and why: bytes that only a broken writer makes must not
# become an order that somebody meant.
STRICTER = {
    "bad_boolean": "any byte but 0 is true to it",
    "bad_enum": "it counts a negative index from the end",
    "bad_union": "it counts a negative index from the end",
    "bad_length": "it does not hold a block to the size it states, nor a length to a sign",
    "bad_varint": "it reads a number however long it is written",
    "out_of_range": "it takes more than 32 or 64 bits, or drops what is over",
}

_SAMPLES = 60
_FOREIGN_HEADERS = (
    *(b"", b"\0", b"\0\0\0\0", b"\x01\0\x0f\x42\x4b", b"\0\xff\xff\xff\xff", b"\0\0\0\0\0"),
    *(b'{"a":', b"\0\0\x0f\x42\x40", b"Obj\x01\x04"),
)

Found = tuple[Any, str | None]
"""A record, or the cause why there is none."""


def outcome(read: Callable[[bytes], Any], value: bytes) -> Found:
    """What was read; anything else that is raised is a finding."""
    try:
        return read(value), None
    except Undecodable as refused:
        return None, refused.cause


class Value(NamedTuple):
    """One value for one of a target's names."""

    name: str
    value: bytes


class Decoding(Single):
    """Values of some topics or tables, each mutated from a sample of any released schema."""

    def __init__(self, name: str, names: tuple[str, ...]) -> None:
        self.name = name
        self._names = names
        self._samples: dict[str, tuple[Sample, ...]] = {}
        self._decode: dict[str, Callable[[bytes], Any]] = {}
        self._writers: dict[bytes, Any] = {}
        self._heads: dict[int, bytes] = {}
        draw = Random(1)
        for each in names:
            self._samples[each] = samples_of(each, draw, _SAMPLES)
            self._decode[each] = _decoder(each)
            for release in repository().of(each):
                head = _head(each, release.version, release.id)
                self._heads[release.id] = head
                self._writers[each.encode() + head] = fastavro.parse_schema(
                    plain(release.schema.json)
                )

    def draw(self, draw: Random) -> Value:
        name = pick(self._names, draw)
        sample = pick(self._samples[name], draw)
        body = spoilt(sample, self._samples[name], draw)
        chance = draw.random()
        if chance < 0.03:
            head = pick(_FOREIGN_HEADERS, draw)
        elif chance < 0.06:
            # Another schema's: of another version of this topic, or of another topic.
            head = self._heads[pick(tuple(self._heads), draw)]
        else:
            head = self._heads[sample.release.id]
        value = head + body
        return Value(name, mutated(value, draw) if chance > 0.99 else value)

    def take(self, made: Value) -> Found:
        return outcome(self._decode[made.name], made.value)

    def judge(self, made: Value, found: Found) -> None:
        record, cause = found
        size = _head_size(made.name)
        writer = self._writers.get(made.name.encode() + made.value[:size])
        if writer is None:
            assert cause in ("no_value", "wrong_magic", "truncated", "unknown_schema"), cause
            return
        theirs = _fastavro(writer, made.value[size:])
        if cause is None:
            assert theirs is not _REFUSED, "fastavro refuses what was read"
            assert agrees(record, theirs), f"fastavro reads {theirs!r}"
        else:
            assert theirs is _REFUSED or cause in STRICTER, f"{cause}, but fastavro reads {theirs}"


class Pairs(Single):
    """The generated decoder of every (writer, reader) pair beside the slow reader of the same."""

    name = "slow-reader"

    def __init__(self) -> None:
        draw = Random(2)
        self._pairs: list[tuple[Read, Read, tuple[Sample, ...]]] = []
        for name in repository().by_name:
            newest = repository().newest(name)
            samples = samples_of(name, draw, 20)
            for release in repository().of(name):
                classes = Classes(TYPES)
                self._pairs.append(
                    (
                        make_decoder(release.schema, newest.schema, classes, 0),
                        slow_reader(release.schema, newest.schema, classes, 0),
                        tuple(each for each in samples if each.release is release),
                    )
                )

    def draw(self, draw: Random) -> tuple[int, bytes]:
        place = int(draw.random() * len(self._pairs))
        samples = self._pairs[place][2]
        return place, spoilt(pick(samples, draw), samples, draw)

    def take(self, made: tuple[int, bytes]) -> Found:
        return outcome(self._pairs[made[0]][1], made[1])

    def judge(self, made: tuple[int, bytes], found: Found) -> None:
        quick = outcome(self._pairs[made[0]][0], made[1])
        assert quick == found, f"the generated decoder says {quick}"


def decode_inputs() -> Decoding:
    """Everything that comes in from outside."""
    return Decoding("inputs", topics.INPUTS)


def decode_outputs() -> Decoding:
    """What the gate writes and others of ours read: customer care, the tail."""
    outputs = (each for each in topics.CATALOGUE if each.kind is topics.Kind.OUTPUT)
    return Decoding("outputs", tuple(each.name for each in outputs if each.has_schema))


def decode_rows() -> Decoding:
    """State, as it may lie on a disk or a changelog that somebody else wrote."""
    return Decoding("rows", TABLES)


def agrees(ours: Any, theirs: Any) -> bool:
    """Whether a record of ours says what fastavro's says; fields of a later schema are ours."""
    if isinstance(theirs, dict):
        return all(agrees(getattr(ours, name), each) for name, each in theirs.items())
    if isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(agrees, ours, theirs))
    # An enum of ours is text; True is no 1.
    return bool(ours == theirs) and (isinstance(ours, str) or type(ours) is type(theirs))


def _decoder(name: str) -> Callable[[bytes], Any]:
    if name in TABLES:
        load: Callable[[bytes], Any] = CODECS.row_codec(
            name, TYPES[root_name(repository().newest(name).schema)]
        )[1]
        return load
    return CODECS.decoder(name)


def _head_size(name: str) -> int:
    return 1 if name in TABLES else 5


def _head(name: str, version: int, schema_id: int) -> bytes:
    return bytes((version,)) if name in TABLES else header(schema_id)


_REFUSED = object()


def _fastavro(writer: Any, body: bytes) -> Any:
    """What fastavro reads, if it reads all of it; it raises whatever comes to its mind."""
    source = io.BytesIO(body)
    try:
        found = fastavro.schemaless_reader(source, writer, None)
    except Exception:  # noqa: BLE001  # IndexError, EOFError, UnicodeDecodeError, OverflowError, ...
        return _REFUSED
    return _REFUSED if source.read(1) else found
