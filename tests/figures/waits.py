"""How long each order waits for its decision: from its record time to when a reader that reads only
what is committed has the decision in hand. Both clocks are this machine's.
"""

from typing import NamedTuple

from confluent_kafka import OFFSET_END, Consumer, KafkaException, TopicPartition

from streams import clients, topics
from streams.audit import History
from streams.settings import Settings
from tests.app.rig import CODECS
from tests.figures.aside import Aside
from tests.figures.eyes import now_ms

_LOOK_S = 0.02
_READ_MOST = 2000

Place = tuple[int, int]
"""partition, offset"""


class Wait(NamedTuple):
    """One order."""

    placed_ms: int
    waited_ms: int


class Waits(Aside):
    """Remembers when decisions came, while entered; judges when all is over."""

    def __init__(self, settings: Settings) -> None:
        super().__init__("waits")
        self._seen: list[tuple[int, bytes]] = []
        self._consumer = Consumer(clients.reader(settings, "waits") | {"fetch.wait.max.ms": 20})
        topic = settings.topic_prefix + topics.DECISIONS
        self._consumer.assign(
            [TopicPartition(topic, number, OFFSET_END) for number in range(settings.partitions)]
        )

    def _close(self) -> None:
        self._consumer.close()

    def _look(self) -> None:
        found = self._consumer.consume(_READ_MOST, _LOOK_S)
        now = now_ms()
        for record in found:
            if record.error() is not None:
                raise KafkaException(record.error())
            self._seen.append((now, record.value() or b""))

    def of_orders(self, history: History) -> list[Wait]:
        """Of every record on the orders' topic, readable or not; AssertionError if one has no
        decision that was seen.
        """
        decided: dict[Place, int] = {}
        for at, value in self._seen:
            cause = CODECS.decode(topics.DECISIONS, value).cause
            if cause.topic == topics.ORDERS:
                decided.setdefault((cause.partition, cause.offset), at)
        orders = history.of(topics.ORDERS)
        undecided = [one for one in orders if (one.partition, one.offset) not in decided]
        assert not undecided, f"{len(undecided)} orders undecided, of {len(orders)}"
        return [
            Wait(one.timestamp, decided[one.partition, one.offset] - one.timestamp)
            for one in orders
        ]
