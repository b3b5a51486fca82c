"""Billing: takes each approved charge once, pays each refund once, and says what became of them.

Laws: a charge_id is collected once, for ever, and a refund_id paid once. A second record with the
same id is counted and answered with nothing; the demo and the tests demand that there is none. Now
and then billing errs: what it says then contradicts us or itself, and is counted by its kind.
"""

from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from streams.gate.effects import Charge, RefundRequest
from streams.gate.events import Settlement
from streams.gate.words import SettlementOutcome
from streams.world.draws import chances
from streams.world.mix import Fault

# How long a refund, a mistake or a kindness takes.
_LATER_MS = (200, 1500)

CHARGED, FAILED, REFUNDED = (
    SettlementOutcome.CHARGED,
    SettlementOutcome.FAILED,
    SettlementOutcome.REFUNDED,
)


class Missettled(StrEnum):
    """The ways in which billing contradicts us or itself."""

    UNKNOWN_CHARGE = "unknown_charge"
    UNKNOWN_REFUND = "unknown_refund"
    OTHER_AMOUNT = "other_amount"
    OTHER_CURRENCY = "other_currency"
    TWICE = "twice"  # the charge is settled once more, the same way, as news
    REVERSED = "reversed"  # charged after all, or failed after all
    TOO_MUCH_BACK = "too_much_back"


class Said(NamedTuple):
    """What billing says, and how much later than what it speaks of."""

    settlement: Settlement
    after_ms: int


class Billing:
    """The operator's billing system, with money that sometimes is not there."""

    def __init__(self, seed: int, faults: Mapping[Fault, float]) -> None:
        self._seed = seed
        self._faults = faults
        self._paid: dict[str, bool] = {}  # by charge_id: whether the money was there
        self._refund_ids: set[str] = set()
        self.repeated = 0
        self.refunds_repeated = 0
        self.collected_minor: dict[str, int] = {}
        self.returned_minor: dict[str, int] = {}
        self.refunds: Counter[str] = Counter()  # requests, by what became of them
        self.missettled: Counter[str] = Counter()

    @property
    def charges(self) -> int:
        """How many different charges it was given."""
        return len(self._paid)

    def knows(self, charge_id: str) -> bool:
        """Whether it was given this charge before."""
        return charge_id in self._paid

    def take(self, charge: Charge, now: int) -> tuple[Said, ...]:
        """What is said of a new charge; nothing of one seen before."""
        if charge.charge_id in self._paid:
            self.repeated += 1
            return ()
        money, wrong, kind, kindness, delay, *_ = chances(self._seed, "billing", charge.charge_id)
        paid = self._paid[charge.charge_id] = money >= self._faults[Fault.UNPAID]
        if paid:
            _add(self.collected_minor, charge.currency, charge.price_minor)
        first = Settlement(
            f"t-{charge.charge_id}",
            charge.charge_id,
            None,
            charge.msisdn,
            CHARGED if paid else FAILED,
            charge.price_minor,
            charge.currency,
            None if paid else "balance too low",
            now,
        )
        said = [Said(first, 0)]
        later = _later(delay)
        if wrong < self._faults[Fault.MISSETTLED]:
            kinds = list(Missettled)
            mistake = kinds[int(kind * len(kinds))]
            self.missettled[mistake] += 1
            said.append(Said(_mistake(mistake, first), later))
        elif paid and kindness < self._faults[Fault.GIVEN_BACK]:
            self.refunds["given_back"] += 1
            _add(self.returned_minor, charge.currency, charge.price_minor)
            back = first._replace(settlement_id=f"g-{charge.charge_id}", outcome=REFUNDED)
            said.append(Said(back, later))
        return tuple(said)

    def refund(self, request: RefundRequest, now: int) -> tuple[Said, ...]:
        """What is said of a new request to give money back; nothing of one seen before."""
        if request.refund_id in self._refund_ids:
            self.refunds_repeated += 1
            return ()
        self._refund_ids.add(request.refund_id)
        luck, part, delay, *_ = chances(self._seed, "refund", request.refund_id)
        # A request may overtake its charge: what is not known to have failed was collected.
        can = self._paid.get(request.charge_id, True) and luck >= self._faults[Fault.UNREFUNDED]
        amount = request.amount_minor
        if can and part < self._faults[Fault.PART_REFUNDED] and amount > 1:
            amount //= 2
            self.refunds["part_refunded"] += 1
        else:
            self.refunds["refunded" if can else "failed"] += 1
        if can:
            _add(self.returned_minor, request.currency, amount)
        settlement = Settlement(
            f"t-{request.refund_id}",
            request.charge_id,
            request.refund_id,
            request.msisdn,
            REFUNDED if can else FAILED,
            amount,
            request.currency,
            None if can else "account closed",
            now,
        )
        return (Said(settlement, _later(delay)),)


def _mistake(kind: Missettled, first: Settlement) -> Settlement:
    """A settlement that contradicts us, or the first one of its charge."""
    wrong = first._replace(settlement_id=f"w-{first.charge_id}", reason="posted by hand")
    match kind:
        case Missettled.UNKNOWN_CHARGE:
            return wrong._replace(charge_id=f"{first.charge_id}-x")
        case Missettled.UNKNOWN_REFUND:
            return wrong._replace(refund_id=f"f-{first.charge_id}", outcome=REFUNDED)
        case Missettled.OTHER_AMOUNT:
            return wrong._replace(amount_minor=first.amount_minor + 100)
        case Missettled.OTHER_CURRENCY:
            return wrong._replace(currency="HKD" if first.currency == "CNY" else "CNY")
        case Missettled.TWICE:
            return wrong
        case Missettled.REVERSED:
            return wrong._replace(outcome=FAILED if first.outcome is CHARGED else CHARGED)
        case Missettled.TOO_MUCH_BACK:
            return wrong._replace(outcome=REFUNDED, amount_minor=first.amount_minor + 1)


def _later(chance: float) -> int:
    low, high = _LATER_MS
    return int(low + (high - low) * chance)


def _add(amounts: dict[str, int], currency: str, minor: int) -> None:
    amounts[currency] = amounts.get(currency, 0) + minor
