"""How a simulated producer queues and sends; who may call it when is in producer.py.

One batch a partition is under way at a time, in order; sequence numbers are given when a batch is
sent. What the broker refuses is fatal (fenced) or abortable, as librdkafka sorts it.
"""

from collections.abc import Callable

from confluent_kafka import KafkaError, KafkaException, Message

from tests.sim.model.broker import Batch, Broker
from tests.sim.model.clock import MachineClock
from tests.sim.model.groups import At
from tests.sim.model.log import OK, Headers, Pending
from tests.sim.model.network import Network
from tests.sim.model.scheduler import Answer, Process

Report = Callable[[KafkaError | None, Message], None]

FENCED = {KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH}
_INSTANCE = "Local: This instance has been fenced by a newer instance"
_RETRY_S = 0.002
PRODUCE_PAUSES = 1 / 16
"""How often `produce` lets something else happen; each pause costs some microseconds."""


class Sender:
    """A producer without its transactional calls."""

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
            raise error_of(KafkaError._FATAL, "Unable to produce message: Local: Fatal error")
        if self.id is not None and not self._in_transaction:
            raise error_of(KafkaError._STATE, "Unable to produce message: Local: Erroneous state")
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
        while ready and self._fatal is None:
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
            if code in FENCED:
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
        if code in FENCED:
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


def error_of(
    code: int, reason: str, *, fatal: bool = False, retriable: bool = False
) -> KafkaException:
    return KafkaException(KafkaError(code, reason, fatal=fatal, retriable=retriable))
