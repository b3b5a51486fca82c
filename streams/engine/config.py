"""What a job tells the engine: its topics, its folder, its limits.

Plumbing only: nothing here can change what a job decides.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from confluent_kafka import Message


class Fold(Protocol):
    """Takes one record of a reference topic; the job keeps what it says."""

    def __call__(self, topic: int, message: Message) -> None:
        """`topic` is the index in `Config.references`."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Every wait and size of the engine, with its reason; seconds unless said."""

    turn_records: int = 2_000
    """Records of one turn: the event loop is blocked while they are decided."""
    due_acts: int = 2_000
    """Due acts of one partition in one turn; the rest follow in the next turns."""
    merge_wait: float = 0.5
    """How long a record waits for an earlier one of a sibling input; order only, never expiry."""
    ask_again: float = 1.0
    """Between two questions for the ends of inputs while the broker does not answer them."""
    identity_interval: float = 2.0
    """Between two questions whether the topics are still the same: so long may records of a topic
    that was deleted and made again be decided."""
    ownership_interval: float = 5.0
    """Between two questions who owns which partitions; what nobody owns twice is seen to."""
    idle_poll: float = 0.05
    """How long a poll waits when nothing is at hand; a record that arrives ends it."""
    session_timeout: float = 6.0
    """A dead worker's partitions move after this."""
    heartbeat: float = 1.0
    transaction_timeout: float = 6.0
    """Not above the session timeout: a dead owner's transaction is over when partitions move."""
    call_timeout: float = 10.0
    """Of each transactional call."""
    stuck: float = 15.0
    """A transactional call may block for ever (librdkafka #5456): past this the process ends."""
    stable_offsets: float = 45.0
    """Session timeout, transaction timeout and the coordinator's scan (10 s by default), twice."""
    refusals: int = 50
    """Turns refused one after another, for two session timeouts at least: past this the group does
    not take this worker back."""
    linger_ms: float = 50.0
    """Of a long turn's records; a commit does not wait for it. With 2 ms a turn's records of one
    partition went out in dozens of requests: 22 to 24 instead of 16 to 18 µs of CPU an event, and
    twice the broker's (W1, 600,000 events)."""
    tick_interval: float = 1.0
    buffered_records: int = 60_000
    """Fetched and not yet taken, of all a worker's partitions together: an input that has more than
    its share is paused until half of that is taken."""
    cached_rows: int = 100_000
    """Decoded rows kept in memory, of all tables and partitions of a worker, in each of two
    generations."""
    block_cache_bytes: int = 32 << 20
    """Of RocksDB, shared by all partitions of a worker."""
    write_buffer_bytes: int = 64 << 20
    """Of RocksDB, shared like the cache."""
    filling_records: int = 50_000
    """So many records of a changelog are replayed into a store that is opened for filling: another
    two openings of it (5 to 8 ms each) then pay."""
    sweep_rows: int = 500
    """Rows looked at per turn when old rows are forgotten."""
    sweep_interval_ms: int = 3_600_000
    """Stream time between two sweeps of a partition."""


@dataclass(frozen=True, slots=True)
class Config:
    """One job: which topics, as whom, where."""

    group: str
    inputs: tuple[str, ...]
    """Co-partitioned topics, in the order for equal times; the group subscribes to the first."""
    changelog: str
    data_dir: Path
    client: Mapping[str, Any]
    """librdkafka settings every client shares: bootstrap.servers and security."""
    instance: str = ""
    """group.instance.id: a static member; empty: a dynamic one."""
    clock: str | None = None
    """The input whose records move the watermark; None: the job knows no time."""
    references: tuple[str, ...] = ()
    """Topics of one partition that every worker reads in full."""
    fold: Fold | None = None
    make_tick: Callable[[int, int], bytes] | None = None
    """(milliseconds, partition) to a record's value; None: somebody else writes the clock."""
    co_partitioned_outputs: tuple[str, ...] = ()
    """Outputs that must have as many partitions as the inputs."""
    limits: Limits = field(default_factory=Limits)
