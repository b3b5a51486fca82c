"""What a charge tells the subscriber: the receipt and how often, the notice and when."""

import pytest

from streams.gate.effects import Message
from streams.gate.keys import subscriber_key
from streams.gate.reference import Policy, Rule, SpendLimit, Template
from streams.gate.words import Channel, Encoding, MessageKind, Reason
from tests.gate.examples import (
    BEGINNING,
    DAY,
    EVERY,
    FIRST,
    HOUR,
    IVR_SERVICE,
    MINUTE,
    MMS_SERVICE,
    NOON,
    OFF,
    OTHER_SMS_SERVICE,
    SENDER,
    SMS_SERVICE,
    SUBSCRIBER,
    TEMPLATES,
    VOICE,
    catalogue,
    key_press,
    order,
    policy,
    reply,
)
from tests.gate.harness import Gate

RECEIPT = Template(
    MessageKind.RECEIPT,
    Channel.SMS,
    "zh",
    "{{ provider }}的{{ service }}{{ price }},今日{{ spent }},"
    "{{ undo_minutes }}分钟内回{{ undo }}撤销。投诉10086。",
)
RECEIPT_EN = Template(
    MessageKind.RECEIPT, Channel.SMS, "en", "{{ service }} {{ price }}, today {{ spent }}."
)
NOTICE = Template(MessageKind.NOTICE, Channel.SMS, "zh", "今日已{{ spent }},上限{{ limit }}。")
NOTICE_EN = Template(MessageKind.NOTICE, Channel.SMS, "en", "{{ spent }} of {{ limit }} today.")
WORDS = (*TEMPLATES, RECEIPT, RECEIPT_EN, NOTICE, NOTICE_EN)


def telling(*rules: Rule, limit: int | None = None, **fields: object) -> Policy:
    """A policy that has words for receipts and notices, and perhaps a limit in yuan."""
    limits = () if limit is None else (SpendLimit("CNY", limit),)
    usual: dict[str, object] = {"templates": WORDS, "spend_limits": limits}
    return policy(*rules, **(usual | fields))


def told(gate: Gate, kind: MessageKind) -> list[Message]:
    return [message for message in gate.messages if message.kind is kind]


def receipts(gate: Gate) -> list[str | None]:
    return [message.order_id for message in told(gate, MessageKind.RECEIPT)]


def notices(gate: Gate) -> list[str | None]:
    return [message.order_id for message in told(gate, MessageKind.NOTICE)]


def test_a_receipt_follows_a_charge_where_the_rule_says_so() -> None:
    """It names provider, service, price and the day's sum, by SMS from the one number, and says how
    to undo; it lives as long as the policy says. The account knows of it.
    """
    gate = Gate(catalogue(telling(OFF._replace(receipt=True), undo_ms=10 * MINUTE)))
    gate.take(order("o-0", NOON, OTHER_SMS_SERVICE), NOON)
    decision = gate.take(order("o-1", NOON), NOON)
    receipt = told(gate, MessageKind.RECEIPT)[1]
    charge = gate.charges[1]
    assert receipt.text == "新浪的服务12.00元,今日3.00元,10分钟内回TF撤销。投诉10086。"
    assert (receipt.sender, receipt.channel, receipt.language) == (SENDER, Channel.SMS, "zh")
    assert (receipt.encoding, receipt.segments) == (Encoding.UCS2, 1)
    assert (receipt.order_id, receipt.charge_id) == ("o-1", charge.charge_id)
    assert (receipt.message_id, receipt.provider_id) == ("r-" + charge.charge_id[2:], "sp-1")
    assert (receipt.prompt_id, receipt.reply_code, receipt.call_id) == (None, None, None)
    assert (receipt.issued_at, receipt.expires_at) == (NOON, NOON + HOUR)
    assert decision.effects[-1] is receipt
    assert all(account.receipt for account in gate.accounts.values())


def test_no_receipt_without_a_rule_or_without_words() -> None:
    """A rule that asks for none sends none, and a policy without the words sends nothing: the
    charge stands, and its account says that nobody was told.
    """
    silent = [telling(OFF), policy(OFF._replace(receipt=True))]
    for record in silent:
        gate = Gate(catalogue(record))
        gate.take(order("o-1", NOON), NOON)
        assert len(gate.charges) == 1
        assert not gate.messages
        assert not any(account.receipt for account in gate.accounts.values())


def test_a_receipt_is_in_the_language_of_the_province() -> None:
    """An order from Hong Kong has its receipt and its notice in English, in GSM letters."""
    gate = Gate(catalogue(telling(OFF._replace(receipt=True), limit=400)))
    gate.take(order("o-1", NOON, province="hongkong"), NOON)
    assert [(message.text, message.encoding) for message in gate.messages] == [
        ("Service 1 CNY 2.00, today CNY 2.00.", Encoding.GSM7),
        ("CNY 2.00 of CNY 4.00 today.", Encoding.GSM7),
    ]


def test_a_policy_without_undo_names_no_minutes() -> None:
    """Where nothing can be undone a receipt does not promise a minute."""
    gate = Gate(catalogue(telling(OFF._replace(receipt=True), keywords=())))
    gate.take(order("o-1", NOON), NOON)
    assert "0分钟内回撤销" in gate.messages[0].text


def test_receipts_of_a_service_keep_their_interval_to_the_instant() -> None:
    """A moment before the interval has passed there is none, at the very instant there is; another
    service has its own interval; silent charges do not move it.
    """
    rule = OFF._replace(receipt=True)
    gate = Gate(catalogue(telling(rule, receipt_interval_ms=HOUR)))
    instants = (NOON, NOON + 1, NOON + HOUR - 1, NOON + HOUR, NOON + HOUR + 1)
    for place, at in enumerate(instants):
        gate.take(order(f"o-{place}", at), at)
    gate.take(order("o-x", NOON, OTHER_SMS_SERVICE), NOON + HOUR + 2)
    assert receipts(gate) == ["o-0", "o-3", "o-x"]
    assert [account.receipt for account in gate.accounts.values()] == [
        True,
        False,
        False,
        True,
        False,
        True,
    ]


def test_the_interval_begins_anew_with_the_day() -> None:
    """The first charge after midnight has its receipt, however young the last one is."""
    gate = Gate(catalogue(telling(OFF._replace(receipt=True), receipt_interval_ms=DAY)))
    midnight = BEGINNING + DAY
    for at in (midnight - 1, midnight, midnight + 1):
        gate.take(order(f"o-{at}", at), at)
    assert receipts(gate) == [f"o-{midnight - 1}", f"o-{midnight}"]


def test_of_orders_that_waited_each_has_its_receipt_unless_there_is_an_interval() -> None:
    """The rule that asked decides whether there are receipts, the policy how often."""
    for interval, expected in ((0, ["o-1", "o-2"]), (1, ["o-1"])):
        first = FIRST._replace(receipt=True)
        later = telling(version=2, effective_from=NOON + 1, receipt_interval_ms=interval)
        gate = Gate(catalogue(telling(VOICE, first), later))
        for place in (1, 2):
            gate.take(order(f"o-{place}", NOON), NOON)
        gate.take(reply("r-1", NOON + 1), NOON + 1)
        gate.take(order("o-3", NOON), NOON + 2)  # under a rule without receipts
        assert receipts(gate) == expected
        sums = [message.text for message in told(gate, MessageKind.RECEIPT)]
        assert all(f"今日{2 * n}.00元" in text for n, text in enumerate(sums, 1))


def test_a_key_press_has_its_receipt_by_text() -> None:
    """A voice order is confirmed by voice and receipted by SMS, outside of any call."""
    gate = Gate(catalogue(telling(VOICE._replace(receipt=True), FIRST)))
    gate.take(order("o-1", NOON, IVR_SERVICE), NOON)
    gate.take(key_press("r-1", NOON), NOON)
    (receipt,) = told(gate, MessageKind.RECEIPT)
    assert (receipt.channel, receipt.call_id) == (Channel.SMS, None)


@pytest.mark.parametrize(
    ("limit", "noticed"),
    [
        (401, []),  # two yuan are less than half of it
        (400, ["o-1"]),  # exactly half
        (399, ["o-1"]),  # the first unit over half
        (200, ["o-1"]),  # from nothing to all of it
    ],
)
def test_a_notice_is_sent_by_the_charge_that_reaches_half(limit: int, noticed: list[str]) -> None:
    """Half to the last unit, or over it from below."""
    gate = Gate(catalogue(telling(OFF, limit=limit)))
    gate.take(order("o-1", NOON), NOON)
    assert notices(gate) == noticed


def test_a_notice_is_sent_exactly_once_a_day() -> None:
    """At exactly half it is sent, at no later charge of the day, and on the next day again."""
    gate = Gate(catalogue(telling(OFF, limit=800)))
    days = (NOON, NOON + DAY)
    for day in days:
        for place in range(5):
            gate.take(order(f"o-{place}-{day}", day), day + place)
    assert notices(gate) == [f"o-1-{day}" for day in days]
    notice = told(gate, MessageKind.NOTICE)[0]
    assert notice.text == "今日已4.00元,上限8.00元。"
    assert notice.message_id == "n-" + gate.charges[1].charge_id[2:]
    assert notice.charge_id == gate.charges[1].charge_id
    assert (notice.provider_id, notice.prompt_id) == (None, None)
    assert gate.verdicts[4].reason is Reason.SPEND_LIMIT


def test_half_may_be_reached_across_providers_and_by_a_yes() -> None:
    """The charge in the middle of the orders that waited sends the notice; the ones after none."""
    gate = Gate(catalogue(telling(limit=1_400)))
    gate.take(order("o-m", NOON, MMS_SERVICE), NOON)
    gate.take(reply("r-m", NOON), NOON)
    for place in (1, 2, 3):
        gate.take(order(f"o-{place}", NOON), NOON)
    decision = gate.take(reply("r-1", NOON), NOON)
    assert notices(gate) == ["o-2"]
    kinds = [type(effect).__name__ for effect in decision.effects]
    assert kinds == ["Charge", "Verdict", "Charge", "Verdict", "Message", "Charge", "Verdict"]


def test_money_that_came_back_does_not_bring_a_second_notice() -> None:
    """When a failed charge takes the day below half again, reaching it again tells nobody."""
    gate = Gate(catalogue(telling(OFF, limit=800)))
    for place in (1, 2):
        gate.take(order(f"o-{place}", NOON), NOON)
    key = subscriber_key(SUBSCRIBER)
    row = gate.subscribers[key]
    (spent,) = row.days[0].spent
    assert spent.noticed
    less = row.days[0]._replace(spent=(spent._replace(amount_minor=200),))
    gate.subscribers[key] = row._replace(days=(less,))
    gate.take(order("o-3", NOON), NOON)
    assert notices(gate) == ["o-2"]


def test_a_notice_without_words_is_not_counted_as_sent() -> None:
    """Where the policy has no words for it, nothing is sent and nobody was told."""
    gate = Gate(catalogue(policy(OFF, spend_limits=(SpendLimit("CNY", 400),))))
    gate.take(order("o-1", NOON), NOON)
    assert not gate.messages
    assert not gate.subscribers[subscriber_key(SUBSCRIBER)].days[0].spent[0].noticed


def test_free_orders_reach_no_half() -> None:
    """A price of nothing takes nothing from below half to half, whatever the limit."""
    for limit in (0, 1):
        reference = catalogue(telling(OFF, limit=limit))
        free = SMS_SERVICE._replace(price_minor=0, version=2)
        assert reference.fold("services.v1", free) is None
        gate = Gate(reference)
        assert gate.take(order("o-1", NOON, free), NOON).reason is Reason.APPROVED_NOT_ASKED
        assert not gate.messages


def test_a_charge_leaves_an_account_and_says_what_an_undo_would_take_back() -> None:
    """The account holds all that billing's answers are held against; the subscriber's row knows
    the last charge, its province and the day's totals.
    """
    gate = Gate(catalogue(policy(EVERY)))
    gate.take(order("o-1", NOON, IVR_SERVICE, province="hongkong"), NOON)
    gate.take(key_press("r-1", NOON), NOON + 1)
    (charge,), (account,) = gate.charges, gate.accounts.values()
    assert account.order_id == charge.order_id == "o-1"
    assert (account.price_minor, account.currency, account.day) == (500, "CNY", charge.day)
    assert (account.prompt_id, account.reply_id) == (charge.prompt_id, "r-1")
    assert (account.call_id, account.approved_at) == ("call-1", NOON + 1)
    assert (account.settled, account.settlement_ids, account.refunds) == ("UNKNOWN", (), ())
    row = gate.subscribers[subscriber_key(SUBSCRIBER)]
    assert row.last_charge == (charge.charge_id, NOON + 1)
    assert row.province == "hongkong"
    (day,) = row.days
    assert day.services == (("ivr-1", 1, 500, "CNY", False, 0),)
    assert (day.spent, day.calls) == ((("CNY", 500, False),), (("call-1", 1, 500),))


def test_the_province_of_the_last_order_says_the_language() -> None:
    """An order that waits from another province moves it, a yes to an older one does not."""
    gate = Gate(catalogue())
    gate.take(order("o-1", NOON), NOON)
    gate.take(order("o-2", NOON, province="hongkong"), NOON)
    key = subscriber_key(SUBSCRIBER)
    assert gate.subscribers[key].province == "hongkong"
    gate.take(reply("r-1", NOON), NOON)
    assert gate.subscribers[key].province == "hongkong"
    assert [charge.province for charge in gate.charges] == ["guangdong", "hongkong"]


def test_a_day_is_remembered_while_records_of_its_time_may_still_come() -> None:
    """After an outage a newer order may be taken before an older one of a sibling input: the
    older day's sum stays, because the watermark has not passed it.
    """
    gate = Gate(catalogue(telling(OFF._replace(receipt=True))))
    gate.tick(NOON)
    gate.take(order("o-0", NOON), NOON)
    gate.take(order("o-1", NOON + 9 * DAY), NOON + 9 * DAY)
    gate.take(order("o-2", NOON), NOON)
    first, _, last = told(gate, MessageKind.RECEIPT)
    assert last.text != first.text
    known = gate.subscribers[subscriber_key(SUBSCRIBER)]
    assert [day.spent[0].amount_minor for day in known.days] == [400, 200]
    gate.tick(NOON + 9 * DAY)
    gate.take(order("o-3", NOON + 9 * DAY), NOON + 9 * DAY)
    known = gate.subscribers[subscriber_key(SUBSCRIBER)]
    assert len(known.days) == 1
