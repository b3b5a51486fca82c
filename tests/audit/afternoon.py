"""An honest afternoon: the whole rule book in one small history, as the real gate decided it.

Ten subscribers: one spends up to the limit, one has several prompts open, two call, one takes back
what was granted, one is part of a trial, one has trouble with billing, one complains, one gives the
number away, and one must use codes.
"""

from functools import cache

from streams.gate.decide import Event
from streams.gate.effects import Charge, Message, RefundRequest
from streams.gate.reference import Service, SpendLimit
from streams.gate.words import CareKind, MessageKind, SettlementOutcome
from tests.audit.recorded import Recorder
from tests.audit.scribe import Scribe
from tests.audit.stroll import ALL_TEMPLATES, CODED, DAILY, DIGIT, TRIED
from tests.gate.examples import (
    DAY,
    HOUR,
    IVR_SERVICE,
    LOCAL_SERVICE,
    MINUTE,
    MMS_SERVICE,
    NOON,
    OTHER_SMS_SERVICE,
    SECOND,
    SMS_SERVICE,
    care,
    catalogue,
    key_press,
    order,
    policy,
    reply,
    settlement,
)
from tests.gate.harness import Gate

ADA, BEN, CLEO, DAN, EMMA = (f"4671000000{n}" for n in range(1, 6))
FINN, GITA, HUGO, INA, JACK = (f"4671000000{n}" for n in (6, 7, 8, 9, 0))
TRIED_LOCAL = TRIED._replace(provider_ids=("sp-2",))
CODED_THERE = CODED._replace(provinces=("hongkong",))


class Afternoon:
    """The gate in memory, told what happens; a second passes with each thing."""

    def __init__(self) -> None:
        in_force = policy(
            *(DIGIT, TRIED_LOCAL, CODED_THERE, DAILY),
            templates=ALL_TEMPLATES,
            spend_limits=(SpendLimit("CNY", 1_000),),
            prompts_per_day_max=3,
            refuse_after_no=True,
            receipt_interval_ms=5 * MINUTE,
            undo_ms=10 * MINUTE,
            alarm_window_ms=HOUR,
            alarm_dead_letters=3,
            alarm_limit_refusals=3,
        )
        self.gate = Gate(catalogue(in_force))
        self.recorder = Recorder(self.gate)
        self.at = NOON
        self.ids = 0

    def take(self, event: Event) -> None:
        """Something happens."""
        self.recorder.take(event, self.at)
        self.at += SECOND

    def orders(
        self, msisdn: str, order_id: str, what: Service = SMS_SERVICE, ago: int = 0, **said: object
    ) -> None:
        """A subscriber orders."""
        self.take(order(order_id, self.at - ago, what, msisdn=msisdn, **said))

    def says(self, msisdn: str, text: str) -> None:
        """A subscriber sends a text."""
        self.ids += 1
        self.take(reply(f"r{self.ids}", self.at, text, msisdn=msisdn))

    def presses(self, msisdn: str, digits: str, call_id: str) -> None:
        """A caller presses a key."""
        self.ids += 1
        pressed = key_press(f"r{self.ids}", self.at, digits, call_id)
        self.take(pressed._replace(msisdn=msisdn))

    def billing(
        self, what: Charge | RefundRequest, outcome: SettlementOutcome, **said: object
    ) -> None:
        """Billing answers a charge, or a request to give back."""
        self.ids += 1
        refund = what if isinstance(what, RefundRequest) else None
        charged = what.price_minor if isinstance(what, Charge) else what.amount_minor
        answer = settlement(
            f"s{self.ids}",
            self.at,
            charge_id=what.charge_id,
            refund_id=refund.refund_id if refund else None,
            msisdn=what.msisdn,
            outcome=outcome,
            amount_minor=charged,
        )
        self.take(answer._replace(**said))  # type: ignore[arg-type]

    def agent(self, msisdn: str, kind: CareKind, **said: object) -> None:
        """Customer care does something."""
        self.ids += 1
        self.take(care(f"a{self.ids}", self.at, msisdn=msisdn, kind=kind, **said))

    def charge(self, msisdn: str, order_id: str) -> Charge:
        """The charge of an order."""
        [found] = [c for c in self.gate.charges if (c.msisdn, c.order_id) == (msisdn, order_id)]
        return found

    def prompt(self, msisdn: str, order_id: str) -> Message:
        """The prompt about an order."""
        [found] = [
            m
            for m in self.gate.messages
            if (m.kind, m.msisdn, m.order_id) == (MessageKind.PROMPT, msisdn, order_id)
        ]
        return found

    def code(self, msisdn: str, order_id: str) -> str:
        """What names the prompt about an order."""
        code = self.prompt(msisdn, order_id).reply_code
        assert code is not None
        return code


@cache
def _told() -> Recorder:
    day = Afternoon()
    day.recorder.tick(NOON)
    for tell in (_ada, _ben, _cleo, _dan, _emma, _finn, _gita, _hugo, _ina, _jack):
        tell(day)
    day.recorder.tick(day.at + 4 * DAY)
    return day.recorder


def afternoon() -> Scribe:
    """The whole afternoon, to be changed at will."""
    return _told().scribe.copy()


def _ada(day: Afternoon) -> None:
    """Spends all that a day allows: a receipt, a notice, and a refusal."""
    day.orders(ADA, "o1")
    day.says(ADA, "Y")
    day.orders(ADA, "o2")
    day.orders(ADA, "o3", MMS_SERVICE)
    day.says(ADA, "是")
    day.at += 6 * MINUTE
    day.orders(ADA, "o4")
    day.orders(ADA, "o5", OTHER_SMS_SERVICE)
    day.orders(ADA, "o6")
    day.says(ADA, "y" + day.code(ADA, "o5"))
    day.says(ADA, "0000")


def _ben(day: Afternoon) -> None:
    """Has several prompts open, says no to one, and is asked as often as a day allows."""
    day.orders(BEN, "o1")
    day.orders(BEN, "o2", OTHER_SMS_SERVICE)
    day.says(BEN, "Y")
    day.says(BEN, "Y")
    day.says(BEN, day.code(BEN, "o2"))
    day.says(BEN, "N")
    day.orders(BEN, "o3")
    day.orders(BEN, "o4", MMS_SERVICE)
    for order_id in ("o5", "o6", "o7"):
        day.orders(BEN, order_id, MMS_SERVICE)
    day.orders(BEN, "o8", IVR_SERVICE)


def _cleo(day: Afternoon) -> None:
    """Calls, presses the wrong key, and is not asked again."""
    day.orders(CLEO, "o1", IVR_SERVICE, call_id="call-c")
    right = day.code(CLEO, "o1")
    day.presses(CLEO, "7" if right != "7" else "8", "call-c")
    day.orders(CLEO, "o2", IVR_SERVICE, call_id="call-c")


def _dan(day: Afternoon) -> None:
    """Calls, and reaches the ceiling of a call."""
    for order_id in ("o1", "o2"):
        day.orders(DAN, order_id, IVR_SERVICE, call_id="call-d")
        day.presses(DAN, day.code(DAN, order_id), "call-d")
    day.orders(DAN, "o3", IVR_SERVICE, call_id="call-d")


def _emma(day: Afternoon) -> None:
    """Takes a charge back, then all that was granted, and orders again."""
    day.orders(EMMA, "o1")
    day.says(EMMA, "Y")
    day.says(EMMA, "TF")
    day.orders(EMMA, "o2")
    day.says(EMMA, "QX")
    day.orders(EMMA, "o3")
    day.says(EMMA, "Y")


def _finn(day: Afternoon) -> None:
    """Is part of a trial: charged without a question, which is written down."""
    day.orders(FINN, "o1", LOCAL_SERVICE)
    day.orders(FINN, "o2", LOCAL_SERVICE)


def _gita(day: Afternoon) -> None:
    """Has trouble with billing: a charge fails, a refund fails, a settlement contradicts."""
    day.orders(GITA, "o1")
    day.says(GITA, "Y")
    day.orders(GITA, "o2")
    first = day.charge(GITA, "o1")
    day.billing(first, SettlementOutcome.CHARGED)
    day.billing(day.charge(GITA, "o2"), SettlementOutcome.FAILED)
    day.orders(GITA, "o3")
    day.orders(GITA, "o4")
    day.billing(day.charge(GITA, "o4"), SettlementOutcome.CHARGED)
    day.orders(GITA, "o5")
    day.agent(GITA, CareKind.COMPLAIN, complaint_id="q1", charge_id=first.charge_id)
    day.agent(GITA, CareKind.UPHOLD, complaint_id="q1", amount_minor=50)
    day.billing(day.gate.refunds[-1], SettlementOutcome.REFUNDED)
    day.agent(GITA, CareKind.REFUND, charge_id=first.charge_id, amount_minor=150)
    day.billing(day.gate.refunds[-1], SettlementOutcome.FAILED)
    day.billing(first, SettlementOutcome.CHARGED)
    day.billing(first, SettlementOutcome.CHARGED, charge_id="c-none")
    day.billing(first, SettlementOutcome.REFUNDED, refund_id="f-none")


def _hugo(day: Afternoon) -> None:
    """Complains, and nobody answers; complains again, and is answered."""
    day.orders(HUGO, "o1")
    day.says(HUGO, "Y")
    charge_id = day.charge(HUGO, "o1").charge_id
    day.billing(day.charge(HUGO, "o1"), SettlementOutcome.CHARGED)
    day.agent(HUGO, CareKind.COMPLAIN, complaint_id="q1", order_id="o1")
    day.agent(HUGO, CareKind.COMPLAIN, complaint_id="q2", charge_id=charge_id)
    day.agent(HUGO, CareKind.ANSWER, complaint_id="q2")
    day.agent(HUGO, CareKind.LOOK)


def _ina(day: Afternoon) -> None:
    """Gives the number away: its next owner starts afresh, and late orders are not charged."""
    day.orders(INA, "o1")
    day.says(INA, "Y")
    day.agent(INA, CareKind.RELEASE)
    day.orders(INA, "o2", ago=MINUTE)
    day.orders(INA, "o3")
    day.says(INA, "Y")


def _jack(day: Afternoon) -> None:
    """Must answer with the code."""
    day.orders(JACK, "o1", province="hongkong")
    day.says(JACK, "Y")
    day.says(JACK, day.code(JACK, "o1"))
