"""What we ask of and do to a Kafka cluster's topics, with its errors turned into sentences.

Laws: every call has a limit; a broker that is away, a right that is missing and a request that is
refused are told apart (`errors.py`). This file must not know the catalogue.
"""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    OffsetSpec,
    ResourceType,
)
from confluent_kafka.cimpl import NewTopic as KafkaNewTopic

# librdkafka's own error codes begin with an underscore; they are documented all the same.
# ruff: noqa: SLF001
from streams import clients
from streams.errors import Cause, Stop
from streams.settings import Settings

# Long enough for a controller election, short enough for a person who waits.
ANSWER_SECONDS_MAX = 20.0

# An address nobody listens on is known at once; the rest of the wait would tell nothing new.
CONNECT_SECONDS_MAX = 5.0

_AWAY = {
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError._TRANSPORT,
    KafkaError._RESOLVE,
    KafkaError._TIMED_OUT,
    KafkaError._MSG_TIMED_OUT,
    KafkaError.REQUEST_TIMED_OUT,
}
_NOT_ALLOWED = {
    KafkaError._AUTHENTICATION,
    KafkaError.SASL_AUTHENTICATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
}

# A partition whose leader was chosen a moment ago, and not every broker knows it yet.
_MOVING = {
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
}

_ASK_AGAIN_S = 0.1

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class NewTopic:
    """A topic to make."""

    name: str
    partitions: int
    replication: int
    config: dict[str, str]


@dataclass(frozen=True, slots=True)
class Existing:
    """A topic as it is; `config` holds what is in force, the broker's defaults included."""

    name: str
    partitions: int
    replication: int
    config: dict[str, str] = field(default_factory=dict)


class Cluster:
    """A connection to the cluster's controller."""

    def __init__(self, settings: Settings) -> None:
        self._servers = settings.bootstrap_servers
        self._last_error: KafkaError | None = None
        configuration = clients.admin(settings) | {
            "error_cb": self._remember,
            # Said once by the sentence this ends with, not again by the client's own log.
            "log_level": 2,
        }
        self._admin = self._asked("connecting", lambda: AdminClient(configuration))
        self._connect()

    def brokers(self) -> int:
        """How many brokers are there now."""
        metadata = self._asked("counting brokers", lambda: self._admin.list_topics(timeout=10))
        return len(metadata.brokers)

    def topics(self, names: Iterable[str]) -> dict[str, Existing]:
        """Those of the named topics that exist, with the configuration in force."""
        wanted = set(names)
        metadata = self._asked("listing topics", lambda: self._admin.list_topics(timeout=10))
        found = {name: topic for name, topic in metadata.topics.items() if name in wanted}
        if not found:
            return {}
        resources = [ConfigResource(ResourceType.TOPIC, name) for name in found]
        futures = self._admin.describe_configs(resources, request_timeout=ANSWER_SECONDS_MAX)
        existing = {}
        for resource, future in futures.items():
            entries = self._result(f"reading the configuration of {resource.name}", future)
            partitions = found[resource.name].partitions
            copies = min((len(one.replicas) for one in partitions.values()), default=0)
            config = {name: entry.value for name, entry in entries.items() if entry.value}
            existing[resource.name] = Existing(resource.name, len(partitions), copies, config)
        return existing

    def partitions(self, names: Iterable[str]) -> dict[str, int]:
        """How many partitions each of these topics has; each must exist."""
        metadata = self._asked("listing topics", lambda: self._admin.list_topics(timeout=10))
        counts = {}
        for name in names:
            if name not in metadata.topics:
                raise Stop(Cause.TOPIC_MISSING, name)
            counts[name] = len(metadata.topics[name].partitions)
        return counts

    def has_records(self, topic: Existing) -> bool:
        """Whether any partition holds a record."""
        ends = self._offsets(topic, OffsetSpec.latest())  # type: ignore[no-untyped-call]
        return ends != self._offsets(topic, OffsetSpec.earliest())  # type: ignore[no-untyped-call]

    def create(self, topics: Iterable[NewTopic]) -> None:
        """Make topics; one that somebody else has just made is left for the read-back to judge."""
        new = [
            KafkaNewTopic(topic.name, topic.partitions, topic.replication, config=topic.config)
            for topic in topics
        ]
        if not new:
            return
        for name, future in self._admin.create_topics(
            new, request_timeout=ANSWER_SECONDS_MAX
        ).items():
            try:
                future.result(ANSWER_SECONDS_MAX)
            except KafkaException as error:
                if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise self._stop(f"creating {name}", error) from error

    def configure(self, changes: Iterable[tuple[str, str, str]]) -> None:
        """Set (topic, name, value), leaving every other value of the topic as it is."""
        by_topic: dict[str, list[ConfigEntry]] = {}
        for topic, name, value in changes:
            entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
            by_topic.setdefault(topic, []).append(entry)
        if not by_topic:
            return
        resources = [
            ConfigResource(ResourceType.TOPIC, topic, incremental_configs=entries)
            for topic, entries in by_topic.items()
        ]
        for resource, future in self._admin.incremental_alter_configs(
            resources, request_timeout=ANSWER_SECONDS_MAX
        ).items():
            self._result(f"configuring {resource.name}", future)

    def _connect(self) -> None:
        """Fail early, with the reason the client gave, where nobody answers."""
        deadline = time.monotonic() + CONNECT_SECONDS_MAX
        while True:
            try:
                self._admin.list_topics(timeout=1)
            except KafkaException as error:
                # Lets the client tell its reason, which says more than the failed request.
                self._admin.poll(0)
                # A refused password is not mended by waiting.
                refused = self._last_error and self._last_error.code() in _NOT_ALLOWED
                if refused or time.monotonic() >= deadline:
                    raise self._stop("connecting", error) from error
            else:
                return

    def _offsets(self, topic: Existing, spec: OffsetSpec) -> list[int]:
        """The offset of each partition, waiting for leaders that are only just chosen."""
        wanted = {TopicPartition(topic.name, number): spec for number in range(topic.partitions)}
        deadline = time.monotonic() + ANSWER_SECONDS_MAX
        while True:
            futures = self._admin.list_offsets(wanted, request_timeout=ANSWER_SECONDS_MAX)
            try:
                answers = {
                    partition.partition: future.result(ANSWER_SECONDS_MAX).offset
                    for partition, future in futures.items()
                }
            except (KafkaException, TimeoutError) as error:
                if not _is_moving(error) or time.monotonic() >= deadline:
                    raise self._stop(f"reading the ends of {topic.name}", error) from error
                time.sleep(_ASK_AGAIN_S)
            else:
                return [answers[number] for number in sorted(answers)]

    def _remember(self, error: KafkaError) -> None:
        # A refused password comes first, then "all brokers down", which says less.
        if self._last_error is None or self._last_error.code() not in _NOT_ALLOWED:
            self._last_error = error

    def _result(self, doing: str, future: "Future[T]") -> T:
        return self._asked(doing, lambda: future.result(ANSWER_SECONDS_MAX))

    def _asked(self, doing: str, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except (KafkaException, TimeoutError) as error:
            raise self._stop(doing, error) from error

    def _stop(self, doing: str, error: Exception) -> Stop:
        """The sentence for a failed request: which, of whom, and what the broker said."""
        said: Any = error.args[0] if error.args else None
        where = f"{doing} at {self._servers}"
        if not isinstance(said, KafkaError):
            return Stop(Cause.BROKER_AWAY, f"{where}: no answer in {ANSWER_SECONDS_MAX:.0f} s")
        last = self._last_error
        if said.code() in _AWAY and last is not None:
            said = last
        if said.code() == KafkaError.INVALID_REPLICATION_FACTOR:
            return Stop(
                Cause.SETTINGS,
                f"{where}: TOLLGATE_REPLICATION_FACTOR is more than there are brokers",
                "Set it to the number of brokers or less, or to 0 to let it fit.",
            )
        return stop_for(doing, self._servers, said)


def stop_for(doing: str, servers: str, said: KafkaError) -> Stop:
    """The end that an error of a client is: what was being done, where, and what was said."""
    detail = f"{doing} at {servers}: {said.str()}"
    if said.code() in _NOT_ALLOWED:
        return Stop(Cause.NOT_ALLOWED, detail)
    if said.code() in _AWAY:
        return Stop(Cause.BROKER_AWAY, detail)
    return Stop(Cause.TOPIC_DIFFERS, detail)


def asked(doing: str, servers: str, ask: Callable[[], T]) -> T:
    """What a client answers; where a partition's leader was chosen just now it is asked again."""
    deadline = time.monotonic() + ANSWER_SECONDS_MAX
    while True:
        try:
            return ask()
        except KafkaException as error:
            if not _is_moving(error) or time.monotonic() >= deadline:
                raise stop_for(doing, servers, error.args[0]) from error
        time.sleep(_ASK_AGAIN_S)


def _is_moving(error: Exception) -> bool:
    return isinstance(error, KafkaException) and error.args[0].code() in _MOVING
