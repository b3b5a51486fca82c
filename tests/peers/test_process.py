"""An engine as a process: looked at while it runs, told when it ends, killed when left."""

import os
import sys
import time
from pathlib import Path

import pytest

from streams.broker import EmbeddedBroker
from tests.peers import generator, progress
from tests.peers.engines import Engine
from tests.peers.process import Process
from tests.peers.progress import Progress

PATIENCE_S = 60.0


def python(program: str) -> Engine:
    return Engine("test", (sys.executable, "-c", program))


def test_an_engine_is_killed_when_it_is_left(kafka: EmbeddedBroker, tmp_path: Path) -> None:
    """Even one that would not end; its CPU, the broker's and its memory are seen till then."""
    stubborn = python(
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print(sum(range(3_000_000)), flush=True)\n"
        "while True: time.sleep(1)"
    )
    with Process(stubborn, kafka, "p", tmp_path) as process:
        deadline = time.monotonic() + PATIENCE_S
        while not process.log.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        sample = process.sample()
        assert sample.engine_s > 0
        assert sample.broker_s > 0
        assert process.memory_peak_mb() > 1
        running = process._process
        os.kill(running, 0)
    with pytest.raises(ProcessLookupError):
        os.kill(running, 0)


def test_an_engine_that_ends_by_itself_is_told(kafka: EmbeddedBroker, tmp_path: Path) -> None:
    """Nobody goes on measuring nothing."""

    def look_on(process: Process) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            process.sample()
            time.sleep(0.02)

    with (
        Process(python("raise SystemExit(7)"), kafka, "p", tmp_path) as process,
        pytest.raises(RuntimeError, match="ended by itself"),
    ):
        look_on(process)


def test_an_engine_that_is_not_there_is_told(kafka: EmbeddedBroker, tmp_path: Path) -> None:
    """Before anything is measured."""
    nothing = Engine("test", (str(tmp_path / "nothing"),))
    with (
        pytest.raises(RuntimeError, match="could not be started"),
        Process(nothing, kafka, "p", tmp_path),
    ):
        pass


def test_an_engine_that_writes_nothing_is_given_up(
    kafka: EmbeddedBroker, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the silence that is more than any engine needs, not after all the time there is."""
    monkeypatch.setattr(progress, "_STALLED_S", 0.2)
    generator.make_topics(kafka.bootstrap_servers, prefix + "w1")
    idle = python("import time; time.sleep(600)")
    with (
        Process(idle, kafka, prefix + "w1", tmp_path) as process,
        pytest.raises(RuntimeError, match="0 of 10 outputs, then no more"),
    ):
        Progress(kafka.bootstrap_servers, prefix + "w1").watch(process, 10, 0.0, 600.0)
