"""A worker of the small job with failpoints: `python -m tests.chaos.failing_job '{options}'`.

`options["failpoints"]` are the plans (failpoints.py), `options["clock"]` is the file that says how
far ahead its clock is; the rest is as for tests/engine/worker.py.
"""

import json
import sys
from pathlib import Path

from tests.chaos.failpoints import Kinds, failing_ports
from tests.engine.worker import main

KINDS = Kinds(decisions=".taken", dead_letters=".none", changelog=".changelog")

if __name__ == "__main__":
    options = json.loads(sys.argv[1])
    clock = Path(options["clock"]) if "clock" in options else None
    main(failing_ports(options.get("failpoints", ""), KINDS, clock))
