"""A Confluent schema registry: the repository's ids put there, held to them, and asked for others.

Laws: we never register on the way. What we write must stand in the registry under exactly the
repository's id, or we do not start. A registry that cannot be reached is never a reason to call a
record unreadable: RegistryUnavailable stops the turn, and the record is read again later.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, TypeVar

from confluent_kafka.schema_registry import Schema as RegistrySchema
from confluent_kafka.schema_registry import SchemaRegistryClient

# The client's own transport, whichever httpx that is: its errors come through unwrapped.
from confluent_kafka.schema_registry.common._httpx_compat import httpx
from confluent_kafka.schema_registry.error import SchemaRegistryError

from streams.codec.faults import SchemaFault, Undecodable
from streams.codec.ids import Release, Released, repository
from streams.codec.schema import Schema, parse_schema
from streams.topics import CATALOGUE, TICKS, Kind

SUBJECT_NOT_FOUND = 40401
VERSION_NOT_FOUND = 40402
SCHEMA_NOT_FOUND = 40403
MODE_NOT_SET = 40409
_ABSENT = {SUBJECT_NOT_FOUND, VERSION_NOT_FOUND, SCHEMA_NOT_FOUND, MODE_NOT_SET}

# What we write. The centres may have registered their own schemas of the other inputs; those are
# read by whatever id the registry gives them.
WRITTEN = tuple(
    topic.name
    for topic in CATALOGUE
    if topic.has_schema and (topic.kind is not Kind.INPUT or topic.name == TICKS)
)

COMPATIBILITY = "FULL_TRANSITIVE"

# A lookup happens inside a turn, whose transaction has six seconds: two tries fit.
_CLIENT = {"timeout": 2.0, "max.retries": 1, "retries.wait.ms": 100, "retries.max.wait.ms": 500}

T = TypeVar("T")


class RegistryUnavailable(Exception):
    """The registry gave no answer, or one that is none; the record at hand is not to blame."""


class RegistryFault(SchemaFault):
    """The registry holds something else than the repository; the sentence says what to do."""


class NotRegistered(RegistryFault):
    """A schema that we write is not there at all; registering it is all that is needed."""


class Registry:
    """One registry and one prefix of topics."""

    def __init__(self, url: str, prefix: str) -> None:
        self._client = SchemaRegistryClient({"url": url, **_CLIENT})
        self._prefix = prefix

    def subject(self, topic_name: str) -> str:
        """TopicNameStrategy: the topic's name on the broker, and that it is about values."""
        return f"{self._prefix}{topic_name}-value"

    def verify(self, released: Released, topic_names: Iterable[str] = WRITTEN) -> None:
        """Raise RegistryFault unless the newest release of each topic has the repository's id."""
        for name in topic_names:
            newest = released.newest(name)
            found = self._id_of(newest)
            if found is None:
                raise NotRegistered(
                    f"The schema of {name} (id {newest.id}) is not registered under"
                    f" {self.subject(name)}; run `tollgate schemas register`."
                )
            _same_id(self.subject(name), newest, found)

    def look_up(self, schema_id: int) -> Schema | None:
        """A schema by its id; None when the registry has none."""
        found = self._ask(lambda: self._client.get_schema(schema_id))
        if found is None:
            return None
        if found.schema_type != "AVRO" or found.references or found.schema_str is None:
            raise Undecodable("unknown_schema", f"schema id {schema_id} is not one Avro schema")
        try:
            return parse_schema(f"id {schema_id}", found.schema_str)
        except SchemaFault as fault:
            raise Undecodable("unknown_schema", str(fault)) from fault

    def register(self, released: Released) -> tuple[Release, ...]:
        """Import every released schema of a topic under its id; gives those that were not there."""
        imported: list[Release] = []
        for name, versions in released.by_name.items():
            if not name.startswith("state/"):
                imported += self._import(name, versions)
        return tuple(imported)

    def _import(self, name: str, versions: tuple[Release, ...]) -> list[Release]:
        subject = self.subject(name)
        missing = [each for each in versions if self._is_missing(each)]
        if missing:
            mode_before = self._ask(lambda: self._client.get_mode(subject))
            self._to_import_mode(subject)
            try:
                for each in missing:
                    self._post(subject, each)
            finally:
                self._restore_mode(subject, mode_before)
        self._ask(lambda: self._client.set_compatibility(subject, COMPATIBILITY))
        return missing

    def _is_missing(self, release: Release) -> bool:
        """Whether it must be imported; a fault when the id or the schema is taken otherwise."""
        subject = self.subject(release.name)
        found = self._id_of(release)
        if found is not None:
            _same_id(subject, release, found)
            return False
        holder = self._ask(lambda: self._client.get_schema(release.id))
        if holder is not None and not _says(holder.schema_str, release.schema):
            raise RegistryFault(
                f"The registry has another schema under id {release.id}, which is the repository's"
                f" for {release.name} version {release.version}; use a registry of your own or a"
                " context of its own for Tollgate."
            )
        return True

    def _id_of(self, release: Release) -> int | None:
        wanted = RegistrySchema(release.schema.text)
        subject = self.subject(release.name)
        found = self._ask(lambda: self._client.lookup_schema(subject, wanted))
        return None if found is None else found.schema_id

    def _to_import_mode(self, subject: str) -> None:
        try:
            # By force: a subject that has versions already takes no import mode otherwise.
            self._answer(lambda: self._client.update_mode(subject, "IMPORT", force=True))
        except SchemaRegistryError as error:
            raise RegistryFault(
                f"The registry does not allow IMPORT mode for {subject} ({_words(error)}); allow it"
                " (Confluent: mode.mutability=true) or import the ids with the registry's own tool."
            ) from error

    def _post(self, subject: str, release: Release) -> None:
        try:
            found = self._answer(lambda: self._client.register_schema(subject, _Import(release)))
        except SchemaRegistryError as error:
            raise RegistryFault(
                f"The registry refused {release.name} version {release.version} under id"
                f" {release.id} ({_words(error)}); compare {subject} with schemas/released."
            ) from error
        _same_id(subject, release, found)

    def _restore_mode(self, subject: str, before: str | None) -> None:
        if before is None:
            # Its own mode again: the registry's. Older registries cannot forget a mode.
            with suppress(SchemaRegistryError):
                self._answer(lambda: self._client.delete_mode(subject))
                return
        self._ask(lambda: self._client.update_mode(subject, before or "READWRITE", force=True))

    def _ask(self, question: Callable[[], T]) -> T | None:
        """The answer, or None when the registry says that there is no such thing."""
        try:
            return self._answer(question)
        except SchemaRegistryError as error:
            # By code: a 404 without one comes from something else than a registry.
            if error.error_code in _ABSENT:
                return None
            raise RegistryUnavailable(
                f"The schema registry refused a question ({_words(error)}); see its log."
            ) from error

    def _answer(self, question: Callable[[], T]) -> T:
        """The answer, whatever it is; no answer is RegistryUnavailable."""
        try:
            return question()
        except SchemaRegistryError as error:
            if error.http_status_code >= 500:
                raise RegistryUnavailable(
                    f"The schema registry cannot answer ({_words(error)}); see its log."
                ) from error
            raise
        except (httpx.HTTPError, OSError, ValueError, TypeError) as error:
            raise RegistryUnavailable(
                f"The schema registry gives no answer ({type(error).__name__}); check that it runs"
                " and TOLLGATE_SCHEMA_REGISTRY_URL."
            ) from error


def register(url: str, prefix: str) -> tuple[Release, ...]:
    """Import the repository's ids into a registry; gives what was not there before."""
    return Registry(url, prefix).register(repository())


class _Import(RegistrySchema):
    """A schema with the id and version it must get: the client sends what to_dict gives."""

    def __init__(self, release: Release) -> None:
        super().__init__(release.schema.text)
        # The base class is frozen.
        object.__setattr__(self, "_place", {"id": release.id, "version": release.version})

    def to_dict(self) -> dict[str, Any]:
        place: dict[str, Any] = self.__dict__["_place"]
        return super().to_dict() | place


def _same_id(subject: str, release: Release, found: int) -> None:
    if found != release.id:
        raise RegistryFault(
            f"{subject} has the schema of {release.name} version {release.version} under id"
            f" {found}, the repository under id {release.id}; a charge must not depend on which is"
            " right: delete the subject there and run `tollgate schemas register`."
        )


def _says(text: str | None, schema: Schema) -> bool:
    """Whether a registry's text is this very schema, spaces and order of keys apart."""
    try:
        return text is not None and parse_schema("", text).json == schema.json
    except SchemaFault:
        return False


def _words(error: SchemaRegistryError) -> str:
    return f"HTTP {error.http_status_code}, code {error.error_code}"
