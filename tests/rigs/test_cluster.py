"""Three brokers are one cluster: what a node led goes on elsewhere when it is killed."""

import time
from collections.abc import Callable
from pathlib import Path

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from tests.rigs.cluster import NODES, Cluster


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_a_killed_node_is_replaced_and_comes_back(tmp_path: Path) -> None:
    """Leader and coordinators are told truly, move off a dead node, and copies catch up."""
    with Cluster(tmp_path) as cluster:
        admin = AdminClient({"bootstrap.servers": cluster.bootstrap_servers})
        admin.create_topics([NewTopic("t", 3, 3)])["t"].result()
        assert {cluster.leader("t", number) for number in range(3)} == set(NODES)
        assert cluster.group_coordinator("g") in NODES
        lost = cluster.transaction_coordinator("x")
        cluster.nodes[lost].kill()
        until(lambda: cluster.transaction_coordinator("x") != lost)
        until(lambda: all(cluster.leader("t", number) != lost for number in range(3)))
        producer = Producer({"bootstrap.servers": cluster.bootstrap_servers, "acks": "all"})
        producer.produce("t", b"1")
        assert producer.flush(30) == 0
        assert not cluster.in_sync(["t"])
        cluster.start([lost])
        until(lambda: cluster.in_sync(["t"]))
