"""For every law, ways to break it: each changes an honest day and gives the record that shows it.

A doctored story has its digests and seals in order, as a gate that does wrong would leave them, so
that only the law that it breaks can tell.
"""

from collections.abc import Callable

from streams.topics import (
    ALARMS,
    CHARGES,
    DEAD_LETTERS,
    DECISIONS,
    MESSAGES,
    ORDERS,
    POLICIES,
    REPLIES,
    TICKS,
    VERDICTS,
)
from tests.audit.honest import ANNA, BO, CHEN, DA, EVA, FEI, Gate
from tests.audit.scribe import LIFE, MINUTE, MORNING, Draft, Scribe, base, encode

Doctor = Callable[[Scribe], Draft]


def of(scribe: Scribe, topic: str, msisdn: str, order_id: str) -> Draft:
    """The output about one order of a subscriber."""
    return scribe.one(topic, lambda f: (f["msisdn"], f["order_id"]) == (msisdn, order_id))


def reply_of(scribe: Scribe, msisdn: str, reply_id: str = "r1") -> Draft:
    return scribe.one(REPLIES, lambda f: (f["msisdn"], f["reply_id"]) == (msisdn, reply_id))


def order_of(scribe: Scribe, msisdn: str, order_id: str) -> Draft:
    """An order as it came first."""
    return next(
        draft
        for draft in scribe.all(ORDERS)
        if draft.key == msisdn.encode() and draft.fields.get("order_id") == order_id
    )


def decision_on(scribe: Scribe, record: Draft) -> Draft:
    return next(draft for draft in scribe.all(DECISIONS) if draft.cause is record)


def without_consent(charge: Draft) -> None:
    charge.fields |= {"prompt_id": None, "reply_id": None, "consented_at": None}


def no_such_reply(scribe: Scribe) -> Draft:
    charge = of(scribe, CHARGES, ANNA, "o1")
    charge.fields["reply_id"] = "r9"
    return charge


def reply_at_the_end(scribe: Scribe) -> Draft:
    charge = of(scribe, CHARGES, ANNA, "o1")
    end = of(scribe, MESSAGES, ANNA, "o1").fields["expires_at"]
    reply_of(scribe, ANNA).fields["received_at"] = end
    for each in scribe.all(CHARGES):
        if each.fields["msisdn"] == ANNA:
            each.fields["consented_at"] = end
    return charge


def reply_of_another(scribe: Scribe) -> Draft:
    charge = of(scribe, CHARGES, ANNA, "o1")
    other = Gate(scribe).reply(BO, "r7", "y", MORNING + 4 * LIFE)
    scribe.decide(other, "NOT_ANSWERING")
    charge.fields["reply_id"] = "r7"
    return charge


def asked_for_none(scribe: Scribe) -> Draft:
    charge = of(scribe, CHARGES, ANNA, "o3")
    without_consent(charge)
    charge.fields["confirmation"] = "OFF"
    return charge


def not_a_yes(scribe: Scribe) -> Draft:
    reply_of(scribe, ANNA).fields["text"] = "yes, but how much is it"
    return of(scribe, CHARGES, ANNA, "o2")


def another_number(scribe: Scribe) -> Draft:
    reply_of(scribe, ANNA).fields["to"] = "10010"
    return of(scribe, CHARGES, ANNA, "o3")


def another_day(scribe: Scribe) -> Draft:
    charge = of(scribe, CHARGES, ANNA, "o3")
    charge.fields["day"] += 1
    return charge


def prompt_of_another_service(scribe: Scribe) -> Draft:
    charge = of(scribe, CHARGES, ANNA, "o3")
    order = order_of(scribe, ANNA, "o3")
    changes = {"service_id": "card", "channel": "MMS", "charge_code": "code-card"}
    charge.fields |= changes
    order.fields |= {"service_id": "card", "channel": "MMS"}
    return charge


def more_than_granted(scribe: Scribe) -> Draft:
    scribe.log(POLICIES, 0)[0].fields["rules"][2]["grant_count_max"] = 2
    return of(scribe, CHARGES, ANNA, "o3")


def dearer_than_granted(scribe: Scribe) -> Draft:
    scribe.log(POLICIES, 0)[0].fields["rules"][2]["grant_amount_max_minor"] = 500
    return of(scribe, CHARGES, ANNA, "o3")


def charged_twice(scribe: Scribe) -> Draft:
    charge = of(scribe, CHARGES, DA, "o1")
    again = scribe.append(CHARGES, charge.partition, charge.at, charge.key, dict(charge.fields))
    decision_on(scribe, order_of(scribe, DA, "o1")).effects.append(again)
    return again


def price_changed(scribe: Scribe) -> Draft:
    charge = of(scribe, CHARGES, DA, "o1")
    charge.fields["price_minor"] += 1
    return charge


def never_ordered(scribe: Scribe) -> Draft:
    charge = of(scribe, CHARGES, DA, "o1")
    charge.fields |= {"order_id": "o8", "charge_id": "c-" + base(DA, "o8")}
    return charge


def asked_again(scribe: Scribe) -> Draft:
    scribe.log(POLICIES, 0)[0].fields["rules"][2]["grant_count_max"] = 4
    return of(scribe, MESSAGES, ANNA, "o4")


def waits_within_the_grant(scribe: Scribe) -> Draft:
    policy = scribe.log(POLICIES, 0)[0]
    policy.fields["rules"][2]["grant_count_max"] = 5
    order = Gate(scribe).order(ANNA, "o5", "ring", MORNING + 3 * MINUTE)
    Gate(scribe).waits(order, of(scribe, MESSAGES, ANNA, "o4"))
    return decision_on(scribe, order)


def no_verdict(scribe: Scribe) -> Draft:
    verdict = of(scribe, VERDICTS, BO, "o1")
    scribe.log(VERDICTS, verdict.partition).remove(verdict)
    decision_on(scribe, reply_of(scribe, BO)).effects.remove(verdict)
    return order_of(scribe, BO, "o1")


def two_verdicts(scribe: Scribe) -> Draft:
    verdict = of(scribe, VERDICTS, BO, "o1")
    again = scribe.append(VERDICTS, verdict.partition, verdict.at, verdict.key, verdict.fields)
    decision_on(scribe, reply_of(scribe, BO)).effects.append(again)
    return again


def refused_and_charged(scribe: Scribe) -> Draft:
    verdict = of(scribe, VERDICTS, DA, "o1")
    verdict.fields["outcome"] = "REFUSED"
    return verdict


def verdict_on_nothing(scribe: Scribe) -> Draft:
    verdict = of(scribe, VERDICTS, DA, "o1")
    verdict.fields |= {"order_id": "o8", "verdict_id": "v-" + base(DA, "o8")}
    return verdict


def silence_charged(scribe: Scribe) -> Draft:
    prompt, verdict = of(scribe, MESSAGES, EVA, "o1"), of(scribe, VERDICTS, EVA, "o1")
    decision = next(draft for draft in scribe.all(DECISIONS) if verdict in draft.effects)
    assert decision.cause is not None
    order = order_of(scribe, EVA, "o1")
    charge = Gate(scribe).charge(decision.cause, order, prompt, reply_of(scribe, EVA, "r2"))
    charge.fields["approved_at"] = decision.at
    decision.effects.append(charge)
    verdict.fields |= {"outcome": "APPROVED", "reason": "APPROVED_CONFIRMED"}
    return charge


def no_charged(scribe: Scribe) -> Draft:
    reply, order = reply_of(scribe, BO), order_of(scribe, BO, "o1")
    charge = Gate(scribe).charge(reply, order, of(scribe, MESSAGES, BO, "o1"), reply)
    decision_on(scribe, reply).effects.append(charge)
    of(scribe, VERDICTS, BO, "o1").fields["outcome"] = "APPROVED"
    return charge


def declined_but_approved(scribe: Scribe) -> Draft:
    verdict = of(scribe, VERDICTS, BO, "o1")
    verdict.fields["outcome"] = "APPROVED"
    return verdict


def yes_to_which(scribe: Scribe) -> Draft:
    """Move the prompt of the other order before the yes: it is alive beside the first."""
    order = Gate(scribe).order(ANNA, "o7", "card", MORNING + 2)
    Gate(scribe).asked(order)
    decisions = scribe.log(DECISIONS, order.partition)
    asked = decisions.pop()
    decisions.insert(decisions.index(decision_on(scribe, reply_of(scribe, ANNA))), asked)
    for offset, decision in enumerate(decisions):
        decision.offset = offset
    scribe.renumber()
    return of(scribe, CHARGES, ANNA, "o1")


def yes_passed_over(scribe: Scribe) -> Draft:
    """The yes that came after the watermark had passed the prompt came, in truth, in time."""
    reply = reply_of(scribe, EVA, "r2")
    reply.fields["received_at"] = MORNING + LIFE
    return decision_on(scribe, reply)


def another_sender(scribe: Scribe) -> Draft:
    message = of(scribe, MESSAGES, BO, "o1")
    message.fields["sender"] = "10086999"
    return message


def two_segments(scribe: Scribe) -> Draft:
    message = of(scribe, MESSAGES, BO, "o1")
    message.fields |= {"text": message.fields["text"] + "谢" * 60, "segments": 2}
    return message


def miscounted(scribe: Scribe) -> Draft:
    message = of(scribe, MESSAGES, BO, "o1")
    message.fields["encoding"] = "GSM7"
    return message


def nameless(scribe: Scribe) -> Draft:
    message = of(scribe, MESSAGES, BO, "o1")
    message.fields["text"] = message.fields["text"].replace("星空", "某公司")
    return message


def price_not_said(scribe: Scribe) -> Draft:
    message = of(scribe, MESSAGES, CHEN, "o1")
    message.fields["variables"] = message.fields["variables"][:2]
    return message


def no_key_pressed(scribe: Scribe) -> Draft:
    charge = of(scribe, CHARGES, CHEN, "o1")
    without_consent(charge)
    return charge


def key_in_another_call(scribe: Scribe) -> Draft:
    reply_of(scribe, CHEN).fields["call_id"] = "call-2"
    return of(scribe, CHARGES, CHEN, "o1")


def call_granted(scribe: Scribe) -> Draft:
    charge = of(scribe, CHARGES, CHEN, "o1")
    charge.fields["confirmation"] = "FIRST_OF_DAY"
    return charge


def drawn_id(scribe: Scribe) -> Draft:
    charge = of(scribe, CHARGES, DA, "o1")
    charge.fields["charge_id"] = "c-0123456789abcdef0123456789abcdef"
    return charge


def sequence_hole(scribe: Scribe) -> Draft:
    decisions = scribe.log(DECISIONS, 0)
    for decision in decisions[3:]:
        decision.fields["sequence"] += 1
    return decisions[3]


def watermark_ahead(scribe: Scribe) -> Draft:
    decision = scribe.log(DECISIONS, 0)[-1]
    decision.fields["watermark"] += 1
    return decision


def watermark_back(scribe: Scribe) -> Draft:
    decision = scribe.log(DECISIONS, 0)[-1]
    decision.fields["watermark"] = MORNING
    return decision


def positions_back(scribe: Scribe) -> Draft:
    decision = scribe.log(DECISIONS, 0)[-1]
    decision.fields["reference"] = [*decision.fields["reference"][:-1], -1]
    return decision


def lapsed_early(scribe: Scribe) -> Draft:
    decision = next(d for d in scribe.all(DECISIONS) if d.fields["reason"] == "SILENCE")
    decision.fields["event_at"] -= 1
    for effect in decision.effects:
        effect.fields["decided_at"] -= 1
    return decision


def wrong_rule(scribe: Scribe) -> Draft:
    decision = decision_on(scribe, order_of(scribe, DA, "o1"))
    decision.fields["rule"] = "daily"
    return decision


def longer_life(scribe: Scribe) -> Draft:
    message = of(scribe, MESSAGES, BO, "o1")
    message.fields["expires_at"] += 1
    return message


def effect_missing(scribe: Scribe) -> Draft:
    charge = of(scribe, CHARGES, DA, "o1")
    scribe.log(CHARGES, charge.partition).remove(charge)
    return decision_on(scribe, order_of(scribe, DA, "o1"))


def orphan_charge(scribe: Scribe) -> Draft:
    charge = of(scribe, CHARGES, DA, "o1")
    decision_on(scribe, order_of(scribe, DA, "o1")).effects.remove(charge)
    return charge


def input_skipped(scribe: Scribe) -> Draft:
    reply = reply_of(scribe, EVA)
    scribe.log(DECISIONS, reply.partition).remove(decision_on(scribe, reply))
    scribe.renumber()
    return reply


def decided_twice(scribe: Scribe) -> Draft:
    return scribe.decide(reply_of(scribe, EVA), "UNCLEAR")


def cause_missing(scribe: Scribe) -> Draft:
    reply = reply_of(scribe, EVA, "r2")
    scribe.log(REPLIES, reply.partition).remove(reply)
    return decision_on(scribe, reply)


def not_committed(scribe: Scribe) -> Draft:
    reply = reply_of(scribe, EVA, "r2")
    committed = dict(scribe.history().committed or {})
    scribe.committed = committed | {(REPLIES, reply.partition): reply.offset}
    return reply


def letter_of(scribe: Scribe, cause: str) -> Draft:
    return next(d for d in scribe.all(DEAD_LETTERS) if d.headers[-1][1] == cause.encode())


def altered_letter(scribe: Scribe) -> Draft:
    letter = letter_of(scribe, "wrong_magic")
    letter.raw = b"\1"
    return letter


def faultless_letter(scribe: Scribe) -> Draft:
    order = Gate(scribe).order(FEI, "o9", "ring", MORNING + 4 * LIFE)
    Gate(scribe).dead_letter(order, "truncated")
    return scribe.log(DEAD_LETTERS, order.partition)[-1]


def letter_without_cause(scribe: Scribe) -> Draft:
    letter = letter_of(scribe, "key_mismatch")
    letter.headers = letter.headers[:-1]
    return letter


def conflict_charged(scribe: Scribe) -> Draft:
    order = Gate(scribe).order(DA, "o1", "ring", MORNING + 4 * LIFE)
    scribe.decide(order, "REPEATED")
    return order


def unreadable_decided(scribe: Scribe) -> Draft:
    fields = {"tick_id": "t", "at": 0}
    record = scribe.raw(ORDERS, FEI, MORNING + 4 * LIFE, encode(TICKS, fields))
    scribe.decide(record, "SERVICE_UNKNOWN")
    return record


def negative_enum_decided(scribe: Scribe) -> Draft:
    """fastavro takes an enum's index -1 for the last symbol; the auditor does not."""
    order = Gate(scribe).order(FEI, "o9", "talk", MORNING + 4 * LIFE)
    value = order.value
    assert value is not None
    order.fields, order.raw = {}, value.replace(b"\x08talk\x06", b"\x08talk\x01")
    assert order.raw != value
    scribe.decide(order, "CALL_MISSING")
    return order


def number_in_header(scribe: Scribe) -> Draft:
    letter = letter_of(scribe, "key_mismatch")
    letter.headers = (("tollgate.detail", f"of +{FEI}".encode()), *letter.headers)
    return letter


def number_in_alarm(scribe: Scribe) -> Draft:
    (alarm,) = scribe.all(ALARMS)
    alarm.fields["detail"] = f"of 00{ANNA}"
    return alarm


def no_such_policy(scribe: Scribe) -> Draft:
    charge = of(scribe, CHARGES, ANNA, "o1")
    charge.fields["policy_version"] = 7
    return charge


DOCTORED: dict[Doctor, int] = {
    **dict.fromkeys(
        (
            no_such_reply,
            reply_at_the_end,
            reply_of_another,
            asked_for_none,
            not_a_yes,
            another_number,
            another_day,
            prompt_of_another_service,
            more_than_granted,
            dearer_than_granted,
        ),
        1,
    ),
    **dict.fromkeys((charged_twice, price_changed, never_ordered), 2),
    **dict.fromkeys((asked_again, waits_within_the_grant), 3),
    **dict.fromkeys((no_verdict, two_verdicts, refused_and_charged, verdict_on_nothing), 4),
    **dict.fromkeys(
        (silence_charged, no_charged, declined_but_approved, yes_to_which, yes_passed_over), 5
    ),
    **dict.fromkeys((another_sender, two_segments, miscounted, nameless, price_not_said), 6),
    **dict.fromkeys((no_key_pressed, key_in_another_call, call_granted), 7),
    **dict.fromkeys(
        (
            drawn_id,
            sequence_hole,
            watermark_ahead,
            watermark_back,
            positions_back,
            lapsed_early,
            wrong_rule,
            longer_life,
        ),
        8,
    ),
    **dict.fromkeys(
        (
            effect_missing,
            orphan_charge,
            input_skipped,
            decided_twice,
            cause_missing,
            not_committed,
        ),
        9,
    ),
    **dict.fromkeys(
        (
            altered_letter,
            faultless_letter,
            letter_without_cause,
            conflict_charged,
            unreadable_decided,
            negative_enum_decided,
        ),
        10,
    ),
    **dict.fromkeys((number_in_header, number_in_alarm), 11),
    no_such_policy: 12,
}
