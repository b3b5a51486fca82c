"""What a seed draws before a run begins: how large, how fast, under which limits.

Limits are small, so that what they are for happens: stores are read, turns are cut, inputs pause,
rows are swept, due acts are left over.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from random import Random

from streams.engine import Config
from streams.settings import Settings

PREFIX = "vas."
GROUP = "gate"
SESSION_S = 2.0
_ALONE = ("stores swapped", "flood", "kill between halves")
"""Faults that need all partitions on one machine."""
_STATIC = ("same name", "kill between halves")
"""Faults that happen to static members only."""
_DYNAMIC = ("kill at: left the group", "slow references")
"""Faults that need members that leave when they stop."""
_COMPANY = ("slow references",)
"""Faults that need another worker to take over at once."""
_PARTITIONS = {"stores swapped": (2, 3), "kill between halves": (3, 4), "slow references": (3, 4)}
"""Faults that need some partitions."""
_SLOW = ("commit lands late", "slow fetches", "slow references")
"""Faults that need some time to come about."""
SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000


@dataclass(frozen=True, slots=True)
class Plan:
    """One run."""

    seed: int
    steps: int
    partitions: int
    workers: int
    is_static: bool
    """Workers have instance names."""
    simulated_time: bool
    """The driver stamps records and writes the ticks; else the broker and the workers do."""
    turn_records: int
    due_acts: int
    merge_wait: float
    cached_rows: int
    sweep_rows: int
    sweep_interval_ms: int
    filling_records: int
    """Of a changelog, from which on a store is opened for filling."""
    buffered_records: int
    tick_interval: float
    transaction_timeout: float
    scan_s: float
    tombstones_ms: int
    gaps_ms: tuple[int, ...]
    """Time that passes at once, between two steps; nothing happens meanwhile."""
    dead_letters_share_max: int
    faults: Mapping[int, Sequence[str]]
    """By the step at which they happen."""

    @property
    def keeps_copies(self) -> bool:
        """Whether older copies of folders are wanted."""
        return any("copy" in kind for kinds in self.faults.values() for kind in kinds)

    def settings(
        self, machine: str, instance: str, dead_letters_share_max: int | None = None
    ) -> Settings:
        """Of the worker on a machine."""
        share_max = dead_letters_share_max or self.dead_letters_share_max
        return Settings(
            data_dir=Path(machine),
            topic_prefix=PREFIX,
            group=GROUP,
            instance=instance,
            simulated_time=self.simulated_time,
            turn_records_max=self.turn_records,
            merge_wait=timedelta(seconds=self.merge_wait),
            session_timeout=timedelta(seconds=SESSION_S),
            transaction_timeout=timedelta(seconds=self.transaction_timeout),
            tick_interval=timedelta(seconds=self.tick_interval),
            watchdog=timedelta(seconds=6),
            linger=timedelta(milliseconds=2),  # more is under way than by default
            dead_letters_share_max=share_max,
            dead_letters_window=100,
            dead_letters_count_min=40,
        )

    def reshape(self, config: Config) -> Config:
        """Limits that are no settings."""
        return replace(
            config,
            limits=replace(
                config.limits,
                due_acts=self.due_acts,
                cached_rows=self.cached_rows,
                sweep_rows=self.sweep_rows,
                sweep_interval_ms=self.sweep_interval_ms,
                filling_records=self.filling_records,
                buffered_records=self.buffered_records,
                call_timeout=4.0,
                stable_offsets=20.0,
                heartbeat=0.5,
                idle_poll=0.5,
                ownership_interval=1.0,
            ),
        )


def draw_faults(
    seed: int,
    steps: int,
    draw: Random,
    kinds: Sequence[str],
    last: Collection[str],
    of_acts: Sequence[str],
) -> tuple[str, dict[int, list[str]]]:
    """The fault that this seed is about, and when which happens; one that is last comes late."""
    main = kinds[seed % len(kinds)]
    faults: dict[int, list[str]] = defaultdict(list)
    if main in last:
        faults[draw.randrange(steps // 2, steps)].append(main)
    else:
        # A copy must be older than something.
        first = steps // 2 if "copy" in main else steps // 10
        end = steps * 3 // 5 if main in _SLOW else steps
        for _ in range(3 if main in _SLOW else draw.choice((1, 2, 3))):
            faults[draw.randrange(first, end)].append(main)
    if seed % 8 == 5 and main not in last:
        # Drawn apart, so that all other draws of a seed stay what they were.
        apart = Random(f"acts {seed}")
        for _ in range(apart.choice((1, 2, 3))):
            faults[apart.randrange(steps // 10, steps)].append(apart.choice(of_acts))
    mild = [kind for kind in kinds if kind not in last]
    for _ in range(draw.choice((0, 0, 1, 2, 4, 8))):
        faults[draw.randrange(steps)].append(draw.choice(mild))
    return main, faults


def _workers(main: str, draw: Random) -> int:
    if "copy" in main or main in _ALONE:
        return 1
    return draw.choice((2, 3) if main in _COMPANY else (1, 2, 2, 3))


def draw_plan(
    seed: int,
    steps: int,
    draw: Random,
    kinds: Sequence[str],
    last: Collection[str],
    of_acts: Sequence[str],
) -> Plan:
    main, faults = draw_faults(seed, steps, draw, kinds, last, of_acts)
    simulated_time = draw.random() < 0.4
    calm = (0, 0, 0, 0, SECOND, SECOND, 4 * SECOND)
    gaps = draw.choice(
        (
            (*calm, MINUTE),
            (*calm * 2, MINUTE, 15 * MINUTE),
            (*calm * 2, MINUTE, 15 * MINUTE, HOUR),
            (*calm * 4, MINUTE, 15 * MINUTE, HOUR, DAY),
            (*calm * 6, MINUTE, HOUR, 9 * DAY),
        )
    )
    return Plan(
        seed=seed,
        steps=steps,
        partitions=draw.choice(_PARTITIONS.get(main, (1, 2, 2, 3, 4))),
        workers=_workers(main, draw),
        is_static=main in _STATIC or (draw.random() < 0.5 and main not in _DYNAMIC),
        simulated_time=simulated_time,
        turn_records=draw.choice((1, 3, 10, 200)),
        due_acts=draw.choice((1, 2, 50)),
        merge_wait=draw.choice((0.0, 0.05, 0.5)),
        cached_rows=draw.choice((1, 4, 100)),
        sweep_rows=1 if main == "days pass" else draw.choice((1, 5, 500)),
        sweep_interval_ms=draw.choice((MINUTE, HOUR)),
        # Not drawn, so that all other draws of a seed stay what they were.
        filling_records=1 if seed % 5 == 4 else 50_000,
        buffered_records=draw.choice((2, 60, 60_000)),
        tick_interval=draw.choice((0.25, 1.0)),
        transaction_timeout=draw.choice((1.0, 2.0)),
        scan_s=draw.choice((0.5, 3.0)),
        tombstones_ms=draw.choice((HOUR, DAY)),
        gaps_ms=gaps,
        dead_letters_share_max=50 if main == "flood" else 100,
        faults=faults,
    )
