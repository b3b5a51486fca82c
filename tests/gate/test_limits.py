"""Limits of a day, a call and a no: at which very order they end what is charged or asked."""

import pytest

from streams.gate.keys import subscriber_key
from streams.gate.policy import DAY_MS
from streams.gate.reference import Policy, Rule, SpendLimit
from streams.gate.rows import Subscriber
from streams.gate.words import Confirmation, Outcome, Reason
from tests.gate.examples import (
    BEGINNING,
    DAY,
    EVERY,
    FIRST,
    HOUR,
    IVR_SERVICE,
    LIFE,
    LOCAL_SERVICE,
    MINUTE,
    MMS_SERVICE,
    NOON,
    OFF,
    OTHER_SMS_SERVICE,
    REFUSE,
    SECOND,
    SMS_SERVICE,
    SUBSCRIBER,
    VOICE,
    catalogue,
    key_press,
    order,
    policy,
    reply,
    rule,
)
from tests.gate.harness import Gate

MIDNIGHT = BEGINNING + DAY
SHADOW = rule("shadow", Confirmation.SHADOW, prompt_life_ms=LIFE)


def spending(per_day_max_minor: int, *rules: Rule, **fields: object) -> Policy:
    """A policy under which that many fen may be spent a day."""
    return policy(*rules, spend_limits=(SpendLimit("CNY", per_day_max_minor),), **fields)


def row_of(gate: Gate) -> Subscriber:
    return gate.subscribers[subscriber_key(SUBSCRIBER)]


def verdicts(gate: Gate) -> list[tuple[str, Reason]]:
    return [(each.order_id, each.reason) for each in gate.verdicts]


@pytest.mark.parametrize("each", [OFF, SHADOW, FIRST, EVERY], ids=lambda each: each.name)
def test_the_spend_limit_binds_every_confirmation(each: Rule) -> None:
    """What would take the day over its limit is neither charged nor asked about."""
    gate = Gate(catalogue(spending(199, VOICE, each)))
    decision = gate.take(order("o-1", NOON), NOON)
    assert decision.reason is Reason.SPEND_LIMIT
    assert (decision.rule, verdicts(gate)) == (each.name, [("o-1", Reason.SPEND_LIMIT)])
    assert not gate.messages
    assert not gate.charges


def test_a_day_may_be_spent_to_the_last_unit_across_providers() -> None:
    """Two, one and three yuan of three services come to the limit of six; nothing more does."""
    gate = Gate(catalogue(spending(600, OFF)))
    ordered = (SMS_SERVICE, LOCAL_SERVICE, MMS_SERVICE, OTHER_SMS_SERVICE)
    for place, service in enumerate(ordered):
        gate.take(order(f"o-{place}", NOON, service), NOON)
    assert [each.outcome for each in gate.verdicts] == [Outcome.APPROVED] * 3 + [Outcome.REFUSED]
    assert gate.verdicts[-1].reason is Reason.SPEND_LIMIT


def test_a_currency_that_is_not_named_has_no_limit() -> None:
    """A limit in yuan says nothing about dollars, and dollars do not count against it."""
    reference = catalogue(spending(200, OFF))
    dollars = OTHER_SMS_SERVICE._replace(currency="USD", price_minor=10_000, version=2)
    assert reference.fold("services.v1", dollars) is None
    gate = Gate(reference)
    ordered = (dollars, SMS_SERVICE, dollars, SMS_SERVICE)
    reasons = [
        gate.take(order(f"o-{n}", NOON, each), NOON).reason for n, each in enumerate(ordered)
    ]
    assert reasons == [*[Reason.APPROVED_NOT_ASKED] * 3, Reason.SPEND_LIMIT]
    spent = {each.currency: each.amount_minor for each in row_of(gate).days[0].spent}
    assert spent == {"USD": 20_000, "CNY": 200}


def test_a_grant_does_not_lift_the_spend_limit() -> None:
    """What a yes covers is refused when the day's money is spent, and the grant stays as it was."""
    gate = Gate(catalogue(spending(400)))
    gate.take(order("o-1", NOON), NOON)
    gate.take(reply("r-1", NOON), NOON)
    reasons = [gate.take(order(f"o-{n}", NOON), NOON).reason for n in (2, 3)]
    assert reasons == [Reason.APPROVED_GRANTED, Reason.SPEND_LIMIT]
    (row,) = gate.service_days.values()
    assert row.grant is not None
    assert row.grant.count_left == FIRST.grant_count_max - 2


def test_the_spend_limit_is_reached_in_the_middle_of_waiting_orders() -> None:
    """Of three that wait, the money of the day pays two; the third is refused, the grant stays."""
    gate = Gate(catalogue(spending(599)))
    for place in (1, 2, 3):
        gate.take(order(f"o-{place}", NOON), NOON)
    decision = gate.take(reply("r-1", NOON), NOON)
    assert verdicts(gate) == [
        ("o-1", Reason.APPROVED_CONFIRMED),
        ("o-2", Reason.APPROVED_CONFIRMED),
        ("o-3", Reason.SPEND_LIMIT),
    ]
    assert decision.reason is Reason.APPROVED_CONFIRMED
    assert decision.charge_id == gate.charges[0].charge_id
    assert len(decision.writes) == len(gate.accounts) == 2
    assert row_of(gate).days[0].spent[0].amount_minor == 400
    (row,) = gate.service_days.values()
    assert row.grant is not None
    assert row.grant.count_left == FIRST.grant_count_max - 2


def test_a_yes_that_comes_after_the_money_was_spent_charges_nothing() -> None:
    """Two prompts are open, the yes to one spends the day's limit, the yes to the other finds it
    spent: its order is refused, and its grant is what the yes gave.
    """
    gate = Gate(catalogue(spending(300)))
    gate.take(order("o-1", NOON, MMS_SERVICE), NOON)
    gate.take(order("o-2", NOON), NOON)
    codes = [message.reply_code for message in gate.messages]
    gate.take(reply("r-1", NOON, codes[0] or ""), NOON)
    decision = gate.take(reply("r-2", NOON), NOON)
    assert decision.reason is Reason.SPEND_LIMIT
    assert decision.charge_id is None
    assert verdicts(gate) == [("o-1", Reason.APPROVED_CONFIRMED), ("o-2", Reason.SPEND_LIMIT)]
    grants = {key: row.grant for key, row in gate.service_days.items()}
    assert all(grant is not None for grant in grants.values())
    assert not row_of(gate).prompts


def test_when_every_order_is_asked_about_nothing_is_asked_that_the_limit_forbids() -> None:
    """After the yes to the first the money is spent: the two behind it are refused unasked."""
    gate = Gate(catalogue(spending(399, EVERY)))
    for place in (1, 2, 3):
        gate.take(order(f"o-{place}", NOON), NOON)
    gate.take(reply("r-1", NOON), NOON)
    assert verdicts(gate) == [
        ("o-1", Reason.APPROVED_CONFIRMED),
        ("o-2", Reason.SPEND_LIMIT),
        ("o-3", Reason.SPEND_LIMIT),
    ]
    assert len(gate.messages) == 1
    assert not gate.service_days


def test_a_limit_lowered_by_a_later_policy_binds_at_once() -> None:
    """The limit in force when the yes comes counts, not that of the day's beginning."""
    lower = spending(100, version=2, effective_from=NOON + MINUTE)
    gate = Gate(catalogue(spending(1_000), lower))
    gate.take(order("o-1", NOON), NOON)
    assert gate.take(reply("r-1", NOON + SECOND), NOON + MINUTE).reason is Reason.SPEND_LIMIT


@pytest.mark.parametrize("before", [Reason.SPEND_LIMIT, Reason.PROMPT_LIMIT, Reason.CALL_LIMIT])
def test_limits_are_of_the_orders_own_day(before: Reason) -> None:
    """After midnight nothing is spent or asked yet; an order from before midnight that comes late
    finds its own day's limits reached. A call goes on through midnight, and so does its ceiling.
    """
    capped = VOICE._replace(confirmation=Confirmation.OFF, call_count_max=1)
    policies = {
        Reason.SPEND_LIMIT: (spending(200, OFF), SMS_SERVICE),
        Reason.PROMPT_LIMIT: (
            policy(EVERY, prompts_per_day_max=1, waiting_orders_max=1),
            SMS_SERVICE,
        ),
        Reason.CALL_LIMIT: (policy(capped, OFF), IVR_SERVICE),
    }
    record, service = policies[before]
    gate = Gate(catalogue(record))
    late = MIDNIGHT - SECOND
    first = gate.take(order("o-1", late, service), late)
    gate.tick(MIDNIGHT + HOUR)
    at = MIDNIGHT + HOUR
    fresh = gate.take(order("o-2", at, service), at)
    assert (fresh.reason is first.reason) is (before is not Reason.CALL_LIMIT)
    assert gate.take(order("o-3", late, service), at).reason is before


def test_days_past_the_horizon_are_dropped_when_the_row_is_written() -> None:
    """A row keeps as many days as an order may be late, in their order, and no more."""
    gate = Gate(catalogue(policy(OFF)))
    for place in range(12):
        at = NOON + place * DAY
        gate.tick(at)
        gate.take(order(f"o-{place}", at), at)
    last = (NOON + 11 * DAY) // DAY_MS
    assert [each.day for each in row_of(gate).days] == list(range(last - 7, last + 1))
    late = NOON + 11 * DAY
    gate.take(order("o-late", NOON + 6 * DAY), late)
    assert [each.day for each in row_of(gate).days] == list(range(last - 7, last + 1))
    assert {each.day: each.spent[0].amount_minor for each in row_of(gate).days}[last - 5] == 400


def test_a_subscriber_is_asked_so_often_a_day_and_no_more() -> None:
    """Prompts count across providers and channels, those that were answered included."""
    gate = Gate(catalogue(policy(EVERY, prompts_per_day_max=3)))
    ordered = (SMS_SERVICE, IVR_SERVICE, LOCAL_SERVICE, MMS_SERVICE)
    reasons = []
    for place, service in enumerate(ordered):
        reasons.append(gate.take(order(f"o-{place}", NOON, service), NOON).reason)
        gate.take(reply(f"r-{place}", NOON, "N"), NOON)
    assert reasons == [*[Reason.PROMPTED] * 3, Reason.PROMPT_LIMIT]
    waits = gate.take(order("o-9", NOON, IVR_SERVICE), NOON)
    assert waits.reason is Reason.WAITING  # on a prompt that was sent already


def test_the_prompt_limit_refuses_what_waits_behind_the_last_question() -> None:
    """A yes to the second of three prompts charges it; with the limit reached nobody asks a third
    time, and without a question there is no charge.
    """
    gate = Gate(catalogue(policy(EVERY, prompts_per_day_max=2)))
    for place in (1, 2, 3):
        gate.take(order(f"o-{place}", NOON), NOON)
    gate.take(reply("r-1", NOON), NOON)
    gate.take(reply("r-2", NOON), NOON)
    assert verdicts(gate) == [
        ("o-1", Reason.APPROVED_CONFIRMED),
        ("o-2", Reason.APPROVED_CONFIRMED),
        ("o-3", Reason.PROMPT_LIMIT),
    ]
    assert row_of(gate).days[0].prompts == len(gate.messages) == 2


def test_a_no_stands_for_the_day_where_the_policy_says_so() -> None:
    """Orders of that service are refused until midnight, those of another are asked about."""
    gate = Gate(catalogue(policy(refuse_after_no=True)))
    gate.take(order("o-1", NOON), NOON)
    gate.take(reply("r-1", NOON, "N"), NOON)
    assert gate.take(order("o-2", NOON), NOON).reason is Reason.DECLINED_TODAY
    assert gate.take(order("o-3", NOON, OTHER_SMS_SERVICE), NOON).reason is Reason.PROMPTED
    assert gate.take(order("o-4", MIDNIGHT), MIDNIGHT).reason is Reason.PROMPTED


@pytest.mark.parametrize("each", [OFF, SHADOW, EVERY], ids=lambda each: each.name)
def test_a_no_outlasts_a_change_of_the_rules(each: Rule) -> None:
    """Whatever the rules come to ask for, a no of the day is a no; REFUSE says why it refuses."""
    second = policy(VOICE, each, version=2, effective_from=NOON + MINUTE, refuse_after_no=True)
    third = policy(REFUSE, version=3, effective_from=NOON + HOUR, refuse_after_no=True)
    gate = Gate(catalogue(policy(), second, third))
    gate.take(order("o-1", NOON), NOON)
    gate.take(reply("r-1", NOON, "N"), NOON)
    assert gate.take(order("o-2", NOON), NOON + MINUTE).reason is Reason.DECLINED_TODAY
    assert gate.take(order("o-3", NOON), NOON + HOUR).reason is Reason.REFUSED_BY_POLICY


def test_a_no_does_not_take_back_what_an_earlier_yes_covers() -> None:
    """At another price the same service was declined; at the price of the grant it is charged."""
    reference = catalogue(policy(refuse_after_no=True))
    gate = Gate(reference)
    gate.take(order("o-1", NOON), NOON)
    gate.take(reply("r-1", NOON), NOON)
    dearer = SMS_SERVICE._replace(price_minor=900, version=2)
    assert reference.fold("services.v1", dearer) is None
    gate.take(order("o-2", NOON, dearer), NOON)
    gate.take(reply("r-2", NOON, "N"), NOON)
    assert gate.take(order("o-3", NOON, dearer), NOON).reason is Reason.DECLINED_TODAY
    assert reference.fold("services.v1", SMS_SERVICE._replace(version=3)) is None
    assert gate.take(order("o-4", NOON), NOON).reason is Reason.APPROVED_GRANTED


@pytest.mark.parametrize(
    ("ceiling", "approved"),
    [
        ({"call_count_max": 2}, 2),
        ({"call_amount_max_minor": 1_499}, 2),
        ({"call_amount_max_minor": 1_500}, 3),
        ({"call_amount_max_minor": 499}, 0),
        ({}, 4),
    ],
)
def test_a_call_has_its_ceiling(ceiling: dict[str, object], approved: int) -> None:
    """At five yuan a charge, the ceiling ends a call to the last unit; another call is its own."""
    capped = VOICE._replace(confirmation=Confirmation.OFF, **ceiling)  # type: ignore[arg-type]
    gate = Gate(catalogue(policy(capped, OFF)))
    reasons = [gate.take(order(f"o-{n}", NOON, IVR_SERVICE), NOON).reason for n in range(4)]
    refused = [Reason.CALL_LIMIT] * (4 - approved)
    assert reasons == [*[Reason.APPROVED_NOT_ASKED] * approved, *refused]
    elsewhere = gate.take(order("o-9", NOON, IVR_SERVICE, call_id="call-2"), NOON).reason
    assert (elsewhere is Reason.APPROVED_NOT_ASKED) is (approved > 0)


def test_the_ceiling_of_a_call_holds_when_the_yes_comes() -> None:
    """Three wait in a call that may bring two charges: two have their key press, the third none."""
    gate = Gate(catalogue(policy(VOICE._replace(call_count_max=2), FIRST)))
    for place in (1, 2, 3):
        gate.take(order(f"o-{place}", NOON, IVR_SERVICE), NOON)
    gate.take(key_press("r-1", NOON), NOON)
    gate.take(key_press("r-2", NOON), NOON)
    assert verdicts(gate) == [
        ("o-1", Reason.APPROVED_CONFIRMED),
        ("o-2", Reason.APPROVED_CONFIRMED),
        ("o-3", Reason.CALL_LIMIT),
    ]
    assert len(gate.messages) == 2


def test_the_ceiling_that_stood_when_it_was_asked_counts() -> None:
    """A policy that lowers a call's ceiling does not take back what was asked under another."""
    lower = policy(VOICE._replace(call_count_max=1), version=2, effective_from=NOON + SECOND)
    gate = Gate(catalogue(policy(VOICE), lower))
    gate.take(order("o-1", NOON, IVR_SERVICE), NOON)
    gate.take(order("o-2", NOON, IVR_SERVICE), NOON)
    for place in (1, 2):
        at = NOON + place * SECOND
        assert gate.take(key_press(f"r-{place}", at), at).reason is Reason.APPROVED_CONFIRMED


def test_a_call_id_on_a_text_order_is_not_a_call() -> None:
    """Only voice has calls: a text order that names one counts against no ceiling."""
    gate = Gate(catalogue(policy(OFF._replace(call_count_max=1))))
    reasons = [gate.take(order(f"o-{n}", NOON, call_id="call-1"), NOON).reason for n in (1, 2)]
    assert reasons == [Reason.APPROVED_NOT_ASKED] * 2
    assert not row_of(gate).days[0].calls


def test_a_grant_that_cannot_pay_one_order_charges_none() -> None:
    """A yes under an amount below the price refuses what waits, and says so."""
    gate = Gate(catalogue(policy(VOICE, FIRST._replace(grant_amount_max_minor=199))))
    gate.take(order("o-1", NOON), NOON)
    assert gate.take(reply("r-1", NOON), NOON).reason is Reason.GRANT_EXHAUSTED
    assert not gate.charges


def test_an_order_from_before_the_number_was_released_is_refused() -> None:
    """What the owner before ordered is not charged to the new one, not even a moment before; from
    the very instant of the release on the number is the new owner's.
    """
    gate = Gate(catalogue(policy(OFF)))
    gate.take(order("o-1", NOON), NOON)
    released = row_of(gate)._replace(days=(), last_charge=None, released_at=NOON)
    gate.subscribers[subscriber_key(SUBSCRIBER)] = released
    late = gate.take(order("o-2", NOON - 1, SMS_SERVICE._replace(service_id="nope")), NOON + HOUR)
    assert late.reason is gate.verdicts[-1].reason is Reason.NUMBER_RELEASED
    assert gate.take(order("o-3", NOON), NOON + HOUR).reason is Reason.APPROVED_NOT_ASKED
    assert row_of(gate).released_at == NOON
