"""One partition's rows on local disk, with the position in the changelog that they stand for.

Laws: the store is never ahead of what was committed, and one write is all or nothing: rows, due
times, changelog position and positions record go in one batch. A damaged write-ahead log opens
silently short (notes on RocksDB's faults); since the position travels in the same batch, a short
store is only an older one, and the changelog fills it up.

Beside the rows lies an index of due times, in the order of time: local only, made from the rows,
and never short of what they say. It may hold more (a due act that means nothing any more): a token
is a hint. Without it an opening would read every row: 5.4 s of CPU for a million, 1 to 3 ms a
partition with it.
"""

import struct
from collections.abc import Callable, Iterable, Iterator

from streams.engine.errors import Cause, Fatal
from streams.engine.ports import Clock, Database, Write

META_KEY = b"\0meta"
IDENTITY_KEY = b"\0identity"
INDEX_KEY = b"\0due"
DUE_PREFIX = b"\1"
_INDEX = b"1"  # the version of the index of due times
_META = struct.Struct("<qq")  # changelog position, wall clock of the write in ms
_DUE_AT = struct.Struct(">Q")  # big-endian, so that keys are in the order of time

Due = tuple[int, bytes]
"""(stream time in ms, token)"""


class Store:
    """Rows as raw bytes; `position` is the next changelog offset it lacks."""

    def __init__(self, database: Database, identity: bytes, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self.get: Callable[[bytes], bytes | None] = database.get
        self._check_identity(identity)
        meta = self.read(META_KEY)
        self.position, self.written_at_ms = _META.unpack_from(meta) if meta else (0, 0)
        self.positions: bytes = meta[_META.size :] if meta else b""

    def _check_identity(self, identity: bytes) -> None:
        stored = self.read(IDENTITY_KEY)
        if stored is None:
            self._database.write([(IDENTITY_KEY, identity), (INDEX_KEY, _INDEX)])
        elif stored != identity:
            self.close()
            raise Fatal(
                Cause.FOLDER_FOREIGN,
                f"{self._database.where} holds the state of {stored.decode(errors='replace')}, "
                f"this worker is {identity.decode()}.",
                "Use another data folder, or remove this one: the changelog rebuilds it.",
            )

    def read(self, key: bytes) -> bytes | None:
        """As `get`, with the database's exceptions understood; a hot reader does so itself."""
        try:
            return self.get(key)
        except Exception as error:  # the database's own exceptions have no class of their own
            raise self.failure(error) from error

    def failure(self, error: Exception) -> Fatal:
        """What an exception of `get` means."""
        return error if isinstance(error, Fatal) else self._database.failure(error)

    def write(
        self,
        rows: Iterable[Write],
        position: int,
        positions: bytes,
        due: Iterable[Due] = (),
        done: Iterable[Due] = (),
    ) -> None:
        """Take committed rows up to changelog offset `position` (exclusive), all or nothing.

        `due` is what they have made due, `done` what has been handed out.
        """
        now_ms = self._clock.now_ms()
        self._database.write(
            [
                *rows,
                *((due_key(one), None) for one in done),
                *((due_key(one), b"") for one in due),
                (META_KEY, _META.pack(position, now_ms) + positions),
            ]
        )
        self.position, self.positions, self.written_at_ms = position, positions, now_ms

    def scan(self, prefix: bytes, start: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """(key, value) of the keys with `prefix`, from `start` (itself with the prefix) on."""
        for key, value in self._database.scan(start or prefix):
            if not key.startswith(prefix):
                return
            yield key, value

    def index(self, due: Iterable[Due]) -> None:
        """Make the index, of a store that was written before there was one."""
        if self.read(INDEX_KEY) is None:
            self._database.write([*((due_key(one), b"") for one in due), (INDEX_KEY, _INDEX)])

    def due(self) -> list[Due]:
        """Everything in the index of due times, earliest first."""
        head = len(DUE_PREFIX)
        token = head + _DUE_AT.size
        return [
            (_DUE_AT.unpack_from(key, head)[0], key[token:]) for key, _ in self.scan(DUE_PREFIX)
        ]

    def flush(self) -> None:
        """Everything written lies in sorted files when this returns."""
        self._database.flush()

    def close(self) -> None:
        """Release the folder's lock; closing twice is harmless."""
        self._database.close()


def due_key(due: Due) -> bytes:
    """Where a due time lies in the index."""
    return DUE_PREFIX + _DUE_AT.pack(due[0]) + due[1]
