"""Tollgate: outside becomes events, events become decisions, decisions become outside.

The packages are cut along that sentence; ARCHITECTURE.md walks one order through them.
"""

import zoneinfo

__version__ = "0.1.0"

# The operator's day must not depend on the machine (law 8): zones come from the pinned tzdata
# package, never from the system's files.
zoneinfo.reset_tzpath(to=())

if not __debug__:
    # What should be impossible is asserted, and an assertion stops the worker (law 10).
    raise RuntimeError("Tollgate does not run under python -O: its assertions protect charges.")
