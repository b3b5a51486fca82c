"""The exact edges: the very instant, the last of a count, the days on which clocks change."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.gate.decide import Event, decide
from streams.gate.decision import KEEP, Remembered
from streams.gate.facts import gather_facts
from streams.gate.ids import CHARGE, base_id, order_digest
from streams.gate.keys import due_of_subscriber, due_token, read_due_token, subscriber_key
from streams.gate.lapses import Lapse
from streams.gate.policy import DAY_MS, PolicyInForce
from streams.gate.reference import Names
from streams.gate.words import AlarmKind, Channel, Confirmation, Reason, State
from tests.gate.examples import (
    BEGINNING,
    DAY,
    FIRST,
    GRACE,
    HORIZON_DAYS,
    HOUR,
    IVR_SERVICE,
    LIFE,
    MINUTE,
    NOON,
    OFF,
    OTHER_SMS_SERVICE,
    REFUSE,
    SECOND,
    SKEW,
    SMS_SERVICE,
    SUBSCRIBER,
    VOICE,
    care,
    catalogue,
    ms,
    order,
    policy,
    reply,
    report,
    rule,
    settlement,
)
from tests.gate.harness import Gate

CHARGED = CHARGE + base_id(SUBSCRIBER, "o-0")


def asked() -> Gate:
    """A gate that has asked about an order at noon."""
    gate = Gate(catalogue())
    gate.take(order("o-1", NOON), NOON)
    return gate


def granted(**limits: int) -> Gate:
    """A gate in which a grant with these limits was given at noon."""
    gate = Gate(catalogue(policy(VOICE, rule("first-of-day", Confirmation.FIRST_OF_DAY, **limits))))
    gate.take(order("o-1", NOON), NOON)
    gate.take(reply("r-1", NOON), NOON)
    return gate


@pytest.mark.parametrize(
    ("received_at", "reason"),
    [
        (NOON - 1, Reason.TOO_LATE),
        (NOON, Reason.APPROVED_CONFIRMED),
        (NOON + LIFE - 1, Reason.APPROVED_CONFIRMED),
        (NOON + LIFE, Reason.TOO_LATE),
    ],
)
def test_a_prompt_lives_from_its_issue_until_just_before_its_end(
    received_at: int, reason: Reason
) -> None:
    """A yes at issued_at counts, at expires_at it is too late; a moment before, it is in time."""
    gate = asked()
    assert gate.take(reply("r-1", received_at), NOON + LIFE).reason is reason


def test_the_grace_ends_at_its_very_instant() -> None:
    """A prompt lapses when the watermark reaches expires_at plus grace, not a moment before."""
    gate = asked()
    assert gate.tick(NOON + LIFE + GRACE - 1) == []
    in_time = gate.take(reply("r-1", NOON + LIFE - 1), NOON + LIFE + GRACE)
    assert in_time.reason is Reason.APPROVED_CONFIRMED
    assert gate.tick(NOON + LIFE + GRACE) == []


def test_an_order_at_the_end_of_a_prompts_life_does_not_wait_on_it() -> None:
    """A moment before expires_at an order waits; at expires_at it is asked about anew."""
    assert asked().take(order("o-2", NOON), NOON + LIFE - 1).reason is Reason.WAITING
    assert asked().take(order("o-2", NOON), NOON + LIFE).reason is Reason.PROMPTED


def test_an_order_may_wait_up_to_the_limit() -> None:
    """Three orders wait on one prompt, the asked one included; the fourth is refused."""
    gate = asked()
    reasons = [gate.take(order(f"o-{n}", NOON), NOON).reason for n in (2, 3, 4)]
    assert reasons == [Reason.WAITING, Reason.WAITING, Reason.WAITING_LIMIT]


def test_the_skew_ends_at_its_very_instant() -> None:
    """A business time as far ahead as the skew is taken; a moment more is a dead letter."""
    gate = Gate(catalogue())
    assert gate.take(order("o-1", NOON + SKEW), NOON).reason is Reason.PROMPTED
    ahead: list[Event] = [
        order("o-2", NOON + SKEW + 1),
        reply("r-1", NOON + SKEW + 1),
        report("d-1", NOON + SKEW + 1),
        settlement("s-1", NOON + SKEW + 1),
        care("a-1", NOON + SKEW + 1),
    ]
    assert {gate.take(event, NOON).reason for event in ahead} == {Reason.DEAD_LETTER}
    assert [letter.cause for letter in gate.dead_letters] == ["time_ahead"] * 5
    assert len(gate.seen) == 1


@pytest.mark.parametrize(
    ("ordered_at", "reason"),
    [
        (BEGINNING, Reason.APPROVED_NOT_ASKED),
        (BEGINNING - 1, Reason.STALE),
        (-(2**63), Reason.STALE),
    ],
)
def test_the_horizon_ends_with_its_last_day(ordered_at: int, reason: Reason) -> None:
    """An order of the day that lies a whole horizon back is taken, one of the day before is not."""
    gate = Gate(catalogue(policy(OFF)))
    at = BEGINNING + HORIZON_DAYS * DAY + 12 * HOUR
    assert gate.take(order("o-1", ordered_at), at).reason is reason
    assert gate.verdicts[0].reason is reason
    assert gate.verdicts[0].verdict_id.startswith("s-" if reason is Reason.STALE else "v-")


def test_an_order_just_ahead_of_midnight_is_remembered_by_the_later_day() -> None:
    """An id stays remembered until its order is stale, also when it came from tomorrow."""
    gate = Gate(catalogue(policy(OFF)))
    midnight = BEGINNING + DAY
    gate.take(order("o-1", midnight + SECOND), midnight - SECOND)
    (seen,) = gate.seen.values()
    assert seen.day == midnight // DAY_MS + 1  # Shanghai's midnight lies in UTC's day before


def test_a_grant_covers_its_count_and_no_more() -> None:
    """With a count of two, the second order is charged and the third is asked about again."""
    gate = granted(grant_count_max=2)
    reasons = [gate.take(order(f"o-{n}", NOON), NOON + MINUTE).reason for n in (2, 3)]
    assert reasons == [Reason.APPROVED_GRANTED, Reason.PROMPTED]


@pytest.mark.parametrize(
    ("amount", "reasons"),
    [
        (400, [Reason.APPROVED_GRANTED, Reason.PROMPTED]),
        (399, [Reason.PROMPTED, Reason.WAITING]),
    ],
)
def test_a_grant_covers_its_amount_to_the_last_unit(amount: int, reasons: list[Reason]) -> None:
    """At two yuan an order, four yuan cover two orders; one fen less covers one."""
    gate = granted(grant_amount_max_minor=amount)
    assert [gate.take(order(f"o-{n}", NOON), NOON + MINUTE).reason for n in (2, 3)] == reasons


def test_orders_beyond_the_grant_are_refused_when_the_yes_comes() -> None:
    """Of three orders that wait, a grant of two charges two and refuses the third."""
    gate = Gate(catalogue(policy(VOICE, FIRST._replace(grant_count_max=2))))
    for place in (1, 2, 3):
        gate.take(order(f"o-{place}", NOON), NOON)
    gate.take(reply("r-1", NOON), NOON)
    assert [(each.order_id, each.reason) for each in gate.verdicts] == [
        ("o-1", Reason.APPROVED_CONFIRMED),
        ("o-2", Reason.APPROVED_CONFIRMED),
        ("o-3", Reason.GRANT_EXHAUSTED),
    ]


def test_a_rule_holds_from_its_first_instant_until_just_before_its_last() -> None:
    """from_at itself is in, until_at itself is out."""
    window = rule("window", Confirmation.REFUSE, from_at=NOON, until_at=NOON + HOUR)
    gate = Gate(catalogue(policy(window, OFF)))
    instants = (NOON - 1, NOON, NOON + HOUR - 1, NOON + HOUR)
    rules = [gate.take(order(f"o-{at}", at), at).rule for at in instants]
    assert rules == ["off", "window", "window", "off"]


def test_a_policy_holds_from_its_first_instant() -> None:
    """An order a moment before the first policy is refused, with no policy to name."""
    gate = Gate(catalogue(policy(OFF), policy(REFUSE, version=2, effective_from=NOON)))
    instants = (BEGINNING - 1, BEGINNING, NOON - 1, NOON)
    reasons = [gate.take(order(f"o-{at}", at), at).reason for at in instants]
    assert reasons == [
        Reason.NO_POLICY,
        Reason.APPROVED_NOT_ASKED,
        Reason.APPROVED_NOT_ASKED,
        Reason.REFUSED_BY_POLICY,
    ]


def test_before_the_first_policy_nothing_is_answered() -> None:
    """Without a policy a reply answers nothing and a note is still written down."""
    gate = Gate(catalogue())
    at = BEGINNING - DAY
    assert gate.take(reply("r-1", at), at).reason is Reason.NOT_ANSWERING
    assert gate.take(report("d-1", at + HOUR), at).reason is Reason.NOTED


@pytest.mark.parametrize(
    ("event", "changed"),
    [
        (order("i-1", NOON), order("i-1", NOON - 1)),
        (reply("i-1", NOON), reply("i-1", NOON, "N")),
        (report("i-1", NOON), report("i-1", NOON, message_id="m-2")),
        (
            settlement("i-1", NOON, charge_id=CHARGED),
            settlement("i-1", NOON, charge_id=CHARGED, amount_minor=0),
        ),
        (care("i-1", NOON), care("i-1", NOON, charge_id="c-1")),
    ],
    ids=lambda event: type(event).__name__,
)
def test_an_id_is_taken_once(event: Event, changed: Event) -> None:
    """A repeated event changes nothing; other content under its id is a conflict, never more."""
    gate = Gate(catalogue(policy(OFF)))
    gate.take(order("o-0", NOON), NOON)
    gate.take(event, NOON)
    charges, sent = len(gate.charges), len(gate.sent)
    repeated = gate.take(event, NOON + 1)
    assert (repeated.reason, repeated.effects) == (Reason.REPEATED, ())
    conflict = gate.take(changed, NOON + 2)
    assert conflict.reason is Reason.CONFLICT
    assert (conflict.seen, conflict.service_day, conflict.subscriber) == (KEEP, KEEP, KEEP)
    assert gate.sent[sent:] == [*gate.dead_letters, *gate.alarms]
    assert [each.cause for each in gate.dead_letters] == ["conflict"]
    assert [each.kind for each in gate.alarms] == [AlarmKind.CONFLICT]
    assert SUBSCRIBER not in repr(gate.alarms) + repr(gate.dead_letters)
    assert len(gate.charges) == charges


def test_two_kinds_of_events_may_share_an_id() -> None:
    """Ids are unique within their topic, not across topics."""
    gate = Gate(catalogue(policy(OFF)))
    gate.take(order("i", NOON), NOON)
    settled = settlement("i", NOON, charge_id=gate.charges[0].charge_id)
    events: list[Event] = [reply("i", NOON), report("i", NOON), settled, care("i", NOON)]
    reasons = [gate.take(event, NOON).reason for event in events]
    assert reasons == [Reason.NOT_ANSWERING, Reason.NOTED, Reason.SETTLED, Reason.NOTED]


def test_the_same_order_from_another_centre_is_a_repetition() -> None:
    """Which centre publishes an order says nothing about the order."""
    gate = Gate(catalogue())
    gate.take(order("o-1", NOON), NOON)
    again = gate.take(order("o-1", NOON, source="centre-2"), NOON + 1)
    assert again.reason is Reason.REPEATED


@pytest.mark.parametrize("field", [each for each in order("o", 0)._fields if each != "source"])
def test_every_other_field_is_part_of_what_an_order_says(field: str) -> None:
    """An order that differs in any field but its source is not the same order."""
    usual = order("o-1", NOON)
    before = getattr(usual, field)
    changed = Channel.MMS if field == "channel" else 1 if isinstance(before, int) else "x"
    different = usual._replace(**{field: changed})  # type: ignore[arg-type]
    assert order_digest(different) != order_digest(usual)


def test_what_cannot_be_meant_is_a_dead_letter_before_anything_else() -> None:
    """A negative price or amount is set aside, whatever else is wrong, and is not remembered."""
    gate = Gate(catalogue())
    gate.take(order("o-1", NOON + DAY, price_minor=-1), NOON)
    gate.take(settlement("s-1", NOON, amount_minor=-1), NOON)
    assert [each.cause for each in gate.dead_letters] == ["negative_price", "negative_amount"]
    assert not gate.seen
    assert not gate.verdicts


def test_a_lapse_that_finds_no_such_prompt_decides_nothing() -> None:
    """An answered prompt, or one that is due at another instant, does not lapse."""
    gate = asked()
    ref = gate.subscribers[subscriber_key(SUBSCRIBER)].prompts[0]
    other = Lapse(ref.day, SUBSCRIBER, ref.service_id, ref.prompt_id, ref.due_at + 1)
    assert gate._decide(other, ref.due_at + 1) is None
    gate.take(reply("r-1", NOON), NOON)
    gate.take(order("o-2", NOON, OTHER_SMS_SERVICE), NOON)
    assert [each.order_id for each in gate.tick(NOON + DAY)] == ["o-2"]


def test_a_note_concerns_no_service_day() -> None:
    """A delivery report and a look leave every row as it is and say so."""
    gate = asked()
    rows = dict(gate.service_days)
    for event in (report("d-1", NOON), care("a-1", NOON)):
        decision = gate.take(event, NOON)
        assert (decision.reason, decision.before) == (Reason.NOTED, State.UNKNOWN)
    assert gate.service_days == rows


@given(service=st.text(), day=st.integers(0, 40_000))
def test_a_due_token_is_read_back_whatever_the_service_is_called(service: str, day: int) -> None:
    """No service id, however strange, is confused with another part of the token."""
    assert read_due_token(due_token(day, "8613", service, "p-1")) == (day, "8613", service, "p-1")


def test_due_acts_can_be_found_again_in_the_rows() -> None:
    """What a subscriber's row says is due is what the decision asked to be woken for."""
    gate = asked()
    decision = gate.taken[0].decision
    row = gate.subscribers[subscriber_key(SUBSCRIBER)]
    assert tuple(due_of_subscriber(SUBSCRIBER, row)) == decision.wake
    assert decision.wake[0][0] == NOON + LIFE + GRACE


def local(zone: str, *moment: int) -> int:
    """An instant by a clock on the wall."""
    return ms(datetime(*moment, tzinfo=ZoneInfo(zone)))  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("zone", "date", "hours"),
    [
        ("Europe/Berlin", (2025, 3, 30), 23),
        ("Europe/Berlin", (2025, 10, 26), 25),
        ("Asia/Beirut", (2025, 3, 30), 23),  # the clock jumps at midnight itself
        ("America/Havana", (2025, 11, 2), 25),
        ("Australia/Lord_Howe", (2025, 4, 6), 24.5),
        ("Asia/Shanghai", (2025, 3, 30), 24),
    ],
)
def test_days_on_which_clocks_change_begin_and_end_at_midnight(
    zone: str, date: tuple[int, int, int], hours: float
) -> None:
    """A day has all its 23, 24 or 25 hours, to the millisecond, and no instant of another."""
    in_force = PolicyInForce(policy(time_zone=zone))
    year, month, day_of_month = date
    start = local(zone, year, month, day_of_month)
    end = start + int(hours * HOUR)
    day = datetime(year, month, day_of_month).toordinal() - datetime(1970, 1, 1).toordinal()  # noqa: DTZ001 calendar days have no zone
    instants = (start - 1, start, (start + end) // 2, end - 1, end)
    for _ in ("computed", "remembered"):
        assert [in_force.day_of(at) - day for at in instants] == [-1, 0, 0, 0, 1]


@given(instant=st.integers(-(2**63), 2**63 - 1))
def test_every_instant_has_a_day(instant: int) -> None:
    """No business time, however absurd, stops the gate."""
    PolicyInForce(policy()).day_of(instant)


def test_a_voice_order_without_a_call_is_refused() -> None:
    """Without its call a voice order could not be confirmed in it; an empty name is none."""
    gate = Gate(catalogue())
    for place, call_id in enumerate((None, "")):
        refused = gate.take(order(f"o-{place}", NOON, IVR_SERVICE, call_id=call_id), NOON)
        assert refused.reason is Reason.CALL_MISSING


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"service_id": "nope"}, Reason.SERVICE_UNKNOWN),
        ({"provider_id": "sp-2"}, Reason.PROVIDER_MISMATCH),
        ({"channel": Channel.MMS}, Reason.LINE_MISMATCH),
        ({"channel": Channel.UNKNOWN}, Reason.LINE_MISMATCH),
        ({"price_minor": 199}, Reason.PRICE_MISMATCH),
        ({"currency": "EUR"}, Reason.PRICE_MISMATCH),
        ({"service_id": "nope", "price_minor": 0, "channel": Channel.MMS}, Reason.SERVICE_UNKNOWN),
    ],
)
def test_the_first_objection_names_the_reason(fields: dict[str, object], reason: Reason) -> None:
    """Each fault of an order has its reason, and of several the first of the list is told."""
    gate = Gate(catalogue(policy(OFF)))
    faulty = order("o-1", NOON, **fields)  # type: ignore[arg-type]
    decision = gate.take(faulty, NOON)
    assert decision.reason is gate.verdicts[0].reason is reason
    assert gate.take(faulty, NOON).reason is Reason.REPEATED


def test_a_service_of_nobody_is_refused() -> None:
    """A service whose provider is not in the catalogue cannot be sold."""
    reference = catalogue(policy(OFF))
    orphan = SMS_SERVICE._replace(service_id="orphan", provider_id="sp-9")
    assert reference.fold("services.v1", orphan) is None
    decision = Gate(reference).take(order("o-1", NOON, orphan), NOON)
    assert decision.reason is Reason.PROVIDER_UNKNOWN


def test_a_reply_by_a_channel_of_tomorrow_is_not_heard() -> None:
    """A yes by a channel that this version does not know answers nothing (fail closed)."""
    gate = asked()
    strange = reply("r-1", NOON, channel=Channel.UNKNOWN)
    assert gate.take(strange, NOON).reason is Reason.NOT_ANSWERING
    assert not gate.charges


def test_an_order_that_no_rule_speaks_of_is_refused() -> None:
    """Where the policy is silent nobody is charged."""
    only = rule("sichuan", Confirmation.OFF, provinces=("sichuan",))
    assert Gate(catalogue(policy(only))).take(order("o", NOON), NOON).reason is Reason.NO_RULE


def test_deciding_twice_gives_the_same_and_changes_nothing() -> None:
    """The same three arguments give the same decision for ever."""
    gate = asked()
    event = reply("r-1", NOON + 1)
    facts = gather_facts(gate.catalogue, NOON + 1, NOON, "replies.v1", 0, 7)
    (row,), (known,) = gate.service_days.values(), gate.subscribers.values()
    remembered = Remembered(None, row, known)
    assert decide(remembered, event, facts) == decide(remembered, event, facts)


def test_an_order_that_cannot_be_asked_in_one_segment_is_refused() -> None:
    """A name that outgrew the template never makes a prompt of two segments (law 6)."""
    reference = catalogue()
    longer = SMS_SERVICE._replace(version=2, name=Names("长" * 60, "long"))
    assert reference.fold("services.v1", longer) is None
    gate = Gate(reference)
    decision = gate.take(order("o-1", NOON), NOON)
    assert decision.reason is Reason.UNASKABLE
    assert [each.reason for each in gate.verdicts] == [Reason.UNASKABLE]
    assert not gate.messages
