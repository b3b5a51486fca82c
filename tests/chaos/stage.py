"""What a row may use: brokers, jobs, gates, and choices drawn from its seed.

Law: leaving a stage ends every process and client of its row, by id, whatever has happened; what
lies in its folder stays for whoever looks into a failure.
"""

import random
import uuid
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from streams.broker import EmbeddedBroker
from tests.engine.rig import Rig, Served
from tests.figures.gate import Gate

T = TypeVar("T")


class Stage:
    """Of one row and one seed."""

    def __init__(
        self,
        shared: Callable[[], EmbeddedBroker],
        folder: Path,
        seed: int,
        tell: Callable[[str], None],
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.draws = random.Random(seed)
        self.tell = tell
        self._shared = shared
        self._open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.__exit__(kind, error, trace)

    @property
    def kafka(self) -> EmbeddedBroker:
        """The broker that all rows share: not to be stopped, damaged or filled."""
        return self._shared()

    def broker(self, properties: Mapping[str, str] | None = None, **other: Any) -> EmbeddedBroker:
        """A broker of the row's own, started; its folder lies in the stage's."""
        made = EmbeddedBroker(self.place("kafka"), properties=properties, **other)
        return self.enter(made)

    def job(self, broker: Served | None = None, **other: Any) -> Rig:
        """The small job's topics under a new prefix, and its workers; `other` as `Rig` takes it."""
        made = Rig(broker or self.kafka, prefix(), self.place("job"), **other)
        self._open.callback(made.close)
        return made

    def gate(self, broker: EmbeddedBroker | None = None, *, partitions: int = 8) -> Gate:
        """The full gate's topics and reference data under a new prefix."""
        return Gate(broker or self.kafka, prefix(), self.place("gate"), partitions=partitions)

    def enter(self, context: AbstractContextManager[T]) -> T:
        """Enter a context that is left with the stage."""
        return self._open.enter_context(context)

    def callback(self, last: Callable[[], object]) -> None:
        """Call this when the stage is left."""
        self._open.callback(last)

    def place(self, what: str) -> Path:
        """A new folder of the stage."""
        for number in range(1, 1_000):
            place = self.folder / f"{what}-{number}"
            if not place.exists():
                place.mkdir()
                return place
        raise RuntimeError(f"a thousand of {what} in {self.folder}")


def prefix() -> str:
    """A beginning for names on a shared broker that nobody else has."""
    return f"c{uuid.uuid4().hex[:12]}."
