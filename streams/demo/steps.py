"""What the demonstration does, said as it is done, with how long it took."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console


class Steps:
    """Numbered lines: each says what is done now, and when it is done, how long it took."""

    def __init__(self, console: Console, count: int) -> None:
        self._console = console
        self._count = count
        self._number = 0

    @contextmanager
    def step(self, doing: str) -> Iterator[None]:
        """Say that this is being done, and, unless it fails, that it is done."""
        self._number += 1
        began = monotonic()
        self.say(f"[{self._number}/{self._count}] {doing} …")
        try:
            yield
        except BaseException:
            self.say(f"      not done, after {monotonic() - began:.1f} s")
            raise
        self.say(f"      done in {monotonic() - began:.1f} s")

    def say(self, line: str) -> None:
        """One line, as it is."""
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)
