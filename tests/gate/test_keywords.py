"""What a subscriber asks of the one number besides answering: the list, cancelling, undoing."""

import pytest

from streams.gate.effects import RefundRequest
from streams.gate.words import (
    Encoding,
    Keyword,
    MessageKind,
    Outcome,
    Reason,
    RefundReason,
    SettlementOutcome,
    State,
)
from tests.gate.examples import (
    BEGINNING,
    DAY,
    FIRST,
    HOUR,
    IVR_SERVICE,
    KEYWORDS,
    LIFE,
    MINUTE,
    NOON,
    OFF,
    OTHER_SMS_SERVICE,
    SECOND,
    SMS_SERVICE,
    SUBSCRIBER,
    VOICE,
    key_press,
    order,
    reply,
    settlement,
)
from tests.gate.harness import Gate
from tests.gate.talking import asked_twice, codes_of, of_kind, talking

TOMORROW = NOON + DAY


def listing(gate: Gate) -> str:
    """The text of the last list that was sent."""
    return of_kind(gate, MessageKind.LISTING)[-1].text


def granted(province: str = "guangdong") -> Gate:
    """A gate in which one service was confirmed and ordered twice, and another is asked about."""
    gate = talking()
    gate.take(order("o-1", NOON, province=province), NOON)
    gate.take(reply("r-1", NOON), NOON)
    gate.take(order("o-2", NOON, province=province), NOON)
    gate.take(order("o-3", NOON, OTHER_SMS_SERVICE, province=province), NOON)
    return gate


# The list


def test_the_list_tells_what_the_day_has_brought() -> None:
    """0000 lists the day's services by number with charges, money, and what a yes covers."""
    gate = granted()
    decision = gate.take(reply("r-2", NOON + MINUTE, "0000"), NOON + MINUTE)
    assert decision.reason is Reason.LISTED
    assert (decision.before, decision.after) == (State.UNKNOWN, State.UNKNOWN)
    (message,) = of_kind(gate, MessageKind.LISTING)
    assert (
        message.text == "今日：1.服务1 2次4.00元（已确认）；2.服务2 0次0.00元。回复QX加序号取消。"
    )
    assert (message.msisdn, message.province, message.sender) == (SUBSCRIBER, "guangdong", "10086")
    assert (message.order_id, message.prompt_id, message.charge_id) == (None, None, None)
    assert (message.issued_at, message.expires_at) == (NOON + MINUTE, NOON + MINUTE + HOUR)
    assert message.template_version == "operator/1"
    assert message.message_id.startswith("l-")


def test_a_service_that_was_set_aside_is_named_by_its_id() -> None:
    """No record of it is in force any more: what the day has brought is told all the same, and its
    prompt is answered with why nothing is charged.
    """
    gate = granted()
    of_the_second = codes_of(gate)[-1]
    gate.catalogue.services.clear()
    gate.catalogue.standing.clear()
    gate.take(reply("r-2", NOON, "0000"), NOON)
    assert listing(gate).startswith("今日：1.sms-1 2次4.00元（已确认）；2.sms-2 0次0.00元。")
    decision = gate.take(reply("r-3", NOON, of_the_second), NOON)
    assert decision.reason is Reason.SERVICE_UNKNOWN
    gate = asked_twice()
    gate.catalogue.services.clear()
    gate.take(reply("r-2", NOON), NOON)
    [clarify] = of_kind(gate, MessageKind.CLARIFY)
    assert all(f" {name} " in clarify.text for name in ("sms-1", "sms-2"))


def test_the_list_in_english() -> None:
    """In Hong Kong the list is written in English, in the alphabet of 7 bits."""
    gate = granted("hongkong")
    gate.take(reply("r-2", NOON, "0000"), NOON)
    assert listing(gate) == (
        "Today: 1.Service 1 2x CNY 4.00 (confirmed); 2.Service 2 0x CNY 0.00."
        " Reply QX and a number to cancel."
    )
    assert of_kind(gate, MessageKind.LISTING)[-1].encoding is Encoding.GSM7


def test_the_list_of_a_subscriber_who_is_not_known() -> None:
    """Who never ordered gets an empty list in the default language, and is still not known."""
    gate = talking()
    assert gate.take(reply("r-1", NOON, "0000"), NOON).reason is Reason.LISTED
    assert listing(gate) == "今日：今天没有点播。回复QX加序号取消。"
    assert not gate.subscribers
    assert of_kind(gate, MessageKind.LISTING)[0].province == ""


def test_the_list_is_of_the_day_on_which_it_was_asked_for() -> None:
    """A list asked for just before midnight is of that day, one at midnight of the new day."""
    midnight = BEGINNING + DAY
    gate = granted()
    gate.take(reply("r-2", midnight - 1, "0000"), midnight + SECOND)
    assert "1.服务1 2次" in listing(gate)
    gate.take(reply("r-3", midnight, "0000"), midnight + SECOND)
    assert "今天没有点播" in listing(gate)


def test_a_yes_that_is_used_up_covers_nothing() -> None:
    """A service whose grant has no order left is not listed as confirmed."""
    gate = talking(VOICE, FIRST._replace(grant_count_max=1))
    gate.take(order("o-1", NOON), NOON)
    gate.take(reply("r-1", NOON), NOON)
    gate.take(reply("r-2", NOON, "0000"), NOON)
    assert "1.服务1 1次2.00元。" in listing(gate)


@pytest.mark.parametrize(
    ("province", "segments_max", "cut"),
    [
        ("guangdong", 3, None),
        ("guangdong", 2, None),
        ("guangdong", 1, "…。回复"),
        ("hongkong", 3, None),
        ("hongkong", 2, None),
        ("hongkong", 1, "; .... Reply"),
    ],
)
def test_a_long_list_is_cut_to_its_segments(
    province: str, segments_max: int, cut: str | None
) -> None:
    """A list holds as many services as fit into the policy's segments, and shows its cut."""
    gate = talking(OFF, text_segments_max=segments_max)
    services = ("sms-1", "sms-2", "mms-1", "sms-3", "ivr-1")
    for place, service_id in enumerate(services):
        service = gate.catalogue.services[service_id]
        gate.take(order(f"o-{place}", NOON, service, province=province), NOON)
    gate.take(reply("r-1", NOON, "0000"), NOON)
    message = of_kind(gate, MessageKind.LISTING)[-1]
    assert message.segments <= segments_max
    assert "1." in message.text
    assert ("5." in message.text) is (cut is None)
    assert cut is None or cut in message.text


def test_a_list_without_words_for_it() -> None:
    """Without a LISTING template nothing is sent, and nothing fails."""
    gate = talking(without=MessageKind.LISTING)
    gate.take(order("o-1", NOON), NOON)
    assert gate.take(reply("r-1", NOON, "0000"), NOON).reason is Reason.LISTED
    assert gate.take(reply("r-2", NOON, "QX"), NOON).reason is Reason.CANCELLED
    assert not of_kind(gate, MessageKind.LISTING)


def test_a_list_asked_for_twice() -> None:
    """The same request again is repeated and sends nothing; a new one sends the list again."""
    gate = granted()
    gate.take(reply("r-2", NOON, "0000"), NOON)
    assert gate.take(reply("r-2", NOON, "0000"), NOON).reason is Reason.REPEATED
    assert len(of_kind(gate, MessageKind.LISTING)) == 1
    gate.take(reply("r-3", NOON, "0000"), NOON)
    assert len({each.message_id for each in of_kind(gate, MessageKind.LISTING)}) == 2


def test_keywords_count_on_the_one_number_only() -> None:
    """A keyword to another number, or as keys in a call, is none."""
    gate = granted()
    assert gate.take(reply("r-2", NOON, "QX", to="10010"), NOON).reason is Reason.NOT_ANSWERING
    assert gate.take(key_press("r-3", NOON, "0000"), NOON).reason is Reason.UNCLEAR


def test_without_keywords_nothing_is_one() -> None:
    """A policy that names no keywords hears none."""
    gate = talking(keywords=())
    for text in ("0000", "QX", "TF"):
        assert gate.take(reply(f"r-{text}", NOON, text), NOON).reason is Reason.UNCLEAR


# Cancelling


def test_cancel_takes_back_everything() -> None:
    """QX drops every grant, closes every prompt, refuses what waits; what was charged stays."""
    gate = granted()
    gate.take(order("o-4", NOON, IVR_SERVICE), NOON)
    decision = gate.take(reply("r-2", NOON + SECOND, "QX"), NOON + SECOND)
    assert decision.reason is Reason.CANCELLED
    refused = [each for each in gate.verdicts if each.outcome is Outcome.REFUSED]
    assert [(each.order_id, each.reason) for each in refused] == [
        ("o-3", Reason.DECLINED),
        ("o-4", Reason.DECLINED),
    ]
    assert not gate.service_days
    assert not gate.refunds
    assert "1.服务1 2次4.00元；2.服务2 0次0.00元；3." in listing(gate)
    assert gate.tick(NOON + LIFE + HOUR) == []
    assert gate.take(order("o-5", NOON), NOON).reason is Reason.PROMPTED
    assert gate.take(key_press("r-3", NOON), NOON).reason is Reason.NOT_ANSWERING


def test_cancel_with_nothing_open() -> None:
    """QX with neither grant nor prompt says so and sends nothing, known or not."""
    gate = talking(OFF)
    assert gate.take(reply("r-1", NOON, "QX"), NOON).reason is Reason.NOTHING_TO_CANCEL
    gate.take(order("o-1", NOON), NOON)
    assert gate.take(reply("r-2", NOON, "QX"), NOON).reason is Reason.NOTHING_TO_CANCEL
    assert gate.take(reply("r-3", NOON, "QX1"), NOON).reason is Reason.NOTHING_TO_CANCEL
    assert not gate.messages


@pytest.mark.parametrize("text", ["QX2", "qx ２", "stop 02."])
def test_cancel_one_service_of_the_list(text: str) -> None:
    """QX with a number cancels that service of the list; the other stays granted."""
    gate = granted()
    assert gate.take(reply("r-2", NOON, text), NOON).reason is Reason.CANCELLED
    assert [each.order_id for each in gate.verdicts if each.outcome is Outcome.REFUSED] == ["o-3"]
    assert "1.服务1 2次4.00元（已确认）" in listing(gate)
    assert gate.take(order("o-4", NOON), NOON).reason is Reason.APPROVED_GRANTED


@pytest.mark.parametrize("text", ["QX0", "QX3", "QX99999999999999999999"])
def test_cancel_a_number_that_no_service_has(text: str) -> None:
    """A number beyond the list cancels nothing."""
    gate = granted()
    rows = dict(gate.service_days)
    assert gate.take(reply("r-2", NOON, text), NOON).reason is Reason.NOTHING_TO_CANCEL
    assert gate.service_days == rows


def test_cancel_twice() -> None:
    """What was cancelled cannot be cancelled again, but its number stays its own for the day."""
    gate = granted()
    assert gate.take(reply("r-2", NOON, "QX1"), NOON).reason is Reason.CANCELLED
    assert gate.take(reply("r-3", NOON, "QX1"), NOON).reason is Reason.NOTHING_TO_CANCEL
    assert gate.take(reply("r-4", NOON, "QX2"), NOON).reason is Reason.CANCELLED


def test_yesterdays_number_is_not_todays() -> None:
    """After midnight a number means the new day's list: yesterday's second service is not in it."""
    gate = granted()
    assert gate.take(reply("r-2", TOMORROW, "QX2"), TOMORROW).reason is Reason.NOTHING_TO_CANCEL
    gate.take(order("o-4", TOMORROW, OTHER_SMS_SERVICE), TOMORROW)
    assert gate.take(reply("r-3", TOMORROW, "QX1"), TOMORROW).reason is Reason.CANCELLED
    assert [each.order_id for each in gate.verdicts if each.outcome is Outcome.REFUSED] == [
        "o-3",
        "o-4",
    ]
    # Yesterday's grant of the first service still covers an order of yesterday that comes late.
    assert gate.take(order("o-5", NOON), TOMORROW).reason is Reason.APPROVED_GRANTED


def test_cancel_reaches_the_days_before() -> None:
    """QX without a number also takes back what was granted yesterday."""
    gate = granted()
    assert gate.take(reply("r-2", TOMORROW, "QX"), TOMORROW).reason is Reason.CANCELLED
    assert gate.take(order("o-5", NOON), TOMORROW).reason is Reason.PROMPTED
    assert "今天没有点播" in listing(gate)


def test_a_cancelled_prompt_counts_as_a_no() -> None:
    """With refuse_after_no a cancelled question is not asked again that day; a grant's may be."""
    gate = talking(refuse_after_no=True)
    gate.take(order("o-1", NOON), NOON)
    gate.take(reply("r-1", NOON), NOON)
    gate.take(order("o-2", NOON, OTHER_SMS_SERVICE), NOON)
    gate.take(reply("r-2", NOON, "QX"), NOON)
    again = gate.take(order("o-3", NOON, OTHER_SMS_SERVICE), NOON)
    assert again.reason is Reason.DECLINED_TODAY
    assert gate.take(order("o-4", NOON), NOON).reason is Reason.PROMPTED


def test_cancel_makes_a_plain_yes_clear_again() -> None:
    """Cancelling one of two pending services leaves one, which a plain yes answers."""
    gate = asked_twice()
    gate.take(reply("r-1", NOON), NOON)
    gate.take(reply("r-2", NOON, "QX1"), NOON)
    assert gate.take(reply("r-3", NOON), NOON).order_id == "o-2"
    gate.take(order("o-3", NOON), NOON)
    gate.take(order("o-4", NOON, IVR_SERVICE), NOON)
    assert gate.take(reply("r-4", NOON, codes_of(gate)[-1]), NOON).order_id == "o-3"


# Undoing


def charged() -> Gate:
    """A gate in which an order was charged at noon; a charge may be undone for an hour."""
    gate = talking()
    gate.take(order("o-1", NOON), NOON)
    gate.take(reply("r-1", NOON), NOON)
    return gate


def test_undo_asks_for_the_money_of_the_last_charge() -> None:
    """An undo in time asks billing to give back all of the last charge, once."""
    gate = charged()
    gate.take(order("o-2", NOON + SECOND), NOON + SECOND)
    decision = gate.take(reply("r-2", NOON + MINUTE, "TF"), NOON + MINUTE + SECOND)
    last = gate.charges[-1]
    assert decision.reason is Reason.UNDONE
    assert (decision.charge_id, decision.order_id) == (last.charge_id, "o-2")
    assert (decision.service_id, decision.price_minor) == (SMS_SERVICE.service_id, 200)
    (refund,) = gate.refunds
    assert refund == RefundRequest(
        refund.refund_id,
        last.charge_id,
        SUBSCRIBER,
        200,
        "CNY",
        None,
        RefundReason.UNDO,
        NOON + MINUTE + SECOND,
    )
    assert refund.refund_id.startswith("f-")


@pytest.mark.parametrize(
    ("received_at", "reason"),
    [
        (NOON + HOUR - 1, Reason.UNDONE),
        (NOON + HOUR, Reason.NOTHING_TO_UNDO),
    ],
)
def test_the_time_of_an_undo_ends_at_its_very_instant(received_at: int, reason: Reason) -> None:
    """Just before the end of its time a charge is undone, at the end it is not."""
    gate = charged()
    assert gate.take(reply("r-2", received_at, "undo"), NOON + 2 * HOUR).reason is reason
    assert len(gate.refunds) == (reason is Reason.UNDONE)


def test_undo_twice() -> None:
    """A second undo finds nothing: the charge before the last one is not reached."""
    gate = charged()
    gate.take(order("o-2", NOON), NOON)
    said = reply("r-2", NOON, "TF")
    assert gate.take(said, NOON).reason is Reason.UNDONE
    assert gate.take(said, NOON).reason is Reason.REPEATED
    assert gate.take(reply("r-3", NOON, "TF"), NOON).reason is Reason.NOTHING_TO_UNDO
    assert len(gate.refunds) == 1


def test_undo_of_a_charge_that_failed() -> None:
    """What billing could not take cannot be given back."""
    gate = charged()
    failed = settlement(
        "s-1", NOON, charge_id=gate.charges[0].charge_id, outcome=SettlementOutcome.FAILED
    )
    assert gate.take(failed, NOON).reason is Reason.CHARGE_FAILED
    assert gate.take(reply("r-2", NOON, "TF"), NOON).reason is Reason.NOTHING_TO_UNDO
    assert not gate.refunds


def test_undo_where_the_policy_has_none() -> None:
    """With an undo time of 0 no charge can be undone, not even at its own instant."""
    gate = talking(undo_ms=0)
    gate.take(order("o-1", NOON), NOON)
    gate.take(reply("r-1", NOON), NOON)
    assert gate.take(reply("r-2", NOON, "TF"), NOON).reason is Reason.NOTHING_TO_UNDO


def test_undo_without_a_charge() -> None:
    """Who was never charged has nothing to undo."""
    gate = talking()
    assert gate.take(reply("r-1", NOON, "TF"), NOON).reason is Reason.NOTHING_TO_UNDO
    gate.take(order("o-1", NOON), NOON)
    assert gate.take(reply("r-2", NOON, "TF"), NOON).reason is Reason.NOTHING_TO_UNDO


def test_undo_after_a_part_was_given_back() -> None:
    """What billing gave back on its own is not asked for again."""
    gate = charged()
    gave = settlement(
        "s-1",
        NOON,
        charge_id=gate.charges[0].charge_id,
        outcome=SettlementOutcome.REFUNDED,
        amount_minor=50,
    )
    gate.take(gave, NOON)
    gate.take(reply("r-2", NOON, "TF"), NOON)
    assert [each.amount_minor for each in gate.refunds] == [150]


def test_an_undo_leaves_the_grant() -> None:
    """An undo gives money back; the day's yes stays until it is cancelled."""
    gate = charged()
    gate.take(reply("r-2", NOON, "TF"), NOON)
    assert gate.take(order("o-2", NOON), NOON).reason is Reason.APPROVED_GRANTED


def test_undo_after_midnight() -> None:
    """The time of an undo does not end with the day."""
    midnight = BEGINNING + DAY
    gate = talking()
    gate.take(order("o-1", midnight - 2), midnight - 2)
    gate.take(reply("r-1", midnight - 1), midnight - 1)
    undone = gate.take(reply("r-2", midnight + MINUTE, "TF"), midnight + MINUTE)
    assert undone.reason is Reason.UNDONE


def test_every_spelling_of_a_keyword_counts() -> None:
    """Each spelling that the policy names for a keyword asks for the same."""
    reasons = {
        Keyword.LIST: Reason.LISTED,
        Keyword.CANCEL: Reason.CANCELLED,
        Keyword.UNDO: Reason.UNDONE,
    }
    for each in KEYWORDS:
        for word in each.words:
            decision = charged().take(reply("r-2", NOON, f" {word.lower()}！"), NOON)
            assert decision.reason is reasons[each.keyword]
