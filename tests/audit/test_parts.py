"""What the auditor computes for itself, held against others' results and against exact edges."""

import ast
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import confluent_kafka
import pytest
from fastavro import parse_schema, schemaless_writer
from hypothesis import given
from hypothesis import strategies as st

import streams.audit
from streams.audit import released
from streams.audit.answers import Reading, Words, plain
from streams.audit.books import Books
from streams.audit.derive import partition_of
from streams.audit.laws.law08_same_log import _in_order
from streams.audit.records import Policy
from streams.audit.segments import count
from streams.audit.standing import day_of
from streams.audit.strict import Malformed, walk
from streams.history import Entry
from streams.topics import DECISIONS, ORDERS, POLICIES, REFERENCES, TICKS
from tests.audit.honest import honest
from tests.audit.market import policy
from tests.audit.scribe import DAY, MORNING, encode

SCHEMAS = released()
FIRST_POLICY = 1_000_012  # the id of the first schema of policies that was released


@given(st.binary(min_size=1, max_size=40), st.integers(1, 1024))
def test_partitions_are_those_of_kafka(key: bytes, partitions: int) -> None:
    """The auditor's murmur2 agrees with librdkafka's on every key."""
    assert partition_of(key, partitions) == confluent_kafka.murmur2(key, partitions)


@pytest.mark.parametrize(
    ("text", "encoding", "segments"),
    [
        ("", "GSM7", 1),
        ("a" * 160, "GSM7", 1),
        ("a" * 161, "GSM7", 2),
        ("a" * 306, "GSM7", 2),
        ("a" * 307, "GSM7", 3),
        ("a" * 158 + "€", "GSM7", 1),
        ("a" * 159 + "€", "GSM7", 2),
        ("a" * 152 + "€" + "a" * 151, "GSM7", 2),
        ("a" * 152 + "€" + "a" * 152, "GSM7", 3),
        ("是" * 70, "UCS2", 1),
        ("是" * 71, "UCS2", 2),
        ("是" * 134, "UCS2", 2),
        ("是" * 135, "UCS2", 3),
        ("是" * 68 + "😀", "UCS2", 1),
        ("是" * 69 + "😀", "UCS2", 2),
        ("ç", "UCS2", 1),
        ("Ç", "GSM7", 1),
    ],
)
def test_segments_are_counted_to_the_edge(text: str, encoding: str, segments: int) -> None:
    """A text of exactly one segment's length is one segment; a unit more is two."""
    assert count(text) == (encoding, segments)


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        (MORNING, DAY),
        ((DAY * 24 - 8) * 3_600_000, DAY),
        ((DAY * 24 - 8) * 3_600_000 - 1, DAY - 1),
        (10**18, 10**18 // 86_400_000),
        (-(10**18), -(10**18) // 86_400_000),
    ],
)
def test_the_day_is_the_operators(instant: int, day: int) -> None:
    """Midnight in the operator's zone begins the day; every instant has one."""
    assert day_of("Asia/Shanghai", instant) == day


def test_a_day_may_have_23_hours() -> None:
    """Where the clocks change, the day ends at local midnight all the same."""
    begins = 1_711_839_600_000  # 2024-03-31T00:00+01:00, the night of the change
    lengths = [day_of("Europe/Stockholm", begins + hours * 3_600_000) for hours in (0, 22, 23)]
    assert lengths == [lengths[0], lengths[0], lengths[0] + 1]


@pytest.mark.parametrize("text", ["Y", "ｙ", " y. ", "“Y”", "y\u200b", "Ｙ！"])
def test_what_people_add_does_not_count(text: str) -> None:
    """Width, case, spaces and punctuation around a word leave the word."""
    assert plain(text) == "y"


@pytest.mark.parametrize("text", ["y?n", "yy", "1#", "*y"])
def test_what_changes_a_word_counts(text: str) -> None:
    """Another letter, or another key of a phone, is another word."""
    assert plain(text) not in ("y", "1")


ORDER: dict[str, Any] = {
    "order_id": "o1",
    "msisdn": "46700000001",
    "provider_id": "star",
    "service_id": "ring",
    "channel": "IVR",
    "price_minor": 200,
    "currency": "CNY",
    "province": "gd",
    "ordered_at": MORNING,
    "source": "smsc-1",
    "call_id": None,
}
VALUE = encode(ORDERS, ORDER)
CHANNEL = VALUE.index(b"\x08ring\x06") + 5
PRICE = CHANNEL + 1


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (None, "no_value"),
        (b"", "wrong_magic"),
        (b"\1" + VALUE[1:], "wrong_magic"),
        (VALUE[:3], "truncated"),
        (b"\0\0\0\0\7" + VALUE[5:], "unknown_schema"),
        (VALUE[:-1], "truncated"),
        (VALUE + b"\0", "overlong"),
        (VALUE[:-1] + b"\4", "bad_union"),
        (VALUE[:CHANNEL] + b"\x08" + VALUE[PRICE:], "bad_enum"),
        (VALUE[:CHANNEL] + b"\x01" + VALUE[PRICE:], "bad_enum"),
        (VALUE[:5] + b"\x03" + VALUE[6:], "bad_length"),
        (VALUE[:5] + b"\xfe\xff\xff\xff\x0f" + VALUE[6:], "bad_length"),
        (VALUE[:6] + b"\xff" + VALUE[7:], "bad_text"),
        (VALUE[:PRICE] + b"\xff" * 10 + VALUE[PRICE:], "bad_varint"),
        (VALUE[:PRICE] + b"\xff" * 9 + b"\x7f" + VALUE[PRICE:], "out_of_range"),
    ],
)
def test_malformed_values_are_named(value: bytes | None, fault: str) -> None:
    """What fastavro would let pass, or fail on in its own words, has one name."""
    with pytest.raises(Malformed) as malformed:
        SCHEMAS.decode_strictly(ORDERS, value)
    assert malformed.value.fault == fault


def test_a_number_written_longer_than_needed_is_legal() -> None:
    """Avro does not ask for the shortest form: such a value is read, not refused."""
    longer = VALUE[:CHANNEL] + bytes([VALUE[CHANNEL] | 0x80, 0]) + VALUE[PRICE:]
    assert SCHEMAS.decode_strictly(ORDERS, longer) == ORDER


def test_an_older_record_is_read_as_the_latest_schema_has_it() -> None:
    """What a policy of the first version did not say is the latest schema's default."""
    older = dict(policy())
    value = encode(POLICIES, older, number=FIRST_POLICY)
    read = SCHEMAS.decode_strictly(POLICIES, value)
    assert read["complaint_alarms_ms"] == [86_400_000, 172_800_000, 259_200_000]
    assert [rule["code_required"] for rule in read["rules"]] == [False] * 3
    assert read["sender"] == older["sender"]
    with pytest.raises(Malformed, match="overlong"):
        SCHEMAS.decode_strictly(POLICIES, value + b"\0")


POLICY = Books(honest().history(), SCHEMAS, drained=True).references[POLICIES][0]
assert isinstance(POLICY, Policy)
WORDS = Words(
    POLICY._replace(
        keywords=[
            {"keyword": "LIST", "words": ["0000"]},
            {"keyword": "CANCEL", "words": ["QX"]},
            {"keyword": "UNDO", "words": ["TF"]},
        ]
    )
)


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("00 00", Reading(keyword="LIST")),
        ("ｑｘ", Reading(keyword="CANCEL")),
        ("qx 2", Reading(keyword="CANCEL", number=2)),
        ("QX" + "9" * 5_000, Reading(keyword="CANCEL", number=0)),
        ("是。", Reading(answer="YES")),
        ("345", Reading(answer="YES", code="345")),
        ("n345", Reading(answer="NO", code="345")),
        ("３４５ Y!", Reading(answer="YES", code="345")),
        ("045", Reading()),
        ("Y45", Reading()),
        ("Y345N", Reading()),
        ("", Reading()),
    ],
)
def test_only_a_whole_text_is_read(text: str, reading: Reading) -> None:
    """A keyword, an answer, a code, or an answer and a code; else nothing."""
    assert WORDS.read(text) == reading


SCHEMA = {
    "type": "record",
    "name": "R",
    "fields": [
        {"name": "n", "type": "int"},
        {"name": "t", "type": ["null", "string"]},
        {"name": "b", "type": "boolean"},
        {"name": "rows", "type": {"type": "array", "items": {"type": "array", "items": "long"}}},
        {"name": "f", "type": {"type": "fixed", "name": "F", "size": 2}},
        {"name": "bytes", "type": "bytes"},
    ],
}


@given(
    st.fixed_dictionaries(
        {
            "n": st.integers(-(2**31), 2**31 - 1),
            "t": st.none() | st.text(max_size=5),
            "b": st.booleans(),
            "rows": st.lists(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=3), max_size=3),
            "f": st.binary(min_size=2, max_size=2),
            "bytes": st.binary(max_size=5),
        }
    ),
    st.binary(max_size=3),
)
def test_the_walk_accepts_what_fastavro_writes(record: dict[str, Any], rest: bytes) -> None:
    """Whatever fastavro writes has no fault, and any byte behind it is one."""
    stream = BytesIO()
    schemaless_writer(stream, parse_schema(SCHEMA), record)
    walk(SCHEMA, stream.getvalue())
    if rest:
        with pytest.raises(Malformed, match="overlong"):
            walk(SCHEMA, stream.getvalue() + rest)


def test_the_auditor_shares_nothing_with_what_it_audits() -> None:
    """Of the product, only the catalogue of topics, settings, clients, errors and what was recorded
    are imported.
    """
    allowed = {
        *("streams.topics", "streams.settings", "streams.clients", "streams.errors"),
        "streams.history",
    }
    folder = Path(streams.audit.__file__).parent
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
                if node.module == "streams":
                    names = [f"streams.{alias.name}" for alias in node.names]
            ours = {name for name in names if name.split(".")[0] == "streams"}
            assert all(n.startswith("streams.audit") or n in allowed for n in ours), path


def _taken(*causes: tuple[str, int, int]) -> list[Any]:
    """Decisions with these causes (topic, offset, act), and nothing else to find fault with."""
    return [
        SimpleNamespace(
            topic=topic,
            offset=offset,
            act=act,
            sequence=sequence,
            watermark=5,
            reference=(0,) * len(REFERENCES),
            entry=Entry(DECISIONS, 0, sequence, 0, None, None, ()),
        )
        for sequence, (topic, offset, act) in enumerate(causes)
    ]


def test_an_unreadable_tick_may_be_taken_between_the_due_acts_of_the_one_before() -> None:
    """Of too many due acts for one turn the rest follows later; each kind keeps its own order."""
    assert not list(_in_order(_taken((TICKS, 29, 1), (TICKS, 30, 0), (TICKS, 29, 2))))
    for wrong in (
        ((TICKS, 29, 2), (TICKS, 30, 0), (TICKS, 29, 1)),
        ((TICKS, 30, 0), (TICKS, 29, 1), (TICKS, 29, 0)),
        ((ORDERS, 3, 0), (ORDERS, 3, 0)),
    ):
        (found,) = _in_order(_taken(*wrong))
        assert "out of its own order" in found.sentence
