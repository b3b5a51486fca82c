"""A schema registry in this process: Confluent's REST interface as far as Tollgate and its peers
use it, over real HTTP on the loopback, with the real rules (ids, versions, modes, compatibility).

It keeps everything in memory and knows nothing of Tollgate. Its contract is
test_registry_contract.py, which can be run against any registry by its address.
"""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

import avro.errors
import avro.schema
from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType

LEVELS = (
    "NONE",
    "BACKWARD",
    "BACKWARD_TRANSITIVE",
    "FORWARD",
    "FORWARD_TRANSITIVE",
    "FULL",
    "FULL_TRANSITIVE",
)
MODES = ("READWRITE", "READONLY", "READONLY_OVERRIDE", "IMPORT")


class Refusal(Exception):
    """An error answer: HTTP status is the code's first three digits, as Confluent has it."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.status = int(str(code)[:3])


@dataclass
class Subject:
    """What one subject holds: versions (number to schema id) and its own settings, if any."""

    versions: dict[int, int] = field(default_factory=dict)
    level: str | None = None
    mode: str | None = None


@dataclass
class MemoryRegistry:
    """All subjects and schemas; `mutable_modes` as Confluent's mode.mutability."""

    mutable_modes: bool = True
    subjects: dict[str, Subject] = field(default_factory=dict)
    texts: dict[int, str] = field(default_factory=dict)
    level: str = "BACKWARD"
    mode: str = "READWRITE"
    requests: list[str] = field(default_factory=list)
    gone: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def subject(self, name: str) -> Subject:
        """A subject that has versions."""
        found = self.subjects.get(name)
        if found is None or not found.versions:
            raise Refusal(40401, f"Subject '{name}' not found.")
        return found

    def own(self, name: str) -> Subject:
        """A subject to set something on, which may not have versions yet."""
        return self.subjects.setdefault(name, Subject())

    def version(self, name: str, asked: str) -> dict[str, Any]:
        subject = self.subject(name)
        if asked == "latest":
            number = max(subject.versions)
        elif re.fullmatch(r"[1-9][0-9]*", asked):
            number = int(asked)
        else:
            raise Refusal(42202, f"The specified version '{asked}' is not a valid version id.")
        if number not in subject.versions:
            raise Refusal(40402, f"Version {number} not found.")
        return self.described(name, number)

    def described(self, name: str, number: int) -> dict[str, Any]:
        schema_id = self.subjects[name].versions[number]
        return {
            "subject": name,
            "version": number,
            "id": schema_id,
            "schema": self.texts[schema_id],
        }

    def by_id(self, schema_id: int) -> dict[str, Any]:
        if schema_id not in self.texts:
            raise Refusal(40403, f"Schema {schema_id} not found.")
        return {"schema": self.texts[schema_id]}

    def look_up(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        wanted = parsed(body)
        for number, schema_id in self.subject(name).versions.items():
            if same(self.texts[schema_id], wanted):
                return self.described(name, number)
        raise Refusal(40403, "Schema not found.")

    def register(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        """A new version, or the one there is; in IMPORT mode with the id and version given."""
        text = parsed(body)
        mode = self.mode_of(name)
        if mode.startswith("READONLY"):
            raise Refusal(42205, f"Subject {name} is in read-only mode")
        subject = self.own(name)
        if mode == "IMPORT":
            return self._import(subject, body, text)
        for schema_id in subject.versions.values():
            if same(self.texts[schema_id], text):
                return {"id": schema_id}
        if "id" in body and body["id"] > 0:
            raise Refusal(42205, f"Subject {name} is not in import mode")
        problems = self.problems(subject, text, self.level_of(name))
        if problems:
            raise Refusal(409, f"Schema being registered is incompatible: {problems}")
        known = [each for each, other in self.texts.items() if same(other, text)]
        schema_id = known[0] if known else max(self.texts, default=0) + 1
        return self._keep(subject, max(subject.versions, default=0) + 1, schema_id, text)

    def _import(self, subject: Subject, body: dict[str, Any], text: str) -> dict[str, Any]:
        schema_id = body.get("id", 0)
        if schema_id <= 0:
            raise Refusal(42205, "Subject is in import mode: an id is needed")
        if schema_id in self.texts and not same(self.texts[schema_id], text):
            raise Refusal(42205, f"Overwrite new schema with id {schema_id} is not permitted.")
        number = body.get("version") or max(subject.versions, default=0) + 1
        return self._keep(subject, number, schema_id, text)

    def _keep(self, subject: Subject, number: int, schema_id: int, text: str) -> dict[str, Any]:
        self.texts.setdefault(schema_id, text)
        subject.versions[number] = schema_id
        return {"id": schema_id}

    def problems(self, subject: Subject, text: str, level: str) -> list[str]:
        """Why a schema may not follow the versions there are."""
        numbers = sorted(subject.versions)
        against = numbers if level.endswith("TRANSITIVE") else numbers[-1:]
        new = avro.schema.parse(text)
        found: set[str] = set()
        for number in against:
            old = avro.schema.parse(self.texts[subject.versions[number]])
            if level.startswith(("BACKWARD", "FULL")):
                found |= incompatibilities(new, old)
            if level.startswith(("FORWARD", "FULL")):
                found |= incompatibilities(old, new)
        return sorted(found)

    def compatibility(self, name: str, asked: str, body: dict[str, Any]) -> dict[str, Any]:
        text, level = parsed(body), self.level_of(name)
        against = Subject({1: self.version(name, asked)["id"]})
        return {"is_compatible": not self.problems(against, text, level)}

    def level_of(self, name: str) -> str:
        return self.own(name).level or self.level

    def mode_of(self, name: str) -> str:
        return self.own(name).mode or self.mode

    def set_level(self, subject: Subject | None, level: str) -> dict[str, Any]:
        if level not in LEVELS:
            raise Refusal(42203, "Invalid compatibility level.")
        (subject or self).level = level
        return {"compatibility": level}

    def set_mode(self, subject: Subject | None, mode: str, *, force: bool) -> dict[str, Any]:
        if mode not in MODES:
            raise Refusal(42204, "Invalid mode.")
        if not self.mutable_modes:
            raise Refusal(42205, "Mode changes are not allowed")
        if mode == "IMPORT" and subject and subject.versions and not force:
            raise Refusal(42205, "Cannot import since found existing subjects")
        (subject or self).mode = mode
        return {"mode": mode}

    def get_setting(self, name: str, kind: str, key: str, code: int) -> dict[str, Any]:
        value = getattr(self.own(name), kind)
        if value is None:
            raise Refusal(code, f"Subject '{name}' does not have subject-level {key} configured")
        return {key: value}

    def delete_setting(self, name: str, kind: str, key: str, code: int) -> dict[str, Any]:
        before = self.get_setting(name, kind, key, code)
        setattr(self.own(name), kind, None)
        return {key.replace("Level", ""): before[key]}

    def delete_subject(self, name: str) -> list[int]:
        numbers = sorted(self.subject(name).versions)
        del self.subjects[name]
        return numbers


def parsed(body: dict[str, Any]) -> str:
    """The text of a schema that is one."""
    try:
        avro.schema.parse(body["schema"])
    except (avro.errors.AvroException, KeyError, ValueError, TypeError) as error:
        raise Refusal(42201, f"Invalid schema: {type(error).__name__}") from error
    text: str = body["schema"]
    return text


def same(one: str, other: str) -> bool:
    return bool(json.loads(one) == json.loads(other))


def incompatibilities(reader: avro.schema.Schema, writer: avro.schema.Schema) -> set[str]:
    checker = ReaderWriterCompatibilityChecker()  # type: ignore[no-untyped-call]  # as avro has it
    result = checker.get_compatibility(reader, writer)
    if result.compatibility is SchemaCompatibilityType.compatible:
        return set()
    return {kind.value for kind in result.incompatibilities}


def routed(registry: MemoryRegistry, method: str, path: list[str], body: Any, query: str) -> Any:
    """The answer to one request."""
    match method, *path:
        case "GET", "subjects":
            return sorted(name for name, each in registry.subjects.items() if each.versions)
        case "GET", "subjects", name, "versions":
            return sorted(registry.subject(name).versions)
        case "GET", "subjects", name, "versions", version:
            return registry.version(name, version)
        case "POST", "subjects", name, "versions":
            return registry.register(name, body)
        case "POST", "subjects", name:
            return registry.look_up(name, body)
        case "DELETE", "subjects", name:
            return registry.delete_subject(name)
        case "GET", "schemas", "ids", schema_id:
            return registry.by_id(int(schema_id))
        case "POST", "compatibility", "subjects", name, "versions", version:
            return registry.compatibility(name, version, body)
        case _, "config", *_:
            return routed_config(registry, method, path[1:], body)
        case _, "mode", *_:
            return routed_mode(registry, method, path[1:], body, force="force=true" in query)
    raise Refusal(404, "HTTP 404 Not Found")


def routed_config(registry: MemoryRegistry, method: str, path: list[str], body: Any) -> Any:
    setting = ("level", "compatibilityLevel", 40408)
    match method, *path:
        case ("GET",):
            return {"compatibilityLevel": registry.level}
        case ("PUT",):
            return registry.set_level(None, body["compatibility"])
        case "GET", name:
            return registry.get_setting(name, *setting)
        case "PUT", name:
            return registry.set_level(registry.own(name), body["compatibility"])
        case "DELETE", name:
            return registry.delete_setting(name, *setting)
    raise Refusal(404, "HTTP 404 Not Found")


def routed_mode(
    registry: MemoryRegistry, method: str, path: list[str], body: Any, *, force: bool
) -> Any:
    setting = ("mode", "mode", 40409)
    match method, *path:
        case ("GET",):
            return {"mode": registry.mode}
        case ("PUT",):
            return registry.set_mode(None, body["mode"], force=force)
        case "GET", name:
            return registry.get_setting(name, *setting)
        case "PUT", name:
            return registry.set_mode(registry.own(name), body["mode"], force=force)
        case "DELETE", name:
            return registry.delete_setting(name, *setting)
    raise Refusal(404, "HTTP 404 Not Found")


class _Handler(BaseHTTPRequestHandler):
    """Reads a request, answers it under the registry's lock, says the answer as JSON."""

    registry: MemoryRegistry
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # One packet an answer: two would wait for the other side's acknowledgement.

    def answer(self) -> None:
        if self.registry.gone:
            # A connection kept from before must die with the registry.
            self.close_connection = True
            return
        parts = urlsplit(self.path)
        size = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(size)
        try:
            body = json.loads(raw) if raw else None
            with self.registry.lock:
                self.registry.requests.append(f"{self.command} {parts.path}")
                path = [unquote(part) for part in parts.path.strip("/").split("/")]
                found = routed(self.registry, self.command, path, body, parts.query.lower())
            self.say(200, found)
        except Refusal as refusal:
            self.say(refusal.status, {"error_code": refusal.code, "message": str(refusal)})
        except (ValueError, KeyError, TypeError):
            self.say(422, {"error_code": 422, "message": "the request is not understood"})

    def say(self, status: int, content: Any) -> None:
        encoded = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
        self.send_header("Content-Length", str(len(encoded)))
        self.end_headers()
        self.wfile.write(encoded)

    do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815  # http.server's names

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # http.server's name
        """Say nothing: the tests look at the answers."""


@contextmanager
def serve(registry: MemoryRegistry) -> Iterator[str]:
    """The registry at an address of the loopback, for as long as the block runs."""
    handler = type("Handler", (_Handler,), {"registry": registry})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        registry.gone = True
        server.shutdown()
        thread.join()
        server.server_close()
