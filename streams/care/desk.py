"""Puts actions onto `care.v1` and finds their decisions on `decisions.v1`.

Laws: the partition is the number's own, by the partitioner all writers share; what is read was
committed. Every wait has a limit. Whether an action was written is known, or said to be unknown.
"""

import time
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition
from confluent_kafka import murmur2 as partition_of

from streams import clients, topics
from streams.care.answer import Answer
from streams.cluster import ANSWER_SECONDS_MAX, Cluster, asked, stop_for
from streams.codec.classes import types_of
from streams.codec.codecs import Codecs
from streams.egress import records
from streams.errors import Cause, Stop
from streams.gate import effects, events, words
from streams.gate.events import CareAction
from streams.settings import Settings

_ROLE = "care"
_POLL_SECONDS = 0.2
# What fails is said once, by the sentence that ends the command.
_QUIET = {"log_level": 2}


class Place(NamedTuple):
    """Where an action lies, and from where on its decision can lie."""

    partition: int
    offset: int
    decisions_from: int


class Desk:
    """Publishes and listens until it is closed."""

    def __init__(self, settings: Settings) -> None:
        """Ask the broker for the topics; raises Stop where they or it are missing."""
        self._settings = settings
        self._servers = settings.bootstrap_servers
        codecs = _codecs(settings)
        self._encode = codecs.encoder(topics.CARE, CareAction)
        self._decode = codecs.decoder(topics.DECISIONS)
        self._care = settings.topic_prefix + topics.CARE
        self._decisions = settings.topic_prefix + topics.DECISIONS
        self._partitions = Cluster(settings).partitions((self._care, self._decisions))[self._care]
        self._producer = Producer(
            clients.producer(settings, _ROLE)
            | {**_QUIET, "delivery.timeout.ms": int(ANSWER_SECONDS_MAX * 1000)}
        )
        self._consumer = Consumer(clients.reader(settings, _ROLE) | _QUIET)

    def close(self) -> None:
        """Let go of the connections."""
        self._consumer.close()

    def publish(self, action: CareAction) -> Place:
        """Write an action and wait until every copy of the log has it."""
        key = action.msisdn.encode()
        partition = partition_of(key, self._partitions)
        # Before the action is written: its decision cannot lie before this.
        decisions_from = self._end_of_decisions(partition)
        heard: list[tuple[KafkaError | None, Message]] = []
        self._producer.produce(
            self._care,
            self._encode(action),
            key,
            on_delivery=lambda error, message: heard.append((error, message)),
            # Elsewhere the broker stamps the record, whatever is said here.
            timestamp=action.acted_at if self._settings.simulated_time else 0,
        )
        self._producer.flush(ANSWER_SECONDS_MAX)
        if not heard:
            detail = f"writing to {self._care} at {self._servers}: not acknowledged"
            raise Stop(Cause.BROKER_AWAY, detail, _again(action))
        [(error, message)] = heard
        if error is not None:
            stop = stop_for(f"writing to {self._care}", self._servers, error)
            raise Stop(stop.cause, stop.detail, _again(action))
        offset = message.offset()
        assert message.partition() == partition, "the partitioner is another one"
        assert offset is not None, "an acknowledged record has its place"
        return Place(partition, offset, decisions_from)

    def wait_for(self, place: Place, seconds: float) -> Answer | None:
        """What the gate decides on the action that lies there; None when time is up."""
        cause = records.Cause(topics.CARE, place.partition, place.offset, 0)
        self._consumer.assign(
            [TopicPartition(self._decisions, place.partition, place.decisions_from)]
        )
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            message = self._consumer.poll(_POLL_SECONDS)
            if message is None:
                continue
            if (error := message.error()) is not None:
                raise stop_for(f"reading {self._decisions}", self._servers, error)
            decision: records.Decision = self._decode(message.value())
            if decision.cause == cause:
                return Answer.of(decision)
        return None

    def _end_of_decisions(self, partition: int) -> int:
        at = TopicPartition(self._decisions, partition)
        return asked(
            f"reading {self._decisions}",
            self._servers,
            lambda: self._consumer.get_watermark_offsets(at, timeout=ANSWER_SECONDS_MAX),
        )[1]


def _codecs(settings: Settings) -> Codecs:
    types = types_of(words, events, effects, records)
    if settings.schema_registry_url:
        return Codecs.from_registry(settings.schema_registry_url, settings.topic_prefix, types)
    return Codecs.from_repository(types)


def _again(action: CareAction) -> str:
    return (
        "It is not certain whether the action was written. Run the same command again with "
        f"--action-id {action.action_id}: then it is done once, whatever became of it now."
    )
