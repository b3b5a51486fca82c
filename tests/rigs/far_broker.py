"""An embedded broker with two listeners: one for the tests, and one that is reached by a proxy."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from streams.broker import EmbeddedBroker
from streams.broker.config import LOOPBACK
from streams.broker.embedded import draw_port
from tests.rigs.proxy import Proxy


@contextmanager
def behind_proxy(
    folder: Path, properties: Mapping[str, str] | None = None
) -> Iterator[tuple[EmbeddedBroker, Proxy]]:
    """(the broker, the proxy in front of it): who starts at the proxy's port stays with it.

    The broker's own address leads past the proxy: for loads, checkers, and the broker itself.
    """
    near, far, controller = draw_port(), draw_port(), draw_port()
    proxy = Proxy(far)
    listeners = {
        "listeners": f"PLAINTEXT://{LOOPBACK}:{near},FAR://{LOOPBACK}:{far},"
        f"CONTROLLER://{LOOPBACK}:{controller}",
        "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{near},FAR://{LOOPBACK}:{proxy.port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,FAR:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "PLAINTEXT",
        "controller.quorum.bootstrap.servers": f"{LOOPBACK}:{controller}",
    }
    try:
        with EmbeddedBroker(
            folder, port=near, properties=listeners | dict(properties or {})
        ) as broker:
            yield broker, proxy
    finally:
        proxy.close()
