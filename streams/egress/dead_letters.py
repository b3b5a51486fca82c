"""A record that cannot be decided, as it goes to the dead letters: untouched, with its cause.

Key, value and headers are the original's. The added headers have Kafka Connect's names, which most
tools show, and ours: `tollgate.cause`, the stable word it is counted by, and `tollgate.act`, the id
of the operator's act that set it aside (empty without one). They come last and Kafka's readers take
the last of a name, so a record that was published again with the headers of its first death tells
its second. No added header shows a number: the detail never quotes the record.
"""

from collections.abc import Sequence
from typing import NamedTuple

from streams import __version__

Header = tuple[str, bytes | None]

CAUSE_HEADER = "tollgate.cause"
ACT_HEADER = "tollgate.act"


class Origin(NamedTuple):
    """Where a record lies."""

    topic: str  # full name, as on the broker
    partition: int
    offset: int


def headers(
    original: Sequence[Header] | None,
    origin: Origin,
    group: str,
    cause: str,
    detail: str,
    act_id: str = "",
) -> list[Header]:
    """The original's headers and what says where it came from and why it is here."""
    added = {
        "__connect.errors.topic": origin.topic,
        "__connect.errors.partition": str(origin.partition),
        "__connect.errors.offset": str(origin.offset),
        "__connect.errors.connector.name": group,
        "__connect.errors.task.id": str(origin.partition),
        "__connect.errors.stage": "VALUE_CONVERTER",
        "__connect.errors.class.name": "tollgate.ingress",
        "__connect.errors.exception.class.name": f"tollgate.{cause}",
        "__connect.errors.exception.message": detail,
        CAUSE_HEADER: cause,
        ACT_HEADER: act_id,
        "tollgate.version": __version__,
    }
    return [*(original or ()), *((name, text.encode()) for name, text in added.items())]
