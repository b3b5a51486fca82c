"""What every demonstration needs around it: settings of its own, a free port, an orderly end."""

import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from rich.console import Console

from streams.broker import BrokerError
from streams.demo.folder import clean_folder
from streams.errors import Cause, Stop
from streams.setting_rows import PREFIX

EXAMPLE = Path(__file__).parents[2] / "deploy/reference/notice.yaml"
DEFAULT_FOLDER = Path("data/demo")
INTERRUPTED = 128 + signal.SIGINT


def perform(data_dir: Path | None, play: Callable[[Console, Path], int]) -> int:
    """Let a demonstration play in its clean folder; the exit code, also when it is interrupted."""
    console = Console()
    folder = data_dir or Path(os.environ.get(f"{PREFIX}DATA_DIR") or DEFAULT_FOLDER)
    try:
        with terminable(), clean_folder(folder) as ours:
            return play(console, ours)
    except KeyboardInterrupt:
        console.print("Interrupted; everything that was started has been stopped.")
        return INTERRUPTED
    except BrokerError as error:
        raise Stop(Cause.BROKER_SETUP, str(error)) from error


def environment(bootstrap_servers: str, folder: Path) -> dict[str, str]:
    """The settings of a demonstration: nothing of the caller's environment reaches it."""
    return {
        f"{PREFIX}BOOTSTRAP_SERVERS": bootstrap_servers,
        f"{PREFIX}DATA_DIR": str(folder / "worker"),
        f"{PREFIX}INSTANCE": "demo",
        # One worker on a laptop: each partition more is records and requests more in every turn
        # (8 instead of 4: p50 68 instead of 47 ms, p99 285 instead of 120, one pair of runs).
        f"{PREFIX}PARTITIONS": "4",
    }


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        port: int = asked.getsockname()[1]
        return port


@contextmanager
def terminable() -> Iterator[None]:
    """SIGTERM ends us as Ctrl-C does, so that what was started is stopped."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
