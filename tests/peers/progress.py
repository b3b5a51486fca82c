"""How far an engine has got, asked of the broker: cheap enough to ask while it is measured."""

import time

from confluent_kafka import IsolationLevel, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from tests.peers import workload
from tests.peers.process import Process, Sample

_LATEST = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # confluent-kafka has no type here
_ANSWER_S = 30.0
# Of a topic that was made a moment ago.
_NOT_YET = (
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
)
_LOOK_EVERY_S = 0.05
# Longer than any engine starts on a busy machine, or is silent between two commits.
_STALLED_S = 60.0


class Progress:
    """Asks about one run's outputs."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        # Without a line on what it has not been asked for when it is let go.
        self._admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 4})
        self._asked = {
            TopicPartition(workload.topic(prefix, name), number): _LATEST
            for name in workload.OUTPUTS
            for number in range(workload.PARTITIONS)
        }

    def ends(self) -> list[TopicPartition]:
        """Where what is committed ends, in every partition."""
        deadline = time.monotonic() + _ANSWER_S
        while True:
            try:
                return self._ask()
            except KafkaException as refused:
                if refused.args[0].code() not in _NOT_YET or time.monotonic() > deadline:
                    raise
            time.sleep(_LOOK_EVERY_S)

    def _ask(self) -> list[TopicPartition]:
        answers = self._admin.list_offsets(
            self._asked, isolation_level=IsolationLevel.READ_COMMITTED
        )
        return [
            TopicPartition(place.topic, place.partition, answer.result(_ANSWER_S).offset)
            for place, answer in answers.items()
        ]

    def written(self) -> int:
        """What is committed, markers of transactions included."""
        return sum(end.offset for end in self.ends())

    def watch(
        self, process: Process, outputs: int, rest_s: float, most_s: float
    ) -> list[tuple[int, Sample]]:
        """What was written when, until all outputs are there and nothing has come for `rest_s`.

        RuntimeError when that takes longer than `most_s`, or some are not there and none comes.
        """
        deadline = time.monotonic() + most_s
        samples: list[tuple[int, Sample]] = []
        moved_at = time.monotonic()
        while True:
            written, sample = self.written(), process.sample()
            if not samples or written != samples[-1][0]:
                moved_at = time.monotonic()
            samples.append((written, sample))
            if written >= outputs and time.monotonic() - moved_at > rest_s:
                return samples
            if time.monotonic() > min(deadline, moved_at + _STALLED_S):
                raise RuntimeError(f"{written:,} of {outputs:,} outputs, then no more in time")
            time.sleep(_LOOK_EVERY_S)
