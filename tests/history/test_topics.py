"""The topics of a real broker as a source: what it gives, in which order, and what it refuses."""

import pickle
from collections.abc import Sequence

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from streams import clients
from streams.broker import EmbeddedBroker
from streams.errors import Cause, Stop
from streams.history import Span, TopicSource
from streams.settings import Settings
from streams.topics import CHANGELOG, DECISIONS, MESSAGES, ORDERS, PROVIDERS, REFERENCES, TICKS
from tests.audit.published import ANSWER_SECONDS, remove, topics_in_story_time

PARTITIONS = 2
# More than one batch of the source.
MANY = 5_000


@pytest.fixture
def settings(kafka: EmbeddedBroker, prefix: str) -> Settings:
    """Topics of one's own, in the simulator's time."""
    return topics_in_story_time(kafka, prefix, PARTITIONS)


def write(settings: Settings, topic: str, partition: int, values: Sequence[bytes]) -> None:
    """Records one behind the other, their own value as key."""
    outside = Producer(clients.producer(settings, "outside") | {"linger.ms": 5})
    for value in values:
        outside.produce(settings.topic_prefix + topic, value, value, partition)
    assert outside.flush(ANSWER_SECONDS) == 0


def test_a_home_is_read_in_order_between_any_two_offsets(settings: Settings) -> None:
    """A reading gives exactly the records from its begin to its end, also in another process."""
    written = [b"%d" % each for each in range(MANY)]
    write(settings, ORDERS, 1, written)
    source = pickle.loads(pickle.dumps(TopicSource.open(settings)))  # noqa: S301 # made here
    assert source.partitions == PARTITIONS
    assert source.spans[ORDERS, 1] == Span(0, MANY)
    assert source.spans[ORDERS, 0] == Span(0, 0)
    entries = list(source.read((ORDERS, 1), 0, MANY))
    assert [each.value for each in entries] == written
    assert [each.offset for each in entries] == list(range(MANY))
    some = list(source.read((ORDERS, 1), 7, 4_321))
    assert some == entries[7:4_321]
    assert not list(source.read((ORDERS, 0), 0, 0))


def test_many_homes_are_read_together_each_in_its_order(settings: Settings) -> None:
    """Several partitions of several topics with one client, each up to its own end."""
    homes = {(ORDERS, 0): 3, (ORDERS, 1): 30, (TICKS, 1): 300, (PROVIDERS, 0): 2}
    for (topic, partition), count in homes.items():
        write(settings, topic, partition, [b"%d" % each for each in range(count)])
    source = TopicSource.open(settings)
    read: dict[tuple[str, int], list[int]] = {home: [] for home in homes}
    for entry in source.read_together({home: source.spans[home] for home in homes}):
        read[entry[:2]].append(entry.offset)
    assert read == {home: list(range(count)) for home, count in homes.items()}


def test_every_topic_but_the_changelog_has_its_spans(settings: Settings) -> None:
    """Each per-subscriber topic has all its partitions, each reference topic one."""
    spans = TopicSource.open(settings).spans
    assert CHANGELOG not in {topic for topic, _ in spans}
    assert {home for home in spans if home[0] in REFERENCES} == {(name, 0) for name in REFERENCES}
    assert [number for topic, number in spans if topic == MESSAGES] == list(range(PARTITIONS))


def test_what_was_aborted_is_no_record_and_what_comes_later_is_not_read(
    settings: Settings,
) -> None:
    """Only what was committed when the source was opened is given; `later` reaches further."""
    gate = Producer(clients.producer(settings, "gate") | {"transactional.id": settings.group})
    gate.init_transactions(ANSWER_SECONDS)
    topics = [settings.topic_prefix + topic for topic in (MESSAGES, DECISIONS)]
    for value, is_committed in ((b"a", True), (b"b", False), (b"c", True), (b"d", True)):
        gate.begin_transaction()
        for topic in topics:
            gate.produce(topic, value, value, 0)
        assert gate.flush(ANSWER_SECONDS) == 0
        (gate.commit_transaction if is_committed else gate.abort_transaction)(ANSWER_SECONDS)
        if value == b"c":
            source = TopicSource.open(settings)
    for topic in (MESSAGES, DECISIONS):
        for reached, values in ((source, [b"a", b"c"]), (source.later(), [b"a", b"c", b"d"])):
            span = reached.spans[topic, 0]
            assert [each.value for each in reached.read((topic, 0), *span)] == values


def test_what_retention_removed_is_named(settings: Settings) -> None:
    """A reading that begins before what is left ends with the offsets that are gone."""
    write(settings, ORDERS, 0, [b"%d" % each for each in range(10)])
    before = TopicSource.open(settings)
    remove(settings, ORDERS, 0, 4)
    source = TopicSource.open(settings)
    assert source.spans[ORDERS, 0] == Span(4, 10)
    assert [each.offset for each in source.read((ORDERS, 0), 4, 10)] == list(range(4, 10))
    with pytest.raises(Stop, match=f"{settings.topic_prefix}{ORDERS} partition 0: offsets 1 to 3"):
        source.read((ORDERS, 0), 1, 10)
    with pytest.raises(Stop, match="removed while they were read") as removed:
        list(before.read((ORDERS, 0), 0, 10))
    assert removed.value.cause is Cause.HISTORY_INCOMPLETE


def test_what_a_source_does_not_reach_is_named(settings: Settings) -> None:
    """An end behind the source's, and a partition that it has not, are refused at once."""
    source = TopicSource.open(settings)
    with pytest.raises(Stop, match=f"{ORDERS} partition 1: it ends at 0, before 5"):
        source.read((ORDERS, 1), 0, 5)
    with pytest.raises(Stop, match=f"{ORDERS} partition {PARTITIONS}: there is no such partition"):
        source.read((ORDERS, PARTITIONS), 0, 1)


def test_a_topic_that_lacks_a_partition_is_named(settings: Settings) -> None:
    """A topic that was made again with fewer partitions is no history, whatever it holds."""
    admin = AdminClient(clients.admin(settings))
    messages = settings.topic_prefix + MESSAGES
    admin.delete_topics([messages])[messages].result(ANSWER_SECONDS)
    while messages in admin.list_topics(timeout=ANSWER_SECONDS).topics:
        pass
    admin.create_topics([NewTopic(messages, 1)])[messages].result(ANSWER_SECONDS)
    with pytest.raises(Stop, match=f"{messages} partition 1: there is no such partition") as gone:
        TopicSource.open(settings)
    assert gone.value.cause is Cause.HISTORY_INCOMPLETE
