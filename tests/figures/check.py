"""`make bench-check`: has deciding become dearer, whatever this machine is and does just now?

A fixed job of pure Python (never changed: what it does is what the figures below stand on) is timed
before and after one worker drains a log; what an event costs is told in units of that job. Fails
when an event costs more than FACTOR_MAX times what it cost when COST was written down.
"""

import hashlib
import struct
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import click

from streams.broker import EmbeddedBroker
from tests.figures import throughput

# Units of the reference job that an event cost the worker, and the broker: pure Python 3.11, two
# cores shared with the broker, 120,000 events; four runs at load 4 to 6 gave 53 to 59 and 17 to 19
# (2026-11-30).
COST = {"worker": 56.0, "broker": 18.0}
FACTOR_MAX = 1.5
_ROUNDS = 60_000
_HEAD = struct.Struct("<qiH")


class Cost(NamedTuple):
    """What an event costs now, in units of the reference job."""

    worker: float
    broker: float
    unit_us: float
    """CPU of one unit, here and now."""

    def factors(self) -> dict[str, float]:
        """Against what was written down; 1 is as dear, 2 twice."""
        return {who: getattr(self, who) / cost for who, cost in COST.items()}


def unit_us() -> float:
    """Microseconds of CPU of one unit: about what an interpreter does for one event."""
    rows: dict[bytes, tuple[int, str, bytes]] = {}
    began = time.process_time()
    for number in range(_ROUNDS):
        key = b"%d" % (number % 5_000)
        count, text, _ = rows.get(key, (0, "", b""))
        packed = _HEAD.pack(number, count, len(text)) + text.encode()
        digest = hashlib.blake2b(packed, digest_size=16, key=key).digest()
        words = f"{count + 1}:{text[:40]}".split(":")
        rows[key] = (count + 1, ",".join(words), digest)
    return (time.process_time() - began) / _ROUNDS * 1e6


def measure(broker: EmbeddedBroker, folder: Path, events: int, seed: int) -> Cost:
    """Time the reference job, drain a log, time it again."""
    before = unit_us()
    drained = throughput.measure(broker, folder, "check", events, seed)
    unit = (before + unit_us()) / 2
    return Cost(drained.worker_us / unit, drained.broker_us / unit, unit)


@click.command()
@click.option("--events", default=120_000, show_default=True, help="Preloaded for each run.")
@click.option("--runs", type=click.IntRange(1), default=3, show_default=True)
@click.option("--seed", default=1, show_default=True, help="Of the first run's events.")
def main(events: int, runs: int, seed: int) -> None:
    """Compare what an event costs with what it cost; the least of some runs counts."""
    costs = []
    for run in range(runs):
        with tempfile.TemporaryDirectory(prefix="tollgate-check-") as made:
            folder = Path(made)
            with EmbeddedBroker(folder / "kafka", tell=lambda _: None) as broker:
                costs.append(measure(broker, folder, events, seed + run))
        click.echo(_told(costs[-1]))
    factors = {who: min(cost.factors()[who] for cost in costs) for who in COST}
    told = ", ".join(f"{who} {factor:.2f}" for who, factor in factors.items())
    click.echo(f"an event costs, against what it cost (seed {seed}): {told}; at most {FACTOR_MAX}")
    sys.exit(any(factor > FACTOR_MAX for factor in factors.values()))


def _told(cost: Cost) -> str:
    return (
        f"an event: worker {cost.worker:.2f} units, broker {cost.broker:.2f} units;"
        f" a unit is {cost.unit_us:.2f} µs of CPU"
    )


if __name__ == "__main__":
    main()
