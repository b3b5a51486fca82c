"""Faust as the face and the shell: App, agents, tables, worker and its command line.

Faust hears of one virtual partition, once in its life; real rebalances are the engine's alone.
One carrier message a turn reaches the agent, whose value is the turn:

    @app.agent(app.inputs)
    async def job(turns):
        async for turn in turns:
            async with turn:                    # one transaction; an exception ends the process
                for partition in turn:
                    for source, item, at in partition.events():
                        ...

Law: Faust's own producer, tables' changelogs and recovery are never used; a carrier acknowledged
without a transaction ends the process.
"""

import asyncio
import logging
import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn, TypeAlias, cast

import faust

from streams.engine.agent import partition_at_hand
from streams.engine.config import Config
from streams.engine.disk import LocalDisk
from streams.engine.engine import Engine, Ports
from streams.engine.kafka import KafkaClients
from streams.engine.ports import Exit
from streams.engine.process import RealClock, Threads, end_process
from streams.engine.rows import Rows
from streams.engine.shell import (
    Boot,
    Carrier,
    TableManager,
    Topics,
    Transport,
    TurnConsumer,
    faust_log,
)
from streams.engine.spec import TableSpec

OpenPorts: TypeAlias = Callable[[Config, Exit], Ports]
"""Reaches the world for one worker, on the engine's own thread; Fatal when it cannot."""


def real_ports(job: Config, end: Exit) -> Ports:
    """Kafka, local disk, this machine's clock and threads."""
    limits = job.limits
    # The folder first: a second worker on it must not get as far as the broker.
    disk = LocalDisk(job.data_dir, limits.block_cache_bytes, limits.write_buffer_bytes)
    return Ports(KafkaClients(job), disk, RealClock(), Threads(8), end)


class Table(faust.Table[Any, Any]):
    """A table's rows of the partition that the agent is at; outside a turn there are none.

    A hot agent takes `rows()` once a partition: the dict face costs 4 to 5 µs an event.
    """

    app: "App"
    logger = faust_log

    def _new_changelog_topic(self, **kwargs: Any) -> Any:
        # One changelog for all tables, made from the catalogue, written by the engine alone.
        return self.app.topic(self.app.job.changelog, acks=False, internal=False)

    def rows(self) -> Rows[Any]:
        """The rows of the partition at hand; RuntimeError outside a turn."""
        partition = partition_at_hand()
        if partition is None:
            raise RuntimeError(f"table {self.name}: rows exist only inside a turn's partition")
        return partition.rows(self.name)

    def __getitem__(self, key: Any) -> Any:
        row = self.rows().get(key)
        if row is None:
            raise KeyError(key)
        return row

    def get(self, key: Any, default: Any = None) -> Any:
        """The row, or `default`."""
        row = self.rows().get(key)
        return default if row is None else row

    def __contains__(self, key: Any) -> bool:
        return self.rows().get(key) is not None

    def __setitem__(self, key: Any, row: Any) -> None:
        self.rows().put(key, row)

    def __delitem__(self, key: Any) -> None:
        self.rows().delete(key)


class App(faust.App):
    """A job on the engine: `inputs` for its one agent, `keyed_rows` for its tables."""

    BootStrategy = Boot
    logger = faust_log

    def __init__(
        self,
        job: Config,
        end: Exit | None = None,
        open_ports: OpenPorts = real_ports,
        **faust_settings: Any,
    ) -> None:
        self.job = job
        self.specs: list[TableSpec[Any]] = []
        self.end_process: Exit = end or end_process
        self.open_ports = open_ports
        servers = str(job.client["bootstrap.servers"]).split(",")
        settings: dict[str, Any] = {
            "broker": [f"kafka://{server.strip()}" for server in servers],
            "store": "memory://",
            "Table": Table,
            "Topic": Topics,
            "TableManager": TableManager,
            "Schema": Carrier,
            "topic_disable_leader": True,
            "topic_allow_declare": False,
            "stream_recovery_delay": 0.0,
            "stream_wait_empty": True,
            "web_enabled": False,
            "web_tables_enabled": False,
            "web_router_enabled": False,
            "worker_redirect_stdouts": False,
            **faust_settings,
        }
        super().__init__(job.group, **settings)
        self.transport = Transport(self.conf.broker_consumer, self)
        self.inputs = self.topic(*job.inputs)

    def keyed_rows(self, spec: TableSpec[Any], meaning: str) -> Table:
        """Declare a table; its rows live in the engine's store."""
        if any(spec.prefix == other.prefix for other in self.specs):
            raise ValueError(f"table {spec.name}: prefix {spec.prefix!r} is taken")
        self.specs.append(spec)
        return cast(Table, self.Table(spec.name, help=meaning, partitions=1))

    def _create_directories(self) -> None:
        """The engine has a folder, made with its lock; Faust needs none."""

    @property
    def engine(self) -> Engine | None:
        """The running engine, once it is up."""
        consumer = self._consumer
        return consumer.engine if isinstance(consumer, TurnConsumer) else None


class Worker(faust.Worker):
    """Faust's worker, whose end waits for nothing that nobody wants any more."""

    async def _sentinel_task(self) -> None:
        """Without mode's second of sleep before the loop closes."""
        await asyncio.sleep(0)

    def execute_from_commandline(self) -> NoReturn:
        """Run until told to stop, then be gone.

        A thread in the background may still wait for an answer of the broker, up to a minute; the
        interpreter would wait for it. All that had to be closed is closed by now.
        """
        try:
            super().execute_from_commandline()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        logging.shutdown()
        sys.stdout.flush()
        os._exit(code)
