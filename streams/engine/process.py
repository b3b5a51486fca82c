"""The real machine behind the ports: its clocks, its threads, the end of the process."""

import gc
import logging
import os
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from streams.engine.errors import Cause, Fatal

log = logging.getLogger(__name__)

T = TypeVar("T")

EXIT_CODE = 70
"""EX_SOFTWARE of sysexits; a job with codes of its own brings its own exit."""


class RealClock:
    """This machine's clocks."""

    monotonic = staticmethod(time.monotonic)

    @staticmethod
    def now_ms() -> int:
        """UTC milliseconds since the epoch."""
        return int(time.time() * 1000)


class Threads:
    """Background work on a few threads."""

    def __init__(self, count: int) -> None:
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="background")

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """Run `work` soon, elsewhere."""
        return self._pool.submit(work)


def calm_collector() -> None:
    """Nothing cyclic is made per event; what lives by now lives for ever.

    The collector took 24 % of the engine's thread in the prototype's profile, and 8 % of W1's.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


def end_process(fatal: Fatal) -> None:
    """Say why, then be gone at once: no clean-up that could commit or write anything more."""
    unforeseen = fatal.cause in (Cause.JOB_FAILED, Cause.IMPOSSIBLE)
    log.critical(
        "%s: %s %s",
        fatal.cause.value,
        fatal.detail,
        fatal.advice,
        exc_info=fatal if unforeseen else None,
    )
    logging.shutdown()
    os._exit(EXIT_CODE)
