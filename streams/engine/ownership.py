"""Whether every partition number has an owner, and what is done when one has none.

A static member that is killed between the two halves of a cooperative rebalance comes back into the
first half's generation (KIP-345: its assignment is given back at once, without a rebalance). What
it had let go of belongs to nobody then, and nothing makes the group look again: seen on Kafka 4.3.1
with librdkafka 2.16 (tests/chaos, row killed-between-halves).
"""

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Future

from confluent_kafka import TopicPartition

from streams.engine.config import Config
from streams.engine.inquiry import Inquiry
from streams.engine.ports import Background, Clients, Clock, GroupConsumer, LookUps

log = logging.getLogger(__name__)

Owners = Mapping[str, frozenset[int]]
"""Member id to the partition numbers that the group has given it."""

_POLL_S = 0.1
_KNOCK_SESSIONS = 3
"""A knock's patience, in session timeouts: the group waits one for a member that is gone."""


class OwnershipWatch:
    """Asks in the background who owns what; `unowned` are the numbers that nobody has."""

    def __init__(
        self,
        config: Config,
        partitions: int,
        clients: Clients,
        look_ups: LookUps,
        clock: Clock,
        background: Background,
    ) -> None:
        self.unowned: frozenset[int] = frozenset()
        self._config = config
        self._all = frozenset(range(partitions))
        self._clients = clients
        self._clock = clock
        self._background = background
        self._inquiry = Inquiry(
            lambda: look_ups.owners(config.inputs[0]),
            config.limits.ownership_interval,
            clock,
            background,
        )
        self._knock: tuple[Knock, Future[None]] | None = None

    def check(self, consumer: GroupConsumer) -> None:
        """Take the answer when it is there; knock at a group that is at rest and incomplete."""
        if self._knock is not None and self._knock[1].done():
            failure = self._knock[1].exception()
            if failure is not None:
                log.warning("the group did not look again, asking again: %s", failure)
            self._knock = None
        answer = self._inquiry.answer()
        if answer is None:
            return
        failure = answer.exception()
        if failure is not None:
            log.warning("the partitions' owners were not told, asking again: %s", failure)
            return
        self._take(answer.result(), lambda: consumer.membership()[1])

    def close(self) -> None:
        """A knock under way leaves the group, so that nobody waits for it."""
        if self._knock is not None:
            knock, done = self._knock
            knock.abandoned = True
            done.exception()

    def _take(self, owners: Owners | None, me: Callable[[], str]) -> None:
        if owners is None:
            self.unowned = frozenset()
            return
        unowned = self._all.difference(*owners.values())
        # Twice in a row: between the halves of a rebalance a group is at rest for a moment.
        lasting, self.unowned = unowned & self.unowned, unowned
        if not lasting or self._knock is not None:
            return
        first = min((member for member, numbers in owners.items() if numbers), default=None)
        if first in (None, me()):
            log.warning("no worker has partitions %s: the group looks again", sorted(lasting))
            knock = Knock(self._config, self._clients, self._clock)
            self._knock = knock, self._background.submit(knock.knock)


class Knock:
    """Joins the group and leaves it, so that it assigns anew.

    As a dynamic member that subscribes to the changelog, which no worker does: it takes nothing
    from anybody, and no partition moves that has an owner.
    """

    def __init__(self, config: Config, clients: Clients, clock: Clock) -> None:
        self.abandoned = False
        self._config = config
        self._clients = clients
        self._clock = clock
        self._was_given = False

    def knock(self) -> None:
        """Returns once the group has assigned anew; TimeoutError when it does not."""
        consumer = self._clients.group_consumer("")
        try:
            consumer.subscribe(
                [self._config.changelog],
                on_assign=self._given,
                on_revoke=_let_go,
                on_lost=_let_go,
            )
            patience = _KNOCK_SESSIONS * self._config.limits.session_timeout
            until = self._clock.monotonic() + patience
            while not (self._was_given or self.abandoned):
                if self._clock.monotonic() > until:
                    raise TimeoutError(f"group {self._config.group} gave no assignment")
                consumer.poll(_POLL_S)
        finally:
            consumer.close()

    def _given(self, consumer: GroupConsumer, _: list[TopicPartition]) -> None:
        self._was_given = True
        consumer.incremental_assign([])  # reads nothing


def _let_go(consumer: GroupConsumer, _: list[TopicPartition]) -> None:
    consumer.incremental_unassign([])
