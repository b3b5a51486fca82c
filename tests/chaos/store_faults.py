"""What can happen to a worker's state folder while the worker is away.

Demanded of each: found and rebuilt from the changelog, or a stop that names the cause. Never a
state that is silently short or wrong: at the end the local stores are compared with the changelog,
key by key, besides everything that tests/engine/check.py compares.
"""

import shutil
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from streams.engine.disk import LocalDisk
from streams.engine.errors import Cause
from tests.chaos.keeping import Keeper
from tests.chaos.row import Observed, Row
from tests.chaos.stage import Stage
from tests.engine.check import read
from tests.engine.rig import PARTITIONS, Rig
from tests.figures.eyes import Eyes, now_ms

_RATE = 500.0
_LIVES_S = 1.0
_REBUILT = "is rebuilt from the changelog"

Harm = Callable[[Stage, Path], str]
"""(the stage, the state folder) to what was done, in words; the worker is dead meanwhile."""


def partition(folder: Path, number: int) -> Path:
    """Where a partition's database lies."""
    return folder / f"partition-{number}"


def _struck(harm: Harm, stage: Stage, seed: int) -> Observed:
    """Killed under load, harmed, started again; then all is compared."""
    job = stage.job()
    with job.flowing(_RATE, seed), job.decisions_seen() as eyes:
        worker = Keeper(job)
        _two_lives(worker, eyes)
        told = harm(stage, job.folder / "w0")
        stage.tell(told)
        at = now_ms()
        worker.start_again()
        again_s = worker.decides_again(eyes, at)
    faults = worker.finish() + differences(job)
    assert faults == [], faults
    rebuilt = job.log("w0").count(_REBUILT)
    return Observed(
        f"{told}: exact; {worker.told()}", (again_s,), {"partitions rebuilt": float(rebuilt)}
    )


def _two_lives(worker: Keeper, eyes: Eyes) -> None:
    """The second opening has moved the first life's rows into sorted files; then killed."""
    worker.decides(eyes)
    time.sleep(_LIVES_S)
    worker.kill()
    worker.start_again()
    worker.decides(eyes)
    time.sleep(_LIVES_S)
    worker.kill()


def differences(job: Rig) -> list[str]:
    """Of the local stores from the changelog, row by row; the worker is stopped."""
    faults = []
    changelog = read(job.bootstrap, job.prefix + "changelog")
    disk = LocalDisk(job.folder / "w0", 1 << 20, 4 << 20)
    try:
        for number in range(PARTITIONS):
            database = disk.database(f"partition-{number}")
            found = {}
            for key, value in database.scan(b"c"):
                if not key.startswith(b"c"):
                    break
                found[key] = value
            database.close()
            wanted: dict[bytes, bytes] = {}
            for _, name, value, _ in changelog[number]:
                assert name is not None
                if value:
                    wanted[name] = value
                else:
                    wanted.pop(name, None)
            wanted = {name: value for name, value in wanted.items() if name.startswith(b"c")}
            if found != wanted:
                faults.append(f"store {number}: {len(found)} rows, {len(wanted)} in the changelog")
    finally:
        disk.close()
    return faults


# -- harm ----------------------------------------------------------------------------------------


def _flip(pattern: str, count: int, stage: Stage, folder: Path) -> str:
    """Flip bits all over the largest file of a kind, in a partition that the seed chooses."""
    number = stage.draws.randrange(PARTITIONS)
    path = _largest(partition(folder, number), pattern)
    content = bytearray(path.read_bytes())
    for _ in range(count):
        content[stage.draws.randrange(len(content))] ^= 1 << stage.draws.randrange(8)
    path.write_bytes(content)
    return f"{count} bits flipped in {pattern}"


def _cut_short(pattern: str, stage: Stage, folder: Path) -> str:
    """Lose the tail of the largest file of a kind, in a partition that the seed chooses."""
    number = stage.draws.randrange(PARTITIONS)
    path = _largest(partition(folder, number), pattern)
    content = path.read_bytes()
    path.write_bytes(content[: stage.draws.randrange(len(content))])
    return f"the tail of {pattern} lost"


def _remove(pattern: str, stage: Stage, folder: Path) -> str:
    number = stage.draws.randrange(PARTITIONS)
    _largest(partition(folder, number), pattern).unlink()
    return f"{pattern} removed"


def _wipe_one(stage: Stage, folder: Path) -> str:
    shutil.rmtree(partition(folder, stage.draws.randrange(PARTITIONS)))
    return "one partition wiped"


def _wipe_all(_stage: Stage, folder: Path) -> str:
    shutil.rmtree(folder)
    return "the whole folder wiped"


def _largest(folder: Path, pattern: str) -> Path:
    return max(folder.glob(pattern), key=lambda path: path.stat().st_size)


# -- rows with steps of their own ----------------------------------------------------------------


def _older_copy(stage: Stage, seed: int) -> Observed:
    job = stage.job()
    state, copy = job.folder / "w0", job.folder / "copy"
    with job.flowing(_RATE, seed), job.decisions_seen() as eyes:
        worker = Keeper(job)
        _two_lives(worker, eyes)
        shutil.copytree(state, copy)
        worker.start_again()
        worker.decides(eyes)
        time.sleep(_LIVES_S)
        worker.kill()
        shutil.rmtree(state)
        copy.rename(state)
        at = now_ms()
        worker.start_again()
        again_s = worker.decides_again(eyes, at)
    faults = worker.finish() + differences(job)
    assert faults == [], faults
    return Observed(f"exact: what it lacked was replayed; {worker.told()}", (again_s,))


def _stopped_by(stage: Stage, seed: int, cause: Cause, harm: Callable[[Rig], object]) -> Observed:
    """Harm that only a person can judge: the stop names it; the folders removed, all is well."""
    job = stage.job()
    with job.flowing(_RATE, seed), job.decisions_seen() as eyes:
        worker = Keeper(job)
        _two_lives(worker, eyes)
        harm(job)
        worker.start_again()
        assert worker.wait_for_end() is cause, worker.words
        worker.start_again()
        assert worker.wait_for_end() is cause, "it went on at the second start"
        for number in range(PARTITIONS):
            shutil.rmtree(partition(job.folder / "w0", number), ignore_errors=True)
        at = now_ms()
        worker.start_again()
        again_s = worker.decides_again(eyes, at)
    faults = worker.finish() + differences(job)
    assert faults == [], faults
    return Observed(
        f"stopped both times with {cause.value.upper()}; exact with the folders removed", (again_s,)
    )


def _swapped(stage: Stage, seed: int) -> Observed:
    one, other = stage.draws.sample(range(PARTITIONS), 2)

    def swap(job: Rig) -> None:
        state = job.folder / "w0"
        aside = job.folder / "aside"
        partition(state, one).rename(aside)
        partition(state, other).rename(partition(state, one))
        aside.rename(partition(state, other))

    return _stopped_by(stage, seed, Cause.FOLDER_FOREIGN, swap)


def _from_another_cluster(stage: Stage, seed: int) -> Observed:
    def bring(job: Rig) -> None:
        with stage.broker() as other:
            foreign = Rig(other, job.prefix, stage.place("foreign"))
            stage.callback(foreign.close)
            foreign.send(500)
            worker = Keeper(foreign)
            worker.wait(lambda: foreign.taken() >= foreign.sent, "the other cluster's records")
            worker.kill()
            for number in range(PARTITIONS):
                shutil.rmtree(partition(job.folder / "w0", number))
                shutil.copytree(
                    partition(foreign.folder / "w0", number), partition(job.folder / "w0", number)
                )

    return _stopped_by(stage, seed, Cause.FOLDER_FOREIGN, bring)


def _opened_twice(stage: Stage, seed: int) -> Observed:
    job = stage.job()
    with job.flowing(_RATE, seed), job.decisions_seen() as eyes:
        worker = Keeper(job)
        worker.decides(eyes)
        # The same folder under another path: what is locked is the folder, not its name.
        (job.folder / "w1").symlink_to(job.folder / "w0")
        second = Keeper(job, "w1", static=False)
        assert second.wait_for_end() is Cause.FOLDER_IN_USE, second.words
        worker.decides(eyes)
        assert worker.ends == []
    faults = worker.finish() + differences(job)
    assert faults == [], faults
    return Observed("the second ended with FOLDER_IN_USE, the first went on; exact")


def _older_than_tombstones(stage: Stage, seed: int) -> Observed:
    """The copy has rows whose deletion the changelog has forgotten."""
    broker = stage.broker(properties={"log.cleaner.backoff.ms": "200"})
    job = stage.job(broker, changelog=COMPACTED_SOON)
    state, copy = job.folder / "w0", job.folder / "copy"
    with job.flowing(_RATE, seed), job.decisions_seen() as eyes:
        worker = Keeper(job)
        worker.decides(eyes)
        time.sleep(_LIVES_S)
        worker.kill()
    shutil.copytree(state, copy)
    rows = sum(rows_of(copy))
    assert rows, "the copy must have rows that are deleted later"
    worker.start_again()
    worker.wait(job.all_counted_out, "every key counted out")
    # Ticks alone go on: their positions records fill segments, old ones are compacted.
    worker.wait(lambda: not row_records(job), "the changelog has forgotten rows and deletions")
    worker.kill()
    shutil.rmtree(state)
    copy.rename(state)
    with job.flowing(_RATE, seed), job.decisions_seen() as eyes:
        at = now_ms()
        worker.start_again()
        again_s = worker.decides_again(eyes, at)
    faults = worker.finish() + differences(job)
    assert faults == [], faults
    rebuilt = job.log("w0").count(_REBUILT)
    assert rebuilt >= PARTITIONS, job.log("w0")[-2000:]
    return Observed(
        "rebuilt in full; exact", (again_s,), {"rows that would have come back": float(rows)}
    )


COMPACTED_SOON = {
    "delete.retention.ms": "1000",
    "segment.ms": "700",
    "min.cleanable.dirty.ratio": "0.01",
    "max.compaction.lag.ms": "1000",
}


def rows_of(folder: Path) -> list[int]:
    """How many rows each partition's store has."""
    disk = LocalDisk(folder, 1 << 20, 4 << 20)
    counts = []
    try:
        for number in range(PARTITIONS):
            database = disk.database(f"partition-{number}")
            counts.append(sum(key.startswith(b"c") for key, _ in database.scan(b"c")))
            database.close()
    finally:
        disk.close()
    return counts


def row_records(job: Rig) -> int:
    """Records of rows, deletions included, that the changelog still has."""
    found = read(job.bootstrap, job.prefix + "changelog").values()
    return sum((key or b"").startswith(b"c") for records in found for _, key, _, _ in records)


def _compacted_restore(stage: Stage, seed: int) -> Observed:
    """From nothing, out of a changelog that was compacted again and again under load."""
    broker = stage.broker(properties={"log.cleaner.backoff.ms": "200"})
    job = stage.job(broker, changelog=COMPACTED_SOON)
    with job.flowing(_RATE, seed), job.decisions_seen() as eyes:
        worker = Keeper(job)
        worker.decides(eyes)
        time.sleep(10)
        written = changelog_end(job)
        worker.kill()
        kept = row_records(job)
        assert written > 2 * kept, f"{kept} of {written} are left: not compacted"
        shutil.rmtree(job.folder / "w0")
        at = now_ms()
        worker.start_again()
        again_s = worker.decides_again(eyes, at)
    faults = worker.finish() + differences(job)
    assert faults == [], faults
    return Observed(
        "exact: the restored stores equal the changelog",
        (again_s,),
        {"records written": float(written), "records left": float(kept)},
    )


def changelog_end(job: Rig) -> int:
    """The offset behind the last record, of all partitions together."""
    found = read(job.bootstrap, job.prefix + "changelog").values()
    return sum(records[-1][0] + 1 for records in found if records)


_REBUILD_OR_STOP = "found and rebuilt, or a stop that names it; never short or wrong state"


def _harmed(name: str, does: str, harm: Harm, *, quick: bool = False) -> Row:
    return Row(
        f"store-{name}",
        f"the worker is killed under load, {does}, and it is started again",
        (9, 10),
        _REBUILD_OR_STOP,
        partial(_struck, harm),
        quick=quick,
    )


ROWS = (
    _harmed("sst-flipped", "bits of a sorted file are flipped", partial(_flip, "*.sst", 40)),
    _harmed("wal-flipped", "bits of a write-ahead log are flipped", partial(_flip, "*.log", 40)),
    _harmed("wal-short", "the tail of a write-ahead log is lost", partial(_cut_short, "*.log")),
    _harmed("wal-gone", "a write-ahead log is removed", partial(_remove, "*.log")),
    _harmed("manifest-flipped", "a manifest is damaged", partial(_flip, "MANIFEST-*", 8)),
    _harmed("current-gone", "CURRENT is removed", partial(_remove, "CURRENT"), quick=True),
    _harmed("sst-gone", "a sorted file is removed", partial(_remove, "*.sst")),
    _harmed("one-wiped", "one partition's folder is wiped", _wipe_one),
    _harmed("wiped", "the whole folder is wiped", _wipe_all),
    Row(
        "store-older-copy",
        "the worker is killed, a copy of an earlier moment is put back",
        (9, 10),
        "what it lacks is replayed",
        _older_copy,
    ),
    Row(
        "store-older-than-tombstones",
        "the same, with a copy whose rows were deleted so long ago that the changelog has "
        "forgotten the deletions",
        (9, 10),
        "rebuilt in full: no deleted row comes back",
        _older_than_tombstones,
    ),
    Row(
        "store-swapped",
        "two partitions' folders change places",
        (9, 10),
        "a stop that names it, at every start; with the folders removed all is rebuilt",
        _swapped,
    ),
    Row(
        "store-foreign",
        "another cluster's folders are put in place",
        (9, 10),
        "the same",
        _from_another_cluster,
    ),
    Row(
        "store-opened-twice",
        "a second worker is started on the same folder",
        (9, 10),
        "the second ends, the first goes on",
        _opened_twice,
    ),
    Row(
        "changelog-compacted",
        "the changelog is compacted under load (segments of 0.7 s, deletions kept 1 s), then the "
        "folder is wiped",
        (9,),
        "what is restored from nothing equals the state",
        _compacted_restore,
    ),
)
