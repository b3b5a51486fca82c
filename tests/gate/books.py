"""Simple books kept beside a gate: they know what was said and sent, and check the laws each step.

They are kept from events and effects alone and share no code with the deciding. Before each event
they work out the reason that its decision must give (expected.py); after it they write down what
went out (outgoing.py) and look at every law.
"""

from streams.gate.clocks import Overdue
from streams.gate.decide import Decision, Event
from streams.gate.effects import Alarm, DeadLetter, RefundRequest
from streams.gate.events import CareAction, DeliveryReport, Order, Reply, Settlement
from streams.gate.lapses import Lapse
from streams.gate.reference import Policy
from streams.gate.words import (
    Channel,
    Confirmation,
    MessageKind,
    Outcome,
    Reason,
)
from tests.gate import expected
from tests.gate.examples import GRACE, SKEW
from tests.gate.expected import CONFIRMED, day_of
from tests.gate.ledger import Ledger, id_of, instant_of
from tests.gate.outgoing import check_alarms, write_down
from tests.gate.person import Covered, Opened, Person
from tests.gate.reading import read


class Books(Ledger):
    """What an honest clerk would write down, and the laws that clerk would see broken."""

    def observe(self, event: Event, at: int, decision: Decision | None) -> None:
        """Write down one event and what was decided, and check every law."""
        expected_reasons = self._expected(event, at)
        if decision is None:
            assert expected_reasons is None, "a due act was passed over"
            return
        assert expected_reasons is not None, "a due act was decided that was not due"
        assert decision.reason in expected_reasons, f"{decision.reason}, not {expected_reasons}"
        self.at, self.event, self.decision = at, event, decision
        self.policy = self.policy_at(at)
        self.away = self._turned_away(event, at, self.policy)
        self.closing, self.due_messages = [], set()
        self.reasons.add(decision.reason)
        self._prepare(event, decision)
        for effect in decision.effects:
            write_down(self, effect)
        check_alarms(self, event, decision)
        page = self.pages[event.msisdn]
        page.clarified = page.clarified and page.unclear
        assert not any(each.waiting for each in self.closing), "law 4: left without a verdict"
        assert not self.due_messages, f"{self.due_messages} was to be sent"

    def nothing_overdue(self, watermark: int) -> None:
        """Law 4: what has no verdict waits on a prompt whose life and grace are not over."""
        waiting = set()
        for page in self.pages.values():
            for asked in page.open.values():
                assert asked.message.expires_at + GRACE > watermark, "law 4: a prompt is overdue"
                waiting |= {(each.msisdn, each.order_id) for each in asked.waiting}
        assert self.orders.keys() - self.verdicts.keys() == waiting, "law 4: nobody's orders"
        for complaint in self.complaints.values():
            late = [at for at in complaint.alarms_at if at <= watermark]
            assert complaint.answered or not late, "a complaint is overdue and nobody knows"

    def closed(self) -> None:
        """Law 4: every readable order has its verdict, and exactly the approved were charged."""
        assert self.verdicts.keys() == self.orders.keys(), "law 4: an order has no verdict"
        approved = {
            key for key, verdict in self.verdicts.items() if verdict.outcome is Outcome.APPROVED
        }
        charged = [(each.charge.msisdn, each.charge.order_id) for each in self.accounts.values()]
        assert len(charged) == len(set(charged)), "law 2: charged twice"
        assert approved == set(charged), "law 4: a verdict and a charge disagree"

    # Before: what must be decided

    def _expected(self, event: Event, at: int) -> frozenset[Reason] | None:
        """The reasons of which the decision must give one; None when there must be none."""
        page, policy = self.pages[event.msisdn], self.policy_at(at)
        match event:
            case Lapse():
                return frozenset((Reason.SILENCE,)) if event.prompt_id in page.open else None
            case Overdue():
                complaint = self.complaints.get((event.msisdn, event.complaint_id))
                due = complaint is not None and event.due_at in complaint.alarms_at
                return frozenset((Reason.COMPLAINT_OVERDUE,)) if due else None
        if (away := self._turned_away(event, at, policy)) is not None:
            return frozenset((away,))
        match event:
            case Order():
                reason = expected.order_reason(event, at, page, policy, self.reference)
                return frozenset((reason,))
            case Reply():
                return expected.reply_reasons(event, at, page, policy, self.reference)
            case Settlement():
                account = self.accounts.get((event.msisdn, event.charge_id))
                return frozenset((expected.settlement_reason(event, account),))
            case CareAction():
                complaint = self.complaints.get((event.msisdn, event.complaint_id or ""))
                account = self.account_of(event)
                return expected.care_reasons(event, at, page, account, complaint)
            case DeliveryReport():
                return frozenset((Reason.NOTED,))

    def _turned_away(self, event: Event, at: int, policy: Policy | None) -> Reason | None:
        """Why an event is not decided: it cannot be meant, or its id is taken (law 2)."""
        match event:
            case Order() if event.price_minor < 0:
                return Reason.DEAD_LETTER
            case Settlement() if event.amount_minor < 0:
                return Reason.DEAD_LETTER
            case CareAction() if expected.incomplete(event):
                return Reason.DEAD_LETTER
        if policy is not None and instant_of(event) > at + SKEW:
            return Reason.DEAD_LETTER
        before = None if isinstance(event, Lapse | Overdue) else self.taken.get(id_of(event))
        if before is None:
            return None
        return Reason.REPEATED if before == event else Reason.CONFLICT

    # After: what was taken, and what it closes

    def _prepare(self, event: Event, decision: Decision) -> None:
        """Write down the event, before what went out is looked at."""
        page = self.pages[event.msisdn]
        if isinstance(event, Lapse):
            self.closing.append(page.open.pop(event.prompt_id))
            return
        if isinstance(event, Overdue):
            self.complaints[event.msisdn, event.complaint_id].alarms_at.remove(event.due_at)
            return
        if self.away is not None:
            assert all(isinstance(each, DeadLetter | Alarm) for each in decision.effects)
            return
        self.taken[id_of(event)] = event
        match event:
            case Order():
                self._take_order(event, page, decision)
            case Reply():
                self._take_reply(event, page, decision)
            case Settlement():
                self._take_settlement(event, decision)
            case CareAction():
                self._take_care(event, page, decision)

    def _take_order(self, order: Order, page: Person, decision: Decision) -> None:
        self.orders[order.msisdn, order.order_id] = order
        day = day_of(order.ordered_at)
        rule = self.rule_of(order)
        assert decision.rule == (rule.name if rule else None) or decision.rule is None
        if decision.reason is Reason.WAITING:
            assert rule is not None
            asked = page.asked(order, day, rule.confirmation, self.at)
            assert asked is not None
            assert asked.message.prompt_id == decision.prompt_id
            asked.waiting.append(order)
        if decision.reason is Reason.APPROVED_WOULD_ASK:
            assert rule is not None
            page.shadow_prompts[day] += 1
            if expected.tried_out(rule, order) is Confirmation.FIRST_OF_DAY:
                page.shadows[day, order.service_id] = Covered(
                    "", order.price_minor, order.currency, rule
                )

    def _take_reply(self, reply: Reply, page: Person, decision: Decision) -> None:
        match decision.reason:
            case Reason.CANCELLED:
                said = read(reply.text)
                service_id = expected.listed(said, reply.received_at, page) if said.number else None
                self._close(page, service_id, declined=True)
                self.due_messages.add((MessageKind.LISTING, ""))
                return
            case Reason.AMBIGUOUS:
                if reply.channel is not Channel.IVR and not page.clarified:
                    self.due_messages.add((MessageKind.CLARIFY, ""))
                return
            case Reason.LISTED:
                self.due_messages.add((MessageKind.LISTING, ""))
                return
        answered = expected.target(reply, page)
        if answered is None:
            return
        asked, yes = answered
        assert decision.prompt_id == asked.message.prompt_id, "law 1: another prompt"
        place = (asked.day, asked.order.service_id)
        self.closing.append(page.open.pop(asked.message.prompt_id or ""))
        if not yes:
            page.declined.add(place)
        elif decision.reason in CONFIRMED:
            self.consents[reply.msisdn, reply.reply_id] = asked
            if asked.rule.confirmation is Confirmation.FIRST_OF_DAY:
                order = asked.order
                page.grants[place] = Covered(
                    asked.message.prompt_id or "", order.price_minor, order.currency, asked.rule
                )

    def _take_settlement(self, settlement: Settlement, decision: Decision) -> None:
        if decision.reason is Reason.DEAD_LETTER:
            return
        account = self.accounts[settlement.msisdn, settlement.charge_id]
        account.settlements.append(settlement.settlement_id)
        if settlement.refund_id is not None:
            # Less than was asked for counts as all of it: nothing is given back twice.
            requested, _ = account.refunds[settlement.refund_id]
            account.refunds[settlement.refund_id] = (requested, settlement.outcome)
        elif decision.reason is Reason.REFUNDED:
            account.refunds[settlement.settlement_id] = (
                settlement.amount_minor,
                settlement.outcome,
            )
        else:
            account.settled = settlement.outcome

    def _take_care(self, action: CareAction, page: Person, decision: Decision) -> None:
        complaint = (action.msisdn, decision.complaint_id or "")
        match decision.reason:
            case Reason.RELEASED:
                self._close(page, None, declined=False)
                before = page.released_at or action.acted_at
                self.pages[action.msisdn] = Person(released_at=max(action.acted_at, before))
            case Reason.REVOKED:
                self._close(page, action.service_id, declined=False)
            case Reason.COMPLAINT_OPENED:
                alarms = self.policy.complaint_alarms_ms if self.policy else ()
                self._evidence(action, decision)
                self.complaints[complaint] = Opened(
                    self.account_of(action), [self.at + after for after in alarms]
                )
            case Reason.COMPLAINT_ANSWERED:
                self.complaints[complaint].answered = True
                self.complaints[complaint].alarms_at.clear()
            case Reason.COMPLAINT_UPHELD | Reason.COMPLAINT_REJECTED:
                closed = self.complaints.pop(complaint)
                upheld = decision.reason is Reason.COMPLAINT_UPHELD
                left = closed.account.left_minor if closed.account else 0
                sent = [each for each in decision.effects if isinstance(each, RefundRequest)]
                assert len(sent) == (1 if upheld and left else 0), "upheld without a refund"

    def _evidence(self, action: CareAction, decision: Decision) -> None:
        """A complaint names the records that bear on its charge, all of them and no others."""
        account = self.account_of(action)
        told = {each.id for each in decision.evidence}
        if account is None:
            assert told == {each for each in (action.order_id, action.charge_id) if each}
            return
        charge, msisdn = account.charge, action.msisdn
        verdict = self.verdicts[msisdn, charge.order_id]
        prompt = self.consents.get((msisdn, charge.reply_id or ""))
        own = {
            *(charge.order_id, charge.charge_id, verdict.verdict_id, charge.reply_id),
            None if prompt is None else prompt.message.message_id,
            *(account.receipts + account.settlements),
            *account.refunds,
        }
        assert told == own - {None}, "a complaint's evidence"

    def _close(self, page: Person, service_id: str | None, *, declined: bool) -> None:
        """Everything granted and asked is over, of one service or of all; a trial's yes too."""
        for covered in (page.grants, page.shadows):
            for place in [each for each in covered if service_id in (None, each[1])]:
                del covered[place]
        for prompt_id, asked in list(page.open.items()):
            if service_id in (None, asked.order.service_id):
                self.closing.append(page.open.pop(prompt_id))
                if declined:
                    page.declined.add((asked.day, asked.order.service_id))
