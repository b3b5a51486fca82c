"""Identifiers and digests, derived from what they name and never drawn (law 8).

Repeating an order therefore repeats its ids: a second charge of the same order could not look like
a new one. Everything an order leads to carries the order's own digest behind a letter.
"""

from hashlib import blake2b

from streams.gate.events import CareAction, DeliveryReport, Order, Reply, Settlement

# Of what an order leads to: its prompt, that prompt's message, its charge, receipt and verdict, and
# the notice that its charge took the day over half of the spend limit.
PROMPT, MESSAGE, CHARGE, RECEIPT, VERDICT = "p-", "m-", "c-", "r-", "v-"
STALE_VERDICT, NOTICE = "s-", "n-"

# Of what a reply or a care action leads to.
CLARIFY, LISTING, REFUND, COMPLAINT = "k-", "l-", "f-", "q-"

ALARM = "a-"

# Ids are made by many systems; what is longer is none that a person could compare.
_SHOWN_LENGTH = 80


def base_id(msisdn: str, order_id: str) -> str:
    """The digest that names an order; the number has digits only, so the two cannot be confused."""
    return blake2b(f"{msisdn}|{order_id}".encode(), digest_size=16).hexdigest()


def event_base(event: Reply | CareAction) -> str:
    """The digest that names a reply or a care action, in what it leads to."""
    letter, name = ("r", event.reply_id) if isinstance(event, Reply) else ("a", event.action_id)
    return blake2b(f"{event.msisdn}|{letter}|{name}".encode(), digest_size=16).hexdigest()


def charge_named(action: CareAction) -> str | None:
    """The charge that a care action names, by itself or by its order."""
    if action.charge_id:
        return action.charge_id
    return CHARGE + base_id(action.msisdn, action.order_id) if action.order_id else None


def complaint_name(action: CareAction) -> str:
    """The complaint that a care action is about, or opens without naming it."""
    return action.complaint_id or COMPLAINT + event_base(action)


def alarm_of(cause: str) -> str:
    """The id of the alarm that something causes, named by what cannot cause a second one."""
    return ALARM + blake2b(cause.encode(), digest_size=16).hexdigest()


def alarm_id(topic: str, partition: int, offset: int) -> str:
    """The id of the alarm that a record causes."""
    return alarm_of(f"{topic}|{partition}|{offset}")


def masked(msisdn: str) -> str:
    """As much of a number as may be shown (law 11)."""
    return f"…{msisdn[-3:]}"


def shown(name: str, msisdn: str) -> str:
    """An id that somebody else has given, as an alarm may show it: without the number, and cut."""
    while msisdn in name:  # what is left of one may be the beginning of another
        name = name.replace(msisdn, masked(msisdn))
    return name[:_SHOWN_LENGTH]


# A content digest covers every field that says something about the event; texts are written as
# ASCII literals, so that no two different events read the same, on any version of Python. An
# order's `source` is left out: two centres may publish the same order.


def order_digest(order: Order) -> bytes:
    """What an order says, whoever publishes it."""
    order_id, msisdn, provider, service, channel, price, currency, province, at, _, call = order
    content = (
        f"{order_id!a}{msisdn!a}{provider!a}{service!a}"
        f"{channel}|{price}|{currency!a}{province!a}{at}|{call!a}"
    )
    return blake2b(content.encode(), digest_size=16).digest()


def reply_digest(reply: Reply) -> bytes:
    """What a reply says."""
    content = (
        f"{reply.reply_id!a}{reply.msisdn!a}{reply.channel}|{reply.to!a}{reply.text!a}"
        f"{reply.received_at}|{reply.call_id!a}"
    )
    return blake2b(content.encode(), digest_size=16).digest()


def note_digest(note: DeliveryReport | Settlement | CareAction) -> bytes:
    """What a delivery report, a settlement or a care action says."""
    # Enums are written as their symbols: their repr is Python's, not ours.
    content = "|".join(f"{str(field) if field is not None else None!a}" for field in note)
    return blake2b(content.encode(), digest_size=16).digest()
