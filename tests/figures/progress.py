"""How far a gate has got, asked of the broker: cheap enough to ask while it is measured."""

from confluent_kafka import Consumer, TopicPartition

from streams import clients, topics
from streams.settings import Settings

_ANSWER_S = 30.0
# Ticks are the worker's own, and written for ever: nobody's events.
EVENTS = tuple(name for name in topics.INPUTS if name != topics.TICKS)
WRITTEN = tuple(
    topic.name
    for topic in topics.CATALOGUE
    if topic.kind in (topics.Kind.OUTPUT, topics.Kind.STATE)
)


class Progress:
    """Asks the broker about one gate's inputs and outputs."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._asker = Consumer(clients.asker(settings, settings.group))
        self._consumer = Consumer(clients.reader(settings, "figures-progress") | {"log_level": 0})

    def decided(self) -> int:
        """Events whose turn is committed: the group's offsets, which travel in the turn."""
        found = self._asker.committed(self._places(EVENTS), _ANSWER_S)
        return sum(max(place.offset, 0) for place in found)

    def published(self) -> int:
        """Events in the inputs."""
        return self._ends(EVENTS)

    def written(self) -> int:
        """Records of the gate in its outputs and its changelog, a marker a transaction included."""
        return self._ends(WRITTEN)

    def close(self) -> None:
        """Let the connections go."""
        self._asker.close()
        self._consumer.close()

    def _places(self, names: tuple[str, ...]) -> list[TopicPartition]:
        prefix, partitions = self._settings.topic_prefix, self._settings.partitions
        return [
            TopicPartition(prefix + name, number) for name in names for number in range(partitions)
        ]

    def _ends(self, names: tuple[str, ...]) -> int:
        return sum(
            self._consumer.get_watermark_offsets(place, timeout=_ANSWER_S)[1]
            for place in self._places(names)
        )
