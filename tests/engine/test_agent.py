"""What becomes of a turn whose transaction cannot go on, wherever that is noticed."""

import asyncio
from contextlib import suppress
from typing import cast

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer

from streams.engine import ports
from streams.engine.agent import AgentTurn
from streams.engine.engine import as_fatal
from streams.engine.errors import Cause, Fatal
from streams.engine.partition import Partition
from streams.engine.turn import Turn, abort

# Nobody listens there. Before `init_transactions` a client refuses as it does after a fencing.
NOWHERE = {"bootstrap.servers": "127.0.0.1:1", "transactional.id": "nobody", "log_level": 0}
TOO_LARGE = KafkaException(KafkaError(KafkaError.MSG_SIZE_TOO_LARGE))


def over() -> KafkaException:
    """What `produce` raises once the transaction is over."""
    with pytest.raises(KafkaException) as refused:
        Producer(NOWHERE).produce("topic", b"value")
    assert refused.value.args[0].code() == KafkaError._STATE
    return refused.value


class Begun(Turn):
    """A turn whose transaction was begun, while its producer was well."""

    def begin(self) -> None:
        """It was."""
        self.is_open = True


class Unwritable:
    """A partition whose rows the transaction does not take any more."""

    def flush(self) -> None:
        """As `Partition.flush`."""
        raise over()


def begun(*partitions: Unwritable) -> Turn:
    """An open turn over these partitions."""
    producer = cast(ports.Producer, Producer(NOWHERE))
    return Begun([cast(Partition, one) for one in partitions], producer)


def cause_of(turn: Turn, error: Exception | None = None) -> Cause:
    """Why the turn has failed when the job has raised `error`, or is through."""

    async def decide() -> None:
        async with AgentTurn(turn, asyncio.get_running_loop()):
            turn.done.set_result(None)
            if error is not None:
                raise error

    with suppress(KafkaException, ValueError):
        asyncio.run(decide())
    # Else the engine would wait until its watchdog ends it.
    assert turn.decided.is_set()
    assert isinstance(turn.failure, Fatal)
    return turn.failure.cause


def test_a_transaction_that_is_over_is_no_fault_of_the_job() -> None:
    """A producer fenced while the job decides ends the worker as uncertain: a start helps."""
    assert cause_of(begun(), over()) is Cause.UNCERTAIN_COMMIT


def test_what_the_job_does_wrong_is_its_own_fault() -> None:
    """An error of the job's, and a record too large to send, are no trouble of the broker's."""
    assert cause_of(begun(), ValueError("no such word")) is Cause.JOB_FAILED
    assert cause_of(begun(), TOO_LARGE) is Cause.JOB_FAILED


def test_rows_that_are_not_taken_fail_the_turn() -> None:
    """A producer fenced when the job is through is noticed with the first row."""
    assert cause_of(begun(Unwritable())) is Cause.UNCERTAIN_COMMIT


def test_a_transaction_that_cannot_begin_fails_the_turn() -> None:
    """A producer fenced between two turns is noticed before the job begins."""
    turn = Turn([], cast(ports.Producer, Producer(NOWHERE)))
    assert cause_of(turn) is Cause.UNCERTAIN_COMMIT


class Fenced:
    """A producer whose handle was fenced while its delivery reports were called."""

    def flush(self, _timeout: float) -> int:
        """As confluent-kafka 2.16.0 comes out of it."""
        fenced = KafkaException(KafkaError(KafkaError._FENCED, "fenced", True))
        raise SystemError("'offset' returned a result with an exception set") from fenced


def test_a_handle_fenced_while_it_calls_back_is_fenced() -> None:
    """What a fatal error makes of the calls in a callback is not taken for the impossible."""
    fenced = cast(ports.Producer, Fenced())
    with pytest.raises(Fatal) as ended:
        abort(fenced)
    assert ended.value.cause is Cause.FENCED
    with pytest.raises(SystemError) as raised:
        fenced.flush(0)
    assert as_fatal(raised.value).cause is Cause.FENCED


def test_an_error_of_our_own_stays_impossible() -> None:
    """Only what a client has given up is its trouble: a wrong setting, or a wrong call, is ours."""
    assert as_fatal(SystemError("no client near")).cause is Cause.IMPOSSIBLE
    assert as_fatal(KafkaException(KafkaError(KafkaError._INVALID_ARG))).cause is Cause.IMPOSSIBLE
