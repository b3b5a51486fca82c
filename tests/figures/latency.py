"""From an order to its prompt, and in a call from the key press to the approved charge: as a reader
of committed records sees it.

The input's record time is the broker's, the output is seen when a read_committed reader has it in
hand; both clocks are one machine's. The outside world that orders and answers is a process of its
own, on the same cores as broker and worker.
"""

import os
import time
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple, cast

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from streams import clients, topics
from streams.broker import EmbeddedBroker
from streams.codec.codecs import Codecs
from streams.codec.faults import Undecodable
from streams.demo.funnel import latency_of
from streams.gate import effects
from streams.gate.events import Order
from streams.gate.words import Channel, MessageKind
from streams.settings import Settings
from streams.world.wire import our_codecs
from tests.figures.aside import Aside
from tests.figures.gate import Gate
from tests.figures.outside import Outside
from tests.figures.processes import cpu_s, machine_busy_s
from tests.figures.progress import Progress

# An order brings about 3.2 events: itself, its answer, its settlement, and the reports on its
# prompt and its receipt.
EVENTS_AN_ORDER = 3.2
_READ_MOST = 1000
_READ_S = 0.01
_END_S = 120.0
_START_S = 60.0


class Latencies(NamedTuple):
    """One run at a steady rate; milliseconds."""

    events_per_s: float
    prompts: int
    p50: int
    p99: int
    most: int
    key_presses: int
    voice_p50: int  # from a key press in a call to the charge it approves
    voice_p99: int
    worker_us: float  # CPU an event
    broker_us: float  # CPU an event; it serves the world and our eyes too
    turns_per_s: float
    others_cores: float  # busy with neither worker nor broker; the simulated world is among them
    load: float


class _Mark(NamedTuple):
    at: float
    decided: int
    worker_s: float
    broker_s: float
    busy_s: float
    turns: float


def measure(
    broker: EmbeddedBroker,
    folder: Path,
    name: str,
    events_per_s: float,
    warm_up_s: float,
    seconds: float,
) -> Latencies:
    """Let the world order at a steady rate; what is counted begins after a warm-up."""
    gate = Gate(broker, f"{name}.", folder / name, partitions=4)  # as in the demonstration
    with ExitStack() as stack:
        progress = Progress(gate.settings)
        stack.callback(progress.close)
        worker = stack.enter_context(gate.worker())
        wait_until_ready(gate)

        def mark() -> _Mark:
            return _Mark(
                time.time(),
                progress.decided(),
                cpu_s(worker.process),
                cpu_s(broker.pid),
                machine_busy_s(),
                gate.metric("tollgate_turns_total"),
            )

        eyes = stack.enter_context(Eyes(gate.settings))
        ordering_s = warm_up_s + seconds
        world = stack.enter_context(Outside(gate, events_per_s / EVENTS_AN_ORDER, ordering_s))
        time.sleep(warm_up_s)
        before = mark()
        time.sleep(seconds)
        after = mark()
        world.wait(_END_S)
        worker.stop()
    return _figures(
        before,
        after,
        eyes.latencies(before.at, after.at),
        eyes.voice_latencies(before.at, after.at),
    )


def _figures(before: _Mark, after: _Mark, prompts: list[int], answers: list[int]) -> Latencies:
    found, heard = latency_of(prompts), latency_of(answers)
    if found is None or heard is None:
        raise RuntimeError("no order was answered by a prompt, or no call by a key press")
    seconds, events = after.at - before.at, after.decided - before.decided
    worker = after.worker_s - before.worker_s
    broker = after.broker_s - before.broker_s
    return Latencies(
        events / seconds,
        *found,
        *heard[:-1],
        worker / events * 1e6,
        broker / events * 1e6,
        (after.turns - before.turns) / seconds,
        max(0.0, after.busy_s - before.busy_s - worker - broker) / seconds,
        os.getloadavg()[0],
    )


class Eyes(Aside):
    """A reader of orders, committed messages and charges, on a thread of its own."""

    def __init__(self, settings: Settings) -> None:
        super().__init__("eyes")
        self._orders_topic = settings.topic_prefix + topics.ORDERS
        self._charges_topic = settings.topic_prefix + topics.CHARGES
        self._codecs: Codecs = our_codecs()
        # By order: its record time and partition.
        self._placed: dict[tuple[str, str], tuple[int, int]] = {}
        # By order: when its prompt was issued (its order's record time) and when it was seen.
        self._prompted: dict[tuple[str, str], tuple[int, int]] = {}
        # Of charges in calls: when approved (their key press's record time) and when seen.
        self._approved: dict[str, tuple[int, int]] = {}
        self._consumer = Consumer(clients.reader(settings, "figures") | {"fetch.wait.max.ms": 20})
        self._consumer.assign(
            [
                TopicPartition(settings.topic_prefix + name, number, 0)
                for name in (topics.ORDERS, topics.MESSAGES, topics.CHARGES)
                for number in range(settings.partitions)
            ]
        )

    def _close(self) -> None:
        self._consumer.close()

    def _look(self) -> None:
        first = self._consumer.poll(_READ_S)
        if first is not None:
            self._see(first)
            for record in self._consumer.consume(_READ_MOST, 0):
                self._see(record)

    def latencies(self, since: float, until: float, but: frozenset[int] = frozenset()) -> list[int]:
        """Of the orders published between these instants (seconds since the epoch).

        Leaving out the partitions `but`.
        Only of those that were themselves prompted for: an order that had waited on another's
        prompt may get one of its own later, when that one has ended.
        """
        return [
            seen - issued
            for order, (issued, seen) in self._prompted.items()
            if since <= issued / 1000 < until
            and (placed := self._placed.get(order)) is not None
            and placed[0] == issued
            and placed[1] not in but
        ]

    def voice_latencies(self, since: float, until: float) -> list[int]:
        """Of the key presses published between these instants (seconds since the epoch)."""
        return [
            seen - approved
            for approved, seen in self._approved.values()
            if since <= approved / 1000 < until
        ]

    def _see(self, record: Message) -> None:
        if record.error() is not None:
            raise KafkaException(record.error())
        now, value = time.time_ns() // 1_000_000, record.value()
        if record.topic() == self._orders_topic:
            self._see_order(record, value)
            return
        if record.topic() == self._charges_topic:
            charge = cast(effects.Charge, self._codecs.decode(topics.CHARGES, value))
            if charge.channel is Channel.IVR and charge.reply_id is not None:
                self._approved.setdefault(charge.charge_id, (charge.approved_at, now))
            return
        message = cast(effects.Message, self._codecs.decode(topics.MESSAGES, value))
        if message.kind is MessageKind.PROMPT and message.order_id is not None:
            order = (message.msisdn, message.order_id)
            self._prompted.setdefault(order, (message.issued_at, now))

    def _see_order(self, record: Message, value: bytes | None) -> None:
        try:
            order = cast(Order, self._codecs.decode(topics.ORDERS, value))
        except Undecodable:
            return  # the world errs on purpose
        number = record.partition()
        assert number is not None
        placed = record.timestamp()[1], number
        self._placed.setdefault((order.msisdn, order.order_id), placed)


def wait_until_ready(gate: Gate) -> None:
    """Until all partitions are open; RuntimeError when that takes too long."""
    deadline = time.monotonic() + _START_S
    while gate.metric("tollgate_partitions_open") < gate.settings.partitions:
        if time.monotonic() > deadline:
            raise RuntimeError(f"the worker was not ready within {_START_S:.0f} s: {gate.log}")
        time.sleep(0.1)
