"""Looks for every planted fault, each from seed 0: `make sim-planted` (NAME='seek off by one').

Prints at which seed each was found and by what; fails when one was not found within its seeds. Only
a violation counts: whatever else is raised is an error of the simulator, and ends the search.
"""

import argparse
import gc
import sys
from collections.abc import Iterable, Sequence

from tests.sim.books import Violation
from tests.sim.planted.engine import ENGINE_FAULTS
from tests.sim.planted.gate import GATE_FAULTS
from tests.sim.planted.planting import Planted, planted_in
from tests.sim.run import Run

FAULTS = (*ENGINE_FAULTS, *GATE_FAULTS)
STEPS = 200


def find(planted: Planted, seeds: Iterable[int]) -> tuple[int, str] | None:
    """The first of these seeds that finds the fault, and what it says."""
    with planted_in(planted):
        for seed in seeds:
            try:
                Run(seed, STEPS).go()
            except Violation as violation:
                return seed, str(violation)
            if seed % 20 == 0:
                gc.collect()
    return None


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="Find every planted fault.")
    parser.add_argument("--name", default="", help="only the faults with this in their names")
    asked = parser.parse_args(arguments)
    wanted = [planted for planted in FAULTS if asked.name in planted.name]
    if not wanted:
        names = "\n  ".join(planted.name for planted in FAULTS)
        parser.error(f"no planted fault has {asked.name!r} in its name; there are\n  {names}")
    missed = 0
    for planted in wanted:
        found = find(planted, range(planted.within))
        if found is None:
            missed += 1
            print(f"{planted.name:36} NOT FOUND in {planted.within} seeds", flush=True)  # noqa: T201
        else:
            seed, said = found
            print(f"{planted.name:36} seed {seed:3}: {said[:120]}", flush=True)  # noqa: T201
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
