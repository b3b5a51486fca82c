"""A partition of an input, or a reference topic, as an operator sees it."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from typing import NamedTuple, TypeVar

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from streams import clients, provision, topics
from streams.cluster import ANSWER_SECONDS_MAX, asked, stop_for
from streams.codec.codecs import Codecs
from streams.egress.records import Decision
from streams.errors import Cause, Stop
from streams.ingress.read import TICK, Reader, Unreadable
from streams.settings import Settings
from streams.topics import INPUTS, REFERENCES

T = TypeVar("T")

_POLL_SECONDS = 0.2
# Clocks of brokers differ by less, and a decision has a later time than its cause.
_EARLIER_MS = 600_000
# Looked at before an operator is asked: some seconds' worth.
_LOOKED_AT_MAX = 100_000
# librdkafka's own codes begin with an underscore.
_END = KafkaError._PARTITION_EOF  # noqa: SLF001


class Unread(NamedTuple):
    """What cannot be read among the records that were looked at."""

    records: int
    causes: Counter[str]
    last: int
    """Offset of the last one that cannot be read; -1 without any."""
    is_whole: bool
    """Whether all that was asked for was looked at."""


class Place:
    """A partition, read until it is closed; only what was committed is seen."""

    def __init__(self, settings: Settings, codecs: Codecs, topic: str, partition: int) -> None:
        """`topic` without prefix, an input or a reference topic."""
        self._total = provision.check(settings)
        self.is_reference = topic in REFERENCES
        there = 1 if self.is_reference else self._total
        if partition >= there:
            full = settings.topic_prefix + topic
            what = "one partition, 0" if there == 1 else f"{there} partitions, 0 to {there - 1}"
            raise Stop(Cause.ACT_REFUSED, f"{full} has {what}: there is no {partition}")
        self.topic = topic
        self.partition = partition
        self._settings = settings
        self._codecs = codecs
        self._full = settings.topic_prefix + topic
        self._consumer = Consumer(
            clients.reader(settings, "quarantine") | {"enable.partition.eof": True, "log_level": 2}
        )
        at = TopicPartition(self._full, partition)
        self.begin, self.end = self._asked(
            lambda: self._consumer.get_watermark_offsets(at, timeout=ANSWER_SECONDS_MAX)
        )

    def close(self) -> None:
        """Let go of the connections."""
        self._consumer.close()

    def __str__(self) -> str:
        """As it is told to people."""
        return f"{self._full} [{self.partition}]"

    def decided(self) -> int:
        """The offset up to which the group has decided now; where it begins if it never has."""
        assert not self.is_reference, "nothing of a reference topic is decided before all is read"
        asker = Consumer(clients.asker(self._settings, self._settings.group) | {"log_level": 2})
        at = TopicPartition(self._full, self.partition)
        try:
            [answer] = self._asked(lambda: asker.committed([at], ANSWER_SECONDS_MAX))
        finally:
            asker.close()
        return max(answer.offset, self.begin)

    def decisions_end(self) -> int:
        """Where this partition's decisions end: what is not decided yet will be behind it."""
        at = self._decisions()
        return self._asked(
            lambda: self._consumer.get_watermark_offsets(at, timeout=ANSWER_SECONDS_MAX)
        )[1]

    def decisions_since(self, ms: int) -> int:
        """Where decisions on records of a time (UTC) begin, at the latest."""
        at = self._decisions(max(0, ms - _EARLIER_MS))
        [found] = self._asked(
            lambda: self._consumer.offsets_for_times([at], timeout=ANSWER_SECONDS_MAX)
        )
        return found.offset if found.offset >= 0 else self.decisions_end()

    def decision(self, offset: int, begin: int, seconds: float) -> Decision | None:
        """What was decided on the record there; None if nothing is when time is up.

        `begin`: where its decision cannot lie before.
        """
        deadline = time.monotonic() + seconds
        while True:
            if self.is_reference:
                # The owner of partition 0 tells, when its turn comes.
                found = self._decision_on(offset, begin)
                if found is not None:
                    return found
            elif self.decided() > offset:
                return self._decision_on(offset, begin)
            if time.monotonic() >= deadline:
                return None
            time.sleep(_POLL_SECONDS)

    def _decision_on(self, offset: int, begin: int) -> Decision | None:
        cause = self.topic, self.partition, offset, 0
        decode = self._codecs.decoder(topics.DECISIONS)
        for message in self._read(self._decisions(begin), self.decisions_end() - 1):
            decision: Decision = decode(message.value())
            # A record of reference data may have been told for a fault of its own before.
            if decision.cause == cause and (not self.is_reference or decision.evidence):
                return decision
        return None

    def record(self, offset: int) -> Message | None:
        """The record at an offset; None where a transaction's mark lies."""
        return next(self.records(offset, offset), None)

    def records(self, first: int, last: int) -> Iterator[Message]:
        """The records from one offset to another, both included, as far as there are any."""
        return self._read(TopicPartition(self._full, self.partition, first), last)

    def _decisions(self, number: int = 0) -> TopicPartition:
        """The partition on which its decisions lie, with an offset or a time."""
        full = self._settings.topic_prefix + topics.DECISIONS
        return TopicPartition(full, self.partition, number)

    def _read(self, begin: TopicPartition, last: int) -> Iterator[Message]:
        """From there to an offset, included."""
        self._consumer.assign([begin])
        deadline = time.monotonic() + ANSWER_SECONDS_MAX
        while True:
            message = self._consumer.poll(_POLL_SECONDS)
            if message is None:
                if time.monotonic() > deadline:
                    raise Stop(Cause.BROKER_AWAY, f"reading {begin.topic}: no answer")
                continue
            deadline = time.monotonic() + ANSWER_SECONDS_MAX
            error, offset = message.error(), message.offset()
            if error is not None and error.code() != _END:
                raise stop_for(f"reading {begin.topic}", self._settings.bootstrap_servers, error)
            assert offset is not None
            if error is not None or offset > last:
                break
            yield message
            if offset == last:
                break
        self._consumer.unassign()

    def unread(self, last: int) -> Unread:
        """What cannot be read from where the group is up to an offset, by cause."""
        reader, source = Reader(self._codecs), INPUTS.index(self.topic)
        causes: Counter[str] = Counter()
        count, latest = 0, -1
        for message in islice(self.records(self.decided(), last), _LOOKED_AT_MAX):
            count += 1
            if source == TICK:
                said = reader.tick_fault(message)
            else:
                event = reader.read(source, message, self.partition, self._total)
                said = event if isinstance(event, Unreadable) else None
            if said is not None:
                causes[said.cause] += 1
                latest = message.offset() or 0
        return Unread(count, causes, latest, count < _LOOKED_AT_MAX)

    def _asked(self, ask: Callable[[], T]) -> T:
        return asked(f"asking for {self}", self._settings.bootstrap_servers, ask)
