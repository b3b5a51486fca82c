"""What people and disks do to topics and offsets: records deleted, topics made again, tails lost.

Demanded of each: a stop that says what has happened and what the operator can choose, at every
start; nothing is skipped, nothing is started over.
"""

import re
import shutil
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from os import kill

from confluent_kafka import (
    ConsumerGroupTopicPartitions,
    IsolationLevel,
    KafkaError,
    KafkaException,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, OffsetSpec, ResourceType

from streams.broker import EmbeddedBroker
from streams.engine.errors import Cause
from tests.chaos.keeping import Keeper
from tests.chaos.row import Observed, Row
from tests.chaos.stage import Stage
from tests.chaos.store_faults import differences, partition
from tests.engine.check import quiet, read
from tests.engine.rig import PARTITIONS, PATIENCE_S, Rig
from tests.figures.eyes import now_ms

_FIRST = 1_200
_MORE = 2_000
# A worker held still for so long stays in its group.
_BLINK_S = 1.0
_RETRY_S = 0.2

Harm = Callable[[Stage, Rig], tuple[str, Sequence[int]]]
"""What is done to the topics, in words, and to which partitions."""


def _worked(stage: Stage, seed: int, broker: EmbeddedBroker | None = None) -> tuple[Rig, Keeper]:
    """A job whose worker has taken a first load."""
    job = stage.job(broker)
    worker = Keeper(job)
    job.send(_FIRST, seed=seed)
    worker.wait(lambda: job.taken() >= job.sent, "the first load taken")
    return job, worker


def _while_stopped(harm: Harm, wipe: bool, stage: Stage, seed: int) -> Observed:  # noqa: FBT001
    """The worker is killed, the harm done (and its folder wiped), and it is started again."""
    job, worker = _worked(stage, seed)
    worker.kill()
    job.send(_MORE, seed=seed + 1)
    told, numbers = harm(stage, job)
    if wipe:
        shutil.rmtree(job.folder / "w0")
    worker.start_again()
    return _stays_stopped(job, worker, told, numbers)


def _while_running(harm: Harm, stage: Stage, seed: int) -> Observed:
    """The worker is held still for a moment, so that it has not read yet what is harmed."""
    job, worker = _worked(stage, seed)
    kill(worker.pid, signal.SIGSTOP)
    job.send(_MORE, seed=seed + 1)
    told, numbers = harm(stage, job)
    time.sleep(_BLINK_S)
    kill(worker.pid, signal.SIGCONT)
    return _stays_stopped(job, worker, told, numbers)


def _stays_stopped(job: Rig, worker: Keeper, told: str, numbers: Sequence[int]) -> Observed:
    """It ends for the same kind of cause at this and the next start; none of these partitions
    decides anything more.
    """
    first = worker.wait_for_end()
    decided = _decided(job, numbers)
    worker.start_again()
    again = worker.wait_for_end()
    loud = (Cause.LOG_TRUNCATED, Cause.STATE_CONTRADICTS_LOG, Cause.TOPIC_MISSING)
    assert first in loud, worker.words
    assert again in loud, worker.words
    assert _decided(job, numbers) == decided, "it went on deciding"
    choices = ("Restore", "restore", "put them back", "remove")
    assert any(choice in worker.words[-1] for choice in choices), worker.words
    causes = " and ".join(dict.fromkeys((first.value.upper(), again.value.upper())))
    return Observed(f"{told}: {causes}: {_anonymous(job, worker.words[-1])}")


def _anonymous(job: Rig, words: str) -> str:
    """The sentence without what differs from run to run."""
    return re.sub(r"\d+", "n", words.replace(job.prefix, "")).split(": ", 1)[1]


def _decided(job: Rig, numbers: Sequence[int]) -> dict[int, int]:
    """How many records each of these partitions has decided."""
    found = read(job.bootstrap, job.prefix + "taken")
    return {number: len(found[number]) for number in numbers}


# -- harm ----------------------------------------------------------------------------------------


def _delete_records(topic: str, stage: Stage, job: Rig) -> tuple[str, Sequence[int]]:
    """Everything that is in one partition of a topic."""
    number = stage.draws.randrange(PARTITIONS)
    admin = AdminClient(quiet(job.bootstrap))
    name = job.prefix + topic
    if topic == "changelog":  # a topic that is only compacted refuses
        _configure(admin, name, "cleanup.policy", "compact,delete")
    job.wait(lambda: _is_deleted(admin, TopicPartition(name, number, -1)), "the records' deletion")
    return f"records of {topic} deleted", [number]


def _is_deleted(admin: AdminClient, up_to: TopicPartition) -> bool:
    """Not while the broker has not heard of the topic's new policy."""
    [deleted] = admin.delete_records([up_to]).values()
    try:
        deleted.result()
    except KafkaException as refused:
        if refused.args[0].code() == KafkaError.POLICY_VIOLATION:
            return False
        raise
    return True


def _configure(admin: AdminClient, topic: str, name: str, value: str) -> None:
    resource = ConfigResource(ResourceType.TOPIC, topic, {name: value})
    for future in admin.alter_configs([resource]).values():
        future.result()


def _make_again(topics: tuple[str, ...], stage: Stage, job: Rig) -> tuple[str, Sequence[int]]:
    """Delete one of these topics, make it again under its name, and fill it past its old end."""
    topic = stage.draws.choice(topics)
    name = job.prefix + topic
    admin = AdminClient(quiet(job.bootstrap))
    admin.delete_topics([name])[name].result()
    stamped = {"message.timestamp.type": "LogAppendTime"}
    config = {"cleanup.policy": "compact"} if topic == "changelog" else stamped
    _until(lambda: _made(admin, NewTopic(name, PARTITIONS, 1, config=config)))
    if topic != "changelog":
        job.send(3 * (_FIRST + _MORE))
    return f"{topic} deleted and made again", range(PARTITIONS)


def _made(admin: AdminClient, topic: NewTopic) -> bool:
    """The broker refuses the name for a moment after a deletion."""
    return all(one.exception() is None for one in admin.create_topics([topic]).values())


def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(_RETRY_S)


def _is_settled(job: Rig, place: TopicPartition) -> bool:
    """Whether no transaction is open there: committed readers get as far as all others."""
    admin = AdminClient(quiet(job.bootstrap))
    latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
    ends = (
        admin.list_offsets({place: latest}, isolation_level=level)[place]
        for level in IsolationLevel
    )
    return len({end.result().offset for end in ends}) == 1


def _reset_offsets(stage: Stage, job: Rig) -> str:
    """As kafka-consumer-groups --reset-offsets does, of a partition that the seed chooses."""
    topic = stage.draws.choice(("adds", "takes", "ticks"))
    _set_offsets(job, [(job.prefix + topic, stage.draws.randrange(PARTITIONS), 0)])
    return "an offset of the group reset to the beginning"


def _set_offsets(job: Rig, offsets: Iterable[tuple[str, int, int]]) -> None:
    admin = AdminClient(quiet(job.bootstrap))
    wanted = ConsumerGroupTopicPartitions(
        job.prefix + "group", [TopicPartition(*one) for one in offsets]
    )

    def done() -> bool:  # refused while a static member's session lasts
        (future,) = admin.alter_consumer_group_offsets([wanted]).values()
        return future.exception() is None and all(
            one.error is None for one in future.result().topic_partitions
        )

    _until(done)


# -- rows with steps of their own ----------------------------------------------------------------


def _offsets_put_back(stage: Stage, seed: int) -> Observed:
    """The stop names the number, and with it put back the worker goes on."""
    job, worker = _worked(stage, seed)
    assert job.stop(worker.name) == 0
    told = _reset_offsets(stage, job)
    worker.start_again()
    assert worker.wait_for_end() is Cause.STATE_CONTRADICTS_LOG, worker.words
    found = re.search(r"(\S+) \[(\d+)\]: .* record says (\d+)", worker.words[-1])
    assert found is not None, worker.words
    _set_offsets(job, [(found[1], int(found[2]), int(found[3]))])
    with job.decisions_seen() as eyes:
        at = now_ms()
        worker.start_again()
        job.send(_MORE, seed=seed + 1)
        again_s = worker.decides_again(eyes, at)
    faults = worker.finish() + differences(job)
    assert faults == [], faults
    return Observed(f"{told}: {worker.told()}; exact with the named offset put back", (again_s,))


def _group_deleted(stage: Stage, seed: int) -> Observed:
    """As a broker that has forgotten the offsets of a group without members."""
    job, worker = _worked(stage, seed)
    assert job.stop(worker.name) == 0
    admin = AdminClient(quiet(job.bootstrap))

    def deleted() -> bool:
        (future,) = admin.delete_consumer_groups([job.prefix + "group"]).values()
        return future.exception() is None

    _until(deleted)
    job.send(_MORE, seed=seed + 1)
    with job.decisions_seen() as eyes:
        at = now_ms()
        worker.start_again()
        again_s = worker.decides_again(eyes, at)
    faults = worker.finish() + differences(job)
    assert faults == [], faults
    return Observed(
        f"the positions record counts: {worker.told()}; nothing taken twice, exact", (again_s,)
    )


def _tail_lost(wipe: bool, stage: Stage, seed: int) -> Observed:  # noqa: FBT001
    """A broker that lost what it had acknowledged: an older copy of a changelog partition."""
    broker = stage.broker()
    job, worker = _worked(stage, seed, broker)
    # A transaction that is open in the copy would never end: another harm than this row's.
    assert job.stop(worker.name) == 0
    number = stage.draws.randrange(PARTITIONS)
    _until(lambda: _is_settled(job, TopicPartition(f"{job.prefix}changelog", number)))
    log = broker.data_dir / "kafka" / f"{job.prefix}changelog-{number}"
    broker.stop()
    shutil.copytree(log, broker.data_dir / "copy")
    broker.start()
    worker.start_again()
    job.send(_MORE, seed=seed + 1)
    worker.wait(lambda: job.taken() >= job.sent, "the second load taken")
    worker.kill()
    broker.stop()
    shutil.rmtree(log)
    (broker.data_dir / "copy").rename(log)
    broker.start()
    if wipe:
        shutil.rmtree(partition(job.folder / "w0", number))
    worker.start_again()
    observed = _stays_stopped(job, worker, "the changelog's tail lost", [number])
    # What was decided and is lost would be decided again.
    assert "put them back" not in worker.words[-1], worker.words
    return observed


def _row(
    name: str, does: str, run: Callable[[Stage, int], Observed], *, quick: bool = False
) -> Row:
    return Row(
        name,
        does,
        (8, 9, 10),
        "a stop at every start that says what happened and what can be done; nothing skipped, "
        "nothing started over",
        run,
        quick=quick,
    )


_INPUTS = ("adds", "takes")

ROWS = (
    _row(
        "truncated-stopped",
        "records never decided are deleted while the worker is down",
        partial(_while_stopped, partial(_delete_records, "takes"), False),
    ),
    _row(
        "truncated-running",
        "the same while it runs",
        partial(_while_running, partial(_delete_records, "takes")),
    ),
    _row(
        "input-made-again-stopped",
        "an input is deleted and made again while the worker is down",
        partial(_while_stopped, partial(_make_again, _INPUTS), False),
    ),
    _row(
        "input-made-again-running",
        "the same while it runs, and the new topic is longer than the old one was",
        partial(_while_running, partial(_make_again, _INPUTS)),
        quick=True,
    ),
    _row(
        "changelog-made-again-stopped",
        "the changelog is deleted and made again while the worker is down",
        partial(_while_stopped, partial(_make_again, ("changelog",)), False),
    ),
    _row(
        "changelog-made-again-running",
        "the same while it runs",
        partial(_while_running, partial(_make_again, ("changelog",))),
    ),
    _row(
        "changelog-and-state-lost",
        "the changelog is deleted and made again, and the folder wiped",
        partial(_while_stopped, partial(_make_again, ("changelog",)), True),
    ),
    _row(
        "changelog-head-deleted",
        "the beginning of the changelog is deleted, and the folder wiped",
        partial(_while_stopped, partial(_delete_records, "changelog"), True),
    ),
    _row(
        "changelog-tail-lost",
        "the broker's disk loses the changelog's end: the local store is ahead of it",
        partial(_tail_lost, False),
    ),
    _row(
        "changelog-tail-and-state-lost",
        "the same, and the folder wiped: the group's offsets are ahead of it",
        partial(_tail_lost, True),
    ),
    _row(
        "offsets-reset",
        "somebody resets the group's offsets while the worker is down",
        _offsets_put_back,
    ),
    Row(
        "group-deleted",
        "the broker forgets the group with all its offsets",
        (8, 9),
        "the positions record counts: it goes on, nothing is taken twice",
        _group_deleted,
    ),
)
