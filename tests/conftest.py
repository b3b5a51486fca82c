"""What every part's tests may use: one real broker for the whole run, and names of one's own."""

import gc
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.broker import EmbeddedBroker
from tests.rigs.far_broker import behind_proxy
from tests.rigs.proxy import Proxy

_AT_HAND = Path(__file__).parents[1] / "build/test-at-hand"


def pytest_runtest_logstart(nodeid: str) -> None:
    """Leave the name of the test at hand for whoever asks where a run was ended (.ci/run)."""
    _AT_HAND.parent.mkdir(exist_ok=True)
    _AT_HAND.write_text(nodeid + "\n")


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedBroker]:
    """The one broker of the test run, started when the first test asks for it.

    It is shared: take topic, group and transaction names from `prefix`, and do not stop it.
    """
    with EmbeddedBroker(tmp_path_factory.mktemp("kafka")) as broker:
        yield broker
        # Clients that nobody holds any more would go on asking for the broker, aloud, behind
        # pytest's closing line.
        gc.collect()


@pytest.fixture(scope="session")
def far_kafka(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[EmbeddedBroker, Proxy]]:
    """A broker behind a proxy that does harm, for tests that need one; it compacts quickly.

    It is shared like the other: lift what was planned when the test is over.
    """
    often = {"log.cleaner.backoff.ms": "200"}
    with behind_proxy(tmp_path_factory.mktemp("far-kafka"), often) as (broker, proxy):
        yield broker, proxy
        gc.collect()  # for the same reason


@pytest.fixture
def prefix() -> str:
    """A beginning for names on the shared broker that no other test has."""
    return f"t{uuid.uuid4().hex[:12]}."
