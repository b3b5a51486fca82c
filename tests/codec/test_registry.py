"""Tollgate and a registry: import, check at start, foreign ids, and no registry at all."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from streams.codec.codecs import Codecs
from streams.codec.faults import Undecodable
from streams.codec.framing import header
from streams.codec.ids import repository
from streams.codec.registry import (
    WRITTEN,
    NotRegistered,
    RegistryFault,
    RegistryUnavailable,
    register,
)
from streams.gate.events import Order
from streams.gate.words import Channel
from tests.codec.registry import MemoryRegistry, Subject, serve
from tests.codec.samples import TOPICS, TYPES

PREFIX = "vas."
ORDER = Order("L1", "46700000001", "SP1", "S1", Channel.SMS, 200, "CNY", "Hunan", 1, "C", None)


@pytest.fixture
def memory() -> MemoryRegistry:
    return MemoryRegistry()


@pytest.fixture
def url(memory: MemoryRegistry) -> Iterator[str]:
    with serve(memory) as address:
        yield address


def test_registering_imports_every_topics_releases_under_our_ids(
    url: str, memory: MemoryRegistry
) -> None:
    """After it every subject has our ids, takes no other mode than before and checks fully."""
    imported = register(url, PREFIX)
    assert sorted({each.name for each in imported}) == sorted(TOPICS)
    for name in TOPICS:
        subject = memory.subjects[f"vas.{name}-value"]
        assert subject.versions == {each.version: each.id for each in repository().of(name)}
        assert subject.level == "FULL_TRANSITIVE"
        assert subject.mode is None
    assert not any("state" in name for name in memory.subjects)


def test_registering_twice_is_harmless(url: str, memory: MemoryRegistry) -> None:
    """The second time nothing is imported, nothing changes and no mode is touched."""
    register(url, PREFIX)
    before = {name: dict(subject.versions) for name, subject in memory.subjects.items()}
    memory.requests.clear()
    assert register(url, PREFIX) == ()
    assert {name: dict(subject.versions) for name, subject in memory.subjects.items()} == before
    assert not [line for line in memory.requests if line.startswith("PUT /mode")]


def test_a_second_prefix_shares_the_ids(url: str) -> None:
    """Two gates on one broker have the same schemas under the same ids."""
    assert len(register(url, PREFIX)) == len(register(url, "other."))


def test_a_mode_of_ones_own_is_set_back(url: str, memory: MemoryRegistry) -> None:
    """A subject that had a mode has it again."""
    memory.own("vas.orders.v1-value").mode = "READWRITE"
    register(url, PREFIX)
    assert memory.own("vas.orders.v1-value").mode == "READWRITE"


def test_codecs_start_with_a_registry_that_has_what_we_write(
    url: str, memory: MemoryRegistry
) -> None:
    """Starting asks once for each schema we write and registers nothing; bytes are the same."""
    register(url, PREFIX)
    memory.requests.clear()
    codecs = Codecs.from_registry(url, PREFIX, TYPES)
    asked = [f"POST /subjects/vas.{name}-value" for name in WRITTEN]
    assert memory.requests == asked
    value = codecs.encoder("orders.v1", Order)(ORDER)
    assert value == Codecs.from_repository(TYPES).encoder("orders.v1", Order)(ORDER)
    assert codecs.decode("orders.v1", value) == ORDER
    assert memory.requests == asked


def test_nothing_starts_without_registration(url: str) -> None:
    """An empty registry is answered with what to do."""
    with pytest.raises(NotRegistered, match="run `tollgate schemas register`"):
        Codecs.from_registry(url, PREFIX, TYPES)


def test_another_id_is_refused_with_both(url: str, memory: MemoryRegistry) -> None:
    """A registry that counted for itself is refused at start and at registering."""
    name = WRITTEN[0]
    release = repository().newest(name)
    memory.texts[7] = release.schema.text
    memory.subjects[f"vas.{name}-value"] = Subject({1: 7})
    for start in (lambda: Codecs.from_registry(url, PREFIX, TYPES), lambda: register(url, PREFIX)):
        with pytest.raises(
            RegistryFault, match=f"under id 7, the repository under id {release.id}"
        ):
            start()


def test_an_id_that_is_taken_is_named(url: str, memory: MemoryRegistry) -> None:
    """Another schema under one of our ids stops the import before it has changed that subject."""
    release = repository().newest("orders.v1")
    memory.texts[release.id] = json.dumps({"type": "fixed", "name": "Other", "size": 1})
    with pytest.raises(RegistryFault, match=f"another schema under id {release.id}"):
        register(url, PREFIX)
    assert not memory.own("vas.orders.v1-value").versions


def test_a_registry_without_import_mode_is_named() -> None:
    """One that does not let its mode be changed is told apart, with what to do."""
    with (
        serve(MemoryRegistry(mutable_modes=False)) as url,
        pytest.raises(RegistryFault, match=r"does not allow IMPORT mode .*mode\.mutability=true"),
    ):
        register(url, PREFIX)


def foreign(memory: MemoryRegistry, schema_id: int, name: str, *fields: Any) -> None:
    memory.texts[schema_id] = json.dumps({"type": "record", "name": name, "fields": list(fields)})


def test_a_foreign_writers_schema_is_asked_for_once(url: str, memory: MemoryRegistry) -> None:
    """A centre that registered its own order, with a field more, is read by its own id."""
    register(url, PREFIX)
    newest = repository().newest("orders.v1").schema.json
    foreign(memory, 5, "Order", {"name": "extra", "type": "long"}, *newest["fields"])
    codecs = Codecs.from_registry(url, PREFIX, TYPES)
    body = codecs.encoder("orders.v1", Order)(ORDER)[5:]
    memory.requests.clear()
    for _ in range(3):
        assert codecs.decode("orders.v1", header(5) + b"\x02" + body) == ORDER
    assert memory.requests == ["GET /schemas/ids/5"]


def test_an_id_that_nobody_knows_is_an_unknown_schema(url: str, memory: MemoryRegistry) -> None:
    """An id the registry does not have, or has for another record, condemns the record."""
    register(url, PREFIX)
    foreign(memory, 5, "Invoice", {"name": "x", "type": "long"})
    memory.texts[6] = '"nonsense"'
    codecs = Codecs.from_registry(url, PREFIX, TYPES)
    for schema_id in (4, 5, 6):
        with pytest.raises(Undecodable) as caught:
            codecs.decode("orders.v1", header(schema_id) + b"\x02")
        assert caught.value.cause == "unknown_schema"


def test_a_registry_that_is_gone_condemns_no_record(memory: MemoryRegistry) -> None:
    """Known ids are read on without it; an unknown one is our trouble and no dead letter."""
    with ExitStack() as stack:
        url = stack.enter_context(serve(memory))
        register(url, PREFIX)
        codecs = Codecs.from_registry(url, PREFIX, TYPES)
    value = codecs.encoder("orders.v1", Order)(ORDER)
    assert codecs.decode("orders.v1", value) == ORDER
    with pytest.raises(RegistryUnavailable, match="gives no answer"):
        codecs.decode("orders.v1", header(5) + b"\x02")
    with pytest.raises(RegistryUnavailable):
        Codecs.from_registry(url, PREFIX, TYPES)


class _Broken(BaseHTTPRequestHandler):
    """Answers with a status of the path's choosing and no registry's words."""

    def do_GET(self) -> None:
        self.send_response(int(self.path.split("/")[1]))
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"oops")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # http.server's name
        """Say nothing."""


@pytest.fixture
def broken() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Broken)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("status", [200, 401, 404, 500, 503])
def test_an_answer_that_is_none_condemns_no_record(broken: str, status: int) -> None:
    """A proxy's page, a refusal, a failing server: none says that a schema does not exist."""
    from streams.codec.registry import Registry

    with pytest.raises(RegistryUnavailable):
        Registry(f"{broken}/{status}", PREFIX).look_up(5)
