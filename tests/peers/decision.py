"""W1's decision for the peers in Python: one row a subscriber, one read and one write an event.

A row is plain lists, which any engine can store: [service_id, day, state, consented_at, ids of
orders seen, orders that wait] for each service and day, the oldest prompt first.
"""

from typing import Any, TypeAlias

from tests.peers.workload import CHARGE, DAY_MS, PROMPT, Fields

Slots: TypeAlias = list[list[Any]]
Output: TypeAlias = tuple[int, Fields]
"""A schema's id and a record."""

_CLOSED, _OPEN, _GRANTED = range(3)


def step(slots: Slots | None, event: Fields) -> tuple[Slots | None, list[Output]]:
    """The new row, None if it stays as it is, and the outputs. The row given may be changed."""
    if "order_id" in event:
        return _order(slots or [], event)
    return _reply(slots or [], event)


def _order(slots: Slots, event: Fields) -> tuple[Slots | None, list[Output]]:
    order_id, service_id, at = event["order_id"], event["service_id"], event["ordered_at"]
    day = at // DAY_MS
    order = [order_id, event["sp_id"], event["price_fen"]]
    for place, slot in enumerate(slots):
        if slot[0] == service_id and slot[1] == day:
            if order_id in slot[4]:
                return None, []
            if slot[2] == _CLOSED:
                del slots[place]
            break
    else:
        slot = [service_id, day, _CLOSED, 0, [], []]
    slot[4].append(order_id)
    if slot[2] == _GRANTED:
        return slots, [_charge(event["msisdn"], slot, order, at)]
    slot[5].append(order)
    if slot[2] == _OPEN:
        return slots, []
    slot[2] = _OPEN
    slots.append(slot)
    prompt = {
        "prompt_id": "p-" + order_id,
        "order_id": order_id,
        "msisdn": event["msisdn"],
        "sp_id": event["sp_id"],
        "service_id": service_id,
        "price_fen": event["price_fen"],
        "text": "Reply Y to confirm " + service_id,
        "expires_at": at + DAY_MS,
    }
    return slots, [(PROMPT, prompt)]


def _reply(slots: Slots, event: Fields) -> tuple[Slots | None, list[Output]]:
    at = event["received_at"]
    for slot in slots:
        if slot[2] == _OPEN:
            waiting, slot[5] = slot[5], []
            if event["text"] != "Y":
                slot[2] = _CLOSED
                return slots, []
            slot[2], slot[3] = _GRANTED, at
            return slots, [_charge(event["msisdn"], slot, order, at) for order in waiting]
    return None, []


def _charge(msisdn: str, slot: list[Any], order: list[Any], at: int) -> Output:
    order_id, sp_id, price_fen = order
    return CHARGE, {
        "charge_id": "c-" + order_id,
        "order_id": order_id,
        "msisdn": msisdn,
        "sp_id": sp_id,
        "service_id": slot[0],
        "price_fen": price_fen,
        "consented_at": slot[3],
        "charged_at": at,
    }
