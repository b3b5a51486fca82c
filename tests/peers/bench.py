"""`make bench-peers`: W1 on our engine and on its peers, on one broker, engines taking turns.

Writes the table to build/bench-peers.md anew after every run, so that a bench that is broken off
leaves what it had, and a picture to build/bench-peers.png after every round. Ends with 1 if a run
failed, an audit found one that is not exact, or nothing could be run.
"""

import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import click
from confluent_kafka.admin import AdminClient

from streams.broker import EmbeddedBroker
from tests.peers import latency, picture, speed
from tests.peers.builds import BUILD, ROOT, NotMade, make_compiled, make_java, make_quix
from tests.peers.engines import Engine, Needs, named
from tests.peers.generator import EVENTS_PER_SUBSCRIBER
from tests.peers.latency import Latency
from tests.peers.report import Report
from tests.peers.speed import Speed

_TABLE, _PICTURE = ROOT / "build/bench-peers.md", ROOT / "build/bench-peers.png"
_EVENTS = 1_200_000
# Long enough for a p99.9 at 2,000 events/s; and what is left when the first 5 s do not count.
_LATENCY_S, _LATENCY_LEAST_S = 35, 10
_KINDS = ("speed", "latency")
# The broker as it is elsewhere, with both compilers: ours starts sooner, but holds back whoever is
# quicker than it. The last flag of its kind counts.
_BROKER_HEAP, _BROKER_FLAGS = "1g", ("-XX:TieredStopAtLevel=4",)
_MAKE: dict[Needs, Callable[[], None]] = {
    Needs.COMPILER: make_compiled,
    Needs.JAVA: make_java,
    Needs.QUIX: make_quix,
}


@click.command()
@click.option("--engines", default="", help="Names, divided by commas; else the usual ones.")
@click.option("--repeat", type=click.IntRange(1), default=3, show_default=True)
@click.option(
    "--events", type=click.IntRange(1_000), default=_EVENTS, show_default=True, help="At most."
)
@click.option("--seed", type=int, help="Of the first round's events; else drawn.")
@click.option(
    "--minutes", type=click.IntRange(1), default=90, show_default=True, help="Then no run begins."
)
@click.option("--only", type=click.Choice(_KINDS), help="One of the two, not both.")
def main(
    engines: str, repeat: int, events: int, seed: int | None, minutes: int, only: str | None
) -> None:
    """Measure and audit engines on the same job."""
    try:
        wanted = named(engines)
    except ValueError as unknown:
        raise click.UsageError(str(unknown)) from None
    first = time.time_ns() // 1_000_000 % 1_000_000 if seed is None else seed
    load = os.getloadavg()[0]
    heading = f"Seed {first}, {os.cpu_count()} cores, {_cpu_model()}, load {load:.1f} at the start."
    click.echo(heading)
    kinds = _KINDS if only is None else (only,)
    with (
        tempfile.TemporaryDirectory(prefix="tollgate-peers-") as made,
        EmbeddedBroker(
            Path(made) / "kafka", heap=_BROKER_HEAP, jvm_flags=_BROKER_FLAGS, tell=click.echo
        ) as broker,
    ):
        bench = _Bench(broker, Path(made), heading, minutes)
        ready = [engine for engine in wanted if bench.is_made(engine)]
        for number in range(repeat):
            # Nobody is always the first, on a broker that has not compiled what is hot.
            begin = number % max(1, len(ready))
            bench.round(ready[begin:] + ready[:begin], kinds, events, first + number)
        bench.write()
    click.echo(f"\n{bench.report.markdown()}")
    sys.exit(0 if bench.report.is_flawless else 1)


class _Bench:
    """Runs, and their results."""

    def __init__(self, broker: EmbeddedBroker, folder: Path, heading: str, minutes: int) -> None:
        self._broker = broker
        self._folder = folder
        self._deadline = time.monotonic() + minutes * 60
        self._runs = 0
        self._speeds: dict[str, list[Speed]] = {}
        self._latencies: dict[str, list[Latency]] = {}
        self._not_run: dict[str, str] = {}
        self._failed: dict[str, str] = {}
        # Why what an engine needs is not there; empty: it is.
        self._lacking: dict[Needs, str] = {}
        self.report = Report(heading, self._speeds, self._latencies, self._not_run, self._failed)

    def is_made(self, engine: Engine) -> bool:
        """Make what an engine needs; one that cannot be is told in the report."""
        if engine.needs not in self._lacking:
            self._lacking[engine.needs] = _lacking(engine.needs)
        if reason := self._lacking[engine.needs]:
            self._not_run[engine.name] = reason
            click.echo(f"{engine.name} NOT RUN: {reason}")
        return not reason

    def round(
        self, engines: Sequence[Engine], kinds: Sequence[str], events: int, seed: int
    ) -> None:
        """Each engine once, one after another; then the picture of all so far."""
        for engine in engines:
            for kind in kinds:
                if time.monotonic() > self._deadline:
                    self._not_run[f"{engine.name}, {kind}, seed {seed}"] = "no time was left"
                    continue
                self._run(engine, kind, events, seed)
                self.write()
        if self._speeds or self._latencies:
            picture.draw(self.report, _PICTURE)

    def _run(self, engine: Engine, kind: str, events: int, seed: int) -> None:
        self._runs += 1
        prefix = f"r{self._runs}-{engine.name}"
        folder = self._folder / prefix
        folder.mkdir()
        try:
            if kind == "speed":
                count = _whole(min(events, engine.events_most or events))
                drained = speed.measure(engine, self._broker, prefix, folder, count, seed)
                self._speeds.setdefault(engine.name, []).append(drained)
                click.echo(f"{engine.name}: {drained}")
            else:
                seconds = min(_LATENCY_S, max(_LATENCY_LEAST_S, events // engine.rate))
                count = _whole(engine.rate * seconds)
                steady = latency.measure(engine, self._broker, prefix, folder, count, seed)
                self._latencies.setdefault(engine.name, []).append(steady)
                click.echo(f"{engine.name}: {steady}")
        except Exception as trouble:  # noqa: BLE001  # it is told, and the others are run
            sentence = f"{type(trouble).__name__}: {trouble}"
            if (log := folder / "engine.log").exists():
                kept = BUILD / f"{prefix}.log"
                BUILD.mkdir(parents=True, exist_ok=True)
                shutil.copy(log, kept)
                sentence += f"; its log is {kept.relative_to(ROOT)}"
            self._failed[f"{engine.name}, {kind}, seed {seed}"] = sentence
            click.echo(f"{engine.name}: {kind} FAILED: {sentence}")
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            self._delete_topics(prefix)

    def _delete_topics(self, prefix: str) -> None:
        """Those of a run, its engine's own ones too: the next run has the disk to itself."""
        admin = AdminClient({"bootstrap.servers": self._broker.bootstrap_servers})
        names = [name for name in admin.list_topics(timeout=30).topics if prefix in name]
        for deleted in admin.delete_topics(names).values():
            deleted.result()

    def write(self) -> None:
        """The table of all runs so far."""
        _TABLE.parent.mkdir(exist_ok=True)
        _TABLE.write_text(self.report.markdown(), encoding="utf-8")


def _whole(events: int) -> int:
    """So many that every subscriber has all of his."""
    return events - events % EVENTS_PER_SUBSCRIBER


def _cpu_model() -> str:
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, "CPU model unknown")


def _lacking(needs: Needs) -> str:
    """Make what is needed; why it cannot be made, or nothing."""
    try:
        if needs in _MAKE:
            _MAKE[needs]()
    except NotMade as reason:
        return str(reason)
    return ""


def _leave(_number: int, _frame: object) -> None:
    sys.exit(128 + signal.SIGTERM)


if __name__ == "__main__":
    # As Ctrl-C does: engine, broker and folder go, the table stays.
    signal.signal(signal.SIGTERM, _leave)
    main()
