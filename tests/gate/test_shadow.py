"""SHADOW: charged at once, and what in force would have been is in the decision."""

from streams.gate.decide import state_of
from streams.gate.keys import subscriber_key
from streams.gate.reference import Template
from streams.gate.rows import SubscriberDay
from streams.gate.words import Channel, Confirmation, MessageKind, Reason, State
from tests.gate.examples import (
    BEGINNING,
    DAY,
    FIRST,
    IVR_SERVICE,
    LIFE,
    MINUTE,
    NOON,
    OFF,
    OTHER_SMS_SERVICE,
    SECOND,
    SMS_SERVICE,
    SUBSCRIBER,
    TEMPLATES,
    VOICE,
    catalogue,
    order,
    policy,
    reply,
    rule,
)
from tests.gate.harness import Gate

SHADOW = rule("shadow", Confirmation.SHADOW, prompt_life_ms=LIFE, grant_count_max=3)
EVERY_SHADOW = SHADOW._replace(shadow_of=Confirmation.EVERY_ORDER)
VOICE_SHADOW = SHADOW._replace(name="voice-shadow", lines=(Channel.IVR,), prompt_life_ms=MINUTE)

ASK, COVER = Reason.APPROVED_WOULD_ASK, Reason.APPROVED_WOULD_COVER
REFUSE = Reason.APPROVED_WOULD_REFUSE


def day_of(gate: Gate) -> SubscriberDay:
    return gate.subscribers[subscriber_key(SUBSCRIBER)].days[0]


def test_a_trial_charges_and_says_what_would_have_been_asked() -> None:
    """The order is charged under SHADOW, citing no yes; the provider is told that nobody was asked;
    the decision holds the very prompt.
    """
    gate = Gate(catalogue(policy(VOICE_SHADOW, SHADOW)))
    decision = gate.take(order("o-1", NOON), NOON)
    (charge,), (verdict,) = gate.charges, gate.verdicts
    assert decision.reason is ASK
    assert decision.would_ask == "您点播新浪的服务1,2.00元。15分钟内回复Y确认,不回复不收费。"
    assert (decision.rule, decision.charge_id) == ("shadow", charge.charge_id)
    assert (charge.confirmation, verdict.reason) == ("SHADOW", Reason.APPROVED_NOT_ASKED)
    assert (charge.prompt_id, charge.reply_id, charge.consented_at) == (None, None, None)
    assert not gate.messages
    assert (day_of(gate).prompts, day_of(gate).shadow_prompts) == (0, 1)
    assert (decision.before, decision.after) == (State.FRESH, State.FRESH)


def test_the_yes_that_nobody_gave_would_have_covered_so_many() -> None:
    """With a count of three the first is asked about, two are covered, the fourth asked anew."""
    gate = Gate(catalogue(policy(VOICE_SHADOW, SHADOW)))
    reasons = [gate.take(order(f"o-{n}", NOON), NOON).reason for n in range(5)]
    assert reasons == [ASK, COVER, COVER, ASK, COVER]
    assert len(gate.charges) == 5
    assert day_of(gate).shadow_prompts == 2
    assert [taken.decision.would_ask is None for taken in gate.taken] == [
        False,
        True,
        True,
        False,
        True,
    ]


def test_the_amount_of_the_trial_ends_to_the_last_unit() -> None:
    """At two yuan an order, four yuan would have covered two; one fen less one, and an amount
    below the price none at all.
    """
    for amount, second in ((400, COVER), (399, ASK), (199, ASK)):
        tried = SHADOW._replace(grant_amount_max_minor=amount)
        gate = Gate(catalogue(policy(tried)))
        reasons = [gate.take(order(f"o-{n}", NOON), NOON).reason for n in (1, 2)]
        assert reasons == [ASK, second]


def test_a_trial_of_every_order_would_ask_each_time() -> None:
    """No yes would have covered a second order; nothing is remembered in the service day."""
    gate = Gate(catalogue(policy(EVERY_SHADOW)))
    assert [gate.take(order(f"o-{n}", NOON), NOON).reason for n in (1, 2)] == [ASK, ASK]
    assert day_of(gate).shadow_prompts == 2
    assert not gate.service_days


def test_voice_would_have_been_asked_in_every_call() -> None:
    """A trial for voice names the recording that would have been played, each time."""
    gate = Gate(catalogue(policy(VOICE_SHADOW, SHADOW)))
    decisions = [gate.take(order(f"o-{n}", NOON, IVR_SERVICE), NOON) for n in (1, 2)]
    assert [each.reason for each in decisions] == [ASK, ASK]
    assert {each.would_ask for each in decisions} == {"voice-confirm-zh"}
    assert len(gate.charges) == 2


def test_a_trial_counts_against_the_prompts_of_the_day_but_refuses_nobody() -> None:
    """Prompts that were sent and those that would have been reach the limit together; what would
    then have been refused is charged all the same.
    """
    second = policy(EVERY_SHADOW, prompts_per_day_max=3, version=2, effective_from=NOON + MINUTE)
    gate = Gate(catalogue(policy(prompts_per_day_max=3), second))
    gate.take(order("o-0", NOON), NOON)
    reasons = [gate.take(order(f"o-{n}", NOON), NOON + MINUTE).reason for n in (1, 2, 3)]
    assert reasons == [ASK, ASK, REFUSE]
    assert len(gate.charges) == 3
    assert (day_of(gate).prompts, day_of(gate).shadow_prompts) == (1, 2)
    assert gate.taken[-1].decision.would_ask is None


def test_what_could_not_be_asked_would_have_been_refused() -> None:
    """Words that outgrow one segment refuse in force, and are only told of in a trial."""
    longer = SMS_SERVICE._replace(version=2, name=SMS_SERVICE.name._replace(zh="长" * 60))
    gate = Gate(catalogue(policy(SHADOW)))
    assert gate.catalogue.fold("services.v1", longer) is None
    decision = gate.take(order("o-1", NOON), NOON)
    assert (decision.reason, decision.would_ask) == (REFUSE, None)
    assert len(gate.charges) == 1
    assert not gate.service_days


def test_shadow_turned_into_first_of_day_at_noon_asks_anew() -> None:
    """What a trial would have covered covers nothing: the first order in force is asked about, and
    its yes covers the rest of the day.
    """
    noon = policy(version=2, effective_from=NOON)
    gate = Gate(catalogue(policy(VOICE_SHADOW, SHADOW), noon))
    gate.take(order("o-1", NOON - 2), NOON - 2)
    assert gate.take(order("o-2", NOON - 1), NOON - 1).reason is COVER
    first = gate.take(order("o-3", NOON), NOON)
    assert (first.reason, first.after) == (Reason.PROMPTED, State.ASKED)
    gate.take(reply("r-1", NOON + SECOND), NOON + SECOND)
    assert gate.take(order("o-4", NOON + MINUTE), NOON + MINUTE).reason is Reason.APPROVED_GRANTED
    cited = [charge.reply_id for charge in gate.charges]
    assert cited == [None, None, "r-1", "r-1"]


def test_first_of_day_turned_into_shadow_leaves_its_grant_alone() -> None:
    """The trial begins with a prompt of its own; a real grant is neither used nor lost."""
    trial = policy(SHADOW, version=2, effective_from=NOON + MINUTE)
    back = policy(version=3, effective_from=NOON + 2 * MINUTE)
    gate = Gate(catalogue(policy(), trial, back))
    gate.take(order("o-1", NOON), NOON)
    gate.take(reply("r-1", NOON), NOON)
    (row,) = gate.service_days.values()
    gate.take(order("o-2", NOON), NOON + MINUTE)
    (tried,) = gate.service_days.values()
    assert (tried.grant, state_of(tried)) == (row.grant, State.GRANTED)
    assert tried.shadow is not None
    assert gate.charges[-1].prompt_id is None
    granted = gate.take(order("o-3", NOON), NOON + 2 * MINUTE)
    assert granted.reason is Reason.APPROVED_GRANTED


def test_a_trial_never_covers_the_next_day() -> None:
    """After midnight the first order would be asked about again."""
    gate = Gate(catalogue(policy(SHADOW)))
    late = BEGINNING + DAY - 1
    reasons = [gate.take(order(f"o-{at}", at), at).reason for at in (late, late + 1)]
    assert reasons == [ASK, ASK]


def test_a_trial_beside_a_prompt_that_is_alive_would_ask_for_the_code() -> None:
    """What would have been asked is the prompt as it would have been, its code included; the code
    is not given out.
    """
    tried = SHADOW._replace(provider_ids=("sp-2",))
    gate = Gate(catalogue(policy(VOICE, tried, FIRST)))
    gate.take(order("o-1", NOON), NOON)
    local = gate.catalogue.services["sms-3"]
    decision = gate.take(order("o-2", NOON, local), NOON)
    assert decision.would_ask is not None
    assert "回复Y确认" not in decision.would_ask
    assert len(day_of(gate).codes) == 1


def test_money_limits_bind_a_trial() -> None:
    """A ceiling of a call refuses under SHADOW as it does in force: it is charged, after all."""
    gate = Gate(catalogue(policy(VOICE_SHADOW._replace(call_count_max=1), OFF)))
    reasons = [gate.take(order(f"o-{n}", NOON, IVR_SERVICE), NOON).reason for n in (1, 2)]
    assert reasons == [ASK, Reason.CALL_LIMIT]


def test_a_receipt_follows_a_charge_of_a_trial() -> None:
    """What SHADOW charges is money: where the rule has a receipt, the subscriber gets it."""
    words = Template(MessageKind.RECEIPT, Channel.SMS, "zh", "{{ service }}{{ price }}")
    record = policy(SHADOW._replace(receipt=True), templates=(*TEMPLATES, words))
    gate = Gate(catalogue(record))
    gate.take(order("o-1", NOON, OTHER_SMS_SERVICE), NOON)
    assert [message.kind for message in gate.messages] == [MessageKind.RECEIPT]
