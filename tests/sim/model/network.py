"""Between clients and broker: requests that arrive late, twice, or never, and answers likewise.

A client retries a request whose connection was cut, as librdkafka does, until its call's time is
up. What a driver may ask for, by the name of the request (`Network.faults["EndTxn"] = ...`, "*" for
all others), each with a probability:

- DELAYED: the request, or its answer, takes up to `slow_s`;
- LOST: it never arrives; the client notices a cut connection and sends it again;
- UNANSWERED: it is applied, the answer is lost, and the client sends it again;
- REPEATED: a connection breaks, and what was sent on it arrives behind its repetition, up to
  `slow_s` later;
- LATE: the client notices a cut and sends it again, and the first one still arrives, up to
  `late_s` later: also long after its transaction is over.

`Network.next_fates[api]` is a list of fates for the very next requests of that name (None: none).
`cut(process)`/`heal(process)` parts one process from the broker; `broker_away` parts all.

The names: Produce, InitProducerId, AddPartitionsToTxn, AddOffsetsToTxn, TxnOffsetCommit, EndTxn,
JoinGroup, SyncGroup, Heartbeat, LeaveGroup, DescribeGroups, OffsetFetch, ListOffsets, Metadata,
DescribeConfigs.
Fetches are not among them: a consumer that is parted hears nothing until it is healed.
"""

from collections import Counter
from collections.abc import Callable
from enum import Enum
from typing import Any

from tests.sim.model.scheduler import Answer, Process, World

Reply = Callable[[Any], None]

# The broker answers these when the group is complete, to the last copy that has arrived. A stray
# copy takes the place of its retry, and must not take its answer with it: a client would wait for
# that longer than any run lasts (300 s).
_AWAITED = {"JoinGroup", "SyncGroup"}


class Fate(Enum):
    """What may happen to a request, besides arriving."""

    DELAYED = "delayed"
    LOST = "lost"
    UNANSWERED = "unanswered"
    REPEATED = "repeated"
    LATE = "late"


class Network:
    """Carries every request of every client; see the module for its faults."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.faults: dict[str, list[tuple[Fate, float]]] = {}
        self.next_fates: dict[str, list[Fate | None]] = {}
        self.slow_s = 0.5
        self.late_s = 15.0
        self.notice_s = 0.3
        """At most this long until a client notices that its connection was cut."""
        self.held: list[Callable[[], None]] | None = None
        """Where late requests are kept, as the call that lets each arrive; None: they come of
        themselves."""
        self.fetch_lag_s = 0.0
        """Each fetch takes up to so much longer."""
        self.reference_lag_s = 0.0
        """The same for readers of reference topics, instead."""
        self.broker_away = False
        self.happened: Counter[tuple[str, str]] = Counter()
        """(request, fate) to how often: for coverage marks."""
        self.on_request: Callable[[Process, str], None] | None = None
        """Told of each request as it is sent."""
        self._cut: dict[str, None] = {}
        self._stirred: dict[Callable[[], None], None] = {}

    # -- what a driver does ----------------------------------------------------------------------

    def cut(self, process: Process) -> None:
        """From now on nothing of this process reaches the broker, nor the other way."""
        self._cut[process.name] = None

    def heal(self, process: Process) -> None:
        """The end of `cut`."""
        self._cut.pop(process.name, None)
        self.stir()

    def broker_is_away(self, *, away: bool) -> None:
        """The broker answers nobody, or does again; it forgets nothing."""
        self.broker_away = away
        self.stir()

    def reaches(self, process: Process) -> bool:
        """Whether a request of the process would arrive now."""
        return not self.broker_away and process.name not in self._cut

    # -- what clients do -------------------------------------------------------------------------

    def watch(self, stir: Callable[[], None]) -> None:
        """Have `stir` called when something may be reachable again."""
        self._stirred[stir] = None

    def unwatch(self, stir: Callable[[], None]) -> None:
        """The end of `watch`."""
        self._stirred.pop(stir, None)

    def stir(self) -> None:
        """Consumers look again."""
        for stir in list(self._stirred):
            stir()

    def send(
        self,
        process: Process,
        api: str,
        apply: Callable[[Reply], None],
        done: Callable[[Any], None],
        timeout: float,
        broken: Callable[[], None] | None = None,
    ) -> None:
        """Send a request; `done` is told its answer once, or None when `timeout` is over first.

        `apply` happens at the broker, as often as the request arrives, and gives the answer;
        `broken` is called when the client notices that its connection was cut.
        """
        if self.on_request is not None:
            self.on_request(process, api)
        request = _Request(self, process, api, apply, done, self.world.now + timeout)
        request.broken = broken
        request.attempt()

    def call(
        self,
        process: Process,
        api: str,
        apply: Callable[[], Any],
        timeout: float,
        broken: Callable[[], None] | None = None,
    ) -> Any:
        """The same for a task, which waits; TimeoutError when the time is up first."""
        answer: Answer[Any] = Answer(process)
        self.send(process, api, lambda reply: reply(apply()), answer.give, timeout, broken)
        found = answer.result()
        if found is None:
            raise TimeoutError
        return found

    def fate(self, api: str) -> Fate | None:
        """Draw what happens to a request."""
        waiting = self.next_fates.get(api)
        if waiting:
            drawn = waiting.pop(0)
        else:
            faults = self.faults.get(api) or self.faults.get("*")
            if not faults:
                return None
            draw = self.world.random.random()
            drawn = None
            for one, probability in faults:
                draw -= probability
                if draw < 0:
                    drawn = one
                    break
        if drawn is not None:
            self.happened[api, drawn.value] += 1
        return drawn


class _Request:
    """One request on its way, with its retries."""

    __slots__ = (
        *("api", "apply", "broken", "deadline", "done", "finished", "network", "process", "timed"),
    )

    def __init__(
        self,
        network: Network,
        process: Process,
        api: str,
        apply: Callable[[Reply], None],
        done: Callable[[Any], None],
        deadline: float,
    ) -> None:
        self.network = network
        self.process = process
        self.api = api
        self.apply = apply
        self.done = done
        self.deadline = deadline
        self.finished = False
        self.timed = False
        self.broken: Callable[[], None] | None = None

    def attempt(self) -> None:
        """Send it, once more."""
        network = self.network
        world, fate = network.world, network.fate(self.api)
        hop = world.latency()
        if fate is None:
            world.later(hop, self._arrive)
            return
        draw = world.random.random
        if fate is Fate.DELAYED:
            world.later(hop + draw() * network.slow_s, self._arrive)
        elif fate is Fate.LOST:
            self._again()
        elif fate is Fate.UNANSWERED:
            world.later(hop, self._arrive_unanswered)
            self._again(hop)
        elif fate is Fate.REPEATED:
            if self.broken is not None:
                self.broken()  # only a client that has seen its connection break sends twice
            world.later(hop, self._arrive)
            world.later(hop + draw() * network.slow_s, self._arrive_unanswered)
        else:
            if network.held is None:
                world.later(hop + draw() * network.late_s, self._arrive_unanswered)
            else:
                network.held.append(self._arrive_unanswered)
            self._again()

    def _arrive(self) -> None:
        network = self.network
        if not network.reaches(self.process):
            self._again()
            return
        self.apply(self._answer)

    def _arrive_unanswered(self) -> None:
        if not self.network.broker_away:
            self.apply(self._answer if self.api in _AWAITED else _ignore)

    def _answer(self, answer: Any) -> None:
        if not self.finished:
            world = self.network.world
            world.later(world.latency(), lambda: self._finish(answer), self.process)

    def _finish(self, answer: Any) -> None:
        if not self.finished:
            self.finished = True
            self.done(answer)

    def _again(self, least: float = 0.0) -> None:
        world = self.network.world
        if not self.timed:
            self.timed = True
            world.at(max(self.deadline, world.now), lambda: self._finish(None), self.process)
        wait = least + world.random.random() * self.network.notice_s
        if world.now + wait < self.deadline:
            world.later(wait, self._retry, self.process)

    def _retry(self) -> None:
        if not self.finished:
            if self.broken is not None:
                self.broken()
            self.attempt()


def _ignore(_: Any) -> None:
    """The answer to a request that nobody awaits any more."""
