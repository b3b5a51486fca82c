"""Reads a history from Kafka: every topic of a prefix, whole, as far as it was committed.

Laws: only committed records are read, each partition up to an end learnt before its first record.
The ends are learnt so that a history cut while the gate runs lacks no effect of its decisions.
Nothing is written; no group is joined.
"""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from confluent_kafka import (
    Consumer,
    IsolationLevel,
    KafkaException,
    Message,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, OffsetSpec

from streams import clients
from streams.audit.history import Entry, Headers, History
from streams.errors import Cause, Stop
from streams.settings import Settings
from streams.topics import CATALOGUE, CHANGELOG, DECISIONS, INPUTS, ORDERS

# Records asked for at a time: enough that the call costs nothing, few enough to stay small.
_BATCH = 10_000
_ANSWER_SECONDS = 30.0
# Without a record or an end for this long a broker is gone; an audit must not wait for ever.
_SILENCE_SECONDS = 60.0
_NO_TIMESTAMP = 0
# `consume` waits this long unless a whole batch is there.
_PAUSE_SECONDS = 0.1
# Longer than any worker's transaction may be open (settings: at most 10 s), and its end take.
_TRANSACTION_SECONDS = 30.0

Home = tuple[str, int]  # a topic, by its catalogue name, and a partition


def read_history(settings: Settings, log_files: Sequence[Path] = ()) -> History:
    """Everything on the topics of these settings, as far as committed now."""
    try:
        return _history(settings, log_files)
    except KafkaException as error:
        raise Stop(Cause.BROKER_AWAY, f"the history could not be read: {error}") from error


def _history(settings: Settings, log_files: Sequence[Path]) -> History:
    configuration = clients.reader(settings, "audit") | {"enable.partition.eof": True}
    admin = AdminClient(clients.admin(settings))
    consumer = Consumer(configuration)
    try:
        homes = _partitions(consumer, settings.topic_prefix)
        ends = _ends_together(admin, homes, settings.topic_prefix)
        read = _read(consumer, settings, ends)
    finally:
        consumer.close()
    return History(
        topics=_by_topic(homes, read),
        partitions=sum(1 for topic, _ in homes if topic == ORDERS),
        committed=_committed(settings, homes),
        prefix=settings.topic_prefix,
        log_files=tuple(log_files),
    )


def _partitions(consumer: Consumer, prefix: str) -> list[Home]:
    """Every partition of the catalogue's topics, but the changelog: state is the gate's own."""
    known = consumer.list_topics(timeout=_ANSWER_SECONDS).topics
    homes: list[Home] = []
    for topic in CATALOGUE:
        if topic.name == CHANGELOG:
            continue
        found = known.get(topic.full_name(prefix))
        if found is None:
            raise Stop(Cause.TOPIC_MISSING, f"there is no topic {topic.full_name(prefix)}")
        homes.extend((topic.name, partition) for partition in sorted(found.partitions))
    return homes


def _ends(
    admin: AdminClient, homes: Sequence[Home], prefix: str, isolation: IsolationLevel
) -> dict[Home, int]:
    """Where each partition ends, for readers of what is committed or of everything."""
    latest = OffsetSpec.latest()  # type: ignore[no-untyped-call] # the client's own
    answers = admin.list_offsets(
        {TopicPartition(prefix + topic, number): latest for topic, number in homes},
        isolation_level=isolation,
        request_timeout=_ANSWER_SECONDS,
    )
    return {
        (where.topic.removeprefix(prefix), where.partition): answer.result().offset
        for where, answer in answers.items()
    }


def _ends_together(admin: AdminClient, homes: Sequence[Home], prefix: str) -> dict[Home, int]:
    """Ends between which no transaction is cut.

    1. The committed end of the decisions.
    2. The written ends of everything: what those decisions produced lies before them.
    3. Wait until that much is committed: the broker ends a transaction partition by partition.
    """
    decided = [home for home in homes if home[0] == DECISIONS]
    others = [home for home in homes if home[0] != DECISIONS]
    ends = _ends(admin, decided, prefix, IsolationLevel.READ_COMMITTED)
    written = _ends(admin, others, prefix, IsolationLevel.READ_UNCOMMITTED)
    until = time.monotonic() + _TRANSACTION_SECONDS
    while True:
        committed = _ends(admin, others, prefix, IsolationLevel.READ_COMMITTED)
        behind = min((home for home in others if committed[home] < written[home]), default=None)
        if behind is None:
            return ends | committed
        if time.monotonic() > until:
            raise Stop(
                Cause.UNCERTAIN_COMMIT,
                f"a transaction on {prefix}{behind[0]} partition {behind[1]} stays open",
                "Audit again when the transactions of stopped workers have timed out.",
            )
        time.sleep(_PAUSE_SECONDS)


def _by_topic(homes: Sequence[Home], read: Mapping[Home, list[Entry]]) -> dict[str, list[Entry]]:
    """Each topic's records, partition behind partition."""
    topics: dict[str, list[Entry]] = {topic: [] for topic, _ in homes}
    for home in homes:
        topics[home[0]].extend(read.get(home, ()))
    return topics


def _read(
    consumer: Consumer, settings: Settings, ends: Mapping[Home, int]
) -> dict[Home, list[Entry]]:
    """Every partition from its beginning to its end, all at once; the same key is kept once."""
    read: dict[Home, list[Entry]] = {home: [] for home, end in ends.items() if end > 0}
    prefix = settings.topic_prefix
    # One after the other, each partition costs most of a second before its first record.
    consumer.assign([TopicPartition(prefix + topic, number, 0) for topic, number in read])
    left = set(read)
    keys: dict[bytes, bytes] = {}
    heard = time.monotonic()
    while left:
        messages = consumer.consume(_BATCH, _PAUSE_SECONDS)
        for message in messages:
            home = (message.topic() or "").removeprefix(prefix), cast(int, message.partition())
            error = message.error()
            if error is not None and error.name() != "_PARTITION_EOF":
                raise KafkaException(error)
            if error is not None:
                left.discard(home)
                continue
            entry = _entry(message, home[0], keys)
            if entry.offset < ends[home]:
                read[home].append(entry)
            if entry.offset >= ends[home] - 1:
                left.discard(home)
        if messages:
            heard = time.monotonic()
        elif time.monotonic() - heard > _SILENCE_SECONDS:
            topic, number = min(left)
            raise Stop(
                Cause.BROKER_AWAY, f"{prefix}{topic} partition {number} fell silent before its end"
            )
    return read


def _entry(message: Message, topic: str, keys: dict[bytes, bytes]) -> Entry:
    key = message.key()
    _, timestamp = message.timestamp()
    # The client's types allow for messages not yet sent; these were read.
    return Entry(
        topic,
        cast(int, message.partition()),
        cast(int, message.offset()),
        max(timestamp, _NO_TIMESTAMP),
        None if key is None else keys.setdefault(key, key),
        message.value(),
        cast(Headers, tuple(message.headers() or ())),
    )


def _committed(settings: Settings, homes: Sequence[Home]) -> Mapping[Home, int]:
    """The group's committed offsets of the inputs; a partition without one was never taken."""
    prefix = settings.topic_prefix
    asked = [TopicPartition(prefix + topic, number) for topic, number in homes if topic in INPUTS]
    consumer = Consumer(clients.asker(settings, settings.group))
    try:
        found = consumer.committed(asked, _ANSWER_SECONDS)
    finally:
        consumer.close()
    return {
        (each.topic.removeprefix(prefix), each.partition): max(each.offset, 0) for each in found
    }
