"""What the demonstration shows is what the gate decided."""

from io import StringIO

from rich.console import Console

from streams import topics
from streams.demo.funnel import RECENT_MS, Funnel, latency_of
from streams.demo.view import Sight, besides, line, panel
from streams.egress.records import Cause, Decision, Effect
from streams.gate.effects import Verdict
from streams.gate.words import Channel, Outcome, Reason, State
from streams.world.options import Tally

_DIGEST = bytes(16)


def _decision(topic: str, reason: Reason, *effects: tuple[str, str], at: int = 0) -> Decision:
    return Decision(
        sequence=0,
        cause=Cause(topic, 0, 0, 0),
        cause_digest=_DIGEST,
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
        province=None,
        provider_id=None,
        service_id=None,
        price_minor=200,
        rule=None,
        reason=reason,
        state_before=State.FRESH,
        state_after=State.FRESH,
        would_ask=None,
        evidence=(),
        effects=tuple(Effect(*effect, _DIGEST) for effect in effects),
        salt=_DIGEST,
        seal=bytes(32),
    )


CHARGE = (topics.CHARGES, "c-1")
VERDICT = (topics.VERDICTS, "v-1")
PROMPT = (topics.MESSAGES, "m-1")


def _verdict(outcome: Outcome, reason: Reason) -> Verdict:
    return Verdict("v-1", "o-1", "8613900000001", "p", "s", outcome, reason, 0)


def _funnel(*decisions: Decision) -> Funnel:
    funnel = Funnel()
    for decision in decisions:
        funnel.take(decision, 1000)
    return funnel


def test_a_yes_to_three_orders_is_three_charges() -> None:
    """Charges and money are counted per charge, not per answer."""
    funnel = _funnel(_decision(topics.REPLIES, Reason.APPROVED_CONFIRMED, *([CHARGE, VERDICT] * 3)))
    assert (funnel.charges, funnel.money_minor) == (3, 600)
    assert funnel.answers == {"yes": 1}
    assert not funnel.refused


def test_a_refusal_is_what_the_provider_is_told() -> None:
    """Refused orders are counted from verdicts, by their own reasons; approvals are none."""
    funnel = _funnel(_decision(topics.REPLIES, Reason.APPROVED_CONFIRMED, CHARGE, VERDICT, VERDICT))
    funnel.tell(_verdict(Outcome.APPROVED, Reason.APPROVED_CONFIRMED))
    funnel.tell(_verdict(Outcome.REFUSED, Reason.SPEND_LIMIT))
    assert funnel.refused == {Reason.SPEND_LIMIT: 1}


def test_messages_are_told_apart() -> None:
    """A prompt, its receipt, a notice, a list and a CLARIFY are counted each as what it is."""
    ids = ("m-1", "r-1", "n-1", "l-1", "k-1", "r-2")
    funnel = _funnel(
        *[_decision(topics.REPLIES, Reason.DECLINED, (topics.MESSAGES, i)) for i in ids]
    )
    assert funnel.prompts == 1
    assert funnel.messages == {
        "prompts": 1,
        "receipts": 2,
        "notices": 1,
        "listings": 1,
        "clarified": 1,
    }


def test_what_else_was_done_is_counted() -> None:
    """Cancellations, complaints, refunds and alarms have their own counts, and show."""
    funnel = _funnel(
        _decision(topics.REPLIES, Reason.CANCELLED, VERDICT),
        _decision(topics.CARE, Reason.COMPLAINT_OPENED),
        _decision(topics.CARE, Reason.COMPLAINT_UPHELD, (topics.REFUNDS, "f-1")),
        _decision(topics.SETTLEMENTS, Reason.DEAD_LETTER, (topics.ALARMS, "a-1")),
    )
    assert funnel.besides == {"cancelled": 1, "complaints": 1, "upheld": 1}
    assert (funnel.refunds, funnel.alarms) == (1, 1)
    shown = besides(funnel)
    assert (shown["refunds"], shown["alarms"], shown["cancelled"]) == (1, 1, 1)


def test_silence_comes_with_a_tick() -> None:
    """A lapse counts as silence; the tick itself is no input."""
    funnel = _funnel(_decision(topics.TICKS, Reason.SILENCE, VERDICT, VERDICT))
    assert funnel.answers == {"silence": 1}
    assert funnel.decided == 0


def test_a_dead_letter_is_no_order() -> None:
    """Unreadable records are decided, but they are nobody's orders."""
    funnel = _funnel(
        _decision(topics.ORDERS, Reason.DEAD_LETTER), _decision(topics.ORDERS, Reason.CONFLICT)
    )
    assert (funnel.decided, funnel.orders) == (2, 0)


def test_latency_is_from_the_log_to_the_reader() -> None:
    """A prompt's latency runs from its order's record time to when a reader saw the decision."""
    funnel = _funnel(_decision(topics.ORDERS, Reason.PROMPTED, PROMPT, at=960))
    assert funnel.prompts == 1
    assert funnel.latency is not None
    assert (funnel.latency.p50, funnel.latency.most) == (40, 40)


def test_percentiles_are_of_what_was_seen() -> None:
    """The 50th and the 99th percentile of 1 to 101 are 51 and 100."""
    latency = latency_of(range(1, 102))
    assert latency is not None
    assert (latency.p50, latency.p99, latency.most) == (51, 100, 101)
    assert latency_of([]) is None


def test_the_pace_forgets() -> None:
    """The pace is of the last seconds only."""
    funnel = Funnel()
    for second in range(20):
        funnel.decided = second * 100 if second < 10 else 1000
        funnel.mark(second * 1000)
    assert funnel.pace == 0.0
    funnel.decided = 1500
    funnel.mark(20_000)
    assert abs(funnel.pace - 500 * 1000 / RECENT_MS) < 1


def test_the_view_shows_the_funnel_on_a_terminal_and_in_a_log() -> None:
    """Panel and line show the counts, the money and the lag."""
    funnel = _funnel(_decision(topics.ORDERS, Reason.APPROVED_NOT_ASKED, CHARGE, VERDICT))
    tally = Tally()
    tally.published[topics.ORDERS] = 1501
    sight = Sight("people order", 12.0, funnel, tally, "CNY")
    console = Console(width=120, file=StringIO(), record=True)
    console.print(panel(sight))
    for text in (console.export_text(), line(sight)):
        assert "CNY 2.00" in text
        assert "lag 1,500" in text
        assert "people order" in text
