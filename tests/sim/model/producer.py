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

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from tests.sim.model.log import OK
from tests.sim.model.sending import FENCED, Sender, error_of

_RETRY_S = 0.002
_CLOSE_S = 10.0


class SimProducer(Sender):
    """Transactional with an id (call `init` first), else plain and idempotent."""

    def close(self) -> None:
        """Aborts what is open, as confluent-kafka does, and raises where that is refused."""
        self._world.pause(self._process, "producer close")
        self._purge(KafkaError(KafkaError._PURGE_QUEUE))
        if self._in_transaction and self._fatal is None:
            self.abort_transaction(_CLOSE_S)
        self._serve()

    def _check(self, what: str, *, fresh: bool = False) -> None:
        """The pause of a transactional call, and whether it may be made."""
        self._world.pause(self._process, what)
        if self._fatal is not None:
            raise KafkaException(self._fatal)
        if self._in_transaction is fresh:
            state = "InTransaction" if self._in_transaction else "Ready"
            raise error_of(KafkaError._STATE, f"Operation not valid in state {state}")

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
            raise error_of(code, "Failed to initialize Producer ID", fatal=True)

    def _asked(self, api: str, apply: Callable[[], Any], deadline: float, what: str) -> Any:
        """Ask the broker, again while markers are being written; KafkaException in the end."""
        while True:
            # Not below a moment: with no time left the call fails by its own timeout.
            left = max(deadline - self._world.now, 1e-6)
            try:
                answer = self._network.call(self._process, api, apply, left, self._broken)
            except TimeoutError:
                raise error_of(
                    KafkaError._TIMED_OUT, f"{what}: Local: Timed out", retriable=True
                ) from None
            code = answer[0] if isinstance(answer, tuple) else answer
            if code != KafkaError.CONCURRENT_TRANSACTIONS:
                return answer
            if self._world.now >= deadline:
                raise error_of(KafkaError._TIMED_OUT, f"{what}: Local: Timed out", retriable=True)
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
        if code in FENCED:
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
            raise error_of(KafkaError._TIMED_OUT, "Failed to flush all messages", retriable=True)
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
            raise error_of(KafkaError._TIMED_OUT, "Failed to flush all messages", retriable=True)
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
