"""The topics that `reference` reads and writes, on a real broker.

Laws: only what is committed is read, each topic to its end at the time of asking, and of a topic
read whole what is being committed there is waited for; what is written becomes visible as a whole
or not at all; of two that write at the same time, the first is fenced
out by the second and writes nothing. Every wait has a limit.
"""

import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from streams import clients
from streams.errors import Cause, Stop
from streams.settings import Settings

T = TypeVar("T")
_Place = tuple[str | None, int | None]  # topic and partition

_ROLE = "reference"

# A broker that is well answers within moments; a person waits.
_SILENCE_SECONDS_MAX = 20.0
_TRANSACTION_SECONDS = 30
# A transaction that nobody ends is ended by the broker, which looks every 10 s.
_OPEN_SECONDS_MAX = _TRANSACTION_SECONDS + 15.0
_END_WAIT_MS = 10
_ASK_SECONDS = 5
_ASK_AGAIN_SECONDS = 0.05

# What fails is said once, by the sentence that ends the command.
_QUIET = {"log_level": 2}

_NOT_ALLOWED = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
}
# librdkafka's own codes begin with an underscore.
_END = KafkaError._PARTITION_EOF  # noqa: SLF001
# While leaders are chosen, as for topics just made, the client does not ask again by itself.
_PASSING = {
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
}
_FENCED = {
    KafkaError._FENCED,  # noqa: SLF001
    KafkaError.PRODUCER_FENCED,
    KafkaError.INVALID_PRODUCER_EPOCH,
}


class Duty(NamedTuple):
    """What a writer is there for: whoever takes up the same duty fences out the one before."""

    name: str  # part of the transactional id
    writing: str
    taken_over: str
    look: str  # how a person finds out what was written


APPLYING = Duty(
    "reference-apply",
    "writing reference data",
    "somebody else has begun to apply reference data",
    "Run `tollgate reference plan`: it shows what is left to do.",
)


class Log:
    """Reads topics by their full names, from where one asks to where they end now."""

    def __init__(self, settings: Settings) -> None:
        self._servers = settings.bootstrap_servers
        self._consumer = Consumer(
            clients.reader(settings, _ROLE)
            # A broker at a topic's end waits for more before it says so; we ask where the end is.
            | {"enable.partition.eof": True, "fetch.wait.max.ms": _END_WAIT_MS, **_QUIET}
        )

    def close(self) -> None:
        """Let go of the broker."""
        self._consumer.close()

    def whole(self, topics: Iterable[str]) -> dict[str, list[Message]]:
        """Every record of topics that have one partition, none with a transaction still open."""
        starts = [TopicPartition(name, 0, 0) for name in topics]
        return {place.topic: records for place, records in self._read(starts, is_whole=True)}

    def tail(self, topic: str, partitions: int, length: int) -> list[Message]:
        """At least the last record of each partition that has any, and about `length` offsets."""
        records: list[Message] = []
        unread = dict.fromkeys(range(partitions), length)
        while unread:
            lows = {}
            starts = []
            for number, back in unread.items():
                lows[number], high = self._ends(topic, number)
                starts.append(TopicPartition(topic, number, max(lows[number], high - back)))
            for start, found in self._read(starts):
                records.extend(found)
                if found or start.offset == lows[start.partition]:
                    del unread[start.partition]
                else:
                    # Nothing but the marks of transactions: look further back.
                    unread[start.partition] *= 10
        return records

    def _ends(self, topic: str, number: int) -> tuple[int, int]:
        partition = TopicPartition(topic, number)
        deadline = time.monotonic() + _SILENCE_SECONDS_MAX
        while True:
            try:
                return self._consumer.get_watermark_offsets(partition, timeout=_ASK_SECONDS)
            except KafkaException as error:
                said: KafkaError = error.args[0]
                if said.code() not in _PASSING or time.monotonic() > deadline:
                    raise _stop(f"reading the ends of {topic}", self._servers, said) from error
            time.sleep(_ASK_AGAIN_SECONDS)

    def _read(
        self, starts: list[TopicPartition], *, is_whole: bool = False
    ) -> list[tuple[TopicPartition, list[Message]]]:
        """The records of each partition from its start to its end.

        `is_whole`: to the end of all that lies there, committed or not yet. A commit is answered
        before its marks lie on the partitions: who reads at once would miss it (1 in 60, load 4).
        """
        found: dict[_Place, list[Message]] = {
            (start.topic, start.partition): [] for start in starts
        }
        unfinished = set(found)
        held: set[_Place] = set()  # at the end of what is committed, with more behind it
        self._consumer.assign(starts)
        deadline = time.monotonic() + _SILENCE_SECONDS_MAX
        while unfinished:
            message = self._consumer.poll(0.5)
            if message is None:
                if time.monotonic() > deadline:
                    raise self._no_end(starts[0].topic, is_held=bool(held))
                continue
            place = (message.topic(), message.partition())
            error = message.error()
            held.discard(place)
            if error is None:
                found[place].append(message)
            elif error.code() != _END:
                raise _stop(f"reading {message.topic()}", self._servers, error)
            elif is_whole and self._goes_on_behind(message):
                held.add(place)
            else:
                unfinished.discard(place)
            deadline = time.monotonic() + (_OPEN_SECONDS_MAX if held else _SILENCE_SECONDS_MAX)
        self._consumer.unassign()
        return [(start, found[start.topic, start.partition]) for start in starts]

    def _goes_on_behind(self, end: Message) -> bool:
        """Whether there is more than what is committed."""
        topic, number, offset = end.topic(), end.partition(), end.offset()
        assert topic is not None
        assert number is not None
        assert offset is not None
        _, high = self._consumer.get_watermark_offsets(TopicPartition(topic, number), cached=True)
        return bool(offset < high)

    def _no_end(self, topic: str, *, is_held: bool) -> Stop:
        if not is_held:
            return Stop(Cause.BROKER_AWAY, f"reading {topic} at {self._servers}: no answer")
        return Stop(
            Cause.OFFSETS_UNSTABLE,
            f"reading {topic} and others at {self._servers}: what somebody writes there is neither "
            f"committed nor given up after {_OPEN_SECONDS_MAX:.0f} s",
        )


class Writer:
    """The one that may write now: whoever became one before is fenced out."""

    def __init__(self, settings: Settings, duty: Duty = APPLYING) -> None:
        self._servers = settings.bootstrap_servers
        self._duty = duty
        self._producer = Producer(
            clients.producer(settings, _ROLE)
            | {
                **_QUIET,
                "transactional.id": f"{settings.topic_prefix}{duty.name}",
                "transaction.timeout.ms": _TRANSACTION_SECONDS * 1000,
            }
        )
        self._asked(lambda: self._producer.init_transactions(_TRANSACTION_SECONDS))

    def write(self, records: Iterable[tuple[str, bytes, bytes]]) -> None:
        """Write (topic, key, value), all of them or none."""
        self._asked(self._producer.begin_transaction)
        try:
            for topic, key, value in records:
                self._producer.produce(topic, value, key, 0)
            # Commit sends what is left, and fails if the broker refused any record.
            self._producer.commit_transaction(_TRANSACTION_SECONDS)
        except KafkaException as error:
            raise self._given_up(error.args[0]) from error

    def _given_up(self, said: KafkaError) -> Stop:
        """End the transaction as far as one may, and say why it failed."""
        if said.retriable():
            detail = f"{self._duty.writing} at {self._servers}: {said.str()}"
            advice = f"It is not certain whether it was written. {self._duty.look}"
            return Stop(Cause.UNCERTAIN_COMMIT, detail, advice)
        if not said.fatal():
            self._asked(lambda: self._producer.abort_transaction(_TRANSACTION_SECONDS))
        return self._stop(said)

    def _asked(self, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except KafkaException as error:
            raise self._stop(error.args[0]) from error

    def _stop(self, said: KafkaError) -> Stop:
        duty = self._duty
        if said.code() in _FENCED:
            detail = f"{duty.writing} at {self._servers}: {duty.taken_over}"
            return Stop(Cause.FENCED, detail, f"Nothing was written. {duty.look}")
        return _stop(duty.writing, self._servers, said)


def _stop(doing: str, servers: str, error: Any) -> Stop:
    """The sentence for what the broker said."""
    cause = Cause.NOT_ALLOWED if error.code() in _NOT_ALLOWED else Cause.BROKER_AWAY
    return Stop(cause, f"{doing} at {servers}: {error.str()}")
