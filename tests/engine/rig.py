"""Topics, load and workers of the small job on the shared broker."""

import itertools
import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, NewTopic

from tests.engine.check import Check, Checked, Record, quiet, read
from tests.figures.eyes import Eyes

PARTITIONS = 4
# A busy machine with two cores: far above what any step takes alone.
PATIENCE_S = 90.0


class Served(Protocol):
    """A broker, or several."""

    @property
    def bootstrap_servers(self) -> str: ...


class Rig:
    """One prefix with its topics; workers are processes that are stopped by their id."""

    def __init__(
        self,
        broker: Served,
        prefix: str,
        folder: Path,
        *,
        bootstrap: str = "",
        replicas: int = 1,
        changelog: Mapping[str, str] | None = None,
    ) -> None:
        """With a `bootstrap` workers go another way than load and checker: through a proxy.

        `changelog` is what differs of that topic's configuration.
        """
        self.bootstrap = broker.bootstrap_servers
        self.workers_bootstrap = bootstrap or self.bootstrap
        self.prefix = prefix
        self.folder = folder
        self.sent = 0
        self._workers: dict[str, subprocess.Popen[bytes]] = {}
        self._started_at: dict[str, int] = {}
        self._make_topics(replicas, {"cleanup.policy": "compact", **(changelog or {})})

    def _make_topics(self, replicas: int, changelog: dict[str, str]) -> None:
        stamped = {"message.timestamp.type": "LogAppendTime"}
        wanted = [
            *(
                NewTopic(self.prefix + name, PARTITIONS, replicas, config=stamped)
                for name in ("adds", "takes", "ticks")
            ),
            *(NewTopic(self.prefix + name, PARTITIONS, replicas) for name in ("out", "taken")),
            NewTopic(self.prefix + "changelog", PARTITIONS, replicas, config=changelog),
        ]
        admin = AdminClient(quiet(self.bootstrap))
        for future in admin.create_topics(wanted).values():
            future.result()

    # -- load ------------------------------------------------------------------------------------

    def send(self, count: int, rate: float = 0.0, seed: int = 7) -> None:
        """Adds and takes on a few hundred keys; `rate` a second, 0 as fast as it goes."""
        self._send(iter(range(count)), rate, seed)

    def _send(self, places: Iterator[int], rate: float, seed: int) -> None:
        producer = Producer(
            {
                **quiet(self.bootstrap),
                # What is sent is counted: a broker that goes away must lose and double nothing.
                "enable.idempotence": True,
                # On a partition just made, a first batch that came too early and is sent again
                # behind the second counts as a duplicate, and is lost: a broker that has not heard
                # of a producer takes any sequence number from it.
                "max.in.flight": 1,
                "partitioner": "murmur2_random",
                "linger.ms": 5,
                "queue.buffering.max.messages": 1_000_000,
            }
        )
        draws = random.Random(seed)
        began = time.monotonic()
        count, refused = 0, 0

        def reported(error: KafkaError | None, _: Message) -> None:
            nonlocal refused
            refused += error is not None

        for place in places:
            count += 1
            topic = "adds" if draws.random() < 0.6 else "takes"
            key = b"key-%d" % draws.randrange(300)
            producer.produce(self.prefix + topic, b"%d" % place, key, on_delivery=reported)
            if rate and place % 20 == 0:
                producer.poll(0)
                time.sleep(max(0.0, began + place / rate - time.monotonic()))
        assert producer.flush(30) == 0
        # A broker that dies of a full disk may refuse one: it is in no log.
        self.sent += count - refused

    @contextmanager
    def sending(self, count: int, rate: float) -> Iterator[None]:
        """Load in the background while the block runs; it ends when all is sent."""
        thread = threading.Thread(target=self.send, args=(count, rate))
        thread.start()
        try:
            yield
        finally:
            thread.join()

    @contextmanager
    def flowing(self, rate: float, seed: int = 7) -> Iterator[None]:
        """Load at this rate for as long as the block runs."""
        over = threading.Event()
        places = itertools.takewhile(lambda _: not over.is_set(), itertools.count())
        thread = threading.Thread(target=self._send, args=(places, rate, seed))
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def decisions_seen(self) -> Eyes:
        """When decisions of the job are committed, from now on."""
        settings = quiet(self.bootstrap)
        return Eyes(settings, self.prefix + "taken", PARTITIONS)

    # -- workers ---------------------------------------------------------------------------------

    def start(
        self,
        name: str,
        *,
        static: bool = False,
        instance: str = "",
        program: str = "tests.engine.worker",
        **options: str,
    ) -> subprocess.Popen[bytes]:
        """Start a worker on its own folder; a static member under its name, or another.

        Whatever else the program understands goes into `options`.
        """
        options = {
            "prefix": self.prefix,
            "bootstrap": self.workers_bootstrap,
            "data_dir": str(self.folder / name),
            "instance": (instance or name) if static else "",
            **options,
        }
        log = (self.folder / f"{name}.log").open("ab")
        self._started_at[name] = log.tell()
        with log:
            worker = subprocess.Popen(
                [sys.executable, "-m", program, json.dumps(options)],
                stdout=log,
                stderr=log,
            )
        self._workers[name] = worker
        return worker

    def forget(self, name: str) -> None:
        """A worker that has ended by itself, as it should."""
        del self._workers[name]

    @property
    def names(self) -> list[str]:
        """Every worker that has been started at least once."""
        return list(self._started_at)

    def is_running(self, name: str) -> bool:
        """Whether it was started and neither stopped nor forgotten."""
        return name in self._workers

    def kill(self, name: str) -> None:
        """SIGKILL, at once."""
        worker = self._workers.pop(name)
        worker.send_signal(signal.SIGKILL)
        worker.wait()

    def stop(self, name: str) -> int:
        """SIGTERM and wait; the exit code. A worker still starting is first let come up."""
        start = self._started_at[name]
        self.wait(lambda: "Ready" in self.log(name)[start:], f"{name} has come up")
        worker = self._workers.pop(name)
        worker.terminate()
        return worker.wait(PATIENCE_S)

    def log(self, name: str) -> str:
        """What a worker has said so far."""
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def close(self) -> None:
        """Leave no process behind."""
        for name in list(self._workers):
            self.kill(name)

    # -- waiting ---------------------------------------------------------------------------------

    def wait(self, condition: Callable[[], bool], what: str, mortal: str = "") -> None:
        """Until the condition holds; no worker may end by itself meanwhile but the mortal one."""
        end = time.monotonic() + PATIENCE_S
        while not condition():
            for name, worker in self._workers.items():
                if worker.poll() is not None and name != mortal:
                    message = (
                        f"worker {name} ended with {worker.returncode}: {self.log(name)[-3000:]}"
                    )
                    raise AssertionError(message)
            assert time.monotonic() < end, f"not within {PATIENCE_S:.0f} s: {what}"
            time.sleep(0.05)

    def wait_until_taken(self) -> None:
        """Until the group has taken everything that was sent."""
        asker = Consumer({**quiet(self.bootstrap), "group.id": self.prefix + "group"})
        try:
            self.wait(lambda: self._taken(asker) >= self.sent, f"{self.sent} records taken")
        finally:
            asker.close()

    def taken(self) -> int:
        """Records of the two keyed inputs that the group has taken."""
        asker = Consumer({**quiet(self.bootstrap), "group.id": self.prefix + "group"})
        try:
            return self._taken(asker)
        finally:
            asker.close()

    def _taken(self, asker: Consumer) -> int:
        asked = [
            TopicPartition(self.prefix + name, number)
            for name in ("adds", "takes")
            for number in range(PARTITIONS)
        ]
        try:
            return sum(max(0, one.offset) for one in asker.committed(asked, 30))
        except KafkaException:  # the coordinator moves, or a transaction is open: not yet
            return -1

    def all_counted_out(self) -> bool:
        """Whether every key that was added has been counted out at least once."""
        added = {key for _, key, _, _ in self._records("adds")}
        out = {key for _, key, value, _ in self._records("out") if value.startswith(b"out")}
        return out == added

    def _records(self, name: str) -> list[Record]:
        found = read(self.bootstrap, self.prefix + name)
        return [record for records in found.values() for record in records]

    def check(self) -> Checked:
        """Replay the order taken and compare; no worker may be running."""
        assert not self._workers, "stop the workers first"
        return Check(self.bootstrap, self.prefix).run()
