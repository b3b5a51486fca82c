"""Runs many seeds and says what they came to: `make sim` (SEEDS=10000 STEPS=200 MINUTES=60).

    python -m tests.sim.suite --seeds 10000            # seeds 0 to 9999
    python -m tests.sim.suite --seed 4711              # one, with a trace of what happened

A suite fails when a law is broken, when its time was over before its seeds were, and when it was
large enough to visit everything that must be visited (marks.py) and did not. Each run prints its
seed when it fails, with what repeats it.
"""

import argparse
import gc
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from tests.sim.faults import KINDS
from tests.sim.marks import REQUIRED, missing
from tests.sim.run import Run

COMPLETE_SEEDS = 2 * len(KINDS)
"""From so many seeds on a suite must have visited everything: each kind of fault twice."""
_SEEDS = 10_000
_COLLECT_EVERY = 10
_TOLD_EVERY = 100


@dataclass
class Result:
    """What a suite came to."""

    asked: int = 0
    """Seeds that were to run."""
    seeds: int = 0
    """That did."""
    decisions: int = 0
    over: Counter[str] = field(default_factory=Counter)
    marks: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    """(seed, step, what)"""
    digest: str = ""
    cpu_s: float = 0.0


def run_seeds(
    seeds: Sequence[int],
    steps: int,
    *,
    until: float = float("inf"),
    tell: Callable[[str], None] = lambda _: None,
) -> Result:
    """Run them one after the other, until `until` (monotonic clock)."""
    result, digest, began = Result(len(seeds)), blake2b(digest_size=16), time.process_time()
    was_on = gc.isenabled()
    gc.collect()
    gc.freeze()  # what is there now stays: no collection need look at it
    gc.disable()
    try:
        for seed in seeds:
            if time.monotonic() > until:
                break
            _run_one(seed, steps, result, digest.update, tell)
            if result.seeds % _COLLECT_EVERY == 0:
                gc.collect()
            result.cpu_s = time.process_time() - began
            if result.seeds % _TOLD_EVERY == 0:
                tell(_progress(result))
    finally:
        gc.unfreeze()
        if was_on:
            gc.enable()
    result.digest = digest.hexdigest()
    return result


def _run_one(
    seed: int,
    steps: int,
    result: Result,
    take: Callable[[bytes], None],
    tell: Callable[[str], None],
) -> None:
    run = Run(seed, steps, result.marks)
    try:
        outcome = run.go()
    except Exception as error:  # noqa: BLE001  # a fault of ours counts like one of the gate's
        violation = _told(seed, run.step, steps, f"{type(error).__name__}: {error}")
        result.violations.append(violation)
        tell(violation)
        take(b"?")
    else:
        result.decisions += outcome.decisions
        result.over[outcome.over or ""] += 1
        take(outcome.digest.encode())
    result.seeds += 1


def _told(seed: int, step: int, steps: int, what: str) -> str:
    return (
        f"VIOLATION, seed {seed}, step {step}: {what}\n"
        f"  repeat it: make sim SEED={seed} STEPS={steps}"
    )


def _progress(result: Result) -> str:
    rate = result.seeds / result.cpu_s if result.cpu_s else 0.0
    return f"{result.seeds} seeds, {rate:.2f} a second of CPU, {len(result.violations)} violations"


def report(result: Result, steps: int) -> list[str]:
    """What a person reads at the end."""
    lines = [
        f"{result.seeds} seeds × {steps} steps, {result.decisions} decisions",
        f"{result.cpu_s:.1f} s of CPU: {result.seeds / max(result.cpu_s, 1e-9):.2f} seeds a second",
        f"digest of everything on every topic: {result.digest}",
    ]
    ended = ", ".join(f"{count} {cause}" for cause, count in result.over.items() if cause)
    lines.append(f"ended early, as they should: {ended or 'none'}")
    if result.seeds < COMPLETE_SEEDS:
        lines.append(f"coverage is judged from {COMPLETE_SEEDS} seeds on")
    else:
        lines += [f"  {result.marks[mark]:8} {mark}" for mark in REQUIRED]
        lines += [f"NOT VISITED: {mark}" for mark in missing(result.marks)]
    lines += result.violations
    if result.seeds < result.asked:
        lines.append(f"FAILED: the time was over after {result.seeds} of {result.asked} seeds")
    return lines


def failed(result: Result) -> bool:
    """Whether a suite must end with an error."""
    is_incomplete = result.seeds >= COMPLETE_SEEDS and bool(missing(result.marks))
    return bool(result.violations) or is_incomplete or result.seeds < result.asked


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="Simulate the gate under faults.")
    parser.add_argument("--seeds", type=int, help=f"how many, 1 or more; else {_SEEDS}")
    parser.add_argument("--first", type=int, default=0, help="the first of them, 0 or more")
    parser.add_argument("--steps", type=int, default=200, help="of each run, 1 or more")
    parser.add_argument("--seed", type=int, help="trace only this one, 0 or more")
    parser.add_argument("--minutes", type=float, default=60.0, help="by then all must have run")
    asked = parser.parse_args(arguments)
    for name, least in (("seeds", 1), ("first", 0), ("steps", 1), ("seed", 0)):
        given = getattr(asked, name)
        if given is not None and given < least:
            parser.error(f"--{name} must be {least} or more, not {given}")
    if not asked.minutes > 0:  # nor a NaN
        parser.error(f"--minutes must be more than 0, not {asked.minutes:g}")
    if asked.seed is not None:
        if asked.seeds is not None:
            parser.error("--seed traces one seed, --seeds runs many: say one of them")
        return _trace(asked.seed, asked.steps)
    until = time.monotonic() + asked.minutes * 60
    seeds = range(asked.first, asked.first + (asked.seeds or _SEEDS))
    result = run_seeds(seeds, asked.steps, until=until, tell=_say)
    for line in report(result, asked.steps):
        _say(line)
    return 1 if failed(result) else 0


def _trace(seed: int, steps: int) -> int:
    """One seed, with everything that the driver did and saw."""
    run = Run(seed, steps, trace=_say)
    try:
        outcome = run.go()
    except Exception as error:  # noqa: BLE001  # shown, as the suite shows it
        _say(f"VIOLATION at step {run.step}: {type(error).__name__}: {error}")
        return 1
    _say(f"{outcome.decisions} decisions, digest {outcome.digest}, over: {outcome.over}")
    return 0


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201  # a program's own words


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
