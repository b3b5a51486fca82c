"""Keeps workers alive as systemd would: by the table of causes, and by nothing else."""

import os
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack

from streams.errors import RESTART_SECONDS, RESTART_SIGNALS, Cause
from tests.figures.gate import Gate, Worker

FIRST, SECOND = "first", "second"
_LOG_SHOWN = 3000
_LOOK_EVERY_S = 0.02
_CAUSES = {cause.exit_code: cause for cause in Cause}


class Keeper:
    """The workers of one gate, by name."""

    def __init__(self, gate: Gate, stack: ExitStack) -> None:
        self.ended: Counter[str] = Counter()
        """By themselves, for a cause after which a restart helps."""
        self._gate = gate
        self._stack = stack
        self._workers: dict[str, Worker] = {}
        self._start_at: dict[str, float] = {}

    def processes(self) -> dict[str, int]:
        """Of the workers that live, by name."""
        return {name: each.process for name, each in list(self._workers.items())}

    def start(self, name: str) -> None:
        """Another life of that worker, with the state that the last one left."""
        made = self._gate.worker() if name == FIRST else self._gate.another(name)
        self._workers[name] = self._stack.enter_context(made)

    def kill(self, name: str, *, wipe: bool = False) -> None:
        """SIGKILL, and perhaps the disk is gone too."""
        if (worker := self._workers.pop(name, None)) is not None:
            worker.kill()
        if wipe:
            shutil.rmtree(self._gate.state, ignore_errors=True)

    def stop(self, name: str) -> None:
        """SIGTERM; it must end well, once it has begun."""
        worker = self._workers.pop(name, None)
        if worker is None or worker.exit_code is not None:
            return
        code = worker.stop()
        if code == 128 + signal.SIGTERM and not worker.has_begun:
            return
        if code != 0:
            self._judge(name, code)

    def signal(self, name: str, number: signal.Signals) -> None:
        """To a worker, if it lives."""
        worker = self._workers.get(name)
        if worker is not None and worker.exit_code is None:
            os.kill(worker.process, number)

    def look(self) -> None:
        """Start what has ended for a cause that a restart mends; any other end is a failure."""
        for name, worker in list(self._workers.items()):
            if (code := worker.exit_code) is not None:
                del self._workers[name]
                self._start_at[name] = time.monotonic() + self._judge(name, code)
        for name, at in list(self._start_at.items()):
            if name in self._workers:
                del self._start_at[name]
            elif time.monotonic() >= at:
                del self._start_at[name]
                self.start(name)

    def mind(self, seconds: float) -> None:
        """Keep workers alive for so long."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.look()
            time.sleep(_LOOK_EVERY_S)

    def leave(self, name: str) -> None:
        """It does not come back, whatever it ended for."""
        self._start_at.pop(name, None)

    def wait(self, done: Callable[[], bool], what: str, seconds: float) -> None:
        """Until something is so, keeping workers alive; RuntimeError when it takes too long."""
        deadline = time.monotonic() + seconds
        while not done():
            self.look()
            if time.monotonic() > deadline:
                raise RuntimeError(f"no {what} within {seconds:.0f} s:\n{self._last()}")
            time.sleep(_LOOK_EVERY_S)

    def _judge(self, name: str, code: int) -> float:
        """How many seconds until it is started again."""
        if -code in RESTART_SIGNALS or code - 128 in RESTART_SIGNALS:
            self.ended["a signal of its own"] += 1
            return 1.0
        cause = _CAUSES.get(code)
        if cause is None or not cause.value.restart:
            raise RuntimeError(f"the {name} worker ended with exit code {code}:\n{self._last()}")
        self.ended[cause.name] += 1
        return RESTART_SECONDS[cause.value.supervisor]

    def _last(self) -> str:
        logs = (log.read_text(errors="replace")[-_LOG_SHOWN:] for log in self._gate.logs)
        return "\n".join(logs)
