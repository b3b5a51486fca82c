"""What lies on the simulated disks, held against the changelog: never ahead of it, and equal to it.

Layouts are read here a second time: a row's key begins with its table's letter, what begins with
a zero byte is the store's own (where it stands in the changelog: two little-endian longs, then the
positions record), what begins with a one byte is a due time (big-endian) and its token.
"""

import json
import struct
from collections.abc import Callable, Iterator, Sequence
from functools import cache, lru_cache
from importlib import resources
from io import BytesIO
from typing import Any

from fastavro import parse_schema, schemaless_reader

from tests.sim.books import POSITIONS_KEY, Violation
from tests.sim.model.disk import Files, Folder
from tests.sim.model.log import Partition as Log

_META, _DUE, _OWN = b"\0meta", b"\1", b"\0"
_META_HEAD = struct.Struct("<qq")
_AT = struct.Struct(">Q")
Change = tuple[int, bytes, bytes | None]
"""(offset, key, value) of a committed changelog record."""


class Fold:
    """One store's expected rows: the changelog up to where the store stands."""

    def __init__(self) -> None:
        self.files: Files | None = None
        self.length = 0
        self.last: Any = None
        """Files, writes since the flush and the last of them, as they were looked at."""
        self.rows: dict[bytes, bytes] = {}
        self.positions = b""
        self._place = 0
        self._at = 0

    def go_to(self, position: int, changes: Sequence[Change]) -> None:
        """Fold up to that offset (exclusive)."""
        if position < self._at:
            self.rows, self.positions, self._place = {}, b"", 0
        self._at = position
        rows, place = self.rows, self._place
        while place < len(changes) and changes[place][0] < position:
            _, key, value = changes[place]
            place += 1
            if key == POSITIONS_KEY:
                self.positions = value or b""
            elif value is None:
                rows.pop(key, None)
            else:
                rows[key] = value
        self._place = place

    def gone(self, changes: Sequence[Change], log: Log) -> frozenset[bytes]:
        """Keys whose last change that was folded has been compacted away, by a later one."""
        last = {key: offset for offset, key, _ in changes[: self._place]}
        return frozenset(key for key, offset in last.items() if log.visible[offset] is None)


class Stores:
    """Every store of a run."""

    def __init__(self, changelog: Sequence[Sequence[Change]], log_of: Callable[[int], Log]) -> None:
        self._changelog = changelog
        self._log_of = log_of
        self._folds: dict[tuple[str, str], Fold] = {}
        self.checked = 0

    def look(self, folder: Folder) -> None:
        """To be called when no transaction is half visible."""
        for name, files in folder.databases.items():
            fold = self._folds.get((folder.path, name))
            if fold is None:
                fold = self._folds[folder.path, name] = Fold()
            last = files.log[-1] if files.log else None
            if fold.files is files and fold.length == len(files.log) and fold.last is last:
                continue
            fold.files, fold.length, fold.last = files, len(files.log), last
            self._check(f"{folder.path}/{name}", int(name.rpartition("-")[2]), files, fold)

    def _compare(
        self,
        where: str,
        position: int,
        rows: dict[bytes, bytes],
        fold: Fold,
        gone: frozenset[bytes],
    ) -> None:
        """A store that is being restored finds no more what later changes have compacted away."""
        lying = {key: value for key, value in rows.items() if key not in gone}
        expected = {key: value for key, value in fold.rows.items() if key not in gone}
        if lying != expected:
            raise Violation(f"{where} at {position}: {_difference(lying, expected)}")

    def _check(self, where: str, number: int, files: Files, fold: Fold) -> None:
        lying = files.rows()
        meta = lying.get(_META)
        if meta is None:
            return
        self.checked += 1
        position, _ = _META_HEAD.unpack_from(meta)
        changes = self._changelog[number]
        end = changes[-1][0] + 1 if changes else 0
        if position > end:
            raise Violation(f"{where} stands at {position}, the changelog ends at {end}")
        fold.go_to(position, changes)
        rows = {key: value for key, value in lying.items() if key[0] > 1}
        if rows != fold.rows:
            self._compare(where, position, rows, fold, fold.gone(changes, self._log_of(number)))
        if meta[_META_HEAD.size :] != fold.positions and POSITIONS_KEY not in fold.gone(
            changes, self._log_of(number)
        ):
            raise Violation(f"{where} at {position} has another positions record")
        for key, value in rows.items():
            if key[:1] in b"sq":
                for due in due_of(key, value):
                    if due not in lying:
                        raise Violation(f"{where}: what is due of {key!r} is not in its index")


def _difference(lying: dict[bytes, bytes], expected: dict[bytes, bytes]) -> str:
    more = [key for key in lying if key not in expected]
    less = [key for key in expected if key not in lying]
    if more:
        return f"{len(more)} rows that nothing says, {more[0]!r} among them"
    if less:
        return f"{len(less)} rows are missing, {less[0]!r} among them"
    other = [key for key in lying if lying[key] != expected[key]]
    return f"{len(other)} rows are others, {other[0]!r} among them"


# -- due times of rows -------------------------------------------------------------------------


@cache
def _schemas(name: str) -> dict[int, Any]:
    """Of a table's rows, by the version that stands in their first byte."""
    folder = resources.files("schemas") / "released"
    found = {}
    for row in json.loads((folder / "ids.json").read_text("utf-8")):
        if row["name"] == f"state/{name}":
            text = (folder / f"{row['id']}-state-{name}.avsc").read_text("utf-8")
            found[row["version"]] = parse_schema(_bare(json.loads(text)))
    return found


def _bare(schema: Any) -> Any:
    """Times and days stay the integers they are."""
    if isinstance(schema, dict):
        return {name: _bare(part) for name, part in schema.items() if name != "logicalType"}
    return [_bare(part) for part in schema] if isinstance(schema, list) else schema


@lru_cache(maxsize=1 << 14)
def due_of(key: bytes, value: bytes) -> tuple[bytes, ...]:
    """The index's keys that a subscriber's or a complaint's row calls for."""
    name = "subscribers" if key[:1] == b"s" else "complaints"
    row: Any = schemaless_reader(BytesIO(value[1:]), _schemas(name)[value[0]], None)
    return tuple(_DUE + _AT.pack(at) + token for at, token in _due(name, key[1:], row))


def _due(name: str, key: bytes, row: dict[str, Any]) -> Iterator[tuple[int, bytes]]:
    if name == "complaints":
        if row["alarms_at"] and row["answered_at"] is None:
            yield row["alarms_at"][0], b"q|" + key
        return
    for prompt in row["prompts"]:
        said = f"|{prompt['prompt_id']}|{prompt['service_id']}".encode()
        yield prompt["due_at"], b"%d|" % prompt["day"] + key + said
