"""W1 on stock Faust, which has only its environment to be told by.

PEERS_BOOTSTRAP, PEERS_PREFIX, PEERS_STATE, PEERS_GUARANTEE (exactly_once, at_least_once):
python -m tests.peers.faust_app worker -l warn --without-web
"""

import os
from typing import Any

import faust

from tests.peers import decision, workload
from tests.peers.workload import PROMPT

_COMMIT_INTERVAL_S = 1.0


class Framed(faust.Codec):
    """The wire's framing; a record as its fields, one that goes out with its schema's id."""

    def _loads(self, s: bytes) -> Any:
        return workload.decode(s)[1]

    def _dumps(self, s: Any) -> bytes:
        return workload.encode(*s)


def build() -> faust.App:
    """The app as the environment says."""
    environment, prefix = os.environ, os.environ["PEERS_PREFIX"]
    faust.serializers.codecs.register("framed", Framed())
    app = faust.App(
        f"{prefix}-faust",
        broker=f"aiokafka://{environment['PEERS_BOOTSTRAP']}",
        store="rocksdb://?driver=rocksdict",
        datadir=environment["PEERS_STATE"],
        processing_guarantee=environment["PEERS_GUARANTEE"],
        topic_partitions=workload.PARTITIONS,
        topic_replication_factor=1,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        stream_wait_empty=False,
        web_enabled=False,
        broker_commit_interval=_COMMIT_INTERVAL_S,
        broker_max_poll_interval=300.0,
        producer_partitioner=None,
    )
    events, prompts, charges = (
        app.topic(
            workload.topic(prefix, name),
            key_type=bytes,
            key_serializer="raw",
            value_serializer="framed",
            partitions=workload.PARTITIONS,
        )
        for name in (workload.EVENTS, *workload.OUTPUTS)
    )
    table = app.Table("gate", partitions=workload.PARTITIONS, default=None, key_type=bytes)

    @app.agent(events)
    async def gate(stream: Any) -> None:
        async for event in stream.events():
            slots, outputs = decision.step(table.get(event.key), event.value)
            if slots is not None:
                table[event.key] = slots
            for output in outputs:
                topic = prompts if output[0] == PROMPT else charges
                await topic.send(key=event.key, value=output)

    return app


if __name__ == "__main__":
    build().main()
