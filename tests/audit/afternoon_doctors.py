"""Ways to break the laws of the whole rule book: each changes an honest afternoon.

As in `doctors.py`, what is changed has its digests and seals in order, as a gate that does wrong
would leave it, so that only the law that it breaks can tell.
"""

from collections.abc import Callable
from typing import Any

from streams.topics import (
    ALARMS,
    CARE,
    CHARGES,
    DEAD_LETTERS,
    DECISIONS,
    MESSAGES,
    POLICIES,
    REFUNDS,
    REPLIES,
    SETTLEMENTS,
    VERDICTS,
)
from tests.audit.afternoon import ADA, BEN, DAN, EMMA, FINN, GITA, HUGO, INA, JACK
from tests.audit.doctors import Doctor, decision_on, of, order_of
from tests.audit.scribe import Draft, Scribe

# Finding what there is


def policy(scribe: Scribe) -> dict[str, Any]:
    return scribe.log(POLICIES, 0)[0].fields


def sent(scribe: Scribe, kind: str, msisdn: str, place: int = 0) -> Draft:
    """A message of a kind to a subscriber, in their order."""
    return [
        draft
        for draft in scribe.all(MESSAGES)
        if (draft.fields["kind"], draft.fields["msisdn"]) == (kind, msisdn)
    ][place]


def reply(scribe: Scribe, msisdn: str, place: int) -> Draft:
    """A reply of a subscriber, in their order."""
    return [draft for draft in scribe.all(REPLIES) if draft.fields["msisdn"] == msisdn][place]


def refund(scribe: Scribe, reason: str) -> Draft:
    return scribe.one(REFUNDS, lambda fields: fields["reason"] == reason)


def acted(scribe: Scribe, kind: str, msisdn: str) -> Draft:
    return next(
        draft
        for draft in scribe.all(CARE)
        if (draft.fields["kind"], draft.fields["msisdn"]) == (kind, msisdn)
    )


def settled(scribe: Scribe, outcome: str, place: int = 0) -> Draft:
    """What billing said of Gita's charges and refunds, in their order."""
    return [
        draft
        for draft in scribe.all(SETTLEMENTS)
        if (draft.fields["msisdn"], draft.fields["outcome"]) == (GITA, outcome)
    ][place]


def decided(scribe: Scribe, reason: str, msisdn: str, place: int = 0) -> Draft:
    return [
        draft
        for draft in scribe.all(DECISIONS)
        if (draft.key, draft.fields["reason"]) == (msisdn.encode(), reason)
    ][place]


# Changing it


def maker(scribe: Scribe, effect: Draft) -> Draft:
    """The decision that names an output."""
    return next(draft for draft in scribe.all(DECISIONS) if effect in draft.effects)


def drop(scribe: Scribe, effect: Draft) -> Draft:
    """An output was never produced; the decision that should have."""
    decision = maker(scribe, effect)
    decision.effects.remove(effect)
    scribe.log(effect.topic, effect.partition).remove(effect)
    return decision


def add(scribe: Scribe, decision: Draft, like: Draft, **changes: Any) -> Draft:
    """One more output, much like another."""
    again = scribe.append(like.topic, 0, decision.at, decision.key, {**like.fields, **changes})
    decision.effects.append(again)
    return again


def cites(charge: Draft, other: Draft) -> Draft:
    """A charge by the consent that another one cites."""
    names = "prompt_id", "reply_id", "consented_at"
    charge.fields |= {name: other.fields[name] for name in names}
    return charge


# Law 1


def charged_after_cancelling(scribe: Scribe) -> Draft:
    return cites(of(scribe, CHARGES, EMMA, "o3"), of(scribe, CHARGES, EMMA, "o1"))


def charged_by_the_owner_before(scribe: Scribe) -> Draft:
    return cites(of(scribe, CHARGES, INA, "o3"), of(scribe, CHARGES, INA, "o1"))


def charged_for_the_owner_before(scribe: Scribe) -> Draft:
    order, verdict = order_of(scribe, INA, "o2"), of(scribe, VERDICTS, INA, "o2")
    like = of(scribe, CHARGES, INA, "o1")
    verdict.fields |= {"outcome": "APPROVED", "reason": "APPROVED_GRANTED"}
    changes = {"ordered_at": order.fields["ordered_at"], "approved_at": order.at}
    name = verdict.fields["verdict_id"].replace("v-", "c-")
    decision = decision_on(scribe, order)
    return add(scribe, decision, like, charge_id=name, order_id="o2", **changes)


def late_order_of_the_owner_before(scribe: Scribe) -> Draft:
    decision = decided(scribe, "NUMBER_RELEASED", INA)
    decision.fields["reason"] = "NO_RULE"
    return decision


def trial_taken_for_off(scribe: Scribe) -> Draft:
    charge = of(scribe, CHARGES, FINN, "o1")
    charge.fields["confirmation"] = "OFF"
    return charge


def failure_that_was_none(scribe: Scribe) -> Draft:
    """The charge that billing could not take was taken: the yes covers one order less."""
    settled(scribe, "FAILED").fields["outcome"] = "CHARGED"
    failed = decided(scribe, "CHARGE_FAILED", GITA)
    failed.fields["reason"] = "SETTLED"
    return of(scribe, CHARGES, GITA, "o4")


# Law 2


def more_given_back_than_charged(scribe: Scribe) -> Draft:
    again = refund(scribe, "CARE")
    again.fields["amount_minor"] += 1
    return again


def given_back_twice(scribe: Scribe) -> Draft:
    first = refund(scribe, "UPHELD")
    return add(scribe, maker(scribe, first), first)


def given_back_for_nothing(scribe: Scribe) -> Draft:
    look = decision_on(scribe, acted(scribe, "LOOK", HUGO))
    charge = of(scribe, CHARGES, HUGO, "o1").fields["charge_id"]
    return add(scribe, look, refund(scribe, "CARE"), refund_id="f-0", msisdn=HUGO, charge_id=charge)


def undone_too_late(scribe: Scribe) -> Draft:
    policy(scribe)["undo_ms"] = 1
    return decided(scribe, "UNDONE", EMMA)


def undone_another(scribe: Scribe) -> Draft:
    undo = refund(scribe, "UNDO")
    undo.fields["charge_id"] = of(scribe, CHARGES, EMMA, "o3").fields["charge_id"]
    return undo


def refund_of_no_complaint(scribe: Scribe) -> Draft:
    upheld = refund(scribe, "UPHELD")
    upheld.fields["complaint_id"] = None
    return upheld


# Law 3


def asked_though_a_charge_failed(scribe: Scribe) -> Draft:
    """Billing could not take the last charge that the yes covered, and it covers one more."""
    settled(scribe, "CHARGED", 1).fields["outcome"] = "FAILED"
    decided(scribe, "SETTLED", GITA, 1).fields["reason"] = "CHARGE_FAILED"
    return sent(scribe, "PROMPT", GITA, 1)


# Law 4


def spent_over_the_limit(scribe: Scribe) -> Draft:
    policy(scribe)["spend_limits"] = [{"currency": "CNY", "per_day_max_minor": 950}]
    return of(scribe, CHARGES, ADA, "o5")


def spend_limit_not_reached(scribe: Scribe) -> Draft:
    policy(scribe)["spend_limits"] = [{"currency": "CNY", "per_day_max_minor": 2_000}]
    return decided(scribe, "SPEND_LIMIT", ADA)


def prompted_too_often(scribe: Scribe) -> Draft:
    policy(scribe)["prompts_per_day_max"] = 2
    return sent(scribe, "PROMPT", BEN, 2)


def prompt_limit_not_reached(scribe: Scribe) -> Draft:
    policy(scribe)["prompts_per_day_max"] = 4
    return decided(scribe, "PROMPT_LIMIT", BEN)


def no_counts_for_nothing(scribe: Scribe) -> Draft:
    policy(scribe)["refuse_after_no"] = False
    return decided(scribe, "DECLINED_TODAY", BEN)


def too_few_wait(scribe: Scribe) -> Draft:
    policy(scribe)["waiting_orders_max"] = 4
    return decided(scribe, "WAITING_LIMIT", BEN)


def code_given_out_before(scribe: Scribe) -> Draft:
    again = sent(scribe, "PROMPT", BEN, 2)
    again.fields["reply_code"] = sent(scribe, "PROMPT", BEN).fields["reply_code"]
    return again


def clarified_twice(scribe: Scribe) -> Draft:
    decision = decided(scribe, "AMBIGUOUS", BEN, 1)
    return add(scribe, decision, sent(scribe, "CLARIFY", BEN))


def clarified_what_was_clear(scribe: Scribe) -> Draft:
    return add(scribe, decided(scribe, "DECLINED", BEN), sent(scribe, "CLARIFY", BEN))


def notice_missing(scribe: Scribe) -> Draft:
    return drop(scribe, sent(scribe, "NOTICE", ADA))


def notice_twice(scribe: Scribe) -> Draft:
    """The charge after the one that reached half of the limit is told of, too."""
    charge = of(scribe, CHARGES, ADA, "o4")
    told = {"order_id": "o4", "charge_id": charge.fields["charge_id"]}
    name = charge.fields["charge_id"].replace("c-", "n-")
    decision = maker(scribe, charge)
    return add(scribe, decision, sent(scribe, "NOTICE", ADA), message_id=name, **told)


def receipt_missing(scribe: Scribe) -> Draft:
    return drop(scribe, sent(scribe, "RECEIPT", ADA))


def receipt_too_soon(scribe: Scribe) -> Draft:
    policy(scribe)["receipt_interval_ms"] = 3_600_000
    return next(
        draft
        for draft in scribe.all(MESSAGES)
        if draft.id.startswith("r-") and draft.fields["order_id"] == "o4"
    )


# Law 5


def wrong_digit(scribe: Scribe) -> Draft:
    pressed = reply(scribe, DAN, 0)
    pressed.fields["text"] = "7" if pressed.fields["text"] != "7" else "8"
    return of(scribe, CHARGES, DAN, "o1")


def any_digit(scribe: Scribe) -> Draft:
    """A digit that was required was never given out."""
    prompt = sent(scribe, "PROMPT", DAN)
    prompt.fields["reply_code"] = None
    return prompt


def code_of_another_prompt(scribe: Scribe) -> Draft:
    code = sent(scribe, "PROMPT", BEN).fields["reply_code"]
    reply(scribe, BEN, 2).fields["text"] = code
    return of(scribe, CHARGES, BEN, "o2")


def plain_yes_without_the_code(scribe: Scribe) -> Draft:
    reply(scribe, JACK, 1).fields["text"] = "Y"
    return of(scribe, CHARGES, JACK, "o1")


def prompt_without_code(scribe: Scribe) -> Draft:
    prompt = sent(scribe, "PROMPT", ADA)
    prompt.fields["reply_code"] = None
    return prompt


def code_passed_over(scribe: Scribe) -> Draft:
    decision = decision_on(scribe, reply(scribe, JACK, 1))
    decision.fields["reason"] = "UNCLEAR"
    return decision


# Law 6


def another_language(scribe: Scribe) -> Draft:
    prompt = sent(scribe, "PROMPT", JACK)
    prompt.fields["language"] = "zh"
    return prompt


def too_long_a_list(scribe: Scribe) -> Draft:
    policy(scribe)["text_segments_max"] = 0
    return sent(scribe, "LISTING", ADA)


def code_not_said(scribe: Scribe) -> Draft:
    prompt = sent(scribe, "PROMPT", BEN, 1)
    prompt.fields["text"] = prompt.fields["text"].replace(prompt.fields["reply_code"], "Y")
    return prompt


def another_digit_spoken(scribe: Scribe) -> Draft:
    prompt = sent(scribe, "PROMPT", DAN)
    for variable in prompt.fields["variables"]:
        if variable["name"] == "yes":
            variable["value"] = "0"
    return prompt


def receipt_of_another_price(scribe: Scribe) -> Draft:
    receipt = sent(scribe, "RECEIPT", ADA)
    receipt.fields["text"] = receipt.fields["text"].replace("2.00", "1.00", 1)
    return receipt


def prompt_not_listed(scribe: Scribe) -> Draft:
    clarify = sent(scribe, "CLARIFY", BEN)
    code = sent(scribe, "PROMPT", BEN).fields["reply_code"]
    clarify.fields["text"] = clarify.fields["text"].replace(code, "000")
    return clarify


# Law 7


def dearer_call(scribe: Scribe) -> Draft:
    policy(scribe)["rules"][0]["call_count_max"] = 1
    return of(scribe, CHARGES, DAN, "o2")


def call_limit_not_reached(scribe: Scribe) -> Draft:
    policy(scribe)["rules"][0]["call_count_max"] = 3
    return decided(scribe, "CALL_LIMIT", DAN)


# Law 8


def drawn_code(scribe: Scribe) -> Draft:
    prompt = sent(scribe, "PROMPT", HUGO)
    code = prompt.fields["reply_code"]
    prompt.fields["reply_code"] = "111" if code != "111" else "112"
    return prompt


def drawn_refund_id(scribe: Scribe) -> Draft:
    undo = refund(scribe, "UNDO")
    undo.fields["refund_id"] = "f-0123456789abcdef0123456789abcdef"
    return undo


def longer_life_of_a_receipt(scribe: Scribe) -> Draft:
    receipt = sent(scribe, "RECEIPT", HUGO)
    receipt.fields["expires_at"] += 1
    return receipt


def list_under_another_id(scribe: Scribe) -> Draft:
    listing = sent(scribe, "LISTING", ADA)
    listing.fields["message_id"] = "k-" + listing.fields["message_id"][2:]
    return listing


def another_reason(scribe: Scribe) -> Draft:
    decision = decided(scribe, "COMPLAINT_ANSWERED", HUGO)
    decision.fields["reason"] = "COMPLAINT_UNKNOWN"
    return decision


# Law 10


def swallowed_contradiction(scribe: Scribe) -> Draft:
    """A charge settled twice is noted as if nothing were wrong."""
    again = settled(scribe, "CHARGED", 2)
    decision = decision_on(scribe, again)
    for effect in list(decision.effects):
        drop(scribe, effect)
    decision.fields["reason"] = "SETTLED"
    return again


def faultless_settlement_refused(scribe: Scribe) -> Draft:
    """The settlement of a charge that there is became a dead letter."""
    unknown = next(d for d in scribe.all(SETTLEMENTS) if d.fields["charge_id"] == "c-none")
    unknown.fields |= {"charge_id": of(scribe, CHARGES, GITA, "o3").fields["charge_id"]}
    letter = next(e for e in decision_on(scribe, unknown).effects if e.topic == DEAD_LETTERS)
    letter.raw = unknown.value
    return letter


def alarm_of(scribe: Scribe, kind: str) -> Draft:
    return next(draft for draft in scribe.all(ALARMS) if draft.fields["kind"] == kind)


def _unheard(kind: str) -> Doctor:
    """No alarm of a kind."""

    def doctor(scribe: Scribe) -> Draft:
        return drop(scribe, alarm_of(scribe, kind))

    doctor.__name__ = f"no_alarm_{kind.lower()}"
    return doctor


def clock_stood_still(scribe: Scribe) -> Draft:
    """The deadline of a complaint passed in silence."""
    last = decided(scribe, "COMPLAINT_OVERDUE", HUGO, -1)
    drop(scribe, last.effects[0])
    scribe.log(DECISIONS, 0).remove(last)
    scribe.renumber()
    return decided(scribe, "COMPLAINT_OPENED", HUGO)


def clock_rang_early(scribe: Scribe) -> Draft:
    rang = decided(scribe, "COMPLAINT_OVERDUE", HUGO)
    rang.fields["event_at"] -= 1
    rang.effects[0].fields["raised_at"] -= 1
    return rang


def answered_and_still_rang(scribe: Scribe) -> Draft:
    """The complaint whose clock rings is the one that was answered."""
    rang = decided(scribe, "COMPLAINT_OVERDUE", HUGO)
    rang.fields["complaint_id"] = "q2"
    return rang


def alarm_for_nothing(scribe: Scribe) -> Draft:
    decision = decision_on(scribe, acted(scribe, "LOOK", HUGO))
    return add(scribe, decision, alarm_of(scribe, "REFUND"), alarm_id="a-0")


# Law 11


def number_in_a_clocks_alarm(scribe: Scribe) -> Draft:
    alarm = alarm_of(scribe, "OVERDUE")
    alarm.fields["subject"] += f" of {HUGO}"
    return alarm


# Law 12


def trial_says_nothing(scribe: Scribe) -> Draft:
    decision = decided(scribe, "APPROVED_WOULD_ASK", FINN)
    decision.fields["would_ask"] = None
    return decision


def evidence_of_nothing(scribe: Scribe) -> Draft:
    decision = decided(scribe, "COMPLAINT_OPENED", HUGO)
    decision.fields["evidence"][0]["id"] = "o9"
    return decision


def evidence_left_out(scribe: Scribe) -> Draft:
    decision = decided(scribe, "COMPLAINT_OPENED", HUGO)
    decision.fields["evidence"].pop()
    return decision


def receipt_of_no_charge(scribe: Scribe) -> Draft:
    receipt = sent(scribe, "RECEIPT", HUGO)
    receipt.fields["charge_id"] = "c-0"
    return receipt


def refund_of_another_complaint(scribe: Scribe) -> Draft:
    upheld = refund(scribe, "UPHELD")
    upheld.fields["complaint_id"] = "q9"
    return upheld


_BY_LAW: dict[int, tuple[Callable[[Scribe], Draft], ...]] = {
    1: (
        charged_after_cancelling,
        charged_by_the_owner_before,
        charged_for_the_owner_before,
        late_order_of_the_owner_before,
        trial_taken_for_off,
        failure_that_was_none,
    ),
    2: (
        more_given_back_than_charged,
        given_back_twice,
        given_back_for_nothing,
        undone_too_late,
        undone_another,
        refund_of_no_complaint,
    ),
    3: (asked_though_a_charge_failed,),
    4: (
        spent_over_the_limit,
        spend_limit_not_reached,
        prompted_too_often,
        prompt_limit_not_reached,
        no_counts_for_nothing,
        too_few_wait,
        code_given_out_before,
        clarified_twice,
        clarified_what_was_clear,
        notice_missing,
        notice_twice,
        receipt_missing,
        receipt_too_soon,
    ),
    5: (
        wrong_digit,
        any_digit,
        code_of_another_prompt,
        plain_yes_without_the_code,
        prompt_without_code,
        code_passed_over,
    ),
    6: (
        another_language,
        too_long_a_list,
        code_not_said,
        another_digit_spoken,
        receipt_of_another_price,
        prompt_not_listed,
    ),
    7: (dearer_call, call_limit_not_reached),
    8: (
        drawn_code,
        drawn_refund_id,
        longer_life_of_a_receipt,
        list_under_another_id,
        another_reason,
    ),
    10: (
        swallowed_contradiction,
        faultless_settlement_refused,
        *map(_unheard, ("SETTLEMENT", "REFUND", "OVERDUE", "DEAD_LETTERS", "LIMITS")),
        clock_stood_still,
        clock_rang_early,
        answered_and_still_rang,
        alarm_for_nothing,
    ),
    11: (number_in_a_clocks_alarm,),
    12: (
        trial_says_nothing,
        evidence_of_nothing,
        evidence_left_out,
        receipt_of_no_charge,
        refund_of_another_complaint,
    ),
}
DOCTORED: dict[Doctor, int] = {
    doctor: law for law, doctors in _BY_LAW.items() for doctor in doctors
}
