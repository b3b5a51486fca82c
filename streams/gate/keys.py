"""Under which keys rows are kept and due acts are found.

One read answers one question: what is known of this subscriber, service and day; which prompts of
this subscriber are open; has this id been seen. Whatever may hold any character stands last, so
that no two rows share a key.
"""

from collections.abc import Iterator

from streams.gate.events import CareAction, DeliveryReport, Order, Reply, Settlement
from streams.gate.rows import Complaint, Subscriber


def service_day_key(day: int, msisdn: str, service_id: str) -> bytes:
    """Key in `grants`; begins with the day, so that whole days can be dropped."""
    return f"{day}|{msisdn}|{service_id}".encode()


def subscriber_key(msisdn: str) -> bytes:
    """Key in `subscribers`."""
    return msisdn.encode()


def order_seen_key(order: Order) -> bytes:
    """Key in `orders`, where the ids of orders are remembered."""
    return f"{order.msisdn}|{order.order_id}".encode()


def event_seen_key(event: Reply | DeliveryReport | Settlement | CareAction) -> bytes:
    """Key in `events`, where the ids of all other inputs are remembered, a letter a topic."""
    match event:
        case Reply():
            return f"{event.msisdn}|r|{event.reply_id}".encode()
        case DeliveryReport():
            return f"{event.msisdn}|d|{event.report_id}".encode()
        case Settlement():
            return f"{event.msisdn}|s|{event.settlement_id}".encode()
        case CareAction():
            return f"{event.msisdn}|c|{event.action_id}".encode()


def account_key(msisdn: str, charge_id: str) -> bytes:
    """Key in `charges`."""
    return f"{msisdn}|{charge_id}".encode()


def complaint_key(msisdn: str, complaint_id: str) -> bytes:
    """Key in `complaints`."""
    return f"{msisdn}|{complaint_id}".encode()


def due_token(day: int, msisdn: str, service_id: str, prompt_id: str) -> bytes:
    """What the engine hands back when a prompt is due; equal instants are taken in its order."""
    return f"{day}|{msisdn}|{prompt_id}|{service_id}".encode()


def read_due_token(token: bytes) -> tuple[int, str, str, str]:
    """Day, number, service and prompt of a token."""
    day, msisdn, prompt_id, service_id = token.decode().split("|", 3)
    return int(day), msisdn, service_id, prompt_id


# A letter where a prompt's token has its day.
_COMPLAINT = b"q|"


def clock_token(msisdn: str, complaint_id: str) -> bytes:
    """What the engine hands back when a complaint's clock has something to say."""
    return _COMPLAINT + f"{msisdn}|{complaint_id}".encode()


def read_clock_token(token: bytes) -> tuple[str, str] | None:
    """Number and complaint of a clock's token; None for a prompt's."""
    if not token.startswith(_COMPLAINT):
        return None
    msisdn, complaint_id = token.removeprefix(_COMPLAINT).decode().split("|", 1)
    return msisdn, complaint_id


def due_of_subscriber(msisdn: str, row: Subscriber) -> Iterator[tuple[int, bytes]]:
    """When which of a subscriber's prompts are due, to fill the list of due acts at a start."""
    for ref in row.prompts:
        yield ref.due_at, due_token(ref.day, msisdn, ref.service_id, ref.prompt_id)


def due_of_complaint(key: bytes, row: Complaint) -> Iterator[tuple[int, bytes]]:
    """When a complaint's clock has something to say next."""
    if row.alarms_at and row.answered_at is None:
        yield row.alarms_at[0], _COMPLAINT + key
