"""W1 on our own engine, on its public face: python -m tests.peers.ours BOOTSTRAP PREFIX STATE_DIR

One agent, one table with a row a subscriber, the project's generated codecs.
"""

import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from streams.codec.classes import Classes
from streams.codec.framing import header
from streams.codec.generate_decoder import make_decoder
from streams.codec.generate_encoder import make_encoder
from streams.codec.schema import Schema, parse_schema
from streams.engine import App, Config, Limits, TableSpec, Turns, Worker
from tests.peers import slots, workload
from tests.peers.w1 import Job, Order, Reply
from tests.peers.workload import CHARGE, CHARGES, ORDER, PROMPT, PROMPTS, REPLY


def _schema(schema_id: int) -> Schema:
    source = workload.SCHEMAS[schema_id]
    return parse_schema(source["name"], json.dumps(source))


def _decoder(schema_id: int, record: type[Any]) -> Callable[[bytes], Any]:
    schema, head = _schema(schema_id), header(schema_id)
    return make_decoder(schema, schema, Classes({record.__name__: record}), len(head))


_DECODERS = {header(ORDER): _decoder(ORDER, Order), header(REPLY): _decoder(REPLY, Reply)}
_HEADER_BYTES = len(header(ORDER))
_ENCODE_PROMPT = make_encoder(_schema(PROMPT), header(PROMPT))
_ENCODE_CHARGE = make_encoder(_schema(CHARGE), header(CHARGE))


def build(bootstrap: str, prefix: str, state_dir: Path) -> App:
    """The app on the topics of one run."""
    prompts, charges = workload.topic(prefix, PROMPTS), workload.topic(prefix, CHARGES)
    config = Config(
        group=f"{prefix}-ours",
        inputs=(workload.topic(prefix, workload.EVENTS),),
        changelog=f"{prefix}-ours-changelog",
        data_dir=state_dir,
        client={"bootstrap.servers": bootstrap},
        instance="one",
        # A transaction as large as Kafka Streams makes them at its default of 100 ms.
        limits=Limits(turn_records=6_000),
        co_partitioned_outputs=(prompts, charges),
    )
    job = Job(_DECODERS, _HEADER_BYTES, _ENCODE_PROMPT, _ENCODE_CHARGE, prompts, charges)
    app = App(config)
    spec = TableSpec("subscribers", b"s", slots.dump, slots.load)
    subscribers = app.keyed_rows(spec, "slots of each subscriber")

    @app.agent(app.inputs)
    async def gate(turns: Turns) -> None:
        async for turn in turns:
            async with turn:
                for partition in turn:
                    job.decide(partition, subscribers.rows())

    return app


def _make_changelog(bootstrap: str, name: str) -> None:
    """The engine makes no topic; the run before a kill has made it already."""
    wanted = NewTopic(name, workload.PARTITIONS, 1, config={"cleanup.policy": "compact"})
    admin = AdminClient({"bootstrap.servers": bootstrap})
    try:
        admin.create_topics([wanted])[name].result()
    except KafkaException as refused:
        if refused.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise


def main() -> None:
    """Run until SIGTERM."""
    bootstrap, prefix, state_dir = sys.argv[1:]
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(message)s")
    app = build(bootstrap, prefix, Path(state_dir))
    _make_changelog(bootstrap, app.job.changelog)
    sys.argv = ["worker"]
    Worker(app, loglevel="info").execute_from_commandline()


if __name__ == "__main__":
    main()
