"""What the books hold of one subscriber, written down from events and effects alone.

A number that gets a new owner gets a new page: only its accounts and complaints carry over.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from streams.gate.effects import Charge, Message
from streams.gate.events import Order
from streams.gate.reference import Rule
from streams.gate.words import Channel, Confirmation, SettlementOutcome

ServiceDay = tuple[int, str]  # day and service
_FAILED = SettlementOutcome.FAILED


@dataclass
class Account:
    """What became of one charge."""

    charge: Charge
    call_id: str | None
    receipts: list[str] = field(default_factory=list)
    settlements: list[str] = field(default_factory=list)
    settled: SettlementOutcome = SettlementOutcome.UNKNOWN
    refunds: dict[str, tuple[int, SettlementOutcome]] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        return self.settled is _FAILED

    @property
    def left_minor(self) -> int:
        """What may still be given back, when all that is under way succeeds."""
        given = sum(amount for amount, outcome in self.refunds.values() if outcome is not _FAILED)
        return 0 if self.failed else self.charge.price_minor - given


@dataclass
class Asked:
    """An open prompt, with the terms of the rule that asked it."""

    message: Message
    order: Order  # one of those that it was asked for: service, day, price, call
    rule: Rule
    day: int
    waiting: list[Order]

    @property
    def voice(self) -> bool:
        return self.message.channel is Channel.IVR

    def alive(self, at: int) -> bool:
        return self.message.issued_at <= at < self.message.expires_at


@dataclass
class Covered:
    """What one yes covers, and what was charged by it; under SHADOW: what it would have been."""

    prompt_id: str
    price_minor: int
    currency: str
    rule: Rule
    charges: list[Account] = field(default_factory=list)

    @property
    def left(self) -> tuple[int, int]:
        """Count and amount that it still covers; what failed is given back, but to no trial."""
        trial = self.rule.confirmation is Confirmation.SHADOW
        charged = [each.charge.price_minor for each in self.charges if trial or not each.failed]
        rule = self.rule
        return rule.grant_count_max - len(charged), rule.grant_amount_max_minor - sum(charged)

    def covers(self, price_minor: int, currency: str) -> bool:
        count, amount_minor = self.left
        same = (price_minor, currency) == (self.price_minor, self.currency)
        return same and count > 0 and price_minor <= amount_minor


@dataclass
class Person:
    """One page: a subscriber for as long as the number is his."""

    released_at: int | None = None
    open: dict[str, Asked] = field(default_factory=dict)  # by prompt
    grants: dict[ServiceDay, Covered] = field(default_factory=dict)
    shadows: dict[ServiceDay, Covered] = field(default_factory=dict)
    declined: set[ServiceDay] = field(default_factory=set)
    listed: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    prompts: Counter[int] = field(default_factory=Counter)
    shadow_prompts: Counter[int] = field(default_factory=Counter)
    codes: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    receipts: dict[ServiceDay, int] = field(default_factory=dict)
    noticed: set[tuple[int, str]] = field(default_factory=set)  # day and currency
    charges: list[Account] = field(default_factory=list)
    last_charge: Account | None = None
    clarified: bool = False

    def spent_minor(self, day: int, currency: str) -> int:
        """Charges of a day that did not fail."""
        return sum(
            each.charge.price_minor
            for each in self.charges
            if (each.charge.day, each.charge.currency) == (day, currency) and not each.failed
        )

    def in_call(self, call_id: str) -> list[Account]:
        """Charges of a call, failed ones too: they were made, and the caller goes on talking."""
        return [each for each in self.charges if each.call_id == call_id]

    def touch(self, day: int, service_id: str) -> None:
        if service_id not in self.listed[day]:
            self.listed[day].append(service_id)

    def asked(self, order: Order, day: int, confirmation: Confirmation, at: int) -> Asked | None:
        """The open prompt whose yes would be a yes to this order."""
        for each in self.open.values():
            other = each.order
            if (
                each.alive(at)
                and each.day == day
                and each.rule.confirmation is confirmation
                and _question(other) == _question(order)
            ):
                return each
        return None

    def texts_alive(self, at: int) -> list[Asked]:
        return [each for each in self.open.values() if not each.voice and each.alive(at)]

    @property
    def unclear(self) -> bool:
        """Whether a plain answer might not be enough."""
        texts = [each for each in self.open.values() if not each.voice]
        return len(texts) > 1 or any(each.rule.code_required for each in texts)


def _question(order: Order) -> tuple[object, ...]:
    """What two orders must share to be asked about by one prompt."""
    call_id = order.call_id if order.channel is Channel.IVR else None
    return (
        *(order.service_id, order.provider_id, order.channel),
        *(order.price_minor, order.currency, call_id),
    )


@dataclass
class Opened:
    """An open complaint."""

    account: Account | None
    alarms_at: list[int]
    answered: bool = False
