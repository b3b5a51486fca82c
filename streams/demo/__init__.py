"""The demonstration: the main job from an empty folder to an audited end, on one machine.

The conductor starts what is needed and stops it again, in one folder; the funnel is counted from
the gate's decisions as anybody outside reads them. It decides nothing, and hides nothing: what the
auditor says is what the exit code says. A second scenario, the rollout, lives through the notice's
dates in the same way, and tells what changed.
"""

from streams.demo.conductor import run
from streams.demo.rollout import run as run_rollout

__all__ = ["run", "run_rollout"]
