"""What the topics say of one subscriber so far: prompts, days, money, complaints.

The auditor's own books of DESIGN §4, filled decision by decision; nothing is judged here. What was
done is written down as it was done, so that one wrong decision does not make all that follow wrong.
"""

from collections import defaultdict
from dataclasses import dataclass, field

from streams.audit.records import (
    Charge,
    Decision,
    Message,
    Order,
    Policy,
    Refund,
    Reply,
    Rule,
    Settlement,
)

VOICE = "IVR"
DAILY = "FIRST_OF_DAY"


@dataclass(slots=True, eq=False)
class Prompt:
    """A prompt as sent, and what became of it."""

    message: Message
    issued_by: Decision
    order: Order | None  # the one it asks about
    rule: Rule | None  # the rule that asked; of a prompt that follows another, that one's rule
    policy: Policy | None  # in force when it was issued
    day: int | None  # of the order it asks about
    among: bool  # another text prompt of the subscriber was open and alive then
    waiting: list[Order]  # the one asked about first
    crowded: bool = False  # so many codes were given out that its own was hard to find
    consent: Reply | None = None
    declined: bool = False
    taken_back: bool = False  # by a cancellation, a revocation, or because the number was released
    charges: int = 0  # approved by its yes, and not failed
    amount_minor: int = 0

    @property
    def by_voice(self) -> bool:
        """Whether it was spoken in a call."""
        return self.message.channel == VOICE

    @property
    def needs_code(self) -> bool:
        """Whether only its own code is a yes."""
        return self.rule is not None and self.rule.code_required

    @property
    def due_at(self) -> int:
        """When it lapses: its end plus the grace."""
        return self.message.expires_at + (self.policy.grace_ms if self.policy else 0)

    def alive(self, at: int) -> bool:
        """Whether an instant lies within its life; at its end it is over."""
        return self.message.issued_at <= at < self.message.expires_at

    def hears(self, reply: Reply) -> bool:
        """Whether a reply came to the number that asked, or in the call that asked."""
        if self.by_voice:
            call = self.message.call_id
            return reply.channel == VOICE and call is not None and reply.call_id == call
        return reply.channel != VOICE and reply.to == self.message.sender

    def covers(self, order: Order) -> bool:
        """Whether its yes, given, leaves room for one more order."""
        return (
            self.order is not None
            and self.rule is not None
            and (self.order.price_minor, self.order.currency) == (order.price_minor, order.currency)
            and self.charges < self.rule.grant_count_max
            and self.amount_minor + order.price_minor <= self.rule.grant_amount_max_minor
        )


@dataclass(slots=True)
class Trial:
    """What a yes would have covered, had SHADOW been in force."""

    price_minor: int
    currency: str
    count_left: int
    amount_left_minor: int

    def covers(self, order: Order) -> bool:
        """Whether it leaves room for one more order."""
        return (
            (self.price_minor, self.currency) == (order.price_minor, order.currency)
            and self.count_left > 0
            and order.price_minor <= self.amount_left_minor
        )

    def use(self) -> None:
        """One order less is left."""
        self.count_left -= 1
        self.amount_left_minor -= self.price_minor


@dataclass(slots=True)
class ServiceDay:
    """One service of one day."""

    grant: Prompt | None = None
    trial: Trial | None = None
    declined: bool = False
    receipt_at: int | None = None


@dataclass(slots=True)
class Day:
    """One operator-local day of a subscriber, across providers."""

    prompts: int = 0
    trial_prompts: int = 0
    codes: set[str] = field(default_factory=set)
    # In the order of the first time: a service's place is its number in a listing.
    services: dict[str, ServiceDay] = field(default_factory=dict)
    spent: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    noticed: set[str] = field(default_factory=set)

    def service(self, service_id: str) -> ServiceDay:
        """One of its services, from now on in its list."""
        return self.services.setdefault(service_id, ServiceDay())


@dataclass(slots=True, eq=False)
class Account:
    """A charge, and what billing and care did to it."""

    charge: Charge
    prompt: Prompt | None
    settled: str = ""  # CHARGED or FAILED, when billing has said so
    settlements: list[Settlement] = field(default_factory=list)
    requests: dict[str, Refund] = field(default_factory=dict)
    outcomes: dict[str, str] = field(default_factory=dict)  # of requests: REFUNDED or FAILED
    gone: dict[str, int] = field(default_factory=dict)  # by requests under way or refunded
    given_back: int = 0  # by billing on its own account
    receipt: Message | None = None
    counted: bool = True  # on its day; not any more when the number has another owner

    @property
    def left(self) -> int:
        """What could still be given back."""
        if self.settled == "FAILED":
            return 0
        return self.charge.price_minor - sum(self.gone.values()) - self.given_back


@dataclass(slots=True, eq=False)
class Complaint:
    """An open complaint with its clock."""

    opened_by: Decision
    charge_id: str | None
    alarms_at: list[int]
    answered: bool = False


@dataclass(slots=True, eq=False)
class Person:
    """One subscriber, or rather: one number."""

    open: list[Prompt] = field(default_factory=list)
    days: dict[int, Day] = field(default_factory=lambda: defaultdict(Day))
    # What was charged in each call: the order's day, and the price.
    calls: dict[str, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    accounts: dict[str, Account] = field(default_factory=dict)
    complaints: dict[str, Complaint] = field(default_factory=dict)
    last: Account | None = None  # what an undo would take back
    released_at: int | None = None
    clarified: tuple[Prompt, ...] = ()
    """The text prompts open at the last CLARIFY, since there was a first of those that are open."""

    def call(self, call_id: str | None, since: int = 0) -> list[int]:
        """The prices charged in one call, on days from one on: an id may come again much later."""
        return [price for day, price in self.calls.get(call_id or "", ()) if day >= since]

    def texts(self) -> list[Prompt]:
        """The open prompts that are answered by text."""
        return [prompt for prompt in self.open if not prompt.by_voice]

    def forget(self) -> None:
        """The number has another owner: of the one before only charges and complaints stay."""
        for account in self.accounts.values():
            account.counted = False
        self.open.clear()
        self.days.clear()
        self.calls.clear()
        self.last = None
        self.clarified = ()
