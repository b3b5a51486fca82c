"""A history written by hand, put on a real broker's topics."""

from confluent_kafka import Consumer, Producer, TopicPartition

from streams import clients
from streams.audit import History
from streams.history import Entry
from streams.settings import Settings
from streams.topics import CHARGES
from tests.audit.scribe import OUTPUTS

ANSWER_SECONDS = 30


def write(settings: Settings, history: History) -> None:
    """Inputs and reference data as their writers publish them, outputs in one transaction."""
    outside = Producer(clients.producer(settings, "outside"))
    for entries in history.topics.values():
        for entry in entries:
            if entry.topic not in OUTPUTS:
                send(outside, settings, entry)
    assert outside.flush(ANSWER_SECONDS) == 0
    configuration = clients.producer(settings, "gate")
    gate = Producer(configuration | {"transactional.id": settings.group})
    gate.init_transactions(ANSWER_SECONDS)
    gate.begin_transaction()
    for topic in OUTPUTS:
        for entry in history.of(topic):
            send(gate, settings, entry)
    gate.commit_transaction(ANSWER_SECONDS)
    gate.begin_transaction()
    send(gate, settings, history.of(CHARGES)[0])
    assert gate.flush(ANSWER_SECONDS) == 0
    gate.abort_transaction(ANSWER_SECONDS)
    commit(settings, history)


def send(producer: Producer, settings: Settings, entry: Entry) -> None:
    """One record, where and when it was."""
    producer.produce(
        settings.topic_prefix + entry.topic,
        entry.value,
        entry.key,
        entry.partition,
        timestamp=entry.timestamp,
        headers=list(entry.headers),
    )


def commit(settings: Settings, history: History) -> None:
    """The group's positions."""
    consumer = Consumer(clients.reader(settings, "gate") | {"group.id": settings.group})
    consumer.commit(
        offsets=[
            TopicPartition(settings.topic_prefix + topic, partition, offset)
            for (topic, partition), offset in (history.committed or {}).items()
        ],
        asynchronous=False,
    )
    consumer.close()
