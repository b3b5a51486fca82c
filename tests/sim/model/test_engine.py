"""The real engine on the model: it works, it survives, and a seed is a run to the byte."""

import hashlib
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.engine.errors import Cause, Fatal
from tests.sim.model.network import Fate
from tests.sim.model.scheduler import Process
from tests.sim.model.small import PARTITIONS, SmallWorld

REPOSITORY = Path(__file__).parents[3]
# What a worker may end with under the faults made here; the log then decides.
HONEST = {Cause.FENCED, Cause.UNCERTAIN_COMMIT, Cause.BROKER_AWAY, Cause.OFFSETS_UNSTABLE}
APIS = (
    *("Produce", "EndTxn", "TxnOffsetCommit", "AddOffsetsToTxn", "AddPartitionsToTxn"),
    *("JoinGroup", "SyncGroup", "Heartbeat", "ListOffsets", "InitProducerId", "OffsetFetch"),
)


@pytest.fixture(autouse=True)
def silent() -> Iterator[None]:
    """Workers that are killed by the dozen have nothing to tell."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def revive(small: SmallWorld, statics: dict[str, bool]) -> None:
    """Start again what has ended; its end must have been an honest one."""
    for name, process in list(small.workers.items()):
        if process.dead:
            failure = process.failure
            assert failure is None or isinstance(failure, Fatal), repr(failure)
            assert failure is None or failure.cause in HONEST, str(failure)
            small.start(name, static=statics[name])


def storm(small: SmallWorld, steps: int = 40) -> None:
    """Load, and one misfortune after the other."""
    world, network = small.world, small.network
    draws = world.random
    for api in APIS:
        if draws.random() < 0.4:
            network.faults[api] = [(fate, 0.03 * draws.random()) for fate in Fate]
    statics = {f"w{number}": draws.random() < 0.6 for number in range(1 + draws.randrange(3))}
    for name, static in statics.items():
        small.start(name, static=static)
    for _ in range(steps):
        small.write(draws.randrange(6))
        world.run_for(draws.random())
        revive(small, statics)
        name = draws.choice(list(statics))
        strike(small, name, small.workers[name])
        small.check()
    network.faults.clear()
    network.broker_is_away(away=False)
    for _ in range(300):
        world.run_for(0.5)
        revive(small, statics)
        for process in small.workers.values():
            network.heal(process)
            process.thaw()
        if small.is_done():
            break
    assert small.is_done(), "records are left over"
    small.check()


def strike(small: SmallWorld, name: str, process: Process) -> None:
    """Mostly nothing happens to a worker."""
    world, network = small.world, small.network
    draws = world.random
    what = draws.random()
    if what < 0.08:
        process.kill()
        if what < 0.03:
            folder = small.machines[name][1]
            for database in folder.databases:
                folder.lose(database, draws.randrange(5))
    elif what < 0.12:
        process.freeze()
        world.later(draws.random() * 25, process.thaw)
    elif what < 0.16:
        network.cut(process)
        world.later(draws.random() * 12, lambda: network.heal(process))
    elif what < 0.18:
        network.broker_is_away(away=True)
        world.later(draws.random() * 5, lambda: network.broker_is_away(away=False))


def test_two_workers_share_the_partitions_and_take_everything() -> None:
    """Without any fault all records are taken soon, and both workers have work."""
    small = SmallWorld(1)
    small.start("w1")
    small.start("w2", static=False)
    for _ in range(10):
        small.write(5)
        small.world.run_for(0.5)
    assert small.world.run_until(small.is_done, 10)
    small.check()
    owned = [sorted(engine.partitions) for engine in small.engines.values()]
    assert sorted(owned[0] + owned[1]) == list(range(PARTITIONS))
    assert all(engine.statistics.turns for engine in small.engines.values())
    small.world.close()


def test_a_clean_stop_leaves_the_group_and_the_folder() -> None:
    """The other one has everything long before a session could have timed out."""
    small = SmallWorld(2)
    for name in ("w1", "w2"):
        small.start(name, static=False)
    assert small.world.run_until(
        lambda: [len(one.partitions) for one in small.engines.values()] in ([1, 2], [2, 1]), 20
    )
    small.engines["w1"].stopping = True
    assert small.world.run_until(lambda: len(small.engines["w2"].partitions) == 3, 4)
    assert small.machines["w1"][1].holder is None
    assert small.workers["w1"].failure is None
    small.world.close()


@pytest.mark.parametrize("seed", range(12))
def test_everything_is_taken_once_whatever_happens(seed: int) -> None:
    """Kills, zombies, lost writes, cut connections, late and doubled requests: each record once."""
    small = SmallWorld(seed)
    try:
        storm(small)
    finally:
        small.world.close()


def trace(seed: int) -> str:
    """A digest of every pause and of every byte on the broker, of a run with faults."""
    small, digest = SmallWorld(seed), hashlib.sha256()

    def hear(process: Process, what: str) -> None:
        digest.update(f"{process.name} {what} {small.world.now!r}\n".encode())

    small.world.on_pause = hear
    storm(small, 15)
    for topic in small.broker.topics.values():
        for partition in topic.partitions:
            for entry in partition.raw:
                digest.update(f"{entry.kind} {entry.outcome} {entry.producer}".encode())
                if entry.message is not None:
                    digest.update(entry.message.value() or b"")
    small.world.close()
    return digest.hexdigest()


def test_a_seed_is_a_run_to_the_byte() -> None:
    """Two interpreters with different hash seeds agree on every pause; another seed does not."""
    program = (
        "import logging; logging.disable(logging.CRITICAL);"
        "from tests.sim.model.test_engine import trace; print(trace(3))"
    )
    told = [
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            cwd=REPOSITORY,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for hash_seed in ("1", "2")
    ]
    assert told[0] == told[1] == trace(3) + "\n"
    assert trace(4) != trace(3)
