"""What went out, written down in the walks' books, and the laws that it must keep.

One function writes down each kind of effect; each law of DESIGN §2 that an effect can break has one
that says its number.
"""

from streams.gate.decide import Decision, Event
from streams.gate.effects import Alarm, Charge, DeadLetter, Message, RefundRequest, Verdict
from streams.gate.events import CareAction, Order, Reply, Settlement
from streams.gate.lapses import Lapse
from streams.gate.reference import Rule
from streams.gate.words import (
    AlarmKind,
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
from tests.gate.examples import SENDER
from tests.gate.expected import day_of
from tests.gate.ledger import Ledger
from tests.gate.person import Account, Asked, Person

UNDER_WAY = SettlementOutcome.UNKNOWN
ALARMS = {
    Reason.CONFLICT: AlarmKind.CONFLICT,
    Reason.REFUND_FAILED: AlarmKind.REFUND,
    Reason.COMPLAINT_OVERDUE: AlarmKind.OVERDUE,
}
ASKING = (Confirmation.FIRST_OF_DAY, Confirmation.EVERY_ORDER)


def write_down(books: Ledger, effect: object) -> None:
    match effect:
        case Message():
            _new_id(books, effect.message_id)
            _law_6_one_number_one_segment(books, effect)
            _message(books, effect)
        case Charge():
            _new_id(books, effect.charge_id)
            _charge(books, effect)
        case Verdict():
            _new_id(books, effect.verdict_id)
            _law_4_one_verdict(books, effect)
        case RefundRequest():
            _new_id(books, effect.refund_id)
            _refund(books, effect)


def _new_id(books: Ledger, name: str) -> None:
    assert name not in books.ids, f"{name} went out twice"
    books.ids.add(name)


def _charge(books: Ledger, charge: Charge) -> None:
    page, key = books.pages[charge.msisdn], (charge.msisdn, charge.order_id)
    order = books.orders[key]
    asked = next((each for each in books.closing if order in each.waiting), None)
    rule = books.rule_of(order) if asked is None else asked.rule
    assert rule is not None, "law 1: no rule speaks of it"
    assert books.policy is not None
    assert not expected.over_spend(page, order, books.policy), "over the day's limit"
    assert not expected.over_call(page, order, rule), "over the call's ceiling"
    _law_1_no_charge_without_consent(books, charge, order, rule, asked)
    account = Account(charge, order.call_id if order.channel is Channel.IVR else None)
    assert (charge.msisdn, charge.charge_id) not in books.accounts, "law 2: charged twice"
    place = (charge.day, charge.service_id)
    covering = page.shadows if rule.confirmation is Confirmation.SHADOW else page.grants
    grant = covering.get(place)
    if rule.confirmation is Confirmation.FIRST_OF_DAY:
        assert grant is not None, "law 3: nothing covers it"
        assert charge.prompt_id == grant.prompt_id, "law 3: another grant"
        assert grant.covers(charge.price_minor, charge.currency), "law 3: beyond its grant"
    shadowed = books.decision is not None and books.decision.reason in (
        Reason.APPROVED_WOULD_ASK,
        Reason.APPROVED_WOULD_COVER,
    )
    if grant is not None and (rule.confirmation is Confirmation.FIRST_OF_DAY or shadowed):
        grant.charges.append(account)
    _law_7_voice_confirms_first(books, charge, order)
    _messages_due(books, charge, page, rule)
    page.touch(*place)
    page.charges.append(account)
    page.last_charge = account
    books.accounts[charge.msisdn, charge.charge_id] = account


def _messages_due(books: Ledger, charge: Charge, page: Person, rule: Rule) -> None:
    """The receipt and the notice that must follow a charge, and no others may."""
    assert books.policy is not None
    place = (charge.day, charge.service_id)
    before = page.spent_minor(charge.day, charge.currency)
    after = before + charge.price_minor
    last = page.receipts.get(place)
    tells = rule.receipt and _has_words(books, MessageKind.RECEIPT, charge.province)
    if tells and (last is None or books.at - last >= books.policy.receipt_interval_ms):
        page.receipts[place] = books.at
        books.due_messages.add((MessageKind.RECEIPT, charge.charge_id))
    for limit in books.policy.spend_limits:
        if not _has_words(books, MessageKind.NOTICE, charge.province):
            continue
        half = limit.per_day_max_minor / 2
        noticed = (charge.day, charge.currency) in page.noticed
        if limit.currency == charge.currency and not noticed and before < half <= after:
            page.noticed.add((charge.day, charge.currency))
            books.due_messages.add((MessageKind.NOTICE, charge.charge_id))


def _has_words(books: Ledger, kind: MessageKind, province: str) -> bool:
    """Whether the policy has a text of that kind in the language of a province."""
    policy = books.policy
    assert policy is not None
    languages = {each.province: each.language for each in policy.languages}
    language = languages.get(province, policy.default_language)
    return any((each.kind, each.language) == (kind, language) for each in policy.templates)


def _message(books: Ledger, message: Message) -> None:
    page, event = books.pages[message.msisdn], books.event
    match message.kind:
        case MessageKind.PROMPT:
            _prompt(books, message, page)
            return
    books.due_messages.remove((message.kind, message.charge_id or ""))
    assert books.policy is not None
    assert message.expires_at == books.at + books.policy.message_life_ms
    match message.kind:
        case MessageKind.RECEIPT:
            account = books.accounts[message.msisdn, message.charge_id or ""]
            account.receipts.append(message.message_id)
            charge = account.charge
            assert _price(charge.price_minor, message) in message.text, "a receipt without it"
        case MessageKind.LISTING:
            assert isinstance(event, Reply)
            _listing(books, message, page, day_of(event.received_at))
        case MessageKind.CLARIFY:
            assert isinstance(event, Reply)
            alive = page.texts_alive(event.received_at)
            page.clarified = True
            for asked in alive:
                assert asked.message.reply_code, "a prompt without a code"
                assert asked.message.reply_code in message.text, "a prompt is not listed"


def _listing(books: Ledger, message: Message, page: Person, day: int) -> None:
    """A listing has every service of the day with what was charged, unless it was cut."""
    if message.text.count("…") or message.text.count("..."):
        return
    for number, service_id in enumerate(page.listed.get(day, []), 1):
        name = books.reference.services[service_id].name
        own = [
            each.charge.price_minor
            for each in page.charges
            if (each.charge.day, each.charge.service_id) == (day, service_id) and not each.failed
        ]
        line = f"{number}.{name.zh if message.language == 'zh' else name.en} {len(own)}"
        assert line in message.text, f"{line} is not listed"
        assert _price(sum(own), message) in message.text, "an amount is not listed"


def _prompt(books: Ledger, message: Message, page: Person) -> None:
    order = books.orders[message.msisdn, message.order_id or ""]
    day = day_of(order.ordered_at)
    before = next((each for each in books.closing if order in each.waiting), None)
    rule = books.rule_of(order) if before is None else before.rule
    assert rule is not None
    assert books.policy is not None
    assert page.prompts[day] < books.policy.prompts_per_day_max, "asked more than a day allows"
    assert (message.channel is Channel.IVR) is (order.channel is Channel.IVR), "law 7: channel"
    waiting = [order] if before is None else before.waiting[:]
    if before is not None:
        before.waiting.clear()
    _law_6_names_what_it_asks(books, message, order)
    asked = Asked(message, order, rule, day, waiting)
    _code(books, asked, page)
    page.prompts[day] += 1
    page.touch(day, order.service_id)
    page.open[message.prompt_id or ""] = asked


def _code(books: Ledger, asked: Asked, page: Person) -> None:
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
    needed = asked.rule.code_required or bool(page.texts_alive(books.at))
    assert (code in asked.message.text) is needed, "a code is shown when it is needed"


def _refund(books: Ledger, refund: RefundRequest) -> None:
    account = books.accounts[refund.msisdn, refund.charge_id]
    assert 0 < refund.amount_minor <= account.left_minor, "refunds exceed the charge"
    assert refund.currency == account.charge.currency
    causes = {
        RefundReason.UNDO: Reason.UNDONE,
        RefundReason.UPHELD: Reason.COMPLAINT_UPHELD,
        RefundReason.CARE: Reason.REFUND_REQUESTED,
    }
    assert books.decision is not None
    assert books.decision.reason is causes[refund.reason]
    page = books.pages[refund.msisdn]
    if refund.reason is RefundReason.UNDO:
        assert refund.amount_minor == account.left_minor, "an undo gives back all"
        assert account is page.last_charge, "an undo of another charge"
        page.last_charge = None
    account.refunds[refund.refund_id] = (refund.amount_minor, UNDER_WAY)


def _law_1_no_charge_without_consent(
    books: Ledger, charge: Charge, order: Order, rule: Rule, asked: Asked | None
) -> None:
    assert rule.confirmation is charge.confirmation, "law 1: not what the policy says"
    if rule.confirmation not in ASKING:
        assert rule.confirmation is not Confirmation.REFUSE, "law 1: a refused order is charged"
        assert (charge.prompt_id, charge.reply_id, charge.consented_at) == (None, None, None)
        return
    consented = books.consents[charge.msisdn, charge.reply_id or ""]
    reply = books.taken["Reply", (charge.msisdn, charge.reply_id or "")]
    assert isinstance(reply, Reply)
    assert asked is None or asked is consented, "law 1: another prompt's orders"
    assert consented.message.prompt_id == charge.prompt_id, "law 1: another prompt"
    assert consented.alive(reply.received_at), "law 1: out of life"
    assert reply.received_at == charge.consented_at, "law 1: another instant"
    about = consented.order
    assert about.service_id == order.service_id == charge.service_id, "law 1: another service"
    assert consented.day == day_of(order.ordered_at) == charge.day, "law 1: another day"
    assert about.price_minor == order.price_minor == charge.price_minor, "law 1: another price"


def _law_4_one_verdict(books: Ledger, verdict: Verdict) -> None:
    key = (verdict.msisdn, verdict.order_id)
    order = books.orders[key]
    assert key not in books.verdicts, "law 4: two verdicts"
    charged = books.account_of_order(key) is not None
    assert charged is (verdict.outcome is Outcome.APPROVED), "law 4: a charge and its verdict"
    for asked in books.closing:
        if order in asked.waiting:
            if not charged:
                _refusal_is_true(books, verdict.reason, order, asked)
            asked.waiting.remove(order)
    books.reasons.add(verdict.reason)
    books.verdicts[key] = verdict


def _refusal_is_true(books: Ledger, reason: Reason, order: Order, asked: Asked) -> None:
    """An order that waited is refused for what the books know too."""
    page, policy, event = books.pages[order.msisdn], books.policy, books.event
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
            true = expected.unaskable(order, books.reference)
        case _:
            standing = expected.standing(order.provider_id, order.service_id, books.reference)
            true = reason is standing
    assert true, f"{order.order_id} was refused with {reason}"


def _law_6_one_number_one_segment(books: Ledger, message: Message) -> None:
    assert message.sender == SENDER, "law 6: another number"
    assert message.language == ("en" if message.province == "hongkong" else "zh")
    if message.channel is Channel.IVR:
        assert (message.kind, message.segments) == (MessageKind.PROMPT, 0), "law 6: voice"
    elif message.kind is MessageKind.PROMPT:
        assert message.segments == 1, "law 6: segments"
    else:
        assert books.policy is not None
        assert 1 <= message.segments <= books.policy.text_segments_max, "too long a text"


def _law_6_names_what_it_asks(books: Ledger, message: Message, order: Order) -> None:
    """A prompt names provider, service and price."""
    service = books.reference.services[order.service_id]
    names = (books.reference.providers[service.provider_id].name, service.name)
    spoken = [each.value for each in message.variables]
    for name in (*names, None):
        words = _price(order.price_minor, message)
        if name is not None:
            words = name.zh if message.language == "zh" else name.en
        named = words in (spoken if message.channel is Channel.IVR else message.text)
        assert named, f"law 6: {words} is not named"


def _law_7_voice_confirms_first(books: Ledger, charge: Charge, order: Order) -> None:
    if order.channel is not Channel.IVR or charge.confirmation not in ASKING:
        return
    consented = books.consents[charge.msisdn, charge.reply_id or ""]
    reply = books.taken["Reply", (charge.msisdn, charge.reply_id or "")]
    assert isinstance(reply, Reply)
    assert order.call_id is not None, "law 7: no call"
    assert order.call_id == consented.message.call_id == reply.call_id, "law 7: another call"
    others = [
        each
        for each in books.accounts.values()
        if (each.charge.msisdn, each.charge.reply_id) == (charge.msisdn, charge.reply_id)
    ]
    assert not others, "law 7: one key press, two charges"


def check_alarms(books: Ledger, event: Event, decision: Decision) -> None:
    """The alarms that the reason calls for, and no others; none shows a whole number."""
    alarms = [each for each in decision.effects if isinstance(each, Alarm)]
    kind = ALARMS.get(decision.reason)
    if decision.reason is Reason.DEAD_LETTER and isinstance(event, Settlement):
        kind = None if books.away is Reason.DEAD_LETTER else AlarmKind.SETTLEMENT
    assert [each.kind for each in alarms] == ([] if kind is None else [kind])
    assert not any(event.msisdn in f"{each}" for each in alarms), "law 11"
    letters = [each for each in decision.effects if isinstance(each, DeadLetter)]
    assert not any(event.msisdn in each.detail for each in letters), "law 11"
    set_aside = (Reason.DEAD_LETTER, Reason.CONFLICT)
    assert len(letters) == (1 if decision.reason in set_aside else 0)


def _price(minor: int, message: Message) -> str:
    """An amount in yuan, as a message's readers write it."""
    amount = f"{minor / 100:.2f}"
    return f"{amount}元" if message.language == "zh" else f"CNY {amount}"
