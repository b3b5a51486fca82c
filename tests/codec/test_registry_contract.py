"""What Tollgate relies on in any Confluent-compatible registry: one suite, every registry.

Ours runs always. Set TOLLGATE_TEST_REGISTRY_URL to run the same suite against a real one; it uses
subjects of its own names and deletes them.
"""

import json
import os
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka.schema_registry._sync.schema_registry_client import _RestClient
from confluent_kafka.schema_registry.error import SchemaRegistryError

from tests.codec.registry import MemoryRegistry, serve

REAL = os.environ.get("TOLLGATE_TEST_REGISTRY_URL", "")


@pytest.fixture(scope="module", params=["in-process", *([REAL] if REAL else [])])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "in-process":
        with serve(MemoryRegistry()) as address:
            yield address
    else:
        yield request.param


class Client:
    """Bare requests, so that paths, codes and bodies are what is tested."""

    def __init__(self, url: str) -> None:
        self._rest = _RestClient({"url": url, "max.retries": 0})

    def call(self, method: str, path: str, body: Any = None) -> Any:
        return self._rest.send_request(path, method, body)

    def refusal(self, method: str, path: str, body: Any = None) -> tuple[int, int]:
        with pytest.raises(SchemaRegistryError) as caught:
            self.call(method, path, body)
        return caught.value.http_status_code, caught.value.error_code


@pytest.fixture
def client(url: str) -> Client:
    return Client(url)


@pytest.fixture
def subject(client: Client) -> Iterator[str]:
    """A subject of one's own, gone afterwards."""
    name = f"tollgate-test-{uuid.uuid4().hex}-value"
    yield name
    if name in client.call("GET", "subjects"):
        client.call("DELETE", f"subjects/{name}")


def schema(*fields: str, default: bool = True, name: str | None = None) -> dict[str, str]:
    """A record of texts; its name makes it another schema than any other test's."""
    extra = {"default": ""} if default else {}
    rows = [{"name": each, "type": "string", **extra} for each in fields]
    source = {"type": "record", "name": name or "Sample", "fields": rows}
    return {"schema": json.dumps(source)}


def test_a_registered_schema_is_found_by_id_version_and_content(
    client: Client, subject: str
) -> None:
    """Registering gives an id; the id, the version and the content all lead back to it."""
    body = schema("a", name=f"N{uuid.uuid4().hex}")
    schema_id = client.call("POST", f"subjects/{subject}/versions", body)["id"]
    assert json.loads(client.call("GET", f"schemas/ids/{schema_id}")["schema"]) == json.loads(
        body["schema"]
    )
    for version in ("1", "latest"):
        found = client.call("GET", f"subjects/{subject}/versions/{version}")
        assert (found["subject"], found["version"], found["id"]) == (subject, 1, schema_id)
    assert client.call("POST", f"subjects/{subject}", body)["id"] == schema_id
    assert client.call("POST", f"subjects/{subject}/versions", body)["id"] == schema_id
    assert client.call("GET", f"subjects/{subject}/versions") == [1]
    assert subject in client.call("GET", "subjects")


def test_what_is_not_there_has_its_code(client: Client, subject: str) -> None:
    """40401 no subject, 40402 no version, 40403 no schema: Tollgate tells them from trouble."""
    assert client.refusal("GET", f"subjects/{subject}/versions/1") == (404, 40401)
    assert client.refusal("POST", f"subjects/{subject}", schema("a")) == (404, 40401)
    client.call("POST", f"subjects/{subject}/versions", schema("a"))
    assert client.refusal("GET", f"subjects/{subject}/versions/7") == (404, 40402)
    assert client.refusal("POST", f"subjects/{subject}", schema("other")) == (404, 40403)
    assert client.refusal("GET", "schemas/ids/2000000123") == (404, 40403)


def test_what_is_no_schema_is_refused(client: Client, subject: str) -> None:
    """42201 for a schema that is none."""
    body = {"schema": json.dumps({"type": "nonsense"})}
    assert client.refusal("POST", f"subjects/{subject}/versions", body) == (422, 42201)


def test_an_incompatible_schema_is_refused(client: Client, subject: str) -> None:
    """409 for a version that breaks the subject's level, and the check says so beforehand."""
    client.call("PUT", f"config/{subject}", {"compatibility": "FULL_TRANSITIVE"})
    client.call("POST", f"subjects/{subject}/versions", schema("a"))
    good, bad = schema("a", "b"), schema("b", default=False)
    check = f"compatibility/subjects/{subject}/versions/latest"
    assert client.call("POST", check, good)["is_compatible"] is True
    assert client.call("POST", check, bad)["is_compatible"] is False
    assert client.refusal("POST", f"subjects/{subject}/versions", bad)[0] == 409
    client.call("POST", f"subjects/{subject}/versions", good)
    assert client.call("GET", f"subjects/{subject}/versions") == [1, 2]


def test_the_level_of_a_subject_is_its_own(client: Client, subject: str) -> None:
    """A level set on a subject is read back; a level that is none is 42203."""
    client.call("PUT", f"config/{subject}", {"compatibility": "FULL_TRANSITIVE"})
    assert client.call("GET", f"config/{subject}")["compatibilityLevel"] == "FULL_TRANSITIVE"
    assert client.refusal("PUT", f"config/{subject}", {"compatibility": "SOME"}) == (422, 42203)
    assert client.call("GET", "config")["compatibilityLevel"] != "FULL_TRANSITIVE"


def test_import_mode_takes_the_ids_it_is_given(client: Client, subject: str) -> None:
    """In IMPORT mode a schema gets the id and version that come with it, and no other way."""
    schema_id = 1_500_000_000 + uuid.uuid4().int % 100_000_000
    body = schema("a", name=f"N{uuid.uuid4().hex}") | {"id": schema_id, "version": 3}
    assert client.refusal("POST", f"subjects/{subject}/versions", body)[0] == 422
    assert client.call("PUT", f"mode/{subject}?force=true", {"mode": "IMPORT"})["mode"] == "IMPORT"
    assert client.call("POST", f"subjects/{subject}/versions", body)["id"] == schema_id
    other = schema("b", name=f"N{uuid.uuid4().hex}") | {"id": schema_id, "version": 4}
    assert client.refusal("POST", f"subjects/{subject}/versions", other)[0] in (409, 422)
    client.call("PUT", f"mode/{subject}?force=true", {"mode": "READWRITE"})
    assert client.call("GET", f"subjects/{subject}/versions/3")["id"] == schema_id


def test_a_mode_can_be_set_read_and_forgotten(client: Client, subject: str) -> None:
    """A subject without a mode says 40409; one set READONLY takes no schema (42205)."""
    assert client.refusal("GET", f"mode/{subject}") == (404, 40409)
    client.call("PUT", f"mode/{subject}", {"mode": "READONLY"})
    assert client.call("GET", f"mode/{subject}")["mode"] == "READONLY"
    assert client.refusal("POST", f"subjects/{subject}/versions", schema("a")) == (422, 42205)
    client.call("DELETE", f"mode/{subject}")
    assert client.refusal("GET", f"mode/{subject}") == (404, 40409)
    assert client.refusal("PUT", f"mode/{subject}", {"mode": "SOME"}) == (422, 42204)
