"""Release schemas: give every new or changed schema its id for ever.

    python -m streams.codec.release

A release is refused while the compatibility check finds anything, because a released schema can
never be taken back. Commit what it writes together with the schema.
"""

import json
import sys
from pathlib import Path

from streams.codec.compatibility import SCHEMAS, current_schemas, standing, unreleased
from streams.codec.faults import SchemaFault
from streams.codec.ids import FIRST_ID, VERSION_MAX, Release, read_released, released_file


def release(folder: Path = SCHEMAS) -> tuple[Release, ...]:
    """Write the files and the list for every unreleased schema; gives the new releases."""
    target = folder / "released"
    current, released = current_schemas(folder), read_released(target)
    findings = standing(current, released)
    if findings:
        raise SchemaFault("Nothing was released:\n" + "\n".join(map(str, findings)))
    next_id = max(released.by_id, default=FIRST_ID - 1) + 1
    new = tuple(
        Release(next_id + index, each.name, len(released.by_name.get(each.name, ())) + 1, each)
        for index, each in enumerate(unreleased(current, released))
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
    try:
        new = release()
    except SchemaFault as fault:
        sys.stderr.write(f"{fault}\n")
        return 1
    for each in new:
        sys.stdout.write(f"Released {each.name} version {each.version} as id {each.id}.\n")
    if not new:
        sys.stdout.write("Every schema is released as it stands.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
