"""What the network may do to a producer, and what the old transaction protocol makes of it."""

from collections.abc import Callable
from contextlib import nullcontext

import pytest
from confluent_kafka import KafkaError, KafkaException

from tests.sim.model.broker import Broker
from tests.sim.model.clock import Machine, MachineClock
from tests.sim.model.network import Fate, Network
from tests.sim.model.producer import SimProducer
from tests.sim.model.scheduler import World


class Bench:
    """A broker with one topic, and producers in one process."""

    def __init__(self, seed: int = 0) -> None:
        self.world = World(seed)
        self.network = Network(self.world)
        self.broker = Broker(self.world)
        self.broker.create("out", 1)
        self.process = self.world.process("test")
        self._clock = MachineClock(Machine(self.world, "machine"))

    def producer(self) -> SimProducer:
        made = SimProducer(self.process, self.broker, self.network, self._clock, "id", 60.0, 0.002)
        made.init(60)
        return made

    def run(self, work: Callable[[], None]) -> None:
        answer = self.process.spawn(work)
        assert self.world.run_until(answer.done, 600)
        answer.result()
        self.world.run_for(60)
        self.world.close()

    def values(self) -> list[bytes | str | None]:
        """What a read_committed reader finds."""
        found, _ = self.broker.topics["out"].partitions[0].read(0, 1000)
        return [one.value() for one in found]


def one_by_one(bench: Bench) -> None:
    """Three transactions, each on a producer of its own as the engine takes one when disturbed."""
    for number in range(3):
        producer = bench.producer()
        producer.begin_transaction()
        producer.produce("out", b"%d" % number, b"k", 0)
        producer.commit_transaction(10)


@pytest.mark.parametrize("fate", Fate)
@pytest.mark.parametrize("api", ["Produce", "AddPartitionsToTxn", "EndTxn", "InitProducerId"])
def test_a_request_that_fared_ill_is_answered_all_the_same(fate: Fate, api: str) -> None:
    """Retried until it is answered, and applied once."""
    bench = Bench()
    bench.network.next_fates[api] = [fate, None, fate]
    bench.run(lambda: one_by_one(bench))
    assert bench.values() == [b"0", b"1", b"2"]
    assert bench.network.happened[api, fate.value] == 2


def half_a_transaction(bench: Bench, *, fresh_epoch: bool) -> None:
    """A first commit is delivered late; a second transaction is left open meanwhile."""
    producer = bench.producer()
    producer.begin_transaction()
    producer.produce("out", b"first", b"k", 0)
    bench.network.next_fates["EndTxn"] = [Fate.LATE]
    producer.commit_transaction(10)
    assert producer.is_disturbed()
    if fresh_epoch:
        producer = bench.producer()
    producer.begin_transaction()
    producer.produce("out", b"half", b"k", 0)
    assert producer.flush(10) == 0
    bench.world.pause(bench.process, "thinking", 30.0)
    with nullcontext() if fresh_epoch else pytest.raises(KafkaException):
        producer.produce("out", b"other half", b"k", 0)
        producer.commit_transaction(10)


def test_a_late_commit_ends_the_next_transaction_of_its_epoch() -> None:
    """KIP-890's hole: half a transaction becomes visible."""
    bench = Bench()
    bench.run(lambda: half_a_transaction(bench, fresh_epoch=False))
    assert bench.values() == [b"first", b"half"]


def test_a_new_epoch_fences_a_late_commit() -> None:
    """The stray request finds another epoch and does nothing."""
    bench = Bench()
    bench.run(lambda: half_a_transaction(bench, fresh_epoch=True))
    assert bench.values() == [b"first", b"half", b"other half"]


def test_a_commit_that_nobody_answers_is_in_doubt() -> None:
    """The call's time is up: retriable, neither fatal nor abortable; the broker decides later."""
    bench = Bench()

    def work() -> None:
        producer = bench.producer()
        producer.begin_transaction()
        producer.produce("out", b"doubt", b"k", 0)
        assert producer.flush(10) == 0
        bench.network.cut(bench.process)
        began = bench.world.now
        with pytest.raises(KafkaException) as doubt:
            producer.commit_transaction(10)
        error = doubt.value.args[0]
        assert (error.code(), error.retriable(), error.fatal(), error.txn_requires_abort()) == (
            *(KafkaError._TIMED_OUT, True, False, False),
        )
        assert 10 <= bench.world.now - began < 11

    bench.run(work)
    assert bench.values() == []


def test_an_aborted_handle_that_threw_away_numbered_records_is_dead() -> None:
    """Skipped sequence numbers: its next transaction fails for good."""
    bench = Bench()

    def work() -> None:
        producer = bench.producer()
        producer.begin_transaction()
        producer.produce("out", b"sent", b"k", 0)
        assert producer.flush(10) == 0
        producer.produce("out", b"never sent", b"k", 0)
        producer.abort_transaction(10)
        producer.begin_transaction()
        producer.produce("out", b"next", b"k", 0)
        with pytest.raises(KafkaException) as dead:
            producer.commit_transaction(10)
        assert dead.value.args[0].fatal()

    bench.run(work)
    assert bench.values() == []
