"""The report of a run, from results in a can; and what a person types."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.peers import picture
from tests.peers.audit import Findings
from tests.peers.bench import main
from tests.peers.engines import ENGINES, named
from tests.peers.latency import Latency
from tests.peers.report import Report
from tests.peers.speed import Speed

EXACT = Findings(1_000, 1_000, 0, 0, 0, 0)
TORN = Findings(1_000, 1_061, 2, 1, 62, 0)


def speed(events_per_cpu_s: float, findings: Findings = EXACT) -> Speed:
    return Speed(1_000, events_per_cpu_s, 1e4, 3e4, 2e4, 5.0, 1.5, 200.0, 0.1, 1.0, findings)


def latency(p99: float) -> Latency:
    return Latency(2_000, 1_998.0, 5.0, 8.0, p99, 50.0, 60.0, 70.0, 80.0, 90.0, 0.1, 1.0, EXACT)


REPORT = Report(
    "Seed 1.",
    {
        "ours": [speed(30_000), speed(50_000), speed(40_000)],
        "ks-eos-1t": [speed(80_000)],
        "faust-eos": [speed(1_000, TORN), speed(2_000)],
    },
    {"ours": [latency(20.0)], "ks-eos-1t": [latency(40.0)]},
    {"flink-eos-1t": "no mvn on this machine"},
    {},
)


def row(report: Report, engine: str, place: int = 0) -> list[str]:
    """The cells of an engine's row in the table of speed (0) or latency (1)."""
    rows = re.findall(rf"^\| {engine} .*$", report.markdown(), re.MULTILINE)
    return [cell.strip() for cell in rows[place].strip("|").split("|")]


def test_every_figure_has_least_median_and_most() -> None:
    """Of several runs all three, of one run the figure itself."""
    assert row(REPORT, "ours")[:4] == ["ours (1,000)", "3", "0.50", "30,000 / **40,000** / 50,000"]
    assert row(REPORT, "ks-eos-1t")[:4] == ["ks-eos-1t (1,000)", "1", "1.00", "80,000"]
    assert row(REPORT, "ours", 1)[:3] == ["ours (2,000/s)", "1", "1.00"]


def test_every_cell_stands_under_its_title() -> None:
    """A figure is not told under another's name."""
    titles, told = row(REPORT, "engine"), row(REPORT, "ours")
    cells = dict(zip(titles, told, strict=True))
    assert cells["the same, whole process"] == "10,000 / **10,000** / 10,000"
    assert cells["events/s, 2nd half"] == "30,000 / **30,000** / 30,000"
    assert cells["events/s from the process's start"] == "20,000 / **20,000** / 20,000"
    assert cells["broker, CPU µs an event"] == "5.0 / **5.0** / 5.0"
    assert cells["load"] == "1.0 / **1.0** / 1.0"
    steady = dict(zip(row(REPORT, "engine", 1), row(REPORT, "ours", 1), strict=True))
    assert (steady["p50, ms"], steady["p99, ms"], steady["most, ms"]) == ("5.0", "20.0", "60.0")
    assert (steady["events/s that came"], steady["CPU µs an event"]) == ("1,998", "70")


def test_every_fault_is_told() -> None:
    """A run that is not exact says what was found; the report is then not flawless."""
    assert row(REPORT, "ours")[-1] == "3/3 exact"
    assert row(REPORT, "faust-eos")[-1] == "1/2 exact; 2 missing, 1 unexpected, 62 doubled"
    assert not REPORT.is_flawless
    assert REPORT._replace(speeds={"ours": [speed(1.0)]}).is_flawless
    assert not REPORT._replace(speeds={"ours": [speed(1.0)]}, failed={"ours": "ended"}).is_flawless


def test_a_bench_without_a_run_is_not_flawless() -> None:
    """A machine that can run nothing has proved nothing."""
    assert not REPORT._replace(speeds={}, latencies={}).is_flawless


def test_what_was_not_run_is_told_with_its_reason() -> None:
    """An engine that this machine cannot run has a line of its own."""
    assert "- flink-eos-1t NOT RUN: no mvn on this machine" in REPORT.markdown()


def test_without_kafka_streams_there_is_nothing_to_compare_with() -> None:
    """Then no ratio is made up."""
    assert row(REPORT._replace(speeds={"ours": [speed(1.0)]}), "ours")[2] == "-"


def test_the_same_makes_a_picture(tmp_path: Path) -> None:
    """A PNG with a panel for each of the main figures."""
    picture.draw(REPORT, tmp_path / "made.png")
    assert (tmp_path / "made.png").read_bytes().startswith(b"\x89PNG")


def test_an_unknown_engine_is_a_mistake_that_names_the_known_ones() -> None:
    """Nothing is started; the exit code is that of wrong usage."""
    told = CliRunner().invoke(main, ["--engines", "ours,nobody"])
    assert told.exit_code == 2
    assert "no engine nobody" in told.output
    assert all(engine.name in told.output.replace("\n", " ") for engine in ENGINES)


def test_names_are_unique_and_the_usual_ones_are_taken_when_none_is_given() -> None:
    """Ours is among them, and something of every peer."""
    names = [engine.name for engine in ENGINES]
    assert len(set(names)) == len(names)
    usual = [engine.name for engine in named("")]
    assert {name.partition("-")[0] for name in usual} == {"ours", "ks", "flink", "quix", "faust"}
    assert [engine.name for engine in named("quix-alo-1s,ours")] == ["quix-alo-1s", "ours"]
    with pytest.raises(ValueError, match="no engine x, y;"):
        named("x,ours,y")
