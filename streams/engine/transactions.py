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

from collections.abc import Callable
from concurrent.futures import Future

from streams.engine.ports import Background, Clients, Producer


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
        self._current = self._ids[0]
        self._retired: dict[str, Producer] = {}

    def _maker(self, transactional_id: str) -> Callable[[], Producer]:
        return lambda: self._clients.transactional_producer(transactional_id)

    @property
    def current(self) -> Producer:
        """The producer of the turn at hand; waits for one if there is none yet."""
        if self._current not in self._ready:
            self.next()
        return self._ready[self._current]

    def next(self) -> None:
        """After a turn, committed or not: the other one, if it is there."""
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

    def retire_current(self) -> None:
        """The current handle may not begin another transaction."""
        self._retired[self._current] = self._ready.pop(self._current)
        self._coming[self._current] = self._background.submit(self._maker(self._current))
