"""What a table is made of: how its rows are packed, which wake the job, which may be forgotten."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class TableSpec(Generic[Row]):
    """How a table's rows are packed, and which of them wake the job or may be forgotten."""

    name: str
    prefix: bytes
    """One byte, unique among the job's tables; first in every key on disk and changelog."""
    dump: Callable[[Row], bytes]
    load: Callable[[bytes], Row]
    due: Callable[[bytes, Row], Iterable[tuple[int, bytes]]] | None = None
    """(stream time, token) of what must happen for this row; a replayed row is indexed by it."""
    is_idle: Callable[[bytes], bool] | None = None
    """Whether a packed row can be told to have nothing due: it is not unpacked, then. A restart may
    replay millions."""
    forget_at: Callable[[bytes, Row], int] | None = None
    """Stream time from which the job sees the row no more; some time later it is dropped."""
