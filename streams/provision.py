"""The catalogue becomes topics on a broker: what is missing, what differs, and doing it.

Laws: `plan` changes nothing. `apply` creates what is missing and sets what differs; it never
deletes, and never grows or shrinks a topic's partitions (an order, its reply and its state must
meet on one partition number, for life). Anything it may not change is refused with a sentence, and
then nothing at all is changed. What was done is read back.

This file must not know what the records hold, nor how the gate works.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass

from streams.cluster import Cluster, Existing, NewTopic
from streams.errors import Cause, Stop
from streams.settings import Settings
from streams.topics import CATALOGUE, Kind, Topic

# A value of 1 MiB with its key and headers: larger is refused at the door, and what is taken has
# room on the outputs.
INPUT_BYTES_MAX = 1_114_112

# What was created is seen by every broker within moments; a cluster that takes longer is not well.
READ_BACK_SECONDS_MAX = 30.0
_READ_BACK_EVERY_S = 0.1

_REPLICATION_FACTOR_WANTED = 3

# Usually it is one, or all of them.
_MISSING_SHOWN_MAX = 3

_TIMESTAMPS = "message.timestamp.type"


@dataclass(frozen=True, slots=True)
class Change:
    """One configuration value that differs; `have` is empty when the topic says nothing."""

    topic: str
    name: str
    have: str
    want: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What apply would do, what it refuses, and what a person should know."""

    create: tuple[NewTopic, ...]
    change: tuple[Change, ...]
    refused: tuple[Stop, ...]
    notes: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """Whether the broker is as the catalogue says."""
        return not (self.create or self.change or self.refused)

    def lines(self) -> list[str]:
        """The difference, a line each, as `topics plan` prints it."""
        created = [
            f"+ {new.name}  {new.partitions} partitions, {new.replication} copies  "
            + " ".join(f"{name}={value}" for name, value in sorted(new.config.items()))
            for new in self.create
        ]
        changed = [
            f"~ {change.topic}  {change.name}: {change.have or '(unset)'} → {change.want}"
            for change in self.change
        ]
        refused = [f"! {refusal.detail}" for refusal in self.refused]
        return created + changed + refused + [f"  {note}" for note in self.notes]


def plan(settings: Settings) -> Plan:
    """Compare the catalogue with the broker; changes nothing."""
    return _plan(settings, Cluster(settings))


def apply(settings: Settings) -> Plan:
    """Make the broker as the catalogue says and read it back; returns what was done."""
    cluster = Cluster(settings)
    created: dict[str, NewTopic] = {}
    changed: dict[tuple[str, str], Change] = {}
    notes: dict[str, None] = {}
    deadline = time.monotonic() + READ_BACK_SECONDS_MAX
    # In rounds, because a broker may not know yet what another one, or another apply, has made.
    while not (planned := _plan(settings, cluster)).is_empty:
        if planned.refused:
            raise _one_stop(planned.refused)
        if time.monotonic() >= deadline:
            raise _not_as_planned(planned)
        if created or changed:
            time.sleep(_READ_BACK_EVERY_S)
        cluster.create(planned.create)
        cluster.configure((change.topic, change.name, change.want) for change in planned.change)
        created |= {new.name: new for new in planned.create}
        changed |= {(change.topic, change.name): change for change in planned.change}
        notes |= dict.fromkeys(planned.notes)
    notes |= dict.fromkeys(planned.notes)
    return Plan(tuple(created.values()), tuple(changed.values()), (), tuple(notes))


def check(settings: Settings) -> int:
    """What a worker asks before it starts: every topic is there, of one shape; partitions."""
    cluster = Cluster(settings)
    existing = cluster.topics(_names(settings))
    missing = [name for name in _names(settings) if name not in existing]
    if missing:
        shown = ", ".join(missing[:_MISSING_SHOWN_MAX])
        more = len(missing) - _MISSING_SHOWN_MAX
        raise Stop(Cause.TOPIC_MISSING, f"{shown} and {more} more" if more > 0 else shown)
    if unequal := _unequal(settings, existing.values()):
        raise unequal
    for topic in CATALOGUE:
        have = existing[topic.full_name(settings.topic_prefix)]
        if refusal := _other_timestamps(settings, topic, have):
            raise refusal
    return existing[CATALOGUE[0].full_name(settings.topic_prefix)].partitions


def wanted_config(topic: Topic, *, simulated_time: bool, replication: int) -> dict[str, str]:
    """The configuration a topic must have; what is not said is the operator's."""
    config = {
        "cleanup.policy": "delete",
        # With all copies but one: a broker may be away, and nothing acknowledged is on one disk.
        "min.insync.replicas": str(max(1, replication - 1)),
    } | topic.config
    if topic.kind is Kind.INPUT:
        config[_TIMESTAMPS] = "CreateTime" if simulated_time else "LogAppendTime"
        config["max.message.bytes"] = str(INPUT_BYTES_MAX)
        # Stored as it will be read: a few compressed kilobytes that unfold to many megabytes pass
        # the limit above, and their dead letter would fit nowhere.
        config["compression.type"] = "uncompressed"
    if simulated_time:
        # Records of a simulated past would be deleted as soon as they are written.
        config["retention.ms"] = "-1"
    return config


def _plan(settings: Settings, cluster: Cluster) -> Plan:
    existing = cluster.topics(_names(settings))
    copies = _replication(settings, cluster)
    create: list[NewTopic] = []
    change: list[Change] = []
    refused: list[Stop] = []
    notes: list[str] = []
    for topic in CATALOGUE:
        name = topic.full_name(settings.topic_prefix)
        partitions = 1 if topic.kind is Kind.REFERENCE else settings.partitions
        have = existing.get(name)
        if have is None:
            config = wanted_config(
                topic, simulated_time=settings.simulated_time, replication=copies
            )
            create.append(NewTopic(name, partitions, copies, config))
            continue
        refusals = _refusals(settings, topic, have, partitions, cluster)
        refused.extend(refusals)
        if not refusals:
            change.extend(_changes(settings, topic, have))
        if have.replication != copies:
            notes.append(
                f"{name} has {have.replication} copies, not {copies}: apply leaves that "
                "to Kafka's own kafka-reassign-partitions"
            )
    if copies == 1 and create:
        notes.append("one copy only: a lost disk loses the log (fine for development)")
    return Plan(tuple(create), tuple(change), tuple(refused), tuple(notes))


def _refusals(
    settings: Settings, topic: Topic, have: Existing, partitions: int, cluster: Cluster
) -> list[Stop]:
    refused = []
    if have.partitions != partitions:
        wanted_by = (
            "a reference topic has one"
            if topic.kind is Kind.REFERENCE
            else (f"TOLLGATE_PARTITIONS is {partitions}")
        )
        detail = f"{have.name} has {have.partitions} partitions, {wanted_by}"
        refused.append(Stop(Cause.PARTITIONS_UNEQUAL, detail))
    # A log whose first half is in another clock's time has no order; an empty one may change.
    refusal = _other_timestamps(settings, topic, have)
    if refusal and cluster.has_records(have):
        refused.append(refusal)
    return refused


def _changes(settings: Settings, topic: Topic, have: Existing) -> list[Change]:
    """By the copies the topic really has: more in-sync copies than copies would refuse writes."""
    want = _wanted(settings, topic, have)
    return [
        Change(have.name, name, have.config.get(name, ""), value)
        for name, value in sorted(want.items())
        if have.config.get(name) != value
    ]


def _wanted(settings: Settings, topic: Topic, have: Existing) -> dict[str, str]:
    return wanted_config(
        topic, simulated_time=settings.simulated_time, replication=have.replication
    )


def _other_timestamps(settings: Settings, topic: Topic, have: Existing) -> Stop | None:
    want = _wanted(settings, topic, have).get(_TIMESTAMPS)
    stamps = have.config.get(_TIMESTAMPS)
    if want is None or stamps == want:
        return None
    simulated = "true" if settings.simulated_time else "false"
    return Stop(
        Cause.TOPIC_DIFFERS,
        f"{have.name} stamps its records with {stamps}, "
        f"TOLLGATE_SIMULATED_TIME={simulated} needs {want}",
        "If it holds no records yet, `tollgate topics apply` changes it. A log in two clocks' "
        "times has no order: else use another TOLLGATE_TOPIC_PREFIX, or delete the topic.",
    )


def _unequal(settings: Settings, existing: Iterable[Existing]) -> Stop | None:
    """The first per-subscriber topic with another count than orders, or a reference with two."""
    have = {topic.name: topic.partitions for topic in existing}
    first = CATALOGUE[0].full_name(settings.topic_prefix)
    for topic in CATALOGUE:
        name = topic.full_name(settings.topic_prefix)
        if topic.kind is Kind.REFERENCE and have[name] != 1:
            detail = f"{name} has {have[name]} partitions, a reference topic has one"
            return Stop(Cause.PARTITIONS_UNEQUAL, detail)
        if topic.kind is not Kind.REFERENCE and have[name] != have[first]:
            detail = f"{name} has {have[name]} partitions, {first} has {have[first]}"
            return Stop(Cause.PARTITIONS_UNEQUAL, detail)
    return None


def _not_as_planned(left: Plan) -> Stop:
    differences = "; ".join(left.lines())
    return Stop(
        Cause.TOPIC_DIFFERS,
        f"{READ_BACK_SECONDS_MAX:.0f} s after apply the broker still says: {differences}",
        "Look at the broker's log; `tollgate topics plan` shows what is left.",
    )


def _one_stop(refused: tuple[Stop, ...]) -> Stop:
    """All refusals in one sentence, with the code and the advice of the first."""
    if len(refused) == 1:
        return refused[0]
    details = "".join(f"\n  {refusal.detail}" for refusal in refused)
    return Stop(refused[0].cause, details, refused[0].advice)


def _replication(settings: Settings, cluster: Cluster) -> int:
    return settings.replication_factor or min(_REPLICATION_FACTOR_WANTED, cluster.brokers())


def _names(settings: Settings) -> list[str]:
    return [topic.full_name(settings.topic_prefix) for topic in CATALOGUE]
