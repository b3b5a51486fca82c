"""Writes the clock topic: about one tick a second to each partition this worker owns.

Ticks are ordinary records, outside every transaction; a repeated or missing one is harmless.
"""

from collections.abc import Callable, Iterable

from streams.engine.ports import Clients, Clock


class Ticks:
    """The worker's clock, written down."""

    def __init__(
        self,
        clients: Clients,
        clock: Clock,
        topic: str,
        make: Callable[[int, int], bytes],
        interval: float,
    ) -> None:
        self._producer = clients.tick_producer()
        self._clock = clock
        self._topic = topic
        self._make = make
        self._interval = interval
        self._next = 0.0

    def write(self, partitions: Iterable[int]) -> None:
        """Between turns: a tick to each partition, when it is time."""
        self._producer.poll(0)
        now = self._clock.monotonic()
        if now < self._next:
            return
        self._next = now + self._interval
        at = self._clock.now_ms()
        for number in partitions:
            self._producer.produce(self._topic, self._make(at, number), None, number)

    def close(self) -> None:
        """Let the last ticks arrive."""
        self._producer.flush(1)
