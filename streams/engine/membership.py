"""The worker's place in the group: which partition numbers it owns, with all their siblings.

The group subscribes to the first input only; the same partition numbers of the sibling inputs are
assigned here, in the same callbacks, so a partition number is never split between two workers
(subscribing to several topics with `cooperative-sticky` splits them: 16 to 24 wrong pairs of 8).
Partitions come and go only inside `poll`, and polls happen only between turns.
"""

import logging
from collections.abc import Callable
from concurrent.futures import Future

from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from streams.engine.config import Config
from streams.engine.errors import Cause, Fatal
from streams.engine.kafka import is_end
from streams.engine.partition import Partition
from streams.engine.ports import Background, Clients, GroupConsumer
from streams.engine.restore import Abandoned, Opening

log = logging.getLogger(__name__)

_GONE = {KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE}


class Membership:
    """Partitions owned (`open`), partitions on their way (`opening`), and the consumer."""

    def __init__(
        self,
        config: Config,
        clients: Clients,
        background: Background,
        prepare: Callable[[int], Opening],
    ) -> None:
        self.open: dict[int, Partition] = {}
        self.consumer: GroupConsumer = clients.group_consumer(config.instance)
        self._config = config
        self._background = background
        self._prepare = prepare
        self._opening: dict[int, tuple[Opening, Future[Partition]]] = {}
        # Taken away while they were being opened: nobody waits for them but who opens them next.
        self._leaving: dict[int, Future[Partition]] = {}
        self._input = {topic: number for number, topic in enumerate(config.inputs)}
        self.consumer.subscribe(
            [config.inputs[0]],
            on_assign=self._assigned,
            on_revoke=self._revoked,
            on_lost=self._revoked,
        )

    @property
    def is_opening(self) -> bool:
        """Whether partitions were given to us that cannot take part yet."""
        return bool(self._opening)

    # -- between turns ---------------------------------------------------------------------------

    def poll(self, timeout: float, records: int) -> None:
        """Take in what has arrived, up to `records`; waits at most `timeout` seconds.

        `consume(n, timeout)` would wait all of the timeout unless n arrive; a poll for the first
        record does not.
        """
        first = self.consumer.poll(timeout)
        if first is None:
            return
        self._take(first)
        for message in self.consumer.consume(records - 1, 0):
            self._take(message)

    def _take(self, message: Message) -> None:
        number, topic = message.partition(), message.topic()
        error = message.error()
        partition = None if number is None else self.open.get(number)
        if error is None:
            if partition is not None and topic is not None:
                partition.merge.add(self._input[topic], message)
        elif is_end(message):
            offset = message.offset()
            if partition is not None and topic is not None and offset is not None:
                partition.merge.reached_end(self._input[topic], offset)
        elif error.code() in _GONE:
            if partition is None:
                # A fetch went out at 0 before the pause, and retention has removed the first
                # record. Opening compares the true position with where the log begins.
                return
            raise Fatal(
                Cause.LOG_TRUNCATED,
                f"{topic} [{number}]: {error.str()}.",
                "Records are gone that were never decided; restore them, nothing is skipped.",
            )
        elif error.fatal() or error.code() == KafkaError._FATAL:
            raise Fatal(
                Cause.FENCED,
                f"The group consumer cannot go on: {error.str()}.",
                "Another worker may run under the same instance name; give each its own.",
            )

    def admit(self, ready: Callable[[Partition], bool]) -> list[Partition]:
        """Let partitions take part that have been opened and that the caller finds ready."""
        admitted = []
        for number, (_, future) in list(self._opening.items()):
            if not future.done():
                continue
            partition = future.result()
            if not ready(partition):
                continue
            del self._opening[number]
            self.open[number] = partition
            # Resume, then seek: the other way round the first fetch waits up to a second.
            self.consumer.resume(partition.offsets())
            for position in partition.offsets():
                self._go_to(position)
            admitted.append(partition)
        return admitted

    def _go_to(self, position: TopicPartition) -> None:
        try:
            self.consumer.seek(position)
        except KafkaException as error:
            if error.args[0].code() != KafkaError._STATE:
                raise
            # Its fetching had ended with an offset out of range: begin it anew.
            self.consumer.incremental_unassign([position])
            self.consumer.incremental_assign([position])

    def throttle(self, partition: Partition) -> None:
        """Pause an input that is far ahead of its siblings; resume it when half is taken."""
        inputs = len(self._config.inputs) * len(self.open)
        # With less than two it would never be resumed: no input has less than nothing left.
        limit = max(2, self._config.limits.buffered_records // inputs)
        for source, topic in enumerate(self._config.inputs):
            buffered = partition.merge.buffered(source)
            if buffered > limit and source not in partition.paused:
                self.consumer.pause([TopicPartition(topic, partition.number)])
                partition.paused.add(source)
            elif source in partition.paused and buffered < limit // 2:
                position = TopicPartition(topic, partition.number, partition.merge.fetched[source])
                self.consumer.resume([position])
                self.consumer.seek(position)
                partition.paused.discard(source)

    def high(self, partition: int) -> Callable[[int], int]:
        """Input number to its end as last heard of, for merging."""
        consumer, inputs = self.consumer, self._config.inputs
        return lambda source: consumer.cached_high_watermark(inputs[source], partition)

    def leave(self) -> None:
        """Leave the group: what is open is given back."""
        self.consumer.close()

    def close(self) -> None:
        """Let go of every store that is left."""
        for partition in self.open.values():
            partition.store.close()
        self.open.clear()
        for future in self._leaving.values():
            _let_go(future)
        self._leaving.clear()

    # -- called back inside poll and close -------------------------------------------------------

    def _siblings(self, numbers: list[int]) -> list[TopicPartition]:
        return [
            TopicPartition(topic, number, 0) for topic in self._config.inputs for number in numbers
        ]

    def _assigned(self, consumer: GroupConsumer, given: list[TopicPartition]) -> None:
        numbers = [one.partition for one in given]
        siblings = self._siblings(numbers)
        consumer.incremental_assign(siblings)
        if siblings:
            consumer.pause(siblings)  # until opened
        for number in numbers:
            opening = self._prepare(number)
            former = self._leaving.pop(number, None)
            self._opening[number] = opening, self._background.submit(_after(former, opening))

    def _revoked(self, consumer: GroupConsumer, taken: list[TopicPartition]) -> None:
        numbers = [one.partition for one in taken]
        for number in numbers:
            partition = self.open.pop(number, None)
            if partition is not None:
                partition.store.close()
                log.info("partition %d is given back at %s", number, partition.committed.next)
            else:
                opening, self._leaving[number] = self._opening.pop(number)
                opening.abandoned = True
        if numbers:
            consumer.incremental_unassign(self._siblings(numbers))


def _after(former: Future[Partition] | None, opening: Opening) -> Callable[[], Partition]:
    """Open a partition once its store has been let go by an opening that was abandoned."""

    def work() -> Partition:
        if former is not None:
            _let_go(former)
        return opening.open()

    return work


def _let_go(abandoned: Future[Partition]) -> None:
    """Close what an abandoned opening may have opened all the same."""
    try:
        abandoned.result().store.close()
    except (Abandoned, Fatal):
        return  # not ours any more; its next owner finds the same trouble, if it is one
