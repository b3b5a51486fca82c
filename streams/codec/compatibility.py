"""`tollgate schemas check`: may every schema stand as it is?

Every current schema is held against all its releases, both as reader and as writer
(FULL_TRANSITIVE), by Avro's own checker and by lint.py, and against the rules of structure. The
result is a list of findings; an empty list is the good one.
"""

from pathlib import Path
from typing import NamedTuple

import avro.schema
from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType

from streams.codec.faults import SchemaFault
from streams.codec.ids import Release, Released, read_released, released_file
from streams.codec.lint import change_flaws, structure_flaws
from streams.codec.schema import Fixed, Record, Schema, parse_schema
from streams.topics import CATALOGUE, DECISIONS

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"


class Finding(NamedTuple):
    """One thing that keeps a schema from standing: in which file, at which field, and why."""

    file: str
    path: str
    sentence: str

    def __str__(self) -> str:
        place = ": ".join(part for part in (self.file, self.path) if part)
        return f"schemas/{place}: {self.sentence}"


def check(folder: Path = SCHEMAS) -> tuple[Finding, ...]:
    """All that is wrong with the schemas in a folder, unreleased changes included."""
    try:
        current, released = current_schemas(folder), read_released(folder / "released")
    except SchemaFault as fault:
        return (Finding("", "", str(fault)),)
    return (*standing(current, released), *_unreleased_findings(current, released))


def standing(current: dict[str, Schema], released: Released) -> tuple[Finding, ...]:
    """What would keep these schemas from being released."""
    return (
        *_catalogue_findings(current),
        *(finding for schema in current.values() for finding in _structure_findings(schema)),
        *(
            finding
            for schema in current.values()
            for finding in _history_findings(schema, released)
        ),
    )


def current_schemas(folder: Path = SCHEMAS) -> dict[str, Schema]:
    """Every current schema by name, topics before state tables."""
    paths = [*sorted(folder.glob("*.avsc")), *sorted(folder.glob("state/*.avsc"))]
    names = [path.relative_to(folder).with_suffix("").as_posix() for path in paths]
    return {
        name: parse_schema(name, path.read_text("utf-8"))
        for name, path in zip(names, paths, strict=True)
    }


def unreleased(current: dict[str, Schema], released: Released) -> tuple[Schema, ...]:
    """The schemas that differ from their newest release, or have none."""
    return tuple(
        schema
        for name, schema in current.items()
        if name not in released.by_name or released.newest(name).schema.json != schema.json
    )


def _unreleased_findings(current: dict[str, Schema], released: Released) -> list[Finding]:
    changed = [
        Finding(
            f"{schema.name}.avsc",
            "",
            "differs from its newest release; run `python -m streams.codec.release` and commit"
            " what it writes.",
        )
        for schema in unreleased(current, released)
    ]
    lost = [
        Finding(f"{name}.avsc", "", "was released and is gone; bring it back, records of it exist.")
        for name in released.by_name
        if name not in current
    ]
    return changed + lost


def _catalogue_findings(current: dict[str, Schema]) -> list[Finding]:
    wanted = {topic.name for topic in CATALOGUE if topic.has_schema}
    present = {name for name in current if not name.startswith("state/")}
    missing = [
        Finding(f"{name}.avsc", "", f"topic {name} of streams/topics.py has no schema; add it.")
        for name in sorted(wanted - present)
    ]
    stray = [
        Finding(f"{name}.avsc", "", "is the schema of no topic in streams/topics.py.")
        for name in sorted(present - wanted)
    ]
    return missing + stray


def _structure_findings(schema: Schema) -> list[Finding]:
    file = f"{schema.name}.avsc"
    findings = [Finding(file, *flaw) for flaw in structure_flaws(schema.root)]
    if not isinstance(schema.root, Record):
        findings.append(Finding(file, "", "the schema of a topic or a table is a record."))
    elif schema.name == DECISIONS and not _ends_with_seal(schema.root):
        findings.append(
            Finding(file, "Decision.seal", "a decision ends with seal, a fixed of 32 bytes.")
        )
    return findings


def _ends_with_seal(record: Record) -> bool:
    last = record.fields[-1]
    return last.name == "seal" and isinstance(last.type, Fixed) and last.type.size == 32


def _history_findings(schema: Schema, released: Released) -> list[Finding]:
    """Against every release; the same flaw against several is told once, for the newest."""
    found: dict[tuple[str, str], Finding] = {}
    for release in released.by_name.get(schema.name, ()):
        for path, sentence in (
            *change_flaws(release.schema.root, schema.root),
            *_avro_flaws(release, schema),
        ):
            against = f"{sentence} (Against {released_file(release.id, release.name)}.)"
            found[path, sentence] = Finding(f"{schema.name}.avsc", path, against)
    return list(found.values())


def _avro_flaws(release: Release, schema: Schema) -> list[tuple[str, str]]:
    old, new = avro.schema.parse(release.schema.text), avro.schema.parse(schema.text)
    return [
        *_one_direction(new, old, "old records cannot be read"),
        *_one_direction(old, new, "those who have the old schema cannot read new records"),
    ]


def _one_direction(
    reader: avro.schema.Schema, writer: avro.schema.Schema, effect: str
) -> list[tuple[str, str]]:
    checker = ReaderWriterCompatibilityChecker()  # type: ignore[no-untyped-call]  # as avro has it
    result = checker.get_compatibility(reader, writer)
    if result.compatibility is SchemaCompatibilityType.compatible:
        return []
    kinds = ", ".join(sorted({kind.value for kind in result.incompatibilities}))
    words = "; ".join(sorted(result.messages))
    return [("/".join(sorted(result.locations)), f"{effect}: {kinds} ({words}).")]
