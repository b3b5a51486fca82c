"""Settings become the configuration of Kafka clients (librdkafka's names): one place for all.

Laws: every client speaks with the same security; every reader of an output sees only what was
committed; every writer by key uses the partitioner all other clients agree on. The engine builds
its own clients on `common`. This file must not know Faust, nor make a client.
"""

from typing import Any

from streams.settings import Settings
from streams.topics import OUTPUT_BYTES_MAX

Configuration = dict[str, Any]

# Quiet moments are normal for most clients: without this an idle connection is logged as an error
# each time the broker closes it.
_QUIET = {"log.connection.close": False}


def common(settings: Settings, role: str) -> Configuration:
    """What every client needs; `role` tells them apart in the broker's log and metrics."""
    configuration: Configuration = {
        "bootstrap.servers": settings.bootstrap_servers,
        "client.id": f"tollgate-{role}",
        **_QUIET,
    }
    return configuration | _security(settings)


def admin(settings: Settings) -> Configuration:
    """For topics and their configuration."""
    return common(settings, "admin")


def producer(settings: Settings, role: str) -> Configuration:
    """For writers outside the gate's transactions: acknowledged by all, no repeats, in order."""
    return common(settings, role) | {
        "enable.idempotence": True,
        "acks": "all",
        # Java's partitioner; librdkafka's own default disagrees with it on most keys.
        "partitioner": "murmur2_random",
        "linger.ms": settings.linger.total_seconds() * 1000,
        # The topics' own limits decide what is too large, not the client's.
        "message.max.bytes": OUTPUT_BYTES_MAX,
    }


def reader(settings: Settings, role: str) -> Configuration:
    """For readers that assign their partitions themselves: committed records only, no group.

    librdkafka wants a group's name all the same; nothing is joined and nothing is committed to it.
    """
    return common(settings, role) | {
        "group.id": f"{settings.group}-{role}",
        "isolation.level": "read_committed",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "earliest",
        # The default of one second delays a reader that has fallen behind its own queue.
        "fetch.queue.backoff.ms": 20,
    }


def asker(settings: Settings, group: str) -> Configuration:
    """For a consumer that never subscribes and only asks for a group's committed offsets.

    Not the AdminClient: its list_consumer_group_offsets has ended the whole process (librdkafka
    2.16.0, while the group's coordinator moves).
    """
    return common(settings, "asker") | {
        "group.id": group,
        "enable.auto.commit": False,
        # What is committed now, without waiting for a transaction that is open.
        "isolation.level": "read_uncommitted",
    }


def _security(settings: Settings) -> Configuration:
    """TLS and SASL, only what is set: librdkafka warns about the rest."""
    protocol = settings.security_protocol
    configuration: Configuration = {"security.protocol": protocol}
    if protocol.startswith("SASL"):
        configuration["sasl.mechanism"] = settings.security_sasl_mechanism
        configuration["sasl.username"] = settings.security_sasl_username
        configuration["sasl.password"] = settings.security_sasl_password
    if protocol.endswith("SSL"):
        configuration |= {
            name: value
            for name, value in (
                ("ssl.ca.location", settings.security_ssl_ca_location),
                ("ssl.certificate.location", settings.security_ssl_certificate_location),
                ("ssl.key.location", settings.security_ssl_key_location),
                ("ssl.key.password", settings.security_ssl_key_password),
            )
            if value
        }
    return configuration
