"""`make profile`: where a worker's time goes while it drains a full log.

Writes build/profile.svg, a flame graph to open in a browser, and build/profile.md: microseconds of
CPU an event, by thread and, for the threads that run Python, by stage. A sampled stack counts for
the stage of its innermost frame that has one (py-spy, 200 samples a second, with native frames).
"""

import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from operator import itemgetter
from pathlib import Path

import click

from streams.broker import EmbeddedBroker
from streams.world import preload
from tests.figures.gate import Gate, Worker
from tests.figures.processes import threads
from tests.figures.progress import Progress

_BUILD = Path(__file__).parents[2] / "build"
_SAMPLES_A_SECOND = 200
_START_S = 120.0
_LOOK_S = 0.05
# Of the events: what comes before is starting and warming up.
_FROM = 0.2

# Parts of a frame as py-spy writes it, and the stage; the first that fits counts.
STAGES = (
    ("librdkafka", "librdkafka, called from Python"),
    ("rd_kafka", "librdkafka, called from Python"),
    ("cimpl", "librdkafka, called from Python"),
    ("rocksdict", "RocksDB"),
    ("rocksdb", "RocksDB"),
    ("<encoder", "encoding"),
    ("<decoder", "decoding"),
    ("streams/codec", "encoding and decoding"),
    ("streams/ingress", "reading inputs"),
    ("streams/egress", "records, seals and ids"),
    ("streams/gate", "deciding"),
    ("streams/gathering", "rows"),
    ("streams/tables", "rows"),
    ("streams/engine/rows", "rows"),
    ("streams/engine/store", "local store"),
    ("streams/engine/merge", "merging"),
    ("streams/engine/membership", "polling"),
    ("streams/engine", "turns"),
    ("streams/agent", "agent"),
    ("streams/", "other of ours"),
    ("faust/", "Faust and the event loop"),
    ("mode/", "Faust and the event loop"),
    ("asyncio/", "Faust and the event loop"),
)


# Innermost frames of a thread that waits; with native frames py-spy takes it for one that works.
_WAIT_DEPTH = 3
_WAITS = ("acquire_lock", "cond_timedwait", "cond_wait", "cnd_timedwait", "poll", "futex")


@click.command()
@click.option("--events", default=240_000, show_default=True, help="Preloaded, of the demo's mix.")
@click.option("--seconds", default=6, show_default=True, help="Of each of the two recordings.")
@click.option("--seed", default=1, show_default=True)
def main(events: int, seconds: int, seed: int) -> None:
    """Profile one worker on an embedded broker."""
    _BUILD.mkdir(exist_ok=True)
    click.echo(f"seed {seed}")
    with tempfile.TemporaryDirectory(prefix="tollgate-profile-") as made:
        folder = Path(made)
        with EmbeddedBroker(folder / "kafka", tell=click.echo) as broker:
            gate = Gate(broker, "profile.", folder / "gate")
            loaded = preload(gate.settings, events, seed)
            progress = Progress(gate.settings)
            try:
                with gate.worker() as worker:
                    _wait(worker, progress, _FROM * loaded.events)
                    _record(worker, seconds, "flamegraph", _BUILD / "profile.svg")
                    table = _measured(worker, progress, seconds, _BUILD / "profile.txt")
                    left = loaded.events - progress.decided()
                    worker.stop()
            finally:
                progress.close()
    if left <= 0:
        raise click.ClickException("the log was drained before the end: ask for more --events")
    click.echo(table)
    (_BUILD / "profile.md").write_text(table, encoding="utf-8")
    click.echo("build/profile.svg is the flame graph: open it in a browser")


def _wait(worker: Worker, progress: Progress, events: float) -> None:
    deadline = time.monotonic() + _START_S
    while progress.decided() < events:
        if worker.exit_code is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the worker has not decided {events:.0f} events")
        time.sleep(_LOOK_S)


def _record(worker: Worker, seconds: int, form: str, file: Path) -> None:
    command = [str(Path(sys.executable).with_name("py-spy")), "record", "--native"]
    how = ["--format", form, "--rate", str(_SAMPLES_A_SECOND), "--duration", str(seconds)]
    where = ["--output", str(file), "--pid", str(worker.process)]
    done = subprocess.run([*command, *how, *where], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"py-spy: {done.stderr.strip()}")


def _measured(worker: Worker, progress: Progress, seconds: int, stacks: Path) -> str:
    before, decided = threads(worker.process), progress.decided()
    _record(worker, seconds, "raw", stacks)
    after, events = threads(worker.process), progress.decided() - decided
    used: dict[str, float] = defaultdict(float)
    for number, thread in after.items():
        began = before[number].cpu_s if number in before else 0.0
        used[_kind(thread.name)] += thread.cpu_s - began
    return report(used, by_stage(stacks.read_text(encoding="utf-8").splitlines()), events)


def _kind(thread: str) -> str:
    if thread.startswith("rdk:"):
        return "librdkafka's own threads"
    return "RocksDB's own threads" if thread.startswith("rocksdb") else "Python's threads"


def by_stage(stacks: Iterable[str]) -> Counter[str]:
    """Samples of each stage; a line is `outermost;...;innermost count`."""
    found: Counter[str] = Counter()
    for line in stacks:
        stack, _, count = line.rpartition(" ")
        frames = stack.split(";")
        if not any(word in frame for frame in frames[-_WAIT_DEPTH:] for word in _WAITS):
            found[_stage(frames)] += int(count)
    return found


def _stage(frames: list[str]) -> str:
    for frame in reversed(frames):
        for part, stage in STAGES:
            if part in frame:
                return stage
    return "everything else"


def report(used: Mapping[str, float], stages: Counter[str], events: int) -> str:
    """Seconds of CPU by kind of thread, and samples by stage, as microseconds an event."""
    total, events = sum(used.values()), max(1, events)
    kinds = sorted(used.items(), key=itemgetter(1), reverse=True)
    lines = [
        f"{events} events, {total / events * 1e6:.1f} µs of CPU an event",
        "",
        "| where | µs an event |",
        "| --- | ---: |",
        *(f"| {kind} | {cpu / events * 1e6:.1f} |" for kind, cpu in kinds),
        "",
        "| stage, of Python's threads | share | µs an event |",
        "| --- | ---: | ---: |",
    ]
    samples = sum(stages.values())
    for stage, count in stages.most_common():
        share = count / samples
        cost = share * used["Python's threads"] / events * 1e6
        lines.append(f"| {stage} | {share:.1%} | {cost:.1f} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
