"""The example that is shipped: the notice of August 2010."""

from datetime import datetime
from pathlib import Path

import pytest

from streams import topics
from streams.gate.catalogue import Catalogue
from streams.gate.events import Order
from streams.gate.policy import PolicyInForce
from streams.gate.reading import Reading, Said, Wish
from streams.gate.reference import Policy, Provider, Rule, Service
from streams.gate.segments import UNITS_ALONE
from streams.gate.words import Answer, Channel, Confirmation, Encoding, Keyword, MessageKind, Scope
from streams.reference.file import ReferenceFile, load, with_lives

NOTICE = Path(__file__).parents[2] / "deploy/reference/notice.yaml"

BEFORE = "2010-08-15T23:59:59.999+08:00"
TRIAL = "2010-08-16T00:00:00+08:00"
TRIAL_END = "2010-08-31T23:59:59.999+08:00"
NOTICE_DAY = "2010-09-01T00:00:00+08:00"
FIRST_BATCH = "2010-09-10T12:00:00+08:00"
BEFORE_SECOND = "2010-09-14T23:59:59.999+08:00"
SECOND_BATCH = "2010-09-15T00:00:00+08:00"


@pytest.fixture(scope="module")
def file() -> ReferenceFile:
    """The example as apply reads it."""
    return load(NOTICE)


@pytest.fixture(scope="module")
def catalogue(file: ReferenceFile) -> Catalogue:
    """The example as a worker has taken it."""
    taken = Catalogue()
    for draft in file.drafts:
        assert taken.fold(draft.topic, draft.record._replace(version=1)) is None
    return taken


def instant_of(at: str) -> int:
    return round(datetime.fromisoformat(at).timestamp() * 1000)


def policy_on(catalogue: Catalogue, at: str) -> PolicyInForce:
    policy = catalogue.policy_at(instant_of(at))
    assert policy is not None
    return policy


def rule_for(
    catalogue: Catalogue, at: str, province: str, provider_id: str, line: Channel
) -> Rule | None:
    """The rule that an order of that instant meets."""
    instant = instant_of(at)
    order = Order(
        order_id="1",
        msisdn="8613800000001",
        provider_id=provider_id,
        service_id="any",
        channel=line,
        price_minor=100,
        currency="CNY",
        province=province,
        ordered_at=instant,
        source="test",
        call_id="call" if line is Channel.IVR else None,
    )
    return catalogue.rule_for(policy_on(catalogue, at), order, instant)


def confirmation(
    catalogue: Catalogue, at: str, province: str, provider_id: str, line: Channel
) -> Confirmation | None:
    """What the policy of that instant asks of an order."""
    rule = rule_for(catalogue, at, province, provider_id, line)
    return rule.confirmation if rule else None


def rule_of(
    catalogue: Catalogue, at: str, province: str, provider_id: str, line: Channel
) -> str | None:
    rule = rule_for(catalogue, at, province, provider_id, line)
    return rule.name if rule else None


@pytest.mark.parametrize(
    ("at", "province", "provider_id", "line", "asked"),
    [
        # Before the change: below 60 points only.
        (BEFORE, "GD", "huayu", Channel.SMS, Confirmation.OFF),
        (BEFORE, "SC", "shuxiang", Channel.MMS, Confirmation.FIRST_OF_DAY),
        (BEFORE, "TJ", "sulian", Channel.IVR, Confirmation.EVERY_ORDER),
        (BEFORE, "TJ", "jinsheng", Channel.IVR, Confirmation.OFF),
        # The provinces of the first batch try it out, beside what is in force already.
        (TRIAL, "GD", "huayu", Channel.SMS, Confirmation.SHADOW),
        (TRIAL_END, "TJ", "jinsheng", Channel.IVR, Confirmation.SHADOW),
        (TRIAL, "SC", "shuxiang", Channel.MMS, Confirmation.FIRST_OF_DAY),
        (TRIAL, "BJ", "huayu", Channel.SMS, Confirmation.OFF),
        (NOTICE_DAY, "GD", "huayu", Channel.SMS, Confirmation.FIRST_OF_DAY),
        (NOTICE_DAY, "TJ", "jinsheng", Channel.IVR, Confirmation.EVERY_ORDER),
        # After it: every provider, national and local, where the province has joined.
        (FIRST_BATCH, "GD", "huayu", Channel.SMS, Confirmation.FIRST_OF_DAY),
        (FIRST_BATCH, "GD", "yuehai", Channel.SMS, Confirmation.FIRST_OF_DAY),
        (FIRST_BATCH, "SC", "xinghai", Channel.MMS, Confirmation.FIRST_OF_DAY),
        (FIRST_BATCH, "TJ", "jinsheng", Channel.IVR, Confirmation.EVERY_ORDER),
        (FIRST_BATCH, "GD", "heiyu", Channel.SMS, Confirmation.REFUSE),
        (FIRST_BATCH, "ZJ", "heiyu", Channel.SMS, Confirmation.REFUSE),
        # Beijing tries it out, and joins later, at its instant.
        (FIRST_BATCH, "BJ", "huayu", Channel.SMS, Confirmation.SHADOW),
        (BEFORE_SECOND, "BJ", "huayu", Channel.IVR, Confirmation.SHADOW),
        (SECOND_BATCH, "BJ", "huayu", Channel.SMS, Confirmation.FIRST_OF_DAY),
        (SECOND_BATCH, "BJ", "huayu", Channel.IVR, Confirmation.EVERY_ORDER),
        # Zhejiang and Hainan have not joined: credit decides.
        (SECOND_BATCH, "ZJ", "huayu", Channel.SMS, Confirmation.OFF),
        (SECOND_BATCH, "ZJ", "feiyu", Channel.MMS, Confirmation.FIRST_OF_DAY),
        (SECOND_BATCH, "ZJ", "sulian", Channel.SMS, Confirmation.EVERY_ORDER),
        (SECOND_BATCH, "HI", "feiyu", Channel.SMS, Confirmation.FIRST_OF_DAY),
        (SECOND_BATCH, "ZJ", "sulian", Channel.IVR, Confirmation.EVERY_ORDER),
    ],
)
def test_the_notice_asks_whom_it_should(
    catalogue: Catalogue,
    at: str,
    province: str,
    provider_id: str,
    line: Channel,
    asked: Confirmation,
) -> None:
    """Who is asked, by province, provider, line and time, is what the notice says."""
    assert confirmation(catalogue, at, province, provider_id, line) is asked


def test_the_example_shows_everything(file: ReferenceFile, catalogue: Catalogue) -> None:
    """National and local providers, services of all lines, and every confirmation are in it."""
    assert len(catalogue.providers) >= 10
    assert len(catalogue.services) >= 25
    assert {one.scope for one in catalogue.providers.values()} == {Scope.NATIONAL, Scope.LOCAL}
    assert {one.line for one in catalogue.services.values()} == {
        Channel.SMS,
        Channel.MMS,
        Channel.IVR,
    }
    rules = [rule for one in catalogue.policies.values() for rule in one.record.rules]
    assert {rule.confirmation for rule in rules} == {
        Confirmation.OFF,
        Confirmation.SHADOW,
        Confirmation.FIRST_OF_DAY,
        Confirmation.EVERY_ORDER,
        Confirmation.REFUSE,
    }
    kinds = {
        (each.kind, each.language)
        for one in catalogue.policies.values()
        for each in one.record.templates
    }
    assert kinds == {
        (kind, language)
        for kind in MessageKind
        for language in ("zh", "en")
        if kind is not MessageKind.UNKNOWN
    }
    keywords = {each.keyword for one in catalogue.policies.values() for each in one.record.keywords}
    assert keywords == {Keyword.LIST, Keyword.CANCEL, Keyword.UNDO}
    assert any(rule.code_required and Channel.IVR in rule.lines for rule in rules)
    assert any(rule.call_count_max and rule.call_amount_max_minor for rule in rules)
    assert file.reason


@pytest.mark.parametrize("province", ["GD", "HI"])
def test_every_prompt_fits_one_segment(catalogue: Catalogue, province: str) -> None:
    """Each service's prompt, Chinese or English, is one SMS that names what it must."""
    for policy in catalogue.policies.values():
        for service in catalogue.services.values():
            if service.line is Channel.IVR:
                continue
            prompt = catalogue.prompt(
                policy,
                Channel.SMS,
                province,
                service.service_id,
                service.price_minor,
                service.currency,
                15 * 60_000,
            )
            assert prompt.segments == prompt.segments_coded == 1
            assert prompt.encoding is (Encoding.GSM7 if province == "HI" else Encoding.UCS2)
            assert province == "HI" or len(prompt.text) <= UNITS_ALONE


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("Y", Answer.YES),
        (" ｙｅｓ！", Answer.YES),
        ("是", Answer.YES),
        ("确认。", Answer.YES),
        ("N", Answer.NO),
        ("不要", Answer.NO),
        ("1", None),  # baits ask people to send it
        ("0000", None),
        ("取消", None),  # takes a confirmation back; a policy hears it as one or the other
        ("是吗", None),
        ("", None),
    ],
)
def test_a_clear_yes_is_a_yes(catalogue: Catalogue, reply: str, answer: Answer | None) -> None:
    """Common spellings of yes and no are read; everything else is neither."""
    for policy in catalogue.policies.values():
        assert policy.answer(Channel.SMS, reply) is answer


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("0000", Wish(Keyword.LIST, None)),
        ("qx", Wish(Keyword.CANCEL, None)),
        ("取消 2", Wish(Keyword.CANCEL, 2)),
        ("ＱＸ１２", Wish(Keyword.CANCEL, 12)),
        ("TF", Wish(Keyword.UNDO, None)),
        ("撤销。", Wish(Keyword.UNDO, None)),
        ("345", Said(Answer.YES, "345")),
        ("Y 345", Said(Answer.YES, "345")),
        ("345不要", Said(Answer.NO, "345")),
        ("TF2", None),
    ],
)
def test_subscribers_are_heard_as_the_texts_promise(
    catalogue: Catalogue, text: str, reading: Reading
) -> None:
    """What receipts, lists and clarifications tell people to send means just that."""
    assert policy_on(catalogue, NOTICE_DAY).reading(text) == reading


@pytest.mark.parametrize(
    ("provider_id", "line", "rule"),
    [
        ("sulian", Channel.IVR, "voice-digit"),  # 48 points
        ("haihe", Channel.IVR, "voice"),  # 73 points
        ("heiyu", Channel.SMS, "bad-credit-list"),
        ("feiyu", Channel.SMS, "first-of-day"),  # 63 in Guangdong
        ("nobody", Channel.SMS, "first-of-day-below-40"),  # not rated, so 0
    ],
)
def test_credit_bands_of_the_first_batch(
    catalogue: Catalogue, provider_id: str, line: Channel, rule: str
) -> None:
    """Where all are asked, low credit needs an unforeseen digit in calls, and a yes covers less."""
    province = "TJ" if line is Channel.IVR else "GD"
    assert rule_of(catalogue, FIRST_BATCH, province, provider_id, line) == rule


def test_a_digit_is_left_beside_the_words_for_no(catalogue: Catalogue) -> None:
    """A caller can be asked for a digit that is no word for no."""
    assert policy_on(catalogue, NOTICE_DAY).digits_no == {"2"}


def test_a_demonstration_differs_in_waits_only(file: ReferenceFile) -> None:
    """With short lives the example is the same but for its waits, and still without fault."""
    short = with_lives(file, prompt_life_ms=5000, grace_ms=1000)
    taken = Catalogue()
    for draft, changed in zip(file.drafts, short.drafts, strict=True):
        assert taken.fold(changed.topic, changed.record._replace(version=1)) is None
        if draft.topic != topics.POLICIES:
            assert changed == draft
            continue
        assert isinstance(draft.record, Policy)
        assert isinstance(changed.record, Policy)
        assert changed.record._replace(grace_ms=0, rules=()) == draft.record._replace(
            grace_ms=0, rules=()
        )
        assert {rule.prompt_life_ms for rule in changed.record.rules} == {0, 5000}


def test_local_providers_sell_at_home(file: ReferenceFile) -> None:
    """Each local provider has a home, and each provider sells something."""
    providers = [one.record for one in file.drafts if isinstance(one.record, Provider)]
    sellers = {one.record.provider_id for one in file.drafts if isinstance(one.record, Service)}
    assert {provider.provider_id for provider in providers} == sellers
    assert all((one.scope is Scope.LOCAL) == bool(one.home_province) for one in providers)
