"""A consumer that writes down what it is called back for, and assigns as the engine does."""

from collections.abc import Callable, Sequence
from typing import Any

from confluent_kafka import KafkaException, Message, TopicPartition

from streams.engine.kafka import is_end
from streams.engine.ports import Clients, GroupConsumer
from tests.sim.contract.sides import Side


class Recorder:
    """One member; `calls` is (what, partition numbers) in the order of the callbacks."""

    def __init__(
        self, side: Side, clients: Clients, topics: Sequence[str], instance: str = ""
    ) -> None:
        self.side = side
        self.calls: list[tuple[str, list[int]]] = []
        self.messages: list[Message] = []
        self.ends: list[tuple[str, int, int]] = []
        self.errors: list[Message] = []
        self.owned: set[int] = set()
        self.on_revoke: Callable[[], None] = lambda: None
        """Called before the first partition is let go of."""
        self.consumer: GroupConsumer = clients.group_consumer(instance)
        self._topics = list(topics)
        self.consumer.subscribe(
            [topics[0]],
            on_assign=self._heard("assign"),
            on_revoke=self._heard("revoke"),
            on_lost=self._heard("lost"),
        )

    def _heard(self, what: str) -> Callable[[Any, list[TopicPartition]], None]:
        def call(consumer: GroupConsumer, partitions: list[TopicPartition]) -> None:
            numbers = sorted(one.partition for one in partitions)
            self.calls.append((what, numbers))
            siblings = [TopicPartition(name, one, 0) for name in self._topics for one in numbers]
            if what == "assign":
                self.owned.update(numbers)
                consumer.incremental_assign(siblings)
            else:
                self.on_revoke()
                self.owned.difference_update(numbers)
                consumer.incremental_unassign(siblings)

        return call

    @property
    def id(self) -> str:
        """The member id as it is known now."""
        return self.consumer.membership()[1]

    @property
    def generation(self) -> int:
        """The generation as it is known now."""
        return self.consumer.membership()[0]

    @property
    def metadata(self) -> Any:
        """What to fence positions with."""
        return self.consumer.membership()[2]

    def values(self) -> list[str | bytes | None]:
        """Of every record given so far."""
        return [message.value() for message in self.messages]

    def poll(self, timeout: float = 0.01) -> None:
        """One poll; what it gives is kept."""
        message = self.consumer.poll(timeout)
        if message is None:
            return
        if message.error() is None:
            self.messages.append(message)
        elif is_end(message):
            self.ends.append(place(message))
        else:
            self.errors.append(message)

    def poll_for(self, seconds: float) -> None:
        """Poll for so long."""
        end = self.side.now() + seconds
        while self.side.now() < end:
            self.poll()

    def poll_until(self, condition: Callable[[], bool], what: str) -> None:
        """Poll until the condition holds."""
        poll_all_until([self], condition, what)


def poll_all_until(members: Sequence[Recorder], condition: Callable[[], bool], what: str) -> None:
    """Poll them in turn until the condition holds."""

    def polled() -> bool:
        for member in members:
            member.poll()
        return condition()

    members[0].side.until(polled, what)


def place(message: Message) -> tuple[str, int, int]:
    """(topic, partition, offset) of a record or an end."""
    topic, partition, offset = message.topic(), message.partition(), message.offset()
    assert topic is not None
    assert partition is not None
    assert offset is not None
    return topic, partition, offset


def refusal(error: KafkaException) -> tuple[int, bool, bool, bool]:
    """(code, retriable, fatal, abortable) of an exception."""
    reason = error.args[0]
    return reason.code(), reason.retriable(), reason.fatal(), reason.txn_requires_abort()
