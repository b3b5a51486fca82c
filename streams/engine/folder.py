"""A worker's data folder: its lock, and the identity under which the broker knows the worker.

The identity names the transactional ids. It is stored, never derived from the folder's path, so a
folder that is moved keeps fencing its own former process.
"""

import fcntl
import os
import uuid
from pathlib import Path

from streams.engine.errors import Cause, Fatal


class Folder:
    """Locked while this object lives; `worker` is the stored identity."""

    def __init__(self, path: Path) -> None:
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise Fatal(
                Cause.STORE_FAILED,
                f"The data folder {path} cannot be used: {error.strerror}.",
                "Make it writable, or choose another.",
            ) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._lock)
            raise Fatal(
                Cause.FOLDER_IN_USE,
                f"The data folder {path} is in use by another worker.",
                "Give each worker its own data folder.",
            ) from error
        self.worker = _identity(path / "worker-id")

    def close(self) -> None:
        """Let another worker have it."""
        os.close(self._lock)


def _identity(path: Path) -> str:
    try:
        stored = path.read_text().strip()
    except FileNotFoundError:
        stored = ""
    if stored:
        return stored
    fresh = uuid.uuid4().hex[:16]
    unfinished = path.with_suffix(".new")
    with unfinished.open("w") as file:
        file.write(fresh + "\n")
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    return fresh
