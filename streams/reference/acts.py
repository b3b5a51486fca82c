"""Operators' acts by the record they are on: what is set aside on purpose, and what does not count.

Laws: an act is in force at reference positions that it lies below, so a replay meets it at the same
place; acts are never taken back, and of two on one record the first counts.

Knows nothing of who wrote an act, and judges none: the catalogue has taken it.
"""

from streams.gate.reference import OperatorAct
from streams.gate.words import ActKind


class Acts:
    """All acts taken so far, by the record they are on."""

    def __init__(self) -> None:
        self._set_aside: dict[tuple[str, int, int], OperatorAct] = {}
        self._excused: dict[tuple[str, int], int] = {}

    def take(self, act: OperatorAct) -> None:
        """One more act, in the order of the log."""
        if act.kind is ActKind.QUARANTINE:
            self._set_aside.setdefault((act.topic, act.partition, act.offset), act)
        elif act.kind is ActKind.RAISE_LIMIT:
            place = act.topic, act.partition
            self._excused[place] = max(act.offset, self._excused.get(place, -1))

    def on(self, topic: str, partition: int, offset: int) -> OperatorAct | None:
        """The act that sets a record aside, or None; `topic` without prefix."""
        return self._set_aside.get((topic, partition, offset))

    def excuses(self, topic: str, partition: int, offset: int) -> bool:
        """Whether a record that cannot be read does not count against the limit."""
        return offset <= self._excused.get((topic, partition), -1)
