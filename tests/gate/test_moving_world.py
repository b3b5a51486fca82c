"""What changes between an order and the next, or between an order and its answer."""

import pytest

from streams.gate.reference import Rule, Service
from streams.gate.words import AlarmKind, Confirmation, ProviderStatus, Reason
from tests.gate.examples import (
    BEGINNING,
    DAY,
    EVERY,
    FIRST,
    HOUR,
    LIFE,
    LOCAL_PROVIDER,
    LOCAL_SERVICE,
    MINUTE,
    NOON,
    OFF,
    OTHER_SMS_SERVICE,
    REFUSE,
    SECOND,
    SMS_SERVICE,
    VOICE,
    catalogue,
    credit,
    order,
    policy,
    reply,
    rule,
)
from tests.gate.harness import Gate

POOR = rule("poor", Confirmation.FIRST_OF_DAY, credit_below=60)


@pytest.mark.parametrize(
    ("points", "after"), [(59, Reason.PROMPTED), (60, Reason.APPROVED_NOT_ASKED)]
)
def test_credit_counts_from_its_very_instant(points: int, after: Reason) -> None:
    """An order a moment before effective_from meets the old points, one at it the new ones."""
    reference = catalogue(policy(VOICE, POOR, OFF))
    for change in (credit(80), credit(points, change_id="credit-2", effective_from=NOON)):
        assert reference.fold("credits.v1", change) is None
    gate = Gate(reference)
    assert gate.take(order("o-1", NOON - 1), NOON - 1).reason is Reason.APPROVED_NOT_ASKED
    assert gate.take(order("o-2", NOON), NOON).reason is after


def test_record_time_and_not_business_time_finds_policy_and_credit() -> None:
    """An order placed before a change that is recorded at it is decided by what is new."""
    reference = catalogue(policy(VOICE, POOR, OFF))
    assert reference.fold("credits.v1", credit(80)) is None
    assert reference.fold("credits.v1", credit(0, change_id="c-2", effective_from=NOON)) is None
    gate = Gate(reference)
    assert gate.take(order("o-1", NOON - 1), NOON).reason is Reason.PROMPTED


def test_a_policy_comes_into_force_between_two_orders() -> None:
    """The prompt asked under the old policy stays a question for the day; an order under the new
    one, which asks each time, does not wait on it. Each yes gives what its own prompt asked.
    """
    second = policy(EVERY, version=2, effective_from=NOON + 1)
    gate = Gate(catalogue(policy(), second))
    gate.take(order("o-1", NOON), NOON)
    new = gate.take(order("o-2", NOON), NOON + 1)
    assert new.reason is Reason.PROMPTED
    old_code, new_code = (message.reply_code or "" for message in gate.messages)
    gate.take(reply("r-1", NOON + SECOND, new_code), NOON + SECOND)
    gate.take(reply("r-2", NOON + SECOND, old_code), NOON + SECOND)
    assert [(each.order_id, each.confirmation) for each in gate.charges] == [
        ("o-2", Confirmation.EVERY_ORDER),
        ("o-1", Confirmation.FIRST_OF_DAY),
    ]
    assert {charge.policy_version for charge in gate.charges} == {2}
    (row,) = gate.service_days.values()
    assert row.grant is not None
    third = gate.take(order("o-3", NOON), NOON + MINUTE)
    assert third.reason is Reason.PROMPTED  # the new policy asks, whatever was granted


def test_a_policy_that_refuses_does_not_take_back_what_was_asked() -> None:
    """An order that was asked about in time is charged by its yes; the next one is refused."""
    gate = Gate(catalogue(policy(), policy(REFUSE, version=2, effective_from=NOON + 1)))
    gate.take(order("o-1", NOON), NOON)
    assert gate.take(reply("r-1", NOON + 1), NOON + 1).reason is Reason.APPROVED_CONFIRMED
    assert gate.take(order("o-2", NOON), NOON + 1).reason is Reason.REFUSED_BY_POLICY


def test_the_grant_is_what_the_prompt_asked_for() -> None:
    """A policy that grants more or less in the meantime changes neither count nor amount."""
    more = FIRST._replace(grant_count_max=100)
    second = policy(VOICE, more, version=2, effective_from=NOON + 1)
    gate = Gate(catalogue(policy(VOICE, FIRST._replace(grant_count_max=2)), second))
    for place in (1, 2, 3):
        gate.take(order(f"o-{place}", NOON), NOON)
    gate.take(reply("r-1", NOON + 1), NOON + 1)
    assert [each.reason for each in gate.verdicts] == [
        Reason.APPROVED_CONFIRMED,
        Reason.APPROVED_CONFIRMED,
        Reason.GRANT_EXHAUSTED,
    ]
    assert gate.take(order("o-4", NOON), NOON + 2).reason is Reason.PROMPTED


def test_the_price_shown_holds_for_all_that_waits_and_grants_no_other() -> None:
    """The price changes while two wait: both are charged at what was shown; an order at the new
    price is asked about, though a yes of the day is there.
    """
    reference = catalogue()
    gate = Gate(reference)
    for place in (1, 2):
        gate.take(order(f"o-{place}", NOON), NOON)
    dearer = SMS_SERVICE._replace(price_minor=900, charge_code="code-new", version=2)
    assert reference.fold("services.v1", dearer) is None
    between = gate.take(order("o-3", NOON, dearer), NOON + 1)
    assert between.reason is Reason.PROMPTED
    gate.take(reply("r-1", NOON + 2, gate.messages[0].reply_code or ""), NOON + 2)
    assert [(each.order_id, each.price_minor) for each in gate.charges] == [
        ("o-1", 200),
        ("o-2", 200),
    ]
    assert gate.take(order("o-4", NOON, dearer), NOON + 3).reason is Reason.WAITING
    assert gate.take(order("o-5", NOON), NOON + 3).reason is Reason.PRICE_MISMATCH


def test_a_provider_suspended_in_between_is_not_paid_for_anything_that_waits() -> None:
    """The yes finds the provider suspended: all that waits is refused, nothing is granted, and the
    yes is no no: on its return the subscriber is asked again even where a no would stand.
    """
    reference = catalogue(policy(refuse_after_no=True))
    gate = Gate(reference)
    for place in (1, 2):
        gate.take(order(f"o-{place}", NOON, LOCAL_SERVICE), NOON)
    suspended = LOCAL_PROVIDER._replace(status=ProviderStatus.SUSPENDED, version=2)
    assert reference.fold("providers.v1", suspended) is None
    decision = gate.take(reply("r-1", NOON + 1), NOON + 1)
    assert decision.reason is Reason.PROVIDER_NOT_ACTIVE
    assert [each.reason for each in gate.verdicts] == [Reason.PROVIDER_NOT_ACTIVE] * 2
    assert not gate.charges
    assert not gate.service_days
    assert reference.fold("providers.v1", LOCAL_PROVIDER._replace(version=3)) is None
    assert gate.take(order("o-3", NOON, LOCAL_SERVICE), NOON + 2).reason is Reason.PROMPTED


CHANGED: list[tuple[str, int, Service]] = [
    ("another service", NOON, OTHER_SMS_SERVICE),
    ("another day", NOON - DAY, SMS_SERVICE),
    ("another price", NOON, SMS_SERVICE._replace(price_minor=300)),
]


@pytest.mark.parametrize(
    ("what", "ordered_at", "service"), CHANGED, ids=lambda each: str(each)[:15]
)
@pytest.mark.parametrize("rules", [(OFF,), (VOICE, FIRST), (REFUSE,)], ids=("off", "ask", "refuse"))
def test_a_link_id_is_one_order_for_ever(
    what: str, ordered_at: int, service: Service, rules: tuple[Rule, ...]
) -> None:
    """The same LinkID under another service, day or price is a conflict, whether the first order
    was charged, is asked about, or was refused; the second is never charged, asked or answered.
    """
    gate = Gate(catalogue(policy(*rules)))
    at = NOON + HOUR
    gate.take(order("o-1", NOON), NOON)
    sent = list(gate.sent)
    decision = gate.take(order("o-1", ordered_at, service), at)
    assert decision.reason is Reason.CONFLICT, what
    assert [alarm.kind for alarm in gate.alarms] == [AlarmKind.CONFLICT]
    assert gate.sent == [*sent, *gate.dead_letters, *gate.alarms]
    assert gate.take(order("o-1", NOON), at).reason is Reason.REPEATED


def test_a_late_order_of_an_old_day_is_answered_for_its_own_day() -> None:
    """An order of five days ago is asked about now, its yes charges that day, counts against that
    day's money, and grants nothing today.
    """
    gate = Gate(catalogue())
    at = BEGINNING + 6 * DAY + HOUR
    gate.take(order("o-1", BEGINNING + DAY), at)
    gate.take(reply("r-1", at + LIFE - 1), at + LIFE - 1)
    (charge,) = gate.charges
    assert charge.day == gate.catalogue.policies[BEGINNING].day_of(BEGINNING + DAY)
    assert gate.take(order("o-2", at), at).reason is Reason.PROMPTED
    assert gate.take(order("o-3", BEGINNING + DAY), at).reason is Reason.APPROVED_GRANTED


def test_a_yes_after_the_horizon_of_its_order_still_finds_its_day() -> None:
    """Asked on the last moment of the horizon's last day and answered after midnight, the order is
    charged to its day, which is older than any that is still taken.
    """
    gate = Gate(catalogue())
    at = BEGINNING + 8 * DAY - 1
    assert gate.take(order("o-1", BEGINNING), at).reason is Reason.PROMPTED
    decision = gate.take(reply("r-1", at + 2), at + 2)
    assert decision.reason is Reason.APPROVED_CONFIRMED
    assert gate.take(order("o-2", BEGINNING), at + 2).reason is Reason.STALE
    assert gate.take(order("o-3", at + 2), at + 3).reason is Reason.PROMPTED
