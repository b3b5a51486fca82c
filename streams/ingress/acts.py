"""Operators' acts on input records: what is set aside on purpose, and what does not count.

Laws: an act is in force for a record when it lies before the reference positions that the record's
decision names, so a replay meets it at the same place; acts are never taken back, and of two on one
record the first counts. A record that an act sets aside is neither decoded nor decided.

Knows nothing of who wrote an act, and judges none: the catalogue has taken it.
"""

from streams.gate.reference import OperatorAct
from streams.gate.words import ActKind
from streams.ingress.read import Unreadable
from streams.masking import mask_text

QUARANTINED = "quarantined"

# Of the name and the words of an act, in a dead letter's header.
_TOLD_MAX = 500


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


def set_aside_by(act: OperatorAct) -> Unreadable:
    """Why a record is no event although it may be one: an operator said so."""
    who, why = act.changed_by[:_TOLD_MAX], act.reason[:_TOLD_MAX]
    return Unreadable(QUARANTINED, mask_text(f"set aside by {who}: {why} (act {act.act_id})"))


def record_command(topic: str, partition: int, offset: int) -> str:
    """What to type to set one record aside."""
    return f"tollgate quarantine record {topic} --partition {partition} --offset {offset} {_WHY}"


def unreadable_command(
    topic: str, partition: int, offset: int, *, readable_too: bool = False
) -> str:
    """What to type so that unreadable records up to an offset do not count against the limit.

    `readable_too`: none of them shows by itself what is wrong with it, and the command wants to be
    told that this is known.
    """
    where = f"{topic} --partition {partition} --up-to {offset}"
    where += " --readable-too" if readable_too else ""
    return f"tollgate quarantine unreadable {where} {_WHY}"


_WHY = "--reason 'WHY'"
