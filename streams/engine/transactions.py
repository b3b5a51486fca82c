"""Two transactional producers used in turn.

Back-to-back transactions on one id wait for the markers of the last (CONCURRENT_TRANSACTIONS: p50
14.6 ms); two ids in turn do not (4.5 ms). The ids are named after the group and an identity kept in
the data folder, so a worker that comes back fences and aborts what it had left open.

Law: a handle that has aborted, or one of whose connections has broken, is never used again. A later
transaction of the first dies of "skipped sequence numbers"; one of the second could be ended by an
EndTxn that was repeated and arrives late (KIP-890). A new handle with the same id (a new epoch,
which fences whatever is still on its way) is made in the background, and the other one serves
meanwhile.
"""

import logging
from collections.abc import Callable
from concurrent.futures import Future

from streams.engine.ports import Background, Clients, Producer

log = logging.getLogger(__name__)


class Producers:
    """Whose turn it is, and who is being replaced."""

    def __init__(self, clients: Clients, background: Background, name: str) -> None:
        self._clients = clients
        self._background = background
        self._ids = [f"{name}-{letter}" for letter in "ab"]
        # Made while partitions are being opened: what a killed worker has left open is aborted
        # first, which takes half a second.
        self._coming: dict[str, Future[Producer]] = {
            one: background.submit(self._maker(one)) for one in self._ids
        }
        self._ready: dict[str, Producer] = {}
        self._current = self._ids[-1]
        self._retired: dict[str, Producer] = {}

    def _maker(self, transactional_id: str) -> Callable[[], Producer]:
        return lambda: self._clients.transactional_producer(transactional_id)

    def next(self) -> Producer:
        """For the turn that begins: the other one than last time, if it is there.

        All are asked whether a connection has broken, also one that was idle then: nothing of it
        can arrive late, but its next transaction may wait for ever for the group's coordinator
        (librdkafka #5456).
        """
        for one, producer in list(self._ready.items()):
            if producer.is_disturbed():
                log.info("a connection of %s broke: it takes a new epoch", one)
                self._retire(one)
        for one, future in list(self._coming.items()):
            if future.done() or not self._ready:
                self._ready[one] = future.result()
                del self._coming[one]
                if one in self._retired:
                    # Not before it is fenced: its end could abort what it left open. Elsewhere,
                    # because it waits for its threads.
                    self._background.submit(self._retired.pop(one).close)
        others = [one for one in self._ready if one != self._current]
        if others:
            self._current = others[0]
        return self._ready[self._current]

    def retire_current(self) -> None:
        """The handle of the turn at hand may not begin another transaction."""
        self._retire(self._current)

    def _retire(self, one: str) -> None:
        self._retired[one] = self._ready.pop(one)
        self._coming[one] = self._background.submit(self._maker(one))
