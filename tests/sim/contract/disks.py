"""The two sides of the disk's contract: RocksDB in a real folder, and the model."""

import json
import random
import signal
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path

from streams.engine.disk import LocalDisk
from streams.engine.ports import Disk, Write
from tests.sim.model.disk import Folder, SimDisk
from tests.sim.model.scheduler import World

_KILLED = """
import json, os, signal, sys
from pathlib import Path
from streams.engine.disk import LocalDisk
disk = LocalDisk(Path(sys.argv[1]), 1 << 20, 4 << 20)
database = disk.database(sys.argv[2], filling=sys.argv[4] == "filling")
for batch in json.loads(sys.argv[3]):
    database.write([(key.encode(), value.encode()) for key, value in batch])
os.kill(os.getpid(), signal.SIGKILL)
"""


class DiskSide(ABC):
    """One data folder; each `open` is another process's view of it."""

    @abstractmethod
    def open(self) -> Disk: ...
    @abstractmethod
    def write_and_die(
        self, name: str, batches: list[list[tuple[str, str]]], *, filling: bool = False
    ) -> None:
        """A process opens the database, writes these one after the other, and is killed."""

    @abstractmethod
    def lose_some(self, name: str) -> None:
        """The end of the write-ahead log is cut off; the database is closed."""

    @abstractmethod
    def spoil(self, name: str) -> None:
        """CURRENT is gone; the database is closed."""

    @abstractmethod
    def flip(self, name: str) -> None:
        """A bit of every block of what was flushed is flipped."""


class RealDisks(DiskSide):
    """RocksDB."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def open(self) -> Disk:
        return LocalDisk(self._path, 1 << 20, 4 << 20)

    def write_and_die(
        self, name: str, batches: list[list[tuple[str, str]]], *, filling: bool = False
    ) -> None:
        how = "filling" if filling else "as ever"
        command = [sys.executable, "-c", _KILLED, str(self._path), name, json.dumps(batches), how]
        root = Path(__file__).parents[3]
        assert subprocess.run(command, cwd=root, check=False).returncode == -signal.SIGKILL

    def lose_some(self, name: str) -> None:
        (log,) = (self._path / name).glob("*.log")
        written = log.read_bytes().rstrip(b"\0")
        log.write_bytes(written[: len(written) * 2 // 3])

    def spoil(self, name: str) -> None:
        (self._path / name / "CURRENT").unlink()

    def flip(self, name: str) -> None:
        for table in (self._path / name).glob("*.sst"):
            content = bytearray(table.read_bytes())
            content[10] ^= 1
            table.write_bytes(content)


class ModelDisks(DiskSide):
    """The model; each `open` is a process of its own, and the test another."""

    def __init__(self) -> None:
        self.world = World(0)
        self._folder = Folder("data")
        self._test = self.world.process("test")

    def drive(self, test: Callable[[], object]) -> None:
        """Run a test in the world, and raise what it raises."""
        answer = self._test.spawn(test, "test")
        try:
            assert self.world.run_until(answer.done, 600), "the test waits for ever"
            answer.result()
        finally:
            self.world.close()

    def open(self) -> Disk:
        return SimDisk(self._test, self._folder)

    def write_and_die(
        self, name: str, batches: list[list[tuple[str, str]]], *, filling: bool = False
    ) -> None:
        process = self.world.process("short-lived")

        def main() -> None:
            database = SimDisk(process, self._folder).database(name, filling=filling)
            for batch in batches:
                writes: list[Write] = [(key.encode(), value.encode()) for key, value in batch]
                database.write(writes)
            process.kill()

        process.spawn_main(main)
        while not process.dead:
            self.world.pause(self._test, "wait")
        assert process.failure is None

    def lose_some(self, name: str) -> None:
        assert self._folder.lose(name, 7) == 7

    def spoil(self, name: str) -> None:
        self._folder.spoil(name)

    def flip(self, name: str) -> None:
        for seed in range(100):
            assert self._folder.flip(name, random.Random(seed))
