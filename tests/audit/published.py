"""A history written by hand, put on a real broker's topics."""

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from streams import clients, provision
from streams.audit import History
from streams.broker import EmbeddedBroker
from streams.history import Entry
from streams.settings import Settings
from streams.topics import CHARGES
from tests.audit.scribe import OUTPUTS

ANSWER_SECONDS = 30


def topics_in_story_time(kafka: EmbeddedBroker, prefix: str, partitions: int) -> Settings:
    """Topics of one's own, whose records have the times that their writer gives them."""
    made = Settings(
        bootstrap_servers=kafka.bootstrap_servers,
        topic_prefix=prefix,
        group=f"{prefix}gate",
        partitions=partitions,
        simulated_time=True,
    )
    provision.apply(made)
    return made


def remove(settings: Settings, topic: str, partition: int, before: int) -> None:
    """What retention does: the records before an offset are gone."""
    admin = AdminClient(clients.admin(settings))
    at = TopicPartition(settings.topic_prefix + topic, partition, before)
    for done in admin.delete_records([at]).values():
        done.result(ANSWER_SECONDS)


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
