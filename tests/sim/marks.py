"""Coverage marks of a suite run: what must have happened at least once, or the suite has failed.

Everything is seen from outside: what the driver did, what became readable, what the model counts,
what the engine says in its log. Production code carries no mark.
"""

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from streams.gate.decide import LIFECYCLE
from tests.sim.faults import KINDS, OF_ACTS, PAUSES
from tests.sim.model.network import Fate

_EVENTS = tuple(event.__name__ for event in next(iter(LIFECYCLE.values())))

ENDS = (
    "broker_away",
    "topic_missing",
    "partitions_unequal",
    "folder_in_use",
    "folder_foreign",
    "state_contradicts_log",
    "log_truncated",
    "offsets_unstable",
    "fenced",
    "uncertain_commit",
    "stuck",
    "store_failed",
    "store_damaged",
    "job_failed",
)
RECOVERIES = (
    "restored from nothing",
    "restored from where the store stood",
    "nothing to restore",
    "a store is opened for filling",
    "an outdated store is rebuilt",
    "a store from the future is rebuilt",
    "a damaged store is rebuilt",
    "a refused turn is redone",
    "an uncertain commit that was committed",
    "an uncertain commit that is aborted",
    "an opening is abandoned",
    "offsets are unstable",
    "an input is paused",
    "a paused input goes on",
    "prefetched records are dropped",
    "due acts are left for a later turn",
    "a row is swept",
    "a tick waits for its siblings",
    "a reference fault is buried",
    "the dead-letter limit is raised",
    "a record is set aside",
    "a reference record is set aside",
    "a turn is dropped at a stop",
    "a producer takes a new epoch",
    "a partition without an owner is given one",
)
REQUIRED = (
    *(f"fault: {kind}" for kind in (*KINDS, *OF_ACTS)),
    *(f"killed at: {what}" for what in PAUSES),
    *(f"request {fate.value}" for fate in Fate),
    *(f"life: {state} × {event}" for state in LIFECYCLE for event in _EVENTS),
    *(f"end: {end}" for end in ENDS),
    *(f"recovery: {what}" for what in RECOVERIES),
)

# Beginnings of what the engine's log says, and the recovery that it means.
_SAID = (
    ("hours old", "an outdated store is rebuilt"),
    ("in the future", "a store from the future is rebuilt"),
    ("damaged", "a damaged store is rebuilt"),
    ("cannot be opened", "a damaged store is rebuilt"),
    ("taken again", "a refused turn is redone"),
    ("takes a new epoch", "a producer takes a new epoch"),
    ("the group looks again", "a partition without an owner is given one"),
)


class Ears(logging.Handler):
    """Hears what the engine says of itself."""

    def __init__(self, marks: Counter[str]) -> None:
        super().__init__()
        self._marks = marks

    def emit(self, record: logging.LogRecord) -> None:
        said = record.getMessage()
        for words, meaning in _SAID:
            if words in said:
                self._marks[f"recovery: {meaning}"] += 1


@contextmanager
def listening(marks: Counter[str]) -> Iterator[None]:
    """While this is open the engine's log is heard, and goes nowhere else."""
    logger = logging.getLogger("streams.engine")
    ears, level, propagate = Ears(marks), logger.level, logger.propagate
    logger.addHandler(ears)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(ears)
        logger.setLevel(level)
        logger.propagate = propagate


def missing(marks: Counter[str]) -> list[str]:
    """What must have happened and has not."""
    return [mark for mark in REQUIRED if not marks[mark]]
