"""A short soak, and that its watching would find something."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from streams.audit.report import Report
from streams.broker import EmbeddedBroker
from tests.soak.__main__ import evidence, main
from tests.soak.faults import ENDING, Fault, Strokes
from tests.soak.soaking import Outcome, Struck, soak
from tests.soak.watched import (
    BYTES_AN_EVENT,
    BYTES_FREE,
    BYTES_MOST,
    HANDLES_FREE,
    LIFE_LEAST_S,
    THREADS_FREE,
    Life,
    Sample,
    gain,
    look,
)

_SECONDS = 25.0
_RATE = 100.0


def test_a_short_soak_leaves_nothing_to_be_found(tmp_path: Path) -> None:
    """Whatever strikes in these seconds, all is decided, and the auditor finds nothing."""
    with EmbeddedBroker(tmp_path / "kafka") as broker:
        outcome = soak(
            broker,
            "soak.",
            tmp_path / "gate",
            seed=5,
            seconds=_SECONDS,
            rate=_RATE,
            tell=lambda _: None,
        )
    assert [str(one) for one in outcome.report.findings] == []
    assert (outcome.world_exit_code, outcome.undecided) == (0, 0)
    assert outcome.struck
    # So short a time has hardly a life that is long enough to be judged; what is, must be flat.
    judged = [life for life in outcome.lives if life.is_judged]
    assert [fault for life in judged for fault in life.faults(outcome.events_per_s)] == []


def life(*, memory: int = 0, handles: int = 0, threads: int = 0) -> Life:
    """Half a minute in which these are gained, evenly, in the second half."""
    seconds = 30
    samples = [
        Sample(
            float(at),
            10**8 + max(0, at - seconds // 2) * memory // (seconds // 2),
            100 + max(0, at - seconds // 2) * handles // (seconds // 2),
            40 + max(0, at - seconds // 2) * threads // (seconds // 2),
        )
        for at in range(seconds + 1)
    ]
    return Life("first", 1, samples)


def test_a_flat_life_has_no_fault() -> None:
    """What goes up and down, or rises at the beginning only, is flat."""
    assert life().faults(1000) == []
    early = Life("first", 1, [*life(memory=BYTES_FREE * 2).samples[::-1]])
    flat = [one._replace(at_s=float(at)) for at, one in enumerate(early.samples)]
    assert Life("first", 1, flat).faults(0) == []


@pytest.mark.parametrize(
    ("grown", "word"),
    [
        (life(memory=BYTES_FREE * 2), "memory"),
        (life(handles=HANDLES_FREE * 2), "file handles"),
        (life(threads=THREADS_FREE * 2), "threads"),
    ],
)
def test_what_grows_is_a_fault(grown: Life, word: str) -> None:
    """Each of the three is told by its name when the second half gains more than is allowed."""
    (fault,) = grown.faults(0)
    assert fault.startswith(f"first, 30 s: {word} grew by ")


def test_memory_may_never_be_more_than_so_much() -> None:
    """However slowly it came to it, and though it went down again."""
    high = life().samples
    high[3] = high[3]._replace(memory=BYTES_MOST + 1)
    (fault,) = Life("first", 1, high).faults(0)
    assert fault == "first, 30 s: memory reached 419 MB, 419 are allowed"


def test_memory_may_grow_with_what_is_decided() -> None:
    """Rows that are kept fill up with events: so much an event is no leak."""
    events_per_s = BYTES_FREE * 2 / BYTES_AN_EVENT / (life().seconds / 2)
    assert life(memory=BYTES_FREE * 2).faults(events_per_s) == []


def test_a_load_that_hardly_came_is_a_fault() -> None:
    """Faults and other suites may slow the world down, but not to less than half of its rate."""

    def outcome(events: int) -> Outcome:
        struck = [Struck(Fault.KILL, 1.0, 500)]
        report = Report(0, drained=True, seconds=0.0, laws=[])
        return Outcome(2000.0, struck, {}, [life()], events, 0, 0, 100.0, 0, report)

    assert outcome(100_000).faults() == []
    assert outcome(99_000).faults() == ["only 990 events a second, not 2,000"]


def test_a_line_is_fitted_through_what_goes_up_and_down() -> None:
    """Noise cancels out, a rise does not; a single point rises nowhere."""
    assert gain([(at, at % 2) for at in range(101)]) == pytest.approx(0, abs=0.1)
    assert gain([(at, at % 2 + 3 * at) for at in range(101)]) == pytest.approx(300, abs=1)
    assert gain([(1.0, 5.0)]) == 0.0


def test_a_process_is_looked_at_until_it_has_ended() -> None:
    """Memory, handles and threads of a living process; nothing of one that has ended."""
    sample = look(os.getpid())
    assert sample is not None
    assert sample.memory > 1_000_000
    assert sample.handles >= 3
    assert sample.threads >= 1
    with subprocess.Popen([sys.executable, "-c", "pass"]) as ended:
        ended.wait()
        assert look(ended.pid) is None


def test_a_seed_draws_the_same_faults_and_calm_ones_end_no_life() -> None:
    """Second workers join and leave in turn; all kinds come in time."""
    one, other = Strokes(3), Strokes(3)
    drawn = [one.draw(calm=False) for _ in range(300)]
    assert drawn == [other.draw(calm=False) for _ in range(300)]
    assert {stroke.fault for stroke in drawn} == set(Fault)
    turns = [stroke.fault for stroke in drawn if stroke.fault in (Fault.JOIN, Fault.LEAVE)]
    assert turns == [Fault.JOIN, Fault.LEAVE] * (len(turns) // 2) + turns[len(turns) // 2 * 2 :]
    assert not {one.draw(calm=True).fault for _ in range(300)} & set(ENDING)
    assert LIFE_LEAST_S < _SECONDS


@pytest.mark.parametrize(
    ("option", "given", "least"),
    [
        *(("--minutes", given, "2") for given in ("0", "-1", "1.9", "nan", "inf")),
        *(("--rate", given, "100") for given in ("0", "-5", "99", "nan")),
    ],
)
def test_what_cannot_be_judged_is_refused(option: str, given: str, least: str) -> None:
    """Too short or too thin a soak is a usage error at once, which names the least."""
    asked = CliRunner().invoke(main, [option, given])
    assert asked.exit_code == 2
    assert f"below {least} cannot be judged" in asked.output


def test_what_was_written_is_kept_after_a_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder is emptied before, removed after a success, and kept and named after a failure."""
    folder = tmp_path / "soak" / "7"
    with pytest.raises(FileNotFoundError), evidence(folder) as made:
        (made / "kafka").rename(made / "nowhere" / "kafka")
    assert folder.exists()
    assert str(folder) in capsys.readouterr().err
    (folder / "worker.log").write_text("why")
    with evidence(folder) as made:
        assert list(made.iterdir()) == []
    assert not folder.exists()
