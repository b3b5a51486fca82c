"""Reads a history from Kafka: every topic of a prefix, whole, as far as it was committed.

Laws: only committed records are read, each partition up to an end learnt before its first record.
The ends of the decisions are learnt first: whatever a decision read here produced is then within
the ends of the other topics, so that a history cut while the gate runs lacks no effect of its
decisions. Nothing is written; no group is joined.
"""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from confluent_kafka import (
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaException,
    Message,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient

from streams import clients
from streams.audit.history import Entry, Headers, History
from streams.settings import Settings
from streams.topics import CATALOGUE, CHANGELOG, DECISIONS, INPUTS, ORDERS

# Records asked for at a time: enough that the call costs nothing, few enough to stay small.
_BATCH = 10_000
_ANSWER_SECONDS = 30.0
# Without a record or an end for this long a broker is gone; an audit must not wait for ever.
_SILENCE_SECONDS = 60.0
_NO_TIMESTAMP = 0


class Incomplete(Exception):
    """The history could not be read to its end."""


def read_history(settings: Settings, log_files: Sequence[Path] = ()) -> History:
    """Everything on the topics of these settings, as far as committed now."""
    configuration = clients.reader(settings, "audit") | {"enable.partition.eof": True}
    consumer = Consumer(configuration)
    try:
        homes = _partitions(consumer, settings.topic_prefix)
        ends = _ends(consumer, [home for home in homes if home[0] == DECISIONS], settings)
        ends |= _ends(consumer, [home for home in homes if home[0] != DECISIONS], settings)
        topics: dict[str, list[Entry]] = {topic.name: [] for topic in CATALOGUE}
        shared: dict[bytes, bytes] = {}
        for (topic, partition), end in ends.items():
            if end > 0:
                name = settings.topic_prefix + topic
                topics[topic].extend(_read(consumer, name, topic, partition, end, shared))
    finally:
        consumer.close()
    return History(
        topics=topics,
        partitions=sum(1 for topic, _ in homes if topic == ORDERS),
        committed=_committed(settings, homes),
        prefix=settings.topic_prefix,
        log_files=tuple(log_files),
    )


def _partitions(consumer: Consumer, prefix: str) -> list[tuple[str, int]]:
    """Every partition of the catalogue's topics, but the changelog: state is the gate's own."""
    known = consumer.list_topics(timeout=_ANSWER_SECONDS).topics
    homes: list[tuple[str, int]] = []
    for topic in CATALOGUE:
        if topic.name == CHANGELOG:
            continue
        found = known.get(topic.full_name(prefix))
        if found is None:
            raise Incomplete(
                f"there is no topic {topic.full_name(prefix)}: "
                "check TOLLGATE_TOPIC_PREFIX, or make it with `tollgate topics apply`"
            )
        homes.extend((topic.name, partition) for partition in sorted(found.partitions))
    return homes


def _ends(
    consumer: Consumer, homes: Sequence[tuple[str, int]], settings: Settings
) -> dict[tuple[str, int], int]:
    """Where each partition ends for a reader of what is committed."""
    ends = {}
    for topic, partition in homes:
        where = TopicPartition(settings.topic_prefix + topic, partition)
        _, ends[topic, partition] = consumer.get_watermark_offsets(where, timeout=_ANSWER_SECONDS)
    return ends


def _read(
    consumer: Consumer,
    name: str,
    topic: str,
    partition: int,
    end: int,
    shared: dict[bytes, bytes],
) -> list[Entry]:
    """One partition from its beginning to an end; the same key is kept once."""
    consumer.assign([TopicPartition(name, partition, 0)])
    entries: list[Entry] = []
    heard = time.monotonic()
    while True:
        messages = consumer.consume(_BATCH, 0.1)
        for message in messages:
            error = message.error()
            if error is not None and error.name() != "_PARTITION_EOF":
                raise KafkaException(error)
            entry = None if error is not None else _entry(message, topic, shared)
            if entry is None or entry.offset >= end:
                return entries
            entries.append(entry)
        if messages:
            heard = time.monotonic()
        elif time.monotonic() - heard > _SILENCE_SECONDS:
            raise Incomplete(
                f"{name} partition {partition} went silent before its end {end}: "
                "check the broker, then audit again"
            )


def _entry(message: Message, topic: str, shared: dict[bytes, bytes]) -> Entry:
    key = message.key()
    _, timestamp = message.timestamp()
    # The client's types allow for messages not yet sent; these were read.
    return Entry(
        topic,
        cast(int, message.partition()),
        cast(int, message.offset()),
        max(timestamp, _NO_TIMESTAMP),
        None if key is None else shared.setdefault(key, key),
        message.value(),
        cast(Headers, tuple(message.headers() or ())),
    )


def _committed(
    settings: Settings, homes: Sequence[tuple[str, int]]
) -> Mapping[tuple[str, int], int]:
    """The group's committed offsets of the inputs; a partition without one was never taken."""
    admin = AdminClient(clients.admin(settings))
    asked = ConsumerGroupTopicPartitions(
        settings.group,
        [
            TopicPartition(settings.topic_prefix + topic, partition)
            for topic, partition in homes
            if topic in INPUTS
        ],
    )
    answers = admin.list_consumer_group_offsets([asked], request_timeout=_ANSWER_SECONDS)
    found = answers[settings.group].result().topic_partitions
    prefix = settings.topic_prefix
    return {
        (each.topic.removeprefix(prefix), each.partition): max(each.offset, 0) for each in found
    }
