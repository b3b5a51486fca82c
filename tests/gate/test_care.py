"""What customer care does: looks, revocations, released numbers, complaints, refunds."""

import pytest

from streams.gate.clocks import Overdue
from streams.gate.decision import KEEP
from streams.gate.effects import Evidence
from streams.gate.events import CareAction
from streams.gate.ids import (
    CHARGE,
    COMPLAINT,
    MESSAGE,
    REFUND,
    VERDICT,
    base_id,
    event_base,
)
from streams.gate.keys import account_key, complaint_key, subscriber_key
from streams.gate.reference import SpendLimit, Template
from streams.gate.rows import ChargeAccount, Complaint
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
    State,
)
from tests.gate.examples import (
    DAY,
    FIRST,
    GRACE,
    HOUR,
    IVR_SERVICE,
    LIFE,
    MINUTE,
    NOON,
    OFF,
    OTHER_SMS_SERVICE,
    SMS_SERVICE,
    SUBSCRIBER,
    TEMPLATES,
    VOICE,
    care,
    catalogue,
    order,
    policy,
    reply,
    rule,
    settlement,
)
from tests.gate.harness import Gate

PRICE = SMS_SERVICE.price_minor
CHARGE_ID = CHARGE + base_id(SUBSCRIBER, "o-1")


def did(action_id: str, kind: CareKind, at: int = NOON, **fields: object) -> CareAction:
    """What an agent does for the subscriber."""
    return care(action_id, at, kind=kind, **fields)


def charged(**fields: object) -> Gate:
    """A gate that has charged one order by a yes."""
    gate = Gate(catalogue(policy(VOICE, FIRST, **fields)))
    gate.take(order("o-1", NOON), NOON)
    assert gate.take(reply("r-1", NOON), NOON).reason is Reason.APPROVED_CONFIRMED
    return gate


def complained(gate: Gate, at: int = NOON, **fields: object) -> Reason:
    """The subscriber complains about the first charge."""
    about = {"complaint_id": "k-1", "charge_id": CHARGE_ID, **fields}
    return gate.take(did("a-0", CareKind.COMPLAIN, at, **about), at).reason


def complaint(gate: Gate, complaint_id: str = "k-1") -> Complaint | None:
    """An open complaint."""
    return gate.complaints.get(complaint_key(SUBSCRIBER, complaint_id))


def account(gate: Gate) -> ChargeAccount:
    """What is written down of the first charge."""
    return gate.accounts[account_key(SUBSCRIBER, CHARGE_ID)]


# -- looks and what is incomplete -----------------------------------------------------------------


def test_a_look_is_written_down() -> None:
    """Who looked, at which charge, stands on the topic; the decision names charge and order."""
    gate = charged()
    looked = gate.take(did("a-1", CareKind.LOOK, order_id="o-1"), NOON)
    assert (looked.reason, looked.effects, looked.writes) == (Reason.NOTED, (), ())
    assert (looked.order_id, looked.charge_id, looked.price_minor) == ("o-1", CHARGE_ID, PRICE)
    assert (looked.before, looked.subscriber) == (State.UNKNOWN, KEEP)


@pytest.mark.parametrize(
    ("action", "cause"),
    [
        (did("a-1", CareKind.UNKNOWN), "care_incomplete"),
        (did("a-1", CareKind.COMPLAIN, complaint_id="k-1"), "care_incomplete"),
        (did("a-1", CareKind.COMPLAIN, charge_id="", order_id=""), "care_incomplete"),
        (did("a-1", CareKind.REFUND, complaint_id="k-1"), "care_incomplete"),
        (did("a-1", CareKind.ANSWER, charge_id=CHARGE_ID), "care_incomplete"),
        (did("a-1", CareKind.UPHOLD, complaint_id=""), "care_incomplete"),
        (did("a-1", CareKind.REJECT), "care_incomplete"),
        (did("a-1", CareKind.REFUND, charge_id=CHARGE_ID, amount_minor=0), "negative_amount"),
        (did("a-1", CareKind.REFUND, charge_id=CHARGE_ID, amount_minor=-1), "negative_amount"),
        (did("a-1", CareKind.UPHOLD, complaint_id="k-1", amount_minor=0), "negative_amount"),
    ],
)
def test_an_action_that_lacks_what_it_needs_is_set_aside(action: CareAction, cause: str) -> None:
    """It changes nothing and is not remembered: put right, it is done under the same id."""
    gate = charged()
    complained(gate)
    seen, accounts = dict(gate.seen_events), dict(gate.accounts)
    decision = gate.take(action, NOON)
    assert decision.reason is Reason.DEAD_LETTER
    assert [each.cause for each in gate.dead_letters] == [cause]
    assert (gate.seen_events, gate.accounts) == (seen, accounts)
    right = did("a-1", CareKind.REFUND, charge_id=CHARGE_ID, amount_minor=1)
    assert gate.take(right, NOON).reason is Reason.REFUND_REQUESTED


# -- revocations ----------------------------------------------------------------------------------


def test_a_revoked_grant_covers_nothing_more() -> None:
    """The next order is asked about; what was charged stays charged."""
    gate = charged()
    revoked = gate.take(did("a-1", CareKind.REVOKE), NOON)
    assert revoked.reason is Reason.REVOKED
    assert not gate.service_days
    assert len(gate.accounts) == 1
    assert gate.take(order("o-2", NOON), NOON).reason is Reason.PROMPTED
    assert gate.take(did("a-2", CareKind.REVOKE), NOON).reason is Reason.REVOKED
    assert gate.take(did("a-3", CareKind.REVOKE), NOON).reason is Reason.NOTHING_TO_REVOKE


def test_a_revocation_refuses_what_waits() -> None:
    """Open prompts close, by text and by voice, and their orders have their verdicts."""
    gate = Gate(catalogue())
    gate.take(order("o-1", NOON), NOON)
    gate.take(order("o-2", NOON), NOON)
    gate.take(order("o-3", NOON, IVR_SERVICE), NOON)
    revoked = gate.take(did("a-1", CareKind.REVOKE), NOON)
    assert revoked.reason is Reason.REVOKED
    told = [(each.order_id, each.outcome, each.reason) for each in gate.verdicts]
    assert told == [
        (order_id, Outcome.REFUSED, Reason.DECLINED) for order_id in ("o-1", "o-2", "o-3")
    ]
    assert gate.take(reply("r-1", NOON), NOON).reason is Reason.NOT_ANSWERING
    assert gate.tick(NOON + DAY) == []


def test_a_revocation_may_name_one_service() -> None:
    """The other service's grant stays as it is."""
    gate = charged()
    gate.take(order("o-2", NOON, OTHER_SMS_SERVICE), NOON)
    gate.take(reply("r-2", NOON), NOON)
    one = did("a-1", CareKind.REVOKE, service_id=SMS_SERVICE.service_id)
    assert gate.take(one, NOON).reason is Reason.REVOKED
    assert gate.take(one._replace(action_id="a-2"), NOON).reason is Reason.NOTHING_TO_REVOKE
    covered = gate.take(order("o-3", NOON, OTHER_SMS_SERVICE), NOON)
    assert covered.reason is Reason.APPROVED_GRANTED
    assert gate.take(order("o-4", NOON), NOON).reason is Reason.PROMPTED


def test_a_revocation_is_no_answer() -> None:
    """Where a no refuses for the rest of the day, a revocation does not: it is asked anew."""
    gate = charged(refuse_after_no=True)
    gate.take(order("o-2", NOON, OTHER_SMS_SERVICE), NOON)
    gate.take(did("a-1", CareKind.REVOKE), NOON)
    assert gate.take(order("o-3", NOON, OTHER_SMS_SERVICE), NOON).reason is Reason.PROMPTED


def test_nothing_is_revoked_of_a_stranger() -> None:
    """A number that nothing is known of has nothing to take back, and no row afterwards."""
    gate = Gate(catalogue())
    assert gate.take(did("a-1", CareKind.REVOKE), NOON).reason is Reason.NOTHING_TO_REVOKE
    assert not gate.subscribers


def test_a_revoked_prompt_stays_closed_after_a_restart() -> None:
    """A new owner finds nothing due of it."""
    gate = Gate(catalogue())
    gate.take(order("o-1", NOON), NOON)
    gate.take(did("a-1", CareKind.REVOKE), NOON)
    gate.restart()
    assert gate.due == []


# -- a number given to another subscriber ---------------------------------------------------------


def test_nothing_carries_over_to_a_numbers_next_owner() -> None:
    """Grants, waiting orders, what was spent, asked and declined, and the undo are the old one's.

    A limit of a price, two prompts a day, an undo for a day: all used up, and all fresh again.
    """
    limit = (SpendLimit("CNY", PRICE),)
    gate = charged(spend_limits=limit, undo_ms=DAY, prompts_per_day_max=2, refuse_after_no=True)
    assert gate.take(order("o-2", NOON), NOON).reason is Reason.SPEND_LIMIT
    at = NOON + MINUTE
    assert gate.take(did("a-1", CareKind.RELEASE, at), at + 1).reason is Reason.RELEASED
    assert not gate.service_days
    row = gate.subscribers[subscriber_key(SUBSCRIBER)]
    assert (row.prompts, row.days, row.last_charge, row.released_at) == ((), (), None, at)
    assert gate.take(reply("r-2", at + 1, "UNDO"), at + 1).reason is Reason.NOTHING_TO_UNDO
    assert gate.take(reply("r-3", at + 1), at + 1).reason is Reason.NOT_ANSWERING
    assert gate.take(order("n-1", at + 1), at + 1).reason is Reason.PROMPTED
    assert gate.take(reply("r-4", at + 1), at + 1).reason is Reason.APPROVED_CONFIRMED
    assert not gate.refunds


def test_a_no_of_the_owner_before_is_not_the_next_owners() -> None:
    """Who is asked for the first time is asked."""
    gate = Gate(catalogue(policy(VOICE, FIRST, refuse_after_no=True)))
    gate.take(order("o-1", NOON), NOON)
    gate.take(reply("r-1", NOON, "N"), NOON)
    assert gate.take(order("o-2", NOON), NOON).reason is Reason.DECLINED_TODAY
    gate.take(did("a-1", CareKind.RELEASE, NOON + 1), NOON + 1)
    assert gate.take(order("o-3", NOON + 1), NOON + 1).reason is Reason.PROMPTED


def test_what_waits_is_refused_when_the_number_is_released() -> None:
    """The provider is told that the number has another subscriber; nothing lapses later."""
    gate = Gate(catalogue())
    gate.take(order("o-1", NOON), NOON)
    gate.take(order("o-2", NOON), NOON)
    released = gate.take(did("a-1", CareKind.RELEASE, NOON + 1), NOON + 1)
    assert [(each.order_id, each.reason) for each in gate.verdicts] == [
        ("o-1", Reason.NUMBER_RELEASED),
        ("o-2", Reason.NUMBER_RELEASED),
    ]
    assert released.effects == tuple(gate.verdicts)
    assert gate.tick(NOON + LIFE + GRACE) == []


@pytest.mark.parametrize(
    ("ordered_at", "reason"),
    [(NOON - 1, Reason.NUMBER_RELEASED), (NOON, Reason.APPROVED_NOT_ASKED)],
)
def test_an_order_from_before_the_release_is_refused(ordered_at: int, reason: Reason) -> None:
    """It arrives late, and its subscriber has the number no longer; from that instant on the
    number is the next one's.
    """
    gate = Gate(catalogue(policy(OFF)))
    gate.take(did("a-1", CareKind.RELEASE), NOON)
    assert gate.take(order("o-1", ordered_at), NOON + HOUR).reason is reason
    assert len(gate.verdicts) == 1


def test_a_release_may_find_nothing_and_still_holds() -> None:
    """A number nobody has ordered from is released all the same, and a late report of an earlier
    release does not take it back.
    """
    gate = Gate(catalogue(policy(OFF)))
    assert gate.take(did("a-1", CareKind.RELEASE), NOON).reason is Reason.RELEASED
    gate.take(did("a-2", CareKind.RELEASE, NOON - DAY), NOON)
    row = gate.subscribers[subscriber_key(SUBSCRIBER)]
    assert row.released_at == NOON
    assert gate.take(order("o-1", NOON - 1), NOON).reason is Reason.NUMBER_RELEASED


def test_an_old_charge_outlives_the_release() -> None:
    """It can be settled, complained about and refunded; the money is the old owner's."""
    gate = charged()
    complained(gate)
    gate.take(did("a-1", CareKind.RELEASE, NOON + 1), NOON + 1)
    settled = settlement("s-1", NOON, charge_id=CHARGE_ID)
    assert gate.take(settled, NOON + 2).reason is Reason.SETTLED
    upheld = did("a-2", CareKind.UPHOLD, complaint_id="k-1", amount_minor=50)
    assert gate.take(upheld, NOON + 3).reason is Reason.COMPLAINT_UPHELD
    rest = did("a-3", CareKind.REFUND, charge_id=CHARGE_ID)
    assert gate.take(rest, NOON + 4).reason is Reason.REFUND_REQUESTED
    assert [each.amount_minor for each in gate.refunds] == [50, PRICE - 50]


def test_a_release_is_the_same_after_a_restart() -> None:
    """The row alone says it."""
    gate = charged()
    gate.take(did("a-1", CareKind.RELEASE, NOON + 1), NOON + 1)
    gate.restart()
    assert gate.take(order("o-9", NOON), NOON + 2).reason is Reason.NUMBER_RELEASED


# -- complaints -----------------------------------------------------------------------------------


def test_a_complaint_gathers_the_evidence_of_its_charge() -> None:
    """Every record that explains the charge is named by its topic and id, in the order it came."""
    gate = charged()
    gate.take(settlement("s-1", NOON, charge_id=CHARGE_ID), NOON)
    given = settlement(
        "s-2",
        NOON,
        charge_id=CHARGE_ID,
        outcome=SettlementOutcome.REFUNDED,
        amount_minor=1,
    )
    gate.take(given, NOON)
    gate.take(did("a-1", CareKind.REFUND, charge_id=CHARGE_ID, amount_minor=1), NOON)
    opened = gate.take(did("a-2", CareKind.COMPLAIN, order_id="o-1", category="price"), NOON)
    assert opened.reason is Reason.COMPLAINT_OPENED
    base = base_id(SUBSCRIBER, "o-1")
    assert opened.evidence == (
        Evidence("orders.v1", "o-1"),
        Evidence("messages.v1", MESSAGE + base),
        Evidence("replies.v1", "r-1"),
        Evidence("charges.approved.v1", CHARGE_ID),
        Evidence("verdicts.v1", VERDICT + base),
        Evidence("settlements.v1", "s-1"),
        Evidence("settlements.v1", "s-2"),
        Evidence("refunds.v1", REFUND + event_base(did("a-1", CareKind.REFUND))),
    )
    sent = {each[0] for each in (*gate.messages, *gate.charges, *gate.verdicts, *gate.refunds)}
    assert sent <= {each.id for each in opened.evidence}
    name = COMPLAINT + event_base(did("a-2", CareKind.COMPLAIN))
    assert (opened.complaint_id, opened.charge_id, opened.order_id) == (name, CHARGE_ID, "o-1")
    row = complaint(gate, name)
    assert row is not None
    assert (row.provider_id, row.service_id, row.province) == ("sp-1", "sms-1", "guangdong")
    assert (row.charge_id, row.order_id, row.category) == (CHARGE_ID, "o-1", "price")


def test_a_charge_that_was_not_asked_about_has_less_evidence() -> None:
    """No prompt, no reply, no receipt: order, charge and verdict are all there is."""
    gate = Gate(catalogue(policy(OFF)))
    gate.take(order("o-1", NOON), NOON)
    opened = gate.take(did("a-1", CareKind.COMPLAIN, charge_id=CHARGE_ID), NOON)
    assert [each.topic for each in opened.evidence] == [
        "orders.v1",
        "charges.approved.v1",
        "verdicts.v1",
    ]


def test_a_receipt_is_evidence_too() -> None:
    """What the subscriber was told of the charge bears on it."""
    told = Template(MessageKind.RECEIPT, Channel.SMS, "zh", "{{ service }}已扣{{ price }}")
    tells = rule("off", Confirmation.OFF, receipt=True)
    english = told._replace(language="en")
    gate = Gate(catalogue(policy(tells, templates=(*TEMPLATES, told, english))))
    gate.take(order("o-1", NOON), NOON)
    opened = gate.take(did("a-1", CareKind.COMPLAIN, charge_id=CHARGE_ID), NOON)
    (message,) = gate.messages
    assert message.kind is MessageKind.RECEIPT
    assert opened.evidence[-1] == Evidence("messages.v1", message.message_id)


@pytest.mark.parametrize(
    ("named", "evidence", "charge_id"),
    [
        ({"charge_id": "c-9"}, (Evidence("charges.approved.v1", "c-9"),), "c-9"),
        (
            {"order_id": "o-9"},
            (Evidence("orders.v1", "o-9"),),
            CHARGE + base_id(SUBSCRIBER, "o-9"),
        ),
    ],
)
def test_a_complaint_about_an_unknown_charge_is_opened(
    named: dict[str, object], evidence: tuple[Evidence, ...], charge_id: str
) -> None:
    """It may be older than what is remembered; somebody must answer, and its clock runs."""
    gate = charged()
    opened = care(
        "a-1", NOON, kind=CareKind.COMPLAIN, complaint_id="k-1", province="sichuan", **named
    )
    decision = gate.take(opened, NOON)
    assert decision.reason is Reason.COMPLAINT_OPENED
    assert (decision.evidence, decision.charge_id) == (evidence, charge_id)
    row = complaint(gate)
    assert row is not None
    assert (row.province, row.provider_id) == ("sichuan", None)
    assert len(gate.tick(NOON + 24 * HOUR)) == 1
    asks = did("a-2", CareKind.UPHOLD, complaint_id="k-1", amount_minor=1)
    assert gate.take(asks, NOON).reason is Reason.CHARGE_UNKNOWN
    upheld = did("a-3", CareKind.UPHOLD, complaint_id="k-1")
    assert gate.take(upheld, NOON).reason is Reason.COMPLAINT_UPHELD
    assert not gate.refunds


def test_a_complaint_is_opened_once() -> None:
    """Its id is known while it is open, whatever the second one is about."""
    gate = charged()
    assert complained(gate) is Reason.COMPLAINT_OPENED
    before = complaint(gate)
    again = did("a-1", CareKind.COMPLAIN, complaint_id="k-1", order_id="o-9")
    assert gate.take(again, NOON + 1).reason is Reason.COMPLAINT_KNOWN
    assert complaint(gate) == before
    assert complained(gate) is Reason.REPEATED


def test_a_complaint_that_names_itself_not_is_known_by_its_action() -> None:
    """Also when the action has been forgotten and comes again."""
    gate = charged()
    opens = did("a-1", CareKind.COMPLAIN, charge_id=CHARGE_ID)
    assert gate.take(opens, NOON).reason is Reason.COMPLAINT_OPENED
    gate.seen_events.clear()
    assert gate.take(opens, NOON + 1).reason is Reason.COMPLAINT_KNOWN


@pytest.mark.parametrize("kind", [CareKind.ANSWER, CareKind.UPHOLD, CareKind.REJECT])
def test_what_is_not_open_is_not_answered(kind: CareKind) -> None:
    """There is no such complaint, or it was closed before."""
    gate = charged()
    assert gate.take(did("a-1", kind, complaint_id="k-1"), NOON).reason is Reason.COMPLAINT_UNKNOWN
    complained(gate)
    gate.take(did("a-2", CareKind.REJECT, complaint_id="k-1"), NOON)
    assert gate.take(did("a-3", kind, complaint_id="k-1"), NOON).reason is Reason.COMPLAINT_UNKNOWN
    assert not gate.refunds


# -- the clock ------------------------------------------------------------------------------------


def test_the_clock_of_a_complaint_strikes_at_its_instants() -> None:
    """By the watermark: at 24, 48 and 72 h to the millisecond, each once, and never again."""
    gate = charged()
    complained(gate, NOON + 7)
    for place, hours in enumerate((24, 48, 72)):
        due_at = NOON + 7 + hours * HOUR
        assert gate.tick(due_at - 1) == []
        (rung,) = gate.tick(due_at)
        assert rung.reason is Reason.COMPLAINT_OVERDUE
        assert (rung.complaint_id, rung.charge_id) == ("k-1", CHARGE_ID)
        assert gate.tick(due_at) == []
        alarm = gate.alarms[place]
        assert (alarm.kind, alarm.raised_at) == (AlarmKind.OVERDUE, due_at)
        assert alarm.subject == "complaint k-1"
        assert alarm.detail.startswith(f"opened {hours} h ago")
        assert ("its deadline has passed" in alarm.detail) == (hours == 72)
    assert gate.tick(NOON + 100 * DAY) == []
    assert len({each.alarm_id for each in gate.alarms}) == 3
    assert complaint(gate) is not None


def test_one_late_tick_strikes_all_that_is_due() -> None:
    """After an outage every alarm is raised, each with its own instant, in their order."""
    gate = charged()
    complained(gate)
    gate.tick(NOON + 100 * HOUR)
    assert [each.raised_at for each in gate.alarms] == [
        NOON + each * 24 * HOUR for each in (1, 2, 3)
    ]


def test_a_clock_goes_on_with_a_new_owner() -> None:
    """A restart at any time loses no alarm and raises none twice."""
    gate = charged()
    complained(gate)
    for hours in (23, 24, 25, 48, 72, 73):
        gate.restart()
        gate.tick(NOON + hours * HOUR)
    gate.restart()
    assert gate.due == []
    assert [each.raised_at for each in gate.alarms] == [
        NOON + each * 24 * HOUR for each in (1, 2, 3)
    ]


@pytest.mark.parametrize("kind", [CareKind.ANSWER, CareKind.UPHOLD, CareKind.REJECT])
def test_the_clock_stands_still_when_somebody_has_answered(kind: CareKind) -> None:
    """An answer a moment before it is due raises no alarm; neither does a new owner."""
    gate = charged()
    complained(gate)
    gate.take(did("a-1", kind, complaint_id="k-1"), NOON + 24 * HOUR - 1)
    assert gate.tick(NOON + 100 * HOUR) == []
    gate.restart()
    assert gate.due == []
    assert not gate.alarms


def test_an_answer_does_not_close_a_complaint() -> None:
    """It is upheld or rejected later; a second answer changes nothing."""
    gate = charged()
    complained(gate)
    answered = gate.take(did("a-1", CareKind.ANSWER, complaint_id="k-1"), NOON + 1)
    assert (answered.reason, answered.charge_id) == (Reason.COMPLAINT_ANSWERED, CHARGE_ID)
    row = complaint(gate)
    assert row is not None
    assert row.answered_at == NOON + 1
    again = did("a-2", CareKind.ANSWER, complaint_id="k-1")
    assert gate.take(again, NOON + 2).reason is Reason.COMPLAINT_ANSWERED
    assert complaint(gate) == row
    rejected = did("a-3", CareKind.REJECT, complaint_id="k-1")
    assert gate.take(rejected, NOON + 3).reason is Reason.COMPLAINT_REJECTED
    assert complaint(gate) is None
    assert not gate.refunds


def test_a_clock_that_nobody_set_strikes_nothing() -> None:
    """An instant that is not the complaint's is passed over."""
    gate = charged()
    complained(gate)
    assert gate._decide(Overdue(SUBSCRIBER, "k-1", NOON + 1), NOON + 1) is None
    assert gate._decide(Overdue(SUBSCRIBER, "k-9", NOON + 24 * HOUR), NOON + 24 * HOUR) is None


def test_the_policys_own_clock_counts() -> None:
    """It is the one in force when the complaint was opened, also when no policy is any more."""
    gate = charged(complaint_alarms_ms=(1, HOUR))
    complained(gate)
    gate.tick(NOON + 3 * HOUR)
    assert [each.raised_at for each in gate.alarms] == [NOON + 1, NOON + HOUR]
    early = charged()
    complained(early, NOON - 30 * DAY)
    assert complaint(early) is not None
    assert early.tick(NOON + 100 * DAY) == []


def test_an_overdue_complaints_alarm_shows_no_number() -> None:
    """Its id is the agent's to choose, and may have the number in it."""
    gate = charged()
    complained(gate, complaint_id=f"{SUBSCRIBER}-1")
    gate.tick(NOON + 24 * HOUR)
    assert [each.subject for each in gate.alarms] == ["complaint …001-1"]


# -- what care gives back -------------------------------------------------------------------------


def test_an_upheld_complaint_gives_back_all_that_is_left() -> None:
    """What went before counts; the request names the complaint, and the complaint is closed."""
    gate = charged()
    complained(gate)
    gate.take(did("a-1", CareKind.REFUND, charge_id=CHARGE_ID, amount_minor=30), NOON)
    upheld = gate.take(did("a-2", CareKind.UPHOLD, complaint_id="k-1"), NOON + 1)
    assert (upheld.reason, upheld.complaint_id) == (Reason.COMPLAINT_UPHELD, "k-1")
    assert (upheld.charge_id, upheld.order_id) == (CHARGE_ID, "o-1")
    request = gate.refunds[-1]
    assert upheld.effects == (request,)
    assert (request.amount_minor, request.complaint_id) == (PRICE - 30, "k-1")
    assert (request.reason, request.requested_at) == (RefundReason.UPHELD, NOON + 1)
    assert [each.complaint_id for each in account(gate).refunds] == [None, "k-1"]
    again = did("a-3", CareKind.UPHOLD, complaint_id="k-1")
    assert gate.take(again, NOON + 2).reason is Reason.COMPLAINT_UNKNOWN
    assert len(gate.refunds) == 2


def test_an_upheld_complaint_gives_back_what_it_says() -> None:
    """More than is left is refused and leaves it open; the very rest is not."""
    gate = charged()
    complained(gate)
    too_much = did("a-1", CareKind.UPHOLD, complaint_id="k-1", amount_minor=PRICE + 1)
    assert gate.take(too_much, NOON).reason is Reason.REFUND_EXCEEDS
    assert complaint(gate) is not None
    assert not gate.refunds
    exact = did("a-2", CareKind.UPHOLD, complaint_id="k-1", amount_minor=PRICE)
    assert gate.take(exact, NOON).reason is Reason.COMPLAINT_UPHELD
    assert complaint(gate) is None
    assert [each.amount_minor for each in gate.refunds] == [PRICE]


def test_a_complaint_is_upheld_when_nothing_is_left() -> None:
    """It closes without a request; an amount that it names is more than is left."""
    gate = charged()
    complained(gate)
    gate.take(did("a-1", CareKind.REFUND, charge_id=CHARGE_ID), NOON)
    asks = did("a-2", CareKind.UPHOLD, complaint_id="k-1", amount_minor=1)
    assert gate.take(asks, NOON).reason is Reason.REFUND_EXCEEDS
    upheld = gate.take(did("a-3", CareKind.UPHOLD, complaint_id="k-1"), NOON)
    assert (upheld.reason, upheld.effects) == (Reason.COMPLAINT_UPHELD, ())


def test_an_upheld_complaint_gives_back_its_own_charge() -> None:
    """Another charge that the action names is not meant."""
    gate = charged()
    complained(gate)
    gate.take(order("o-2", NOON), NOON)
    other = CHARGE + base_id(SUBSCRIBER, "o-2")
    upheld = did("a-1", CareKind.UPHOLD, complaint_id="k-1", charge_id=other)
    assert gate.take(upheld, NOON).charge_id == CHARGE_ID
    assert [each.charge_id for each in gate.refunds] == [CHARGE_ID]


def test_care_refunds_what_is_left_of_a_charge_it_knows() -> None:
    """By the charge's id or its order's; what nobody remembers is not refunded."""
    gate = charged()
    unknown = did("a-1", CareKind.REFUND, charge_id="c-9")
    assert gate.take(unknown, NOON).reason is Reason.CHARGE_UNKNOWN
    some = did("a-2", CareKind.REFUND, order_id="o-1", amount_minor=1, complaint_id="k-7")
    assert gate.take(some, NOON).reason is Reason.REFUND_REQUESTED
    over = did("a-3", CareKind.REFUND, charge_id=CHARGE_ID, amount_minor=PRICE)
    assert gate.take(over, NOON).reason is Reason.REFUND_EXCEEDS
    assert [(each.amount_minor, each.complaint_id) for each in gate.refunds] == [(1, "k-7")]
    free = Gate(catalogue(policy(rule("off", Confirmation.OFF))))
    free.take(order("o-1", NOON), NOON)
    failed = settlement("s-1", NOON, charge_id=CHARGE_ID, outcome=SettlementOutcome.FAILED)
    free.take(failed, NOON)
    rest = did("a-4", CareKind.REFUND, charge_id=CHARGE_ID)
    assert free.take(rest, NOON).reason is Reason.NOTHING_TO_REFUND


def test_a_repeated_action_is_done_once() -> None:
    """The same action again asks for nothing; another under its id is a conflict."""
    gate = charged()
    asks = did("a-1", CareKind.REFUND, charge_id=CHARGE_ID, amount_minor=1)
    gate.take(asks, NOON)
    assert gate.take(asks, NOON).reason is Reason.REPEATED
    assert gate.take(asks._replace(amount_minor=2), NOON).reason is Reason.CONFLICT
    assert len(gate.refunds) == 1
