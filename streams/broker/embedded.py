"""One real Kafka broker as a child process, with its own folder, on loopback.

Laws: `start` returns only when clients are served; every wait has a bound; the broker dies with the
process that started it (guard.py); the same folder and port are used again by `restart`. It does
not know who uses it.
"""

import base64
import fcntl
import os
import random
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from streams.broker import java
from streams.broker.config import LOOPBACK, server_properties, write_config
from streams.broker.errors import BrokerError
from streams.broker.jars import Tell, ensure_jars

# A fresh broker is ready in 1.3 to 5 s, in 12 s when other work takes both cores.
START_TIMEOUT_S = 90.0
# Formatting is a Java program of its own, 0.5 to 1 s when nothing else runs.
FORMAT_TIMEOUT_S = 60.0
# A clean stop takes about 0.5 s; a broker that needs longer than this is killed.
STOP_TIMEOUT_S = 20.0
# Between two looks at a broker that is starting or stopping.
LOOK_EVERY_S = 0.03
LOG_LINES_SHOWN = 25

# Below the range from which systems give ports to outgoing connections: there, a client that keeps
# asking for a stopped broker can end up connected to itself and hold the port.
PORTS = range(20_000, 32_000)
PORT_DRAWS_MAX = 100


class EmbeddedBroker:
    """A broker in `data_dir`; use it as a context manager, or start and stop it by hand."""

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int = 0,
        heap: str = "400m",
        cluster: str = "",
        properties: Mapping[str, str] | None = None,
        jvm_flags: Sequence[str] = (),
        start_timeout_s: float = START_TIMEOUT_S,
        stop_timeout_s: float = STOP_TIMEOUT_S,
        tell: Tell | None = None,
    ) -> None:
        """Port 0 draws a free one at the first start; `properties` override the broker's.

        With a `cluster` id the node is one of several, named in `controller.quorum.voters`.
        """
        self.data_dir = data_dir.absolute()
        self._port = port
        self._heap = heap
        self._cluster = cluster
        self._properties = dict(properties or {})
        self._jvm_flags = tuple(jvm_flags)
        self._start_timeout_s = start_timeout_s
        self._stop_timeout_s = stop_timeout_s
        self._tell = tell or _tell_nobody
        self._guard: subprocess.Popen[bytes] | None = None
        self._pid = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """The port for clients, 0 before the first start when none was given."""
        return self._port

    @property
    def bootstrap_servers(self) -> str:
        """The address for clients."""
        return f"{LOOPBACK}:{self._port}"

    @property
    def pid(self) -> int:
        """The process id of the running broker."""
        if not self.running:
            raise BrokerError(f"The embedded broker in {self.data_dir} is not running: start it.")
        return self._pid

    @property
    def running(self) -> bool:
        """Whether the process is there (it may be suspended)."""
        return self._guard is not None and self._guard.poll() is None

    def start(self) -> None:
        """Start the broker, formatting its folder if it is new, and wait until it serves."""
        if self.running:
            return
        self._forget()
        jars = ensure_jars(self._tell)
        self._port = self._port or draw_port()
        _refuse_taken(self._port)
        self.data_dir.mkdir(parents=True, exist_ok=True)
        lock = _lock(self.data_dir)
        try:
            properties = server_properties(self.data_dir, self._port, draw_port(), self._properties)
            write_config(self.data_dir, properties)
            if not (Path(properties["log.dirs"]) / "meta.properties").exists():
                self._format(jars)
            self._launch(jars, lock)
        finally:
            os.close(lock)  # the broker has it now
        try:
            self._wait_until_it_serves()
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """Stop the broker cleanly, or kill it when that takes too long."""
        if self._guard is None:
            return
        self._signal(signal.SIGCONT)
        self._signal(signal.SIGTERM)
        try:
            self._guard.wait(self._stop_timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
        self._forget()

    def kill(self) -> None:
        """End the process at once, as a power cut would (SIGKILL)."""
        if self._guard is None:
            return
        self._signal(signal.SIGKILL)
        self._guard.wait(self._stop_timeout_s)
        self._forget()

    def restart(self) -> None:
        """Stop cleanly if it runs, and start again on the same port and folder."""
        self.stop()
        self.start()

    def suspend(self) -> None:
        """Hold the process still: connections stay open, nothing is answered."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a suspended process go on."""
        self._signal(signal.SIGCONT)

    def wait(self) -> int:
        """Wait for the broker to end by itself, and give its exit status."""
        return self._guard.wait() if self._guard else 0

    def _signal(self, number: signal.Signals) -> None:
        # Process id 0 would be everybody in our own group.
        if self.running and self._pid:
            os.kill(self._pid, number)

    def _forget(self) -> None:
        """Close the pipes to the guard, which has ended, or ends with them."""
        if self._guard is not None:
            for pipe in (self._guard.stdin, self._guard.stdout):
                if pipe is not None:
                    pipe.close()
        self._guard, self._pid = None, 0

    def _flags(self) -> list[str]:
        log4j2 = self.data_dir / "log4j2.properties"
        flags = [f"-Xmx{self._heap}", f"-Dlog4j2.configurationFile={log4j2}"]
        archive = java.archive()
        if archive.is_file():
            flags.append(f"-XX:AOTCache={archive}")
        return [*flags, *self._jvm_flags]

    def _format(self, jars: Sequence[Path]) -> None:
        """Give a new folder its cluster id."""
        tool = ["format", "--cluster-id", self._cluster or cluster_id()]
        if not self._cluster:
            tool.append("--standalone")
        tool += ["--config", str(self.data_dir / "server.properties")]
        command = java.command(jars, "kafka.tools.StorageTool", tool, self._flags())
        try:
            done = subprocess.run(
                command,
                env=java.environment(),
                capture_output=True,
                text=True,
                timeout=FORMAT_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise BrokerError(
                f"Formatting the broker's folder {self.data_dir} took longer than "
                f"{FORMAT_TIMEOUT_S:.0f} s: remove that folder and try again on a calmer machine."
            ) from None
        if done.returncode:
            raise BrokerError(
                f"The broker's folder {self.data_dir} could not be formatted; Kafka says:\n"
                f"{_tail(done.stdout + done.stderr)}"
            )

    def _launch(self, jars: Sequence[Path], lock: int) -> None:
        server = [str(self.data_dir / "server.properties")]
        guard = [sys.executable, "-I", "-S", str(Path(__file__).with_name("guard.py"))]
        command = java.command(jars, "kafka.Kafka", server, self._flags())
        with (self.data_dir / "console.log").open("wb") as console:
            self._guard = subprocess.Popen(
                [*guard, *command],
                env=java.environment(),
                cwd=self.data_dir,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=console,
                pass_fds=(lock,),
                # Ctrl-C is for the starter, which stops the broker when its own work is done.
                start_new_session=True,
            )
        assert self._guard.stdout is not None
        self._pid = int(self._guard.stdout.readline() or 0)

    def _wait_until_it_serves(self) -> None:
        deadline = time.monotonic() + self._start_timeout_s
        while not _port_answers(self._port):
            self._look_again(deadline)
        admin = AdminClient({"bootstrap.servers": self.bootstrap_servers, "log_level": 0})
        while not _has_brokers(admin):
            self._look_again(deadline)

    def _look_again(self, deadline: float) -> None:
        """Pause for a moment, unless there is nothing to wait for any more."""
        if not self.running:
            raise BrokerError(f"The embedded broker ended while starting; {self._last_words()}")
        if time.monotonic() > deadline:
            raise BrokerError(
                f"The embedded broker did not serve within {self._start_timeout_s:.0f} s; "
                f"{self._last_words()}"
            )
        time.sleep(LOOK_EVERY_S)

    def _last_words(self) -> str:
        logs = (self.data_dir / name for name in ("console.log", "broker.log"))
        text = "".join(log.read_text("utf-8", "replace") for log in logs if log.is_file())
        return f"the end of its log in {self.data_dir}:\n{_tail(text)}"


def _lock(folder: Path) -> int:
    """A handle that keeps others out as long as any process has it.

    Kafka looks at its own lock only when it has recovered the log of its metadata: a second broker
    on the folder cuts off what the first has just written, which ends the first.
    """
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise BrokerError(
            f"The folder {folder} is in use by another broker: stop that one, or give this one a "
            "folder of its own."
        ) from None
    return lock


def _tell_nobody(_: str) -> None:
    """The listener of those who do not want to hear what is being done."""


def cluster_id() -> str:
    """A new one, as Kafka writes uuids; its option parser takes a leading '-' for a flag."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text


def draw_port() -> int:
    """A port that nobody listens on, drawn so that two starters seldom draw the same."""
    for port in random.SystemRandom().sample(PORTS, PORT_DRAWS_MAX):
        if not _taken(port):
            return port
    raise BrokerError(
        f"None of {PORT_DRAWS_MAX} ports drawn between {PORTS.start} and {PORTS.stop - 1} is free: "
        f"name a free one, or end what listens there."
    )


def _taken(port: int) -> bool:
    with socket.socket() as probe:
        # As the broker does it: connections that are closing do not keep a port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return True
    return False


def _refuse_taken(port: int) -> None:
    if _taken(port):
        raise BrokerError(
            f"Port {port} on {LOOPBACK} is taken by another program: choose another port, or end "
            f"that program."
        )


def _port_answers(port: int) -> bool:
    try:
        socket.create_connection((LOOPBACK, port), timeout=1).close()
    except OSError:
        return False
    return True


def _has_brokers(admin: AdminClient) -> bool:
    try:
        return bool(admin.list_topics(timeout=1).brokers)
    except KafkaException:
        return False


def _tail(text: str) -> str:
    return "\n".join(text.splitlines()[-LOG_LINES_SHOWN:])
