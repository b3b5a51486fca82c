"""One gate on a broker: its topics, the notice's reference data with short lives, its worker.

A worker is a process of its own and dies with us (the broker package's guard); what is measured or
killed is the worker itself, never the guard.
"""

import http.client
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import streams.broker
from streams import provision
from streams.broker import EmbeddedBroker
from streams.reference import applying
from streams.reference import file as reference_file
from streams.setting_rows import PREFIX
from streams.settings import Settings, load

EXAMPLE = Path(__file__).parents[2] / "deploy/reference/notice.yaml"
# As in the demonstration: late answers and silences fit a short run.
PROMPT_LIFE_MS = 6000
GRACE_MS = 1000

PROGRAM = ("streams", "worker")
_GUARD = Path(streams.broker.__file__).with_name("guard.py")
# An open turn is finished or aborted well within this.
_STOP_S = 20.0


class Gate:
    """Topics and reference data under a prefix of their own, and where its worker keeps state."""

    def __init__(
        self, broker: EmbeddedBroker, prefix: str, folder: Path, *, partitions: int = 8
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.state = folder / "state"
        self.log = folder / "worker.log"
        self.logs: list[Path] = []
        """Of every worker there was."""
        self.metrics_port = _free_port()
        self.environment = {
            f"{PREFIX}BOOTSTRAP_SERVERS": broker.bootstrap_servers,
            f"{PREFIX}TOPIC_PREFIX": prefix,
            f"{PREFIX}GROUP": f"{prefix}gate",
            f"{PREFIX}INSTANCE": "figures",
            f"{PREFIX}DATA_DIR": str(self.state),
            f"{PREFIX}PARTITIONS": str(partitions),
            f"{PREFIX}METRICS_PORT": str(self.metrics_port),
        }
        self.settings: Settings = load(self.environment)
        provision.apply(self.settings)
        brief = reference_file.with_lives(reference_file.load(EXAMPLE), PROMPT_LIFE_MS, GRACE_MS)
        applying.apply_file(self.settings, brief, by="figures", reason="figures to show")

    def worker(self) -> "Worker":
        """A worker of this gate, not yet started; its log is appended to the gate's."""
        return self._worker(self.environment, self.log, PROGRAM)

    def another(self, name: str, program: Sequence[str] = PROGRAM, **settings: str) -> "Worker":
        """A worker beside that one: state, log and instance are its own, and more if said so.

        `settings` are environment names without their prefix.
        """
        own = {"INSTANCE": name, "DATA_DIR": str(self.folder / name), "METRICS_PORT": "0"}
        more = {PREFIX + key: value for key, value in (own | settings).items()}
        return self._worker(self.environment | more, self.folder / f"{name}.log", program)

    def _worker(self, environment: dict[str, str], log: Path, program: Sequence[str]) -> "Worker":
        if log not in self.logs:
            self.logs.append(log)
        return Worker(environment, log, program)

    def metric(self, name: str) -> float:
        """A metric without labels, as the worker shows it now; 0 while it does not answer."""
        asked = http.client.HTTPConnection("127.0.0.1", self.metrics_port, timeout=2)
        try:
            asked.request("GET", "/metrics")
            lines = asked.getresponse().read().decode().splitlines()
        except (OSError, http.client.HTTPException):
            return 0.0
        finally:
            asked.close()
        return next((float(line.split()[1]) for line in lines if line.startswith(f"{name} ")), 0.0)


class Worker:
    """`tollgate worker` while entered; left, it is killed if it still runs."""

    def __init__(
        self, environment: dict[str, str], log: Path, program: Sequence[str] = PROGRAM
    ) -> None:
        self._program = program
        self._environment = environment
        self._log = log
        self._guard: subprocess.Popen[bytes] | None = None
        self.process = 0

    def __enter__(self) -> Self:
        ours = {name: v for name, v in os.environ.items() if not name.startswith(PREFIX)}
        guard = [sys.executable, "-I", "-S", str(_GUARD)]
        with self._log.open("ab") as log:
            self._guard = subprocess.Popen(
                [*guard, sys.executable, "-m", *self._program],
                env=ours | self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                # Ctrl-C is for us, who stop the worker.
                start_new_session=True,
            )
        assert self._guard.stdout is not None
        self.process = int(self._guard.stdout.readline() or 0)
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.kill()
        assert self._guard is not None
        for pipe in (self._guard.stdin, self._guard.stdout):
            if pipe is not None:
                pipe.close()

    def kill(self) -> None:
        """SIGKILL, as the power going: nothing is finished, nothing said."""
        self._signal(signal.SIGKILL)
        assert self._guard is not None
        self._guard.wait()

    def stop(self) -> int:
        """Ask it to end; its exit code."""
        self._signal(signal.SIGTERM)
        assert self._guard is not None
        return self._guard.wait(_STOP_S)

    @property
    def has_begun(self) -> bool:
        """Whether it has said who it is: before that it is a Python that loads its modules."""
        begun = f"[{self.process}] [INFO] a worker of group"
        return begun in self._log.read_text(encoding="utf-8", errors="replace")

    @property
    def exit_code(self) -> int | None:
        """How it ended by itself, or None while it runs."""
        assert self._guard is not None
        return self._guard.poll()

    def _signal(self, number: signal.Signals) -> None:
        # Process id 0 would be everybody in our own group.
        if self.process and self.exit_code is None:
            os.kill(self.process, number)


def _free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        port: int = asked.getsockname()[1]
        return port
