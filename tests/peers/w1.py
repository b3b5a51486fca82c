"""W1's decisions on rows of slots: what our engine's job does with an order and a reply.

Apart from the app, so that it can be native code (tests/compiled), as an operator's own job could.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from tests.peers import slots
from tests.peers.slots import GRANTED, OPEN, Row, Slot, Waiting
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
