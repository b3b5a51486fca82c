"""SHADOW: the order is charged without asking, and the decision says what in force would have been.

The trial is of FIRST_OF_DAY or EVERY_ORDER, and takes every prompt to be answered with yes. It
remembers what that yes would have covered, and how many prompts would have been sent; neither ever
lets an order be charged, or keeps one from it.
"""

from typing import NamedTuple

from streams.gate.asking import put_into_words, question
from streams.gate.decision import KEEP, Keep
from streams.gate.events import Order
from streams.gate.facts import Facts
from streams.gate.grants import used, within
from streams.gate.limits import over_prompt_limit
from streams.gate.policy import PolicyInForce
from streams.gate.reference import Rule
from streams.gate.rows import Grant, OpenPrompt, ServiceDay, Subscriber, SubscriberDay
from streams.gate.words import Channel, Confirmation, Reason


class Tried(NamedTuple):
    """What an order would have met in force, and what the trial remembers of it."""

    reason: Reason
    would_ask: str | None  # the text, or the voice prompt's id
    row: ServiceDay | Keep
    day: SubscriberDay


def trial_of(rule: Rule, channel: Channel) -> Confirmation:
    """The confirmation that a rule with SHADOW tries out."""
    if rule.shadow_of is not None:
        return rule.shadow_of
    return Confirmation.EVERY_ORDER if channel is Channel.IVR else Confirmation.FIRST_OF_DAY


def try_out(
    facts: Facts,
    policy: PolicyInForce,
    order: Order,
    rule: Rule,
    known: Subscriber,
    day: SubscriberDay,
    row: ServiceDay | None,
) -> Tried:
    """What would have been asked about an order, had the trial been in force."""
    trial = trial_of(rule, order.channel)
    covers_day = trial is Confirmation.FIRST_OF_DAY
    shadow = None if row is None else row.shadow
    if covers_day and shadow is not None and within(shadow, order.price_minor, order.currency):
        return Tried(Reason.APPROVED_WOULD_COVER, None, _with_shadow(row, used(shadow)), day)
    asked = question(facts, policy, order, rule, trial)
    worded = put_into_words(
        facts, policy, order.msisdn, order.service_id, known.days, known.prompts, asked
    )
    if isinstance(worded, Reason) or over_prompt_limit(policy, day.prompts + day.shadow_prompts):
        return Tried(Reason.APPROVED_WOULD_REFUSE, None, KEEP, day)
    words = worded.words
    return Tried(
        Reason.APPROVED_WOULD_ASK,
        words.voice_prompt_id or words.text,
        _with_shadow(row, _yes_to(asked, facts.at)) if covers_day else KEEP,
        day._replace(shadow_prompts=day.shadow_prompts + 1),
    )


def _yes_to(asked: OpenPrompt, at: int) -> Grant:
    """What a yes would have left to later orders; no prompt was sent and no reply came."""
    grant = Grant(
        asked.prompt_id,
        "",
        at,
        asked.confirmation,
        asked.price_minor,
        asked.currency,
        asked.grant_count_max,
        asked.grant_amount_max_minor,
    )
    return used(grant) if within(grant, asked.price_minor, asked.currency) else grant


def _with_shadow(row: ServiceDay | None, shadow: Grant) -> ServiceDay:
    return ServiceDay(None, (), shadow) if row is None else row._replace(shadow=shadow)
