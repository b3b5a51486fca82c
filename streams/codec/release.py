"""Release schemas: give every new or changed schema its id for ever.

    python -m streams.codec.release

A release is refused while the compatibility check finds anything, because a released schema can
never be taken back. Commit what it writes together with the schema.
"""

import json
import sys
from pathlib import Path

from streams.codec.ids import FIRST_ID, VERSION_MAX, Release, Released, read_released, released_file
from streams.codec.schema import Schema, parse_schema

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"


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


def release(folder: Path = SCHEMAS) -> tuple[Release, ...]:
    """Write the files and the list for every unreleased schema; gives the new releases."""
    target = folder / "released"
    released = read_released(target)
    next_id = max(released.by_id, default=FIRST_ID - 1) + 1
    new = tuple(
        Release(
            next_id + index, schema.name, len(released.by_name.get(schema.name, ())) + 1, schema
        )
        for index, schema in enumerate(unreleased(current_schemas(folder), released))
    )
    target.mkdir(exist_ok=True)
    for each in new:
        assert each.version <= VERSION_MAX, f"{each.name} has used up its versions"
        (target / released_file(each.id, each.name)).write_text(each.schema.text, "utf-8")
    rows = [
        {"id": each.id, "name": each.name, "version": each.version}
        for each in (*released.by_id.values(), *new)
    ]
    (target / "ids.json").write_text(_list(rows), "utf-8")
    return new


def _list(rows: list[dict[str, object]]) -> str:
    """One row a line, so that a difference shows what was released."""
    return "[\n" + ",\n".join(f"  {json.dumps(row)}" for row in rows) + "\n]\n"


def main() -> int:
    """Release what is new or changed and say what was done."""
    new = release()
    for each in new:
        print(f"Released {each.name} version {each.version} as id {each.id}.")
    if not new:
        print("Every schema is released as it stands.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
