"""Law 9 on a real broker: outputs, state and positions become real together or not at all."""

import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer

from streams.broker import EmbeddedBroker
from streams.engine.process import EXIT_CODE
from tests.engine.check import quiet
from tests.engine.rig import PATIENCE_S, Rig


@pytest.fixture
def rig(kafka: EmbeddedBroker, prefix: str, tmp_path: Path) -> Iterator[Rig]:
    """Topics of one's own and, in the end, no worker left."""
    made = Rig(kafka, prefix, tmp_path)
    yield made
    made.close()


def test_outputs_state_and_positions_agree(rig: Rig) -> None:
    """What one worker leaves behind is what the job says for the order taken, to the byte."""
    rig.send(5_000)
    rig.start("w0")
    rig.wait_until_taken()
    assert rig.stop("w0") == 0
    checked = rig.check()
    assert checked.faults == []
    assert checked.taken >= 5_000
    assert checked.out_of_order == 0


def test_due_acts_follow_the_clock(rig: Rig) -> None:
    """Ticks, written by the worker itself, make every key due; each act happens once."""
    rig.send(1_000)
    rig.start("w0")
    rig.wait_until_taken()
    rig.wait(rig.all_counted_out, "every key counted out")
    assert rig.stop("w0") == 0
    checked = rig.check()
    assert checked.faults == []
    assert checked.due > 0
    assert checked.rows == 0


def test_a_killed_worker_leaves_no_trace(rig: Rig) -> None:
    """SIGKILL in the middle of turns, again and again, loses nothing and doubles nothing."""
    draws = random.Random(11)
    rig.start("w0", static=True)
    with rig.sending(12_000, rate=1_500):
        for _ in range(4):
            mark = min(12_000, rig.taken() + draws.randrange(300, 1_500))
            rig.wait(lambda mark=mark: rig.taken() >= mark, "progress")  # type: ignore[misc]
            rig.kill("w0")
            rig.start("w0", static=True)
    rig.wait_until_taken()
    assert rig.stop("w0") == 0
    checked = rig.check()
    assert checked.faults == []
    assert checked.taken >= 12_000


@pytest.mark.parametrize("filling_records", [1, 50_000])
def test_a_lost_disk_is_rebuilt_from_the_changelog(rig: Rig, filling_records: int) -> None:
    """With the state folder removed, a new one is made from the log, and nothing differs."""
    rig.send(3_000)
    rig.start("w0", static=True)
    rig.wait_until_taken()
    rig.kill("w0")
    shutil.rmtree(rig.folder / "w0")
    rig.send(3_000, seed=8)
    rig.start("w0", static=True, limits=json.dumps({"filling_records": filling_records}))
    rig.wait_until_taken()
    assert rig.stop("w0") == 0
    assert rig.check().faults == []


def test_partitions_move_under_load_and_siblings_stay_together(rig: Rig) -> None:
    """Workers join and leave while records flow: each is taken once, by one of them, in order."""
    rig.start("w0")
    with rig.flowing(rate=1_200):
        rig.wait(lambda: rig.taken() > 500, "the first worker's progress")
        rig.start("w1")
        rig.wait(lambda: "is open" in rig.log("w1"), "the second worker's partitions")
        mark = rig.taken() + 2_000
        rig.wait(lambda: rig.taken() > mark, "progress of both")
        assert rig.stop("w0") == 0
        rig.wait(lambda: rig.taken() > mark + 3_000, "the second worker's progress alone")
    rig.wait_until_taken()
    assert rig.stop("w1") == 0
    assert rig.check().faults == []


def test_a_worker_whose_name_is_taken_ends(rig: Rig) -> None:
    """Two workers under one instance name: the first is fenced, says so and is gone."""
    first = rig.start("w0", static=True)
    rig.send(200)
    rig.wait_until_taken()
    rig.start("w1", static=True, instance="w0")
    with rig.sending(3_000, rate=500):
        code = first.wait(PATIENCE_S)
    rig.forget("w0")
    assert code == EXIT_CODE
    assert "fenced" in rig.log("w0")
    rig.wait_until_taken()
    assert rig.stop("w1") == 0
    assert rig.check().faults == []


def test_a_changelog_that_is_held_back_ends_an_opening(rig: Rig) -> None:
    """A transaction whose end the broker lost holds back its topic for good: that is told, and once
    it is aborted the same folder goes on."""
    rig.send(500)
    rig.start("w0", static=True)
    rig.wait_until_taken()
    assert rig.stop("w0") == 0
    held = Producer(
        {
            **quiet(rig.bootstrap),
            "transactional.id": rig.prefix + "held",
            "transaction.timeout.ms": int(PATIENCE_S * 1000),
        }
    )
    held.init_transactions(PATIENCE_S)
    held.begin_transaction()
    held.produce(rig.prefix + "changelog", b"", b"cnobody", 0)
    assert held.flush(PATIENCE_S) == 0
    limits = json.dumps({"stable_offsets": 1.0})
    code = rig.start("w0", static=True, limits=limits).wait(PATIENCE_S)
    rig.forget("w0")
    assert code == EXIT_CODE
    said = rig.log("w0")
    assert "offsets_unstable" in said
    assert f"{rig.prefix}changelog [0] has given no record below its end" in said
    held.abort_transaction(PATIENCE_S)
    rig.send(500, seed=8)
    rig.start("w0", static=True, limits=limits)
    rig.wait_until_taken()
    assert rig.stop("w0") == 0
    assert rig.check().faults == []
