"""Workers as an operator sees them: their commands, health, metrics, their stopping, their sharing.

Two workers of one gate, the second joining under load; each test looks at that one run.
"""

import re
import socket
import time
import urllib.error
import urllib.request
import uuid
from typing import NamedTuple

import pytest

from streams import topics
from streams.broker import EmbeddedBroker
from streams.gate.words import Reason
from streams.metrics import Metric
from tests.app.rig import (
    ASKS,
    ASKS_NOT,
    Gate,
    Sent,
    Told,
    Unsent,
    Worker,
    example,
    keyed,
    now_ms,
    order,
    reply,
    told_of,
)

NAMES = ("one", "two")
# The load is written twice: while the second worker joins, and when it has.
SLICES, SLICE_S = 8, 0.2
# In each slice of the load; of those who are asked, every other one answers.
NOT_ASKED, ASKED = 30, 10
# The turn at work is finished, the group left, the folder freed.
STOP_S = 10.0


class Stopped(NamedTuple):
    """How a worker ended, and who was left in the group right then."""

    code: int
    seconds: float
    members: int


class Run(NamedTuple):
    """What was seen while both ran, and what came of it."""

    told: Told
    sent: list[Sent]
    health: dict[str, tuple[int, str]]
    metrics: dict[str, str]
    """By worker, at the end of the load."""
    stopped: list[Stopped]


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


def fetch(port: int, path: str) -> tuple[int, str]:
    """Status and body; status 0 while nobody answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


def shown(text: str, metric: Metric, labels: str = "") -> float:
    """The sum of a metric over the lines that hold these labels."""
    lines = re.findall(rf"^{metric.value.name}(?:{{([^}}]*)}})? (\S+)$", text, re.MULTILINE)
    return sum(float(value) for have, value in lines if labels in have)


def members(gate: Gate) -> int:
    """How many workers the group has now."""
    name = gate.settings.group
    return len(gate.admin.describe_consumer_groups([name])[name].result(30).members)


def stop(gate: Gate, worker: Worker) -> Stopped:
    """SIGTERM, and a look at the group at once."""
    began = time.monotonic()
    code = worker.stop()
    return Stopped(code, time.monotonic() - began, members(gate))


def load(gate: Gate, first: int) -> list[Sent]:
    """Orders by ever new subscribers for a while, with answers behind them; from slice `first`."""
    sent: list[Sent] = []
    began = time.monotonic()
    for place in range(first, first + SLICES):
        numbers = [f"86138{place:03}{each:05}" for each in range(NOT_ASKED + ASKED)]
        orders: list[Unsent] = []
        for each, number in enumerate(numbers):
            province = ASKS if each < ASKED else ASKS_NOT
            orders.append(keyed(order(number, f"o-{place}", province, now_ms())))
        sent += gate.write(*orders)
        answers = numbers[:ASKED:2]
        sent += gate.write(*(keyed(reply(number, "yes", now_ms())) for number in answers))
        time.sleep(max(0.0, began + (place - first + 1) * SLICE_S - time.monotonic()))
    return sent


@pytest.fixture(scope="module")
def gate(kafka: EmbeddedBroker, tmp_path_factory: pytest.TempPathFactory) -> Gate:
    """A gate of four partitions."""
    return Gate(
        kafka,
        f"t{uuid.uuid4().hex[:12]}.",
        tmp_path_factory.mktemp("worker"),
        example(),
        PARTITIONS="4",
    )


@pytest.fixture(scope="module")
def run(gate: Gate) -> Run:
    """One worker, then load, then another beside it; both stop when all is decided."""
    ports = {name: free_port() for name in NAMES}
    places = {
        name: {"DATA_DIR": str(gate.folder / name), "METRICS_PORT": str(port)}
        for name, port in ports.items()
    }
    silent = 2 * SLICES * ASKED // 2

    def metrics() -> dict[str, str]:
        return {name: fetch(port, "/metrics")[1] for name, port in ports.items()}

    def is_shared() -> bool:
        return all(shown(text, Metric.PARTITIONS_OPEN) == 2 for text in metrics().values())

    def is_silence_over() -> bool:
        texts = metrics().values()
        label = f'reason="{Reason.SILENCE}"'
        return sum(shown(text, Metric.DECISIONS, label) for text in texts) == silent

    with gate.worker("one", **places["one"]) as one:
        one.wait(lambda: fetch(ports["one"], "/readyz")[0] == 200, "the first worker is ready")
        health = {path: fetch(ports["one"], path) for path in ("/livez", "/readyz", "/nothing")}
        with gate.worker("two", **places["two"]) as two:
            sent = load(gate, 0)
            one.wait(is_shared, "each has two partitions")
            sent += load(gate, SLICES)
            two.wait(lambda: gate.has_taken(sent), "the load is taken")
            two.wait(is_silence_over, "those who did not answer are refused")
            seen = metrics()
            stopped = [stop(gate, one), stop(gate, two)]
    return Run(Told(gate.history()), sent, health, seen, stopped)


def test_fausts_commands_list_the_gates_agents_and_tables(gate: Gate) -> None:
    """`tollgate faust` knows the gate's one agent with its inputs, and its tables."""
    agents = gate.tollgate("faust", "agents")
    assert "gate" in agents
    assert topics.ORDERS in agents
    tables = gate.tollgate("faust", "tables")
    for name in ("grants", "subscribers", "orders", "events", "charges", "complaints"):
        assert name in tables


def test_health_is_told_on_loopback(run: Run) -> None:
    """A worker that has opened its partitions is alive and ready; other paths are not found."""
    assert run.health["/livez"] == (200, '{"ok": true, "trouble": ""}\n')
    assert run.health["/readyz"] == (200, '{"ok": true, "trouble": ""}\n')
    assert run.health["/nothing"][0] == 404


@pytest.mark.parametrize("metric", Metric)
def test_every_metric_is_shown(run: Run, metric: Metric) -> None:
    """Each metric of the table has a line with its meaning, and most have been counted."""
    for text in run.metrics.values():
        assert f"# HELP {metric.value.name.removesuffix('_total')}" in text


def test_metrics_count_what_was_committed(run: Run) -> None:
    """Both workers' counts together are what lies on the topics; nobody's number is shown."""
    texts = "".join(run.metrics.values())
    history = run.told.history
    assert shown(texts, Metric.CHARGES) == len(history.of(topics.CHARGES))
    assert shown(texts, Metric.MESSAGES) == len(history.of(topics.MESSAGES))
    assert shown(texts, Metric.DECISIONS) == len(history.of(topics.DECISIONS))
    assert shown(texts, Metric.DEAD_LETTERS) == 0
    assert shown(texts, Metric.VERDICTS) == len(history.of(topics.VERDICTS))
    assert shown(texts, Metric.PARTITIONS_OPEN) == 4
    assert re.search(r"^tollgate_latency_seconds_count [1-9]", texts, re.MULTILINE)
    assert 'kafka_consumergroup_lag{consumergroup="' in texts
    assert not re.search(r"86138\d{8}", texts)


def test_two_workers_share_the_work(run: Run) -> None:
    """Each of two workers has taken records of the load."""
    for text in run.metrics.values():
        assert shown(text, Metric.RECORDS) > 0


def test_a_worker_stops_when_asked(run: Run) -> None:
    """SIGTERM ends a worker with 0 within a bound, and it has left the group by then."""
    assert [one.code for one in run.stopped] == [0, 0]
    assert [one.members for one in run.stopped] == [1, 0]
    assert all(one.seconds < STOP_S for one in run.stopped)


def test_every_law_holds_over_a_rebalance_under_load(run: Run) -> None:
    """Every record of the load has one decision, and the auditor finds nothing in all of it."""
    assert all(len(run.told.reasons(sent)) == 1 for sent in run.sent)
    report = run.told.audit()
    assert report.held, told_of(report)
