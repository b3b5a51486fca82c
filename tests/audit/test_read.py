"""Reading a history from a real broker: everything committed, nothing else."""

from dataclasses import replace

import pytest

from streams.audit import audit_topics, read_history
from streams.broker import EmbeddedBroker
from streams.errors import Stop
from streams.history import Entry
from streams.settings import Settings
from streams.topics import ORDERS, REFERENCES, REPLIES
from tests.audit.honest import honest
from tests.audit.published import topics_in_story_time, write
from tests.audit.scribe import PARTITIONS


@pytest.fixture
def settings(kafka: EmbeddedBroker, prefix: str) -> Settings:
    """Topics of one's own, in the simulator's time."""
    return topics_in_story_time(kafka, prefix, PARTITIONS)


def test_what_was_committed_is_read_and_audited(settings: Settings) -> None:
    """A day's records are read as they were written, the aborted ones left out, and pass."""
    written = honest(settings.topic_prefix).history()
    write(settings, written)
    read = read_history(settings)
    assert read.partitions == PARTITIONS
    assert read.committed is not None
    for home, offset in (written.committed or {}).items():
        assert read.committed[home] == offset
    for topic, entries in written.topics.items():
        assert [without_time(entry) for entry in read.of(topic)] == [
            without_time(entry) for entry in entries
        ]
    report = audit_topics(settings, drained=True)
    assert [str(found) for found in report.findings] == []


def without_time(entry: Entry) -> Entry:
    """Reference data is published at the time of writing; its time is not compared."""
    return entry._replace(timestamp=0) if entry.topic in REFERENCES else entry


def test_a_position_left_behind_is_named(settings: Settings) -> None:
    """A drained gate that did not commit what it decided on is found out."""
    history = honest(settings.topic_prefix).history()
    replies = history.of(REPLIES)[-1]
    behind = {**(history.committed or {}), (REPLIES, replies.partition): replies.offset}
    write(settings, replace(history, committed=behind))
    report = audit_topics(settings, drained=True)
    assert [found[:4] for found in report.findings] == [(9, *replies[:3])]


def test_a_missing_topic_is_said_in_a_sentence(kafka: EmbeddedBroker, prefix: str) -> None:
    """Without topics there is nothing to audit, and the sentence says which one and what to do."""
    nowhere = Settings(bootstrap_servers=kafka.bootstrap_servers, topic_prefix=prefix)
    with pytest.raises(Stop, match=f"(?s)no topic {prefix}{ORDERS}.*topics apply"):
        read_history(nowhere)
