"""A random walk through the whole rule book: limits, codes, keywords, trials, billing, care.

Everything is drawn from a seeded generator, aimed at where rules meet: few subscribers, small
limits, the ends of prompts and of days, billing that contradicts itself, agents who mistype.
"""

from collections.abc import Callable
from random import Random

from streams.gate.decide import Event
from streams.gate.effects import Charge, Message, RefundRequest
from streams.gate.events import Order, Reply
from streams.gate.reference import Policy, Rule, SpendLimit, Template
from streams.gate.words import (
    CareKind,
    Channel,
    Confirmation,
    MessageKind,
    ProviderStatus,
    ServiceStatus,
    SettlementOutcome,
)
from tests.audit.recorded import Recorder
from tests.gate.examples import (
    BEGINNING,
    DAY,
    HOUR,
    IVR_SERVICE,
    LIFE,
    MINUTE,
    SECOND,
    SENDER,
    SERVICES,
    SMS_SERVICE,
    TEMPLATES,
    care,
    catalogue,
    key_press,
    order,
    policy,
    reply,
    rule,
    settlement,
)
from tests.gate.harness import Gate

_TOLD = {
    MessageKind.CLARIFY: ("请回复编号:{{ items }}", "Reply a code: {{ items }}"),
    MessageKind.RECEIPT: (
        "{{ provider }}{{ service }}扣{{ price }},共{{ spent }}。{{ undo_minutes }}分{{ undo }}",
        "{{ provider }} {{ service }} {{ price }}, {{ spent }}: {{ undo }}, {{ undo_minutes }} min",
    ),
    MessageKind.LISTING: ("今日:{{ items }} {{ cancel }}取消", "Today: {{ items }} {{ cancel }}"),
    MessageKind.NOTICE: ("今日已{{ spent }},限{{ limit }}", "{{ spent }} of {{ limit }} spent"),
}
ALL_TEMPLATES = (
    *TEMPLATES,
    *(
        Template(kind, Channel.SMS, language, text)
        for kind, texts in _TOLD.items()
        for language, text in zip(("zh", "en"), texts, strict=True)
    ),
)

_TEXT = (Channel.SMS, Channel.MMS)
_VOICE = (Channel.IVR,)
DAILY = rule("daily", Confirmation.FIRST_OF_DAY, lines=_TEXT, receipt=True, grant_count_max=3)
CODED = DAILY._replace(name="coded", code_required=True, receipt=False)
EACH = rule("each", Confirmation.EVERY_ORDER, lines=_TEXT, receipt=True)
FREE = rule("free", Confirmation.OFF, lines=_TEXT, receipt=True)
TRIED = rule("tried", Confirmation.SHADOW, lines=_TEXT, prompt_life_ms=LIFE, grant_count_max=2)
LOCAL_TRIED = TRIED._replace(
    name="tried-each", provider_ids=("sp-2",), shadow_of=Confirmation.EVERY_ORDER
)
CALLS = rule("calls", Confirmation.EVERY_ORDER, lines=_VOICE, prompt_life_ms=MINUTE)
DIGIT = CALLS._replace(name="digit", code_required=True, call_count_max=2, receipt=True)
DEAR = CALLS._replace(name="dear", call_amount_max_minor=1_200)
FREE_CALLS = rule("free-calls", Confirmation.OFF, lines=_VOICE, call_count_max=2)
TRIED_CALLS = TRIED._replace(name="tried-calls", lines=_VOICE, prompt_life_ms=MINUTE)

RULE_SETS: tuple[tuple[Rule, ...], ...] = (
    (DIGIT, DAILY),
    (DIGIT, CODED),
    (DEAR, EACH),
    (FREE_CALLS, LOCAL_TRIED, DAILY),
    (TRIED_CALLS, TRIED),
    (CALLS, FREE),
)
SUBSCRIBERS = tuple(f"861380000000{n}" for n in range(1, 5))
PROVINCES = ("guangdong", "guangdong", "hongkong")
IN_CALLS = ("call-1", "call-2", "call-3")
GAPS = (0, 0, 0, 1, *[SECOND] * 8, *[MINUTE] * 4, 4 * MINUTE, LIFE, HOUR)
WORDS = (
    *("Y", "y", "是", "Y", "yes", "Y"),
    *("N", "否", "maybe", "", "0000", "0000", "QX", "QX1", "stop2", "qx 9", "TF", "undo", "TF"),
)
ORDERED = (*[SMS_SERVICE] * 4, *[IVR_SERVICE] * 2, *SERVICES)


class Stroll:
    """One walk; `run` takes the steps, `close` lets time pass until nothing can be open."""

    def __init__(self, draw: Random) -> None:
        self.draw = draw
        self.at = BEGINNING + DAY - draw.choice((MINUTE, HOUR, 12 * HOUR))
        change_at = self.at + draw.choice((10 * MINUTE, HOUR, 10 * DAY))
        first, second = self._policy(), self._policy()
        policies = first, second._replace(version=2, effective_from=change_at)
        self.gate = Gate(catalogue(*policies))
        self.recorder = Recorder(self.gate)
        self.events: list[Event] = []
        self.ids = 0

    def _policy(self) -> Policy:
        draw = self.draw
        limits = ((), (SpendLimit("CNY", 1_000),), (SpendLimit("CNY", 3_000),))
        return policy(
            *draw.choice(RULE_SETS),
            templates=draw.choice((ALL_TEMPLATES, ALL_TEMPLATES, TEMPLATES)),
            prompts_per_day_max=draw.choice((3, 10, 100)),
            spend_limits=draw.choice(limits),
            refuse_after_no=draw.choice((True, False)),
            receipt_interval_ms=draw.choice((0, 0, 5 * MINUTE)),
            undo_ms=draw.choice((0, 10 * MINUTE)),
            waiting_orders_max=draw.choice((2, 3)),
            alarm_window_ms=draw.choice((MINUTE, HOUR)),
            alarm_dead_letters=draw.choice((2, 5)),
            alarm_limit_refusals=draw.choice((2, 5)),
        )

    def run(self, steps: int) -> None:
        """Take so many steps."""
        moves: tuple[Callable[[], None], ...] = (
            *[self.place_order] * 6,
            *[self.answer] * 8,
            *[self.settle] * 3,
            *[self.act] * 3,
            self.repeat,
            *[self.tick] * 2,
            self.gate.restart,
            self.change_reference,
        )
        for _ in range(steps):
            self.at += self.draw.choice(GAPS)
            self.draw.choice(moves)()

    def close(self) -> None:
        """Let every prompt lapse and every clock ring."""
        self.recorder.tick(self.at + 5 * DAY)

    def take(self, event: Event) -> None:
        self.events.append(event)
        self.recorder.take(event, self.at)

    def _next(self, letter: str) -> str:
        self.ids += 1
        return f"{letter}-{self.ids}"

    def place_order(self) -> None:
        draw = self.draw
        service = self.gate.catalogue.services[draw.choice(ORDERED).service_id]
        ordered_at = self.at - draw.choice((0, 0, 0, 0, SECOND, HOUR, 9 * DAY))
        placed = order(
            self._next("o"),
            ordered_at,
            service,
            msisdn=draw.choice(SUBSCRIBERS),
            province=draw.choice(PROVINCES),
        )
        if service.line is Channel.IVR:
            placed = placed._replace(call_id=draw.choice(IN_CALLS))
        self.take(placed)
        for _ in range(draw.choice((0, 0, 0, 1, 2, 3))):
            self.take(placed._replace(order_id=self._next("o")))

    def answer(self) -> None:
        """Answer one of the last prompts: by word, by code, by key, or ask for something else."""
        draw, name = self.draw, self._next("r")
        prompts = [m for m in self.gate.messages if m.kind is MessageKind.PROMPT]
        text = draw.choice(WORDS)
        if not prompts or draw.random() < 0.3:
            to = draw.choice((SENDER,) * 9 + ("10010",))
            self.take(reply(name, self.at, text, msisdn=draw.choice(SUBSCRIBERS), to=to))
            return
        prompt = draw.choice(prompts[-3:])
        ends = (prompt.issued_at, prompt.expires_at - 1, prompt.expires_at)
        received_at = draw.choice((self.at, self.at, self.at, *(min(e, self.at) for e in ends)))
        said = draw.choice((text, *self._said(prompt)))
        if prompt.call_id is not None and draw.random() < 0.9:
            call_id = draw.choice((prompt.call_id, prompt.call_id, *IN_CALLS))
            pressed = key_press(name, received_at, said, call_id)
            self.take(pressed._replace(msisdn=prompt.msisdn))
        else:
            self.take(reply(name, received_at, said, msisdn=prompt.msisdn))

    def _said(self, prompt: Message) -> tuple[str, ...]:
        code = prompt.reply_code or "1"
        if prompt.channel is Channel.IVR:
            return code, code, code, "2", "7", ""
        return code, f"Y{code}", f"{code} y", f"N {code}", "Y", "Y", "N", "100"

    def settle(self) -> None:
        """Billing answers a charge or a refund, mostly once and rightly."""
        draw, name = self.draw, self._next("s")
        outcomes = (*[SettlementOutcome.CHARGED] * 3, *SettlementOutcome)
        asked: list[Charge | RefundRequest] = [*self.gate.charges, *self.gate.refunds]
        if not asked:
            self.take(settlement(name, self.at, charge_id="c-none"))
            return
        what = draw.choice((*asked[-4:], *self.gate.refunds[-2:]))
        if isinstance(what, Charge):
            amount, refund_id = what.price_minor, None
            outcome = draw.choice(outcomes)
        else:
            amount, refund_id = what.amount_minor, what.refund_id
            outcome = draw.choice((*[SettlementOutcome.REFUNDED] * 3, *SettlementOutcome))
        amount += draw.choice((0,) * 9 + (1, -1, -amount))
        if draw.random() < 0.05:
            refund_id = "f-none"
        self.take(
            settlement(
                name,
                self.at,
                charge_id=what.charge_id,
                refund_id=refund_id,
                msisdn=draw.choice((what.msisdn,) * 9 + SUBSCRIBERS),
                outcome=outcome,
                amount_minor=amount,
                currency=draw.choice(("CNY",) * 15 + ("USD",)),
            )
        )

    def act(self) -> None:
        """An agent does something, mostly about the last charges and complaints."""
        draw = self.draw
        kinds = [kind for kind in CareKind if kind is not CareKind.RELEASE]
        kind = CareKind.RELEASE if draw.random() < 0.05 else draw.choice(kinds)
        charges = self.gate.charges[-4:]
        charge = draw.choice(charges) if charges else None
        charge_id = charge.charge_id if charge else draw.choice((None, "c-none"))
        named = draw.random()
        acted = care(
            self._next("a"),
            self.at,
            msisdn=charge.msisdn if charge else draw.choice(SUBSCRIBERS),
            kind=kind,
            complaint_id=draw.choice((None, "q-1", "q-1", "q-2")),
            charge_id=charge_id if named < 0.6 else None,
            order_id=charge.order_id if charge and 0.5 < named < 0.9 else None,
            amount_minor=draw.choice((None, None, None, 50, 100, 300, 0, -1)),
            service_id=draw.choice((None, SMS_SERVICE.service_id)),
        )
        self.take(acted)

    def repeat(self) -> None:
        """Publish something once more, sometimes with other content."""
        if not self.events:
            return
        event = self.draw.choice(self.events[-8:])
        if self.draw.random() < 0.3:
            if isinstance(event, Order):
                event = event._replace(ordered_at=event.ordered_at - HOUR)
            elif isinstance(event, Reply):
                event = event._replace(text=event.text + "Y")
        self.take(event)

    def tick(self) -> None:
        self.recorder.tick(self.at - self.draw.choice((0, 0, SECOND, HOUR)))

    def change_reference(self) -> None:
        """A service leaves the market or comes back, or its price or its provider's standing
        changes, between turns.
        """
        draw, reference = self.draw, self.gate.catalogue
        service = reference.services[draw.choice(SERVICES).service_id]
        provider = reference.providers[service.provider_id]
        status = draw.choice((*[ServiceStatus.ON_SALE] * 5, ServiceStatus.WITHDRAWN))
        price = max(0, service.price_minor + draw.choice((0, 0, 0, 50, -50)))
        active = provider.status is not ProviderStatus.ACTIVE or draw.random() < 0.9
        standing = ProviderStatus.ACTIVE if active else ProviderStatus.SUSPENDED
        for topic, changed in (
            ("services.v1", service._replace(status=status, price_minor=price)),
            ("providers.v1", provider._replace(status=standing)),
        ):
            assert reference.fold(topic, changed._replace(version=changed.version + 1)) is None
        self.recorder.reference()
