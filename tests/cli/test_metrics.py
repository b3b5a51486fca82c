"""Metrics: one table, bounded labels, served on loopback with health beside them."""

import json
import urllib.error
import urllib.request

import pytest

from streams.metrics import Metric, Metrics, Served


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
    lag = 'kafka_consumergroup_lag{group="tollgate-gate",partition="0",topic="vas.orders.v1"} 7.0'
    assert lag in shown
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
