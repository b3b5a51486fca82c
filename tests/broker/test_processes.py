"""The broker as a process: it ends with its starter, and on being asked."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from tests.broker.waiting import PATIENCE_S, is_gone, wait_until

STARTER = """
import sys, time
from pathlib import Path
from streams.broker import EmbeddedBroker
with EmbeddedBroker(Path(sys.argv[1])) as broker:
    print(broker.pid, flush=True)
    time.sleep(600)
"""

FOREGROUND = """
import sys
from pathlib import Path
from streams.broker import run_broker
run_broker(Path(sys.argv[1]), 0)
"""


def start(program: str, folder: Path) -> subprocess.Popen[str]:
    """Run a little program in a Python of its own."""
    command = [sys.executable, "-c", program, str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_the_broker_dies_with_its_starter(tmp_path: Path) -> None:
    """When the process that started it is killed, the broker is gone soon after."""
    with start(STARTER, tmp_path) as starter:
        assert starter.stdout is not None
        broker = int(starter.stdout.readline())
        assert not is_gone(broker)
        starter.kill()
        wait_until(lambda: is_gone(broker))


def test_the_foreground_broker_tells_its_address_and_stops_when_asked(tmp_path: Path) -> None:
    """It prints its address, and SIGTERM stops it cleanly with status 0."""
    with start(FOREGROUND, tmp_path) as foreground:
        assert foreground.stdout is not None
        line = foreground.stdout.readline()
        assert re.fullmatch(r"bootstrap servers: 127\.0\.0\.1:\d+\n", line)
        os.kill(foreground.pid, signal.SIGTERM)
        rest, _ = foreground.communicate(timeout=PATIENCE_S)
    assert rest.endswith("stopped\n")
    assert foreground.returncode == 0
    assert (tmp_path / "kafka" / ".kafka_cleanshutdown").exists()
