"""The program with a mistake of ours: `python -m tests.app.planted worker`, or another command.

An order named `planted`, a tick named `planted`, a reference record with that word in it and the
lapse of the prompt to one number fail an assertion whose text quotes a number, as a careless one
may.
"""

from typing import Any

from streams import agent
from streams.cli import main as program
from streams.gate.decide import decide
from streams.gate.events import Order
from streams.gate.lapses import Lapse
from streams.ingress.read import RawRecord, Reader, Unreadable
from streams.reference.reader import Fault, ReferenceReader

PLANTED = "planted"
LAPSING = "8613700000077"

_tick_fault = Reader.tick_fault
_take = ReferenceReader.take


def decide_wrongly(remembered: Any, event: Any, facts: Any) -> Any:
    """The gate's, with an assertion that does not hold for some."""
    if isinstance(event, Order):
        assert event.order_id != PLANTED, f"a grant of {event.msisdn} without a day"
    if isinstance(event, Lapse):
        assert event.msisdn != LAPSING, f"a prompt to {event.msisdn} without an order"
    return decide(remembered, event, facts)


def tick_fault(self: Reader, record: RawRecord) -> Unreadable | None:
    """The reader's, which one tick makes fail."""
    assert PLANTED.encode() not in (record.value() or b""), "a tick before the first"
    return _tick_fault(self, record)


def take(
    self: ReferenceReader, topic_name: str, key: bytes | None, value: bytes | None
) -> Fault | None:
    """The reference reader's, which one word makes fail."""
    assert PLANTED.encode() not in (value or b""), f"a service for {LAPSING} without a price"
    return _take(self, topic_name, key, value)


def main() -> None:
    """Do what is typed, until the mistake is met."""
    vars(agent)["decide"] = decide_wrongly
    Reader.tick_fault = tick_fault  # type: ignore[method-assign]
    ReferenceReader.take = take  # type: ignore[method-assign]
    program.main()


if __name__ == "__main__":
    main()
