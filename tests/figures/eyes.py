"""See committed records of one topic come, on a thread of its own: when was something decided?

Times are milliseconds of this machine's clock, which the writers share.
"""

import time
from bisect import bisect_left
from collections.abc import Mapping
from typing import Any

from confluent_kafka import OFFSET_END, Consumer, KafkaError, KafkaException, TopicPartition

from tests.figures.aside import Aside

_LOOK_EVERY_S = 0.02
_READ_MOST = 2000
# What a broker that restarts makes a reader say; it reads on by itself.
_PASSING = {KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._RESOLVE}


class Eyes(Aside):
    """A reader of committed records; `settings` are a client's, with bootstrap.servers."""

    def __init__(self, settings: Mapping[str, Any], topic: str, partitions: int) -> None:
        super().__init__("eyes")
        # (written at, seen at) of each partition; both only grow.
        self._seen: list[list[tuple[int, int]]] = [[] for _ in range(partitions)]
        self._consumer = Consumer(
            {
                "group.id": "eyes",  # required, never joined
                **settings,
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "auto.offset.reset": "earliest",
                "fetch.wait.max.ms": 20,
            }
        )
        self._consumer.assign(
            [TopicPartition(topic, number, OFFSET_END) for number in range(partitions)]
        )

    def _close(self) -> None:
        self._consumer.close()

    def first_after(self, at_ms: int) -> int | None:
        """Milliseconds until a record was seen that was written after this instant; or None."""
        found = [one for one in self._first_of_each(at_ms) if one is not None]
        return min(found) if found else None

    def all_after(self, at_ms: int) -> int | None:
        """Milliseconds until every partition had one; None while one has none."""
        found = self._first_of_each(at_ms)
        return None if None in found else max(one for one in found if one is not None)

    def _first_of_each(self, at_ms: int) -> list[int | None]:
        firsts: list[int | None] = []
        for seen in self._seen:
            place = bisect_left(seen, (at_ms + 1, 0))
            firsts.append(seen[place][1] - at_ms if place < len(seen) else None)
        return firsts

    def _look(self) -> None:
        for record in self._consumer.consume(_READ_MOST, _LOOK_EVERY_S):
            error, number = record.error(), record.partition()
            if error is not None:
                if error.code() in _PASSING:
                    continue
                raise KafkaException(error)
            assert number is not None
            seen, written = self._seen[number], record.timestamp()[1]
            if not seen or written > seen[-1][0]:
                seen.append((written, now_ms()))


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000
