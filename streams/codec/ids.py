"""The repository's schema ids: every schema that was ever released, with the id it has for ever.

`schemas/released/ids.json` is the list, `<id>-<name>.avsc` beside it the text of each. Ids start
above a million, so that a registry's own counting never meets them. A released file never changes.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from streams.codec.faults import SchemaFault
from streams.codec.schema import Schema, parse_schema

FIRST_ID = 1_000_001
VERSION_MAX = 255  # a state row says its version in one byte


@dataclass(frozen=True, slots=True)
class Release:
    """One released schema; `name` is a topic's (`orders.v1`) or a state table's (`state/seen`)."""

    id: int
    name: str
    version: int
    schema: Schema


def released_file(schema_id: int, name: str) -> str:
    return f"{schema_id}-{name.replace('/', '-')}.avsc"


class Released:
    """All releases, by id and by name."""

    def __init__(self, releases: Iterable[Release]) -> None:
        self.by_id: dict[int, Release] = {}
        self.by_name: dict[str, tuple[Release, ...]] = {}
        for release in sorted(releases, key=lambda each: each.id):
            versions = self.by_name.get(release.name, ())
            if release.id in self.by_id or release.version != len(versions) + 1:
                raise SchemaFault(
                    f"schemas/released/ids.json is damaged at id {release.id}: ids are unique and"
                    f" the versions of {release.name} count from 1; restore it from git."
                )
            self.by_id[release.id] = release
            self.by_name[release.name] = (*versions, release)

    def of(self, name: str) -> tuple[Release, ...]:
        """The releases of one topic or table, oldest first."""
        found = self.by_name.get(name)
        if not found:
            raise SchemaFault(
                f"No schema of {name} is released; run python -m streams.codec.release."
            )
        return found

    def newest(self, name: str) -> Release:
        return self.of(name)[-1]


def read_released(folder: Traversable) -> Released:
    """The releases in a folder; none when it has no list yet."""
    index = folder.joinpath("ids.json")
    if not index.is_file():
        return Released(())
    return Released(
        Release(
            row["id"],
            row["name"],
            row["version"],
            parse_schema(
                row["name"],
                folder.joinpath(released_file(row["id"], row["name"])).read_text("utf-8"),
            ),
        )
        for row in json.loads(index.read_text("utf-8"))
    )


@cache
def repository() -> Released:
    """The releases that this Tollgate carries."""
    return read_released(files("schemas").joinpath("released"))
