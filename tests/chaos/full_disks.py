"""Disks without space: the worker's, and the broker's, each a small tmpfs of its own.

Mounting needs root. Where it is refused the rows say NOT RUN with the reason.
"""

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from streams.engine.errors import Cause
from tests.chaos.keeping import Keeper
from tests.chaos.row import NotRun, Observed, Row
from tests.chaos.stage import Stage
from tests.chaos.store_faults import differences
from tests.figures.eyes import now_ms

_RATE = 500.0
_STATE_MB = 24
# A fresh node takes 2 MB of real blocks; segments of 1 MB make it fail where it can recover.
_BROKER_MB = 64
_LEFT = 256 << 10


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A tmpfs of this size, mounted while entered; NotRun where that is not allowed."""
    folder.mkdir(parents=True, exist_ok=True)
    mounting = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mounting, capture_output=True, text=True, check=False)
    except FileNotFoundError as absent:
        raise NotRun("there is no mount program") from absent
    if done.returncode:
        raise NotRun(f"mounting a tmpfs is refused: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        unmounting = ["umount", "--lazy", str(folder)]
        subprocess.run(unmounting, check=True)


def fill(folder: Path, left: int) -> Path:
    """Take all space but `left` bytes; the file to remove again."""
    filler = folder / "filler"
    with filler.open("wb") as file:
        while True:
            free = os.statvfs(folder)
            wanted = free.f_bavail * free.f_frsize - left
            try:
                os.posix_fallocate(file.fileno(), 0, max(1, wanted))
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                continue  # somebody else has written since
            return filler


def _state_disk_full(stage: Stage, seed: int) -> Observed:
    job = stage.job()
    stage.enter(small_disk(job.folder / "w0", _STATE_MB))
    with job.flowing(_RATE, seed), job.decisions_seen() as eyes:
        worker = Keeper(job)
        worker.decides(eyes)
        filler = fill(job.folder / "w0", stage.draws.randrange(_LEFT))
        assert worker.wait_for_end() is Cause.STORE_FAILED, worker.words
        worker.start_again()
        still = worker.wait_for_end()
        assert still is Cause.STORE_FAILED, worker.words
        filler.unlink()
        at = now_ms()
        worker.start_again()
        again_s = worker.decides_again(eyes, at)
    faults = worker.finish() + differences(job)
    assert faults == [], faults
    return Observed(
        "ended with STORE_FAILED, also when started on the full disk; space freed: exact",
        (again_s,),
    )


def _broker_disk_full(stage: Stage, seed: int) -> Observed:
    folder = stage.enter(small_disk(stage.place("disk"), _BROKER_MB))
    broker = stage.broker(
        properties={
            "log.dirs": str(folder / "kafka"),
            "log.segment.bytes": str(1 << 20),
            "log.index.size.max.bytes": str(64 << 10),
        }
    )
    job = stage.job(broker)
    with job.flowing(_RATE, seed), job.decisions_seen() as eyes:
        worker = Keeper(job)
        worker.decides(eyes)
        filler = fill(folder, stage.draws.randrange(_LEFT))
        worker.wait(lambda: not broker.running, "the broker has stopped for want of space")
        filler.unlink()
        broker.start()
        again_s = worker.decides_again(eyes, now_ms())
    faults = worker.finish()
    assert faults == [], faults
    return Observed(f"the broker ends itself; started again: exact; {worker.told()}", (again_s,))


ROWS = (
    Row(
        "state-disk-full",
        f"the worker's disk (tmpfs of {_STATE_MB} MB) is full, then freed",
        (9, 10),
        "a stop that names the store, also at a start on the full disk; nothing committed is lost",
        _state_disk_full,
    ),
    Row(
        "broker-disk-full",
        f"the broker's disk (tmpfs of {_BROKER_MB} MB) is full, then freed and the broker started",
        (9, 10),
        "nothing lost or doubled; no cause that needs a person",
        _broker_disk_full,
    ),
)
