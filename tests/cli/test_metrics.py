"""Metrics: one table, bounded labels, served on loopback with health beside them."""

import json
import urllib.error
import urllib.request

import pytest

from streams.agent import Counts
from streams.gate.effects import Message
from streams.gate.reasons import ROWS, Kind
from streams.gate.words import Reason
from streams.meter import Pulse, by_reason
from streams.metrics import Metric, Metrics, Served
from tests.gate.examples import MINUTE, NOON, OFF, catalogue, order, policy, reply
from tests.gate.harness import Gate


def fetch(port: int, path: str) -> tuple[int, str]:
    """Status and body of a GET."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_names_and_labels_are_prometheus_and_private() -> None:
    """Every metric has a meaning; no label is a person's, an order's or a provider's."""
    private = {"msisdn", "order_id", "provider_id", "service_id", "charge_id", "prompt_id"}
    for metric in Metric:
        row = metric.value
        assert row.meaning.endswith("."), row.name
        assert not private & set(row.labels), row.name
    assert len({metric.value.name for metric in Metric}) == len(Metric)


def test_counts_of_a_turn_are_added_at_once() -> None:
    """Counts by reason and channel, gauges and histograms are shown as they were told."""
    metrics = Metrics()
    metrics.count(Metric.DECISIONS, {("PROMPTED", "SMS"): 3, ("SILENCE", "MMS"): 1})
    metrics.count(Metric.DECISIONS, {("PROMPTED", "SMS"): 2})
    metrics.count(Metric.TURNS, {(): 1})
    metrics.set(Metric.LAG, 7, "tollgate-gate", "vas.orders.v1", "0")
    metrics.observe(Metric.TURN_RECORDS, 120)
    shown = metrics.text().decode()
    assert 'tollgate_decisions_total{channel="SMS",reason="PROMPTED"} 5.0' in shown
    assert "tollgate_turns_total 1.0" in shown
    where = 'consumergroup="tollgate-gate",partition="0",topic="vas.orders.v1"'
    assert f"kafka_consumergroup_lag{{{where}}} 7.0" in shown
    assert 'tollgate_turn_records_bucket{le="200.0"} 1.0' in shown


def test_a_partition_that_moved_away_is_no_longer_shown() -> None:
    """After forget, a gauge's labels are gone, so that two workers never show one partition."""
    metrics = Metrics()
    metrics.set(Metric.WATERMARK_AGE, 2, "3")
    metrics.forget(Metric.WATERMARK_AGE, "3")
    assert 'partition="3"' not in metrics.text().decode()


def test_an_unknown_label_count_is_our_own_mistake() -> None:
    """Counting with too few labels raises: it must not end up under a wrong name."""
    with pytest.raises(ValueError, match="label"):
        Metrics().count(Metric.DECISIONS, {("PROMPTED",): 1})


def test_metrics_and_health_are_served_on_loopback() -> None:
    """/metrics shows the metrics; /livez and /readyz say 503 and why while something is wrong."""
    trouble = ""
    metrics = Metrics()
    metrics.count(Metric.TURNS, {(): 4})
    with Served(metrics, 0, alive=lambda: "", ready=lambda: trouble) as served:
        assert "tollgate_turns_total 4.0" in fetch(served.port, "/metrics")[1]
        assert fetch(served.port, "/readyz")[0] == 200
        trouble = "2 of 8 partitions are open"
        status, body = fetch(served.port, "/readyz")
        assert (status, json.loads(body)) == (503, {"ok": False, "trouble": trouble})
        assert fetch(served.port, "/livez")[0] == 200
        assert fetch(served.port, "/")[0] == 404


def test_silence_is_counted_from_the_last_turn_and_only_while_something_is_owned() -> None:
    """Opening partitions for a minute is no silence, nor is owning none; a turn ends one."""
    pulse = Pulse(0.0)
    assert pulse.silent_s(100.0) == 0.0
    pulse.beat(0, 0, 60.0)
    pulse.beat(0, 2, 61.0)
    assert pulse.silent_s(61.0) == 0.0
    pulse.beat(0, 2, 65.0)
    assert pulse.silent_s(66.0) == 5.0
    pulse.beat(1, 2, 67.0)
    assert pulse.silent_s(70.0) == 3.0
    pulse.beat(1, 0, 71.0)
    assert pulse.silent_s(99.0) == 0.0


def test_a_turn_counts_each_thing_under_its_own_name() -> None:
    """Prompts are messages of their kind; a yes counts one verdict and one charge; a conflict one
    alarm and one dead letter.
    """
    gate, counts = Gate(catalogue()), Counts()
    for topic, event, at in (
        ("orders.v1", order("o-1", NOON), NOON),
        ("replies.v1", reply("r-1", NOON + MINUTE), NOON + MINUTE),
        ("orders.v1", order("o-1", NOON, price_minor=1), NOON + 2 * MINUTE),
    ):
        counts.take(at)
        counts.add(topic, gate.take(event, at))
    assert counts.messages["PROMPT", "SMS"] == 1
    assert sum(counts.messages.values()) == sum(isinstance(each, Message) for each in gate.sent)
    assert counts.charges == {("SMS", "FIRST_OF_DAY"): 1}
    assert counts.verdicts == {("APPROVED", "APPROVED_CONFIRMED"): 1}
    assert counts.alarms == {("CONFLICT",): 1}
    assert counts.dead_letters == {("orders.v1", "conflict"): 1}
    assert counts.oldest_at == NOON


def test_the_counts_of_partitions_are_added_and_the_oldest_record_is_kept() -> None:
    """A turn's counts are those of all its partitions, its age that of its oldest record."""
    gate, first, second, total = Gate(catalogue(policy(OFF))), Counts(), Counts(), Counts()
    first.add("orders.v1", gate.take(order("o-1", NOON), NOON))
    second.add("orders.v1", gate.take(order("o-2", NOON), NOON))
    second.take(9)
    second.take(7)
    second.take(8)
    for one in (first, second):
        total.merge(one)
    assert total.decisions == {("APPROVED_NOT_ASKED", "SMS"): 2}
    assert total.verdicts == {("APPROVED", "APPROVED_NOT_ASKED"): 2}
    assert total.oldest_at == 7


def test_decisions_count_as_settlements_complaints_and_trials_by_their_reason() -> None:
    """Each such reason has a word of its own in its metric; all others count nowhere besides."""
    counted = by_reason({(reason, "SMS"): 1 for reason in Reason})
    assert set(counted[Metric.SETTLEMENTS]) == {
        (row.reason,) for row in ROWS if row.kind is Kind.SETTLEMENT
    }
    assert counted[Metric.SHADOW] == {("ask", "SMS"): 1, ("cover", "SMS"): 1, ("refuse", "SMS"): 1}
    assert {event for (event,) in counted[Metric.COMPLAINTS]} == {
        "opened",
        "answered",
        "overdue",
        "upheld",
        "rejected",
    }
