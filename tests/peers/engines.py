"""The engines by name: how each is started, and what load suits it.

An engine is a command with {bootstrap}, {prefix}, {state} and {temporary} (two folders), run in the
repository's root; it reads and writes the topics of `workload.py`, names its own so that the prefix
is in them, and is ended by SIGKILL.
"""

import sys
from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple

from tests.compiled import build as native
from tests.peers.builds import BUILD, COMPILED, QUIX_PYTHON


class Needs(Enum):
    """What must be made before an engine can run."""

    NOTHING = "nothing"
    JAVA = "Java 17 and mvn"
    QUIX = "a virtual environment of its own"
    COMPILER = "a C compiler"


class Engine(NamedTuple):
    """One engine with one set of settings."""

    name: str
    command: tuple[str, ...]
    needs: Needs = Needs.NOTHING
    environment: Mapping[str, str] = {}
    is_usual: bool = True
    """Run when nobody names engines."""
    events_most: int | None = None
    """Of a speed run: for one that would take minutes. None: as many as are wanted."""
    rest_s: float = 2.0
    """It is done when nothing has come out for so long: longer than its commits are apart."""
    rate: int = 2_000
    """Events a second while latency is measured: less for one that could not keep up."""
    warm_up: int = 100_000
    """Events before latency is measured: more than a JVM needs to compile what is hot."""


_AVRO = "-Dorg.apache.avro.specific.use_custom_coders=true"
# Flink's serializers look inside the JDK.
_OPENS = tuple(
    f"--add-opens=java.base/{package}=ALL-UNNAMED"
    for package in (
        "java.util",
        "java.lang",
        "java.nio",
        "java.lang.reflect",
        "java.util.concurrent",
        "java.time",
    )
)


def _java(module: str, heap: str, *arguments: str, flags: tuple[str, ...] = ()) -> tuple[str, ...]:
    jars = f"{BUILD}/{module}/{module}-1.jar:{BUILD}/{module}/libs/*"
    # RocksDB unpacks its library there, and a killed JVM takes nothing away.
    flags = ("-Djava.io.tmpdir={temporary}", *flags)
    java = ("java", f"-Xmx{heap}", "-XX:+UseParallelGC", _AVRO, *flags, "-cp", jars)
    return (*java, "bench.Main", "{bootstrap}", "{prefix}", "{state}", *arguments)


def _kafka_streams(
    name: str,
    guarantee: str,
    threads: int,
    commit_ms: int,
    *,
    cache_mb: int = 0,
    is_usual: bool = True,
) -> Engine:
    settings = (guarantee, *map(str, (threads, commit_ms, cache_mb)))
    command = _java("kafka-streams", "1g", *settings)
    return Engine(name, command, Needs.JAVA, is_usual=is_usual)


def _flink(name: str, checkpoint_ms: int, events_most: int, *, is_usual: bool = True) -> Engine:
    return Engine(
        name,
        _java("flink", "1536m", "EXACTLY_ONCE", "1", str(checkpoint_ms), flags=_OPENS),
        Needs.JAVA,
        is_usual=is_usual,
        events_most=events_most,
        rest_s=4.0,
    )


def _quix(name: str, guarantee: str, commit_s: float, *, is_usual: bool = True) -> Engine:
    module = (str(QUIX_PYTHON), "-m", "tests.peers.quix_app")
    return Engine(
        name,
        (*module, "{bootstrap}", "{prefix}", "{state}", guarantee, str(commit_s)),
        Needs.QUIX,
        is_usual=is_usual,
        events_most=200_000,
        rest_s=4.0 if commit_s >= 1 else 2.0,
    )


def _faust(name: str, guarantee: str, *, is_usual: bool = True) -> Engine:
    # Its exactly_once covers its changelog and positions; outputs are plain: no kill is survived.
    program = ("-m", "tests.peers.faust_app", "worker", "-l", "warn", "--without-web")
    return Engine(
        name,
        (sys.executable, *program),
        environment={
            "PEERS_BOOTSTRAP": "{bootstrap}",
            "PEERS_PREFIX": "{prefix}",
            "PEERS_STATE": "{state}",
            "PEERS_GUARANTEE": guarantee,
        },
        is_usual=is_usual,
        events_most=30_000,
        rest_s=6.0,
        rate=500,
        warm_up=3_000,
    )


OURS = "ours"
KAFKA_STREAMS = "ks-eos-1t"
"""What everyone is compared with: one thread, exactly-once at its default of 100 ms."""

_OURS = (sys.executable, "-m", "tests.peers.ours", "{bootstrap}", "{prefix}", "{state}")

ENGINES = (
    Engine(OURS, _OURS),
    Engine("ours-compiled", _OURS, Needs.COMPILER, native.environment(COMPILED)),
    _kafka_streams(KAFKA_STREAMS, "exactly_once_v2", 1, 100),
    _kafka_streams("ks-eos-1t-10ms", "exactly_once_v2", 1, 10),
    # Ours keeps rows in memory, so let it keep records: its cache as its own default has it.
    _kafka_streams("ks-eos-1t-cache", "exactly_once_v2", 1, 100, cache_mb=64),
    _flink("flink-eos-1t", 100, 600_000),
    _quix("quix-eos-100ms", "exactly-once", 0.1),
    _quix("quix-eos-10ms", "exactly-once", 0.01),
    _faust("faust-eos", "exactly_once"),
    _kafka_streams("ks-eos-2t", "exactly_once_v2", 2, 100, is_usual=False),
    _kafka_streams("ks-alo-1t", "at_least_once", 1, 100, is_usual=False),
    _flink("flink-eos-1t-1s", 1_000, 600_000, is_usual=False),
    _quix("quix-eos-1s", "exactly-once", 1.0, is_usual=False),
    _quix("quix-alo-1s", "at-least-once", 1.0, is_usual=False),
    _faust("faust-alo", "at_least_once", is_usual=False),
)


def named(names: str) -> list[Engine]:
    """Engines by their names, divided by commas; none named: the usual ones.

    ValueError for a name that is not there.
    """
    if not names:
        return [engine for engine in ENGINES if engine.is_usual]
    known = {engine.name: engine for engine in ENGINES}
    wanted = names.split(",")
    if unknown := [name for name in wanted if name not in known]:
        raise ValueError(f"no engine {', '.join(unknown)}; there are {', '.join(known)}")
    return [known[name] for name in wanted]
