"""The last records of some topics, to be published once more."""

from confluent_kafka import Consumer, TopicPartition

from streams import clients
from streams.settings import Settings

_ANSWER_S = 30.0
_QUIET_S = 1.0

Published = tuple[str, bytes | None, bytes | None]
"""(topic without prefix, key, value)"""


def last_records(settings: Settings, names: tuple[str, ...], most: int) -> list[Published]:
    """At most so many, from the ends of all partitions."""
    prefix = settings.topic_prefix
    consumer = Consumer(clients.reader(settings, "soak-again"))
    try:
        places = []
        each = max(1, most // (len(names) * settings.partitions))
        for name in names:
            for number in range(settings.partitions):
                place = TopicPartition(prefix + name, number)
                low, high = consumer.get_watermark_offsets(place, timeout=_ANSWER_S)
                place.offset = max(low, high - each)
                places.append(place)
        consumer.assign(places)
        found: list[Published] = []
        while batch := consumer.consume(most, _QUIET_S):
            for record in batch:
                topic = record.topic()
                if record.error() is None and topic is not None:
                    found.append((topic.removeprefix(prefix), record.key(), record.value()))
            if len(found) >= most:
                break
        return found[:most]
    finally:
        consumer.close()
