"""W1's decisions on rows of slots: what our engine's job does with an order and a reply.

Apart from the app, so that it can be native code (tests/compiled), as an operator's own job could.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from tests.peers import slots
from tests.peers.slots import CLOSED, GRANTED, OPEN, Row, Slot, Waiting
from tests.peers.workload import DAY_MS


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


def admit(row: Row, order: Order) -> tuple[Row, Prompt | Charge | None]:
    """An order's new row and what goes out for it; the same row if it was seen before."""
    order_id, _, msisdn, sp_id, service_id, price_fen, _, _, at = order
    day = at // DAY_MS
    found = slots.find(row, service_id, day)
    if found is None:
        row = (*row, slots.asked(service_id, day, order_id, sp_id, price_fen))
    else:
        if slots.has_seen(found, order_id):
            return row, None
        state = slots.state_of(found)
        if state == GRANTED:
            consented_at = slots.consented_at_of(found)
            charge = Charge(
                f"c-{order_id}", order_id, msisdn, sp_id, service_id, price_fen, consented_at, at
            )
            return slots.replaced(row, found, slots.with_seen(found, order_id)), charge
        if state == OPEN:
            waits = slots.with_waiting(found, order_id, sp_id, price_fen)
            return slots.replaced(row, found, waits), None
        # Asked again after a no: it is the youngest prompt now.
        seen = (*slots.unpack(found).seen, order_id)
        waiting = Waiting(order_id, sp_id, price_fen)
        again = slots.pack(Slot(day, service_id, OPEN, 0, seen, (waiting,)))
        row = (*(each for each in row if each != found), again)
    text = f"Reply Y to confirm {service_id}"
    prompt = Prompt(
        f"p-{order_id}", order_id, msisdn, sp_id, service_id, price_fen, text, at + DAY_MS
    )
    return row, prompt


def hear(row: Row, reply: Reply) -> tuple[Row, list[Charge]]:
    """A reply's new row and the charges that it approves; the same row if no prompt is open."""
    found = slots.find_open(row)
    if found is None:
        return row, []
    if reply.text != "Y":
        refused, _, _ = slots.answered(found, CLOSED, 0)
        return slots.replaced(row, found, refused), []
    at, msisdn = reply.received_at, reply.msisdn
    granted, service_id, waited = slots.answered(found, GRANTED, at)
    charges = [
        Charge(f"c-{order_id}", order_id, msisdn, sp_id, service_id, price_fen, at, at)
        for order_id, sp_id, price_fen in waited
    ]
    return slots.replaced(row, found, granted), charges


class Job(NamedTuple):
    """What deciding needs besides rows: the codecs by a value's header, and where things go."""

    decoders: dict[bytes, Callable[[bytes], Any]]
    header_bytes: int
    encode_prompt: Callable[[Prompt], bytes]
    encode_charge: Callable[[Charge], bytes]
    prompts: str
    charges: str

    def decide(self, partition: Any, rows: Any) -> None:
        """Every event of a partition's turn."""
        decoders, header_bytes, encode_prompt, encode_charge, prompts, charges = self
        send = partition.send
        for _, message, _ in partition.events():
            key, value = message.key(), message.value()
            event = decoders[value[:header_bytes]](value)
            before = rows.get(key) or ()
            if type(event) is Order:
                after, output = admit(before, event)
                if type(output) is Prompt:
                    send(prompts, key, encode_prompt(output))
                elif type(output) is Charge:
                    send(charges, key, encode_charge(output))
            else:
                after, approved = hear(before, event)
                for charge in approved:
                    send(charges, key, encode_charge(charge))
            if after is not before:
                rows.put(key, after)
