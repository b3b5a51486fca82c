"""A random walk through the gate: subscribers, centres, clocks and clerks who change prices.

Everything is drawn from the generator that is passed in (a seeded one, or hypothesis's), aimed at
the instants and repetitions where rules meet: the ends of prompts, midnight, small pools of ids.
Time moves on its own; the watermark follows with a lag of its own.
"""

from collections.abc import Callable
from random import Random

from streams.gate.decide import Decision, Event, state_of
from streams.gate.events import Order, Reply
from streams.gate.reference import Policy, Rule, Service
from streams.gate.words import Channel, ProviderStatus, ServiceStatus, State
from tests.gate.books import Books
from tests.gate.examples import (
    BEGINNING,
    DAY,
    EVERY,
    FIRST,
    GRACE,
    HOUR,
    LIFE,
    MINUTE,
    OFF,
    PROVIDER,
    REFUSE,
    SECOND,
    SENDER,
    SERVICES,
    SKEW,
    SMS_SERVICE,
    VOICE,
    care,
    catalogue,
    key_press,
    order,
    policy,
    reply,
    report,
    rule,
    settlement,
)
from tests.gate.harness import Gate

TEXT_YES, VOICE_YES = ("Y", "是", "ｙｅｓ"), ("1",)
YES = (*TEXT_YES, *VOICE_YES)
ANSWERS = (*TEXT_YES * 3, *TEXT_YES, "N", "取消", "", "Y N", "maybe")
KEYS = (*VOICE_YES * 6, "2", "9", "")
SUBSCRIBERS = ("8613800000001", "8613800000002")
CALLS = ("call-1", "call-2")
WITHDRAWN = ServiceStatus.WITHDRAWN
GAPS = (0, 0, 0, 0, 1, SECOND, SECOND, SECOND, MINUTE, MINUTE, GRACE, LIFE, HOUR)
ORDERED_AGO = (0, 0, 0, 0, 0, 0, SECOND, SECOND, HOUR, 9 * DAY, -SKEW, -SKEW - 1)
ORDERED = (*[SMS_SERVICE] * 6, *SERVICES)  # mostly one service, so that grants are used up

SMALL = FIRST._replace(name="small", grant_count_max=2, grant_amount_max_minor=500)
CHOSEN = EVERY._replace(name="chosen", lines=(Channel.SMS,))
VOICE_OFF = OFF._replace(name="voice-off", lines=(Channel.IVR,))
BATCH = rule("batch", FIRST.confirmation, from_at=BEGINNING + DAY, lines=(Channel.SMS,))
RULE_SETS = (
    (VOICE, FIRST),
    (VOICE, SMALL),
    (VOICE, CHOSEN, FIRST),
    (VOICE, BATCH, OFF),
    (VOICE_OFF, SMALL),
    (EVERY,),
    (VOICE, REFUSE),
)


class WatchedGate(Gate):
    """A gate that notes in which states events found it, and shows every decision to the books."""

    books: Books
    visited: set[tuple[State, str]]

    def _decide(self, event: Event, at: int) -> Decision | None:
        for state in self._states_met(event, at):
            self.visited.add((state, type(event).__name__))
        key = self.service_day_of(event, self.facts(event, at))
        before = state_of(self.service_days.get(key)) if key else State.UNKNOWN
        decision = super()._decide(event, at)
        if decision is not None and key is not None and decision.before is not State.UNKNOWN:
            after = state_of(self.service_days.get(key))
            assert (decision.before, decision.after) == (before, after)
        self.books.observe(event, at, decision)
        return decision

    def _states_met(self, event: Event, at: int) -> set[State]:
        """Of the service day that the event concerns, or of all days of its subscriber."""
        key = self.service_day_of(event, self.facts(event, at))
        if key is not None:
            return {state_of(self.service_days.get(key))}
        own = f"|{event.msisdn}|".encode()
        days = {state_of(row) for key, row in self.service_days.items() if own in key}
        return days or {State.FRESH}


class Walk:
    """One walk; `run` takes the steps, `close` lets time pass until nothing can be open."""

    def __init__(self, draw: Random) -> None:
        self.draw = draw
        first, second = draw.choice(RULE_SETS), draw.choice(RULE_SETS)
        self.at = BEGINNING + DAY - draw.choice((MINUTE, HOUR, 12 * HOUR))
        change_at = self.at + draw.choice((MINUTE, HOUR, 10 * DAY))
        policies = (policy(*first), policy(*second, version=2, effective_from=change_at))
        reference = catalogue(*policies)
        self.gate = WatchedGate(reference)
        self.gate.visited = set()
        self.gate.books = Books(_by_name(policies), frozenset(YES))
        self.events: list[Event] = []
        self.ids = 0

    def run(self, steps: int) -> None:
        """Take so many steps, and look at the laws and the rows after each."""
        moves: tuple[Callable[[], None], ...] = (
            *[self.place_order] * 5,
            *[self.answer] * 6,
            self.repeat,
            self.note,
            self.tick,
            self.tick,
            self.gate.restart,
            self.change_reference,
        )
        for _ in range(steps):
            self.at += self.draw.choice(GAPS)
            self.draw.choice(moves)()
            self.look()

    def close(self) -> None:
        """Let every prompt lapse; then every order has its verdict, and nothing is open."""
        self.gate.tick(self.at + 2 * DAY)
        self.gate.books.closed()
        assert not any(row.prompts for row in self.gate.subscribers.values())
        assert not self.gate.due

    def look(self) -> None:
        """The rows say the same thing twice, and what is open will lapse."""
        refs = {ref.prompt_id for row in self.gate.subscribers.values() for ref in row.prompts}
        rows = self.gate.service_days.values()
        assert refs == {prompt.prompt_id for row in rows for prompt in row.prompts}
        assert all(row.grant or row.prompts or row.shadow for row in rows)
        due = {token.split(b"|")[2].decode() for _, token in self.gate.due}
        assert refs <= due
        self.gate.books.nothing_overdue(self.gate.watermark)

    def take(self, event: Event) -> None:
        self.events.append(event)
        self.gate.take(event, self.at)

    def place_order(self) -> None:
        draw = self.draw
        self.ids += 1
        service = self.gate.catalogue.services[draw.choice(ORDERED).service_id]
        ordered_at = self.at - draw.choice(ORDERED_AGO)
        placed = order(f"o-{self.ids}", ordered_at, service, msisdn=draw.choice(SUBSCRIBERS))
        if service.line is Channel.IVR:
            placed = placed._replace(call_id=draw.choice((*CALLS, *CALLS, None)))
        if draw.random() < 0.05:
            placed = placed._replace(price_minor=draw.choice((-1, 0, 7)))
        self.take(placed)
        # People order again, which fills prompts with waiting orders.
        for _ in range(draw.choice((0, 0, 0, 1, 1, 2, 3))):
            self.ids += 1
            self.take(placed._replace(order_id=f"o-{self.ids}"))

    def answer(self) -> None:
        """Mostly answer the last prompt, at an instant that matters."""
        draw = self.draw
        self.ids += 1
        prompts = self.gate.messages
        text = draw.choice(ANSWERS)
        if not prompts or draw.random() < 0.1:
            self.take(reply(f"r-{self.ids}", self.at, text, to=draw.choice((SENDER, "10010"))))
            return
        prompt = draw.choice(prompts[-2:])
        ends = (prompt.issued_at, prompt.expires_at - 1, prompt.expires_at)
        received_at = draw.choice((self.at, self.at, self.at, *(min(e, self.at) for e in ends)))
        if prompt.call_id is not None and draw.random() < 0.9:
            call_id = draw.choice((prompt.call_id, prompt.call_id, *CALLS))
            pressed = key_press(f"r-{self.ids}", received_at, draw.choice(KEYS), call_id)
            self.take(pressed._replace(msisdn=prompt.msisdn))
        else:
            to = draw.choice((SENDER,) * 9 + ("10010",))
            self.take(reply(f"r-{self.ids}", received_at, text, msisdn=prompt.msisdn, to=to))

    def repeat(self) -> None:
        """Publish something once more, sometimes with other content."""
        if not self.events:
            return
        event = self.draw.choice(self.events[-6:])
        if self.draw.random() < 0.3:
            if isinstance(event, Order):
                event = event._replace(ordered_at=event.ordered_at - DAY)
            elif isinstance(event, Reply):
                event = event._replace(text=event.text + "Y")
        self.take(event)

    def note(self) -> None:
        self.ids += 1
        kind = self.draw.choice((report, settlement, care))
        self.take(kind(f"n-{self.ids}", self.at, msisdn=self.draw.choice(SUBSCRIBERS)))

    def tick(self) -> None:
        self.gate.tick(self.at - self.draw.choice((0, 0, SECOND, HOUR)))

    def change_reference(self) -> None:
        """A price, a service's or a provider's standing changes between turns."""
        reference, draw = self.gate.catalogue, self.draw
        service: Service = reference.services[draw.choice(SERVICES).service_id]
        provider = reference.providers[PROVIDER.provider_id]
        changes = (
            service._replace(price_minor=draw.choice((100, 200, 300))),
            service._replace(status=draw.choice((*[ServiceStatus.ON_SALE] * 3, WITHDRAWN))),
        )
        fault = reference.fold(
            "services.v1", draw.choice(changes)._replace(version=service.version + 1)
        )
        assert fault is None
        active = provider.status is not ProviderStatus.ACTIVE or draw.random() < 0.8
        status = ProviderStatus.ACTIVE if active else ProviderStatus.SUSPENDED
        changed = provider._replace(status=status, version=provider.version + 1)
        assert reference.fold("providers.v1", changed) is None


def _by_name(policies: tuple[Policy, ...]) -> dict[str, Rule]:
    return {each.name: each for record in policies for each in record.rules}


KINDS = ("Order", "Reply", "Lapse", "DeliveryReport", "Settlement", "CareAction", "Overdue")
STATES = (State.FRESH, State.ASKED, State.GRANTED, State.GRANTED_ASKED)
