"""How far an engine has got, asked of the broker: cheap enough to ask while it is measured."""

import time

from confluent_kafka import IsolationLevel, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from tests.peers import workload
from tests.peers.process import Process, Sample

_LATEST = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # confluent-kafka has no type here
_ANSWER_S = 30.0
_LOOK_EVERY_S = 0.05


class Progress:
    """Asks about one run's outputs."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self._admin = AdminClient({"bootstrap.servers": bootstrap})
        self._asked = {
            TopicPartition(workload.topic(prefix, name), number): _LATEST
            for name in workload.OUTPUTS
            for number in range(workload.PARTITIONS)
        }

    def ends(self) -> list[TopicPartition]:
        """Where what is committed ends, in every partition."""
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

        RuntimeError when that takes longer than `most_s`.
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
            if time.monotonic() > deadline:
                raise RuntimeError(f"{written:,} of {outputs:,} outputs after {most_s:.0f} s")
            time.sleep(_LOOK_EVERY_S)
