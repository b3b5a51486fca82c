"""Looking on from a thread of one's own while something is measured."""

import threading
from abc import ABC, abstractmethod
from typing import Self

# A look takes a fraction of a second.
_JOIN_S = 30.0


class Aside(ABC):
    """Looks again and again while entered."""

    def __init__(self, name: str) -> None:
        """`name` is the thread's, for a person."""
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name=name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(_JOIN_S)
        self._close()

    def _go_on(self) -> None:
        while not self._over.is_set():
            self._look()

    @abstractmethod
    def _look(self) -> None:
        """Once; it waits for a moment by itself."""

    def _close(self) -> None:  # noqa: B027  # most have nothing to let go of
        """Let go of what was looked with."""
