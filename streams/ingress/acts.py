"""What is told of a record that an operator's act sets aside, and what is typed to write an act.

Law: such a record is neither decoded nor decided; which act is in force says `reference/acts.py`.
"""

from streams.gate.reference import OperatorAct
from streams.ingress.read import Unreadable
from streams.masking import mask_text

QUARANTINED = "quarantined"

# Of the name and the words of an act, in a dead letter's header.
_TOLD_MAX = 500


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
