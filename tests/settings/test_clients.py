"""Client configuration: the same security for all, and what readers and writers must have."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient

from streams import clients
from streams.settings import Settings

SECURED = Settings(
    security_protocol="SASL_SSL",
    security_sasl_mechanism="PLAIN",
    security_sasl_username="gate",
    security_sasl_password="secret",
    security_ssl_ca_location="ca.pem",
)

every_client = pytest.mark.parametrize(
    "configure",
    [
        clients.admin,
        lambda settings: clients.producer(settings, "test"),
        lambda settings: clients.reader(settings, "test"),
    ],
    ids=["admin", "producer", "reader"],
)


@every_client
def test_security_reaches_every_client(configure: Callable[[Settings], Mapping[str, Any]]) -> None:
    """TLS and SASL settings are in the configuration of every kind of client."""
    configuration = configure(SECURED)
    assert configuration["security.protocol"] == "SASL_SSL"
    assert configuration["sasl.mechanism"] == "PLAIN"
    assert configuration["sasl.username"] == "gate"
    assert configuration["sasl.password"] == "secret"
    assert configuration["ssl.ca.location"] == "ca.pem"


@every_client
def test_a_plain_client_says_nothing_of_tls(
    configure: Callable[[Settings], Mapping[str, Any]],
) -> None:
    """Without security settings no client is given any, so librdkafka has nothing to warn of."""
    names = [name for name in configure(Settings()) if name.startswith(("sasl.", "ssl."))]
    assert names == []


def test_librdkafka_takes_every_configuration() -> None:
    """Every configuration is made of names and values that librdkafka knows."""
    AdminClient(clients.admin(Settings()))
    Producer(clients.producer(Settings(), "test"))
    Consumer(clients.reader(Settings(), "test")).close()


def test_writers_agree_on_partitions_and_lose_nothing() -> None:
    """A writer uses Java's partitioner, is acknowledged by all, and never repeats a record."""
    configuration = clients.producer(Settings(), "test")
    assert configuration["partitioner"] == "murmur2_random"
    assert configuration["acks"] == "all"
    assert configuration["enable.idempotence"] is True


def test_readers_see_only_what_was_committed() -> None:
    """A reader sees committed records only, and commits no position to any group."""
    configuration = clients.reader(Settings(), "test")
    assert configuration["isolation.level"] == "read_committed"
    assert configuration["enable.auto.commit"] is False
