"""A supervisor of the small job's workers: starts again after causes where that can help.

As deploy/ tells real supervisors: a cause for which streams/errors.py wants a person ends the row.
"""

import re
import signal
import time
from collections.abc import Callable

from streams.app import _STOPS
from streams.engine.errors import Cause
from streams.engine.process import EXIT_CODE
from tests.engine.rig import PATIENCE_S, Rig
from tests.figures.eyes import Eyes, now_ms

_ENDED = re.compile(rf"({'|'.join(cause.value for cause in Cause)}): (.*)")
# Seen once: an answer about the group's members came with its coordinator's death, late (2.16.0).
_ABORTED = re.compile(r"rdkafka\w*\.[ch]:\d+: .*Assertion .* failed")
_LOOK_S = 0.05
_PAUSE_S = 0.3
_STARTS_MAX = 60


class NeedsAPerson(AssertionError):
    """The worker ended for a cause that no restart mends."""


class Keeper:
    """Keeps one static worker of a job running; `ends` has the cause of each end, in order."""

    def __init__(
        self,
        job: Rig,
        name: str = "w0",
        *,
        static: bool = True,
        program: str = "tests.engine.worker",
        client: str = "{}",
    ) -> None:
        """`client` is JSON: settings of every client besides the job's own."""
        self.job = job
        self.name = name
        self.ends: list[Cause] = []
        self.aborted = 0
        """Ends by an assertion of librdkafka's."""
        self.words: list[str] = []
        """What the worker said at each end."""
        self._static = static
        self._program = program
        self._client = client
        self._start()

    def _start(self) -> None:
        log = self.job.folder / f"{self.name}.log"
        self.read_from = log.stat().st_size if log.exists() else 0
        self._worker = self.job.start(
            self.name, static=self._static, program=self._program, client=self._client
        )

    @property
    def has_ended(self) -> bool:
        """Whether the worker is there no more."""
        return self._worker.poll() is not None

    @property
    def pid(self) -> int:
        """Of the worker that runs now."""
        return self._worker.pid

    def tend(self) -> None:
        """Start the worker again if it has ended; NeedsAPerson where that cannot help."""
        if self._worker.poll() is None:
            return
        self.job.forget(self.name)
        if not self._was_aborted() and not _STOPS[self._read_end()].value.restart:
            raise NeedsAPerson(self.words[-1])
        assert len(self.words) < _STARTS_MAX, f"ended {_STARTS_MAX} times: {self.words}"
        time.sleep(_PAUSE_S)
        self._start()

    def _was_aborted(self) -> bool:
        """By an assertion of librdkafka's: to the log a kill like any other, started again so."""
        if self._worker.returncode != -signal.SIGABRT:
            return False
        found = _ABORTED.findall(self.job.log(self.name)[self.read_from :])
        self.words += found[-1:]
        self.aborted += len(found[-1:])
        return bool(found)

    def _read_end(self) -> Cause:
        code = self._worker.returncode
        said = self.job.log(self.name)[self.read_from :]
        found = _ENDED.findall(said)
        assert code == EXIT_CODE, f"{self.name} ended with {code}: {said[-3000:]}"
        assert found, f"{self.name} has not said why it ended: {said[-3000:]}"
        self.ends.append(Cause(found[-1][0]))
        self.words.append(": ".join(found[-1]))
        return self.ends[-1]

    def wait(self, condition: Callable[[], bool], what: str, seconds: float = PATIENCE_S) -> None:
        """Until the condition holds, tending the worker."""
        end = time.monotonic() + seconds
        while not condition():
            self.tend()
            assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}; {self.words}"
            time.sleep(_LOOK_S)

    def wait_for_end(self, seconds: float = PATIENCE_S) -> Cause:
        """Until the worker has ended by itself; it is not started again."""
        self._worker.wait(seconds)
        self.job.forget(self.name)
        return self._read_end()

    def start_again(self) -> None:
        """After `wait_for_end` or `kill`."""
        self._start()

    def kill(self) -> None:
        """SIGKILL; it stays down until `start_again`."""
        self.job.kill(self.name)

    def decides_again(self, eyes: Eyes, since_ms: int) -> float:
        """Seconds from the instant until each partition has committed something newer."""
        self.wait(lambda: eyes.all_after(since_ms) is not None, "every partition's next decision")
        found = eyes.all_after(since_ms)
        assert found is not None
        return found / 1000

    def decides(self, eyes: Eyes) -> None:
        """Wait until every partition commits decisions."""
        self.decides_again(eyes, now_ms())

    def finish(self) -> list[str]:
        """Take everything that was sent, stop cleanly, compare; every difference."""
        self.wait(lambda: self.job.taken() >= self.job.sent, f"{self.job.sent} records taken")
        self.wait(lambda: "Ready" in self.job.log(self.name)[self.read_from :], "it is up")
        code = self.job.stop(self.name)
        faults = [f"the clean stop ended with {code}"] if code else []
        return faults + self.job.check().faults

    def told(self) -> str:
        """The ends, counted, for the table."""
        counts = {cause.value.upper(): self.ends.count(cause) for cause in self.ends}
        if self.aborted:
            counts["an assertion of librdkafka's"] = self.aborted
        if not counts:
            return "the worker went on"
        return "ended with " + ", ".join(
            f"{end}{f' x{n}' if n > 1 else ''}" for end, n in counts.items()
        )
