"""A worker of the small job with failpoints: `python -m tests.chaos.failing_job '{options}'`.

`options["failpoints"]` are the plans (failpoints.py); the rest is as for tests/engine/worker.py.
"""

import json
import sys

from tests.chaos.failpoints import Kinds, failing_ports
from tests.engine.worker import main

KINDS = Kinds(decisions=".taken", dead_letters=".none", changelog=".changelog")

if __name__ == "__main__":
    main(failing_ports(json.loads(sys.argv[1])["failpoints"], KINDS))
