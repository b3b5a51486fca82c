"""The simulated outside world as a process of its own: its work slows down nobody's eyes."""

import os
import signal
import subprocess
import sys
from types import TracebackType
from typing import Self

from tests.figures.gate import Gate


class Outside:
    """`tollgate simulate` while entered; left, it is killed if it still runs."""

    def __init__(
        self, gate: Gate, orders_per_s: float, seconds: float, seed: int = 1, people: int = 3000
    ) -> None:
        self._gate = gate
        self.log = gate.folder / "world.log"
        self._command = [sys.executable, "-m", "streams", "simulate"]
        self._command += ["--rate", f"{orders_per_s:g}", "--duration", f"{seconds:g}s"]
        self._command += ["--seed", str(seed), "--subscribers", str(people)]

    def __enter__(self) -> Self:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, env=os.environ | self._gate.environment, stdout=log, stderr=log
            )
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.kill()

    def place_no_more(self) -> None:
        """Orders end; what is open is answered."""
        self._process.send_signal(signal.SIGINT)

    def wait(self, seconds: float) -> int:
        """Until every order has its verdict and every approved one its charge; its exit code."""
        return self._process.wait(seconds)

    def is_turning(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    def kill(self) -> None:
        """At once; harmless when it has ended."""
        self._process.kill()
        self._process.wait()
