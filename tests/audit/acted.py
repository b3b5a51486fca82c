"""An honest day with operators' acts behind it: an order, a care action, a tick and a service are
set aside, and then a price that was in force, with which the next one falls, and an old service.

And for what acts promise, ways to break it: each changes that day and gives the record that shows
it.
"""

from hashlib import blake2b
from typing import Any

from streams.topics import (
    ACTS,
    CARE,
    CHARGES,
    DEAD_LETTERS,
    DECISIONS,
    ORDERS,
    REFERENCES,
    SERVICES,
    TICKS,
)
from tests.audit.afternoon_doctors import drop
from tests.audit.doctors import Doctor, decision_on, order_of
from tests.audit.honest import BO, DA, EVA, Gate, honest
from tests.audit.scribe import LIFE, MORNING, Draft, Scribe

EVENING = MORNING + 4 * LIFE


def act_id(record: Draft) -> str:
    """The id that the command derives for a record's act."""
    content = "|".join(map(str, record.where)).encode()
    return "x-" + blake2b(content, digest_size=16).hexdigest()


def record_act(scribe: Scribe, record: Draft, **said: Any) -> Draft:
    """An operator sets a record aside; workers read it at once."""
    content: dict[str, Any] = {
        "act_id": act_id(record),
        "kind": "QUARANTINE",
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "version": 1,
        "changed_by": "ops",
        "reason": "ticket 4711",
    } | said
    return scribe.append(ACTS, 0, EVENING, content["act_id"].encode(), content)


def set_aside(scribe: Scribe, record: Draft) -> None:
    """It becomes a dead letter that names its act, and so does the decision."""
    Gate(scribe).dead_letter(record, "quarantined")
    decision = [draft for draft in scribe.all(DECISIONS) if draft.cause is record][-1]
    decision.fields["evidence"] = [{"topic": ACTS, "id": act_id(record)}]
    [letter] = decision.effects
    said = f"set aside by ops: ticket 4711 (act {act_id(record)})".encode()
    message = ("__connect.errors.exception.message", said)
    letter.headers = (*letter.headers, message, ("tollgate.act", act_id(record).encode()))


def acted() -> Scribe:
    """The day, then three records that an operator sets aside, and time goes on."""
    scribe = honest()
    gate = Gate(scribe)
    record_act(scribe, scribe.all(ORDERS)[0], kind="RAISE_LIMIT", act_id="u-1")
    order = gate.order(EVA, "o7", "ring", EVENING + 1)
    action: dict[str, Any] = {"action_id": "a1", "kind": "LOOK", "agent": "mo", "reason": "asked"}
    care = scribe.event(CARE, DA, EVENING + 2, **action, acted_at=EVENING + 2)
    tick = scribe.append(TICKS, 0, EVENING + 3, None, {"tick_id": "t", "at": EVENING + 3})
    sold = scribe.all(SERVICES)[0]
    dearer, cheaper = (
        scribe.append(SERVICES, 0, EVENING + 3, sold.key, sold.fields | {"version": 2, **price})
        for price in ({"price_minor": 999_999}, {"price_minor": 1})
    )
    for record in (order, care, tick, dearer):
        record_act(scribe, record)
    for record in (order, care, tick, dearer):
        set_aside(scribe, record)
    assert cheaper.offset == dearer.offset + 1, "the next version in force is the same one"
    gate.charged(gate.order(DA, "o7", "news", EVENING + 4))
    _news_rise_and_fall(gate, EVENING + 5)
    scribe.tick(EVENING + 9)
    return scribe


def _news_rise_and_fall(gate: Gate, at: int) -> None:
    """Two prices come into force, one after the other; the first is set aside, and both are out.
    Last of all a service is set aside that was there from the beginning, and the price that fell.
    """
    scribe = gate.scribe
    [sold] = (each for each in scribe.all(SERVICES) if each.key == b"news")
    gone: list[Draft] = []
    for version, price in ((2, 60), (3, 70)):
        fields = sold.fields | {"version": version, "price_minor": price}
        gone.append(scribe.append(SERVICES, 0, at + version, sold.key, fields))
        order = gate.order(DA, f"news-{version}", "news", at + version, price_minor=price)
        gate.charged(order)
    record_act(scribe, gone[0])
    set_aside(scribe, gone[0])
    gate.dead_letter(gone[1], "reference_fault")
    gate.charged(gate.order(DA, "news-1", "news", at + 4))
    [old] = (each for each in scribe.all(SERVICES) if each.key == b"talk")
    for record in (old, gone[1]):
        record_act(scribe, record)
        set_aside(scribe, record)


def aside(scribe: Scribe, topic: str) -> Draft:
    """The decision by which a record of this topic was set aside."""
    return next(
        draft
        for draft in scribe.all(DECISIONS)
        if draft.fields.get("evidence") and draft.fields["cause"]["topic"] == topic
    )


def letter(scribe: Scribe, topic: str) -> Draft:
    [found] = aside(scribe, topic).effects
    assert found.topic == DEAD_LETTERS
    return found


def headed(draft: Draft, name: str, value: bytes) -> Draft:
    """The letter with another value of a header."""
    draft.headers = (*((n, v) for n, v in draft.headers if n != name), (name, value))
    return draft


def no_act(scribe: Scribe) -> Draft:
    scribe.log(ACTS, 0)[1].fields["offset"] += 1
    return letter(scribe, ORDERS)


def no_act_on_the_tick(scribe: Scribe) -> Draft:
    scribe.log(ACTS, 0)[3].fields["topic"] = ORDERS
    return letter(scribe, TICKS)


def no_act_on_the_service(scribe: Scribe) -> Draft:
    scribe.log(ACTS, 0)[4].fields["offset"] += 1
    return letter(scribe, SERVICES)


def set_aside_and_not_told(scribe: Scribe) -> Draft:
    """The act is on another service, which nobody has told."""
    [card] = (each for each in scribe.all(SERVICES) if each.key == b"card")
    scribe.log(ACTS, 0)[5].fields["offset"] = card.offset
    return card


def fallen_and_not_told(scribe: Scribe) -> Draft:
    """What was refused since the act is told by nobody."""
    record = scribe.all(SERVICES)[-1]
    [effect] = decision_on(scribe, record).effects
    drop(scribe, effect)
    return record


def told_twice(scribe: Scribe) -> Draft:
    record = scribe.all(SERVICES)[-1]
    Gate(scribe).dead_letter(record, "reference_fault")
    return record


def told_before_it_fell(scribe: Scribe) -> Draft:
    """Refused while it was the next version, as if the act had been there."""
    decision = decision_on(scribe, scribe.all(SERVICES)[-1])
    for each in scribe.log(DECISIONS, 0)[decision.offset - 1 :]:
        each.fields["reference"][REFERENCES.index(ACTS)] -= 1
    return decision.effects[0]


def charged_at_a_price_set_aside(scribe: Scribe) -> Draft:
    order = order_of(scribe, DA, "news-1")
    order.fields["price_minor"] = 60
    decision = decision_on(scribe, order)
    [charge] = (effect for effect in decision.effects if effect.topic == CHARGES)
    charge.fields["price_minor"] = 60
    return decision


def act_on_the_service_not_named(scribe: Scribe) -> Draft:
    decision = aside(scribe, SERVICES)
    decision.fields["evidence"] = []
    return decision


def act_comes_later(scribe: Scribe) -> Draft:
    """The gate says that it had not read so far when it set the record aside."""
    decision = aside(scribe, ORDERS)
    earlier = decision.fields["reference"]
    for each in scribe.log(DECISIONS, decision.partition):
        if each.offset <= decision.offset:
            each.fields["reference"] = [min(mine, 1) for mine in earlier]
    scribe.log(ACTS, 0)[1].fields, scribe.log(ACTS, 0)[2].fields = (
        scribe.log(ACTS, 0)[2].fields,
        scribe.log(ACTS, 0)[1].fields,
    )
    for each in scribe.log(ACTS, 0):
        each.key = each.fields["act_id"].encode()
    return letter(scribe, ORDERS)


def limit_taken_for_an_act(scribe: Scribe) -> Draft:
    scribe.log(ACTS, 0)[1].fields["kind"] = "RAISE_LIMIT"
    return letter(scribe, ORDERS)


def decided_despite_the_act(scribe: Scribe) -> Draft:
    order = order_of(scribe, DA, "o7")
    scribe.log(ACTS, 0)[1].fields |= {"partition": order.partition, "offset": order.offset}
    return decision_on(scribe, order)


def set_aside_for_something_else(scribe: Scribe) -> Draft:
    headed(letter(scribe, CARE), "tollgate.cause", b"time_ahead")
    return aside(scribe, CARE)


def act_not_named(scribe: Scribe) -> Draft:
    decision = aside(scribe, ORDERS)
    decision.fields["evidence"] = []
    return decision


def another_act_named(scribe: Scribe) -> Draft:
    decision = aside(scribe, TICKS)
    decision.fields["evidence"] = [{"topic": ACTS, "id": "u-1"}]
    return decision


def act_named_for_nothing(scribe: Scribe) -> Draft:
    decision = decision_on(scribe, order_of(scribe, BO, "o1"))
    decision.fields["evidence"] = [{"topic": ACTS, "id": "u-1"}]
    return decision


def letter_names_no_act(scribe: Scribe) -> Draft:
    return headed(letter(scribe, ORDERS), "tollgate.act", b"")


def letter_says_no_act(scribe: Scribe) -> Draft:
    return headed(letter(scribe, CARE), "__connect.errors.exception.message", b"set aside")


def time_moved_by_what_was_set_aside(scribe: Scribe) -> Draft:
    decision = decision_on(scribe, order_of(scribe, DA, "o7"))
    assert decision.partition == aside(scribe, TICKS).partition
    decision.fields["watermark"] = EVENING + 3
    return decision


def charged_though_set_aside(scribe: Scribe) -> Draft:
    order = order_of(scribe, EVA, "o7")
    decision = aside(scribe, ORDERS)
    charge = Gate(scribe).charge(order, order, None, None)
    decision.effects.append(charge)
    return charge


DOCTORED: dict[Doctor, int] = {
    **dict.fromkeys(
        (
            charged_at_a_price_set_aside,
            decided_despite_the_act,
            set_aside_for_something_else,
            time_moved_by_what_was_set_aside,
        ),
        8,
    ),
    **dict.fromkeys(
        (
            no_act,
            no_act_on_the_tick,
            no_act_on_the_service,
            act_comes_later,
            limit_taken_for_an_act,
            set_aside_and_not_told,
            fallen_and_not_told,
            told_twice,
            told_before_it_fell,
        ),
        10,
    ),
    **dict.fromkeys(
        (
            act_not_named,
            act_on_the_service_not_named,
            another_act_named,
            act_named_for_nothing,
            letter_names_no_act,
            letter_says_no_act,
            charged_though_set_aside,
        ),
        12,
    ),
}
