"""A producer as librdkafka is one: it queues, sends in the background, and fails by its rules.

Observed of librdkafka 2.16 and held by the contract suite:
- a fenced producer dies: `_FENCED`, fatal, from the call at hand and from every later one;
  `produce` then says `_FATAL`. One whose transaction is empty commits without asking the broker.
- refused positions (generation, member, instance) are abortable: not retriable, not fatal.
- delivery reports are served inside flush, commit and poll, on the caller's thread; a fatal error
  is raised, once, by the flush or poll that serves its event.
- after an abort that threw away records behind others already numbered, the handle is dead in its
  next transaction (skipped sequence numbers).
- CONCURRENT_TRANSACTIONS, while the markers of the last transaction are being written, is retried.
"""

from collections.abc import Callable
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from tests.sim.model.broker import Batch, Broker
from tests.sim.model.clock import MachineClock
from tests.sim.model.groups import At
from tests.sim.model.log import OK, Headers, Pending
from tests.sim.model.network import Network
from tests.sim.model.scheduler import Answer, Process

Report = Callable[[KafkaError | None, Message], None]

_FENCED = {KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH}
_INSTANCE = "Local: This instance has been fenced by a newer instance"
_RETRY_S = 0.002
PRODUCE_PAUSES = 1 / 16
"""How often `produce` lets something else happen; each pause costs some microseconds."""


class SimProducer:
    """Transactional with an id (call `init` first), else plain and idempotent."""

    def __init__(
        self,
        process: Process,
        broker: Broker,
        network: Network,
        clock: MachineClock,
        transactional_id: str | None,
        timeout_s: float,
        linger_s: float,
    ) -> None:
        self.id = transactional_id
        self._process = process
        self._world = process.world
        self._broker = broker
        self._network = network
        self._clock = clock
        self._timeout_s = timeout_s
        self._linger_s = linger_s
        self._producer = self._epoch = -1
        self._queues: dict[At, list[tuple[Pending, Report | None]]] = {}
        self._flying: dict[At, None] = {}
        self._left = 0
        """Records that are not yet written or given up."""
        self._sequences: dict[At, int] = {}
        self._added: dict[At, None] = {}
        self._offsets_added = False
        self._is_adding = False
        self._is_kicked = False
        self._in_transaction = False
        self._skipped = False
        self._fatal: KafkaError | None = None
        self._is_fatal_told = True
        self._abortable: KafkaError | None = None
        self._reports: list[tuple[Report, KafkaError | None, Message]] = []
        self._moved: Answer[None] | None = None
        """Settled when a batch has come to its end."""
        self._is_broken = False
        self.produce: Callable[..., None] = self._produce

    def is_disturbed(self) -> bool:
        """Whether a connection has broken since the handle was made."""
        self._world.pause(self._process, "is_disturbed")
        self._serve()
        return self._is_broken

    def close(self) -> None:
        """Nothing is kept open; whatever is queued is dropped."""
        self._world.pause(self._process, "producer close")
        self._queues.clear()

    def _broken(self) -> None:
        self._is_broken = True

    # -- queueing --------------------------------------------------------------------------------

    def _produce(
        self,
        topic: str,
        value: bytes | None = None,
        key: bytes | None = None,
        partition: int = -1,
        on_delivery: Report | None = None,
        headers: Headers | None = None,
    ) -> None:
        """Queue one record."""
        process = self._process
        process.check()
        if self._world.random.random() < PRODUCE_PAUSES:
            self._world.pause(process, f"produce {topic}")
        if self._fatal is not None:
            raise _error(KafkaError._FATAL, "Unable to produce message: Local: Fatal error")
        if self.id is not None and not self._in_transaction:
            raise _error(KafkaError._STATE, "Unable to produce message: Local: Erroneous state")
        assert partition >= 0, "the engine names every partition itself"
        at = (topic, partition)
        record = (key, value, headers, self._clock.now_ms())
        queue = self._queues.get(at)
        if queue is None:
            self._queues[at] = [(record, on_delivery)]
        else:
            queue.append((record, on_delivery))
        self._left += 1
        self._kick(self._linger_s)

    def _kick(self, delay: float) -> None:
        if not self._is_kicked:
            self._is_kicked = True
            self._world.later(delay, self._pump, self._process)

    def _pump(self) -> None:
        """Send what can go: one batch a partition at a time, in order."""
        self._is_kicked = False
        if self._fatal is not None or not self._queues:
            return
        if self._producer < 0:
            self._ask_for_identity()
            return
        transactional = self.id is not None
        if transactional:
            self._add_partitions()
        ready = [
            at
            for at in self._queues
            if at not in self._flying and (not transactional or at in self._added)
        ]
        while ready:
            count = 1 + int(self._world.random.random() * len(ready))
            self._send(ready[:count])
            ready = ready[count:]

    def _ask_for_identity(self) -> None:
        transactions = self._broker.transactions

        def told(answer: tuple[int, int, int] | None) -> None:
            if answer is not None:
                _, self._producer, self._epoch = answer
            self._pump()

        self._network.send(
            self._process,
            "InitProducerId",
            lambda reply: reply(transactions.init(None, 0.0)),
            told,
            60.0,
        )

    def _add_partitions(self) -> None:
        fresh = [at for at in self._queues if at not in self._added]
        if not fresh or self._is_adding:
            return
        self._is_adding = True
        name = self.id
        assert name is not None

        def added(error: int | None) -> None:
            self._is_adding = False
            if error == OK:
                self._added.update(dict.fromkeys(fresh))
                self._pump()
            elif error is None or error == KafkaError.CONCURRENT_TRANSACTIONS:
                self._kick(_RETRY_S)
            elif error == KafkaError.UNKNOWN_TOPIC_OR_PART:
                self._fail_abortably(error, "Failed to add partitions to transaction")
            else:
                self._die(error, "Failed to add partitions to transaction")

        transactions = self._broker.transactions
        self._network.send(
            self._process,
            "AddPartitionsToTxn",
            lambda reply: reply(transactions.add(name, self._producer, self._epoch, fresh, "")),
            added,
            self._timeout_s,
            self._broken,
        )

    def _send(self, parts: list[At]) -> None:
        if self._skipped:
            self._skipped = False
            self._fatally(
                KafkaError(
                    KafkaError._INCONSISTENT,
                    "Unable to send message: skipped sequence numbers",
                    fatal=True,
                )
            )
            return
        batches: list[Batch] = []
        waiting: list[list[tuple[Pending, Report | None]]] = []
        for at in parts:
            queued = self._queues.pop(at)
            first = self._sequences.get(at, 0)
            self._sequences[at] = first + len(queued)
            self._flying[at] = None
            batches.append((*at, first, [record for record, _ in queued]))
            waiting.append(queued)
        producer, epoch, transactional = self._producer, self._epoch, self.id is not None
        produce = self._broker.produce
        self._network.send(
            self._process,
            "Produce",
            lambda reply: reply(produce(producer, epoch, batches, transactional=transactional)),
            lambda answers: self._written(parts, waiting, answers),
            self._timeout_s,
            self._broken,
        )

    def _written(
        self,
        parts: list[At],
        waiting: list[list[tuple[Pending, Report | None]]],
        answers: list[tuple[int, int]] | None,
    ) -> None:
        for place, at in enumerate(parts):
            self._flying.pop(at, None)
            queued = waiting[place]
            self._left -= len(queued)
            code, base = (KafkaError._MSG_TIMED_OUT, -1) if answers is None else answers[place]
            if code == OK:
                self._report(at, queued, base)
                continue
            what = f"ProduceRequest for {at[0]} [{at[1]}] with {len(queued)} message(s) failed"
            if code in _FENCED:
                self._die(code, what)
            else:
                self._fail_abortably(code, what)
            self._give_up(at, queued, KafkaError(code))
        self._tell()
        if self._queues:
            self._kick(0.0)

    def _report(self, at: At, queued: list[tuple[Pending, Report | None]], base: int) -> None:
        partition = self._broker.partition(*at)
        for place, (_, report) in enumerate(queued):
            if report is None:
                continue
            entry = None if partition is None else partition.raw[base + place]
            message = None if entry is None else entry.message
            self._reports.append((report, None, message or Message(offset=base + place)))

    def _give_up(
        self, at: At, queued: list[tuple[Pending, Report | None]], error: KafkaError
    ) -> None:
        for (key, value, _, _), report in queued:
            if report is not None:
                lost = Message(topic=at[0], partition=at[1], key=key, value=value, error=error)
                self._reports.append((report, error, lost))

    def _purge(self, error: KafkaError) -> None:
        """Throw away what is queued."""
        for at, queued in self._queues.items():
            self._left -= len(queued)
            self._give_up(at, queued, error)
        self._queues.clear()
        self._tell()

    def _tell(self) -> None:
        moved, self._moved = self._moved, None
        if moved is not None:
            moved.give(None)

    # -- failing ---------------------------------------------------------------------------------

    def _die(self, code: int, what: str) -> None:
        if code in _FENCED:
            self._fatally(KafkaError(KafkaError._FENCED, f"{what}: {_INSTANCE}", fatal=True))
        else:
            self._fatally(KafkaError(code, f"{what}: {KafkaError(code).str()}", fatal=True))

    def _fatally(self, error: KafkaError) -> None:
        if self._fatal is None:
            self._fatal, self._is_fatal_told = error, False
        self._purge(KafkaError(KafkaError._PURGE_QUEUE))
        self._tell()

    def _fail_abortably(self, code: int, what: str) -> None:
        if self.id is not None and self._abortable is None:
            text = f"{what}: {KafkaError(code).str()}"
            self._abortable = KafkaError(code, text, txn_requires_abort=True)
        self._tell()

    def _check(self, what: str, *, fresh: bool = False) -> None:
        """The pause of a transactional call, and whether it may be made."""
        self._world.pause(self._process, what)
        if self._fatal is not None:
            raise KafkaException(self._fatal)
        if self._in_transaction is fresh:
            state = "InTransaction" if self._in_transaction else "Ready"
            raise _error(KafkaError._STATE, f"Operation not valid in state {state}")

    # -- transactions ----------------------------------------------------------------------------

    def init(self, timeout: float) -> None:
        """init_transactions: returns once the id's former owner is fenced."""
        name, transactions = self.id, self._broker.transactions
        assert name is not None
        timeout_s = self._timeout_s
        code, self._producer, self._epoch = self._asked(
            "InitProducerId",
            lambda: transactions.init(name, timeout_s),
            self._world.now + timeout,
            "Failed to initialize Producer ID",
        )
        if code != OK:
            raise _error(code, "Failed to initialize Producer ID", fatal=True)

    def _asked(self, api: str, apply: Callable[[], Any], deadline: float, what: str) -> Any:
        """Ask the broker, again while markers are being written; KafkaException in the end."""
        while True:
            # Not below a moment: with no time left the call fails by its own timeout.
            left = max(deadline - self._world.now, 1e-6)
            try:
                answer = self._network.call(self._process, api, apply, left, self._broken)
            except TimeoutError:
                raise _error(
                    KafkaError._TIMED_OUT, f"{what}: Local: Timed out", retriable=True
                ) from None
            code = answer[0] if isinstance(answer, tuple) else answer
            if code != KafkaError.CONCURRENT_TRANSACTIONS:
                return answer
            if self._world.now >= deadline:
                raise _error(KafkaError._TIMED_OUT, f"{what}: Local: Timed out", retriable=True)
            self._world.pause(self._process, f"{api} again", _RETRY_S)

    def begin_transaction(self) -> None:
        """No request: the broker hears of it with the first partition."""
        self._check("begin_transaction", fresh=True)
        self._in_transaction = True

    def send_offsets_to_transaction(
        self, positions: list[TopicPartition], group_metadata: Any, timeout: float
    ) -> None:
        """`group_metadata` is what `membership()` gave: group, generation, member, instance."""
        self._check("send_offsets_to_transaction")
        if self._abortable is not None:
            raise KafkaException(self._abortable)
        name, transactions = self.id, self._broker.transactions
        assert name is not None
        group_name, generation, member, instance = group_metadata
        producer, epoch, deadline = self._producer, self._epoch, self._world.now + timeout
        what = "Failed to add offsets to transaction"
        code = self._asked(
            "AddOffsetsToTxn",
            lambda: transactions.add(name, producer, epoch, [], group_name),
            deadline,
            what,
        )
        if code != OK:
            self._die(code, what)
            raise KafkaException(self._fatal)
        self._offsets_added = True
        offsets = {(one.topic, one.partition): one.offset for one in positions}
        group = self._broker.group(group_name)

        def apply() -> int:
            code = transactions.may_commit_offsets(producer, epoch, group_name)
            if code != OK:
                return code
            return group.commit_in_transaction(producer, (generation, member, instance), offsets)

        what = "Failed to commit offsets to transaction"
        code = self._asked("TxnOffsetCommit", apply, deadline, what)
        if code in _FENCED:
            self._die(code, what)
            raise KafkaException(self._fatal)
        if code != OK:
            self._fail_abortably(code, what)
            raise KafkaException(self._abortable)

    def commit_transaction(self, timeout: float) -> None:
        """Flush, then EndTxn; returns before the markers are written."""
        self._check("commit_transaction")
        deadline = self._world.now + timeout
        if self._drain(deadline) and self._fatal is None and self._abortable is None:
            raise _error(KafkaError._TIMED_OUT, "Failed to flush all messages", retriable=True)
        if self._fatal is not None:
            raise KafkaException(self._fatal)
        if self._abortable is not None:
            raise KafkaException(self._abortable)
        self._end(deadline, commit=True)

    def abort_transaction(self, timeout: float) -> None:
        """Throw away what is queued, wait for what is under way, then EndTxn."""
        self._check("abort_transaction")
        if any(at in self._sequences for at in self._queues):
            self._skipped = True
        self._purge(KafkaError(KafkaError._PURGE_QUEUE))
        deadline = self._world.now + timeout
        if self._drain(deadline) and self._fatal is None:
            raise _error(KafkaError._TIMED_OUT, "Failed to flush all messages", retriable=True)
        if self._fatal is not None:
            raise KafkaException(self._fatal)
        self._end(deadline, commit=False)

    def _end(self, deadline: float, *, commit: bool) -> None:
        if self._added or self._offsets_added or self._is_adding:
            name, transactions = self.id, self._broker.transactions
            assert name is not None
            producer, epoch = self._producer, self._epoch
            what = "Failed to end transaction"
            code = self._asked(
                "EndTxn",
                lambda: transactions.end(name, producer, epoch, commit=commit),
                deadline,
                what,
            )
            if code != OK:
                self._die(code, what)
                raise KafkaException(self._fatal)
        self._in_transaction = False
        self._abortable = None
        self._added.clear()
        self._offsets_added = False
        self._world.pause(self._process, "commit answered" if commit else "abort answered")
        self._serve()

    # -- waiting and reports ---------------------------------------------------------------------

    def flush(self, timeout: float = -1) -> int:
        """Wait until everything is written or given up; how many records are left."""
        self._world.pause(self._process, "flush")
        left = self._drain(self._world.now + (timeout if timeout >= 0 else 3600.0))
        self._serve()
        return left

    def poll(self, timeout: float = -1) -> int:
        """Serve delivery reports; does not wait for more."""
        del timeout
        self._world.pause(self._process, "producer poll")
        return self._serve()

    def _drain(self, deadline: float) -> int:
        world = self._world
        while self._left and world.now < deadline:
            if self._queues:
                self._kick_now()
            self._moved = Answer(self._process)
            self._moved.wait(deadline - world.now)
        return self._left

    def _kick_now(self) -> None:
        self._is_kicked = True
        self._world.later(0.0, self._pump, self._process)

    def _serve(self) -> int:
        if self._fatal is not None and not self._is_fatal_told:
            self._is_fatal_told = True
            raise KafkaException(self._fatal)
        reports, self._reports = self._reports, []
        for report, error, message in reports:
            report(error, message)
        return len(reports)


def _error(
    code: int, reason: str, *, fatal: bool = False, retriable: bool = False
) -> KafkaException:
    return KafkaException(KafkaError(code, reason, fatal=fatal, retriable=retriable))
