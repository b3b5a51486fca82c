"""Billing answers: taken, not taken, given back, not given back, and what cannot be meant."""

import pytest

from streams.gate.decision import KEEP, Decision
from streams.gate.events import Settlement
from streams.gate.ids import CHARGE, REFUND, base_id, event_base
from streams.gate.keys import account_key, service_day_key
from streams.gate.reference import SpendLimit
from streams.gate.refunds import left
from streams.gate.rows import ChargeAccount, Grant
from streams.gate.words import (
    AlarmKind,
    CareKind,
    Channel,
    Confirmation,
    Reason,
    RefundReason,
    SettlementOutcome,
    State,
)
from tests.gate.examples import (
    DAY,
    HOUR,
    MINUTE,
    NOON,
    OFF,
    SKEW,
    SMS_SERVICE,
    SUBSCRIBER,
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

CHARGED, FAILED, REFUNDED = (
    SettlementOutcome.CHARGED,
    SettlementOutcome.FAILED,
    SettlementOutcome.REFUNDED,
)
PRICE = SMS_SERVICE.price_minor
CHARGE_ID = CHARGE + base_id(SUBSCRIBER, "o-1")


def charged(**fields: object) -> Gate:
    """A gate that has charged one order without asking."""
    gate = Gate(catalogue(policy(OFF, **fields)))
    assert gate.take(order("o-1", NOON), NOON).reason is Reason.APPROVED_NOT_ASKED
    return gate


def granted(**limits: object) -> Gate:
    """A gate that has charged one order by a yes for the day."""
    first = rule("first-of-day", Confirmation.FIRST_OF_DAY, **limits)
    gate = Gate(catalogue(policy(VOICE, first)))
    gate.take(order("o-1", NOON), NOON)
    assert gate.take(reply("r-1", NOON), NOON).reason is Reason.APPROVED_CONFIRMED
    return gate


def said(settlement_id: str, outcome: SettlementOutcome, **fields: object) -> Settlement:
    """What billing says of the first charge, for its whole price unless the fields say less."""
    return settlement(settlement_id, NOON, **{"charge_id": CHARGE_ID, "outcome": outcome, **fields})


def refund(gate: Gate, action_id: str, amount_minor: int | None, at: int = NOON) -> Reason:
    """Customer care asks for a refund of the first charge."""
    asked = care(
        action_id, NOON, kind=CareKind.REFUND, charge_id=CHARGE_ID, amount_minor=amount_minor
    )
    return gate.take(asked, at).reason


def refund_id(action_id: str) -> str:
    """The refund that a care action asked for."""
    return REFUND + event_base(care(action_id, NOON))


def account(gate: Gate, charge_id: str = CHARGE_ID) -> ChargeAccount:
    """What the gate has written down of a charge."""
    return gate.accounts[account_key(SUBSCRIBER, charge_id)]


def grant(gate: Gate) -> Grant | None:
    """The day's grant for the service."""
    day = gate.charges[0].day
    return gate.service_days[service_day_key(day, SUBSCRIBER, SMS_SERVICE.service_id)].grant


def spent(gate: Gate) -> int:
    """What the first day has cost so far."""
    (row,) = gate.subscribers.values()
    return sum(each.amount_minor for each in row.days[0].spent)


def test_a_charge_that_was_taken_is_settled() -> None:
    """The decision tells the charge, its order, service and price; no other row changes."""
    gate = charged()
    decision = gate.take(said("s-1", CHARGED), NOON)
    assert decision.reason is Reason.SETTLED
    assert (decision.before, decision.after) == (State.FRESH, State.FRESH)
    assert (decision.order_id, decision.charge_id) == ("o-1", CHARGE_ID)
    assert (decision.channel, decision.price_minor) == (Channel.SMS, PRICE)
    assert (decision.province, decision.provider_id, decision.service_id) == (
        "guangdong",
        "sp-1",
        "sms-1",
    )
    assert (decision.service_day, decision.subscriber, decision.effects) == (KEEP, KEEP, ())
    assert account(gate).settled is CHARGED
    assert account(gate).settlement_ids == ("s-1",)


def test_a_failed_charge_goes_back_to_its_grant() -> None:
    """With one charge granted the second order is asked about; when the first failed, it is not."""
    gate = granted(grant_count_max=1)
    assert gate.take(order("o-2", NOON), NOON).reason is Reason.PROMPTED
    gate = granted(grant_count_max=1)
    failed = gate.take(said("s-1", FAILED), NOON)
    assert failed.reason is Reason.CHARGE_FAILED
    assert (failed.before, failed.after) == (State.GRANTED, State.GRANTED)
    assert gate.take(order("o-2", NOON), NOON).reason is Reason.APPROVED_GRANTED
    assert gate.take(order("o-3", NOON), NOON).reason is Reason.PROMPTED


def test_a_failed_charge_gives_its_amount_back_too() -> None:
    """Count and amount of the grant are what they were before the charge."""
    gate = granted(grant_amount_max_minor=PRICE)
    before = grant(gate)
    assert before is not None
    gate.take(said("s-1", FAILED), NOON)
    after = grant(gate)
    assert after is not None
    assert after.count_left == before.count_left + 1
    assert (before.amount_left_minor, after.amount_left_minor) == (0, PRICE)


def test_a_failed_charge_goes_back_to_no_other_grant() -> None:
    """What was charged by a yes that was revoked adds nothing to the yes that came after."""
    gate = granted()
    gate.take(care("a-1", NOON, kind=CareKind.REVOKE), NOON)
    gate.take(order("o-2", NOON), NOON)
    gate.take(reply("r-2", NOON), NOON)
    before = grant(gate)
    assert gate.take(said("s-1", FAILED), NOON).reason is Reason.CHARGE_FAILED
    assert before is not None
    assert grant(gate) == before
    assert before.prompt_id != account(gate).prompt_id


def test_a_failed_charge_of_a_revoked_grant_goes_nowhere() -> None:
    """After a revocation there is no grant, and a failed charge brings none back."""
    gate = granted()
    gate.take(care("a-1", NOON, kind=CareKind.REVOKE), NOON)
    assert gate.take(said("s-1", FAILED), NOON).reason is Reason.CHARGE_FAILED
    assert not gate.service_days
    assert gate.take(order("o-2", NOON), NOON).reason is Reason.PROMPTED


def test_a_failed_charge_opens_the_spend_limit_again() -> None:
    """Money that was not taken was not spent."""
    gate = charged(spend_limits=(SpendLimit("CNY", PRICE),))
    assert gate.take(order("o-2", NOON), NOON).reason is Reason.SPEND_LIMIT
    gate.take(said("s-1", FAILED), NOON)
    assert spent(gate) == 0
    assert gate.take(order("o-3", NOON), NOON).reason is Reason.APPROVED_NOT_ASKED
    assert gate.take(order("o-4", NOON), NOON).reason is Reason.SPEND_LIMIT


def test_money_given_back_stays_spent() -> None:
    """A refund is no failed charge: the day keeps what was ordered."""
    gate = charged(spend_limits=(SpendLimit("CNY", PRICE),))
    refund(gate, "a-1", None)
    gate.take(said("s-1", REFUNDED, refund_id=refund_id("a-1")), NOON)
    assert gate.take(order("o-2", NOON), NOON).reason is Reason.SPEND_LIMIT


def test_a_charge_of_a_forgotten_day_can_still_fail() -> None:
    """After the horizon the account is written, and the days that are kept stay as they are."""
    gate = charged()
    later = NOON + 9 * DAY
    gate.tick(later)
    gate.take(order("o-2", later), later)
    gate.service_days.clear()
    (row,) = gate.subscribers.values()
    assert len(row.days) == 1
    failed = gate.take(said("s-1", FAILED, settled_at=later), later)
    assert failed.reason is Reason.CHARGE_FAILED
    assert (failed.service_day, failed.subscriber) == (KEEP, KEEP)
    assert account(gate).settled is FAILED
    assert spent(gate) == PRICE


def test_a_failed_charge_of_the_owner_before_is_none_of_the_new_owners() -> None:
    """After a release the new subscriber's day is left alone by what the old one was charged."""
    gate = charged()
    gate.take(care("a-1", NOON + HOUR, kind=CareKind.RELEASE), NOON + HOUR)
    gate.take(order("o-2", NOON + 2 * HOUR), NOON + 2 * HOUR)
    failed = gate.take(said("s-1", FAILED), NOON + 3 * HOUR)
    assert (failed.reason, failed.subscriber) == (Reason.CHARGE_FAILED, KEEP)
    assert spent(gate) == PRICE


def test_a_charge_before_a_release_that_was_told_late_stays_with_its_day() -> None:
    """Ordered after the number had changed hands and charged before the gate was told of it: the
    release has taken it from the day already, so its failing takes nothing more.
    """
    gate = charged()
    told_late = care("a-1", NOON - HOUR, kind=CareKind.RELEASE)
    gate.take(told_late, NOON + HOUR)
    gate.take(order("o-2", NOON + 2 * HOUR), NOON + 2 * HOUR)
    failed = gate.take(said("s-1", FAILED), NOON + 3 * HOUR)
    assert (failed.reason, failed.subscriber) == (Reason.CHARGE_FAILED, KEEP)
    assert spent(gate) == PRICE


def test_a_settlement_needs_no_policy_in_force() -> None:
    """One whose record lies before the first policy (a clock was wrong) is booked too."""
    gate = charged()
    at = NOON - 30 * DAY
    assert gate.take(said("s-1", FAILED, settled_at=at), at).reason is Reason.CHARGE_FAILED
    assert spent(gate) == 0


# -- refunds --------------------------------------------------------------------------------------


def test_a_refund_request_says_what_billing_needs() -> None:
    """All that is left, in the charge's currency, under an id of the action's own."""
    gate = charged()
    assert refund(gate, "a-1", None, NOON + 1) is Reason.REFUND_REQUESTED
    (request,) = gate.refunds
    assert request.refund_id == refund_id("a-1")
    assert (request.charge_id, request.msisdn) == (CHARGE_ID, SUBSCRIBER)
    assert (request.amount_minor, request.currency) == (PRICE, "CNY")
    assert (request.complaint_id, request.reason) == (None, RefundReason.CARE)
    assert request.requested_at == NOON + 1


@pytest.mark.parametrize("first", [CHARGED, REFUNDED])
def test_a_refund_may_overtake_its_charges_settlement(first: SettlementOutcome) -> None:
    """Billing answers in whichever order; both are booked."""
    gate = charged()
    refund(gate, "a-1", None)
    given = said("s-2", REFUNDED, refund_id=refund_id("a-1"))
    answers = [said("s-1", CHARGED), given]
    reasons = {
        gate.take(each, NOON).reason
        for each in sorted(answers, key=lambda answer: answer.outcome is not first)
    }
    assert reasons == {Reason.SETTLED, Reason.REFUNDED}
    assert account(gate).settled is CHARGED
    assert [each.outcome for each in account(gate).refunds] == [REFUNDED]
    assert not gate.alarms


def test_a_charge_may_fail_while_its_refund_is_under_way() -> None:
    """Nobody is wrong: the request crossed the answer. Nothing is left, so the refund can only
    fail; money given back for it would contradict.
    """
    gate = charged()
    refund(gate, "a-1", 50)
    assert gate.take(said("s-1", FAILED), NOON).reason is Reason.CHARGE_FAILED
    assert left(account(gate)) == 0
    assert refund(gate, "a-2", None) is Reason.NOTHING_TO_REFUND
    given = said("s-2", REFUNDED, refund_id=refund_id("a-1"), amount_minor=50)
    assert gate.take(given, NOON).reason is Reason.DEAD_LETTER
    refused = said("s-3", FAILED, refund_id=refund_id("a-1"), amount_minor=50)
    assert gate.take(refused, NOON).reason is Reason.REFUND_FAILED
    assert left(account(gate)) == 0


def test_refunds_never_exceed_their_charge() -> None:
    """Parts may add up to the very price; one minor unit more is refused, under way or done."""
    gate = charged()
    assert refund(gate, "a-1", PRICE + 1) is Reason.REFUND_EXCEEDS
    assert refund(gate, "a-2", 50) is Reason.REFUND_REQUESTED
    assert refund(gate, "a-3", PRICE - 49) is Reason.REFUND_EXCEEDS
    gate.take(said("s-1", REFUNDED, refund_id=refund_id("a-2"), amount_minor=50), NOON)
    assert refund(gate, "a-4", PRICE - 49) is Reason.REFUND_EXCEEDS
    assert refund(gate, "a-5", PRICE - 50) is Reason.REFUND_REQUESTED
    assert refund(gate, "a-6", 1) is Reason.NOTHING_TO_REFUND
    assert refund(gate, "a-7", None) is Reason.NOTHING_TO_REFUND
    assert sum(each.amount_minor for each in gate.refunds) == PRICE


def test_a_failed_refund_can_be_asked_for_again() -> None:
    """What billing could not give back is free again, and operations learn of it."""
    gate = charged()
    refund(gate, "a-1", None)
    assert refund(gate, "a-2", 1) is Reason.NOTHING_TO_REFUND
    failed = gate.take(said("s-1", FAILED, refund_id=refund_id("a-1")), NOON)
    assert failed.reason is Reason.REFUND_FAILED
    (alarm,) = gate.alarms
    assert (alarm.kind, alarm.raised_at) == (AlarmKind.REFUND, NOON)
    assert alarm.subject == "settlements.v1 partition 0 offset 3"
    assert refund_id("a-1") in alarm.detail
    assert refund(gate, "a-3", PRICE) is Reason.REFUND_REQUESTED
    assert refund(gate, "a-4", 1) is Reason.NOTHING_TO_REFUND
    again = said("s-2", REFUNDED, refund_id=refund_id("a-1"))
    assert gate.take(again, NOON).reason is Reason.DEAD_LETTER


def test_what_was_asked_for_counts_whole_if_less_is_given_back() -> None:
    """Billing may give back less; the rest is not asked for a second time."""
    gate = charged()
    refund(gate, "a-1", 150)
    less = said("s-1", REFUNDED, refund_id=refund_id("a-1"), amount_minor=100)
    assert gate.take(less, NOON).reason is Reason.REFUNDED
    assert left(account(gate)) == PRICE - 150


def test_billing_may_give_back_by_itself() -> None:
    """Within what is left it is booked as a refund under the settlement's id; beyond, it is not."""
    gate = charged()
    assert gate.take(said("s-1", REFUNDED, amount_minor=150), NOON).reason is Reason.REFUNDED
    (booked,) = account(gate).refunds
    assert (booked.refund_id, booked.amount_minor, booked.outcome) == ("s-1", 150, REFUNDED)
    assert gate.take(said("s-2", REFUNDED, amount_minor=51), NOON).reason is Reason.DEAD_LETTER
    assert refund(gate, "a-1", 51) is Reason.REFUND_EXCEEDS
    assert refund(gate, "a-2", 50) is Reason.REFUND_REQUESTED


# -- what cannot be meant -------------------------------------------------------------------------

ASKED = refund_id("a-0")  # 50 of the first charge, asked for before each of these

CONTRADICTIONS = [
    ([], said("s-9", CHARGED, charge_id="c-9"), "charge_unknown", "no such charge"),
    ([], said("s-9", REFUNDED, charge_id="c-9"), "charge_unknown", "no such charge"),
    ([], said("s-9", REFUNDED, refund_id="f-9"), "refund_unknown", "no such refund"),
    ([], said("s-9", FAILED, refund_id="f-9"), "refund_unknown", "no such refund"),
    ([], said("s-9", CHARGED, amount_minor=PRICE - 1), None, "its charge is 200"),
    ([], said("s-9", FAILED, amount_minor=PRICE + 1), None, "its charge is 200"),
    ([], said("s-9", CHARGED, currency="HKD"), None, "its charge is in CNY"),
    ([], said("s-9", REFUNDED, amount_minor=1, currency="HKD"), None, "its charge is in CNY"),
    ([], said("s-9", SettlementOutcome.UNKNOWN), None, "none that is known"),
    ([], said("s-9", CHARGED, refund_id=ASKED, amount_minor=50), None, "nothing else"),
    ([], said("s-9", REFUNDED, refund_id=ASKED, amount_minor=51), None, "only 50 was asked for"),
    ([], said("s-9", REFUNDED, amount_minor=PRICE - 49), None, "only 150 of its charge is left"),
    ([said("s-1", CHARGED)], said("s-9", CHARGED), None, "was settled CHARGED before"),
    ([said("s-1", CHARGED)], said("s-9", FAILED), None, "was settled CHARGED before"),
    ([said("s-1", FAILED)], said("s-9", CHARGED), None, "was settled FAILED before"),
    ([said("s-1", FAILED)], said("s-9", FAILED), None, "was settled FAILED before"),
    ([said("s-1", FAILED)], said("s-9", REFUNDED, amount_minor=1), None, "nothing was taken"),
    (
        [said("s-1", REFUNDED, amount_minor=1)],
        said("s-9", FAILED),
        None,
        "was given back before",
    ),
    (
        [said("s-1", REFUNDED, refund_id=ASKED, amount_minor=50)],
        said("s-9", REFUNDED, refund_id=ASKED, amount_minor=50),
        None,
        "its refund was settled REFUNDED before",
    ),
    (
        [said("s-1", REFUNDED, refund_id=ASKED, amount_minor=50)],
        said("s-9", FAILED, refund_id=ASKED, amount_minor=50),
        None,
        "its refund was settled REFUNDED before",
    ),
]


@pytest.mark.parametrize(("before", "contradicting", "cause", "why"), CONTRADICTIONS)
def test_what_contradicts_changes_nothing(
    before: list[Settlement], contradicting: Settlement, cause: str | None, why: str
) -> None:
    """It is a dead letter and an alarm that say what contradicts what, once."""
    gate = charged()
    refund(gate, "a-0", 50)
    for each in before:
        assert gate.take(each, NOON).reason is not Reason.DEAD_LETTER
    accounts, days, offset = dict(gate.accounts), dict(gate.subscribers), len(gate.taken)
    decision = gate.take(contradicting, NOON + MINUTE)
    assert decision.reason is Reason.DEAD_LETTER
    assert (gate.accounts, gate.subscribers) == (accounts, days)
    (letter,), (alarm,) = gate.dead_letters, gate.alarms
    assert letter.cause == (cause or "settlement_contradicts")
    assert letter.detail == alarm.detail
    assert why in alarm.detail
    assert f"settlement s-9 says {contradicting.outcome} {contradicting.amount_minor}" in (
        alarm.detail
    )
    assert contradicting.charge_id in alarm.detail
    assert alarm.kind is AlarmKind.SETTLEMENT
    assert alarm.subject == f"settlements.v1 partition 0 offset {offset}"
    assert alarm.raised_at == NOON + MINUTE
    again = gate.take(contradicting, NOON + MINUTE)
    assert (again.reason, again.effects) == (Reason.REPEATED, ())


def test_a_contradiction_shows_no_number() -> None:
    """Ids are anybody's; where one has the subscriber's number in it, it is masked and cut."""
    gate = charged()
    name = f"set-{SUBSCRIBER}-{'9' * 200}"
    gate.take(said(name, CHARGED, charge_id=SUBSCRIBER, refund_id=SUBSCRIBER), NOON)
    gate.take(said(f"{name}-2", CHARGED, refund_id=SUBSCRIBER, currency=SUBSCRIBER), NOON)
    assert len(gate.alarms) == len(gate.dead_letters) == 2
    shown = repr(gate.alarms) + repr(gate.dead_letters)
    assert SUBSCRIBER not in shown
    assert "set-…001-9" in shown
    assert "9" * 100 not in shown


def test_a_settlement_is_known_again_by_its_account() -> None:
    """When the memory of events has gone by, a repetition is still no contradiction."""
    gate = charged()
    gate.take(said("s-1", CHARGED), NOON)
    gate.seen_events.clear()
    later = gate.take(said("s-1", CHARGED), NOON + 100 * DAY)
    assert (later.reason, later.effects, later.seen) == (Reason.REPEATED, (), KEEP)


def test_a_refund_is_asked_for_once_even_when_its_action_is_forgotten() -> None:
    """The account knows the ids of its refunds longer than events are remembered."""
    gate = charged()
    refund(gate, "a-1", 50)
    gate.seen_events.clear()
    assert refund(gate, "a-1", 50, NOON + 100 * DAY) is Reason.REPEATED
    assert len(gate.refunds) == 1


def test_a_settlement_ahead_of_its_time_or_of_less_than_nothing_is_not_remembered() -> None:
    """What is fixed and sent again under the same id is taken."""
    gate = charged()
    for wrong in (said("s-1", CHARGED, settled_at=NOON + SKEW + 1), said("s-1", CHARGED)):
        negative = wrong._replace(amount_minor=-1)
        assert gate.take(negative, NOON).reason is Reason.DEAD_LETTER
    ahead = said("s-1", CHARGED, settled_at=NOON + SKEW + 1)
    assert gate.take(ahead, NOON).reason is Reason.DEAD_LETTER
    assert {each.cause for each in gate.dead_letters} == {"negative_amount", "time_ahead"}
    assert gate.take(said("s-1", CHARGED), NOON).reason is Reason.SETTLED


def test_billing_cannot_settle_another_subscribers_charge() -> None:
    """A charge is looked for among the subscriber's own."""
    gate = charged()
    decision: Decision = gate.take(said("s-1", CHARGED, msisdn="8613800000002"), NOON)
    assert decision.reason is Reason.DEAD_LETTER
    assert [each.cause for each in gate.dead_letters] == ["charge_unknown"]
    assert account(gate).settled is SettlementOutcome.UNKNOWN


def test_a_settlement_before_its_charge_is_of_no_charge() -> None:
    """What billing cannot have read it cannot settle; once approved, the charge is settled anew."""
    gate = Gate(catalogue(policy(OFF)))
    assert gate.take(said("s-1", CHARGED), NOON).reason is Reason.DEAD_LETTER
    gate.take(order("o-1", NOON), NOON)
    assert gate.take(said("s-1", CHARGED), NOON).reason is Reason.REPEATED
    assert gate.take(said("s-2", CHARGED), NOON).reason is Reason.SETTLED
    assert len(gate.alarms) == 1
