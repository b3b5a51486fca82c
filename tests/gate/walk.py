"""A random walk through the gate: subscribers, centres, billing, customer care, clocks, clerks who
change prices, and restarts.

Everything is drawn from the generator that is passed in (a seeded one, or hypothesis's), aimed at
the instants and repetitions where rules meet: the ends of prompts, midnight, the ends of complaint
clocks, small pools of ids. Time moves on its own; the watermark follows with a lag of its own.
"""

from collections.abc import Callable
from random import Random

from streams.gate.decide import Event
from streams.gate.effects import Message
from streams.gate.events import CareAction, Order, Reply
from streams.gate.reference import Names, Provider, Service
from streams.gate.words import (
    CareKind,
    Channel,
    DeliveryStatus,
    MessageKind,
    ProviderStatus,
    ServiceStatus,
    SettlementOutcome,
    State,
)
from tests.gate.books import Books
from tests.gate.examples import (
    BEGINNING,
    DAY,
    GRACE,
    HORIZON_DAYS,
    HOUR,
    LIFE,
    MINUTE,
    PROVIDER,
    SECOND,
    SENDER,
    SERVICES,
    SKEW,
    SMS_SERVICE,
    care,
    catalogue,
    key_press,
    order,
    reply,
    report,
    settlement,
)
from tests.gate.expected import NAME_MAX
from tests.gate.harness import Gate
from tests.gate.person import Account
from tests.gate.rules import draw_policy
from tests.gate.watched import WatchedGate

STATES = (State.FRESH, State.ASKED, State.GRANTED, State.GRANTED_ASKED)
KINDS = ("Order", "Reply", "Lapse", "DeliveryReport", "Settlement", "CareAction", "Overdue")

PLAIN = ("Y", "是", "ｙｅｓ") * 4 + ("N", "取消", "", "Y N", "maybe", "007")
KEYWORDS = ("0000", "QX", "qx 1", "ＳＴＯＰ 2", "qx9", "TF", "undo")
CODED = ("{}", "{}", "Y{}", "是 {}", "{} y", "N{}", "{}否", "{}0", "Y Y {}")
KEYS = (*("1",) * 6, "2", "9", "")
SUBSCRIBERS = ("8613800000001", "8613800000002")
PROVINCES = ("guangdong", "guangdong", "hongkong")
GAPS = (0, 0, 0, 0, 1, SECOND, SECOND, SECOND, MINUTE, MINUTE, GRACE, LIFE, HOUR)
ORDERED_AGO = (0, 0, 0, 0, 0, 0, SECOND, SECOND, HOUR, 9 * DAY, -SKEW, -SKEW - 1)
ORDERED = (*[SMS_SERVICE] * 6, *SERVICES)  # mostly one service, so that grants are used up
ORPHAN = SMS_SERVICE._replace(service_id="orphan", provider_id="sp-9")  # of an unknown provider
OUTCOMES = (SettlementOutcome.CHARGED, SettlementOutcome.FAILED, SettlementOutcome.REFUNDED)
LONG_NAME = Names("长" * (NAME_MAX + 30), "long " * 40)

Step = Callable[[Gate], object]


class Walk:
    """One walk; `run` takes the steps, `close` lets time pass until nothing can be open."""

    def __init__(self, draw: Random) -> None:
        self.draw = draw
        self.at = BEGINNING + DAY - draw.choice((MINUTE, HOUR, 12 * HOUR))
        begun_at = BEGINNING if draw.random() < 0.95 else self.at + MINUTE
        change_at = self.at + draw.choice((2 * MINUTE, HOUR, 2 * HOUR, 10 * DAY))
        policies = (draw_policy(draw, 1, begun_at), draw_policy(draw, 2, change_at))
        self.policies = policies
        self.log: list[Step] = []
        reference = catalogue(*policies)
        self.gate = WatchedGate(reference)
        self.gate.moves = set()
        self.gate.books = Books(policies, reference)
        self.events: list[Event] = []
        self.ids = 0
        self.fold("services.v1", ORPHAN)

    def run(self, steps: int) -> None:
        """Take so many steps, and look at the laws and the rows after each."""
        moves: tuple[Callable[[], None], ...] = (
            *[self.place_order] * 6,
            *[self.answer] * 7,
            *[self.ask_keyword] * 2,
            *[self.settle] * 3,
            *[self.care] * 3,
            self.repeat,
            self.report,
            self.tick,
            self.tick,
            self.jump,
            self.restart,
            self.change_reference,
        )
        for _ in range(steps):
            self.at += self.draw.choice(GAPS)
            self.draw.choice(moves)()
            self.gate.look(self.at)

    def close(self) -> None:
        """Let every prompt lapse; then every order has its verdict, and nothing is open."""
        self.pass_time(self.at + 5 * DAY)
        self.gate.look(self.at + 5 * DAY)
        self.gate.books.closed()
        assert not any(row.prompts for row in self.gate.subscribers.values())
        assert not self.gate.due

    def do(self, step: Step) -> None:
        """Take a step, and write it into the log, for another gate to take."""
        self.log.append(step)
        step(self.gate)

    def take(self, event: Event) -> None:
        self.events.append(event)
        at = self.at
        self.do(lambda gate: gate.take(event, at))

    def new_id(self, letter: str) -> str:
        self.ids += 1
        return f"{letter}-{self.ids}"

    # Subscribers

    def place_order(self) -> None:
        draw = self.draw
        service = self.gate.catalogue.services[draw.choice(ORDERED).service_id]
        placed = order(
            self.new_id("o"),
            self.at - draw.choice(ORDERED_AGO),
            service,
            msisdn=draw.choice(SUBSCRIBERS),
            province=draw.choice(PROVINCES),
        )
        if service.line is Channel.IVR:
            placed = placed._replace(call_id=draw.choice((*self.calls(), *self.calls(), None)))
        if draw.random() < 0.08:
            placed = draw.choice(
                (
                    placed._replace(price_minor=draw.choice((-1, 0, 7))),
                    placed._replace(channel=Channel.MMS),
                    placed._replace(provider_id="sp-9"),
                    placed._replace(service_id="nope"),
                    placed._replace(service_id=ORPHAN.service_id, provider_id=ORPHAN.provider_id),
                )
            )
        self.take(placed)
        # People order again, which fills prompts with waiting orders.
        for _ in range(draw.choice((0, 0, 0, 1, 1, 2, 3))):
            self.take(placed._replace(order_id=self.new_id("o")))

    def answer(self) -> None:
        """Mostly answer the last prompt, at an instant that matters."""
        draw = self.draw
        prompts = [each for each in self.gate.messages if each.kind is MessageKind.PROMPT]
        to = draw.choice((SENDER,) * 12 + ("10010",))
        if not prompts or draw.random() < 0.05:
            self.take(reply(self.new_id("r"), self.at, draw.choice(PLAIN), to=to))
            return
        prompt = draw.choice(prompts[-3:])
        ends = (prompt.issued_at, prompt.expires_at - 1, prompt.expires_at)
        received_at = draw.choice((self.at, self.at, self.at, *(min(e, self.at) for e in ends)))
        if prompt.call_id is not None and draw.random() < 0.9:
            call_id = draw.choice((prompt.call_id, prompt.call_id, *self.calls()))
            digits = draw.choice((prompt.reply_code or "1", draw.choice(KEYS)))
            pressed = key_press(self.new_id("r"), received_at, digits, call_id)
            self.take(pressed._replace(msisdn=prompt.msisdn))
        else:
            text = self.words(prompt)
            self.take(reply(self.new_id("r"), received_at, text, msisdn=prompt.msisdn, to=to))

    def words(self, prompt: Message) -> str:
        """A plain answer, or one with the prompt's code, or another one's."""
        draw = self.draw
        if draw.random() < 0.4:
            return draw.choice(PLAIN)
        codes = [each.reply_code or "123" for each in self.gate.messages[-6:]]
        code = draw.choice((prompt.reply_code or "", prompt.reply_code or "", *codes))
        return draw.choice(CODED).format(code)

    def ask_keyword(self) -> None:
        text = self.draw.choice(KEYWORDS)
        msisdn = self.draw.choice(SUBSCRIBERS)
        self.take(reply(self.new_id("r"), self.at, text, msisdn=msisdn))

    def calls(self) -> tuple[str, str]:
        """The calls of these hours; midnight may fall into one."""
        hours = self.at // (12 * HOUR)
        return f"call-{hours}-1", f"call-{hours}-2"

    # Billing

    def settle(self) -> None:
        """Mostly what billing must say next of a charge or a refund; now and then anything."""
        draw = self.draw
        name = self.new_id("s")
        accounts = list(self.gate.books.accounts.values())
        if not accounts:
            self.take(settlement(name, self.at, msisdn=draw.choice(SUBSCRIBERS)))
            return
        account = draw.choice((accounts[-1], draw.choice(accounts)))
        charge = account.charge
        told = settlement(
            name,
            self.at,
            msisdn=charge.msisdn,
            charge_id=charge.charge_id,
            amount_minor=charge.price_minor,
            outcome=draw.choice(OUTCOMES),
        )
        if account.refunds and draw.random() < 0.7:
            refund_id = draw.choice(list(account.refunds))
            requested, _ = account.refunds[refund_id]
            outcome = draw.choice(OUTCOMES[1:])
            told = told._replace(refund_id=refund_id, amount_minor=requested, outcome=outcome)
        if draw.random() < 0.25:
            told = draw.choice(
                (
                    told._replace(amount_minor=draw.choice((-1, 0, 1, 50, 1000))),
                    told._replace(currency="EUR"),
                    told._replace(refund_id="f-?"),
                    told._replace(charge_id="c-?"),
                    told._replace(outcome=SettlementOutcome.UNKNOWN),
                )
            )
        self.take(told)

    # Customer care

    def care(self) -> None:
        """Any action of care about any charge or complaint, some of them incomplete."""
        draw = self.draw
        kind = draw.choice(tuple(each for each in CareKind))
        msisdn = draw.choice(SUBSCRIBERS)
        acted = care(self.new_id("a"), self.at, msisdn=msisdn, kind=kind)
        if kind is CareKind.RELEASE and draw.random() < 0.5:  # told late
            acted = acted._replace(acted_at=self.at - HOUR)
        if kind is CareKind.REVOKE and draw.random() < 0.5:
            acted = acted._replace(service_id=draw.choice(ORDERED).service_id)
        accounts = [
            each for each in self.gate.books.accounts.values() if each.charge.msisdn == msisdn
        ]
        if accounts and draw.random() < 0.9:
            acted = self.about(acted, draw.choice(accounts))
        elif draw.random() < 0.3:
            acted = acted._replace(order_id="o-forgotten")
        open_ones = [name for own, name in self.gate.books.complaints if own == msisdn]
        if kind in (CareKind.ANSWER, CareKind.UPHOLD, CareKind.REJECT):
            acted = acted._replace(complaint_id=draw.choice((*open_ones, *open_ones, "q-?", None)))
        elif kind is CareKind.COMPLAIN:
            acted = acted._replace(complaint_id=draw.choice((None, "q-1", "q-2")))
        self.take(acted)

    def about(self, action: CareAction, account: Account) -> CareAction:
        """The action, on a charge that is named by itself or by its order."""
        charge, draw = account.charge, self.draw
        amount = draw.choice((None, None, 50, charge.price_minor, charge.price_minor + 1, 0))
        if draw.random() < 0.5:
            return action._replace(order_id=charge.order_id, amount_minor=amount)
        return action._replace(charge_id=charge.charge_id, amount_minor=amount)

    # The world

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
            elif isinstance(event, CareAction):
                event = event._replace(text="again")
        self.take(event)

    def report(self) -> None:
        status = self.draw.choice(tuple(DeliveryStatus))
        msisdn = self.draw.choice(SUBSCRIBERS)
        self.take(report(self.new_id("d"), self.at, msisdn=msisdn, status=status))

    def tick(self) -> None:
        self.pass_time(self.at - self.draw.choice((0, 0, SECOND, HOUR)))

    def pass_time(self, at: int) -> None:
        self.do(lambda gate: gate.tick(at))

    def restart(self) -> None:
        self.do(Gate.restart)

    def jump(self) -> None:
        """Let days pass; sometimes the world wakes just before midnight."""
        if self.draw.random() < 0.4:
            return
        self.at += self.draw.choice((1, 1, 3, HORIZON_DAYS + 2)) * DAY
        if self.draw.random() < 0.5:
            self.at += -(self.at - BEGINNING) % DAY - self.draw.choice((0, 1, SECOND))
        if self.at - self.gate.watermark > (HORIZON_DAYS - 1) * DAY:
            self.pass_time(self.at)  # no prompt is open on a day that is forgotten

    def change_reference(self) -> None:
        """A price, a service's or a provider's standing changes between turns."""
        reference, draw = self.gate.catalogue, self.draw
        service: Service = reference.services[draw.choice(SERVICES).service_id]
        provider = reference.providers[PROVIDER.provider_id]
        usual = next(each for each in SERVICES if each.service_id == service.service_id)
        on_sale, withdrawn = ServiceStatus.ON_SALE, ServiceStatus.WITHDRAWN
        changes = (
            service._replace(price_minor=draw.choice((100, 200, 300))),
            service._replace(price_minor=usual.price_minor, status=on_sale, name=usual.name),
            service._replace(status=draw.choice((on_sale, withdrawn))),
            service._replace(name=draw.choice((usual.name, LONG_NAME))),
        )
        self.fold("services.v1", draw.choice(changes)._replace(version=service.version + 1))
        active = provider.status is not ProviderStatus.ACTIVE or draw.random() < 0.8
        status = ProviderStatus.ACTIVE if active else ProviderStatus.SUSPENDED
        following = provider._replace(status=status, version=provider.version + 1)
        self.fold("providers.v1", following)

    def fold(self, topic_name: str, record: Service | Provider) -> None:
        self.do(lambda gate: gate.catalogue.fold(topic_name, record))
        known = self.gate.catalogue
        assert record in (*known.services.values(), *known.providers.values()), "it was not taken"
