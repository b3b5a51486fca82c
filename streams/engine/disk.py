"""A worker's data folder on local disk: its lock, its identity, a RocksDB for each partition.

The identity names the transactional ids. It is stored, never derived from the folder's path, so a
folder that is moved keeps fencing its own former process.

Law: damage is never read over. What RocksDB finds corrupt ends the worker, and leaves a mark beside
the database, so that the next start rebuilds it from the changelog instead of meeting the same
block again (reads in other blocks would go on as if nothing were wrong).
"""

import fcntl
import logging
import os
import shutil
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from rocksdict import (
    BlockBasedOptions,
    Cache,
    MemtableFactory,
    Options,
    Rdict,
    WriteBatch,
    WriteBufferManager,
    WriteOptions,
)

from streams.engine.errors import Cause, Fatal
from streams.engine.ports import Database, Write

log = logging.getLogger(__name__)

# Words of RocksDB's statuses that mean: what is on disk is not what was written. A write-ahead log
# that is damaged or gone has no such word: the database opens silently short (store.py).
_DAMAGE = ("Corruption", "No such file")

# A database flushes at this part of the write buffers' memory: one alone must not fill it.
_WRITE_BUFFER_SHARE = 4


class LocalDisk:
    """Locked while this object lives."""

    def __init__(self, path: Path, block_cache_bytes: int, write_buffer_bytes: int) -> None:
        """Memory is bounded for all databases together, however many there are."""
        self._path = path
        self._lock = _lock(path)
        self._cache = Cache(block_cache_bytes)
        # A stalled writer would be a stalled gate: past the bound it flushes, and goes on.
        self._buffers = WriteBufferManager(write_buffer_bytes, allow_stall=False)
        self.worker = _identity(path / "worker-id")

    def database(self, name: str, *, filling: bool = False) -> Database:
        """Open or make the RocksDB of that name."""
        mark = self._mark(name)
        if mark.exists():
            raise Fatal(
                Cause.STORE_DAMAGED,
                f"{self._path / name} was found damaged: {mark.read_text().strip()}",
                "It is rebuilt from the changelog.",
            )
        options = _options(self._cache, self._buffers)
        if filling:
            _for_filling(options)
        return RocksDatabase(self._path / name, mark, options)

    def remove(self, name: str) -> None:
        """The database first, then the mark: a crash in between leaves it marked."""
        shutil.rmtree(self._path / name, ignore_errors=True)
        self._mark(name).unlink(missing_ok=True)

    def close(self) -> None:
        """Let another worker have the folder."""
        os.close(self._lock)

    def _mark(self, name: str) -> Path:
        return self._path / f"{name}.damaged"


class RocksDatabase:
    """A RocksDB of raw bytes."""

    def __init__(self, path: Path, mark: Path, options: Options) -> None:
        self.where = str(path)
        self._mark = mark
        self._options = WriteOptions()
        self._closed = False
        try:
            # Named for the one column family as well: rocksdict otherwise opens a database that is
            # there with the options it was made with, a block cache of its own among them.
            self._db = Rdict(str(path), options, {"default": options})
        except Exception as error:  # rocksdict raises bare Exception
            raise _open_failed(path, error) from error
        self.get: Callable[[bytes], bytes | None] = self._db.get

    def write(self, writes: Iterable[Write]) -> None:
        """One batch, in the write-ahead log when this returns."""
        batch = WriteBatch(raw_mode=True)
        put, delete = batch.put, batch.delete
        for key, value in writes:
            if value is None:
                delete(key)
            else:
                put(key, value)
        try:
            self._db.write(batch, self._options)
        except Exception as error:  # rocksdict raises bare Exception
            raise self.failure(error) from error

    def scan(self, start: bytes) -> Iterator[tuple[bytes, bytes]]:
        """RocksDB's iterator ends alike at the last key and at a block it cannot read."""
        cursor = self._db.iter()
        cursor.seek(start)
        while cursor.valid():
            yield cursor.key(), cursor.value()
            cursor.next()
        try:
            cursor.status()
        except Exception as error:  # rocksdict raises bare Exception
            raise self.failure(error) from error

    def failure(self, error: Exception) -> Fatal:
        """What RocksDB's word means; damage is marked for the next start."""
        text = str(error)
        if not _is_damage(text):
            return Fatal(
                Cause.STORE_FAILED,
                f"{self.where} failed: {text}.",
                "Free the disk or replace it, then start again; nothing committed is lost.",
            )
        # Best effort: on a disk that is also full, the next start meets the damage itself.
        try:
            self._mark.write_text(text + "\n")
        except OSError as full:
            text = f"{text} (and not marked: {full.strerror})"
        return Fatal(
            Cause.STORE_DAMAGED,
            f"{self.where} is damaged: {text}.",
            "Start again: it is rebuilt from the changelog. Look at the disk's health.",
        )

    def flush(self) -> None:
        """Into sorted files: an opening has nothing to replay of its own log."""
        try:
            self._db.flush()
        except Exception as error:  # rocksdict raises bare Exception
            raise self.failure(error) from error

    def close(self) -> None:
        """Release the lock; closing twice is harmless."""
        if not self._closed:
            self._closed = True
            try:
                self._db.close()
            except Exception as error:  # noqa: BLE001  # rocksdict raises it, and has let go
                # It could not flush, as on a full disk. Nobody was promised that it would, and what
                # whoever closes has to tell must not be lost behind this.
                log.warning("At its closing: %s", self.failure(error).detail)


def _lock(path: Path) -> int:
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise Fatal(
            Cause.STORE_FAILED,
            f"The data folder {path} cannot be used: {error.strerror}.",
            "A folder that may be written is needed: make it so, or choose another.",
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        raise Fatal(
            Cause.FOLDER_IN_USE,
            f"The data folder {path} is in use by another worker.",
            "Give each worker its own data folder.",
        ) from error
    return lock


def _identity(path: Path) -> str:
    try:
        stored = path.read_text().strip() if path.exists() else ""
        if stored:
            return stored
        fresh = uuid.uuid4().hex[:16]
        unfinished = path.with_suffix(".new")
        with unfinished.open("w") as file:
            file.write(fresh + "\n")
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError as error:
        raise Fatal(
            Cause.STORE_FAILED,
            f"The worker's identity {path} cannot be kept: {error.strerror}.",
            "Free the disk or make it writable, then start again.",
        ) from error
    return fresh


def _options(cache: Cache, buffers: WriteBufferManager) -> Options:
    options = Options(raw_mode=True)
    options.create_if_missing(True)
    table = BlockBasedOptions()
    # Most reads are of ids never seen: a miss costs 0.3 µs instead of 2.6, on disk and in memory.
    table.set_bloom_filter(10, block_based=False)
    options.set_memtable_prefix_bloom_ratio(0.1)
    options.set_memtable_whole_key_filtering(True)
    table.set_block_cache(cache)
    options.set_block_based_table_factory(table)
    options.set_write_buffer_manager(buffers)
    options.set_write_buffer_size(buffers.get_buffer_size() // _WRITE_BUFFER_SHARE)
    options.set_allow_concurrent_memtable_write(False)  # one thread writes: 0.1 µs less a row
    options.set_max_background_jobs(2)
    options.set_keep_log_file_num(2)
    options.set_max_open_files(256)
    return options


def _for_filling(options: Options) -> None:
    """What is written is sorted once, when it is flushed, and not at every write.

    A changelog is restored with 2.0 instead of 2.8 µs of CPU a record; a read of what is not yet
    flushed sorts it first (RocksDB's advice for bulk loading).
    """
    options.set_memtable_factory(MemtableFactory.vector())
    options.set_memtable_prefix_bloom_ratio(0.0)
    options.set_memtable_whole_key_filtering(False)


def _is_damage(text: str) -> bool:
    return any(word in text for word in _DAMAGE)


def _open_failed(path: Path, error: Exception) -> Fatal:
    text = str(error)
    if "LOCK" in text:
        return Fatal(
            Cause.FOLDER_IN_USE,
            f"{path} is in use by another process.",
            "Give each worker its own data folder.",
        )
    if _is_damage(text):
        return Fatal(
            Cause.STORE_DAMAGED,
            f"{path} cannot be opened: {text}.",
            "It is rebuilt from the changelog. Look at the disk's health.",
        )
    return Fatal(
        Cause.STORE_FAILED,
        f"{path} cannot be opened: {text}.",
        "Check the disk (space, rights, health); the folder may be removed, the changelog "
        "rebuilds it.",
    )
