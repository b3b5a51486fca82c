"""The outside world in a thread of its own, so that the conductor can watch it."""

import threading
from types import TracebackType
from typing import Self

from streams.settings import Settings
from streams.world.options import Options, Summary, Tally
from streams.world.simulation import World

# The world tells its progress once a second; hearing that it is over is all it has to do then.
_END_S = 10.0


class _Over(Exception):
    """The conductor has no more use for the world."""


class Crowd:
    """Gets ready when the block begins, and runs to its own end when told to begin."""

    def __init__(self, settings: Settings, options: Options) -> None:
        self.tally = Tally()
        self.summary: Summary | None = None
        self.failure: BaseException | None = None
        self._settings = settings
        self._options = options
        self._begin = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._simulate, name="world", daemon=True)

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
        self._begin.set()
        self._thread.join(_END_S)

    @property
    def is_ordering(self) -> bool:
        """Whether orders are still placed."""
        return self.tally.world_seconds < self._options.duration.total_seconds()

    def begin(self) -> None:
        """Let people order; until then the world only gets ready."""
        self._begin.set()

    def _simulate(self) -> None:
        try:
            with World(self._settings, self._options) as world:
                self._begin.wait()
                self._hear(world.tally)
                self.summary = world.run(self._hear)
        except _Over:
            return
        except BaseException as error:  # noqa: BLE001  # the conductor raises it in its own thread
            self.failure = error

    def _hear(self, tally: Tally) -> None:
        self.tally = tally
        if self._over.is_set():
            raise _Over
