"""Ends the process when a call that must end does not.

`send_offsets_to_transaction` can block for ever after a broker restart, whatever its timeout
(librdkafka #5456); so can a group consumer's `close` once another member has taken its instance
name while a callback of a rebalance was on its way to it (librdkafka 2.16.0; seen in
tests/sim/contract/test_membership.py). Nothing inside the process can undo that; ending it lets the
log decide.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from streams.engine.errors import Cause, Fatal
from streams.engine.ports import Clock, Exit


class Watchdog:
    """Watches what the engine's thread is doing right now."""

    def __init__(self, clock: Clock, limit: float, end: Exit) -> None:
        self._clock = clock
        self._limit = limit
        self._end = end
        self._doing: tuple[str, float] | None = None

    def start(self) -> None:
        """Begin to watch, on a thread of its own."""
        threading.Thread(target=self._run, daemon=True, name="watchdog").start()

    @contextmanager
    def watching(self, what: str) -> Iterator[None]:
        """The work in this block must not take longer than the limit."""
        self._doing = (what, self._clock.monotonic())
        try:
            yield
        finally:
            self._doing = None

    def check(self) -> None:
        """End the process if the work at hand takes too long."""
        doing = self._doing
        if doing is not None and self._clock.monotonic() - doing[1] > self._limit:
            self._end(
                Fatal(
                    Cause.STUCK,
                    f"{doing[0].capitalize()} took longer than {self._limit:.0f} s.",
                    "The process starts again and the log decides what was committed.",
                )
            )

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            pause.wait(0.5)
            self.check()
