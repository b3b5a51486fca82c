"""A transaction ends where a partition has no leader for a moment: its marker comes later.

Kafka 4.3.0 and 4.3.1 leave the marker out (KAFKA-20734), and no committed reader ever gets past it.
"""

import time
from pathlib import Path

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from tests.broker.waiting import PATIENCE_S
from tests.rigs.cluster import NODES, Cluster

NOBODY = -1


def test_a_commit_reaches_a_partition_that_had_no_leader(tmp_path: Path) -> None:
    """The only copy's broker is killed before the commit and comes back after it."""
    with Cluster(tmp_path) as cluster:
        admin = AdminClient({"bootstrap.servers": cluster.bootstrap_servers})
        home = next(node for node in NODES if node != cluster.transaction_coordinator("x"))
        copies = {"min.insync.replicas": "1"}
        single = NewTopic("single", 1, replica_assignment=[[home]], config=copies)
        admin.create_topics([single])["single"].result(PATIENCE_S)
        producer = Producer(
            {"bootstrap.servers": cluster.bootstrap_servers, "transactional.id": "x"}
        )
        producer.init_transactions(PATIENCE_S)
        producer.begin_transaction()
        producer.produce("single", b"1")
        assert producer.flush(PATIENCE_S) == 0
        cluster.nodes[home].kill()
        end = time.monotonic() + PATIENCE_S
        while cluster.leader("single", 0) != NOBODY:
            assert time.monotonic() < end
            time.sleep(0.1)
        producer.commit_transaction(PATIENCE_S)
        cluster.start([home])
        assert committed(cluster) == b"1"


def committed(cluster: Cluster) -> bytes | None:
    """The first committed value, or None when there is none for long."""
    reader = Consumer({"bootstrap.servers": cluster.bootstrap_servers, "group.id": "reader"})
    try:
        reader.assign([TopicPartition("single", 0, 0)])
        message = reader.poll(PATIENCE_S)
        return message.value() if message is not None and message.error() is None else None
    finally:
        reader.close()
