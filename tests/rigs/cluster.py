"""Three brokers with small heaps on loopback, every topic on all three, two needed to acknowledge.

Each node is broker and controller and an `EmbeddedBroker` of its own folder, so each is killed,
held still and started again by its process id. Who leads a partition or coordinates a group or a
transactional id is asked of the brokers each time, for it moves.
"""

import socket
import struct
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Self

from confluent_kafka.admin import AdminClient

from streams.broker import EmbeddedBroker
from streams.broker.config import LOOPBACK
from streams.broker.embedded import cluster_id, draw_port
from tests.rigs.wire import Api

NODES = (1, 2, 3)
_HEAP = "320m"
_ASK_S = 5.0
_PATIENCE_S = 60.0
# Kinds of coordinator, as FindCoordinator numbers them.
_GROUP, _TRANSACTION = 0, 1


class Cluster:
    """Started when entered; a node that was killed stays down until `start` names it."""

    def __init__(self, folder: Path) -> None:
        clients = {node: draw_port() for node in NODES}
        controllers = {node: draw_port() for node in NODES}
        voters = ",".join(f"{node}@{LOOPBACK}:{port}" for node, port in controllers.items())
        one_cluster = cluster_id()
        self.nodes = {
            node: EmbeddedBroker(
                folder / f"node-{node}",
                port=clients[node],
                heap=_HEAP,
                cluster=one_cluster,
                properties=_properties(node, clients[node], controllers[node], voters),
            )
            for node in NODES
        }

    def __enter__(self) -> Self:
        try:
            self.start(NODES)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End every node at once: nothing of it is needed any more."""
        for broker in self.nodes.values():
            broker.kill()

    @property
    def bootstrap_servers(self) -> str:
        """All three: a client finds the others when one is down."""
        return ",".join(broker.bootstrap_servers for broker in self.nodes.values())

    def start(self, nodes: Iterable[int]) -> None:
        """Start these nodes together; none of the first two serves without the other."""
        with ThreadPoolExecutor(len(NODES)) as together:
            for done in [together.submit(self.nodes[node].start) for node in nodes]:
                done.result()
        running = sum(broker.running for broker in self.nodes.values())
        _until(lambda: len(self._admin().list_topics(timeout=_ASK_S).brokers) == running)

    def in_sync(self, topics: Iterable[str]) -> bool:
        """Whether every partition of these topics has all three copies in step."""
        found = self._admin().list_topics(timeout=_ASK_S).topics
        return all(
            len(partition.isrs) == len(NODES)
            for topic in topics
            for partition in found[topic].partitions.values()
        )

    def leader(self, topic: str, partition: int) -> int:
        """The node that leads a partition now."""
        return int(
            self._admin().list_topics(topic, _ASK_S).topics[topic].partitions[partition].leader
        )

    def group_coordinator(self, group: str) -> int:
        """The node that coordinates a consumer group now."""
        return self._coordinator(group, _GROUP)

    def transaction_coordinator(self, transactional_id: str) -> int:
        """The node that coordinates a transactional id now."""
        return self._coordinator(transactional_id, _TRANSACTION)

    def _admin(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self.bootstrap_servers, "log_level": 0})

    def _coordinator(self, name: str, kind: int) -> int:
        """Ask until one knows: while a coordinator moves, nobody does."""
        found: list[int] = []

        def ask() -> bool:
            for broker in self.nodes.values():
                with suppress(OSError):
                    error, node = _find_coordinator(broker.port, name, kind)
                    if not error:
                        found.append(node)
                        return True
            return False

        _until(ask)
        return found[0]


def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + _PATIENCE_S
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"the cluster is not as it should be after {_PATIENCE_S:.0f} s")
        time.sleep(0.1)


def _properties(node: int, client: int, controller: int, voters: str) -> dict[str, str]:
    return {
        "node.id": str(node),
        "controller.quorum.voters": voters,
        "controller.quorum.bootstrap.servers": "",
        "listeners": f"PLAINTEXT://{LOOPBACK}:{client},CONTROLLER://{LOOPBACK}:{controller}",
        "default.replication.factor": "3",
        "min.insync.replicas": "2",
        "offsets.topic.replication.factor": "3",
        "transaction.state.log.replication.factor": "3",
        "transaction.state.log.min.isr": "2",
        "share.coordinator.state.topic.replication.factor": "3",
        "share.coordinator.state.topic.min.isr": "2",
        # A node that is gone is noticed soon: a row waits for it.
        "replica.lag.time.max.ms": "5000",
    }


def _find_coordinator(port: int, name: str, kind: int) -> tuple[int, int]:
    """(error code, node): FindCoordinator, version 1, by hand; no client here asks it alone."""
    key = name.encode()
    body = struct.pack(">h", len(key)) + key + struct.pack(">b", kind)
    client = b"cluster"
    head = struct.pack(">hhih", Api.FIND_COORDINATOR, 1, 1, len(client)) + client
    with socket.create_connection((LOOPBACK, port), _ASK_S) as asked:
        asked.sendall(struct.pack(">I", len(head + body)) + head + body)
        stream = asked.makefile("rb")
        (length,) = struct.unpack(">I", stream.read(4))
        answer = stream.read(length)
    # Correlation id and throttle time, then error, message (nullable), node, host, port.
    error, message = struct.unpack_from(">hh", answer, 8)
    (node,) = struct.unpack_from(">i", answer, 12 + max(0, message))
    return int(error), int(node)
