"""W1 on Quix Streams 3, in a virtual environment of its own, which has nothing of ours.

python -m tests.peers.quix_app BOOTSTRAP PREFIX STATE_DIR exactly-once|at-least-once COMMIT_S
"""

import sys
from typing import Any

from quixstreams import Application
from quixstreams.models import Deserializer, Serializer

from tests.peers import decision, workload
from tests.peers.workload import PROMPT


class FromWire(Deserializer):  # type: ignore[misc]  # Quix is not installed here
    def __call__(self, value: bytes, ctx: Any) -> Any:  # noqa: ARG002  # Quix's signature
        return workload.decode(value)[1]


class ToWire(Serializer):  # type: ignore[misc]  # Quix is not installed here
    def __call__(self, value: Any, ctx: Any) -> bytes:  # noqa: ARG002  # Quix's signature
        return workload.encode(*value)


def gate(event: Any, state: Any) -> list[decision.Output]:
    """Outputs of one event; the row under one name in the key's state."""
    slots, outputs = decision.step(state.get("slots"), event)
    if slots is not None:
        state.set("slots", slots)
    return outputs


def main() -> None:
    """Run until killed."""
    bootstrap, prefix, state_dir, guarantee, commit_s = sys.argv[1:]
    # A restart takes over at once: Quix's own ids are new each time.
    fixed = {"transactional.id": f"{prefix}-0"} if guarantee == "exactly-once" else {}
    app = Application(
        broker_address=bootstrap,
        consumer_group=f"{prefix}-quix",
        auto_offset_reset="earliest",
        processing_guarantee=guarantee,
        commit_interval=float(commit_s),
        state_dir=state_dir,
        consumer_poll_timeout=0.05,
        loglevel="WARNING",
        consumer_extra_config={"group.instance.id": "one", "fetch.wait.max.ms": 20},
        producer_extra_config={"partitioner": "murmur2_random", "linger.ms": 5, **fixed},
    )
    events = app.topic(
        workload.topic(prefix, workload.EVENTS),
        key_deserializer="bytes",
        value_deserializer=FromWire(),
    )
    prompts, charges = (
        app.topic(workload.topic(prefix, name), key_serializer="bytes", value_serializer=ToWire())
        for name in workload.OUTPUTS
    )
    outputs = app.dataframe(events).apply(gate, stateful=True, expand=True)
    outputs.to_topic(lambda value, *_: prompts if value[0] == PROMPT else charges)
    app.run()


if __name__ == "__main__":
    main()
