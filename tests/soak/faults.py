"""The faults of a soak, and how they are drawn."""

from enum import Enum
from random import Random
from typing import NamedTuple


class Fault(Enum):
    """What goes wrong; the value is how a person calls it."""

    KILL = "worker SIGKILL"
    RESTART = "worker SIGTERM, started again"
    WIPE = "worker SIGKILL, state removed"
    PAUSE = "worker SIGSTOP 1 to 12 s"
    JOIN = "second worker joins"
    LEAVE = "second worker leaves"
    BROKER_PAUSE = "broker SIGSTOP 1 to 3 s"
    BROKER_RESTART = "broker restarted"
    BAD = "unreadable records"
    REPEAT = "records once more"


# Those that end the first worker's life.
ENDING = (Fault.KILL, Fault.RESTART, Fault.WIPE)

# A broker restart takes the longest and says the least about the gate.
_WEIGHTS = {
    Fault.KILL: 2,
    Fault.RESTART: 2,
    Fault.WIPE: 1,
    Fault.PAUSE: 3,
    Fault.JOIN: 4,
    Fault.BROKER_PAUSE: 2,
    Fault.BROKER_RESTART: 1,
    Fault.BAD: 2,
    Fault.REPEAT: 2,
}
# Between the recovery from one and the next.
_GAP_S = (1.0, 6.0)


class Stroke(NamedTuple):
    """One fault of the plan."""

    fault: Fault
    gap_s: float
    """Before it."""
    lasts_s: float
    """Of what is stopped and goes on."""


class Strokes:
    """Faults for ever, by a seed; a second worker leaves before another joins."""

    def __init__(self, seed: int) -> None:
        self._draws = Random(seed)
        self._joined = False

    def draw(self, *, calm: bool) -> Stroke:
        """The next one; a calm one ends no life of the first worker."""
        weights = {
            (Fault.LEAVE if fault is Fault.JOIN and self._joined else fault): weight
            for fault, weight in _WEIGHTS.items()
            if not (calm and fault in ENDING)
        }
        (fault,) = self._draws.choices(tuple(weights), tuple(weights.values()))
        if fault in (Fault.JOIN, Fault.LEAVE):
            self._joined = fault is Fault.JOIN
        longest = 12.0 if fault is Fault.PAUSE else 3.0
        return Stroke(fault, self._draws.uniform(*_GAP_S), self._draws.uniform(1.0, longest))
