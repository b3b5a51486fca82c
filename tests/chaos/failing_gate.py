"""`tollgate worker` with failpoints: `python -m tests.chaos.failing_gate 'commit.before:2:kill'`.

Settings come from the environment, as always.
"""

import sys

from streams import topics
from streams.app import run_worker
from streams.settings import load
from tests.chaos.failpoints import Kinds, failing_ports

KINDS = Kinds(topics.DECISIONS, topics.DEAD_LETTERS, topics.CHANGELOG)

if __name__ == "__main__":
    ports = failing_ports(sys.argv[1], KINDS)
    sys.argv = sys.argv[:1]  # Faust reads the rest
    run_worker(load(), ports)
