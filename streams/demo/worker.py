"""One worker as a child process: started, waited for, and always stopped by its own id.

Between us and it stands the broker package's guard, so that it dies even when we are killed.
"""

import http.client
import os
import signal
import subprocess
import sys
import time
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import Self

import streams.broker
from streams.errors import Cause, Stop
from streams.metrics import Metric
from streams.setting_rows import PREFIX

# A worker decides about 3 s after its start on a quiet machine; here others start beside it.
_READY_S = 60.0
_LOOK_EVERY_S = 0.05
# An open turn is finished or aborted well within this.
_STOP_S = 20.0
_LOG_LINES_SHOWN = 20
_GUARD = Path(streams.broker.__file__).with_name("guard.py")


class Worker:
    """`tollgate worker` with settings of its own and its log in a file."""

    def __init__(self, environment: dict[str, str], log: Path, metrics_port: int) -> None:
        self.log = log
        self._environment = environment | {f"{PREFIX}METRICS_PORT": str(metrics_port)}
        self._metrics_port = metrics_port
        self._guard: subprocess.Popen[bytes] | None = None
        self._pid = 0

    def __enter__(self) -> Self:
        ours = {name: v for name, v in os.environ.items() if not name.startswith(PREFIX)}
        guard = [sys.executable, "-I", "-S", str(_GUARD)]
        with self.log.open("wb") as log:
            self._guard = subprocess.Popen(
                [*guard, sys.executable, "-m", "streams", "worker"],
                env=ours | self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                # Ctrl-C is for the conductor, which stops the worker when it is time.
                start_new_session=True,
            )
        assert self._guard.stdout is not None
        self._pid = int(self._guard.stdout.readline() or 0)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._guard is not None
        self._signal(signal.SIGKILL)
        self._guard.wait()
        for pipe in (self._guard.stdin, self._guard.stdout):
            if pipe is not None:
                pipe.close()

    def wait_until_ready(self, partitions: int) -> None:
        """Wait until so many partitions are open; raises Stop when it ends or takes too long."""
        deadline = time.monotonic() + _READY_S
        # A worker that was given nothing yet is ready too: hence the count.
        open_ones = f"\n{Metric.PARTITIONS_OPEN.value.name} {float(partitions)}\n"
        while open_ones not in self._ask("/metrics") or not self._ask("/readyz"):
            self.check()
            if time.monotonic() > deadline:
                raise self._stop(f"the worker was not ready within {_READY_S:.0f} s")
            time.sleep(_LOOK_EVERY_S)

    def check(self) -> None:
        """Raise Stop when it has ended by itself."""
        assert self._guard is not None
        code = self._guard.poll()
        if code is not None:
            raise self._stop(f"the worker ended by itself with exit code {code}")

    def stop(self) -> None:
        """Ask it to end (SIGTERM) and wait; raises Stop when it does not end well."""
        self.check()
        assert self._guard is not None
        self._signal(signal.SIGTERM)
        try:
            code = self._guard.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            raise self._stop(f"the worker did not end within {_STOP_S:.0f} s of SIGTERM") from None
        if code != 0:
            raise self._stop(f"the worker ended with exit code {code} on SIGTERM")

    def _ask(self, path: str) -> str:
        """What it answers, or nothing while all is not well."""
        asked = http.client.HTTPConnection("127.0.0.1", self._metrics_port, timeout=1)
        try:
            asked.request("GET", path)
            answer = asked.getresponse()
            return answer.read().decode() if answer.status == http.HTTPStatus.OK else ""
        except (OSError, http.client.HTTPException):
            return ""
        finally:
            asked.close()

    def _signal(self, number: signal.Signals) -> None:
        # Process id 0 would be everybody in our own group.
        if self._pid and self._guard is not None and self._guard.poll() is None:
            os.kill(self._pid, number)

    def _stop(self, sentence: str) -> Stop:
        with self.log.open(encoding="utf-8", errors="replace") as lines:
            last = "".join(deque(lines, _LOG_LINES_SHOWN))
        return Stop(
            Cause.NOT_DRAINED,
            f"{sentence}; the end of {self.log}:\n{last}",
            "Its exit code says why (`tollgate --exit-codes`).",
        )
