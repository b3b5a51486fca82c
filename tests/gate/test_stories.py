"""What happens to subscribers, as customer care would tell it."""

from streams.gate.decide import state_of
from streams.gate.words import (
    Channel,
    Confirmation,
    Encoding,
    MessageKind,
    Outcome,
    ProviderStatus,
    Reason,
    Scope,
    ServiceStatus,
    State,
)
from tests.gate.examples import (
    BEGINNING,
    DAY,
    EVERY,
    FIRST,
    GRACE,
    HOUR,
    IVR_SERVICE,
    LIFE,
    LOCAL_SERVICE,
    MINUTE,
    MMS_SERVICE,
    NOON,
    OFF,
    OTHER_SMS_SERVICE,
    PROVIDER,
    REFUSE,
    SECOND,
    SENDER,
    SMS_SERVICE,
    VOICE,
    catalogue,
    credit,
    key_press,
    order,
    policy,
    reply,
    rule,
)
from tests.gate.harness import Gate


def test_the_first_order_of_a_day_is_asked_about() -> None:
    """The first order leads to one prompt that names provider, service and price, and no charge."""
    gate = Gate(catalogue())
    decision = gate.take(order("o-1", NOON), NOON)
    (prompt,) = gate.messages
    assert decision.reason is Reason.PROMPTED
    assert (decision.before, decision.after) == (State.FRESH, State.ASKED)
    assert prompt.text == "您点播新浪的服务1,2.00元。15分钟内回复Y确认,不回复不收费。"
    assert (prompt.kind, prompt.channel, prompt.sender) == (MessageKind.PROMPT, "SMS", SENDER)
    assert (prompt.encoding, prompt.segments) == (Encoding.UCS2, 1)
    assert (prompt.issued_at, prompt.expires_at) == (NOON, NOON + LIFE)
    assert not gate.charges
    assert not gate.verdicts


def test_yes_charges_the_order() -> None:
    """A yes in time charges the order once, citing the prompt, the reply and the moment of it."""
    gate = Gate(catalogue())
    gate.take(order("o-1", NOON), NOON)
    decision = gate.take(reply("r-1", NOON + MINUTE, " ｙｅｓ！"), NOON + MINUTE + SECOND)
    (charge,), (verdict,) = gate.charges, gate.verdicts
    assert decision.reason is verdict.reason is Reason.APPROVED_CONFIRMED
    assert (decision.before, decision.after) == (State.ASKED, State.GRANTED)
    assert (charge.prompt_id, charge.reply_id) == (gate.messages[0].prompt_id, "r-1")
    assert (charge.consented_at, charge.approved_at) == (NOON + MINUTE, NOON + MINUTE + SECOND)
    assert (charge.price_minor, charge.charge_code) == (200, "code-sms-1")
    assert (charge.policy_id, charge.policy_version) == ("operator", 1)
    assert verdict.outcome is Outcome.APPROVED
    assert not any(row.prompts for row in gate.subscribers.values())


def test_the_second_order_of_the_day_is_charged_without_asking() -> None:
    """After a yes the same service is charged on the same day at once, citing that yes."""
    gate = Gate(catalogue())
    gate.take(order("o-1", NOON), NOON)
    gate.take(reply("r-1", NOON + MINUTE), NOON + MINUTE)
    decision = gate.take(order("o-2", NOON + HOUR), NOON + HOUR)
    assert decision.reason is Reason.APPROVED_GRANTED
    assert [charge.order_id for charge in gate.charges] == ["o-1", "o-2"]
    assert {(charge.reply_id, charge.consented_at) for charge in gate.charges} == {
        ("r-1", NOON + MINUTE)
    }
    assert len(gate.messages) == 1


def test_another_service_is_asked_about_on_its_own() -> None:
    """A yes to one service says nothing about another."""
    gate = Gate(catalogue())
    gate.take(order("o-1", NOON), NOON)
    gate.take(reply("r-1", NOON + MINUTE), NOON + MINUTE)
    decision = gate.take(order("o-2", NOON + HOUR, OTHER_SMS_SERVICE), NOON + HOUR)
    assert decision.reason is Reason.PROMPTED


def test_no_refuses_the_order() -> None:
    """A no refuses what waits, and the next order of the day is asked about again."""
    gate = Gate(catalogue())
    gate.take(order("o-1", NOON), NOON)
    decision = gate.take(reply("r-1", NOON + MINUTE, "取消"), NOON + MINUTE)
    assert decision.reason is gate.verdicts[0].reason is Reason.DECLINED
    assert not gate.charges
    assert not gate.service_days
    assert gate.take(order("o-2", NOON + HOUR), NOON + HOUR).reason is Reason.PROMPTED


def test_silence_refuses_the_order() -> None:
    """When a prompt's life and the grace have passed, the order is refused and nothing is open."""
    gate = Gate(catalogue())
    gate.take(order("o-1", NOON), NOON)
    assert not gate.tick(NOON + LIFE + GRACE - 1)
    (decision,) = gate.tick(NOON + LIFE + GRACE)
    assert decision.reason is gate.verdicts[0].reason is Reason.SILENCE
    assert not gate.charges
    assert not gate.service_days
    assert not any(row.prompts for row in gate.subscribers.values())


def test_nonsense_changes_nothing() -> None:
    """A reply that is neither yes nor no leaves the prompt open; a yes after it still counts."""
    gate = Gate(catalogue())
    gate.take(order("o-1", NOON), NOON)
    for place, text in enumerate(["", "Y N", "what is this?", "1", "y" * 200, "👍"]):
        decision = gate.take(reply(f"r-{place}", NOON + SECOND, text), NOON + SECOND)
        assert decision.reason is Reason.UNCLEAR
    assert not gate.verdicts
    assert gate.take(reply("r-y", NOON + MINUTE), NOON + MINUTE).charge_id


def test_a_yes_to_another_number_is_not_heard() -> None:
    """Only the one number listens: a yes sent elsewhere charges nobody."""
    gate = Gate(catalogue())
    gate.take(order("o-1", NOON), NOON)
    decision = gate.take(reply("r-1", NOON + MINUTE, to="10658000"), NOON + MINUTE)
    assert decision.reason is Reason.NOT_ANSWERING
    assert not gate.charges


def test_a_yes_out_of_the_blue_charges_nobody() -> None:
    """A yes that answers no prompt is written down, and that is all."""
    gate = Gate(catalogue())
    assert gate.take(reply("r-1", NOON), NOON).reason is Reason.NOT_ANSWERING
    assert not gate.sent


def test_the_price_shown_is_the_price_charged() -> None:
    """When the price changes between prompt and reply, the yes is charged at the price shown."""
    reference = catalogue()
    gate = Gate(reference)
    gate.take(order("o-1", NOON), NOON)
    dearer = SMS_SERVICE._replace(price_minor=900, version=2)
    assert reference.fold("services.v1", dearer) is None
    gate.take(reply("r-1", NOON + MINUTE), NOON + MINUTE)
    assert gate.charges[0].price_minor == 200
    refused = gate.take(order("o-2", NOON + HOUR), NOON + HOUR)
    assert refused.reason is Reason.PRICE_MISMATCH
    asked_again = gate.take(order("o-3", NOON + HOUR, dearer), NOON + HOUR)
    assert asked_again.reason is Reason.PROMPTED
    assert asked_again.after is State.GRANTED_ASKED
    assert "9.00元" in gate.messages[-1].text


def test_a_service_withdrawn_while_waiting_is_not_charged() -> None:
    """A yes comes too late for a service that was withdrawn after the prompt."""
    reference = catalogue()
    gate = Gate(reference)
    gate.take(order("o-1", NOON), NOON)
    withdrawn = SMS_SERVICE._replace(status=ServiceStatus.WITHDRAWN, version=2)
    assert reference.fold("services.v1", withdrawn) is None
    decision = gate.take(reply("r-1", NOON + MINUTE), NOON + MINUTE)
    assert decision.reason is gate.verdicts[0].reason is Reason.SERVICE_NOT_ON_SALE
    assert not gate.charges
    assert not gate.service_days


def test_a_provider_suspended_while_waiting_is_not_paid() -> None:
    """A yes comes too late for a provider who was suspended after the prompt."""
    reference = catalogue()
    gate = Gate(reference)
    gate.take(order("o-1", NOON), NOON)
    suspended = PROVIDER._replace(status=ProviderStatus.SUSPENDED, version=2)
    assert reference.fold("providers.v1", suspended) is None
    assert gate.take(reply("r-1", NOON + 1), NOON + 1).reason is Reason.PROVIDER_NOT_ACTIVE
    assert not gate.charges


def test_an_order_before_midnight_belongs_to_its_own_day() -> None:
    """An order of 23:59 answered at 00:03 is charged to its own day; the next one asks again."""
    gate = Gate(catalogue())
    midnight = BEGINNING + DAY
    gate.take(order("o-1", midnight - MINUTE), midnight - MINUTE)
    gate.take(reply("r-1", midnight + 3 * MINUTE), midnight + 3 * MINUTE)
    (charge,) = gate.charges
    policy_now = gate.catalogue.policy_at(midnight)
    assert policy_now is not None
    assert charge.day == policy_now.day_of(BEGINNING) == policy_now.day_of(midnight) - 1
    next_order = gate.take(order("o-2", midnight + 4 * MINUTE), midnight + 4 * MINUTE)
    assert next_order.reason is Reason.PROMPTED
    straggler = gate.take(order("o-3", midnight - 1), midnight + 5 * MINUTE)
    assert straggler.reason is Reason.APPROVED_GRANTED


def test_an_order_repeated_on_another_day_is_never_charged_again() -> None:
    """The same id with the time of another day is a conflict; the same record late is repeated."""
    gate = Gate(catalogue(policy(VOICE, OFF)))
    first = order("o-1", NOON)
    gate.take(first, NOON)
    again = gate.take(order("o-1", NOON + DAY), NOON + DAY)
    assert again.reason is Reason.CONFLICT
    assert gate.take(first, NOON + 2 * DAY).reason is Reason.REPEATED
    gate.seen.clear()  # the horizon has passed, and the id is forgotten
    assert gate.take(first, NOON + 8 * DAY).reason is Reason.STALE
    assert len(gate.charges) == 1


def test_two_orders_wait_on_one_yes() -> None:
    """A second order while the prompt is open is not asked about; one yes charges both."""
    gate = Gate(catalogue())
    gate.take(order("o-1", NOON), NOON)
    assert gate.take(order("o-2", NOON + SECOND), NOON + SECOND).reason is Reason.WAITING
    gate.take(reply("r-1", NOON + MINUTE), NOON + MINUTE)
    assert [charge.order_id for charge in gate.charges] == ["o-1", "o-2"]
    assert len(gate.messages) == 1


def test_every_order_asks_for_the_next_that_waits() -> None:
    """Where every order needs its yes, each yes charges one order and asks about the next."""
    gate = Gate(catalogue(policy(EVERY)))
    for place in (1, 2, 3):
        gate.take(order(f"o-{place}", NOON), NOON)
    assert gate.take(order("o-4", NOON), NOON).reason is Reason.WAITING_LIMIT
    first = gate.take(reply("r-1", NOON + MINUTE), NOON + MINUTE)
    assert (first.reason, first.after) == (Reason.APPROVED_CONFIRMED, State.ASKED)
    assert [message.order_id for message in gate.messages] == ["o-1", "o-2"]
    assert gate.messages[1].issued_at == NOON + MINUTE
    assert gate.messages[1].expires_at == NOON + MINUTE + LIFE
    gate.take(reply("r-2", NOON + 2 * MINUTE), NOON + 2 * MINUTE)
    last = gate.take(reply("r-3", NOON + 3 * MINUTE, "N"), NOON + 3 * MINUTE)
    assert (last.reason, last.after) == (Reason.DECLINED, State.FRESH)
    assert [charge.order_id for charge in gate.charges] == ["o-1", "o-2"]
    assert len({charge.prompt_id for charge in gate.charges}) == 2
    assert gate.take(order("o-5", NOON + HOUR), NOON + HOUR).reason is Reason.PROMPTED


def test_a_voice_order_needs_the_key_press_in_its_own_call() -> None:
    """A voice order is asked in its call; a text or another call's key is not its answer."""
    gate = Gate(catalogue())
    gate.take(order("o-1", NOON, IVR_SERVICE), NOON)
    (prompt,) = gate.messages
    assert (prompt.channel, prompt.encoding, prompt.text) == (Channel.IVR, Encoding.VOICE, "")
    assert prompt.voice_prompt_id == "voice-confirm-zh"
    assert {each.name: each.value for each in prompt.variables}["price"] == "5.00元"
    assert prompt.call_id == "call-1"
    at = NOON + SECOND
    assert gate.take(reply("r-1", at), at).reason is Reason.NOT_ANSWERING
    other_call = key_press("r-2", at, call_id="call-2")
    assert gate.take(other_call, at).reason is Reason.NOT_ANSWERING
    assert not gate.charges
    assert gate.take(key_press("r-3", at, "1#"), at).reason is Reason.UNCLEAR
    assert gate.take(key_press("r-4", at), at).reason is Reason.APPROVED_CONFIRMED
    assert gate.charges[0].consented_at == at


def test_a_yes_never_covers_another_call() -> None:
    """The next call asks again, and a call beside it is asked on its own."""
    gate = Gate(catalogue())
    gate.take(order("o-1", NOON, IVR_SERVICE), NOON)
    beside = gate.take(order("o-2", NOON, IVR_SERVICE, call_id="call-2"), NOON)
    assert beside.reason is Reason.PROMPTED
    gate.take(key_press("r-1", NOON + SECOND), NOON + SECOND)
    assert [charge.order_id for charge in gate.charges] == ["o-1"]
    third = gate.take(order("o-3", NOON + MINUTE, IVR_SERVICE, call_id="call-3"), NOON + MINUTE)
    assert third.reason is Reason.PROMPTED


def test_a_picture_order_is_asked_about_by_text() -> None:
    """An MMS order is asked by SMS, which any handset can answer, and charged as MMS."""
    gate = Gate(catalogue())
    gate.take(order("o-1", NOON, MMS_SERVICE), NOON)
    assert gate.messages[0].channel is Channel.SMS
    gate.take(reply("r-1", NOON + SECOND, channel=Channel.MMS), NOON + SECOND)
    assert gate.charges[0].channel is Channel.MMS


def test_a_yes_with_two_prompts_open_is_ambiguous() -> None:
    """A plain yes while two services are asked about charges neither; both stay open."""
    gate = Gate(catalogue())
    gate.take(order("o-1", NOON), NOON)
    gate.take(order("o-2", NOON, OTHER_SMS_SERVICE), NOON)
    assert gate.take(reply("r-1", NOON + 1), NOON + 1).reason is Reason.AMBIGUOUS
    assert not gate.charges
    assert len(gate.tick(NOON + LIFE + GRACE)) == 2
    assert {verdict.reason for verdict in gate.verdicts} == {Reason.SILENCE}


def test_a_province_not_yet_in_force_is_not_asked() -> None:
    """Before its batch begins a province is charged as ever; from that instant on it is asked."""
    batch = rule("batch-1", Confirmation.FIRST_OF_DAY, provinces=("guangdong",), from_at=NOON)
    gate = Gate(catalogue(policy(VOICE, batch, OFF)))
    before = gate.take(order("o-1", NOON - 1), NOON - 1)
    assert (before.reason, before.rule) == (Reason.APPROVED_NOT_ASKED, "off")
    elsewhere = gate.take(order("o-2", NOON, province="sichuan"), NOON)
    assert elsewhere.reason is Reason.APPROVED_NOT_ASKED
    after = gate.take(order("o-3", NOON), NOON)
    assert (after.reason, after.rule) == (Reason.PROMPTED, "batch-1")
    assert gate.charges[0].confirmation is Confirmation.OFF
    assert gate.charges[0].consented_at is None


def test_a_policy_that_refuses_charges_nobody() -> None:
    """REFUSE answers every order of its rule with a refusal."""
    gate = Gate(catalogue(policy(REFUSE)))
    assert gate.take(order("o-1", NOON), NOON).reason is Reason.REFUSED_BY_POLICY
    assert gate.verdicts[0].outcome is Outcome.REFUSED
    assert not gate.charges


def test_providers_below_sixty_points_confirm_and_others_do_not() -> None:
    """59 points are asked about, 60 are not, and nobody's points are bad points."""
    low = rule("low-credit", Confirmation.FIRST_OF_DAY, lines=(Channel.SMS,), credit_below=60)
    reference = catalogue(policy(low, OFF))
    gate = Gate(reference)
    assert gate.take(order("o-1", NOON), NOON).rule == "low-credit"
    assert reference.fold("credits.v1", credit(60)) is None
    assert gate.take(order("o-2", NOON), NOON).rule == "off"
    drop = credit(None, change_id="credit-2", delta=-1, effective_from=NOON + HOUR)
    assert reference.fold("credits.v1", drop) is None
    assert gate.take(order("o-3", NOON + HOUR - 1), NOON + HOUR - 1).rule == "off"
    assert gate.take(order("o-4", NOON + HOUR), NOON + HOUR).rule == "low-credit"


def test_local_providers_can_have_a_rule_of_their_own() -> None:
    """A rule for LOCAL providers leaves national ones to the rules below it."""
    local = rule("local", Confirmation.REFUSE, scope=Scope.LOCAL)
    gate = Gate(catalogue(policy(local, VOICE, FIRST)))
    assert gate.take(order("o-1", NOON, LOCAL_SERVICE), NOON).rule == "local"
    assert gate.take(order("o-2", NOON), NOON).rule == "first-of-day"


def test_a_yes_arriving_after_an_outage_is_honoured() -> None:
    """A reply received in time counts though its record comes late, while no tick has passed."""
    gate = Gate(catalogue())
    gate.take(order("o-1", NOON), NOON)
    late = gate.take(reply("r-1", NOON + LIFE - 1), NOON + LIFE + GRACE + HOUR)
    assert late.reason is Reason.APPROVED_CONFIRMED
    assert not gate.tick(NOON + DAY)


def test_a_new_owner_finds_the_prompts_that_are_due() -> None:
    """After a restart the open prompts of the rows lapse as if nothing had happened."""
    gate = Gate(catalogue())
    gate.take(order("o-1", NOON), NOON)
    gate.restart()
    assert [each.reason for each in gate.tick(NOON + HOUR)] == [Reason.SILENCE]


def test_a_prompt_that_has_expired_but_not_lapsed_takes_no_new_order() -> None:
    """When the watermark is late, a new prompt opens beside the dead one, and its yes counts."""
    gate = Gate(catalogue())
    gate.take(order("o-1", NOON), NOON)
    at = NOON + LIFE
    assert gate.take(order("o-2", at), at).reason is Reason.PROMPTED
    gate.take(reply("r-1", at), at)
    assert [charge.order_id for charge in gate.charges] == ["o-2"]
    gate.tick(at + HOUR)
    assert [(each.order_id, each.reason) for each in gate.verdicts] == [
        ("o-2", Reason.APPROVED_CONFIRMED),
        ("o-1", Reason.SILENCE),
    ]
    assert [state_of(row) for row in gate.service_days.values()] == [State.GRANTED]


def test_the_next_order_is_refused_when_the_policy_has_no_words_for_it() -> None:
    """A policy that no longer asks by voice cannot ask about the order that waits next."""
    reference = catalogue(policy(VOICE, FIRST))
    gate = Gate(reference)
    gate.take(order("o-1", NOON, IVR_SERVICE), NOON)
    gate.take(order("o-2", NOON, IVR_SERVICE), NOON)
    no_voice = policy(OFF, version=2, effective_from=NOON + 1)
    texts = tuple(each for each in no_voice.templates if each.channel is Channel.SMS)
    assert reference.fold("policies.v1", no_voice._replace(templates=texts)) is None
    gate.take(key_press("r-1", NOON + SECOND), NOON + SECOND)
    assert [charge.order_id for charge in gate.charges] == ["o-1"]
    assert [each.reason for each in gate.verdicts] == [
        Reason.APPROVED_CONFIRMED,
        Reason.UNASKABLE,
    ]
    assert not gate.service_days
