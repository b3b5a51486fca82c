"""Waiting for what must come, with a bound."""

import os
import time
from collections.abc import Callable

# For what takes a second when nothing else runs.
PATIENCE_S = 60.0


def wait_until(true: Callable[[], bool]) -> None:
    """Wait for a condition, within the bound."""
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_gone(process: int) -> bool:
    """Whether no process has this id."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False
