"""The examples beside the schemas: each is a true record, through our codec and fastavro."""

import json
from pathlib import Path
from typing import Any

import pytest

from streams.codec.classes import Classes
from streams.codec.ids import repository
from streams.codec.schema import Array, Enum, Fixed, Node, Primitive, Record, Union
from tests.codec.samples import TYPES, as_json, codec_of, fastavro_read, fastavro_write

EXAMPLES = Path(__file__).resolve().parents[2] / "schemas" / "examples"
FILES = sorted(EXAMPLES.rglob("*.json"))


def name_of(file: Path) -> str:
    return file.parent.relative_to(EXAMPLES).as_posix()


def record_in(node: Node, source: Any) -> Any:
    """An example's JSON as a record of ours; the examples' README says how it is written."""
    match node:
        case Record():
            assert list(source) == [field.name for field in node.fields]
            made = Classes(TYPES).record(node)
            return made(*(record_in(field.type, source[field.name]) for field in node.fields))
        case Array():
            return tuple(record_in(node.items, each) for each in source)
        case Enum():
            return Classes(TYPES).symbol(node, source)
        case Fixed() | Primitive("bytes"):
            return bytes.fromhex(source)
        case Union() if source is not None:
            some = next(branch for branch in node.branches if branch != Primitive("null"))
            return record_in(some, source)
    return source


@pytest.mark.parametrize("file", FILES, ids=[f"{name_of(each)}/{each.stem}" for each in FILES])
def test_an_example_survives_both_codecs(file: Path) -> None:
    """An example is written with fastavro's bytes and comes back as it was."""
    codec = codec_of(name_of(file))
    record = record_in(codec.schema.root, json.loads(file.read_text("utf-8")))
    written = codec.encode(record)
    assert written[codec.body_at :] == fastavro_write(codec.schema, record)
    assert codec.decode(written) == record
    assert fastavro_read(codec.schema, written[codec.body_at :]) == as_json(record)


def test_every_schema_has_an_example() -> None:
    """Whoever meets a schema finds a record of it."""
    assert {name_of(file) for file in FILES} == set(repository().by_name)


def test_examples_show_every_choice_that_others_must_make() -> None:
    """Each channel of an order, each kind of care action, message and alarm, each outcome and each
    reason of a refund has its example.
    """
    shown = {
        (name_of(file), key, value)
        for file in FILES
        for key, value in json.loads(file.read_text("utf-8")).items()
        if isinstance(value, str)
    }
    for name, field, kind in (
        ("orders.v1", "channel", "Channel"),
        ("care.v1", "kind", "CareKind"),
        ("delivery-reports.v1", "status", "DeliveryStatus"),
        ("settlements.v1", "outcome", "SettlementOutcome"),
        ("verdicts.v1", "outcome", "Outcome"),
        ("messages.v1", "kind", "MessageKind"),
        ("refunds.v1", "reason", "RefundReason"),
        ("alarms.v1", "kind", "AlarmKind"),
    ):
        symbols = set(TYPES[kind]) - {"UNKNOWN"}  # type: ignore[call-overload]
        assert {value for at, key, value in shown if (at, key) == (name, field)} == symbols
