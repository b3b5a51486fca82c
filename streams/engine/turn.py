"""One turn: what the job is handed, decided in one transaction over all owned partitions.

The order of the steps is the correctness argument (ENGINE prototype, KIP-447):
 1. records are at hand, grouped by partition number and merged by time (merge.py);
 2. begin the transaction, on the producer whose turn it is;
 3. the job decides; its outputs are produced as they come, its rows wait in overlays;
 4. rows, then the positions record, of each partition go to the changelog; the positions of all
    inputs go to the group by `send_offsets_to_transaction`, which fences;
 5. commit;
 6. only then, one local batch a partition: rows, changelog position, positions record.
A crash before 5 leaves nothing; between 5 and 6 the changelog heals the store at the next open.
"""

import threading
from collections.abc import Iterator
from typing import Any

from confluent_kafka import KafkaError, KafkaException

from streams.engine.errors import Cause, Fatal, Refused
from streams.engine.partition import Partition
from streams.engine.ports import GroupConsumer, Producer

# A fatal error is raised while the client calls back, and comes out as Python's word that a call
# made there has failed (confluent-kafka 2.16.0).
TROUBLE = (KafkaException, SystemError)
_REFUSALS = {
    KafkaError.ILLEGAL_GENERATION,
    KafkaError.UNKNOWN_MEMBER_ID,
    KafkaError.REBALANCE_IN_PROGRESS,
}


class Turn:
    """Partitions with something to decide. `decided` is set once the job has seen all of it."""

    def __init__(self, partitions: list[Partition], producer: Producer) -> None:
        self.partitions = partitions
        self.decided = threading.Event()
        self.is_open = False
        self.is_dropped = False
        self.is_committed = False
        self.failure: BaseException | None = None
        self.done: Any = None
        """Where the shell waits for the end of the turn; the engine only carries it."""
        self._producer = producer

    def __len__(self) -> int:
        return sum(len(partition.taken) for partition in self.partitions)

    def __iter__(self) -> Iterator[Partition]:
        return iter(self.partitions)

    def begin(self) -> None:
        """Step 2."""
        self.is_open = True
        self._producer.begin_transaction()

    def flush(self) -> None:
        """Step 4, first half: rows and positions."""
        for partition in self.partitions:
            partition.flush()

    def drop(self) -> None:
        """The worker stops before the job began: the records stay where they are."""
        self.is_dropped = True
        self.decided.set()

    def fail(self, error: BaseException) -> None:
        """The job raised: nothing of this turn is committed and the process ends."""
        self.failure = error
        self.decided.set()


def commit(
    turn: Turn, producer: Producer, consumer: GroupConsumer, member: str, timeout: float
) -> None:
    """Steps 4 (second half) and 5.

    `member` is the member id at the poll that brought the records. Raises Refused when the broker
    certainly did not take the positions, Fatal on any doubt.
    """
    try:
        generation, now_member, metadata = consumer.membership()
        # An eviction empties the member id in the background; a newer generation of the same
        # member is legitimate.
        if generation < 0 or not member or now_member != member:
            raise Refused(f"membership changed during the turn: {member!r} to {now_member!r}")
        positions = [one for partition in turn for one in partition.offsets()]
        producer.send_offsets_to_transaction(positions, metadata, timeout)
    except TROUBLE as error:
        reason = reason_of(error)
        if reason and reason.code() in _REFUSALS and reason.txn_requires_abort():
            raise Refused(reason.str()) from error
        raise uncertain("sending positions", error) from error
    try:
        producer.commit_transaction(timeout)
    except TROUBLE as error:
        raise uncertain("committing", error) from error


def abort(producer: Producer) -> None:
    """Undo a refused turn on the broker; the handle must be retired afterwards.

    The flush lets records arrive that already have sequence numbers; the abort then covers them.
    """
    try:
        left = producer.flush(5)
        if left:
            raise Fatal(
                Cause.UNCERTAIN_COMMIT,
                f"{left} records of a refused turn are still on their way.",
                "The process starts again and the log decides.",
            )
        producer.abort_transaction(10)
    except TROUBLE as error:
        raise uncertain("aborting", error) from error


def reason_of(error: BaseException | None) -> KafkaError | None:
    """What the client has said, or None when it was not the client."""
    while isinstance(error, SystemError):
        error = error.__cause__
    return error.args[0] if isinstance(error, KafkaException) else None


def uncertain(doing: str, error: BaseException) -> Fatal:
    """What a client's error means that leaves nothing certain: the process must end.

    Any other error is raised again.
    """
    reason = reason_of(error)
    if reason is None:
        raise error
    fenced = reason.code() in (
        KafkaError._FENCED,
        KafkaError.PRODUCER_FENCED,
        KafkaError.INVALID_PRODUCER_EPOCH,
        KafkaError.FENCED_INSTANCE_ID,  # another member has our name: it will not be given back
    )
    return Fatal(
        Cause.FENCED if fenced else Cause.UNCERTAIN_COMMIT,
        f"{doing.capitalize()} a transaction failed: {reason.name()}, {reason.str()}.",
        "Another process works under this identity; stop one of them."
        if fenced
        else "The process starts again and the log decides what was committed.",
    )
