"""The demonstration itself, short: a real broker of its own, a real worker, the auditor's word."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from streams.demo import run


def test_a_short_demonstration_ends_drained_and_audited(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight seconds of orders end with every order answered, every law kept and nothing running."""
    # What the caller's environment says of another gate must not reach the demonstration.
    monkeypatch.setenv("TOLLGATE_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    folder = tmp_path / "demo"
    code = run(seconds=8, rate=100, subscribers=600, seed=5, data_dir=folder)
    said = capsys.readouterr().out
    assert code == 0, said
    for promised in ("Starting Kafka", "Starting a worker", "What happened", "Audit of", "latency"):
        assert promised in said
    assert str(folder) in said
    assert (folder / "worker.log").exists()
    assert not _processes_of(folder)


def test_an_interrupted_demonstration_leaves_nothing_running(tmp_path: Path) -> None:
    """SIGTERM in the middle of it stops worker and broker, and says so."""
    folder = tmp_path / "demo"
    program = (
        "import pathlib, sys, streams.demo; "
        f"sys.exit(streams.demo.run(data_dir=pathlib.Path({str(folder)!r})))"
    )
    with subprocess.Popen(
        [sys.executable, "-u", "-c", program], stdout=subprocess.PIPE, text=True
    ) as demo:
        assert demo.stdout is not None
        for said in demo.stdout:
            if "Starting a worker" in said:
                break
        demo.send_signal(signal.SIGTERM)
        rest = demo.stdout.read()
        assert demo.wait(60) == 128 + signal.SIGINT
    assert "Interrupted" in rest
    assert not _processes_of(folder)


def _processes_of(folder: Path) -> list[int]:
    """Processes that name this folder in their command or environment, a moment given to end."""
    deadline = time.monotonic() + 10
    while True:
        numbers = [int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit()]
        found = [pid for pid in numbers if _names(pid, folder)]
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


def _names(pid: int, folder: Path) -> bool:
    if pid == os.getpid():
        return False
    try:
        process = Path("/proc", str(pid))
        told = process.joinpath("cmdline").read_bytes() + process.joinpath("environ").read_bytes()
    except OSError:
        return False
    return str(folder).encode() in told
