"""The edges that the issue names, one test each; those that another file shows are named here.

- a reply exactly at the end of the prompt's life, and of the grace: test_edges
  (test_a_prompt_lives_from_its_issue_until_just_before_its_end, test_the_grace_ends_...)
- a price changed between prompt and reply, a provider suspended in between: test_stories
  (test_the_price_shown_is_the_price_charged, test_a_provider_suspended_while_waiting_...)
- two services pending and one plain yes: test_stories
  (test_a_yes_with_two_prompts_open_is_ambiguous)
- a grant used up in the middle of the waiting orders: test_edges
  (test_orders_beyond_the_grant_are_refused_when_the_yes_comes)
- a credit change at the very instant of an order: test_stories
  (test_providers_below_sixty_points_confirm_and_others_do_not)
- all others: below, in the issue's order.
"""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from streams.gate.events import Order
from streams.gate.reference import Policy, SpendLimit
from streams.gate.words import (
    CareKind,
    Confirmation,
    MessageKind,
    Outcome,
    Reason,
    SettlementOutcome,
    State,
)
from tests.gate.examples import (
    BEGINNING,
    DAY,
    EVERY,
    FIRST,
    GRACE,
    HOUR,
    LIFE,
    MINUTE,
    NOON,
    OFF,
    OTHER_SMS_SERVICE,
    SECOND,
    SMS_SERVICE,
    TEMPLATES,
    VOICE,
    care,
    catalogue,
    ms,
    order,
    policy,
    reply,
    rule,
    settlement,
)
from tests.gate.harness import Gate

BERLIN = ZoneInfo("Europe/Berlin")
CHANGES = [((2011, 3, 27), 23), ((2010, 10, 31), 25), ((2010, 11, 1), 24)]


def berlin(*moment: int) -> int:
    """An instant by Berlin's clocks."""
    return ms(datetime(*moment, tzinfo=BERLIN))  # type: ignore[arg-type, misc]


def refusals(gate: Gate) -> list[tuple[str, Reason]]:
    return [(each.order_id, each.reason) for each in gate.verdicts if each.outcome == "REFUSED"]


# Midnight, and the two clock changes of a zone that has them


@pytest.mark.parametrize(("date", "hours"), CHANGES)
def test_a_grant_covers_the_whole_day_on_which_clocks_change(
    date: tuple[int, int, int], hours: int
) -> None:
    """From midnight to midnight, be it 23, 24 or 25 hours, one yes is enough; then it is over."""
    gate = Gate(catalogue(policy(time_zone="Europe/Berlin")))
    midnight = berlin(*date)
    gate.take(order("o-1", midnight), midnight)
    gate.take(reply("r-1", midnight + 1), midnight + 1)
    instants = (midnight - 1, midnight + 3 * HOUR, midnight + hours * HOUR - 1)
    reasons = [gate.take(order(f"o-{at}", at), midnight + 2 * DAY).reason for at in instants]
    assert reasons == [Reason.PROMPTED, Reason.APPROVED_GRANTED, Reason.APPROVED_GRANTED]
    following = midnight + hours * HOUR
    assert gate.take(order("o-2", following), midnight + 2 * DAY).reason is Reason.PROMPTED


@pytest.mark.parametrize(("date", "hours"), CHANGES)
def test_a_spend_limit_holds_the_whole_day_on_which_clocks_change(
    date: tuple[int, int, int], hours: int
) -> None:
    """What was spent in the first hour still counts in the last one, and not in the next day."""
    limits = (SpendLimit("CNY", 400),)
    gate = Gate(catalogue(policy(OFF, time_zone="Europe/Berlin", spend_limits=limits)))
    midnight = berlin(*date)
    instants = (
        *(midnight - 1, midnight, midnight + 1),
        *(midnight + hours * HOUR - 1, midnight + hours * HOUR),
    )
    reasons = [gate.take(order(f"o-{at}", at), at).reason for at in instants]
    charged = Reason.APPROVED_NOT_ASKED
    assert reasons == [charged, charged, charged, Reason.SPEND_LIMIT, charged]


def test_a_prompt_limit_counts_for_the_orders_own_day() -> None:
    """Orders of before midnight that come after it count for the day they were placed on."""
    gate = Gate(catalogue(policy(prompts_per_day_max=1)))
    midnight = BEGINNING + DAY
    before, at = midnight - SECOND, midnight + SECOND
    assert gate.take(order("o-1", before), at).reason is Reason.PROMPTED
    assert gate.take(order("o-2", before, OTHER_SMS_SERVICE), at).reason is Reason.PROMPT_LIMIT
    assert gate.take(order("o-3", at, OTHER_SMS_SERVICE), at).reason is Reason.PROMPTED


# A reply before its order in the log


def test_a_yes_that_lies_before_its_order_is_not_its_yes() -> None:
    """What was said before the question is no answer, though both carry the same instant; the
    subscriber says yes again, and only that counts.
    """
    gate = Gate(catalogue())
    assert gate.take(reply("r-1", NOON), NOON).reason is Reason.NOT_ANSWERING
    assert gate.take(order("o-1", NOON), NOON).reason is Reason.PROMPTED
    assert gate.take(reply("r-1", NOON), NOON + SECOND).reason is Reason.REPEATED
    assert not gate.charges
    assert gate.take(reply("r-2", NOON), NOON + SECOND).reason is Reason.APPROVED_CONFIRMED


# A yes after a no


def test_a_yes_after_a_no_charges_nothing() -> None:
    """The no has closed the prompt: a yes behind it answers nothing, however quickly it comes."""
    gate = Gate(catalogue())
    gate.take(order("o-1", NOON), NOON)
    gate.take(reply("r-1", NOON + SECOND, "N"), NOON + SECOND)
    assert gate.take(reply("r-2", NOON + SECOND), NOON + SECOND).reason is Reason.NOT_ANSWERING
    assert refusals(gate) == [("o-1", Reason.DECLINED)]
    assert not gate.charges


def test_a_yes_to_the_next_prompt_counts_after_a_no_to_the_first() -> None:
    """Who is asked again after a no may say yes, and the grant then covers the day."""
    gate = Gate(catalogue())
    gate.take(order("o-1", NOON), NOON)
    gate.take(reply("r-1", NOON + 1, "N"), NOON + 1)
    gate.take(order("o-2", NOON + 2), NOON + 2)
    gate.take(reply("r-2", NOON + 3), NOON + 3)
    assert [each.order_id for each in gate.charges] == ["o-2"]
    assert gate.take(order("o-3", NOON + 4), NOON + 4).reason is Reason.APPROVED_GRANTED


# The same LinkID under another service, another day, another price


@pytest.mark.parametrize("replies", [("r-1",), ()], ids=["charged", "waiting"])
@pytest.mark.parametrize(
    "changed",
    [
        order("o-1", NOON, OTHER_SMS_SERVICE),
        order("o-1", NOON + DAY),
        order("o-1", NOON - DAY),
        order("o-1", NOON, price_minor=900),
        order("o-1", NOON, currency="EUR"),
    ],
    ids=["service", "tomorrow", "yesterday", "price", "currency"],
)
def test_a_link_id_that_comes_again_for_something_else_is_a_conflict(
    changed: Order, replies: tuple[str, ...]
) -> None:
    """Whatever differs, the second content is set aside with an alarm, and the first stands."""
    gate = Gate(catalogue())
    gate.take(order("o-1", NOON), NOON)
    for name in replies:
        gate.take(reply(name, NOON), NOON)
    before = (dict(gate.service_days), dict(gate.subscribers), len(gate.charges))
    conflict = gate.take(changed, NOON + DAY)
    assert conflict.reason is Reason.CONFLICT
    assert [type(each).__name__ for each in conflict.effects] == ["DeadLetter", "Alarm"]
    assert before == (gate.service_days, gate.subscribers, len(gate.charges))


# A refund racing a settlement; a settlement before its charge is known


def charged_gate(**fields: object) -> tuple[Gate, str]:
    """A gate that has charged an order, and the charge's id."""
    gate = Gate(catalogue(policy(OFF, **fields)))
    gate.take(order("o-1", NOON), NOON)
    return gate, gate.charges[0].charge_id


FAILED, REFUNDED = SettlementOutcome.FAILED, SettlementOutcome.REFUNDED


def test_a_refund_may_overtake_the_settlement_of_its_charge() -> None:
    """Asked for and given back before billing says that it took the money: all are written down,
    and nothing is left to give back.
    """
    gate, charge_id = charged_gate()
    at = NOON + MINUTE
    refund = care("a-1", at, kind=CareKind.REFUND, charge_id=charge_id)
    assert gate.take(refund, at).reason is Reason.REFUND_REQUESTED
    back = settlement(
        "s-1", at, charge_id=charge_id, refund_id=gate.refunds[0].refund_id, outcome=REFUNDED
    )
    assert gate.take(back, at).reason is Reason.REFUNDED
    assert gate.take(settlement("s-2", at, charge_id=charge_id), at).reason is Reason.SETTLED
    again = care("a-2", at, kind=CareKind.REFUND, charge_id=charge_id)
    assert gate.take(again, at).reason is Reason.NOTHING_TO_REFUND
    assert len(gate.refunds) == 1


def test_a_refund_of_a_charge_that_then_fails_gives_nothing_back() -> None:
    """Billing could not take the money while a refund was under way: a refund that succeeds all the
    same would give away money, so it is set aside with an alarm.
    """
    gate, charge_id = charged_gate()
    at = NOON + MINUTE
    gate.take(care("a-1", at, kind=CareKind.REFUND, charge_id=charge_id), at)
    failed = settlement("s-1", at, charge_id=charge_id, outcome=FAILED)
    assert gate.take(failed, at).reason is Reason.CHARGE_FAILED
    back = settlement(
        "s-2", at, charge_id=charge_id, refund_id=gate.refunds[0].refund_id, outcome=REFUNDED
    )
    assert gate.take(back, at).reason is Reason.DEAD_LETTER
    assert [each.kind for each in gate.alarms] == ["SETTLEMENT"]
    again = care("a-2", at, kind=CareKind.REFUND, charge_id=charge_id)
    assert gate.take(again, at).reason is Reason.NOTHING_TO_REFUND


def test_a_settlement_before_its_charge_is_set_aside_and_may_come_again() -> None:
    """Billing speaks of a charge that is not made yet: a dead letter and an alarm. Told again under
    an id of its own, after the charge, it counts.
    """
    ahead, charge_id = charged_gate()  # for its derived id only
    del ahead
    gate = Gate(catalogue(policy(OFF)))
    early = settlement("s-1", NOON, charge_id=charge_id)
    assert gate.take(early, NOON).reason is Reason.DEAD_LETTER
    assert [each.cause for each in gate.dead_letters] == ["charge_unknown"]
    assert [each.kind for each in gate.alarms] == ["SETTLEMENT"]
    gate.take(order("o-1", NOON), NOON)
    assert gate.charges[0].charge_id == charge_id
    assert gate.take(early, NOON + 1).reason is Reason.REPEATED
    assert gate.take(settlement("s-2", NOON, charge_id=charge_id), NOON).reason is Reason.SETTLED


# A number given to a new subscriber


def test_nothing_carries_over_when_a_number_is_given_to_a_new_subscriber() -> None:
    """A RELEASE ends what was granted and asked, with verdicts; orders of before it are refused,
    the limits of the day begin anew, and the old charge can still be given back.
    """
    gate = Gate(
        catalogue(policy(VOICE, FIRST, prompts_per_day_max=2, undo_ms=HOUR, refuse_after_no=True))
    )
    gate.take(order("o-1", NOON), NOON)
    gate.take(reply("r-1", NOON), NOON)
    gate.take(order("o-2", NOON, OTHER_SMS_SERVICE), NOON)
    at = NOON + MINUTE
    released = gate.take(care("a-1", at, kind=CareKind.RELEASE), at)
    assert released.reason is Reason.RELEASED
    assert refusals(gate) == [("o-2", Reason.NUMBER_RELEASED)]
    assert not gate.service_days
    assert gate.tick(NOON + DAY - 1) == []
    late = gate.take(order("o-3", at - 1), at + 1)
    assert late.reason is Reason.NUMBER_RELEASED
    assert gate.take(reply("r-2", at + 1, "UNDO"), at + 1).reason is Reason.NOTHING_TO_UNDO
    for name, what in (("o-4", SMS_SERVICE), ("o-5", OTHER_SMS_SERVICE)):
        assert gate.take(order(name, at, what), at + 1).reason is Reason.PROMPTED
    assert gate.take(reply("r-3", at + 1, "QX"), at + 1).reason is Reason.CANCELLED
    refund = care("a-2", at + 2, kind=CareKind.REFUND, charge_id=gate.charges[0].charge_id)
    assert gate.take(refund, at + 2).reason is Reason.REFUND_REQUESTED
    assert len(gate.charges) == 1


# A policy that comes into force between two orders of one turn


def test_a_policy_comes_into_force_between_two_orders_of_one_turn() -> None:
    """Both orders lie in one turn: the first is covered by the day's yes, the second, a millisecond
    later, needs its own, because the new policy asks on every order.
    """
    second = policy(VOICE, EVERY, version=2, effective_from=NOON + HOUR)
    gate = Gate(catalogue(policy(), second))
    gate.take(order("o-1", NOON), NOON)
    gate.take(reply("r-1", NOON), NOON)
    at = NOON + HOUR
    reasons = [gate.take(order(f"o-{each}", at - 2), each).reason for each in (at - 1, at)]
    assert reasons == [Reason.APPROVED_GRANTED, Reason.PROMPTED]
    assert [each.policy_version for each in gate.charges] == [1, 1]
    gate.take(reply("r-2", at + 1), at + 1)
    assert (gate.charges[-1].policy_version, gate.charges[-1].confirmation) == (2, "EVERY_ORDER")


def test_a_yes_under_the_next_policy_is_worth_what_was_asked() -> None:
    """A prompt keeps the terms it was sent with: its life, its grant, its price; only the limits
    of the day are those of the policy in force when the yes comes.
    """
    smaller = FIRST._replace(grant_count_max=1, prompt_life_ms=MINUTE)
    second = policy(VOICE, smaller, version=2, effective_from=NOON + 1)
    gate = Gate(catalogue(policy(), second))
    gate.take(order("o-1", NOON), NOON)
    gate.take(order("o-2", NOON), NOON)
    at = NOON + LIFE - 1
    assert gate.take(reply("r-1", at), at).reason is Reason.APPROVED_CONFIRMED
    assert [each.order_id for each in gate.charges] == ["o-1", "o-2"]
    assert gate.take(order("o-3", at), at).reason is Reason.APPROVED_GRANTED


# A template changed while prompts are open


def new_words(**fields: object) -> Policy:
    """The next version, from a minute past noon, with other words in its prompts."""
    texts = tuple(each._replace(text=each.text.replace("您", "尊敬的客户")) for each in TEMPLATES)
    usual: dict[str, object] = {"templates": texts, "version": 2, "effective_from": NOON + MINUTE}
    return policy(**{**usual, **fields})


def test_a_prompt_asked_in_the_old_words_is_answered_as_before() -> None:
    """A new template speaks in new prompts only: what is open keeps its words, code and life."""
    gate = Gate(catalogue(policy(), new_words()))
    gate.take(order("o-1", NOON), NOON)
    at = NOON + MINUTE
    assert gate.take(order("o-2", at), at).reason is Reason.WAITING
    gate.take(order("o-3", at, OTHER_SMS_SERVICE), at)
    old, new = (each for each in gate.messages if each.kind is MessageKind.PROMPT)
    assert ("尊敬" in old.text, "尊敬" in new.text) == (False, True)
    assert (old.template_version, new.template_version) == ("operator/1", "operator/2")
    assert old.reply_code != new.reply_code
    assert gate.take(reply("r-1", at, f"Y{old.reply_code}"), at).reason is Reason.APPROVED_CONFIRMED
    assert [each.order_id for each in gate.charges] == ["o-1", "o-2"]


def test_an_order_is_not_asked_about_in_words_that_have_gone() -> None:
    """When the orders that wait next are asked about, it is in the words in force by then."""
    gate = Gate(catalogue(policy(EVERY), new_words(rules=(EVERY,))))
    for place in (1, 2):
        gate.take(order(f"o-{place}", NOON), NOON)
    gate.take(reply("r-1", NOON + MINUTE), NOON + MINUTE)
    prompts = [each for each in gate.messages if each.kind is MessageKind.PROMPT]
    assert [each.template_version for each in prompts] == ["operator/1", "operator/2"]
    assert "尊敬" in prompts[1].text


# SHADOW turned into FIRST_OF_DAY at noon


def test_the_trials_yes_is_no_yes_when_the_rule_comes_into_force_at_noon() -> None:
    """Before noon all is charged, and the record says what would have been asked; at noon the first
    order is asked about, because nobody has said yes, and limits count what the trial charged.
    """
    trial = rule("trial", Confirmation.SHADOW, prompt_life_ms=LIFE)
    limits = (SpendLimit("CNY", 700),)
    gate = Gate(
        catalogue(
            policy(VOICE, trial, spend_limits=limits),
            policy(version=2, effective_from=NOON, spend_limits=limits),
        )
    )
    before = [gate.take(order(f"o-{at}", at), at) for at in (NOON - 2, NOON - 1)]
    assert [each.reason for each in before] == [
        Reason.APPROVED_WOULD_ASK,
        Reason.APPROVED_WOULD_COVER,
    ]
    assert {each.confirmation for each in gate.charges} == {Confirmation.SHADOW}
    assert {each.reason for each in gate.verdicts} == {Reason.APPROVED_NOT_ASKED}
    at_noon = gate.take(order("o-3", NOON), NOON)
    assert (at_noon.reason, at_noon.before, at_noon.after) == (
        Reason.PROMPTED,
        State.FRESH,
        State.ASKED,
    )
    gate.take(reply("r-1", NOON + 1), NOON + 1)
    assert gate.charges[-1].confirmation is Confirmation.FIRST_OF_DAY
    assert gate.charges[-1].reply_id == "r-1"
    over = gate.take(order("o-4", NOON + 2), NOON + 2)
    assert (over.reason, gate.verdicts[-1].outcome) == (Reason.SPEND_LIMIT, Outcome.REFUSED)


def test_the_grace_after_a_change_of_policy_is_the_one_the_prompt_was_sent_with() -> None:
    """A prompt lapses when the grace of its own policy has passed, whatever the next one says."""
    shorter = policy(version=2, effective_from=NOON + 1, grace_ms=0)
    gate = Gate(catalogue(policy(), shorter))
    gate.take(order("o-1", NOON), NOON)
    assert gate.tick(NOON + LIFE + GRACE - 1) == []
    assert [each.reason for each in gate.tick(NOON + LIFE + GRACE)] == [Reason.SILENCE]
