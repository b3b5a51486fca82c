"""A question to the broker that is asked again and again, off the engine's thread."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

from streams.engine.ports import Background, Clock

T = TypeVar("T")


class Inquiry(Generic[T]):
    """At most one question is under way; the next is asked `interval` seconds after an answer."""

    def __init__(
        self, question: Callable[[], T], interval: float, clock: Clock, background: Background
    ) -> None:
        self._question = question
        self._interval = interval
        self._clock = clock
        self._background = background
        self._asked: Future[T] | None = None
        self._ask_at = 0.0

    def answer(self) -> Future[T] | None:
        """The answer that has come since, once; never waits."""
        now = self._clock.monotonic()
        if self._asked is None:
            if now >= self._ask_at:
                self._asked = self._background.submit(self._question)
            return None
        if not self._asked.done():
            return None
        asked, self._asked = self._asked, None
        self._ask_at = now + self._interval
        return asked
