"""A TCP proxy that understands enough of Kafka's protocol to do harm by API key and client id.

It runs on a thread of its own. Clients are led to it by the broker's advertised listener
(broker.py). A fault picks requests; what is done to one of them:

- `Delay`: it, and what follows it on its connection, is passed on later;
- `Hold`: the same, until `release`, also when the client has given up and closed its side, as a
  network would deliver late what it already has;
- `Cut`: both sides of the connection are closed at once, the request is lost;
- `CutAndHold`: the client's side is closed, the request is delivered on `release`;
- `SwallowRequest`: it is lost, the connection goes on;
- `SwallowAnswer`: the broker acts on it, the client never hears of it;
- `CutBeforeAnswer`: the broker acts on it, then the connection is closed.

Besides: `latency_s` on everything, each way, and `deaf`/`mute`, which lose all bytes of one
direction (a half-open connection).
"""

import asyncio
import struct
import threading
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto

from tests.rigs.wire import Api, Request, answers, request, said

LOOPBACK = "127.0.0.1"
_LENGTH = struct.Struct(">I")
# A request that was delivered late is answered at once, if at all.
LATE_ANSWER_S = 3.0
# Of one direction of one connection; a client has far fewer requests out.
FRAMES_ON_THE_WAY = 1_000


class Act(Enum):
    """What is done to a request (see the module's docstring)."""

    DELAY = auto()
    HOLD = auto()
    CUT = auto()
    CUT_AND_HOLD = auto()
    SWALLOW_REQUEST = auto()
    SWALLOW_ANSWER = auto()
    CUT_BEFORE_ANSWER = auto()


@dataclass
class Fault:
    """Picks up to `times` requests by API key and client id, after passing over `skip` of them."""

    apis: frozenset[Api]
    act: Act
    times: int = 1
    skip: int = 0
    client: str = ""
    """A part of the client id; empty: anybody's."""
    carries: tuple[bytes, ...] = ()
    """Names that all stand in the request, as they do in plain text: topics, transactional ids."""
    delay_s: float = 0.0
    caught: threading.Event = field(default_factory=threading.Event)
    """Set at the first request that was picked."""
    picked: list[Request] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    """What the broker said to them, as far as it did."""
    freed: asyncio.Event = field(default_factory=asyncio.Event)

    def picks(self, one: Request, frame: bytes) -> bool:
        """Whether this fault does something to this request."""
        fits = one.api in self.apis and self.client in one.client
        if (
            not fits
            or not all(name in frame for name in self.carries)
            or len(self.picked) >= self.times
        ):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.picked.append(one)
        self.caught.set()
        return True


class Proxy:
    """In front of one broker's listener; faults are planned and lifted while it runs."""

    def __init__(self, upstream_port: int) -> None:
        self.port = 0
        self.latency_s = 0.0
        self.deaf = False
        """Bytes from clients are lost."""
        self.mute = False
        """Bytes to clients are lost."""
        self.trace: list[tuple[float, str]] = []
        """(monotonic seconds, sentence) of each transactional request and each fault."""
        self._upstream_port = upstream_port
        self._faults: list[Fault] = []
        self._connections: set[_Connection] = set()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="proxy")
        self._thread.start()
        assert self._ready.wait(10)

    # -- from any thread -------------------------------------------------------------------------

    def plan(self, apis: Iterable[Api], act: Act, **how: object) -> Fault:
        """Do `act` to requests of these API keys; see `Fault` for what else can be said."""
        fault = Fault(frozenset(apis), act, **how)  # type: ignore[arg-type]  # the dataclass checks
        self._faults.append(fault)
        return fault

    def release(self, fault: Fault) -> None:
        """Deliver what a holding fault has kept back."""
        self._loop.call_soon_threadsafe(fault.freed.set)

    def lift(self) -> None:
        """No fault any more: held requests are delivered, all bytes flow."""
        faults, self._faults = self._faults, []
        for fault in faults:
            self.release(fault)
        self.deaf = self.mute = False
        self.latency_s = 0.0

    def cut_all(self) -> None:
        """Close every connection at once, on both sides."""
        self._loop.call_soon_threadsafe(self._cut_all)

    def close(self) -> None:
        """Close all and end the thread."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        assert not self._thread.is_alive()

    def said(self) -> str:
        """The trace, a line each, with seconds since its first line."""
        if not self.trace:
            return ""
        began = self.trace[0][0]
        return "\n".join(f"{at - began:8.3f} {sentence}" for at, sentence in self.trace)

    # -- on the proxy's thread -------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._accept, LOOPBACK, 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        self._cut_all()
        mine = asyncio.current_task()
        others = [task for task in asyncio.all_tasks() if task is not mine]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _cut_all(self) -> None:
        for connection in list(self._connections):
            connection.cut()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            upstream = await asyncio.open_connection(LOOPBACK, self._upstream_port)
        except OSError:
            writer.transport.abort()
            return
        connection = _Connection(self, (reader, writer), upstream)
        self._connections.add(connection)
        try:
            await connection.run()
        except asyncio.CancelledError:
            return  # the proxy closes; asyncio would tell of it as of an error
        finally:
            self._connections.discard(connection)
            connection.cut()

    def fault_for(self, one: Request, frame: bytes) -> Fault | None:
        """The first planned fault that picks this request."""
        return next((fault for fault in self._faults if fault.picks(one, frame)), None)

    def note(self, sentence: str) -> None:
        """Keep a sentence for the trace."""
        self.trace.append((time.monotonic(), sentence))


Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]
_TRANSACTIONAL = {
    Api.INIT_PRODUCER_ID,
    Api.ADD_PARTITIONS_TO_TXN,
    Api.ADD_OFFSETS_TO_TXN,
    Api.END_TXN,
    Api.TXN_OFFSET_COMMIT,
}


class _Connection:
    """One client's connection and the one to the broker that was made for it."""

    def __init__(self, proxy: Proxy, client: Stream, broker: Stream) -> None:
        self._proxy = proxy
        self._from_client, self._to_client = client
        self._from_broker, self._to_broker = broker
        self._waiting: dict[int, tuple[Request, Fault | None]] = {}
        self._nothing_waits = asyncio.Event()
        self._nothing_waits.set()

    async def run(self) -> None:
        """Pass on both ways until the client has gone and what it had sent is dealt with."""
        answering = asyncio.create_task(self._pass_answers())
        try:
            await self._pass_requests()
            # The broker may still have to read and answer what was delivered late.
            await asyncio.wait_for(self._nothing_waits.wait(), LATE_ANSWER_S)
        except TimeoutError:
            pass
        finally:
            answering.cancel()
            await asyncio.gather(answering, return_exceptions=True)

    def cut(self) -> None:
        """Close both sides without waiting for anything."""
        self._to_client.transport.abort()
        self._to_broker.transport.abort()

    async def _pass_requests(self) -> None:
        async for frame in self._arriving(self._from_client):
            one = request(frame)
            fault = self._proxy.fault_for(one, frame)
            if fault is not None or one.api in _TRANSACTIONAL:
                self._proxy.note(f"{one}{f' {fault.act.name}' if fault else ''}")
            if fault is not None and not await self._harm(one, fault):
                continue
            if self._proxy.deaf:
                continue
            self._waiting[one.correlation] = (one, fault)
            self._nothing_waits.clear()
            await _send(self._to_broker, frame)

    async def _harm(self, one: Request, fault: Fault) -> bool:
        """Do to a request what can be done before the broker has it; whether it goes on."""
        match fault.act:
            case Act.DELAY:
                await asyncio.sleep(fault.delay_s)
            case Act.HOLD | Act.CUT_AND_HOLD:
                if fault.act is Act.CUT_AND_HOLD:
                    self._to_client.transport.abort()
                await fault.freed.wait()
                self._proxy.note(f"{one} delivered late")
            case Act.CUT:
                self.cut()
                return False
            case Act.SWALLOW_REQUEST:
                return False
            case Act.SWALLOW_ANSWER | Act.CUT_BEFORE_ANSWER:
                pass
        return True

    async def _pass_answers(self) -> None:
        async for frame in self._arriving(self._from_broker):
            asked, fault = self._waiting.pop(answers(frame), (None, None))
            if not self._waiting:
                self._nothing_waits.set()
            if asked is not None and fault is not None:
                fault.answers.append(said(asked, frame))
            if asked is not None and (fault is not None or asked.api == Api.END_TXN):
                self._proxy.note(f"{asked} answered: {said(asked, frame)}")
            if fault is not None and fault.act is Act.SWALLOW_ANSWER:
                continue
            if fault is not None and fault.act is Act.CUT_BEFORE_ANSWER:
                self.cut()
                return
            if not self._proxy.mute:
                await _send(self._to_client, frame)
        self._nothing_waits.set()
        self._to_client.close()  # the broker has closed: the client hears of it at once

    async def _arriving(self, reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
        """Frames in order, each `latency_s` after it came, however close together they came."""
        on_the_way: asyncio.Queue[tuple[float, bytes | None]] = asyncio.Queue(FRAMES_ON_THE_WAY)

        async def read() -> None:
            frame: bytes | None = b""
            while frame is not None:
                frame = await _frame(reader)
                await on_the_way.put((time.monotonic() + self._proxy.latency_s, frame))

        reading = asyncio.create_task(read())
        try:
            while True:
                due, frame = await on_the_way.get()
                if (left := due - time.monotonic()) > 0:
                    await asyncio.sleep(left)
                if frame is None:
                    return
                yield frame
        finally:
            reading.cancel()


async def _frame(reader: asyncio.StreamReader) -> bytes | None:
    """The next frame without its length; None at the end of the stream, however it came."""
    try:
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        return await reader.readexactly(length)
    except (asyncio.IncompleteReadError, OSError):
        return None


async def _send(writer: asyncio.StreamWriter, frame: bytes) -> None:
    """Pass a frame on; the other side may be gone, which its own direction will notice."""
    with suppress(OSError):
        writer.write(_LENGTH.pack(len(frame)) + frame)
        await writer.drain()
