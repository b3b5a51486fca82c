"""The world's clock: the wall's own, or simulated time that runs faster through the past.

Everything in the world asks a clock and nothing else for the time. Instants are milliseconds since
the epoch, UTC, as in the records.
"""

from time import monotonic, time_ns
from typing import Protocol


class Clock(Protocol):
    """What time it is outside."""

    def now(self) -> int:
        """The instant, which never goes back."""


class WallClock:
    """The machine's time, held where it is when the machine's clock is set back."""

    def __init__(self) -> None:
        self._last = 0

    def now(self) -> int:
        """The machine's instant."""
        self._last = max(self._last, time_ns() // 1_000_000)
        return self._last


class SimulatedClock:
    """Time that starts at a given instant and runs `factor` times as fast as the machine's."""

    def __init__(self, start: int, factor: float) -> None:
        self._start = start
        self._factor = factor
        self._began = monotonic()

    def now(self) -> int:
        """The simulated instant."""
        return self._start + int((monotonic() - self._began) * 1000 * self._factor)
