"""`schemas check` and release: what stands, and what every planted mistake is answered with."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from streams.codec.compatibility import SCHEMAS, check
from streams.codec.faults import SchemaFault
from streams.codec.ids import FIRST_ID, read_released, repository
from streams.codec.release import release
from streams.codec.schema import load_schema
from streams.topics import CATALOGUE
from tests.codec.samples import TABLES

Change = Callable[[dict[str, Any]], object]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the repository's schemas to spoil."""
    target = tmp_path / "schemas"
    shutil.copytree(SCHEMAS, target, ignore=shutil.ignore_patterns("examples", "__pycache__"))
    return target


def edit(folder: Path, name: str, change: Change) -> None:
    file = folder / f"{name}.avsc"
    source = json.loads(file.read_text("utf-8"))
    change(source)
    file.write_text(json.dumps(source), "utf-8")


def field(source: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in source["fields"] if each["name"] == name)
    return found


def findings(folder: Path) -> str:
    return "\n".join(map(str, check(folder)))


def test_the_repositorys_schemas_stand_and_are_released() -> None:
    """Nothing is found: every schema is compatible, well made, and released as it stands. If this
    fails after a change of a schema, run `python -m streams.codec.release` and commit the result.
    """
    assert check() == ()


def test_every_topic_and_table_is_released_with_ids_of_its_own() -> None:
    """Repository ids start above a million and are never shared."""
    topics = {topic.name for topic in CATALOGUE if topic.has_schema}
    assert set(repository().by_name) == topics | set(TABLES)
    assert min(repository().by_id) == FIRST_ID
    for name, releases in repository().by_name.items():
        assert [each.version for each in releases] == list(range(1, len(releases) + 1))
        assert load_schema(name).json == releases[-1].schema.json


def symbols_of(source: dict[str, Any], name: str) -> list[str]:
    symbols: list[str] = field(source, name)["type"]["symbols"]
    return symbols


def rename(source: dict[str, Any], old: str, new: str, **more: Any) -> None:
    field(source, old).update(name=new, **more)


MISTAKES: list[tuple[str, Change, str]] = [
    (
        "orders.v1",
        lambda s: field(s, "ordered_at")["type"].update(logicalType="timestamp-micros"),
        r"Order\.ordered_at: the logical type changed from timestamp-millis to timestamp-micros",
    ),
    (
        "orders.v1",
        lambda s: field(s, "price_minor").update(doc="major units of the currency"),
        r"Order\.price_minor: the stated unit changed from minor unit to none",
    ),
    (
        "policies.v1",
        lambda s: field(s, "grace_ms").update(doc="seconds the watermark must pass"),
        r"Policy\.grace_ms: the stated unit changed from millisecond to second",
    ),
    (
        "policies.v1",
        lambda s: rename(s, "grace_ms", "grace_s", aliases=["grace_ms"]),
        r"Policy\.grace_s: renamed from grace_ms: the unit in the name changed",
    ),
    (
        "orders.v1",
        lambda s: rename(s, "call_id", "call"),
        r'Order\.call: call_id is gone .* say "aliases": \["call_id"\]',
    ),
    (
        "orders.v1",
        lambda s: symbols_of(s, "channel").remove("MMS"),
        r"Order\.channel: symbol MMS was removed",
    ),
    (
        "orders.v1",
        lambda s: field(s, "channel")["type"].update(default="SMS"),
        r"Order\.channel: the enum's default changed from UNKNOWN to SMS",
    ),
    (
        "orders.v1",
        lambda s: field(s, "channel")["type"].update(default="SMS"),
        r"Order\.channel: an enum needs the symbol UNKNOWN as its default",
    ),
    (
        "orders.v1",
        lambda s: symbols_of(s, "channel").append("web"),
        r"Order\.channel: symbol web must be UPPER_CASE",
    ),
    ("orders.v1", lambda s: s.update(name="Purchase"), r"name changed from tollgate\.v1\.Order"),
    ("orders.v1", lambda s: s.update(namespace="other"), r"name changed from tollgate\.v1\.Order"),
    (
        "orders.v1",
        lambda s: s["fields"].append({"name": "shop", "type": "string"}),
        r"Order\.shop: a new field needs a default",
    ),
    (
        "orders.v1",
        lambda s: s["fields"].remove(field(s, "currency")),
        r"cannot read new records: reader_field_missing_default_value \(currency\)",
    ),
    (
        "orders.v1",
        lambda s: field(s, "price_minor").update(type="int"),
        r"old records cannot be read: type_mismatch",
    ),
    (
        "orders.v1",
        lambda s: field(s, "call_id").update(type=["null", "int"]),
        r"missing_union_branch",
    ),
    (
        "policies.v1",
        lambda s: field(s, "rules")["type"]["items"]["fields"].pop(0),
        r"cannot read new records: reader_field_missing_default_value \(name\)",
    ),
    (
        "state/seen",
        lambda s: field(s, "digest")["type"].update(size=32),
        r"fixed_size_mismatch",
    ),
    (
        "state/seen",
        lambda s: field(s, "day")["type"].pop("logicalType"),
        r"Seen\.day: the logical type changed from date to None",
    ),
    (
        "decisions.v1",
        lambda s: s["fields"].append({"name": "more", "type": "string", "default": ""}),
        r"Decision\.seal: a decision ends with seal",
    ),
    (
        "decisions.v1",
        lambda s: field(s, "policy_id").update(type=["string", "null"], default="none"),
        r"Decision\.policy_id: the field's default changed",
    ),
    ("orders.v1", lambda s: s.update(fields=7), r"orders\.v1 is not a valid Avro schema"),
]


@pytest.mark.parametrize(
    ("name", "change", "expected"),
    MISTAKES,
    ids=[f"{number}-{name}" for number, (name, _, _) in enumerate(MISTAKES)],
)
def test_each_planted_mistake_is_found_and_not_released(
    folder: Path, name: str, change: Change, expected: str
) -> None:
    """Every incompatible or careless change is told by file and field, and gets no id."""
    before = read_released(folder / "released")
    edit(folder, name, change)
    assert re.search(expected, findings(folder)), findings(folder)
    with pytest.raises(SchemaFault, match=re.escape(name)):
        release(folder)
    assert read_released(folder / "released").by_id.keys() == before.by_id.keys()


def decimal(scale: int) -> dict[str, Any]:
    kind = {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": scale}
    return {"name": "tax", "type": kind, "default": ""}


def test_a_changed_scale_is_found_though_avro_calls_it_compatible(folder: Path) -> None:
    """Amounts that grow tenfold with one digit of a schema are stopped by our own lint."""
    edit(folder, "orders.v1", lambda s: s["fields"].append(decimal(2)))
    release(folder)
    edit(folder, "orders.v1", lambda s: field(s, "tax").update(decimal(3)))
    assert findings(folder).count("the logical type changed from decimal of precision 9") == 1


def test_a_good_change_is_released_once_and_keeps_the_old_one(folder: Path) -> None:
    """A field with a default and a new symbol are fine: the next id, the next version."""
    last = max(repository().by_id)

    def grow(source: dict[str, Any]) -> None:
        symbols_of(source, "channel").append("WEB")
        source["fields"].append({"name": "shop", "type": ["null", "string"], "default": None})

    edit(folder, "orders.v1", grow)
    assert "schemas/orders.v1.avsc: differs from its newest release; run" in findings(folder)
    (new,) = release(folder)
    assert (new.id, new.name, new.version) == (last + 1, "orders.v1", 2)
    assert check(folder) == ()
    assert release(folder) == ()
    releases = read_released(folder / "released").of("orders.v1")
    assert releases[0].schema.json == repository().newest("orders.v1").schema.json
    assert releases[1].schema.json == json.loads((folder / "orders.v1.avsc").read_text("utf-8"))


def test_every_release_counts_not_only_the_newest(folder: Path) -> None:
    """A field that went and came back with another unit is held against the first release too."""
    call = {"name": "wait", "type": "long", "default": 0}
    edit(folder, "orders.v1", lambda s: s["fields"].append(call | {"doc": "milliseconds"}))
    release(folder)
    edit(folder, "orders.v1", lambda s: s["fields"].remove(field(s, "wait")))
    release(folder)
    edit(folder, "orders.v1", lambda s: s["fields"].append(call | {"doc": "seconds"}))
    assert "stated unit changed from millisecond to second" in findings(folder)


def test_a_lost_schema_and_a_stray_one_are_found(folder: Path) -> None:
    """Every topic has its schema and every schema its topic."""
    (folder / "orders.v1.avsc").rename(folder / "purchases.v1.avsc")
    assert "topic orders.v1 of streams/topics.py has no schema" in findings(folder)
    assert "purchases.v1.avsc: is the schema of no topic" in findings(folder)
    assert "orders.v1.avsc: was released and is gone" in findings(folder)


@pytest.mark.parametrize("spoil", ["version", "id"])
def test_a_damaged_list_of_ids_is_found(folder: Path, spoil: str) -> None:
    """Two releases under one id, or a version left out, are never guessed at."""
    file = folder / "released" / "ids.json"
    rows = json.loads(file.read_text("utf-8"))
    rows[1][spoil] = rows[0]["id"] if spoil == "id" else 2
    file.write_text(json.dumps(rows), "utf-8")
    if spoil == "id":
        shutil.copy(
            folder / "released" / f"{rows[0]['id']}-{rows[0]['name']}.avsc",
            folder / "released" / f"{rows[0]['id']}-{rows[1]['name']}.avsc",
        )
    assert "ids.json is damaged" in findings(folder)
