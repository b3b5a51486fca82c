"""deploy/supervise.sh: a worker is started again after the table's codes, and after no other.

The shell and the table are the real ones; in place of a worker's process stands one that ends as it
is told.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from streams.errors import Cause

ROOT = Path(__file__).resolve().parents[2]
# Ends with the next code of a list; at `wait` it runs until it is asked to stop.
STAND_IN = """#!/bin/sh
if [ "$3" = --restart-codes ]; then exec "$REAL" "$@"; fi
echo "$@" >> "$FOLDER/starts"
code=$(head -n 1 "$FOLDER/codes")
sed -i 1d "$FOLDER/codes"
[ "$code" != wait ] || {
    sleep 60 2>&- & slept=$!
    trap 'kill $slept; exit 0' TERM; : > "$FOLDER/listening"; wait $slept; exit 99
}
[ "$code" != killed ] || kill -KILL $$
exit "$code"
"""


class Supervised:
    """The loop over stand-ins that end one after another as listed."""

    def __init__(self, folder: Path, *codes: int | str, **environment: str) -> None:
        self.folder = folder
        (folder / "codes").write_text("".join(f"{code}\n" for code in codes))
        (folder / "starts").touch()
        python = folder / "python"
        python.write_text(STAND_IN)
        python.chmod(0o755)
        self.process = subprocess.Popen(
            [str(ROOT / "deploy/supervise.sh"), "worker"],
            env={
                **os.environ,
                "PATH": f"{folder}:{os.environ['PATH']}",
                "PYTHONPATH": str(ROOT),
                "REAL": sys.executable,
                "FOLDER": str(folder),
                **environment,
            },
            stderr=subprocess.PIPE,
            text=True,
        )

    @property
    def starts(self) -> list[str]:
        """The arguments of each start so far."""
        return (self.folder / "starts").read_text().splitlines()

    def end(self) -> tuple[int, str]:
        """Its code and what it said, when it has ended by itself."""
        _, said = self.process.communicate(timeout=60)
        return self.process.returncode, said


def test_it_goes_on_where_that_can_help_and_ends_where_not(tmp_path: Path) -> None:
    """An uncertain commit, a damaged store and a kill are started again; an assertion is not."""
    codes = (Cause.UNCERTAIN_COMMIT.exit_code, Cause.STORE_DAMAGED.exit_code, "killed")
    supervised = Supervised(tmp_path, *codes, Cause.IMPOSSIBLE.exit_code, 0)
    code, said = supervised.end()
    assert code == Cause.IMPOSSIBLE.exit_code
    assert supervised.starts == ["-m streams worker"] * 4
    assert "the worker ended with 25, which no restart helps" in said
    assert "the worker ended with 137, starting it again in 1 s" in said


PERSONS = (Cause.DEAD_LETTERS, Cause.LOG_TRUNCATED, Cause.STORE_FAILED)


@pytest.mark.parametrize("code", [0, 1, 2, *(cause.exit_code for cause in PERSONS)])
def test_every_other_end_is_its_own(tmp_path: Path, code: int) -> None:
    """A worker that was stopped, or ended for a cause that asks for a person, is left alone."""
    supervised = Supervised(tmp_path, code, 0)
    assert supervised.end()[0] == code
    assert len(supervised.starts) == 1


def test_starts_in_a_row_end_in_a_page(tmp_path: Path) -> None:
    """Too many starts in the window end it with the worker's last code, and it says so."""
    codes = [Cause.STUCK.exit_code] * 9
    code, said = Supervised(tmp_path, *codes, STARTS_MAX="3").end()
    assert code == Cause.STUCK.exit_code
    assert "3 starts in 600 s, the last ended with 30" in said
    folder = tmp_path / "slower"
    folder.mkdir()
    slow = Supervised(folder, *codes[:3], 0, STARTS_MAX="2", STARTS_SECONDS="1")
    assert slow.end()[0] == 0, "starts that lie further back do not count"


def test_it_hands_on_the_wish_to_stop(tmp_path: Path) -> None:
    """SIGTERM reaches the worker, which ends in its own time; nothing is started after that."""
    supervised = Supervised(tmp_path, "wait", 0)
    end = time.monotonic() + 30
    while not (tmp_path / "listening").exists():
        assert time.monotonic() < end
        time.sleep(0.02)
    supervised.process.send_signal(signal.SIGTERM)
    assert supervised.end()[0] == 0
    assert len(supervised.starts) == 1


def test_it_stops_also_between_two_workers(tmp_path: Path) -> None:
    """SIGTERM while it waits before a restart ends it at once, with the last worker's code."""
    supervised = Supervised(tmp_path, Cause.BROKER_AWAY.exit_code, 0)
    assert supervised.process.stderr is not None
    assert "starting it again in 10 s" in supervised.process.stderr.readline()
    began = time.monotonic()
    supervised.process.send_signal(signal.SIGTERM)
    assert supervised.end()[0] == Cause.BROKER_AWAY.exit_code
    assert time.monotonic() - began < 5
    assert len(supervised.starts) == 1
