"""What a person sees of any record of any topic: a line of JSON, and never a number."""

import json
from random import Random
from typing import Any, NamedTuple

from streams import topics
from streams.ingress.read import is_msisdn
from streams.tail.showing import TABLES as SHOWN_TABLES
from streams.tail.showing import Shower
from tests.codec.samples import CODECS, TABLES
from tests.fuzz.decoding import Decoding
from tests.fuzz.fuzzing import Single
from tests.fuzz.mutate import mutated, pick
from tests.fuzz.records import Raw
from tests.fuzz.wire import draw_text

_PREFIX = "vas."
_NUMBERS = (b"8613800138000", b"46700000001", b"8613900000001")
_WITH_SCHEMA = tuple(each.name for each in topics.CATALOGUE if each.has_schema)
_STATE = {f"state/{schema}": prefix for prefix, (_, schema, _, _) in SHOWN_TABLES.items()}
_CAUSE_NAMES = (
    *("__connect.errors.topic", "tollgate.cause", "__connect.errors.exception.message"),
    "traceparent",
)
# Ours, behind whatever the record brought.
_PLACE = (("__connect.errors.partition", b"3"), ("__connect.errors.offset", b"7"))


class Lying(NamedTuple):
    """A record as it lies on a topic."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    at: int


class _Message(Raw):
    """With the place that is shown too."""

    def topic(self) -> str:
        return f"{_PREFIX}any"

    def partition(self) -> int:
        return 3


class Showing(Single):
    """`tollgate tail` on every topic, the changelog and the dead letters included."""

    name = "showing"

    def __init__(self) -> None:
        self._records = Decoding("records", _WITH_SCHEMA)
        self._rows = Decoding("rows", TABLES)
        self._showers = {
            each.name: Shower(CODECS, each, _PREFIX)
            for each in topics.CATALOGUE
            if each.has_schema or each.name in (topics.CHANGELOG, topics.DEAD_LETTERS)
        }

    def draw(self, draw: Random) -> Lying:
        number = pick(_NUMBERS, draw)
        chance = draw.random()
        at = pick((0, -1, 1_790_000_000_000, 1 << 62, -(1 << 62)), draw)
        if chance < 0.3:
            name, value = self._rows.draw(draw)
            key = _STATE[name] + pick((b"", b"20000|", number + b"|", b"||"), draw) + number
            if chance < 0.1:
                key = mutated(key, draw)
            return Lying(topics.CHANGELOG, key, None if chance < 0.03 else value, (), at)
        name, value = self._records.draw(draw)
        held: bytes | None = mutated(number, draw) if chance < 0.4 else number
        if chance > 0.98:
            held = None
        if chance < 0.6:
            return Lying(name, held, None if chance < 0.31 else value, (), at)
        origin = pick((f"{_PREFIX}{name}", "another", ""), draw)
        headers = tuple(
            (each, pick((origin.encode(), draw_text(draw).encode(), number, b"\xff", None), draw))
            for each in _CAUSE_NAMES
        )
        return Lying(topics.DEAD_LETTERS, held, value, headers + _PLACE, at)

    def take(self, made: Lying) -> str:
        message: Any = _Message(made.key, made.value, made.headers, made.at, 7)
        return self._showers[made.topic].line(message)

    def judge(self, made: Lying, found: str) -> None:
        shown = json.loads(found)
        assert shown["offset"] == 7
        assert found.isprintable() or not any(ord(sign) < 0x20 for sign in found)
        of_subscribers = topics.BY_NAME[made.topic].kind is not topics.Kind.REFERENCE
        if of_subscribers and made.key is not None and is_msisdn(made.key):
            assert made.key.decode() not in found, "the line shows the number"
