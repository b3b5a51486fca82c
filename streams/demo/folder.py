"""The one folder of a demonstration: everything it makes lies in it, and it starts clean.

Laws: only a folder that a demonstration made itself is ever emptied; it says so by a file in it.
Two demonstrations never share one: the file is locked while one runs.
"""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from streams.errors import Cause, Stop

MARK = ".tollgate-demo"
_MARK_TEXT = (
    "Made by `tollgate demo`, which empties this folder when it starts. Keep nothing here.\n"
)


@contextmanager
def clean_folder(folder: Path) -> Iterator[Path]:
    """An empty folder that is ours until the block ends; what was made in it stays."""
    folder = folder.absolute()
    mark = folder / MARK
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not mark.exists():
            if any(folder.iterdir()):
                raise Stop(
                    Cause.SETTINGS,
                    f"{folder} holds files that no demonstration made",
                    "Name an empty or a new folder in TOLLGATE_DATA_DIR.",
                )
            mark.write_text(_MARK_TEXT, "utf-8")
        with mark.open("rb") as lock:
            _lock(lock.fileno(), folder)
            _empty(folder)
            yield folder
    except OSError as error:
        raise Stop(
            Cause.SETTINGS,
            f"the demonstration's folder {folder} cannot be used: {error.strerror}",
            "Name a folder that you may write to in TOLLGATE_DATA_DIR.",
        ) from error


def _lock(file: int, folder: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise Stop(
            Cause.STATE_IN_USE,
            f"a demonstration is running in {folder}",
            "Wait for it, or name another folder in TOLLGATE_DATA_DIR.",
        ) from None


def _empty(folder: Path) -> None:
    for inside in folder.iterdir():
        if inside.name == MARK:
            continue
        if inside.is_dir() and not inside.is_symlink():
            shutil.rmtree(inside)
        else:
            inside.unlink()
