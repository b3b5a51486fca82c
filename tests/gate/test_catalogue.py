"""Reference data is taken record by record; what is wrong with one is said in a sentence."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.gate.boxes import LINES
from streams.gate.catalogue import Catalogue
from streams.gate.policy import normalise
from streams.gate.reference import (
    Congestion,
    Gateway,
    KeywordWords,
    OperatorAct,
    Policy,
    ProvinceLanguage,
    ReplyWords,
    Rule,
    SpendLimit,
    Template,
)
from streams.gate.words import (
    ActKind,
    Answer,
    Channel,
    Confirmation,
    CongestionState,
    Keyword,
    MessageKind,
    Scope,
)
from tests.gate.examples import (
    BEGINNING,
    DAY,
    EVERY,
    FIRST,
    HORIZON_DAYS,
    HOUR,
    IVR_SERVICE,
    KEYWORDS,
    LIFE,
    LOCAL_PROVIDER,
    NOON,
    OFF,
    PROVIDER,
    REFUSE,
    REPLY_WORDS,
    SMS_SERVICE,
    TEMPLATES,
    VOICE,
    catalogue,
    credit,
    order,
    policy,
    rule,
)

SMS_ONLY = (Channel.SMS,)
TRIAL = rule("trial", Confirmation.SHADOW, prompt_life_ms=LIFE)
TEXT_ZH = TEMPLATES[0]


def with_template(index: int, **fields: object) -> tuple[Template, ...]:
    """The usual templates, one of them changed."""
    changed = TEMPLATES[index]._replace(**fields)  # type: ignore[arg-type]
    return (*TEMPLATES[:index], changed, *TEMPLATES[index + 1 :])


def words(*more: ReplyWords) -> tuple[ReplyWords, ...]:
    return (*REPLY_WORDS, *more)


FAULTY_POLICIES: list[tuple[Policy, str]] = [
    (policy(version=2), "its next version is 1"),
    (policy(effective_from=NOON, version=1), "takes effect at the same instant as policy first"),
    (policy(time_zone="Asia/Atlantis"), "time zone 'Asia/Atlantis' is not known"),
    (policy(time_zone="../etc"), "is not known; write an IANA name"),
    (policy(sender=""), "no sender number"),
    (policy(horizon_days=-1), "horizon_days is -1, which is negative"),
    (policy(grace_ms=-1), "grace_ms is -1"),
    (policy(skew_ms=-1), "skew_ms is -1"),
    (policy(message_life_ms=-1), "message_life_ms is -1"),
    (policy(waiting_orders_max=0), "waiting_orders_max must be at least 1"),
    (policy(VOICE, OFF, FIRST), "rule 'first-of-day' can never match"),
    (policy(rule("a", Confirmation.OFF, lines=SMS_ONLY), OFF, REFUSE), "rule 'refuse' can never"),
    (
        policy(
            rule("low", Confirmation.OFF, credit_below=60),
            rule("high", Confirmation.OFF, credit_at_least=60),
            REFUSE,
        ),
        "rule 'refuse' can never match",
    ),
    (
        policy(*(rule(line, Confirmation.OFF, lines=(line,)) for line in LINES), REFUSE),
        "rule 'refuse' can never match",
    ),
    (
        policy(rule("none", Confirmation.OFF, credit_below=60, credit_at_least=60), REFUSE),
        "rule 'none' can never match",
    ),
    (
        policy(rule("none", Confirmation.OFF, from_at=NOON, until_at=NOON), REFUSE),
        "rule 'none' can never match",
    ),
    (
        policy(rule("past", Confirmation.OFF, until_at=BEGINNING), REFUSE),
        "rule 'past' can never match: it contradicts itself, ends before the policy begins",
    ),
    (
        policy(rule("a", Confirmation.OFF, scope=Scope.LOCAL), rule("a", Confirmation.OFF)),
        "named 'a'",
    ),
    (policy(FIRST), "rule 'first-of-day' is FIRST_OF_DAY and can match IVR"),
    (policy(TRIAL._replace(prompt_life_ms=0)), "'trial' tries out asking, so its prompt_life_ms"),
    (policy(TRIAL._replace(grant_count_max=0)), "'trial' tries out FIRST_OF_DAY, so its grant_cou"),
    (
        policy(TRIAL._replace(shadow_of=Confirmation.FIRST_OF_DAY)),
        "rule 'trial' tries out FIRST_OF_DAY and can match IVR",
    ),
    (policy(TRIAL._replace(shadow_of=Confirmation.OFF)), "tries out OFF, where nobody is asked"),
    (policy(TRIAL._replace(shadow_of=Confirmation.SHADOW)), "tries out SHADOW, where nobody"),
    (policy(TRIAL._replace(shadow_of=Confirmation.REFUSE)), "tries out REFUSE, where nobody"),
    (policy(TRIAL._replace(shadow_of=Confirmation.UNKNOWN)), "tries out UNKNOWN, where nobody"),
    (
        policy(OFF._replace(shadow_of=Confirmation.EVERY_ORDER)),
        "has shadow_of, but is OFF; remove shadow_of, or make the confirmation SHADOW",
    ),
    (policy(TRIAL, templates=TEMPLATES[:2]), "no PROMPT template for IVR in zh"),
    (policy(TRIAL, reply_words=REPLY_WORDS[:2]), "no word for yes on IVR"),
    (policy(EVERY._replace(call_count_max=-1)), "call_count_max -1, which is negative"),
    (policy(EVERY._replace(call_amount_max_minor=-1)), "call_amount_max_minor -1, which is"),
    (
        policy(EVERY._replace(code_required=True), code_key=b""),
        "rule 'every-order' has code_required, but the policy has no code_key",
    ),
    (policy(receipt_interval_ms=-1), "receipt_interval_ms is -1, which is negative"),
    (policy(undo_ms=-1), "undo_ms is -1, which is negative"),
    (policy(undo_ms=HORIZON_DAYS * DAY + 1), "undo_ms is longer than horizon_days (7)"),
    (policy(prompts_per_day_max=0), "prompts_per_day_max is 0; it must be at least 1"),
    (policy(prompts_per_day_max=201), "prompts_per_day_max is 201; write 200 or less"),
    (policy(text_segments_max=0), "text_segments_max is 0; it must be at least 1"),
    (policy(refund_days=0), "refund_days is 0; it must be at least 1"),
    (policy(alarm_window_ms=0), "alarm_window_ms is 0; it must be at least 1"),
    (policy(alarm_dead_letters=0), "alarm_dead_letters is 0; it must be at least 1"),
    (policy(alarm_limit_refusals=0), "alarm_limit_refusals is 0; it must be at least 1"),
    (policy(complaint_alarms_ms=(0, DAY)), "complaint_alarms_ms is 0, 86400000; each must be"),
    (policy(complaint_alarms_ms=(DAY, DAY)), "later than the one before it"),
    (policy(complaint_alarms_ms=(DAY, HOUR)), "later than the one before it"),
    (
        policy(spend_limits=(SpendLimit("CNY", 1), SpendLimit("CNY", 2))),
        "two spend limits in CNY; keep one",
    ),
    (policy(spend_limits=(SpendLimit("yuan", 1),)), "in 'yuan', which is no ISO 4217 code"),
    (policy(spend_limits=(SpendLimit("cny", 1),)), "in 'cny', which is no ISO 4217 code"),
    (policy(spend_limits=(SpendLimit("CNY", -1),)), "the spend limit in CNY is -1, which is"),
    (policy(rule("new", Confirmation.UNKNOWN)), "a confirmation that is not known"),
    (policy(rule("new", Confirmation.OFF, lines=(Channel.UNKNOWN,))), "a line or a scope that"),
    (policy(EVERY._replace(prompt_life_ms=0)), "prompt_life_ms must be more than 0"),
    (policy(EVERY._replace(prompt_life_ms=-1)), "prompt_life_ms -1, which is negative"),
    (policy(VOICE, FIRST._replace(grant_count_max=0)), "grant_count_max must be at least 1"),
    (policy(VOICE, FIRST._replace(grant_amount_max_minor=-1)), "grant_amount_max_minor -1"),
    (policy(templates=TEMPLATES[1:]), "no PROMPT template for SMS in zh"),
    (policy(templates=(TEMPLATES[0], *TEMPLATES[2:])), "no PROMPT template for SMS in en"),
    (policy(templates=TEMPLATES[:2]), "no PROMPT template for IVR in zh"),
    (policy(templates=(*TEMPLATES, TEXT_ZH)), "two templates for PROMPT SMS zh"),
    (policy(templates=with_template(0, text="")), "SMS in zh is empty"),
    (policy(templates=with_template(0, text="{{ provider")), "cannot be filled"),
    (policy(templates=with_template(0, text="{{ colour }}")), "names 'colour', which is none of"),
    (policy(templates=with_template(0, text="{{ provider }} {{ price }}")), "name the service"),
    *(
        (
            policy(templates=(*TEMPLATES, Template(kind, Channel.SMS, "zh", f"{{{{ {name} }}}}"))),
            f"the {kind} template for SMS in zh names '{name}', which is none of",
        )
        for kind, name in (
            (MessageKind.CLARIFY, "price"),
            (MessageKind.RECEIPT, "limit"),
            (MessageKind.LISTING, "service"),
            (MessageKind.NOTICE, "provider"),
        )
    ),
    (
        policy(
            templates=(*TEMPLATES, Template(MessageKind.RECEIPT, Channel.IVR, "zh", "receipt-zh"))
        ),
        "the RECEIPT template for IVR in zh can never be sent, because only prompts are spoken",
    ),
    (policy(templates=with_template(0, kind=MessageKind.UNKNOWN)), "not known to this version"),
    (policy(default_language="fr"), "language 'fr' is none of zh, en"),
    (
        policy(languages=(ProvinceLanguage("macao", "zh"), ProvinceLanguage("macao", "en"))),
        "province 'macao' has two languages",
    ),
    (policy(reply_words=REPLY_WORDS[1:]), "no word for yes on SMS"),
    (policy(reply_words=REPLY_WORDS[:2]), "no word for yes on IVR"),
    (
        policy(reply_words=words(ReplyWords(Answer.NO, Channel.MMS, ("ＹＥＳ!",)))),
        "'ＹＥＳ!' means both yes and no",
    ),
    (
        policy(reply_words=words(ReplyWords(Answer.YES, Channel.SMS, (" . ",)))),
        "is nothing but spaces and punctuation",
    ),
    (policy(keywords=(KeywordWords(Keyword.UNKNOWN, ("A",)),)), "a keyword that is not known"),
    (policy(keywords=(KeywordWords(Keyword.LIST, ("!",)),)), "keyword '!' is nothing but spaces"),
    (
        policy(keywords=(*KEYWORDS, KeywordWords(Keyword.LIST, ("ｑｘ",)))),
        "the keyword 'ｑｘ' means both CANCEL and LIST",
    ),
    (
        policy(keywords=(KeywordWords(Keyword.CANCEL, ("取消",)),)),
        "the keyword '取消' of CANCEL is also a reply word for no; keep it in one",
    ),
    (
        policy(keywords=(KeywordWords(Keyword.LIST, ("1 2 3",)),)),
        "the keyword '1 2 3' is three digits, as the reply codes are; spell it otherwise",
    ),
    (
        policy(keywords=(KeywordWords(Keyword.LIST, ("Y100",)),)),
        "the keyword 'Y100' is 'y' and a reply code",
    ),
    (
        policy(keywords=(KeywordWords(Keyword.UNDO, ("100否",)),)),
        "the keyword '100否' is '否' and a reply code",
    ),
    (
        policy(keywords=(*KEYWORDS, KeywordWords(Keyword.UNDO, ("QX0",)))),
        "the keyword 'QX0' is 'qx', which takes a number, and the number 0",
    ),
    (
        policy(keywords=(KeywordWords(Keyword.CANCEL, ("N1",)),)),
        "the keyword 'N1' with a number is also 'n' and a reply code",
    ),
    (
        policy(reply_words=words(ReplyWords(Answer.UNKNOWN, Channel.SMS, ("ok",)))),
        "an answer or a channel that is not known",
    ),
]


@pytest.mark.parametrize(
    ("faulty", "sentence"), FAULTY_POLICIES, ids=[str(n) for n in range(len(FAULTY_POLICIES))]
)
def test_a_policy_with_a_fault_is_not_taken(faulty: Policy, sentence: str) -> None:
    """Each fault of a policy is told in a sentence, and the policy before it stays in force."""
    reference = catalogue(policy(policy_id="first", effective_from=NOON))
    before = reference.policy_at(NOON + DAY)
    fault = reference.fold("policies.v1", faulty)
    assert fault is not None
    assert sentence in fault
    assert reference.policy_at(NOON + DAY) is before
    assert reference.policy_at(NOON - 1) is None


FAULTY_RECORDS: list[tuple[str, object, str]] = [
    ("providers.v1", PROVIDER, "sp-1 comes as version 1, but its next version is 2"),
    ("providers.v1", PROVIDER._replace(version=3), "its next version is 2"),
    ("providers.v1", LOCAL_PROVIDER._replace(version=2, home_province=None), "a home province"),
    ("providers.v1", PROVIDER._replace(version=2, scope=Scope.UNKNOWN), "NATIONAL nor LOCAL"),
    ("services.v1", SMS_SERVICE, "its next version is 2"),
    ("services.v1", SMS_SERVICE._replace(version=2, price_minor=-1), "price -1 is negative"),
    ("services.v1", SMS_SERVICE._replace(version=2, currency="yuan"), "an ISO 4217 code"),
    ("services.v1", SMS_SERVICE._replace(version=2, line=Channel.UNKNOWN), "SMS, MMS, IVR"),
    ("services.v1", SMS_SERVICE._replace(version=2, charge_code=""), "has no charge code"),
    ("credits.v1", credit(1, version=2), "its next version is 1"),
    ("credits.v1", credit(1, delta=1), "either points or delta"),
    ("credits.v1", credit(None), "either points or delta"),
    ("credits.v1", credit(1, line=Channel.UNKNOWN), "its line is none of"),
    ("gateways.v1", Gateway("p", -1, 0, NOON, 1, "t", "t"), "a capacity is negative"),
    ("acts.v1", OperatorAct("a", ActKind.UNKNOWN, "t", 0, 0, 1, "t", "t"), "kind is not known"),
    (
        "acts.v1",
        OperatorAct("a", ActKind.QUARANTINE, "t", -1, 0, 1, "t", "t"),
        "partition or offset is negative",
    ),
    (
        "congestion.v1",
        Congestion("p", CongestionState.UNKNOWN, NOON, 1, "t", "t"),
        "neither CLEAR nor CONGESTED",
    ),
]


@pytest.mark.parametrize(("topic", "record", "sentence"), FAULTY_RECORDS)
def test_a_record_with_a_fault_is_not_taken(topic: str, record: object, sentence: str) -> None:
    """Each fault is told in a sentence, and the last good version stays in force."""
    reference = catalogue()
    fault = reference.fold(topic, record)
    assert fault is not None
    assert sentence in fault
    assert reference.provider("sp-1") is PROVIDER
    assert reference.service("sms-1") is SMS_SERVICE


GOOD_POLICIES = [
    policy(TRIAL),
    policy(TRIAL._replace(lines=(Channel.IVR,), grant_count_max=0), REFUSE),
    policy(TRIAL._replace(shadow_of=Confirmation.EVERY_ORDER, grant_count_max=0)),
    policy(VOICE, TRIAL._replace(shadow_of=Confirmation.FIRST_OF_DAY)),
    policy(EVERY._replace(code_required=True)),
    policy(prompts_per_day_max=1, text_segments_max=1, undo_ms=HORIZON_DAYS * DAY),
    policy(prompts_per_day_max=200, complaint_alarms_ms=()),
    policy(spend_limits=(SpendLimit("CNY", 0), SpendLimit("USD", 1))),
    policy(keywords=()),
    policy(reply_words=words(ReplyWords(Answer.NO, Channel.SMS, ("100",)))),
]


@pytest.mark.parametrize("good", GOOD_POLICIES, ids=[str(n) for n in range(len(GOOD_POLICIES))])
def test_a_policy_at_the_edge_of_what_is_allowed_is_taken(good: Policy) -> None:
    """A trial needs only what it tries out needs, and each limit may be as it says."""
    assert Catalogue().fold("policies.v1", good) is None


def test_a_policy_is_not_edited_at_its_instant() -> None:
    """A new version at the instant of the old one is told to take effect later."""
    fault = catalogue().fold("policies.v1", policy(REFUSE, version=2))
    assert fault is not None
    assert "operator version 2 takes effect at the same instant as version 1" in fault
    assert fault.endswith("give it a later effective_from")


def test_records_without_fault_are_taken() -> None:
    """Gateways, acts and congestion are kept by their ids, the latest version of each."""
    reference = Catalogue()
    gateway = Gateway("p", 1, 1, NOON, 1, "t", "t")
    assert reference.fold("gateways.v1", gateway) is None
    assert reference.fold("gateways.v1", gateway._replace(version=2)) is None
    act = OperatorAct("a", ActKind.QUARANTINE, "t", 0, 0, 1, "t", "t")
    assert reference.fold("acts.v1", act) is None
    congestion = Congestion("p", CongestionState.CLEAR, NOON, 1, "t", "t")
    assert reference.fold("congestion.v1", congestion) is None
    assert reference.gateways["p"].version == 2
    with pytest.raises(LookupError, match=r"orders\.v1 is not a topic of reference data"):
        reference.fold("orders.v1", order("o", NOON))


def test_the_latest_policy_in_effect_is_in_force() -> None:
    """Of all policies and versions the one that took effect last holds, however they arrived."""
    late = policy(OFF, policy_id="b", effective_from=NOON + HOUR)
    reference = catalogue(late, policy(), policy(REFUSE, version=2, effective_from=NOON))
    names = [
        in_force.template_version if (in_force := reference.policy_at(at)) else None
        for at in (BEGINNING - 1, BEGINNING, NOON - 1, NOON, NOON + HOUR - 1, NOON + HOUR)
    ]
    assert names == [None, "operator/1", "operator/1", "operator/2", "operator/2", "b/1"]
    assert reference.policy_version("operator") == 2


def test_points_of_an_unrated_province_are_the_mean_of_the_rated_ones() -> None:
    """The mean is rounded down; another line's points do not count; nobody's points are 0."""
    reference = catalogue()
    for place, (province, points) in enumerate([("a", 50), ("b", 65), ("c", 63)]):
        change = credit(points, change_id=f"c-{place}", province=province)
        assert reference.fold("credits.v1", change) is None
    assert reference.points("sp-1", Channel.SMS, "b", NOON) == 65
    assert reference.points("sp-1", Channel.SMS, "elsewhere", NOON) == 59
    assert reference.points("sp-1", Channel.MMS, "b", NOON) == 0
    assert reference.points("sp-1", Channel.SMS, "b", BEGINNING - 1) == 0


def test_the_national_mean_follows_each_province_at_its_instant() -> None:
    """Where a province has no points, a change elsewhere counts from its very millisecond, rounded
    down; other lines and other providers are not touched.
    """
    reference = catalogue()
    changes = [
        credit(60, change_id="a", province="a"),
        credit(None, change_id="a-2", province="a", delta=-15, effective_from=NOON),
        credit(61, change_id="b", province="b", effective_from=NOON + HOUR),
        credit(10, change_id="voice", province="a", line=Channel.IVR),
        credit(99, change_id="other", province="a", provider_id="sp-2"),
    ]
    for change in changes:
        assert reference.fold("credits.v1", change) is None

    def national(at: int, line: Channel = Channel.SMS, provider_id: str = "sp-1") -> int:
        return reference.points(provider_id, line, "unrated", at)

    assert [national(at) for at in (BEGINNING - 1, BEGINNING, NOON - 1, NOON)] == [0, 60, 60, 45]
    assert [national(at) for at in (NOON + HOUR - 1, NOON + HOUR)] == [45, 53]
    assert national(NOON, Channel.IVR) == 10
    assert national(NOON, Channel.MMS) == 0
    assert national(NOON, provider_id="sp-2") == 99
    assert reference.points("sp-1", Channel.SMS, "b", NOON + HOUR - 1) == 45  # not rated yet
    assert reference.points("sp-1", Channel.SMS, "b", NOON + HOUR) == 61


def test_a_credit_change_moves_a_rule_at_its_very_instant() -> None:
    """The order of the millisecond before is still judged by the old points."""
    low = rule("low", Confirmation.EVERY_ORDER, credit_below=60)
    high = rule("high", Confirmation.OFF, credit_at_least=60)
    reference = catalogue(policy(low, high))
    for change in (credit(60), credit(59, change_id="less", effective_from=NOON)):
        assert reference.fold("credits.v1", change) is None
    in_force = reference.policy_at(NOON)
    assert in_force is not None
    found = [reference.rule_for(in_force, order("o", at), at) for at in (NOON - 1, NOON)]
    assert found == [high, low]


def test_a_later_version_of_a_credit_change_replaces_the_earlier() -> None:
    """A corrected change counts as if the first had never been; deltas add up in time order."""
    reference = catalogue()
    changes = [
        credit(None, change_id="late", delta=-10, effective_from=NOON + HOUR),
        credit(100, change_id="base"),
        credit(None, change_id="mid", delta=-1, effective_from=NOON),
        credit(None, change_id="mid", delta=-5, effective_from=NOON, version=2),
    ]
    for change in changes:
        assert reference.fold("credits.v1", change) is None
    points = [
        reference.points("sp-1", Channel.SMS, "guangdong", at)
        for at in (BEGINNING, NOON - 1, NOON, NOON + HOUR)
    ]
    assert points == [100, 100, 95, 85]


def test_what_is_remembered_is_forgotten_when_reference_data_changes() -> None:
    """A renamed service is prompted by its new name, a provider's new scope finds its rule."""
    local = rule("local", Confirmation.REFUSE, scope=Scope.LOCAL)
    reference = catalogue(policy(local, VOICE, FIRST))
    in_force = reference.policy_at(NOON)
    assert in_force is not None

    def now() -> tuple[str, Rule | None]:
        prompt = reference.prompt(in_force, Channel.SMS, "hongkong", "sms-1", 200, "CNY", HOUR)
        return prompt.text, reference.rule_for(in_force, order("o", NOON), NOON)

    first = now()
    assert first == now()
    renamed = SMS_SERVICE._replace(name=SMS_SERVICE.name._replace(en="Joke"), version=2)
    assert reference.fold("services.v1", renamed) is None
    moved = PROVIDER._replace(scope=Scope.LOCAL, home_province="guangdong", version=2)
    assert reference.fold("providers.v1", moved) is None
    text, found = now()
    assert text.startswith("Sina: Joke for CNY 2.00. Reply Y within 60 min.")
    assert found is local


def test_a_policy_without_a_yes_in_calls_cannot_ask_callers() -> None:
    """Who is not asked in calls needs no key for yes, and then nobody can be, recording or not."""
    texts_only = policy(OFF, reply_words=REPLY_WORDS[:2])
    in_force = catalogue(texts_only).policy_at(NOON)
    assert in_force is not None
    assert not in_force.can_ask(Channel.IVR, "guangdong")
    assert in_force.can_ask(Channel.SMS, "guangdong")


def test_the_language_of_a_prompt_is_the_provinces() -> None:
    """Hong Kong is asked in English, everybody else in Chinese."""
    reference = catalogue()
    in_force = reference.policy_at(NOON)
    assert in_force is not None
    assert (in_force.language("hongkong"), in_force.language("mars")) == ("en", "zh")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("y", Answer.YES),
        (" Ｙ ", Answer.YES),
        ("“是”。", Answer.YES),
        ("YES!!!", Answer.YES),
        ("y e s", Answer.YES),
        ("確认", None),
        ("确\u200b认", Answer.YES),
        ("no.", Answer.NO),
        ("否", Answer.NO),
        ("不是", None),
        ("yes no", None),
        ("", None),
    ],
)
def test_common_spellings_of_yes_and_no_are_heard(text: str, answer: Answer | None) -> None:
    """Width, case, spaces and punctuation do not count; everything else does."""
    in_force = catalogue().policy_at(NOON)
    assert in_force is not None
    assert in_force.answer(Channel.SMS, text) is answer
    assert in_force.answer(Channel.MMS, text) is answer
    assert in_force.answer(Channel.IVR, text) is None


@given(text=st.text())
def test_normalising_twice_is_normalising_once(text: str) -> None:
    """A normalised word is compared with normalised words, so doing it again changes nothing."""
    assert normalise(normalise(text)) == normalise(text)


def _brute_force(policies_rules: tuple[Rule, ...], line: Channel, points: int, at: int) -> str:
    for each in policies_rules:
        if each.lines and line not in each.lines:
            continue
        if each.from_at is not None and at < each.from_at:
            continue
        if each.until_at is not None and at >= each.until_at:
            continue
        if each.credit_below is not None and points >= each.credit_below:
            continue
        if each.credit_at_least is not None and points < each.credit_at_least:
            continue
        return each.name
    return ""


@pytest.mark.parametrize("seed", range(150))
def test_a_rule_that_can_never_match_is_found_and_no_other(seed: int) -> None:
    """For drawn policies, a rule is refused exactly when no order, points and time reach it."""
    draw = random.Random(seed)
    instants, scores = (NOON, NOON + HOUR, NOON + DAY), (20, 60, 80)

    def some(values: tuple[int, ...]) -> int | None:
        return draw.choice((None, None, *values))

    rules = tuple(
        rule(
            f"r{place}",
            Confirmation.OFF,
            lines=tuple(draw.sample(LINES, draw.randint(0, 2))),
            credit_below=some(scores),
            credit_at_least=some(scores),
            from_at=some(instants),
            until_at=some(instants),
        )
        for place in range(draw.randint(1, 7))
    )
    reached = {
        _brute_force(rules, line, points, at)
        for line in LINES
        for points in (0, *scores)
        for at in (BEGINNING, *instants)
    }
    hidden = [each.name for each in rules if each.name not in reached]
    fault = catalogue().fold("policies.v1", policy(*rules, version=2, effective_from=BEGINNING + 1))
    assert (fault is None) == (not hidden)
    if fault:
        assert f"rule '{hidden[0]}' can never match" in fault


@pytest.mark.parametrize("seed", range(60))
def test_the_rule_found_is_the_first_that_matches(seed: int) -> None:
    """With and without what is remembered, the first rule in the policy's order wins."""
    draw = random.Random(seed)
    rules = tuple(
        rule(
            f"r{place}",
            Confirmation.OFF,
            lines=draw.choice(((), (Channel.SMS,), (Channel.SMS, Channel.IVR))),
            credit_below=draw.choice((None, 60)),
            from_at=draw.choice((None, NOON)),
            until_at=draw.choice((None, NOON + HOUR)),
        )
        for place in range(3)
    )
    reference = catalogue()
    if reference.fold("policies.v1", policy(*rules, version=2, effective_from=BEGINNING + 1)):
        return
    assert reference.fold("credits.v1", credit(70)) is None
    in_force = reference.policy_at(NOON)
    assert in_force is not None
    for at in (NOON - 1, NOON, NOON + HOUR):
        for what, points in ((SMS_SERVICE, 70), (IVR_SERVICE, 0)):
            found = reference.rule_for(in_force, order("o", at, what), at)
            name = found.name if found else ""
            assert name == _brute_force(rules, what.line, points, at)
