"""What the walks' books hold: pages of subscribers, what came in, what went out, and the decision
at hand.
"""

from collections import defaultdict
from dataclasses import dataclass, field

from streams.gate.catalogue import Catalogue
from streams.gate.decide import Decision, Event
from streams.gate.effects import Verdict
from streams.gate.events import CareAction, DeliveryReport, Order, Reply, Settlement
from streams.gate.reference import Policy, Rule
from streams.gate.words import MessageKind, Reason
from tests.gate.expected import matching_rule
from tests.gate.person import Account, Asked, Opened, Person

Id = tuple[str, str]  # msisdn and the id of something


@dataclass
class Ledger:
    """Everything that was written down so far."""

    policies: tuple[Policy, ...]  # by the instant from which they are in force
    reference: Catalogue  # for what services and providers are; it decides nothing here
    pages: dict[str, Person] = field(default_factory=lambda: defaultdict(Person))
    taken: dict[tuple[str, Id], Event] = field(default_factory=dict)
    orders: dict[Id, Order] = field(default_factory=dict)
    verdicts: dict[Id, Verdict] = field(default_factory=dict)
    accounts: dict[Id, Account] = field(default_factory=dict)
    complaints: dict[Id, Opened] = field(default_factory=dict)
    consents: dict[Id, Asked] = field(default_factory=dict)  # by reply: what it said yes to
    ids: set[str] = field(default_factory=set)  # of everything that went out
    reasons: set[Reason] = field(default_factory=set)  # met, of decisions and verdicts
    # While one decision is written down:
    at: int = 0
    policy: Policy | None = None
    event: Event | None = None
    away: Reason | None = None  # why it was turned away before any rule was asked
    decision: Decision | None = None
    closing: list[Asked] = field(default_factory=list)
    due_messages: set[tuple[MessageKind, str]] = field(default_factory=set)

    def policy_at(self, at: int) -> Policy | None:
        begun = [each for each in self.policies if each.effective_from <= at]
        return begun[-1] if begun else None

    def account_of(self, action: CareAction) -> Account | None:
        """The account that a care action is about."""
        if action.charge_id:
            return self.accounts.get((action.msisdn, action.charge_id))
        complaint = self.complaints.get((action.msisdn, action.complaint_id or ""))
        if complaint is not None:
            return complaint.account
        return self.account_of_order((action.msisdn, action.order_id or ""))

    def account_of_order(self, order: Id) -> Account | None:
        return next(
            (
                each
                for each in self.accounts.values()
                if (each.charge.msisdn, each.charge.order_id) == order
            ),
            None,
        )

    def rule_of(self, order: Order) -> Rule | None:
        policy = self.policy
        return matching_rule(order, self.at, policy) if policy else None


def id_of(event: Event) -> tuple[str, Id]:
    """Topic and id of an event; a due act has none."""
    match event:
        case Order():
            name = event.order_id
        case Reply():
            name = event.reply_id
        case DeliveryReport():
            name = event.report_id
        case Settlement():
            name = event.settlement_id
        case CareAction():
            name = event.action_id
        case _:
            raise TypeError(f"{event} has no id")
    return type(event).__name__, (event.msisdn, name)


def instant_of(event: Event) -> int:
    """The business time of an event."""
    match event:
        case Order():
            return event.ordered_at
        case Reply():
            return event.received_at
        case DeliveryReport():
            return event.reported_at
        case Settlement():
            return event.settled_at
        case CareAction():
            return event.acted_at
    return 0
