"""The real engine on the model with the smallest job there is: it writes down what it takes.

The job counts records per key in rows and writes each record's place to `taken`, so that a check is
one line: every record of every input was taken exactly once, in the order of its offsets.
"""

import struct
from collections.abc import Callable
from pathlib import Path

from streams.engine.config import Config, Limits
from streams.engine.engine import Engine, Ports
from streams.engine.spec import TableSpec
from streams.engine.turn import Turn
from tests.sim.model.broker import Broker
from tests.sim.model.clients import SimClients
from tests.sim.model.clock import Machine, MachineClock, SimBackground, SimExit
from tests.sim.model.disk import Folder, SimDisk
from tests.sim.model.network import Network
from tests.sim.model.scheduler import Process, World

PARTITIONS = 3
INPUTS = ("adds", "takes", "ticks")
TAKEN = struct.Struct("<iq")
LIMITS = Limits(turn_records=50, transaction_timeout=5.0, stable_offsets=40.0, linger_ms=2.0)


class SmallWorld:
    """Topics, and workers on machines of their own."""

    def __init__(self, seed: int) -> None:
        self.world = World(seed)
        self.network = Network(self.world)
        self.broker = Broker(self.world)
        self.broker.on_topics_changed = self.network.stir
        stamped = {"message.timestamp.type": "LogAppendTime"}
        for name in INPUTS:
            self.broker.create(name, PARTITIONS, stamped)
        self.broker.create("taken", PARTITIONS)
        self.broker.create("changelog", PARTITIONS, {"cleanup.policy": "compact"})
        self.machines: dict[str, tuple[Machine, Folder]] = {}
        self.workers: dict[str, Process] = {}
        self.engines: dict[str, Engine] = {}
        self.written = 0

    def start(self, name: str, *, static: bool = True) -> Process:
        """Start a worker on its machine."""
        world = self.world
        if name not in self.machines:
            self.machines[name] = Machine(world, name), Folder(name)
        machine, folder = self.machines[name]
        process = self.workers[name] = world.process(name)
        clock = MachineClock(machine)
        config = Config(
            group="group",
            inputs=INPUTS,
            changelog="changelog",
            data_dir=Path(name),
            client={},
            instance=name if static else "",
            clock="ticks",
            make_tick=lambda at, number: struct.pack("<qi", at, number),
            co_partitioned_outputs=("taken",),
            limits=LIMITS,
        )
        clients = SimClients(process, self.broker, self.network, clock, config)

        def main() -> None:
            disk = SimDisk(process, folder)
            ports = Ports(clients, disk, clock, SimBackground(process), SimExit(process))
            spec = TableSpec("counts", b"c", _dump, _load)
            engine = Engine(config, [spec], ports, decide, lambda _: None)
            self.engines[name] = engine
            engine.run()
            disk.close()

        process.spawn_main(main, "engine")
        return process

    def write(self, count: int) -> None:
        """Some records of the keyed inputs."""
        draws = self.world.random
        for _ in range(count):
            topic = INPUTS[draws.randrange(2)]
            key = b"key-%d" % draws.randrange(20)
            self.broker.write(topic, draws.randrange(PARTITIONS), b"%d" % self.written, key)
            self.written += 1

    def taken(self) -> list[tuple[str, int, int]]:
        """(input, partition, offset) of everything taken and committed, as a reader finds it."""
        found = []
        for partition in self.broker.topics["taken"].partitions:
            for message in partition.read(0, 1 << 30)[0]:
                source, offset = TAKEN.unpack(message.value() or b"")
                found.append((INPUTS[source], partition.number, offset))
        return found

    def sent(self) -> int:
        """How many records the keyed inputs hold."""
        return sum(one.high for name in INPUTS[:2] for one in self.broker.topics[name].partitions)

    def check(self) -> None:
        """Everything taken at most once, and in order."""
        taken = self.taken()
        assert len(set(taken)) == len(taken), "something was taken twice"
        last: dict[tuple[str, int], int] = {}
        for source, number, offset in taken:
            if source != "ticks":
                assert offset == last.get((source, number), -1) + 1, "taken out of order"
                last[source, number] = offset

    def is_done(self) -> bool:
        """Whether every record of the keyed inputs has been taken."""
        return sum(source != "ticks" for source, _, _ in self.taken()) >= self.sent()


def decide(turn: Turn) -> None:
    """The job: at most a moment, and no pause but those of produce."""
    turn.begin()
    for partition in turn:
        rows = partition.rows("counts")
        for source, item, at in partition.events():
            if INPUTS[source] == "ticks":
                partition.advance(at)
            else:
                rows.put(item.key(), (rows.get(item.key()) or 0) + 1)
            partition.send("taken", None, TAKEN.pack(source, partition.offset))
    turn.flush()


def _dump(number: int) -> bytes:
    return struct.pack("<q", number)


def _load(value: bytes) -> int:
    number: int = struct.unpack("<q", value)[0]
    return number


Act = Callable[[SmallWorld], None]
