"""The real clients behind the ports: confluent-kafka (librdkafka) against a Kafka broker.

Every setting that is not librdkafka's default has its reason beside it.
"""

import ctypes
import logging
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, cast

from confluent_kafka import (
    Consumer,
    ConsumerGroupState,
    KafkaError,
    KafkaException,
    Message,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka import Producer as ConfluentProducer
from confluent_kafka.admin import AdminClient, ConfigResource, OffsetSpec, ResourceType

from streams.engine.config import Config
from streams.engine.errors import Cause, Fatal
from streams.engine.ports import (
    GroupConsumer,
    LookUps,
    Producer,
    Reader,
    TickProducer,
)

log = logging.getLogger(__name__)

_NOTHING = 0  # a log_level: the system is unusable
_SAID_EVERY_S = 10.0  # often enough to see that it goes on, seldom enough for a log's last page
_MEMBERSHIP_HEAD = len("CGMDv2:")
_EARLIEST = OffsetSpec.earliest()  # type: ignore[no-untyped-call]  # confluent-kafka has no type here
_LATEST = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # confluent-kafka has no type here

_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's

# What is over when a leader has moved or a broker has come back, and how long that may take.
_PASSING = {
    KafkaError._NOENT,  # no leader just now
    KafkaError._TIMED_OUT,
    KafkaError._TRANSPORT,
    KafkaError.FENCED_LEADER_EPOCH,
    KafkaError.KAFKA_STORAGE_ERROR,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.OFFSET_NOT_AVAILABLE,
    KafkaError.REPLICA_NOT_AVAILABLE,
    KafkaError.REQUEST_TIMED_OUT,
    KafkaError.UNKNOWN_LEADER_EPOCH,
}
_LEADER_WITHIN_S = 20.0
_ASK_AGAIN_S = 0.2
# Above the 10 s that each question may take: librdkafka answers within those, or never.
_ANSWER_S = 15.0


class KafkaClients:
    """Makes the clients of one worker from its configuration."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._common = dict(config.client)

    def group_consumer(self, instance: str) -> GroupConsumer:
        """A member of the group (see membership.py); a static one under a name."""
        limits = self._config.limits
        settings = {
            **self._common,
            "group.id": self._config.group,
            "enable.auto.commit": False,  # positions travel in the transaction
            "isolation.level": "read_committed",
            "auto.offset.reset": "error",  # a position out of range stops, never skips
            "enable.partition.eof": True,  # "nothing more here" is part of merging
            "partition.assignment.strategy": "cooperative-sticky",
            "session.timeout.ms": int(limits.session_timeout * 1000),
            "heartbeat.interval.ms": int(limits.heartbeat * 1000),
            "queued.min.messages": 20_000,
            "queued.max.messages.kbytes": 16_384,  # several turns
            "fetch.wait.max.ms": 100,
            "fetch.queue.backoff.ms": 20,  # 1000 by default: a full queue would cost a second
            # Of one partition: a turn takes from many, and one that is paused fetches again.
            "fetch.message.max.bytes": 512 << 10,
        }
        if instance:
            settings["group.instance.id"] = instance
        return cast(GroupConsumer, _GroupConsumer(settings, logger=_listening(_voice.say)))

    def reader(self, name: str) -> Reader:
        """A read_committed reader of whole partitions; `name` shows in the broker's metrics."""
        return _Reader(
            {
                **self._common,
                "log_level": _NOTHING,
                "group.id": f"{self._config.group}-{name}",  # required by librdkafka, never joined
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                "auto.offset.reset": "error",
                "fetch.wait.max.ms": 10,
                "queued.min.messages": 100_000,
                "queued.max.messages.kbytes": 2_048,  # a reader for each partition being opened
                "fetch.queue.backoff.ms": 2,  # 1000 by default, and this queue is often full
                "fetch.message.max.bytes": 512 << 10,  # a quarter of that queue
            }
        )

    def transactional_producer(self, transactional_id: str) -> Producer:
        """Fence the id's former owner, abort what it left open."""
        limits = self._config.limits
        producer = _Producer(
            {
                **self._common,
                "transactional.id": transactional_id,
                "transaction.timeout.ms": int(limits.transaction_timeout * 1000),
                "linger.ms": limits.linger_ms,
                "batch.num.messages": 10_000,
                "batch.size": 1 << 20,
                "message.max.bytes": 4 << 20,  # above the inputs': a dead letter carries one whole
                "queue.buffering.max.messages": 1_000_000,
                "partitioner": "murmur2_random",  # Java's; the default disagrees with it
                "retry.backoff.ms": 2,  # 100 by default paces CONCURRENT_TRANSACTIONS retries
                # Its log is how a broken connection is heard of: no common setting may silence it.
                "log.connection.close": True,
            }
        )
        try:
            producer.init_transactions(60)
        except KafkaException as error:
            if error.args[0].retriable():
                raise _away(error) from error
            raise
        return cast(Producer, producer)

    def tick_producer(self) -> TickProducer:
        """Plain and idempotent."""
        return cast(
            TickProducer,
            ConfluentProducer(
                {**self._common, "enable.idempotence": True, "linger.ms": 5},
                logger=_listening(_voice.say),
            ),
        )

    def look_ups(self) -> LookUps:
        """Questions on clients of their own."""
        return _LookUps(self._config)


class _Voice:
    """librdkafka's log as ours; a client that tries again and again is heard once in a while.

    A worker's clients write some eighty lines a second while the broker is away.
    """

    def __init__(self) -> None:
        self._quiet_until: dict[str, float] = {}
        self._left_out: Counter[str] = Counter()

    def say(self, record: logging.LogRecord) -> bool:
        """As a logger's filter: said here or left out, and never again further on."""
        text = record.getMessage()
        kind, now = text.partition(" ")[0], time.monotonic()
        if now < self._quiet_until.get(kind, 0.0):
            self._left_out[kind] += 1
            return False
        self._quiet_until[kind] = now + _SAID_EVERY_S
        more = self._left_out.pop(kind, 0)
        log.log(record.levelno, "%s%s", text, f" (and {more} more {kind} lines)" if more else "")
        return False


_voice = _Voice()


class _Ear(logging.Logger):
    """Hears whatever is set for other loggers: a broken connection must not be missed."""

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802  # logging's name
        return level >= logging.INFO


def _listening(hear: Callable[[logging.LogRecord], bool]) -> logging.Logger:
    """A logger for one client: librdkafka calls it when the client is polled."""
    logger = _Ear("librdkafka")
    logger.addFilter(hear)
    return logger


class _Reader(Consumer):
    def close(self) -> None:
        """What its thread has freed of a whole topic goes back to the system, too.

        glibc keeps it for that thread, and no reader may ever come by there again: 80 MB after the
        changelogs of eight partitions.
        """
        super().close()
        if _trim is not None:
            _trim(0)


class _GroupConsumer(Consumer):
    def cached_high_watermark(self, topic: str, partition: int) -> int:
        """As librdkafka heard it with the last fetch."""
        _, high = self.get_watermark_offsets(TopicPartition(topic, partition), cached=True)
        return int(high)

    def membership(self) -> tuple[int, str, Any]:
        """Read out of librdkafka's serialised metadata.

        The layout is `CGMDv2:`, generation as a native int32, then group id, member id and
        instance id, each ended by a zero byte.
        """
        metadata = self.consumer_group_metadata()
        raw = bytes(metadata)
        (generation,) = struct.unpack_from("=i", raw, _MEMBERSHIP_HEAD)
        member = raw[_MEMBERSHIP_HEAD + 4 :].split(b"\0")[1].decode()
        return generation, member, metadata


class _Producer(ConfluentProducer):
    """Hears of broken connections by librdkafka's log.

    librdkafka repeats an EndTxn whose connection broke by itself and tells nobody: the commit
    succeeds, while the first request may still reach the broker and end a later transaction
    (librdkafka #5423; tests/engine/test_late_commit.py shows it). Its error callback is silent
    about the coordinator's connection; its log has a FAIL line for every connection that breaks
    with a request under way, and a REQTMOUT line for a request that is given up after the
    transaction's timeout (then the connection is closed without a word), written before the
    repetition is sent. Within 30 s an identical line is left out: a handle that was disturbed once
    is therefore not asked again, but replaced.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        self._is_disturbed = False
        # One of its own for each handle: a shared one would tell of the other's connections.
        super().__init__(settings, logger=_listening(self._hear))

    def _hear(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        self._is_disturbed = self._is_disturbed or text.startswith(("FAIL ", "REQTMOUT "))
        return _voice.say(record)

    def is_disturbed(self) -> bool:
        """Serves the log first: a line of a commit that has returned is there by now."""
        self.poll(0)
        return self._is_disturbed


class _LookUps:
    def __init__(self, config: Config) -> None:
        self._group = config.group
        # Never polled, so a log would pile up; what goes wrong is told by whoever asked.
        self._client = {**config.client, "log_level": _NOTHING}
        # May be replaced by another thread: whoever asks keeps its own, for the answers on their
        # way to a handle that is let go never come.
        self._admin = AdminClient(dict(self._client))
        self._consumer = Consumer(
            {
                **self._client,
                "group.id": config.group,  # never subscribes: asks for the group's offsets only
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
            }
        )
        self._lock = threading.Lock()

    def cluster_id(self) -> str:
        admin = self._admin
        return str(_asked(lambda: admin.describe_cluster(request_timeout=10)).cluster_id)

    def topics(self, names: Sequence[str]) -> dict[str, tuple[str, int]]:
        admin = self._admin
        try:
            existing = admin.list_topics(timeout=10).topics
        except KafkaException as error:
            raise _away(error) from error
        asked = TopicCollection([name for name in names if name in existing])
        found = admin.describe_topics(asked, request_timeout=10)
        answers = {name: _asked(lambda future=future: future) for name, future in found.items()}
        return {
            name: (str(topic.topic_id), len(topic.partitions)) for name, topic in answers.items()
        }

    def committed(self, partitions: list[TopicPartition]) -> list[int] | None:
        try:
            with self._lock:
                answer = self._consumer.committed(partitions, 1.0)
        except KafkaException:
            return None  # also while the coordinator moves
        if any(one.error is not None for one in answer):
            return None
        return [int(one.offset) for one in answer]

    def bounds(self, partitions: list[tuple[str, int]]) -> list[tuple[int, int]]:
        # Not a read_committed consumer's watermarks: those end at the last stable offset, and a
        # replay that stops there misses a commit whose markers are still being written.
        lows = self._list_patiently(partitions, _EARLIEST)
        highs = self._list_patiently(partitions, _LATEST)
        return list(zip(lows, highs, strict=True))

    def _list_patiently(self, partitions: list[tuple[str, int]], which: OffsetSpec) -> list[int]:
        """While a leader moves or a broker restarts; Fatal when that does not end."""
        end = time.monotonic() + _LEADER_WITHIN_S
        while True:
            try:
                return self._list_offsets(partitions, which)
            except (KafkaException, TimeoutError) as error:
                passes = isinstance(error, TimeoutError) or error.args[0].code() in _PASSING
                if time.monotonic() > end or not passes:
                    raise _away(error) from error
                # A handle goes on asking with the leader's old epoch.
                self._admin = AdminClient(dict(self._client))
                time.sleep(_ASK_AGAIN_S)

    def ends(self, partitions: list[tuple[str, int]]) -> list[int]:
        try:
            return self._list_offsets(partitions, _LATEST)
        except (KafkaException, TimeoutError):
            # After a broker's restart a handle goes on asking with the leader's old epoch.
            self._admin = AdminClient(dict(self._client))
            raise

    def _list_offsets(self, partitions: list[tuple[str, int]], which: OffsetSpec) -> list[int]:
        """Without isolation: what is there, committed or not."""
        asked = [TopicPartition(topic, number) for topic, number in partitions]
        admin = self._admin
        futures = admin.list_offsets(dict.fromkeys(asked, which), request_timeout=10)
        found = {
            (one.topic, one.partition): future.result(_ANSWER_S).offset
            for one, future in futures.items()
        }
        return [int(found[one]) for one in partitions]

    def owners(self, topic: str) -> dict[str, frozenset[int]] | None:
        admin = self._admin
        answer = admin.describe_consumer_groups([self._group], request_timeout=10)
        group = _asked(lambda: answer[self._group])
        if group.state is not ConsumerGroupState.STABLE:
            return None
        return {
            member.member_id: frozenset(
                one.partition for one in member.assignment.topic_partitions if one.topic == topic
            )
            for member in group.members
        }

    def topic_setting(self, topic: str, name: str) -> str:
        admin, resource = self._admin, ConfigResource(ResourceType.TOPIC, topic)
        answer = admin.describe_configs([resource], request_timeout=10)
        return str(_asked(lambda: answer[resource])[name].value)

    def close(self) -> None:
        with self._lock:
            self._consumer.close()


def _asked(question: Any) -> Any:
    try:
        return question().result(_ANSWER_S)
    except (KafkaException, TimeoutError) as error:
        raise _away(error) from error


def _away(error: KafkaException | TimeoutError) -> Fatal:
    told = error.args[0].str() if isinstance(error, KafkaException) else "nothing came"
    return Fatal(
        Cause.BROKER_AWAY,
        f"The broker does not answer: {told}.",
        "Check the bootstrap servers, the network and the credentials, then start again.",
    )


def is_end(message: Message) -> bool:
    """Whether this is librdkafka's word that a partition has nothing more for now."""
    error = message.error()
    return error is not None and error.code() == KafkaError._PARTITION_EOF
