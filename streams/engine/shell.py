"""What replaces Faust's inside: consumer, transport, schema, table manager.

Pinned to faust-streaming 0.15.3: every method here is one that Faust calls or demands, and a
contract test holds the list. Faust hears of one virtual partition, once in its life; real
rebalances are the engine's alone, and never reach Faust's flow control or recovery.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any, cast

import faust
from faust.app.base import BootStrategy
from faust.tables import TableManager as FaustTableManager
from faust.transport import consumer as faust_consumer
from faust.transport.drivers import aiokafka as faust_driver
from faust.types import TP, ConsumerMessage

from streams.engine.agent import AgentTurn
from streams.engine.engine import Engine, as_fatal
from streams.engine.errors import Cause, Fatal
from streams.engine.process import calm_collector
from streams.engine.turn import Turn

log = logging.getLogger(__name__)
faust_log = logging.getLogger("faust")
"""What Faust says of its services goes there, also where the service's class is ours."""


class TurnConsumer(faust_consumer.Consumer):
    """Faust's consumer, replaced: runs the engine on its own thread and offers its turns."""

    app: Any  # face.App; naming it here would close a circle
    logger = faust_log

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.engine: Engine | None = None
        self._offers: asyncio.Queue[AgentTurn] = asyncio.Queue()
        self._offered: Turn | None = None
        self._thread: threading.Thread | None = None
        self._told = False
        self._draining = threading.Event()
        self._stopping = False
        self._face = TP(self.app.job.inputs[0], 0)

    async def on_start(self) -> None:
        """Joining the group, fencing and opening run while Faust boots."""
        self._events = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run_engine, daemon=True, name="engine")
        self._thread.start()

    def _run_engine(self) -> None:
        end = self.app.end_process
        try:
            job = self.app.job
            ports = self.app.open_ports(job, end)
            engine = Engine(job, self.app.specs, ports, self._hand_over, self._after_turn)
            engine.watch()
            self.engine = engine
            calm_collector()
            self._draining.wait()
            if self._stopping:
                engine.close()
            else:
                engine.run()
        except BaseException as error:  # noqa: BLE001  # nothing may outlive the engine's thread
            end(as_fatal(error))

    # -- the engine's thread -------------------------------------------------------------------

    def _hand_over(self, turn: Turn) -> None:
        self._offered = turn
        offer = AgentTurn(turn, self._events)
        self._events.call_soon_threadsafe(self._offers.put_nowait, offer)
        turn.decided.wait()
        self._offered = None

    def _after_turn(self, turn: Turn) -> None:
        self._events.call_soon_threadsafe(self._resolve, turn)

    # -- the event loop ------------------------------------------------------------------------

    @staticmethod
    def _resolve(turn: Turn) -> None:
        if not turn.done.done():
            turn.done.set_result(None)

    async def _drain_messages(self, fetcher: Any) -> None:
        self._draining.set()
        tp, number = self._face, 0
        while not (self.should_stop or fetcher.should_stop):
            offer = await self._offers.get()
            number += 1
            await self.callback(
                ConsumerMessage(
                    tp.topic,
                    tp.partition,
                    number,
                    time.time(),
                    0,
                    None,
                    None,
                    cast(Any, offer),
                    None,
                    0,
                    0,
                    tp,
                    generation_id=self.app.consumer_generation_id,
                )
            )

    def ack(self, message: Any) -> bool:
        """Faust is done with a carrier; only a turn that was opened may be."""
        if message.acked:
            return False
        message.acked = True
        self._unacked_messages.discard(message)
        turn = message.value.turn
        if not turn.is_open and not turn.is_dropped:
            self.app.end_process(
                Fatal(
                    Cause.JOB_FAILED,
                    "A turn was acknowledged without its transaction having been opened.",
                    "The agent must enter every turn with `async with`.",
                )
            )
        return True

    async def wait_empty(self) -> None:
        """Stop: the turn at work ends, one not begun is dropped, then leave the group."""
        if self._stopping:
            return
        self._stopping = True
        log.info("told to stop: the turn at work ends first")
        self._draining.set()
        if self.engine is not None:
            self.engine.stopping = True
        while self._thread is not None and self._thread.is_alive():
            offered = self._offered
            if offered is not None and not offered.is_open and not offered.is_dropped:
                offered.drop()
            await asyncio.sleep(0.005)

    async def on_stop(self) -> None:
        """Faust stops the consumer."""
        await self.wait_empty()

    async def subscribe(self, topics: Iterable[str]) -> None:
        """What Faust's conductor knows; the engine subscribes by itself."""
        job = self.app.job
        unknown = set(topics) - set(job.inputs) - {job.changelog}
        if unknown:
            raise faust.exceptions.ImproperlyConfigured(
                f"Agents of this app read {', '.join(job.inputs)}, not {', '.join(unknown)}."
            )
        if not self._told:
            self._told = True
            self.add_future(self._tell())

    async def _tell(self) -> None:
        """Faust's one rebalance."""
        await asyncio.sleep(0)
        self.app.on_rebalance_start()
        self.app.consumer_generation_id += 1
        await self.on_partitions_assigned({self._face}, self.app.consumer_generation_id)

    # -- what Faust's consumer must have and never needs here ------------------------------------

    async def commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        """The engine commits."""
        return False

    async def _commit(self, offsets: Any) -> bool:
        return True

    async def perform_seek(self) -> None:
        """The engine seeks."""

    async def seek_to_committed(self) -> dict[TP, int]:
        """The engine seeks."""
        return {}

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        """The engine seeks."""

    async def _seek(self, partition: TP, offset: int) -> None:
        raise faust.exceptions.ImproperlyConfigured("the engine seeks, Faust does not")

    def _new_topicpartition(self, topic: str, partition: int) -> TP:
        return TP(topic, partition)

    def _to_message(self, tp: TP, record: Any) -> ConsumerMessage:
        raise faust.exceptions.ImproperlyConfigured("the engine fetches, Faust does not")

    def _getmany(self, active_partitions: Any, timeout: float) -> Any:
        raise faust.exceptions.ImproperlyConfigured("the engine fetches, Faust does not")

    def assignment(self) -> set[TP]:
        """The one virtual partition."""
        return {self._face} if self._told else set()

    def highwater(self, tp: TP) -> int:
        """Nothing for Faust to recover."""
        return 0

    async def highwaters(self, *partitions: TP) -> dict[TP, int]:
        """Nothing for Faust to recover."""
        return dict.fromkeys(partitions, 0)

    async def earliest_offsets(self, *partitions: TP) -> dict[TP, int]:
        """Nothing for Faust to recover."""
        return dict.fromkeys(partitions, 0)

    def topic_partitions(self, topic: str) -> int | None:
        """Not Faust's to know."""
        return None

    async def position(self, tp: TP) -> int | None:
        """Not Faust's to know."""
        return 0

    def key_partition(self, topic: str, key: bytes | None, partition: int | None = None) -> int:
        """Not Faust's to choose."""
        return partition or 0

    async def create_topic(self, *args: Any, **kwargs: Any) -> None:
        """Topics are made by the operator's tools, from the catalogue."""


class Transport(faust_driver.Transport):
    """aiokafka's transport with the engine's consumer."""

    Consumer = TurnConsumer


class Boot(BootStrategy):
    """Faust's services without its producer: it would connect for nothing, with no security."""

    enable_kafka_producer = False


class Topics(faust.Topic):
    """Several topics under one agent; Faust's own command line asks them for one name."""

    def get_topic_name(self) -> str:
        """All of them, for a person to read."""
        return ", ".join(self.topics or ())


class Carrier(faust.Schema[Any, Any]):
    """Passes the turn through undecoded."""

    def compile(self, app: Any, **kwargs: Any) -> Any:
        """A decoder that hands the carrier's value on."""
        create = app.create_event

        async def decode(message: Any, **_: Any) -> Any:
            return create(None, message.value, None, message)

        return decode


class TableManager(FaustTableManager):
    """Faust's, without its second of sleep at start."""

    logger = faust_log

    async def on_start(self) -> None:
        """There is nothing to recover; agents may start at once."""
        await self.sleep(0)
        if not self.should_stop:
            await self._update_channels()
            await self.recovery.start()
