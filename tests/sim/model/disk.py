"""A simulated machine's data folder: what a worker leaves on disk, and what can happen to it.

A `Folder` outlives processes; `SimDisk(process, folder)` is the Disk port of one process on it. A
write is all or nothing and is there when it returns, as with RocksDB's write-ahead log and a
process that is killed. For a driver (names are the databases' names):

- `folder.lose(name, count)`: the last `count` writes are gone, as after a power cut or with a
  damaged write-ahead log: it opens silently short; at most what was written since `flush`;
- `folder.flush(name)`: what was written so far cannot be lost by `lose`;
- `folder.flip(name, random)`: a bit in a block of what was flushed; reading a key of it raises;
- `folder.spoil(name)`: MANIFEST or CURRENT is damaged or gone; it does not open;
- `folder.full = True`: writes and openings fail; a database whose write failed fails until it is
  opened anew by another process;
- `folder.wipe()`, `folder.copy()` with `folder.put_back(copy)`, `folder.swap(one, other)`.

Only for databases that nobody has open: lose, swap, put_back, wipe.
"""

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from streams.engine.errors import Cause, Fatal
from streams.engine.ports import Database, Write
from tests.sim.model.scheduler import Process

_BLOCK = 8
"""Keys that one flipped bit makes unreadable."""
_KEPT = 64
"""Writes that may be lost, at most: about what lies in a write-ahead log."""

NO_SPACE = "IO error: No space left on device: While appending to file"
CORRUPTION = "Corruption: block checksum mismatch"


@dataclass(slots=True)
class Files:
    """One database's files."""

    flushed: dict[bytes, bytes] = field(default_factory=dict)
    log: list[list[Write]] = field(default_factory=list)
    """Writes since the flush, oldest first."""
    unreadable: dict[bytes, None] = field(default_factory=dict)
    spoilt: bool = False
    opened: bool = False

    def rows(self) -> dict[bytes, bytes]:
        """What an opening finds."""
        rows = dict(self.flushed)
        for writes in self.log:
            _apply(rows, writes)
        return rows

    def flush(self, keep: int = 0) -> None:
        """Move all but the last `keep` writes out of the write-ahead log."""
        moved = self.log[: len(self.log) - keep]
        for writes in moved:
            _apply(self.flushed, writes)
        del self.log[: len(moved)]

    def copy(self) -> "Files":
        """As a backup would have it."""
        return Files(
            dict(self.flushed), list(self.log), dict(self.unreadable), self.spoilt, opened=False
        )


def _apply(rows: dict[bytes, bytes], writes: Iterable[Write]) -> None:
    for key, value in writes:
        if value is None:
            rows.pop(key, None)
        else:
            rows[key] = value


class Folder:
    """A worker's data folder; see the module for what a driver may do to it."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.worker = ""
        self.databases: dict[str, Files] = {}
        self.marks: dict[str, str] = {}
        """What was found damaged, by name."""
        self.full = False
        self.holder: Process | None = None
        self._made = 0

    def identity(self) -> str:
        """The stored identity, made when there is none; a wiped folder gets another."""
        if not self.worker:
            self._made += 1
            stem = "".join(letter for letter in self.path if letter.isalnum())
            self.worker = f"{stem}{self._made}"
        return self.worker

    def flush(self, name: str) -> None:
        self.databases[name].flush()

    def lose(self, name: str, count: int) -> int:
        """How many writes were lost."""
        files = self._closed(name)
        lost = min(count, len(files.log))
        del files.log[len(files.log) - lost :]
        return lost

    def flip(self, name: str, chance: random.Random) -> bool:
        """False when nothing was flushed that could be hit."""
        files = self.databases[name]
        keys = sorted(files.flushed)
        if not keys:
            return False
        first = chance.randrange(len(keys))
        files.unreadable.update(dict.fromkeys(keys[first : first + _BLOCK]))
        return True

    def spoil(self, name: str) -> None:
        self.databases[name].spoilt = True

    def swap(self, one: str, other: str) -> None:
        here, there = self._closed(one), self._closed(other)
        self.databases[one], self.databases[other] = there, here

    def wipe(self) -> None:
        """Everything is gone, the identity and the marks too."""
        for name in self.databases:
            self._closed(name)
        self.databases.clear()
        self.marks.clear()
        self.worker = ""

    def copy(self) -> dict[str, Files]:
        """The databases as they are now."""
        return {name: files.copy() for name, files in self.databases.items()}

    def put_back(self, copy: dict[str, Files]) -> None:
        """Databases of an earlier `copy` replace those of the same name."""
        for name, files in copy.items():
            if name in self.databases:
                self._closed(name)
            self.databases[name] = files.copy()

    def _closed(self, name: str) -> Files:
        files = self.databases[name]
        assert not files.opened, f"{self.path}/{name} is open"
        return files


class SimDisk:
    """The Disk port of one process."""

    def __init__(self, process: Process, folder: Folder) -> None:
        self._process = process
        self._folder = folder
        self._open: list[SimDatabase] = []
        process.world.pause(process, "disk lock")
        if folder.holder is not None:
            raise Fatal(
                Cause.FOLDER_IN_USE,
                f"The data folder {folder.path} is in use by another worker.",
                "Give each worker its own data folder.",
            )
        if folder.full and not folder.worker:
            raise Fatal(
                Cause.STORE_FAILED,
                f"The worker's identity in {folder.path} cannot be kept: {NO_SPACE}.",
                "Free the disk or make it writable, then start again.",
            )
        folder.holder = process
        process.at_death.append(self._let_go)
        self.worker = folder.identity()

    def database(self, name: str, *, filling: bool = False) -> Database:
        """Open or make the database of that name; what is written more cheaply is the same."""
        folder, process = self._folder, self._process
        process.world.pause(process, f"open {name} for filling" if filling else f"open {name}")
        mark = folder.marks.get(name)
        if mark is not None:
            raise Fatal(
                Cause.STORE_DAMAGED,
                f"{folder.path}/{name} was found damaged: {mark}",
                "It is rebuilt from the changelog.",
            )
        files = folder.databases.get(name)
        if files is not None and files.opened:
            raise Fatal(
                Cause.FOLDER_IN_USE,
                f"{folder.path}/{name} is in use by another process.",
                "Give each worker its own data folder.",
            )
        if folder.full:
            raise Fatal(
                Cause.STORE_FAILED,
                f"{folder.path}/{name} cannot be opened: {NO_SPACE}.",
                "Check the disk (space, rights, health); the folder may be removed, the "
                "changelog rebuilds it.",
            )
        if files is None:
            files = folder.databases[name] = Files()
        if files.spoilt:
            raise Fatal(
                Cause.STORE_DAMAGED,
                f"{folder.path}/{name} cannot be opened: Corruption: CURRENT.",
                "It is rebuilt from the changelog. Look at the disk's health.",
            )
        database = SimDatabase(process, folder, name, files)
        self._open.append(database)
        return database

    def remove(self, name: str) -> None:
        """The database first, then the mark: a crash in between leaves it marked."""
        folder, process = self._folder, self._process
        process.world.pause(process, f"remove {name}")
        if name in folder.databases:
            assert not folder.databases[name].opened, f"{name} is removed while it is open"
            del folder.databases[name]
            process.world.pause(process, f"removed {name}, still marked")
        folder.marks.pop(name, None)

    def close(self) -> None:
        """Let another worker have the folder."""
        process = self._process
        process.world.pause(process, "disk close")
        self._let_go()

    def _let_go(self) -> None:
        for database in self._open:
            database.let_go()
        if self._folder.holder is self._process:
            self._folder.holder = None


class SimDatabase:
    """The Database port."""

    def __init__(self, process: Process, folder: Folder, name: str, files: Files) -> None:
        self._process = process
        self._folder = folder
        self.name = self.where = name
        self._files = files
        self._rows = files.rows()
        self._failed = False
        self._closed = False
        files.opened = True
        self.get: Callable[[bytes], bytes | None] = self._get

    def _get(self, key: bytes) -> bytes | None:
        if self._files.unreadable and key in self._files.unreadable:
            raise RuntimeError(CORRUPTION)  # a database's own exceptions have no class to rely on
        return self._rows.get(key)

    def write(self, writes: Iterable[Write]) -> None:
        """One batch; a pause before it and one behind it."""
        process, files = self._process, self._files
        process.world.pause(process, f"write {self.name}")
        assert not self._closed, f"{self.name} is written after it was closed"
        batch = list(writes)
        if self._folder.full or self._failed:
            self._failed = True
            raise self.failure(RuntimeError(NO_SPACE))
        files.log.append(batch)
        rows = self._rows
        _apply(rows, batch)
        if files.unreadable:
            for key, _ in batch:
                files.unreadable.pop(key, None)
        if len(files.log) > 2 * _KEPT:
            files.flush(_KEPT)
        process.world.pause(process, f"written {self.name}")

    def scan(self, start: bytes) -> Iterator[tuple[bytes, bytes]]:
        """A snapshot, as RocksDB's iterators are."""
        self._process.world.pause(self._process, f"scan {self.name}")
        rows, unreadable = self._rows, self._files.unreadable
        found = [(key, rows[key]) for key in sorted(key for key in rows if key >= start)]
        for key, value in found:
            if unreadable and key in unreadable:
                raise self.failure(RuntimeError(CORRUPTION))
            yield key, value

    def flush(self) -> None:
        """Out of the write-ahead log; a pause before it."""
        process = self._process
        process.world.pause(process, f"flush {self.name}")
        if self._folder.full or self._failed:
            self._failed = True
            raise self.failure(RuntimeError(NO_SPACE))
        self._files.flush()

    def failure(self, error: Exception) -> Fatal:
        """Damage is marked for the next start, unless the disk is full."""
        where, text = f"{self._folder.path}/{self.name}", str(error)
        if "Corruption" not in text:
            return Fatal(
                Cause.STORE_FAILED,
                f"{where} failed: {text}.",
                "Free the disk or replace it, then start again; nothing committed is lost.",
            )
        if not self._folder.full and not self._process.dead:
            self._folder.marks[self.name] = text
        return Fatal(
            Cause.STORE_DAMAGED,
            f"{where} is damaged: {text}.",
            "Start again: it is rebuilt from the changelog. Look at the disk's health.",
        )

    def close(self) -> None:
        """Release the lock; closing twice is harmless."""
        if not self._closed:
            self._process.world.pause(self._process, f"close {self.name}")
            self.let_go()

    def let_go(self) -> None:
        """What the system does when the process ends."""
        if not self._closed:
            self._closed = True
            self._files.opened = False
