"""Reference topics: small, one partition each, read in full by every worker.

They advance only between turns, so a turn sees one state of them; how far they were read is part of
every partition's positions, and a new owner reads at least that far before it takes a turn.
"""

from collections.abc import Sequence

from confluent_kafka import KafkaException, Message, TopicPartition

from streams.engine.config import Config
from streams.engine.errors import Cause, Fatal
from streams.engine.kafka import is_end
from streams.engine.ports import Clients, LookUps


class References:
    """Reads every reference topic from its start and hands each record to the job's fold."""

    def __init__(self, config: Config, clients: Clients, look_ups: LookUps) -> None:
        self.positions = [0] * len(config.references)
        self._fold = config.fold
        self._index = {topic: number for number, topic in enumerate(config.references)}
        self._reader = None
        if not config.references:
            return
        self._reader = clients.reader("reference")
        # Not `ends`, which somebody else asks again: here a broker that is just back is waited for.
        goals = [end for _, end in look_ups.bounds([(topic, 0) for topic in config.references])]
        self._reader.assign([TopicPartition(topic, 0, 0) for topic in config.references])
        while any(at < goal for at, goal in zip(self.positions, goals, strict=True)):
            self._take(self._reader.consume(5_000, 0.05))

    def advance(self) -> None:
        """Between turns: take what has arrived."""
        if self._reader is not None:
            self._take(self._reader.consume(5_000, 0))

    def reached(self, positions: Sequence[int]) -> bool:
        """Whether everything was read that a partition's former owner had read."""
        return all(mine >= its for mine, its in zip(self.positions, positions, strict=True))

    def close(self) -> None:
        """Leave nothing open."""
        if self._reader is not None:
            self._reader.close()

    def _take(self, messages: list[Message]) -> None:
        for message in messages:
            error, offset, topic = message.error(), message.offset(), message.topic()
            if error is not None:
                if is_end(message) and offset is not None and topic is not None:
                    # Behind the last record may lie the markers of its transaction.
                    number = self._index[topic]
                    self.positions[number] = max(self.positions[number], offset)
                elif not error.retriable():
                    raise _unreadable(KafkaException(error))
                continue
            assert topic is not None
            assert offset is not None
            assert self._fold is not None
            number = self._index[topic]
            self._fold(number, message)
            self.positions[number] = offset + 1


def _unreadable(error: KafkaException) -> Fatal:
    return Fatal(
        Cause.LOG_TRUNCATED,
        f"A reference topic cannot be read from its start: {error.args[0].str()}.",
        "Reference topics are kept for ever; restore the missing records.",
    )
