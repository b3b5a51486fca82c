"""Questions to the broker, on clients that outlive the broker's restarts."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from streams.broker import EmbeddedBroker
from streams.engine.config import Config
from streams.engine.errors import Cause, Fatal
from streams.engine.kafka import KafkaClients
from streams.engine.ports import LookUps

TOPIC = "asked"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[EmbeddedBroker]:
    """A broker of one's own, with a topic of one record."""
    with EmbeddedBroker(tmp_path / "kafka") as made:
        servers: dict[str, str | int | float | bool] = {
            "bootstrap.servers": made.bootstrap_servers,
            "log_level": 0,
        }
        admin = AdminClient(servers)
        admin.create_topics([NewTopic(TOPIC, 1, 1)])[TOPIC].result()
        producer = Producer(servers)
        producer.produce(TOPIC, b"1")
        assert producer.flush(30) == 0
        yield made


def look_ups(broker: EmbeddedBroker, folder: Path) -> LookUps:
    client = {"bootstrap.servers": broker.bootstrap_servers, "log_level": 0}
    return KafkaClients(Config("asker", (TOPIC,), TOPIC, folder, client)).look_ups()


def test_bounds_are_told_after_a_restart(broker: EmbeddedBroker, tmp_path: Path) -> None:
    """The leader's epoch that the clients knew is an old one then, which is no absent broker."""
    asker = look_ups(broker, tmp_path)
    assert asker.bounds([(TOPIC, 0)]) == [(0, 1)]
    for _ in range(2):
        broker.kill()
        broker.start()
        assert asker.bounds([(TOPIC, 0)]) == [(0, 1)]
    asker.close()


def test_nobody_waits_for_the_answers_of_a_handle_that_was_replaced(
    broker: EmbeddedBroker, tmp_path: Path
) -> None:
    """Another thread takes a new handle for everybody while answers are on their way to the old."""
    asker: Any = look_ups(broker, tmp_path)
    asker.bounds([(TOPIC, 0)])
    with ThreadPoolExecutor(8) as together:
        broker.suspend()
        asking = [together.submit(asker.bounds, [(TOPIC, 0)]) for _ in range(8)]
        time.sleep(1.0)  # all have asked
        asker._admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers, "log_level": 0})
        broker.resume()
        assert [one.result(60) for one in asking] == [[(0, 1)]] * 8
    asker.close()


def test_a_broker_that_stays_away_is_told(
    broker: EmbeddedBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for ever: the cause is that the broker does not answer."""
    monkeypatch.setattr("streams.engine.kafka._LEADER_WITHIN_S", 1.0)
    asker = look_ups(broker, tmp_path)
    broker.kill()
    with pytest.raises(Fatal) as told:
        asker.bounds([(TOPIC, 0)])
    assert told.value.cause is Cause.BROKER_AWAY
    asker.close()
