"""One worker of the small job, as a program: `python -m tests.engine.worker '{json options}'`."""

import json
import logging
import struct
import sys
from pathlib import Path

from streams.engine import (
    DUE,
    App,
    Config,
    Limits,
    OpenPorts,
    TableSpec,
    Turns,
    Worker,
    real_ports,
)
from tests.engine import job


def build(options: dict[str, str], open_ports: OpenPorts = real_ports) -> App:
    """The app, wired to topics under the prefix; `limits` and `client` are JSON of their own."""
    prefix = options["prefix"]
    inputs = tuple(prefix + name for name in ("adds", "takes", "ticks"))
    out, taken = prefix + "out", prefix + "taken"
    config = Config(
        group=prefix + "group",
        inputs=inputs,
        changelog=prefix + "changelog",
        data_dir=Path(options["data_dir"]),
        client={
            "bootstrap.servers": options["bootstrap"],
            **json.loads(options.get("client", "{}")),
        },
        instance=options.get("instance", ""),
        clock=inputs[job.TICKS],
        make_tick=lambda at, partition: struct.pack("<qi", at, partition),
        co_partitioned_outputs=(out, taken),
        limits=Limits(
            tick_interval=0.2,
            turn_records=int(options.get("turn", "500")),
            **json.loads(options.get("limits", "{}")),
        ),
    )
    app = App(config, open_ports=open_ports, loglevel="INFO")
    spec = TableSpec("counts", b"c", job.Count.dump, job.Count.load, due=job.due_of)
    counts = app.keyed_rows(spec, "how many of each key")

    @app.agent(app.inputs)
    async def count(turns: Turns) -> None:
        async for turn in turns:
            async with turn:
                for partition in turn:
                    rows = counts.rows()
                    sequence = int.from_bytes(partition.carry, "little")

                    def emit(key: bytes, value: bytes) -> None:
                        partition.send(out, key, value)  # noqa: B023  # called within the loop

                    for source, item, at in partition.events():
                        mark = at
                        if source == DUE:
                            if not job.on_due(item, at, rows, emit):
                                continue
                            mark = partition.act()
                        elif source == job.TICKS:
                            partition.advance(at)
                        else:
                            job.on_record(
                                source, item.key(), item.value(), at, rows, emit, partition.wake
                            )
                        record = job.TAKEN.pack(
                            sequence, source, partition.offset, mark, partition.watermark
                        )
                        partition.send(taken, None, record)
                        sequence += 1
                    partition.carry = sequence.to_bytes(8, "little")

    return app


def main(open_ports: OpenPorts = real_ports) -> None:
    """Run until SIGTERM."""
    options = json.loads(sys.argv[1])
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(message)s")
    sys.argv = ["worker"]
    Worker(build(options, open_ports), loglevel="info").execute_from_commandline()


if __name__ == "__main__":
    main()
