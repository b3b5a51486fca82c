"""Reads a history whole: every topic of a prefix, as far as it was committed, into memory.

Laws: what a gate wrote is judged from its first record on; where that is gone there is no audit.
Nothing is written; no group is joined.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from confluent_kafka import Consumer, KafkaException, TopicPartition

from streams import clients
from streams.audit.history import History
from streams.errors import Cause, Stop
from streams.history import Entry, Home, Source, Span, TopicSource
from streams.settings import Settings
from streams.topics import INPUTS

_ANSWER_SECONDS = 30.0


def read_history(settings: Settings, log_files: Sequence[Path] = ()) -> History:
    """Everything on the topics of these settings, as far as committed now."""
    source = TopicSource.open(settings)
    return History(
        topics=_by_topic(source),
        partitions=source.partitions,
        committed=_committed(settings, source.spans),
        prefix=source.prefix,
        log_files=tuple(log_files),
    )


def _by_topic(source: Source) -> dict[str, list[Entry]]:
    """Each topic's records, partition behind partition; the same key is kept once."""
    read: dict[Home, list[Entry]] = {home: [] for home in source.spans}
    keys: dict[bytes, bytes] = {}
    from_the_first = {home: Span(0, span.end) for home, span in source.spans.items()}
    for entry in source.read_together(from_the_first):
        key = None if entry.key is None else keys.setdefault(entry.key, entry.key)
        read[entry[:2]].append(entry._replace(key=key))
    topics: dict[str, list[Entry]] = {topic: [] for topic, _ in read}
    for (topic, _), entries in read.items():
        topics[topic].extend(entries)
    return topics


def _committed(settings: Settings, homes: Mapping[Home, Span]) -> Mapping[Home, int]:
    """The group's committed offsets of the inputs; a partition without one was never taken."""
    prefix = settings.topic_prefix
    asked = [TopicPartition(prefix + topic, number) for topic, number in homes if topic in INPUTS]
    consumer = Consumer(clients.asker(settings, settings.group))
    try:
        found = consumer.committed(asked, _ANSWER_SECONDS)
    except KafkaException as error:
        detail = f"the group's positions could not be read: {error}"
        raise Stop(Cause.BROKER_AWAY, detail) from error
    finally:
        consumer.close()
    return {
        (each.topic.removeprefix(prefix), each.partition): max(each.offset, 0) for each in found
    }
