"""The edges that the issue names: where each is shown, and here those that no other file shows.

A test below holds this list to the files.

- a reply exactly at the end of the prompt's life, and of the grace:
  test_edges: test_a_prompt_lives_from_its_issue_until_just_before_its_end
  test_edges: test_the_grace_ends_at_its_very_instant
- midnight and the two clock changes of a zone that has them:
  test_stories: test_an_order_before_midnight_belongs_to_its_own_day
  test_limits: test_limits_are_of_the_orders_own_day
  test_hard_edges: test_a_grant_covers_the_whole_day_on_which_clocks_change
  test_hard_edges: test_a_spend_limit_holds_the_whole_day_on_which_clocks_change
- a price changed between prompt and reply, a provider suspended in between:
  test_moving_world: test_the_price_shown_holds_for_all_that_waits_and_grants_no_other
  test_moving_world: test_a_provider_suspended_in_between_is_not_paid_for_anything_that_waits
- two services pending and one plain yes:
  test_replies: test_two_services_pending_and_a_plain_yes
- a reply before its order in the log:
  test_hard_edges: test_a_yes_that_lies_before_its_order_is_not_its_yes
- a yes after a no:
  test_replies: test_a_yes_after_a_no_finds_nothing
  test_hard_edges: test_a_yes_to_the_next_prompt_counts_after_a_no_to_the_first
- a grant used up in the middle of the waiting orders:
  test_edges: test_orders_beyond_the_grant_are_refused_when_the_yes_comes
- the same LinkID under another service, another day, another price:
  test_moving_world: test_a_link_id_is_one_order_for_ever
- a refund racing a settlement:
  test_settlements: test_a_refund_may_overtake_its_charges_settlement
  test_settlements: test_a_charge_may_fail_while_its_refund_is_under_way
- a settlement before its charge is known to the reader:
  test_settlements: test_a_settlement_before_its_charge_is_of_no_charge
- a number given to a new subscriber:
  test_care: test_nothing_carries_over_to_a_numbers_next_owner
  test_hard_edges: test_the_limits_of_a_day_begin_anew_with_a_new_owner
- a policy that comes into force between two orders of one turn:
  test_moving_world: test_a_policy_comes_into_force_between_two_orders
  test_hard_edges: test_the_grace_is_the_one_the_prompt_was_sent_with
- a credit change at the very instant of an order:
  test_moving_world: test_credit_counts_from_its_very_instant
- a template changed while prompts are open:
  test_hard_edges: test_a_prompt_asked_in_the_old_words_is_answered_as_before
  test_hard_edges: test_an_order_is_not_asked_about_in_words_that_have_gone
- SHADOW turned into FIRST_OF_DAY at noon:
  test_shadow: test_shadow_turned_into_first_of_day_at_noon_asks_anew
  test_hard_edges: test_what_a_trial_charged_counts_when_the_rule_comes_into_force
"""

import re
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from streams.gate.reference import Policy, SpendLimit
from streams.gate.words import (
    CareKind,
    Confirmation,
    MessageKind,
    Reason,
)
from tests.gate.examples import (
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
)
from tests.gate.harness import Gate

BERLIN = ZoneInfo("Europe/Berlin")
CHANGES = [((2011, 3, 27), 23), ((2010, 10, 31), 25), ((2010, 11, 1), 24)]


def berlin(*moment: int) -> int:
    """An instant by Berlin's clocks."""
    return ms(datetime(*moment, tzinfo=BERLIN))  # type: ignore[arg-type, misc]


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


def test_a_yes_to_the_next_prompt_counts_after_a_no_to_the_first() -> None:
    """Who is asked again after a no may say yes, and the grant then covers the day."""
    gate = Gate(catalogue())
    gate.take(order("o-1", NOON), NOON)
    gate.take(reply("r-1", NOON + 1, "N"), NOON + 1)
    gate.take(order("o-2", NOON + 2), NOON + 2)
    gate.take(reply("r-2", NOON + 3), NOON + 3)
    assert [each.order_id for each in gate.charges] == ["o-2"]
    assert gate.take(order("o-3", NOON + 4), NOON + 4).reason is Reason.APPROVED_GRANTED


# A number given to a new subscriber


def test_the_limits_of_a_day_begin_anew_with_a_new_owner() -> None:
    """Neither the prompts nor the no of the owner before keep the next one from being asked, and
    the next one cannot undo what the owner before was charged.
    """
    gate = Gate(
        catalogue(policy(VOICE, FIRST, prompts_per_day_max=2, undo_ms=HOUR, refuse_after_no=True))
    )
    gate.take(order("o-1", NOON), NOON)
    gate.take(reply("r-1", NOON), NOON)
    gate.take(order("o-2", NOON, OTHER_SMS_SERVICE), NOON)
    gate.take(reply("r-2", NOON, "N"), NOON)
    at = NOON + MINUTE
    gate.take(care("a-1", at, kind=CareKind.RELEASE), at)
    assert gate.take(reply("r-3", at, "UNDO"), at).reason is Reason.NOTHING_TO_UNDO
    for name, what in (("o-4", SMS_SERVICE), ("o-5", OTHER_SMS_SERVICE)):
        assert gate.take(order(name, at, what), at).reason is Reason.PROMPTED
    assert gate.tick(NOON + LIFE + GRACE) == []


# A policy that comes into force between two orders of one turn


def test_the_grace_is_the_one_the_prompt_was_sent_with() -> None:
    """A prompt lapses when the grace of its own policy has passed, whatever the next one says."""
    shorter = policy(version=2, effective_from=NOON + 1, grace_ms=0)
    gate = Gate(catalogue(policy(), shorter))
    gate.take(order("o-1", NOON), NOON)
    assert gate.tick(NOON + LIFE + GRACE - 1) == []
    assert [each.reason for each in gate.tick(NOON + LIFE + GRACE)] == [Reason.SILENCE]


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


def test_what_a_trial_charged_counts_when_the_rule_comes_into_force() -> None:
    """Nobody has said yes before noon, so the first order is asked about; but what was spent by
    then was spent, and the day's limit knows it.
    """
    trial = rule("trial", Confirmation.SHADOW, prompt_life_ms=LIFE)
    limits = (SpendLimit("CNY", 700),)
    gate = Gate(
        catalogue(
            policy(VOICE, trial, spend_limits=limits),
            policy(version=2, effective_from=NOON, spend_limits=limits),
        )
    )
    for at in (NOON - 2, NOON - 1):
        gate.take(order(f"o-{at}", at), at)
    assert gate.take(order("o-3", NOON), NOON).reason is Reason.PROMPTED
    gate.take(reply("r-1", NOON + 1), NOON + 1)
    assert [each.reply_id for each in gate.charges] == [None, None, "r-1"]
    assert gate.take(order("o-4", NOON + 2), NOON + 2).reason is Reason.SPEND_LIMIT


# The list


def test_every_edge_of_the_list_is_shown_where_it_says() -> None:
    """The docstring of this file names tests that exist, for each of the issue's edges."""
    assert __doc__ is not None
    named = re.findall(r"^  (test_\w+): (test_\w+)$", __doc__, re.MULTILINE)
    assert len(named) >= __doc__.count("\n- ") == 15
    for file, test in named:
        source = (Path(__file__).parent / f"{file}.py").read_text("utf-8")
        assert f"def {test}(" in source, f"{file} has no {test}"
