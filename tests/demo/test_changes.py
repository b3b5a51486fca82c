"""The rollout's report says what the topics hold: phases, batches, numbers of a small history."""

from datetime import datetime
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from streams import topics
from streams.demo import stage
from streams.demo.changes import Changes, Count, Records, count
from streams.demo.phases import Batch, Phase, batches_of, day_text, phases_of
from streams.demo.tables import Rollout, Seller, print_rollout
from streams.egress.records import Cause, Decision, Effect
from streams.gate.effects import Charge, RefundRequest, Verdict
from streams.gate.events import Order
from streams.gate.reference import Policy
from streams.gate.words import Channel, Confirmation, Outcome, Reason, RefundReason, State
from streams.reference import file as reference_file

ZONE = "Asia/Shanghai"
DAY = 24 * 3600 * 1000
NUMBER = "8613900000001"
# A trial on the first day of the epoch, the notice on the second.
PHASES = (Phase("trial", 0, 0, DAY // 2), Phase("notice", DAY, DAY, DAY + DAY // 2))
BATCHES = (Batch("batch 1", ("GD", "SC"), DAY), Batch("not joined", ("HI",), None))


def _policies() -> list[Policy]:
    file = reference_file.load(stage.EXAMPLE)
    return [draft.record for draft in file.drafts if isinstance(draft.record, Policy)]


def _instant(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ZONE)).timestamp() * 1000)


def _decision(
    at: int,
    reason: Reason,
    province: str,
    *effects: tuple[str, str],
    topic: str = topics.ORDERS,
    provider: str = "hua",
) -> Decision:
    return Decision(
        sequence=0,
        cause=Cause(topic, 0, 0, 0),
        cause_digest=bytes(16),
        event_at=at,
        watermark=0,
        reference=(),
        policy_id=None,
        policy_version=None,
        order_id=None,
        prompt_id=None,
        charge_id=None,
        complaint_id=None,
        channel=Channel.SMS,
        province=province,
        provider_id=provider,
        service_id=None,
        price_minor=200,
        rule=None,
        reason=reason,
        state_before=State.FRESH,
        state_after=State.FRESH,
        would_ask=None,
        evidence=(),
        effects=tuple(Effect(*effect, bytes(16)) for effect in effects),
        salt=bytes(16),
        seal=bytes(32),
    )


def _order(order_id: str, province: str, at: int) -> Order:
    return Order(
        order_id, NUMBER, "hua", "joke", Channel.SMS, 200, "CNY", province, at, "smsc", None
    )


def _verdict(order_id: str, outcome: Outcome, at: int) -> Verdict:
    return Verdict(f"v-{order_id}", order_id, NUMBER, "hua", "joke", outcome, Reason.DECLINED, at)


def _charge(order_id: str, province: str, price: int, at: int, provider: str = "hua") -> Charge:
    return Charge(
        f"c-{order_id}",
        order_id,
        NUMBER,
        provider,
        "joke",
        "700001",
        Channel.SMS,
        price,
        "CNY",
        province,
        0,
        Confirmation.OFF,
        None,
        None,
        "policy",
        1,
        at,
        None,
        at,
    )


PROMPT = (topics.MESSAGES, "m-1")
RECEIPT = (topics.MESSAGES, "r-1")

HISTORY = Records(
    orders=[
        _order("a", "GD", 10),
        _order("b", "GD", DAY + 10),
        # Published twice, with another province: what came first is what was decided.
        _order("b", "HI", DAY + 10),
        _order("c", "HI", DAY + 10),
    ],
    decisions=[
        _decision(10, Reason.APPROVED_WOULD_ASK, "GD", (topics.CHARGES, "c-a"), RECEIPT),
        _decision(11, Reason.APPROVED_WOULD_COVER, "GD", (topics.CHARGES, "c-d")),
        _decision(12, Reason.REPEATED, "GD"),
        _decision(13, Reason.DEAD_LETTER, "GD"),
        _decision(DAY - 1, Reason.APPROVED_NOT_ASKED, "HI", provider="chuan"),
        # The very instant at which the notice begins is the notice's.
        _decision(DAY, Reason.PROMPTED, "GD", PROMPT),
        _decision(DAY + 10, Reason.PROMPTED, "SC", PROMPT),
        _decision(DAY + 10, Reason.APPROVED_NOT_ASKED, "HI"),
        # A yes that is followed by the next prompt of its call.
        _decision(DAY + 11, Reason.APPROVED_CONFIRMED, "GD", PROMPT, RECEIPT, topic=topics.REPLIES),
        _decision(DAY + 12, Reason.DECLINED, "GD", topic=topics.REPLIES),
        _decision(DAY + 13, Reason.SILENCE, "SC", topic=topics.TICKS),
        _decision(DAY + 14, Reason.COMPLAINT_OPENED, "GD", topic=topics.CARE),
    ],
    verdicts=[
        _verdict("a", Outcome.APPROVED, 10),
        _verdict("b", Outcome.REFUSED, DAY + 12),
        _verdict("c", Outcome.REFUSED, DAY + 12),
    ],
    charges=[
        _charge("a", "GD", 200, 10),
        _charge("d", "GD", 300, 11),
        _charge("e", "HI", 100, DAY - 1, provider="chuan"),
        _charge("f", "GD", 150, DAY + 11),
    ],
    refunds=[
        RefundRequest("f-1", "c-a", NUMBER, 200, "CNY", None, RefundReason.CARE, DAY + 20),
    ],
)


@pytest.fixture(scope="module")
def changes() -> Changes:
    """The history, counted."""
    return count(PHASES, HISTORY)


def test_a_trial_counts_what_it_would_have_asked(changes: Changes) -> None:
    """Orders are no repetitions and no dead letters; a would-be prompt is none that was sent."""
    assert changes.total(0, ("GD", "SC")) == Count(
        orders=2, would_ask=1, charges=2, money_minor=500
    )
    assert changes.total(0).orders == 3


def test_what_is_in_force_is_counted_in_its_phase(changes: Changes) -> None:
    """From its very instant on, prompts, answers, refusals and refunds are the notice's."""
    assert changes.total(1, ("GD", "SC")) == Count(
        orders=2,
        prompts=3,
        confirmed=1,
        declined=1,
        silent=1,
        charges=1,
        money_minor=150,
        refused=1,
        complaints=1,
        refunds=1,
    )
    assert changes.total(1, ("HI",)) == Count(orders=1, refused=1)


def test_providers_are_counted_each_for_itself(changes: Changes) -> None:
    """A provider's charges are its own, in every province."""
    assert changes.total(0, provider="hua").charges == 2
    assert changes.total(0, provider="chuan") == Count(orders=1, charges=1, money_minor=100)
    assert changes.total(1, provider="chuan") == Count()


def test_a_rate_needs_orders() -> None:
    """Prompts per thousand orders are nobody's where nobody ordered."""
    assert Count(orders=4, prompts=3).per_thousand(3) == 750
    assert Count().per_thousand(0) is None


def test_the_tables_show_the_numbers(changes: Changes) -> None:
    """Rates, money, the forecast against what came, and changes in percent are all there."""
    console = Console(width=80, file=StringIO(), record=True)
    sellers = (Seller("hua", "Hua", "NATIONAL", "SMS 90"), Seller("chuan", "Chuan", "LOCAL", "–"))
    print_rollout(console, Rollout(PHASES, BATCHES, sellers, changes, "UTC", "CNY"))
    lines = [" ".join(each.split()) for each in console.export_text().splitlines()]
    for line in (
        "1 Jan 1970 3 0 0 0 0 3 6.00 0 0 0",
        "2 Jan 1970 3 1,000 1 1 1 1 1.50 2 1 1",
        "batch 1: GD SC 2 1,500 1 1 1 1 1.50 1 1 1",
        "not yet: HI 1 0 0 0 0 0 0.00 1 0 0",
        "batch 1: GD SC 1 Jan 1970 0 500 500 2 Jan 1970 1,500 +200%",
        "Hua national SMS 90 2 1 -50% 5.00 1.50 -70%",
        "Chuan local – 1 0 -100% 1.00 0.00 -100%",
    ):
        assert line in lines, "\n".join(lines)


def test_the_phases_are_those_of_the_shipped_notice() -> None:
    """Before, the trial, the notice, its second batch: a day of each is lived, from 8 to 22."""
    phases = phases_of(_policies())
    assert [(phase.begins, day_text(phase.opens, ZONE)) for phase in phases] == [
        (_instant("2010-01-01"), "15 Aug 2010"),
        (_instant("2010-08-16"), "16 Aug 2010"),
        (_instant("2010-09-01"), "1 Sep 2010"),
        (_instant("2010-09-15"), "15 Sep 2010"),
    ]
    assert phases[2].opens == _instant("2010-09-01T08:00")
    assert phases[2].closes == _instant("2010-09-01T22:00")
    assert phases[1].name == "before-notice + trial"


def test_the_batches_are_those_of_the_shipped_notice() -> None:
    """Three provinces join with the notice, Beijing two weeks later, two have not joined."""
    assert batches_of(_policies()[-1], ("BJ", "GD", "HI", "SC", "TJ", "ZJ")) == (
        Batch("batch 1", ("GD", "SC", "TJ"), _instant("2010-09-01")),
        Batch("batch 2", ("BJ",), _instant("2010-09-15")),
        Batch("not joined", ("HI", "ZJ"), None),
    )
