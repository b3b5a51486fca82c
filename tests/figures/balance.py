"""Many partitions over many workers: how evenly they lie, and what a rebalance costs the others.

Orders come at a steady rate while one more worker joins, stays for a while and leaves; from order
to prompt is told apart for the partitions that changed hands and for those that did not.
"""

import os
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple, TypeAlias

from confluent_kafka import ConsumerGroupState
from confluent_kafka.admin import AdminClient

from streams import clients, topics
from streams.broker import EmbeddedBroker
from streams.demo.funnel import latency_of
from tests.figures.gate import Gate
from tests.figures.latency import EVENTS_AN_ORDER, Eyes
from tests.figures.outside import Outside
from tests.figures.processes import cpu_s, memory_peak_mb
from tests.figures.progress import Progress

_STEADY_S = 15.0
# A rebalance, what it holds up, and the openings are over well within this.
_AFTER_S = 15.0
_SETTLED_S = 120.0
_END_S = 120.0
_LOOK_EVERY_S = 0.25

Owners: TypeAlias = Mapping[str, frozenset[int]]
"""Partition numbers by member id."""


class Balance(NamedTuple):
    """One run; milliseconds unless said."""

    workers: int
    partitions: int
    settled_s: float  # from the start of the first worker until each partition has an owner
    fewest: int  # partitions of a worker
    largest: int
    events_per_s: float
    worker_us: float  # CPU an event, of all workers together
    memory_mb: float  # the most of any worker
    before_p99: int
    before_most: int
    moved: int  # partitions that changed hands when a worker joined, and when it left
    stayed_p99: int  # meanwhile, of the partitions that did not
    stayed_most: int
    moved_p99: int
    moved_most: int
    load: float


def measure(
    broker: EmbeddedBroker,
    folder: Path,
    name: str,
    events_per_s: float,
    warm_up_s: float,
    *,
    workers: int,
    partitions: int,
) -> Balance:
    """Steady; one more worker joins, and leaves; steady again."""
    gate = Gate(broker, f"{name}.", folder / name, partitions=partitions)
    group = _Group(gate)
    with ExitStack() as stack:
        began = time.monotonic()
        others = (gate.another(f"worker-{number}") for number in range(1, workers))
        running = [stack.enter_context(each) for each in (gate.worker(), *others)]
        before = group.settled(workers)
        settled_s = time.monotonic() - began
        eyes = stack.enter_context(Eyes(gate.settings))
        progress = Progress(gate.settings)
        stack.callback(progress.close)
        ordering_s = warm_up_s + _STEADY_S + 2 * (_AFTER_S + _SETTLED_S)
        world = stack.enter_context(Outside(gate, events_per_s / EVENTS_AN_ORDER, ordering_s))
        time.sleep(warm_up_s)
        steady_at, decided = time.time(), progress.decided()
        used_s = sum(cpu_s(worker.process) for worker in running)
        time.sleep(_STEADY_S)
        joined_at = time.time()
        events = progress.decided() - decided
        used_s = sum(cpu_s(worker.process) for worker in running) - used_s
        # A dynamic member: one that is named would be waited for when it leaves.
        joiner = stack.enter_context(gate.another("joiner", INSTANCE=""))
        between = group.settled(workers + 1)
        time.sleep(_AFTER_S)
        joiner.stop()
        after = group.settled(workers)
        time.sleep(_AFTER_S)
        over_at = time.time()
        world.place_no_more()
        world.wait(_END_S)
        memory = max(memory_peak_mb(worker.process) for worker in running)
        for worker in running:
            worker.stop()
    moved = _changed(before, between) | _changed(between, after)
    steady = latency_of(eyes.latencies(steady_at, joined_at))
    stayed = latency_of(eyes.latencies(joined_at, over_at, but=moved))
    of_moved = latency_of(
        eyes.latencies(joined_at, over_at, but=frozenset(range(partitions)) - moved)
    )
    if steady is None or stayed is None or of_moved is None:
        raise RuntimeError("no order was answered by a prompt, or no partition changed hands")
    sizes = [len(owned) for owned in before.values()]
    return Balance(
        workers,
        partitions,
        settled_s,
        min(sizes),
        max(sizes),
        events / (joined_at - steady_at),
        used_s / events * 1e6,
        memory,
        *steady[-2:],
        len(moved),
        *stayed[-2:],
        *of_moved[-2:],
        os.getloadavg()[0],
    )


def _changed(before: Owners, after: Owners) -> frozenset[int]:
    """Partitions whose owner is another one."""
    was = {number: member for member, owned in before.items() for number in owned}
    return frozenset(
        number for member, owned in after.items() for number in owned if was.get(number) != member
    )


class _Group:
    """The gate's group, as its coordinator tells of it."""

    def __init__(self, gate: Gate) -> None:
        settings = gate.settings
        self._admin = AdminClient(clients.admin(settings))
        self._name = settings.group
        self._topic = settings.topic_prefix + topics.INPUTS[0]
        self._partitions = settings.partitions

    def settled(self, members: int) -> Owners:
        """Who owns what once so many members own all; RuntimeError when that takes too long."""
        deadline = time.monotonic() + _SETTLED_S
        while len(owners := self._owners()) != members or not self._is_whole(owners):
            if time.monotonic() > deadline:
                raise RuntimeError(f"not settled within {_SETTLED_S:.0f} s: {owners}")
            time.sleep(_LOOK_EVERY_S)
        return owners

    def _is_whole(self, owners: Owners) -> bool:
        """Evenly, too: while partitions are on their way, the members differ by more."""
        sizes = [len(owned) for owned in owners.values()]
        return sum(sizes) == self._partitions and max(sizes) - min(sizes) <= 1

    def _owners(self) -> Owners:
        group = self._admin.describe_consumer_groups([self._name])[self._name].result(30)
        if group.state is not ConsumerGroupState.STABLE:
            return {}
        return {
            member.member_id: frozenset(
                one.partition
                for one in member.assignment.topic_partitions
                if one.topic == self._topic
            )
            for member in group.members
        }
