"""The table of contents of metrics: what is measured, in which unit, by which labels.

Laws: labels are bounded (reasons, channels, causes, topics, partitions), never an MSISDN or an id
of a person, order or provider (law 11). Everything here is written once a turn with counts already
added up, never once a record. Served on loopback only.

This file must not know how anything is decided; it is told.
"""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

LOOPBACK = "127.0.0.1"

# Around the measured commit (4.5 ms p50, 16 ms p99) up to the watchdog's 15 s.
_COMMIT_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0, 15.0)
# Around the measured 41 ms p50 and 81 ms p99, up to an outage.
_LATENCY_SECONDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 600.0, 3600.0)
# Deciding blocks the event loop: 2,000 records take 30 to 70 ms.
_DECIDE_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
# Up to the most a turn may take.
_TURN_RECORDS = (1, 10, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)


@dataclass(frozen=True, slots=True)
class Row:
    """One metric, as Prometheus shows it; a histogram has `buckets`, a counter ends in _total."""

    name: str
    meaning: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


class Metric(Enum):
    """Every metric there is."""

    DECISIONS = Row(
        "tollgate_decisions_total", "Decisions committed, by reason.", ("reason", "channel")
    )
    VERDICTS = Row(
        "tollgate_verdicts_total", "What providers were told, by reason.", ("outcome", "reason")
    )
    CHARGES = Row(
        "tollgate_charges_total",
        "Charges approved for billing, by the confirmation in force.",
        ("channel", "confirmation"),
    )
    MESSAGES = Row(
        "tollgate_messages_total",
        "Messages to subscribers: prompts, receipts and others, by kind.",
        ("kind", "channel"),
    )
    SHADOW = Row(
        "tollgate_shadow_total",
        "Orders charged on trial (SHADOW): what the subscriber would have met.",
        ("would", "channel"),
    )
    SETTLEMENTS = Row(
        "tollgate_settlements_total", "Settlements that were taken, by what they did.", ("reason",)
    )
    REFUNDS = Row("tollgate_refunds_total", "Refunds asked of billing, by why.", ("reason",))
    COMPLAINTS = Row(
        "tollgate_complaints_total",
        "What became of complaints; open ones: opened less upheld and rejected.",
        ("event",),
    )
    ALARMS = Row("tollgate_alarms_total", "Alarms raised, by kind.", ("kind",))
    DEAD_LETTERS = Row(
        "tollgate_dead_letters_total", "Unreadable records, by cause.", ("topic", "cause")
    )
    RECORDS = Row("tollgate_records_total", "Input records taken.", ("topic",))
    TURNS = Row("tollgate_turns_total", "Turns (transactions) committed.")
    TURNS_REDONE = Row(
        "tollgate_turns_redone_total", "Turns refused before their commit and done again."
    )
    LAG = Row(
        "kafka_consumergroup_lag",
        "Records of an input that are in the log and not yet decided.",
        # As kafka_exporter names them.
        ("consumergroup", "topic", "partition"),
    )
    WATERMARK_AGE = Row(
        "tollgate_watermark_age_seconds",
        "How far a partition's stream time is behind the clock: prompts expire this late.",
        ("partition",),
    )
    PARTITIONS_OPEN = Row("tollgate_partitions_open", "Partitions this worker owns and decides.")
    PARTITIONS_UNOWNED = Row(
        "tollgate_partitions_unowned",
        "Partitions that no worker of the group has, as this worker last heard; it mends that.",
    )
    TURN_RECORDS = Row("tollgate_turn_records", "Records of one turn.", buckets=_TURN_RECORDS)
    COMMIT_SECONDS = Row(
        "tollgate_commit_seconds",
        "From the end of deciding to the committed transaction.",
        buckets=_COMMIT_SECONDS,
    )
    LATENCY_SECONDS = Row(
        "tollgate_latency_seconds",
        "From the time of a turn's oldest record to the turn's commit; not under simulated time.",
        buckets=_LATENCY_SECONDS,
    )
    DECIDE_SECONDS = Row(
        "tollgate_decide_seconds",
        "Deciding one turn; the event loop waits as long.",
        buckets=_DECIDE_SECONDS,
    )


class Metrics:
    """The metrics of one worker, in a registry of their own (Faust and others have theirs)."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._counters: dict[Metric, Counter] = {}
        self._gauges: dict[Metric, Gauge] = {}
        self._histograms: dict[Metric, Histogram] = {}
        for metric in Metric:
            row = metric.value
            if row.buckets:
                self._histograms[metric] = Histogram(
                    row.name, row.meaning, row.labels, buckets=row.buckets, registry=self.registry
                )
            elif row.name.endswith("_total"):
                self._counters[metric] = Counter(
                    row.name, row.meaning, row.labels, registry=self.registry
                )
            else:
                self._gauges[metric] = Gauge(
                    row.name, row.meaning, row.labels, registry=self.registry
                )

    def count(self, metric: Metric, counts: Mapping[tuple[str, ...], float]) -> None:
        """Add a turn's counts, by the values of the metric's labels in its row's order."""
        counter = self._counters[metric]
        for labels, amount in counts.items():
            (counter.labels(*labels) if labels else counter).inc(amount)

    def set(self, metric: Metric, value: float, *labels: str) -> None:
        """Say what a gauge shows now."""
        gauge = self._gauges[metric]
        (gauge.labels(*labels) if labels else gauge).set(value)

    def forget(self, metric: Metric, *labels: str) -> None:
        """Stop showing a gauge for labels that are gone: a partition that moved away."""
        self._gauges[metric].remove(*labels)

    def observe(self, metric: Metric, value: float) -> None:
        """Add one measured value to a histogram."""
        self._histograms[metric].observe(value)

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self.registry)


Check = Callable[[], str]


class Served:
    """Serves /metrics, /livez and /readyz from a thread of its own, on loopback, while entered.

    `alive` and `ready` say what is wrong, or nothing when all is well. They are called on the
    server's thread and must not wait.
    """

    def __init__(self, metrics: Metrics, port: int, *, alive: Check, ready: Check) -> None:
        """Port 0 draws a free one (`port` says which)."""
        self._server = ThreadingHTTPServer((LOOPBACK, port), _handler(metrics, alive, ready))
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="tollgate-metrics", daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _value: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(metrics: Metrics, alive: Check, ready: Check) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        # A reader that sends no request must not hold a thread for ever.
        timeout = 10

        def do_GET(self) -> None:
            match self.path.partition("?")[0]:
                case "/metrics":
                    self._answer(200, CONTENT_TYPE_LATEST, metrics.text())
                case "/livez":
                    self._check(alive())
                case "/readyz":
                    self._check(ready())
                case _:
                    self._answer(404, "text/plain", b"/metrics, /livez or /readyz\n")

        def _check(self, trouble: str) -> None:
            answer = {"ok": not trouble, "trouble": trouble}
            status = 503 if trouble else 200
            self._answer(status, "application/json", json.dumps(answer).encode() + b"\n")

        def _answer(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing: a probe every few seconds would fill the log."""

    return Handler
