"""Simple books kept beside a gate: they know what was said and sent, and check the laws each step.

They are kept from events and effects alone and share no code with the deciding. Before each event
they work out the reason that its decision must give (expected.py); after it they write down what
went out (person.py) and look at every law.
"""

from collections import defaultdict
from dataclasses import dataclass, field

from streams.gate.catalogue import Catalogue
from streams.gate.clocks import Overdue
from streams.gate.decide import Decision, Event
from streams.gate.effects import Alarm, Charge, DeadLetter, Message, RefundRequest, Verdict
from streams.gate.events import CareAction, DeliveryReport, Order, Reply, Settlement
from streams.gate.lapses import Lapse
from streams.gate.reference import Policy, Rule
from streams.gate.words import (
    CareKind,
    Channel,
    Confirmation,
    MessageKind,
    Outcome,
    Reason,
    RefundReason,
    SettlementOutcome,
)
from tests.gate import expected
from tests.gate.examples import GRACE, SENDER, SKEW
from tests.gate.expected import CONFIRMED, day_of
from tests.gate.person import Account, Asked, Covered, Opened, Person
from tests.gate.reading import read

Id = tuple[str, str]  # msisdn and the id of something
UNDER_WAY = SettlementOutcome.UNKNOWN
ASKING = (Confirmation.FIRST_OF_DAY, Confirmation.EVERY_ORDER)


@dataclass
class Books:
    """What an honest clerk would write down, and the laws that clerk would see broken."""

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
    decision: Decision | None = None
    closing: list[Asked] = field(default_factory=list)
    due_messages: set[tuple[MessageKind, str]] = field(default_factory=set)

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
        self.closing, self.due_messages = [], set()
        self.reasons.add(decision.reason)
        self._prepare(event, decision)
        for effect in decision.effects:
            self._write_down(effect)
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

    def policy_at(self, at: int) -> Policy | None:
        begun = [each for each in self.policies if each.effective_from <= at]
        return begun[-1] if begun else None

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
                account = self._account_of(event)
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
        before = self.taken.get(id_of(event))
        if before is None:
            return None
        return Reason.REPEATED if before == event else Reason.CONFLICT

    def _account_of(self, action: CareAction) -> Account | None:
        """The account that a care action is about."""
        if action.charge_id:
            return self.accounts.get((action.msisdn, action.charge_id))
        complaint = self.complaints.get((action.msisdn, action.complaint_id or ""))
        if complaint is not None:
            return complaint.account
        return self._account_of_order((action.msisdn, action.order_id or ""))

    def _account_of_order(self, order: Id) -> Account | None:
        return next(
            (
                each
                for each in self.accounts.values()
                if (each.charge.msisdn, each.charge.order_id) == order
            ),
            None,
        )

    # After: what was taken, and what it closes

    def _prepare(self, event: Event, decision: Decision) -> None:
        """Write down the event, before what went out is looked at."""
        page = self.pages[event.msisdn]
        if isinstance(event, Lapse):
            self.closing.append(page.close(event.prompt_id))
            return
        if isinstance(event, Overdue):
            self.complaints[event.msisdn, event.complaint_id].alarms_at.remove(event.due_at)
            return
        if self._turned_away(event, self.at, self.policy) is not None:
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
        rule = self._rule_of(order)
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
                return
            case Reason.AMBIGUOUS:
                alive = page.texts_alive(reply.received_at)
                assert reply.channel is Channel.IVR or alive, "nothing that could be meant"
                return
        answered = expected.target(reply, page)
        if answered is None:
            return
        asked, yes = answered
        assert decision.prompt_id == asked.message.prompt_id, "law 1: another prompt"
        place = (asked.day, asked.order.service_id)
        self.closing.append(page.close(asked.message.prompt_id or ""))
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
                self.complaints[complaint] = Opened(
                    self._account_of(action), [self.at + after for after in alarms]
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

    def _close(self, page: Person, service_id: str | None, *, declined: bool) -> None:
        """Everything granted and asked is over, of one service or of all; a trial's yes too."""
        for covered in (page.grants, page.shadows):
            for place in [each for each in covered if service_id in (None, each[1])]:
                del covered[place]
        for prompt_id, asked in list(page.open.items()):
            if service_id in (None, asked.order.service_id):
                self.closing.append(page.close(prompt_id))
                if declined:
                    page.declined.add((asked.day, asked.order.service_id))

    def _rule_of(self, order: Order) -> Rule | None:
        policy = self.policy
        return expected.matching_rule(order, self.at, policy) if policy else None

    # After: what went out

    def _write_down(self, effect: object) -> None:
        match effect:
            case Message():
                self._new_id(effect.message_id)
                self._law_6_one_number_one_segment(effect)
                self._message(effect)
            case Charge():
                self._new_id(effect.charge_id)
                self._charge(effect)
            case Verdict():
                self._new_id(effect.verdict_id)
                self._law_4_one_verdict(effect)
            case RefundRequest():
                self._new_id(effect.refund_id)
                self._refund(effect)

    def _new_id(self, name: str) -> None:
        assert name not in self.ids, f"{name} went out twice"
        self.ids.add(name)

    def _charge(self, charge: Charge) -> None:
        page, key = self.pages[charge.msisdn], (charge.msisdn, charge.order_id)
        order = self.orders[key]
        asked = next((each for each in self.closing if order in each.waiting), None)
        rule = self._rule_of(order) if asked is None else asked.rule
        assert rule is not None, "law 1: no rule speaks of it"
        assert self.policy is not None
        assert not expected.over_spend(page, order, self.policy), "over the day's limit"
        assert not expected.over_call(page, order, rule), "over the call's ceiling"
        self._law_1_no_charge_without_consent(charge, order, rule, asked)
        account = Account(charge, order.call_id if order.channel is Channel.IVR else None)
        assert (charge.msisdn, charge.charge_id) not in self.accounts, "law 2: charged twice"
        place = (charge.day, charge.service_id)
        covering = page.shadows if rule.confirmation is Confirmation.SHADOW else page.grants
        grant = covering.get(place)
        if rule.confirmation is Confirmation.FIRST_OF_DAY:
            assert grant is not None, "law 3: nothing covers it"
            assert charge.prompt_id == grant.prompt_id, "law 3: another grant"
            assert grant.covers(charge.price_minor, charge.currency), "law 3: beyond its grant"
        shadowed = self.decision is not None and self.decision.reason in (
            Reason.APPROVED_WOULD_ASK,
            Reason.APPROVED_WOULD_COVER,
        )
        if grant is not None and (rule.confirmation is Confirmation.FIRST_OF_DAY or shadowed):
            grant.charges.append(account)
        self._law_7_voice_confirms_first(charge, order)
        self._messages_due(charge, page, rule)
        page.touch(*place)
        page.charges.append(account)
        page.last_charge = account
        self.accounts[charge.msisdn, charge.charge_id] = account

    def _messages_due(self, charge: Charge, page: Person, rule: Rule) -> None:
        """The receipt and the notice that must follow a charge, and no others may."""
        assert self.policy is not None
        place = (charge.day, charge.service_id)
        before = page.spent_minor(charge.day, charge.currency)
        after = before + charge.price_minor
        last = page.receipts.get(place)
        tells = rule.receipt and self._has_words(MessageKind.RECEIPT, charge.province)
        if tells and (last is None or self.at - last >= self.policy.receipt_interval_ms):
            page.receipts[place] = self.at
            self.due_messages.add((MessageKind.RECEIPT, charge.charge_id))
        for limit in self.policy.spend_limits:
            if not self._has_words(MessageKind.NOTICE, charge.province):
                continue
            half = limit.per_day_max_minor / 2
            noticed = (charge.day, charge.currency) in page.noticed
            if limit.currency == charge.currency and not noticed and before < half <= after:
                page.noticed.add((charge.day, charge.currency))
                self.due_messages.add((MessageKind.NOTICE, charge.charge_id))

    def _has_words(self, kind: MessageKind, province: str) -> bool:
        """Whether the policy has a text of that kind in the language of a province."""
        policy = self.policy
        assert policy is not None
        languages = {each.province: each.language for each in policy.languages}
        language = languages.get(province, policy.default_language)
        return any((each.kind, each.language) == (kind, language) for each in policy.templates)

    def _message(self, message: Message) -> None:
        page, event = self.pages[message.msisdn], self.event
        match message.kind:
            case MessageKind.PROMPT:
                self._prompt(message, page)
            case MessageKind.RECEIPT | MessageKind.NOTICE:
                self.due_messages.remove((message.kind, message.charge_id or ""))
            case MessageKind.CLARIFY:
                assert isinstance(event, Reply)
                alive = page.texts_alive(event.received_at)
                assert not page.clarified, "a second CLARIFY while the same prompts are open"
                page.clarified = len(alive) > 1
                for asked in alive:
                    assert asked.message.reply_code, "a prompt without a code"
                    assert asked.message.reply_code in message.text, "a prompt is not listed"

    def _prompt(self, message: Message, page: Person) -> None:
        order = self.orders[message.msisdn, message.order_id or ""]
        day = day_of(order.ordered_at)
        before = next((each for each in self.closing if order in each.waiting), None)
        rule = self._rule_of(order) if before is None else before.rule
        assert rule is not None
        assert self.policy is not None
        assert page.prompts[day] < self.policy.prompts_per_day_max, "asked more than a day allows"
        assert (message.channel is Channel.IVR) is (order.channel is Channel.IVR), "law 7: channel"
        waiting = [order] if before is None else before.waiting[:]
        if before is not None:
            before.waiting.clear()
        asked = Asked(message, order, rule, day, waiting)
        self._code(asked, page)
        page.prompts[day] += 1
        page.touch(day, order.service_id)
        page.open[message.prompt_id or ""] = asked

    def _code(self, asked: Asked, page: Person) -> None:
        """A prompt's code can be typed, names it alone, and is shown when it is needed."""
        code = asked.message.reply_code
        if asked.voice:
            spoken = {each.name: each.value for each in asked.message.variables}["yes"]
            if asked.rule.code_required:
                assert code is not None
                assert code in set("123456789") - {"2"}, "a digit that says no"
                assert spoken == code, "the digit is not spoken"
            else:
                assert (code or "", spoken) == ("", "1")
            return
        assert code is not None
        assert len(code) == 3
        assert "100" <= code <= "999"
        given = page.codes[asked.day]
        assert code not in given, "a code was given out twice on a day"
        given.add(code)
        others = page.open.values()
        assert all(code != each.message.reply_code for each in others), "two open prompts, one code"
        needed = asked.rule.code_required or bool(page.texts_alive(self.at))
        assert (code in asked.message.text) is needed, "a code is shown when it is needed"

    def _refund(self, refund: RefundRequest) -> None:
        account = self.accounts[refund.msisdn, refund.charge_id]
        assert 0 < refund.amount_minor <= account.left_minor, "refunds exceed the charge"
        assert refund.currency == account.charge.currency
        causes = {
            RefundReason.UNDO: Reason.UNDONE,
            RefundReason.UPHELD: Reason.COMPLAINT_UPHELD,
            RefundReason.CARE: Reason.REFUND_REQUESTED,
        }
        assert self.decision is not None
        assert self.decision.reason is causes[refund.reason]
        page = self.pages[refund.msisdn]
        if refund.reason is RefundReason.UNDO:
            assert refund.amount_minor == account.left_minor, "an undo gives back all"
            assert account is page.last_charge, "an undo of another charge"
            page.last_charge = None
        account.refunds[refund.refund_id] = (refund.amount_minor, UNDER_WAY)

    # The laws

    def _law_1_no_charge_without_consent(
        self, charge: Charge, order: Order, rule: Rule, asked: Asked | None
    ) -> None:
        assert rule.confirmation is charge.confirmation, "law 1: not what the policy says"
        if rule.confirmation not in ASKING:
            assert rule.confirmation is not Confirmation.REFUSE, "law 1: a refused order is charged"
            assert (charge.prompt_id, charge.reply_id, charge.consented_at) == (None, None, None)
            return
        consented = self.consents[charge.msisdn, charge.reply_id or ""]
        reply = self.taken["Reply", (charge.msisdn, charge.reply_id or "")]
        assert isinstance(reply, Reply)
        assert asked is None or asked is consented, "law 1: another prompt's orders"
        assert consented.message.prompt_id == charge.prompt_id, "law 1: another prompt"
        assert consented.alive(reply.received_at), "law 1: out of life"
        assert reply.received_at == charge.consented_at, "law 1: another instant"
        about = consented.order
        assert about.service_id == order.service_id == charge.service_id, "law 1: another service"
        assert consented.day == day_of(order.ordered_at) == charge.day, "law 1: another day"
        assert about.price_minor == order.price_minor == charge.price_minor, "law 1: another price"

    def _law_4_one_verdict(self, verdict: Verdict) -> None:
        key = (verdict.msisdn, verdict.order_id)
        order = self.orders[key]
        assert key not in self.verdicts, "law 4: two verdicts"
        charged = self._account_of_order(key) is not None
        assert charged is (verdict.outcome is Outcome.APPROVED), "law 4: a charge and its verdict"
        for asked in self.closing:
            if order in asked.waiting:
                if not charged:
                    self._refusal_is_true(verdict.reason, order, asked)
                asked.waiting.remove(order)
        self.reasons.add(verdict.reason)
        self.verdicts[key] = verdict

    def _refusal_is_true(self, reason: Reason, order: Order, asked: Asked) -> None:
        """An order that waited is refused for what the books know too."""
        page, policy, event = self.pages[order.msisdn], self.policy, self.event
        match reason:
            case Reason.SILENCE:
                true = isinstance(event, Lapse)
            case Reason.NUMBER_RELEASED:
                true = isinstance(event, CareAction) and event.kind is CareKind.RELEASE
            case Reason.DECLINED:
                revoked = isinstance(event, CareAction) and event.kind is CareKind.REVOKE
                true = revoked or (asked.day, order.service_id) in page.declined
            case Reason.GRANT_EXHAUSTED:
                grant = page.grants[asked.day, order.service_id]
                true = not grant.covers(order.price_minor, order.currency)
            case Reason.SPEND_LIMIT:
                true = policy is not None and expected.over_spend(page, order, policy)
            case Reason.CALL_LIMIT:
                true = expected.over_call(page, order, asked.rule)
            case Reason.PROMPT_LIMIT:
                sent = page.prompts[asked.day]
                true = policy is not None and sent >= policy.prompts_per_day_max
            case Reason.UNASKABLE:
                true = expected.unaskable(order, self.reference)
            case _:
                standing = expected.standing(order.provider_id, order.service_id, self.reference)
                true = reason is standing
        assert true, f"{order.order_id} was refused with {reason}"

    def _law_6_one_number_one_segment(self, message: Message) -> None:
        assert message.sender == SENDER, "law 6: another number"
        if message.channel is Channel.IVR:
            assert (message.kind, message.segments) == (MessageKind.PROMPT, 0), "law 6: voice"
        elif message.kind is MessageKind.PROMPT:
            assert message.segments == 1, "law 6: segments"
        else:
            assert self.policy is not None
            assert 1 <= message.segments <= self.policy.text_segments_max, "too long a text"

    def _law_7_voice_confirms_first(self, charge: Charge, order: Order) -> None:
        if order.channel is not Channel.IVR or charge.confirmation not in ASKING:
            return
        consented = self.consents[charge.msisdn, charge.reply_id or ""]
        reply = self.taken["Reply", (charge.msisdn, charge.reply_id or "")]
        assert isinstance(reply, Reply)
        assert order.call_id is not None, "law 7: no call"
        assert order.call_id == consented.message.call_id == reply.call_id, "law 7: another call"
        others = [
            each
            for each in self.accounts.values()
            if (each.charge.msisdn, each.charge.reply_id) == (charge.msisdn, charge.reply_id)
        ]
        assert not others, "law 7: one key press, two charges"


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
