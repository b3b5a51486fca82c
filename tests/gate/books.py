"""Simple books kept beside a gate: they know what was said and sent, and check the laws each step.

They are kept from events and effects alone and share no code with the deciding: a grant is counted
here from the charges that cite it, a day from a fixed offset, a yes from what the walk meant.
"""

from collections import defaultdict
from dataclasses import dataclass, field

from streams.gate.decision import Decision
from streams.gate.effects import Charge, Message, Verdict
from streams.gate.events import Order, Reply
from streams.gate.lapses import Lapse
from streams.gate.reference import Rule
from streams.gate.words import Channel, Confirmation, Outcome, Reason
from tests.gate.examples import DAY, GRACE, HOUR, SENDER

_SHANGHAI = 8 * HOUR  # no summer time since 1991
_UNDECIDED = (Reason.DEAD_LETTER, Reason.CONFLICT, Reason.REPEATED)

Id = tuple[str, str]  # msisdn and order id


@dataclass
class Covered:
    """What one yes has covered so far."""

    order: Order
    rule: Rule
    charges: int = 0
    amount_minor: int = 0

    def covers(self, order: Order) -> bool:
        spent_minor = self.amount_minor + order.price_minor
        return (
            (order.price_minor, order.currency) == (self.order.price_minor, self.order.currency)
            and self.charges < self.rule.grant_count_max
            and spent_minor <= self.rule.grant_amount_max_minor
        )


@dataclass
class Books:
    """What an honest clerk would write down, and the laws that clerk would see broken."""

    rules: dict[str, Rule]  # of all policies, by name
    meant_yes: frozenset[str]  # the texts that are a clear yes
    orders: dict[Id, Order] = field(default_factory=dict)
    asked_by: dict[Id, str] = field(default_factory=dict)  # the rule an order was admitted by
    replies: dict[Id, Reply] = field(default_factory=dict)
    prompts: dict[str, Message] = field(default_factory=dict)
    charged: dict[Id, Charge] = field(default_factory=dict)
    verdicts: dict[Id, Verdict] = field(default_factory=dict)
    covered: dict[Id, Covered] = field(default_factory=dict)  # by msisdn and reply id
    latest: dict[tuple[str, str, int], Covered] = field(default_factory=dict)  # by service day
    open_until: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))

    def observe(self, event: object, at: int, decision: Decision | None) -> None:
        """Write down one event and what was decided, and check every law."""
        if decision is None:
            return
        covering = self._covering(event)
        if decision.reason not in _UNDECIDED:
            self._write_down(event, decision)
        for effect in decision.effects:
            match effect:
                case Message():
                    self._law_6_one_number_one_segment(effect)
                    self.prompts[effect.prompt_id or ""] = effect
                    order = self.orders[effect.msisdn, effect.order_id or ""]
                    until = self.open_until[order.msisdn, order.service_id]
                    due_at = effect.expires_at + GRACE
                    self.open_until[order.msisdn, order.service_id] = max(until, due_at)
                case Charge():
                    self._law_1_no_charge_without_consent(effect)
                    self._law_2_at_most_once(effect)
                    self._law_7_voice_confirms_first(effect)
                    self._count(effect)
                case Verdict():
                    self._law_4_one_verdict(effect)
        self._law_3_once_a_day_is_enough(event, decision, covering=covering)
        if decision.reason is Reason.WAITING:
            prompt = self.prompts[decision.prompt_id or ""]
            assert prompt.issued_at <= at < prompt.expires_at, "an order waits on a dead prompt"
        if isinstance(event, Lapse):
            assert not any(isinstance(each, Charge) for each in decision.effects), "law 5: silence"

    def nothing_overdue(self, watermark: int) -> None:
        """Law 4: what has no verdict yet waits on a prompt whose life and grace are not over."""
        for key, order in self.orders.items():
            if key not in self.verdicts:
                until = self.open_until[order.msisdn, order.service_id]
                assert until > watermark, "law 4: an order is overdue"

    def closed(self) -> None:
        """Law 4: every readable order has its verdict, and exactly the approved were charged."""
        assert self.verdicts.keys() == self.orders.keys(), "law 4: an order has no verdict"
        approved = {
            key for key, verdict in self.verdicts.items() if verdict.outcome is Outcome.APPROVED
        }
        assert approved == self.charged.keys(), "law 4: a verdict and a charge disagree"

    def _write_down(self, event: object, decision: Decision) -> None:
        if isinstance(event, Order):
            assert (event.msisdn, event.order_id) not in self.orders, "law 2: an id taken twice"
            self.orders[event.msisdn, event.order_id] = event
            if decision.rule is not None:
                self.asked_by[event.msisdn, event.order_id] = decision.rule
        elif isinstance(event, Reply):
            assert (event.msisdn, event.reply_id) not in self.replies, "law 2: a reply taken twice"
            self.replies[event.msisdn, event.reply_id] = event

    def _covering(self, event: object) -> bool:
        """Whether a yes of the day covers an order, as it stands before the event."""
        if not isinstance(event, Order):
            return False
        covered = self.latest.get((event.msisdn, event.service_id, day_of(event)))
        return covered is not None and covered.covers(event)

    def _count(self, charge: Charge) -> None:
        if charge.reply_id is None or charge.confirmation is not Confirmation.FIRST_OF_DAY:
            return
        key = (charge.msisdn, charge.reply_id)
        if key not in self.covered:
            asked = self.orders[charge.msisdn, self.prompts[charge.prompt_id or ""].order_id or ""]
            rule = self.rules[self.asked_by[asked.msisdn, asked.order_id]]
            self.covered[key] = Covered(asked, rule)
            self.latest[charge.msisdn, charge.service_id, charge.day] = self.covered[key]
        covered = self.covered[key]
        order = self.orders[charge.msisdn, charge.order_id]
        assert covered.covers(order), "law 3: a charge is beyond its grant"
        covered.charges += 1
        covered.amount_minor += charge.price_minor

    def _law_1_no_charge_without_consent(self, charge: Charge) -> None:
        order = self.orders[charge.msisdn, charge.order_id]
        rule = self.rules[self.asked_by[charge.msisdn, charge.order_id]]
        if rule.confirmation is Confirmation.OFF:
            assert charge.confirmation is Confirmation.OFF, "law 1: not what the policy says"
            assert (charge.prompt_id, charge.reply_id, charge.consented_at) == (None, None, None)
            return
        assert rule.confirmation is charge.confirmation, "law 1: not what the policy says"
        assert rule.confirmation is not Confirmation.REFUSE, "law 1: a refused order is charged"
        reply = self.replies[charge.msisdn, charge.reply_id or ""]
        prompt = self.prompts[charge.prompt_id or ""]
        asked = self.orders[charge.msisdn, prompt.order_id or ""]
        assert (reply.channel is Channel.IVR) is (order.channel is Channel.IVR), "law 1: channel"
        assert reply.text in self.meant_yes, "law 1: the reply is no clear yes"
        assert reply.to == SENDER or reply.channel is Channel.IVR, "law 1: another number"
        assert reply.received_at == charge.consented_at, "law 1: another instant"
        assert prompt.issued_at <= reply.received_at < prompt.expires_at, "law 1: out of life"
        assert prompt.msisdn == charge.msisdn, "law 1: another subscriber"
        assert asked.service_id == order.service_id == charge.service_id, "law 1: another service"
        assert day_of(asked) == day_of(order) == charge.day, "law 1: another day"
        assert asked.price_minor == order.price_minor == charge.price_minor, "law 1: another price"

    def _law_2_at_most_once(self, charge: Charge) -> None:
        key = (charge.msisdn, charge.order_id)
        assert key not in self.charged, "law 2: charged twice"
        assert all(charge.charge_id != each.charge_id for each in self.charged.values()), "law 2"
        self.charged[key] = charge

    def _law_3_once_a_day_is_enough(
        self, event: object, decision: Decision, *, covering: bool
    ) -> None:
        if decision.reason in (Reason.PROMPTED, Reason.WAITING) and isinstance(event, Order):
            rule = self.rules[decision.rule or ""]
            again = covering and rule.confirmation is Confirmation.FIRST_OF_DAY
            assert not again, "law 3: asked again within a grant"

    def _law_4_one_verdict(self, verdict: Verdict) -> None:
        key = (verdict.msisdn, verdict.order_id)
        assert key in self.orders, "law 4: a verdict without an order"
        assert key not in self.verdicts, "law 4: two verdicts"
        self.verdicts[key] = verdict

    def _law_6_one_number_one_segment(self, message: Message) -> None:
        assert message.sender == SENDER, "law 6: another number"
        assert message.segments == (0 if message.channel is Channel.IVR else 1), "law 6: segments"

    def _law_7_voice_confirms_first(self, charge: Charge) -> None:
        if charge.channel is not Channel.IVR or charge.confirmation is Confirmation.OFF:
            return
        calls = {
            self.orders[charge.msisdn, charge.order_id].call_id,
            self.prompts[charge.prompt_id or ""].call_id,
            self.replies[charge.msisdn, charge.reply_id or ""].call_id,
        }
        assert len(calls) == 1, "law 7: another call"
        assert None not in calls, "law 7: no call"
        others = [each for each in self.charged.values() if each.reply_id == charge.reply_id]
        own = [each for each in others if each.msisdn == charge.msisdn]
        assert len(own) == 1, "law 7: one key press, two charges"


def day_of(order: Order) -> int:
    """The day of an order on a Shanghai calendar."""
    return (order.ordered_at + _SHANGHAI) // DAY
