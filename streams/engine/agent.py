"""The agent's side of a turn: an asynchronous context around one transaction.

Which partition the agent is at is a context variable, so that tables can be objects of the module
and yet mean the rows of that partition; outside a turn there are none.
"""

import asyncio
from collections.abc import Iterator
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Self, TypeAlias

from confluent_kafka import KafkaError
from faust.types import StreamT

from streams.engine.errors import Cause, Fatal
from streams.engine.partition import Partition
from streams.engine.turn import TROUBLE, Turn, reason_of, uncertain

_at_hand: ContextVar[Partition | None] = ContextVar("partition", default=None)


def partition_at_hand() -> Partition | None:
    """The partition the running agent is at, or None outside a turn."""
    return _at_hand.get()


class AgentTurn:
    """What the agent gets: an open transaction while inside `async with`."""

    def __init__(self, turn: Turn, loop: asyncio.AbstractEventLoop) -> None:
        self.turn = turn
        self._loop = loop

    async def __aenter__(self) -> Self:
        if self.turn.is_dropped:
            raise asyncio.CancelledError
        self.turn.done = self._loop.create_future()
        try:
            self.turn.begin()
        except TROUBLE as error:
            self.turn.fail(uncertain("beginning", error))
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _at_hand.set(None)
        if error is None:
            try:
                self.turn.flush()
            except Exception as raised:  # noqa: BLE001  # it ends the process
                error = raised
        if error is None:
            self.turn.decided.set()  # the engine's thread commits; the loop stays alive
        else:
            self.turn.fail(_as_fatal(error))
        await self.turn.done  # after commit and local write, or when the records come again

    def __iter__(self) -> Iterator[Partition]:
        for partition in self.turn:
            _at_hand.set(partition)
            yield partition
        _at_hand.set(None)

    @property
    def is_committed(self) -> bool:
        """After `async with`: whether the turn is real, or its records come again."""
        return self.turn.is_committed

    def __len__(self) -> int:
        return len(self.turn)


def _as_fatal(error: BaseException) -> Fatal:
    if isinstance(error, Fatal):
        return error
    reason = reason_of(error)
    if reason is not None and reason.code() != KafkaError.MSG_SIZE_TOO_LARGE:
        # A worker that slept in the middle of its turn wakes up with its transaction over.
        return uncertain("producing for", error)
    fatal = Fatal(
        Cause.JOB_FAILED,
        f"The job raised {type(error).__name__}: {error}.",
        "Nothing of this turn was committed. Mend the cause; the same records come again.",
    )
    fatal.__cause__ = error
    return fatal


Turns: TypeAlias = StreamT[Any]
"""What an agent over `App.inputs` iterates: a Faust stream of `AgentTurn`."""
