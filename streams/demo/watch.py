"""A reader of its own beside the gate: committed decisions, verdicts and dead letters become the
funnel.

It sees what any reader of the outside sees, when they see it; the latency it measures is theirs.
"""

import threading
from time import time_ns
from types import TracebackType
from typing import Any, Self

from confluent_kafka import Consumer, KafkaException, TopicPartition

from streams import clients, topics
from streams.codec.classes import types_of
from streams.codec.codecs import Codecs
from streams.demo.funnel import Funnel
from streams.egress import records
from streams.egress.dead_letters import CAUSE_HEADER
from streams.gate import effects, words
from streams.settings import Settings

_READ_MOST = 500
_READ_S = 0.01  # how late a decision may be seen: what this adds to the latency
_END_S = 5.0
_UNKNOWN_CAUSE = "unknown"


class Watch:
    """A thread that reads while the block lasts."""

    def __init__(self, settings: Settings) -> None:
        self.funnel = Funnel()
        self.failure: BaseException | None = None
        self._prefix = settings.topic_prefix
        codecs = Codecs.from_repository(types_of(words, records, effects))
        self._decode = codecs.decoder(topics.DECISIONS)
        self._decode_verdict = codecs.decoder(topics.VERDICTS)
        self._consumer = Consumer(clients.reader(settings, "demo") | {"fetch.wait.max.ms": 20})
        self._consumer.assign(
            [
                TopicPartition(self._prefix + name, number, 0)
                for name in (topics.DECISIONS, topics.VERDICTS, topics.DEAD_LETTERS)
                for number in range(settings.partitions)
            ]
        )
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join(_END_S)
        self._consumer.close()

    def _watch(self) -> None:
        try:
            while not self._over.is_set():
                self._read()
        except BaseException as error:  # noqa: BLE001  # the conductor raises it in its own thread
            self.failure = error

    def _read(self) -> None:
        decisions, verdicts = self._prefix + topics.DECISIONS, self._prefix + topics.VERDICTS
        found = self._consumer.consume(_READ_MOST, _READ_S)
        now = time_ns() // 1_000_000
        for record in found:
            if record.error() is not None:
                raise KafkaException(record.error())
            if record.topic() == decisions:
                self.funnel.take(self._decode(record.value()), now)
            elif record.topic() == verdicts:
                self.funnel.tell(self._decode_verdict(record.value()))
            else:
                self.funnel.bury(_cause(list(record.headers() or ())))


def _cause(headers: list[Any]) -> str:
    """The last cause in the headers: a record may have died before."""
    for name, value in reversed(headers):
        if name == CAUSE_HEADER and isinstance(value, bytes):
            return value.decode("utf-8", "replace")
    return _UNKNOWN_CAUSE
