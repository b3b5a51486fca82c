"""The outside of a run: subscribers of all tempers, message centres, billing, customer care.

They see what was sent to them (the journal), never what the gate thinks, and write input records:
in time, late, twice, out of order, with other content under the same id, and records that are none.
All chance is the generator's that is passed in.
"""

from collections import deque
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, NamedTuple

from confluent_kafka import murmur2

from streams import topics
from streams.gate.events import CareAction, DeliveryReport, Order, Reply, Settlement
from streams.gate.words import (
    CareKind,
    Channel,
    DeliveryStatus,
    ServiceStatus,
    SettlementOutcome,
)
from tests.gate.examples import (
    DAY,
    HOUR,
    IVR_SERVICE,
    SECOND,
    SENDER,
    SERVICES,
    SMS_SERVICE,
    care,
    key_press,
    order,
    reply,
    report,
    settlement,
)
from tests.sim.journal import Heard, Journal
from tests.sim.kit import TOPIC_OF, encoded
from tests.sim.market import Market

Event = Order | Reply | DeliveryReport | Settlement | CareAction

WORDS = (
    *("Y", "y", "是", "Y", "yes", "Y"),
    *("N", "否", "maybe", "", "0000", "0000", "QX", "QX1", "stop2", "qx 9", "TF", "undo", "TF"),
)
ORDERED = (*[SMS_SERVICE] * 5, *[IVR_SERVICE] * 2, *SERVICES)
PROVINCES = ("guangdong", "guangdong", "guangdong", "hongkong")
CALLS = ("call-1", "call-2", "call-3")
CHARGED, FAILED = SettlementOutcome.CHARGED, SettlementOutcome.FAILED
REFUNDED = SettlementOutcome.REFUNDED


class Unsent(NamedTuple):
    """An input record as its writer wrote it."""

    topic: str
    """Catalogue name."""
    key: bytes | None
    value: bytes | None
    event: Event | None
    """What it says; None where it says nothing that may be decided on."""
    partition: int
    headers: list[tuple[str, str | bytes | None]] | None = None


class Crowd:
    """Writes by `publish`; the instants of what happens are `now()`'s, UTC ms."""

    def __init__(
        self,
        draw: Random,
        journal: Journal,
        market: Market,
        partitions: int,
        publish: Callable[[Unsent], None],
        now: Callable[[], int],
    ) -> None:
        self.draw = draw
        self._market = market
        self._partitions = partitions
        self._publish = publish
        self._now = now
        self._numbers = tuple(f"861380000000{n}" for n in range(1, 3 + partitions))
        self._ids = 0
        self._last: deque[tuple[int, Unsent]] = deque(maxlen=8)
        self._held: list[tuple[int, Unsent]] = []
        """By the number of the move at which it arrives."""
        self._moves = 0
        self._prompts: deque[dict[str, Any]] = deque(maxlen=6)
        self._messages: deque[dict[str, Any]] = deque(maxlen=6)
        self._charges: deque[dict[str, Any]] = deque(maxlen=5)
        self._refunds: deque[dict[str, Any]] = deque(maxlen=3)
        self._hears: dict[str, Callable[[dict[str, Any]], None]] = {
            topics.MESSAGES: self._told,
            topics.CHARGES: self._charges.append,
            topics.REFUNDS: self._refunds.append,
        }
        journal.listeners.append(self._listen)

    def _listen(self, heard: Heard) -> None:
        hear = self._hears.get(heard.topic)
        if hear is not None:
            hear(heard.fields)

    def _told(self, message: dict[str, Any]) -> None:
        self._messages.append(message)
        if message["kind"] == "PROMPT":
            self._prompts.append(message)

    # -- what the driver asks for ----------------------------------------------------------------

    def move(self) -> str:
        """Somebody does something; returns what, for the trace."""
        self._moves += 1
        for due, unsent in list(self._held):
            if due <= self._moves:
                self._held.remove((due, unsent))
                self._send(unsent)
        moves: Sequence[Callable[[], None]] = (
            *[self.place_order] * 7,
            *[self.answer] * 8,
            *[self.settle] * 3,
            *[self.act] * 4,
            *[self.repeat] * 2,
            self.report,
            self.spoil,
        )
        move = self.draw.choice(moves)
        move()
        return move.__name__

    def let_go(self) -> None:
        """What was held back arrives now."""
        held, self._held = self._held, []
        for _, unsent in held:
            self._send(unsent)

    def flood(self, count: int) -> None:
        """A centre writes rubbish."""
        for _ in range(count):
            self.spoil()

    # -- writing ---------------------------------------------------------------------------------

    def _next(self, letter: str) -> str:
        self._ids += 1
        return f"{letter}-{self._ids}"

    def _home(self, key: bytes) -> int:
        return murmur2(key, self._partitions)

    def take(self, event: Event) -> None:
        """Write an event; now and then the network of the centres brings it later."""
        key = event.msisdn.encode()
        unsent = Unsent(TOPIC_OF[type(event)], key, encoded(event), event, self._home(key))
        self._last.append((self._now(), unsent))
        if self.draw.random() < 0.06:
            self._held.append((self._moves + self.draw.choice((1, 2, 5)), unsent))
        else:
            self._send(unsent)

    def _send(self, unsent: Unsent) -> None:
        self._publish(unsent)

    # -- subscribers -----------------------------------------------------------------------------

    def place_order(self) -> None:
        draw, now = self.draw, self._now()
        service = self._market.services[draw.choice(ORDERED).service_id]
        if service.status is not ServiceStatus.ON_SALE and draw.random() < 0.5:
            service = self._market.services[SMS_SERVICE.service_id]
        placed = order(
            self._next("o"),
            now - draw.choice((0, 0, 0, 0, 0, SECOND, HOUR, 9 * DAY)),
            service,
            msisdn=draw.choice(self._numbers),
            province=draw.choice(PROVINCES),
        )
        if service.line is Channel.IVR:
            placed = placed._replace(call_id=draw.choice(CALLS))
        if draw.random() < 0.05:
            placed = draw.choice(
                (
                    placed._replace(price_minor=placed.price_minor + 1),
                    placed._replace(service_id="nope"),
                    placed._replace(provider_id="sp-2"),
                    placed._replace(price_minor=-1),
                    placed._replace(ordered_at=now + HOUR),
                    placed._replace(call_id=None),
                )
            )
        self.take(placed)
        for _ in range(draw.choice((0, 0, 0, 1, 1, 2))):
            self.take(placed._replace(order_id=self._next("o")))

    def answer(self) -> None:
        """Answer one of the last prompts: by word, by code, by key, or ask for something else."""
        draw, name, now = self.draw, self._next("r"), self._now()
        text = draw.choice(WORDS)
        if not self._prompts or draw.random() < 0.25:
            to = draw.choice((SENDER,) * 9 + ("10010",))
            self.take(reply(name, now, text, msisdn=draw.choice(self._numbers), to=to))
            return
        prompt = draw.choice(tuple(self._prompts))
        ends = (prompt["issued_at"], prompt["expires_at"] - 1, prompt["expires_at"])
        # What a centre kept for days is judged by what was remembered of them; see `repeat`.
        young = [min(end, now) for end in ends if end > now - DAY]
        received_at = draw.choice((now, now, now, now, *young))
        code = prompt["reply_code"] or "1"
        said = draw.choice((text, code, code, f"Y{code}", f"{code} y", f"N {code}", "Y", "Y", "N"))
        if prompt["call_id"] is not None and draw.random() < 0.9:
            pressed = draw.choice((code, code, code, "2", "7", ""))
            call_id = draw.choice((prompt["call_id"], prompt["call_id"], *CALLS))
            self.take(
                key_press(name, received_at, pressed, call_id)._replace(msisdn=prompt["msisdn"])
            )
        else:
            self.take(reply(name, received_at, said, msisdn=prompt["msisdn"]))

    def report(self) -> None:
        draw, name = self.draw, self._next("d")
        if not self._messages:
            return
        message = draw.choice(tuple(self._messages))
        self.take(
            report(
                name,
                self._now(),
                message_id=message["message_id"],
                msisdn=message["msisdn"],
                status=draw.choice(tuple(DeliveryStatus)[1:]),
            )
        )

    # -- billing and care ------------------------------------------------------------------------

    def settle(self) -> None:
        """Billing answers a charge or a refund, mostly once and rightly."""
        draw, name, now = self.draw, self._next("s"), self._now()
        asked = [*self._charges, *self._refunds]
        if not asked:
            self.take(settlement(name, now, charge_id="c-none", msisdn=self._numbers[0]))
            return
        what = draw.choice(asked)
        if "refund_id" in what:
            amount, refund_id = what["amount_minor"], what["refund_id"]
            outcome = draw.choice((REFUNDED, REFUNDED, FAILED, CHARGED))
        else:
            amount, refund_id = what["price_minor"], None
            outcome = draw.choice((CHARGED, CHARGED, FAILED, REFUNDED))
        amount += draw.choice((*(0,) * 12, 1, -amount))
        self.take(
            settlement(
                name,
                now,
                charge_id=what["charge_id"],
                refund_id="f-none" if draw.random() < 0.04 else refund_id,
                msisdn=draw.choice((*(what["msisdn"],) * 12, self._numbers[0])),
                outcome=outcome,
                amount_minor=amount,
                currency=draw.choice(("CNY",) * 15 + ("USD",)),
            )
        )

    def act(self) -> None:
        """An agent does something, mostly about the last charges and complaints."""
        draw, now = self.draw, self._now()
        kinds = [kind for kind in CareKind if kind is not CareKind.RELEASE]
        kind = CareKind.RELEASE if draw.random() < 0.04 else draw.choice(kinds)
        charge = draw.choice(tuple(self._charges)) if self._charges else None
        charge_id = charge["charge_id"] if charge else draw.choice((None, "c-none"))
        named = draw.random()
        self.take(
            care(
                self._next("a"),
                now,
                msisdn=charge["msisdn"] if charge else draw.choice(self._numbers),
                kind=kind,
                complaint_id=draw.choice((None, "q-1", "q-1", "q-2")),
                charge_id=charge_id if named < 0.6 else None,
                order_id=charge["order_id"] if charge and 0.5 < named < 0.9 else None,
                amount_minor=draw.choice((None, None, None, 50, 100, 300, 0, -1)),
                service_id=draw.choice((None, SMS_SERVICE.service_id)),
            )
        )

    # -- what should not happen ------------------------------------------------------------------

    def repeat(self) -> None:
        """Something is written once more, sometimes with other content under the same id."""
        # Whether the gate still knows an id of days ago is not for the auditor to say.
        young = [unsent for at, unsent in self._last if at > self._now() - DAY]
        if not young:
            return
        unsent = self.draw.choice(young)
        event = unsent.event
        if event is not None and self.draw.random() < 0.3:
            match event:
                case Order():
                    event = event._replace(ordered_at=event.ordered_at - SECOND)
                case Reply():
                    event = event._replace(text=event.text + "Y")
                case CareAction():
                    event = event._replace(text="again")
                case Settlement():
                    event = event._replace(amount_minor=event.amount_minor + 1)
            unsent = unsent._replace(value=encoded(event), event=event)
        self._send(unsent)

    def spoil(self) -> None:
        """A record that is none: its place is the dead letters."""
        draw, now = self.draw, self._now()
        number = draw.choice(self._numbers)
        made: Event = draw.choice(
            (
                order(self._next("o"), now, msisdn=number),
                reply(self._next("r"), now, msisdn=number),
                report(self._next("d"), now, msisdn=number),
                settlement(self._next("s"), now, msisdn=number),
                care(self._next("a"), now, msisdn=number),
            )
        )
        key = number.encode()
        value = encoded(made)
        good = Unsent(TOPIC_OF[type(made)], key, value, None, self._home(key))
        other = 1 % self._partitions
        spoilt = (
            good._replace(value=b"junk", headers=[("traceparent", b"00"), ("none", None)]),
            good._replace(value=value[:-3]),
            good._replace(value=value + b"\0"),
            good._replace(value=None),
            good._replace(key=None),
            good._replace(key=b"anonymous"),
            good._replace(key=b"8613900000999", partition=self._home(b"8613900000999")),
            # With one partition nothing is wrong with this one.
            good._replace(
                partition=(good.partition + other) % self._partitions,
                event=None if other else made,
            ),
        )
        self._send(draw.choice(spoilt))
