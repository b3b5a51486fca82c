"""The broker alone, in the foreground: what `tollgate broker` does."""

import signal
import sys
import threading
from pathlib import Path
from types import FrameType

from streams.broker.embedded import LOOK_EVERY_S, EmbeddedBroker
from streams.broker.errors import BrokerError

# How often a broker in the foreground is looked at.
LOOK_AT_FOREGROUND_S = 10 * LOOK_EVERY_S


def run_broker(data_dir: Path, port: int = 9092) -> None:
    """Run a broker until Ctrl-C or SIGTERM, printing its address; port 0 draws a free one.

    To be called from the main thread, where Python delivers signals. Raises BrokerError when the
    broker cannot start or ends by itself.
    """
    asked_to_stop = threading.Event()

    def ask(_number: int, _frame: FrameType | None) -> None:
        asked_to_stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with EmbeddedBroker(data_dir, port=port, tell=_say) as broker:
            _say(f"bootstrap servers: {broker.bootstrap_servers}")
            _say(f"data and log: {broker.data_dir}; stop with Ctrl-C")
            while not asked_to_stop.wait(LOOK_AT_FOREGROUND_S):
                if not broker.running:
                    raise BrokerError(
                        f"The embedded broker ended by itself: see broker.log in {broker.data_dir}."
                    )
        _say("stopped")
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
