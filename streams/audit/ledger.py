"""What the walk has written down so far, and one decision as its judges are given it.

Laws: judges note what breaks a law and write down what was done, as it was done; they ask nothing
of each other. This file must not know any law.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

from streams.audit.answers import Words
from streams.audit.books import Books
from streams.audit.people import Person, Prompt
from streams.audit.records import Charge, Decision, Order, Policy, Rule
from streams.audit.report import Finding, finding
from streams.audit.standing import day_of
from streams.history import Entry
from streams.topics import ORDERS


@dataclass(slots=True, eq=False)
class Ledger:
    """The accounts of all subscribers, by the decisions walked so far."""

    books: Books
    people: dict[str, Person] = field(default_factory=lambda: defaultdict(Person))
    prompts: dict[str, Prompt] = field(default_factory=dict)
    rules: dict[tuple[str, str], Rule | None] = field(default_factory=dict)
    found: dict[int, list[Finding]] = field(default_factory=lambda: defaultdict(list))
    faults: dict[tuple[str, int, int], tuple[str, bool]] = field(default_factory=dict)
    """Of events that contradict the accounts: a sentence, and whether it is certain."""
    needless: list[Decision] = field(default_factory=list)
    """On orders that were asked about although a grant covered them."""
    unheard: list[Decision] = field(default_factory=list)
    """On a clear yes in time that was not taken as one."""
    overdrawn: list[tuple[Charge, Prompt]] = field(default_factory=list)
    """Charges that a yes does not cover any more."""
    due_until: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    """The latest due act taken on each partition: what was due before it has been taken."""
    window_alarms: set[str] = field(default_factory=set)
    """Ids of the alarms that windows raise."""
    _words: dict[int, Words] = field(default_factory=dict)

    def words(self, policy: Policy) -> Words:
        """The reply words of a policy."""
        words = self._words.get(policy.entry.offset)
        if words is None:
            words = self._words[policy.entry.offset] = Words(policy)
        return words

    def day(self, order: Order) -> int | None:
        """The operator's day of an order, by the policy in force when it was taken."""
        decision = self.books.decided.get(order.entry[:3])
        if decision is None:
            return None
        policy = self.books.standing.policy_at(decision.event_at, decision.reference)
        return day_of(policy.time_zone, order.ordered_at) if policy else None


class Case(NamedTuple):
    """One decision, with whom it concerns and what was in force."""

    ledger: Ledger
    decision: Decision
    policy: Policy | None
    person: Person
    messages: dict[str, str]  # texts of the receipts and notices that must follow, by id
    replies: set[str]  # kinds of the messages that must answer a reply
    alarms: Counter[str]  # kinds of the alarms that it must raise

    @property
    def books(self) -> Books:
        """The history, read."""
        return self.ledger.books

    @property
    def oldest(self) -> int:
        """The first day that must be remembered."""
        policy = self.policy
        if policy is None:
            return 0
        return day_of(policy.time_zone, self.decision.event_at) - policy.horizon_days

    def note(self, law: int, sentence: str, entry: Entry | None = None) -> None:
        """A law was broken; the decision shows it, or another record."""
        self.ledger.found[law].append(finding(law, entry or self.decision.entry, sentence))

    def rule_of(self, charge: Charge) -> Rule | None:
        """The rule by which an order is charged: its own, or after a yes that of its prompt."""
        if self.decision.topic == ORDERS:
            return self.ledger.rules.get((charge.msisdn, charge.order_id))
        prompt = self.ledger.prompts.get(charge.prompt_id or "")
        return prompt.rule if prompt is not None else None
