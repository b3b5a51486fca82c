"""Walks the decisions in the order they were taken, keeping an account of prompts and grants.

The auditor's own, small reading of DESIGN §5: which prompt was open when a reply was taken, whether
the reply was a clear answer to it, what its yes covered and how much of it is used. Laws 1, 3, 5, 7
and 8 ask it.

Laws: consent is a yes in the policy's words, heard while exactly one prompt that it could answer
was alive; a prompt that was declined or has lapsed hears nothing more.
"""

from collections import defaultdict
from dataclasses import dataclass

from streams import topics
from streams.audit.answers import Words
from streams.audit.books import Books
from streams.audit.records import Charge, Decision, Message, Order, Policy, Reply, Rule
from streams.audit.standing import day_of
from streams.topics import CHARGES, MESSAGES, VERDICTS

VOICE = "IVR"
# Answers by which the gate says that a reply changed nothing. When in doubt, no charge: a yes that
# the gate did not take as one is no consent here either.
_NOT_HEARD = frozenset({"UNCLEAR", "AMBIGUOUS", "NOT_ANSWERING", "TOO_LATE", "REPEATED"})


@dataclass(slots=True, eq=False)
class Prompt:
    """A prompt as sent, and what became of it."""

    message: Message
    issued_by: Decision
    order: Order | None  # the one it asks about
    rule: Rule | None  # the rule that asked for it
    policy: Policy | None  # in force when it was issued
    day: int | None  # of the order it asks about
    consent: Reply | None = None
    declined: bool = False
    charges: int = 0
    amount_minor: int = 0

    @property
    def due_at(self) -> int:
        """When it lapses: its end plus the grace."""
        return self.message.expires_at + (self.policy.grace_ms if self.policy else 0)

    def covers(self, order: Order) -> bool:
        """Whether its yes, given, leaves room for one more order."""
        return (
            self.order is not None
            and self.rule is not None
            and (self.order.price_minor, self.order.currency) == (order.price_minor, order.currency)
            and self.charges < self.rule.grant_count_max
            and self.amount_minor + order.price_minor <= self.rule.grant_amount_max_minor
        )


class Walk:
    """The accounts after all partitions were walked."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self.prompts: dict[str, Prompt] = {}
        self.needless: list[Decision] = []  # orders asked although a grant covered them
        self.unheard: list[Decision] = []  # on a clear yes in time that was not taken as one
        self.overdrawn: list[tuple[Charge, Prompt]] = []
        self.rules: dict[tuple[str, str], Rule | None] = {}  # of each order, when it was taken
        self._messages = {message.message_id: message for message in books.messages}
        self._charges = {charge.charge_id: charge for charge in books.charges}
        self._words: dict[int, Words] = {}
        self._open: dict[str, list[Prompt]] = defaultdict(list)
        self._grants: dict[tuple[str, str, int], Prompt] = {}
        for decision in books.all_decisions():
            self._step(decision)

    def day(self, order: Order) -> int | None:
        """The operator's day of an order, by the policy in force when it was taken."""
        decision = self._books.decided.get(order.entry[:3])
        if decision is None:
            return None
        policy = self._books.standing.policy_at(decision.event_at, decision.reference)
        return day_of(policy.time_zone, order.ordered_at) if policy else None

    def answer(self, reply: Reply) -> str | None:
        """What a reply says in the words of the policy in force when it was taken."""
        decision = self._books.decided.get(reply.entry[:3])
        if decision is None:
            return None
        policy = self._books.standing.policy_at(decision.event_at, decision.reference)
        if policy is None:
            return None
        words = self._words.get(policy.entry.offset)
        if words is None:
            words = self._words[policy.entry.offset] = Words(policy)
        return words.answer(reply.channel, reply.text)

    def _step(self, decision: Decision) -> None:
        match decision.topic:
            case topics.ORDERS:
                event = self._books.events.get(decision[2:5])
                if isinstance(event, Order):
                    self._order(decision, event)
            case topics.REPLIES:
                event = self._books.events.get(decision[2:5])
                if isinstance(event, Reply):
                    self._reply(decision, event)
            case topics.TICKS:
                self._lapse(decision)
            case _:
                pass
        for effect in decision.effects:
            if effect.topic == MESSAGES:
                self._sent(decision, self._messages.get(effect.id))
            elif effect.topic == CHARGES:
                self._charged(self._charges.get(effect.id))

    def _order(self, decision: Decision, order: Order) -> None:
        if self._books.order(order.msisdn, order.order_id) is not order:
            return  # repeated, or a dead letter
        standing = self._books.standing
        policy = standing.policy_at(decision.event_at, decision.reference)
        if policy is None:
            return
        rule = standing.first_rule(policy, order, decision.event_at, decision.reference)
        self.rules[order.msisdn, order.order_id] = rule
        if rule is None or rule.confirmation != "FIRST_OF_DAY":
            return
        day = day_of(policy.time_zone, order.ordered_at)
        grant = self._grants.get((order.msisdn, order.service_id, day))
        answered = any(effect.topic == VERDICTS for effect in decision.effects)
        if grant is not None and not answered and grant.covers(order):
            self.needless.append(decision)

    def _reply(self, decision: Decision, reply: Reply) -> None:
        if self._books.reply(reply.msisdn, reply.reply_id) is not reply:
            return
        answer = self.answer(reply)
        if answer is None:
            return
        alive = [p for p in self._open[reply.msisdn] if could_answer(p, reply)]
        if len(alive) != 1:
            return
        prompt = alive[0]
        if answer == "NO":
            prompt.declined = True
        elif decision.reason in _NOT_HEARD:
            self.unheard.append(decision)
            return
        else:
            prompt.consent = reply
            if prompt.order and prompt.rule and prompt.rule.confirmation == "FIRST_OF_DAY":
                day = prompt.day if prompt.day is not None else -1
                self._grants[reply.msisdn, prompt.order.service_id, day] = prompt
        self._open[reply.msisdn].remove(prompt)

    def _lapse(self, decision: Decision) -> None:
        prompt = self.prompts.get(decision.prompt_id or "")
        if prompt is not None and prompt in self._open[prompt.message.msisdn]:
            self._open[prompt.message.msisdn].remove(prompt)

    def _sent(self, decision: Decision, message: Message | None) -> None:
        if message is None or message.kind != "PROMPT" or message.prompt_id is None:
            return
        books = self._books
        order = books.order(message.msisdn, message.order_id)
        prompt = Prompt(
            message,
            decision,
            order,
            self.rules.get((message.msisdn, message.order_id or "")),
            books.standing.policy_at(decision.event_at, decision.reference),
            self.day(order) if order else None,
        )
        if message.prompt_id not in self.prompts:
            self.prompts[message.prompt_id] = prompt
            self._open[message.msisdn].append(prompt)

    def _charged(self, charge: Charge | None) -> None:
        prompt = self.prompts.get(charge.prompt_id or "") if charge else None
        if charge is None or prompt is None:
            return
        prompt.charges += 1
        prompt.amount_minor += charge.price_minor
        if prompt.rule is None:
            return
        if prompt.rule.confirmation == "FIRST_OF_DAY":
            count, amount = prompt.rule.grant_count_max, prompt.rule.grant_amount_max_minor
            if prompt.charges > count or prompt.amount_minor > amount:
                self.overdrawn.append((charge, prompt))
        elif prompt.charges > 1:
            self.overdrawn.append((charge, prompt))


def in_life(prompt: Prompt, reply: Reply) -> bool:
    """Whether a reply was received within a prompt's life; at its end it is over."""
    return prompt.message.issued_at <= reply.received_at < prompt.message.expires_at


def same_way(prompt: Prompt, reply: Reply) -> bool:
    """Whether a reply came to the number that asked, or in the call that asked."""
    if prompt.message.channel == VOICE:
        call = prompt.message.call_id
        return reply.channel == VOICE and call is not None and reply.call_id == call
    return reply.channel != VOICE and reply.to == prompt.message.sender


def could_answer(prompt: Prompt, reply: Reply) -> bool:
    """Whether a reply, whatever it says, could be this prompt's answer."""
    return in_life(prompt, reply) and same_way(prompt, reply)
