"""W1 on our own engine, on its public face: python -m tests.peers.ours BOOTSTRAP PREFIX STATE_DIR

One agent, one table with a row a subscriber, the project's generated codecs.
"""

import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from streams.codec.classes import Classes
from streams.codec.framing import header
from streams.codec.generate_decoder import make_decoder
from streams.codec.generate_encoder import make_encoder
from streams.codec.schema import Schema, parse_schema
from streams.engine import App, Config, TableSpec, Turns, Worker
from tests.peers import slots, workload
from tests.peers.slots import GRANTED, OPEN, Row, Slot, Waiting
from tests.peers.workload import CHARGE, CHARGES, DAY_MS, ORDER, PROMPT, PROMPTS, REPLY


class Order(NamedTuple):
    order_id: str
    link_id: str
    msisdn: str
    sp_id: str
    service_id: str
    price_fen: int
    channel: str
    province: str
    ordered_at: int


class Reply(NamedTuple):
    reply_id: str
    msisdn: str
    text: str
    channel: str
    received_at: int


class Prompt(NamedTuple):
    prompt_id: str
    order_id: str
    msisdn: str
    sp_id: str
    service_id: str
    price_fen: int
    text: str
    expires_at: int


class Charge(NamedTuple):
    charge_id: str
    order_id: str
    msisdn: str
    sp_id: str
    service_id: str
    price_fen: int
    consented_at: int
    charged_at: int


def _schema(schema_id: int) -> Schema:
    source = workload.SCHEMAS[schema_id]
    return parse_schema(source["name"], json.dumps(source))


def _decoder(schema_id: int, record: type[Any]) -> Callable[[bytes], Any]:
    schema, head = _schema(schema_id), header(schema_id)
    return make_decoder(schema, schema, Classes({record.__name__: record}), len(head))


_DECODERS = {header(ORDER): _decoder(ORDER, Order), header(REPLY): _decoder(REPLY, Reply)}
_HEADER_BYTES = len(header(ORDER))
_encode_prompt = make_encoder(_schema(PROMPT), header(PROMPT))
_encode_charge = make_encoder(_schema(CHARGE), header(CHARGE))


def admit(row: Row, order: Order) -> tuple[Row, Prompt | Charge | None]:
    """An order's new row and what goes out for it; the same row if it was seen before."""
    order_id, _, msisdn, sp_id, service_id, price_fen, _, _, at = order
    day = at // DAY_MS
    waiting = (Waiting(order_id, sp_id, price_fen),)
    found = slots.find(row, service_id, day)
    if found is None:
        seen: tuple[str, ...] = (order_id,)
    else:
        slot = slots.unpack(found)
        if order_id in slot.seen:
            return row, None
        seen = (*slot.seen, order_id)
        if slot.state == GRANTED:
            charge = _charge(msisdn, service_id, waiting[0], slot.consented_at, at)
            return slots.replaced(row, found, slot._replace(seen=seen)), charge
        if slot.state == OPEN:
            waits = slot._replace(seen=seen, waiting=slot.waiting + waiting)
            return slots.replaced(row, found, waits), None
        # Asked again after a no: it is the youngest prompt now.
        row = tuple(each for each in row if each != found)
    asked = Slot(day, service_id, OPEN, 0, seen, waiting).pack()
    text = f"Reply Y to confirm {service_id}"
    prompt = Prompt(
        f"p-{order_id}", order_id, msisdn, sp_id, service_id, price_fen, text, at + DAY_MS
    )
    return (*row, asked), prompt


def hear(row: Row, reply: Reply) -> tuple[Row, list[Charge]]:
    """A reply's new row and the charges that it approves; the same row if no prompt is open."""
    found = slots.find_open(row)
    if found is None:
        return row, []
    slot = slots.unpack(found)
    if reply.text != "Y":
        return slots.replaced(row, found, slot._replace(state=slots.CLOSED, waiting=())), []
    at = reply.received_at
    granted = slot._replace(state=GRANTED, consented_at=at, waiting=())
    charges = [_charge(reply.msisdn, slot.service_id, waiting, at, at) for waiting in slot.waiting]
    return slots.replaced(row, found, granted), charges


def _charge(
    msisdn: str, service_id: str, order: Waiting, consented_at: int, charged_at: int
) -> Charge:
    order_id, sp_id, price_fen = order
    return Charge(
        f"c-{order_id}", order_id, msisdn, sp_id, service_id, price_fen, consented_at, charged_at
    )


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
        co_partitioned_outputs=(prompts, charges),
    )
    app = App(config)
    spec = TableSpec("subscribers", b"s", slots.dump, slots.load)
    subscribers = app.keyed_rows(spec, "slots of each subscriber")

    @app.agent(app.inputs)
    async def gate(turns: Turns) -> None:
        async for turn in turns:
            async with turn:
                for partition in turn:
                    rows, send = subscribers.rows(), partition.send
                    for _, message, _ in partition.events():
                        key, value = message.key(), message.value()
                        event = _DECODERS[value[:_HEADER_BYTES]](value)
                        before = rows.get(key) or ()
                        if type(event) is Order:
                            after, output = admit(before, event)
                            if type(output) is Prompt:
                                send(prompts, key, _encode_prompt(output))
                            elif output is not None:
                                send(charges, key, _encode_charge(output))
                        else:
                            after, approved = hear(before, event)
                            for charge in approved:
                                send(charges, key, _encode_charge(charge))
                        if after is not before:
                            rows.put(key, after)

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
