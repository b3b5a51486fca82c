"""The one list of reasons: complete, marked, worded in both languages, in the order of asking."""

from random import Random

import pytest

from streams.gate.catalogue import Catalogue
from streams.gate.events import Order
from streams.gate.reasons import BY_REASON, ROWS, Kind, Row, Words
from streams.gate.reference import Service
from streams.gate.words import Channel, Outcome, ProviderStatus, Reason, ServiceStatus
from tests.gate.examples import (
    HORIZON_DAYS,
    IVR_SERVICE,
    NOON,
    PROVIDER,
    catalogue,
    order,
    policy,
)
from tests.gate.harness import Gate
from tests.gate.walk import Walk

STANDS_IN_VERDICT = {Kind.APPROVAL: Outcome.APPROVED, Kind.REFUSAL: Outcome.REFUSED}
DAY = 24 * 60 * 60 * 1000

every_row = pytest.mark.parametrize("row", ROWS, ids=[row.reason.value for row in ROWS])


def test_every_reason_has_exactly_one_row() -> None:
    """The list is the vocabulary, each reason once."""
    assert len(ROWS) == len(BY_REASON)
    assert set(BY_REASON) == set(Reason)


@every_row
def test_only_approvals_and_refusals_can_stand_in_a_verdict(row: Row) -> None:
    """Every refusal can; of the approvals, those that are no trial's; nothing else can."""
    is_trial = row.reason.value.startswith("APPROVED_WOULD_")
    can = row.kind in STANDS_IN_VERDICT and not is_trial
    assert (row.provider is not None) == can
    assert row.reason.value.startswith("APPROVED_") == (row.kind is Kind.APPROVAL)


@every_row
def test_words_are_short_and_in_their_language(row: Row) -> None:
    """Both languages end as sentences; the Chinese is Chinese, the English is plain letters."""
    for words in (row.care, row.provider):
        if words is None:
            continue
        assert words.zh.endswith("。")
        assert not [letter for letter in words.zh if letter.isascii()]
        assert len(words.zh) <= 40
        assert words.en.endswith(".")
        assert words.en.isascii()
        assert len(words.en) <= 90


@every_row
def test_a_refused_subscriber_hears_that_nothing_was_charged(row: Row) -> None:
    """Care's words for a refusal say so in both languages."""
    if row.kind is Kind.REFUSAL:
        assert "没有收费" in row.care.zh
        assert "not charged" in row.care.en or "or charge it" in row.care.en


@every_row
def test_a_provider_is_told_the_outcome_first(row: Row) -> None:
    """A provider's words begin with what the verdict says."""
    if row.provider is not None:
        begins = {
            Kind.APPROVAL: Words("已批准：", "Approved: "),
            Kind.REFUSAL: Words("未批准：", "Refused: "),
        }[row.kind]
        assert row.provider.zh.startswith(begins.zh)
        assert row.provider.en.startswith(begins.en)


def test_every_verdict_of_many_walks_has_a_reason_that_may_stand_in_it() -> None:
    """Whatever is ordered and answered, a provider reads a marked reason with its own outcome."""
    met = set()
    for seed in range(40):
        walk = Walk(Random(seed))
        walk.run(40)
        walk.close()
        for verdict in walk.gate.verdicts:
            row = BY_REASON[verdict.reason]
            assert row.provider is not None, verdict.reason
            assert STANDS_IN_VERDICT[row.kind] is verdict.outcome
            met.add(verdict.reason)
    assert {Reason.APPROVED_CONFIRMED, Reason.DECLINED, Reason.SILENCE} <= met


def first_reason(asked: Order, reference: Catalogue) -> Reason:
    return Gate(reference).take(asked, NOON).reason


def test_refusals_stand_in_the_order_in_which_they_are_asked() -> None:
    """An order with every fault, mended one by one, walks down the list."""
    nobody = "sp-9"

    def offer(service: Service, provider_status: ProviderStatus) -> Catalogue:
        reference = catalogue(policy())
        for topic, record in (
            ("services.v1", service._replace(version=2)),
            ("providers.v1", PROVIDER._replace(status=provider_status, version=2)),
        ):
            assert reference.fold(topic, record) is None
        return reference

    withdrawn = IVR_SERVICE._replace(status=ServiceStatus.WITHDRAWN)
    suspended, active = ProviderStatus.SUSPENDED, ProviderStatus.ACTIVE
    faulty = order(
        "o-1",
        NOON - (HORIZON_DAYS + 2) * DAY,
        IVR_SERVICE,
        provider_id=nobody,
        channel=Channel.SMS,
        price_minor=1,
        call_id=None,
    )
    young = faulty._replace(ordered_at=NOON)
    named = young._replace(provider_id=IVR_SERVICE.provider_id)
    by_voice = named._replace(channel=Channel.IVR)
    met = [
        first_reason(faulty, Catalogue()),
        first_reason(faulty, offer(withdrawn, suspended)),
        first_reason(young, offer(withdrawn, suspended)),
        first_reason(young, offer(IVR_SERVICE, suspended)),
        first_reason(young, offer(IVR_SERVICE._replace(provider_id=nobody), suspended)),
        first_reason(named, offer(IVR_SERVICE, suspended)),
        first_reason(named, offer(IVR_SERVICE, active)),
        first_reason(by_voice, offer(IVR_SERVICE, active)),
        first_reason(
            by_voice._replace(price_minor=IVR_SERVICE.price_minor), offer(IVR_SERVICE, active)
        ),
    ]
    assert met == [
        Reason.NO_POLICY,
        Reason.STALE,
        Reason.SERVICE_NOT_ON_SALE,
        Reason.PROVIDER_MISMATCH,
        Reason.PROVIDER_UNKNOWN,
        Reason.PROVIDER_NOT_ACTIVE,
        Reason.LINE_MISMATCH,
        Reason.PRICE_MISMATCH,
        Reason.CALL_MISSING,
    ]
    listed = [row.reason for row in ROWS]
    assert sorted(met, key=listed.index) == met
