"""Run one row with one seed, bounded in time."""

import signal
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from streams.broker import EmbeddedBroker
from tests.chaos.row import NotRun, Observed, Row
from tests.chaos.stage import Stage


class Run(NamedTuple):
    """How one seed went: `observed`, or `trouble`, or why it did not run."""

    seed: int
    seconds: float
    observed: Observed | None = None
    trouble: str = ""
    not_run: str = ""


class TookTooLong(BaseException):
    """The row's limit has passed; no row may catch it as an ordinary error."""


def run_row(
    row: Row,
    seed: int,
    shared: Callable[[], EmbeddedBroker],
    folder: Path,
    tell: Callable[[str], None],
) -> Run:
    """Never raises for what the row does; only the main thread may call it."""
    began = time.monotonic()
    try:
        with _at_most(row.limit_s), Stage(shared, folder, seed, tell) as stage:
            observed = row.run(stage, seed)
    except NotRun as reason:
        return Run(seed, time.monotonic() - began, not_run=str(reason))
    except (Exception, TookTooLong):  # noqa: BLE001  # the next row is to run whatever this one did
        return Run(seed, time.monotonic() - began, trouble=traceback.format_exc())
    return Run(seed, time.monotonic() - began, observed)


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    def end(_signal: int, _frame: Any) -> None:
        raise TookTooLong(f"not over after {seconds:.0f} s")

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
