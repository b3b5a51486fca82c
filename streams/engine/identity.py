"""Which cluster, group and topics a worker's state belongs to, at the start and ever after.

A topic that is deleted and made again has the same name. librdkafka follows it by itself and reads
on at the old position: the new topic's first records would be skipped, and nobody told.
"""

import hashlib
import logging
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass

from streams.engine.config import Config
from streams.engine.errors import Cause, Fatal
from streams.engine.inquiry import Inquiry
from streams.engine.ports import Background, Clock, LookUps

log = logging.getLogger(__name__)

Topics = Mapping[str, tuple[str, int]]
"""Name to (topic id, number of partitions)."""

_MISSING_MAX = 3
"""Answers without a topic, one after another: a broker that has just started may lack one."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Which cluster, group and topics state belongs to."""

    label: str
    """For a person: cluster, group and changelog."""
    partitions: int
    """Of each co-partitioned topic: what keys are spread over."""
    tombstones_ms: int
    """How long the changelog keeps tombstones after compaction."""
    ids: Mapping[str, str]
    """Name to topic id of the inputs, the changelog and the reference topics, in this order."""
    references: int
    """How many of them are reference topics."""

    def digest(self, references: int) -> bytes:
        """16 bytes over the ids: a topic made again under its old name is another.

        Of so many of the reference topics: a later version of a job may read more of them.
        """
        count = len(self.ids) - self.references + references
        ids = [f"{name}={topic_id}" for name, topic_id in list(self.ids.items())[:count]]
        return hashlib.blake2b("|".join(ids).encode(), digest_size=16).digest()


def identify(config: Config, look_ups: LookUps) -> Identity:
    """Check the topics and learn their identity; Fatal when one is missing or does not fit."""
    partitioned = (*config.inputs, config.changelog, *config.co_partitioned_outputs)
    topics = look_ups.topics((*partitioned, *config.references))
    missing = [name for name in (*partitioned, *config.references) if name not in topics]
    if missing:
        raise Fatal(
            Cause.TOPIC_MISSING,
            f"Missing on the broker: {', '.join(missing)}.",
            "Create them if nothing was ever decided; else restore them: made again they are "
            "refused.",
        )
    counts = {name: topics[name][1] for name in partitioned}
    if len(set(counts.values())) > 1:
        told = ", ".join(f"{name} has {count}" for name, count in counts.items())
        raise Fatal(
            Cause.PARTITIONS_UNEQUAL,
            f"Co-partitioned topics must have the same number of partitions: {told}.",
            "Keys have moved or will; restore the original topics.",
        )
    return Identity(
        f"cluster {look_ups.cluster_id()}, group {config.group}, changelog {config.changelog}",
        counts[config.changelog],
        int(look_ups.topic_setting(config.changelog, "delete.retention.ms")),
        {name: topics[name][0] for name in (*config.inputs, config.changelog, *config.references)},
        len(config.references),
    )


class IdentityWatch:
    """Asks in the background whether the topics are still those that state is made from."""

    def __init__(
        self,
        config: Config,
        identity: Identity,
        look_ups: LookUps,
        clock: Clock,
        background: Background,
    ) -> None:
        self._config = config
        self._identity = identity
        self._missing = 0
        names = tuple(identity.ids)
        self._inquiry = Inquiry(
            lambda: look_ups.topics(names), config.limits.identity_interval, clock, background
        )

    def check(self) -> None:
        """Take the answer when it is there; Fatal on another topic."""
        answer = self._inquiry.answer()
        if answer is not None:
            self._take(answer)

    def _take(self, asked: Future[dict[str, tuple[str, int]]]) -> None:
        failure = asked.exception()
        if failure is not None:
            log.warning("the topics' ids were not told, asking again: %s", failure)
            return
        topics, ids = asked.result(), self._identity.ids
        missing = [name for name in ids if name not in topics]
        self._missing = self._missing + 1 if missing else 0
        if self._missing >= _MISSING_MAX:
            raise Fatal(
                Cause.TOPIC_MISSING,
                f"Missing on the broker: {', '.join(missing)}. Its records are gone.",
                "Restore the topic; one made again under its name is refused.",
            )
        others = [name for name in ids if name in topics and topics[name][0] != ids[name]]
        if others:
            raise Fatal(
                Cause.STATE_CONTRADICTS_LOG,
                f"Deleted and made again while this worker of group {self._config.group} ran: "
                f"{', '.join(others)}.",
                "Restore the original topics.",
            )
