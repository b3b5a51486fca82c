"""Time, chance and tasks of a simulated world: one thread, one seed, the same run to the byte.

A `World` holds one heap of events ordered by simulated time. Each simulated `Process` (a worker,
say) has tasks, which are greenlets running the real code; every call that reaches the world through
a port is a pause (`World.pause`, or a wait for an answer), and while a task pauses whatever is next
on the heap happens, so that workers interleave inside their turns. How long things take is drawn
from the seed: that draw is the choice of what happens next.

For a driver:

    world = World(seed)                       # world.random is the one source of chance
    process = world.process("worker-1")
    process.spawn(engine_main, "engine")      # runs at once when the world runs
    world.run_for(0.25)                       # seconds of simulated time
    world.run_until(lambda: ..., limit=30)    # True when it came about
    process.kill(); process.freeze(); process.thaw()
    world.close()                             # kills what is left; call it at the end of a run

- `process.kill()` ends all its tasks at the pause they are at: `Killed` (a BaseException) is raised
  in each, and every later call of that process into the world raises it again and does nothing, so
  no `finally` acts after death. What it had sent is still on its way and may arrive.
- `process.freeze()` is SIGSTOP: nothing of it runs, its clients' background neither, answers wait;
  `thaw()` lets everything that fell due happen, as a zombie wakes.
- A task that raises anything but `Killed` ends its process: `process.failure` has the exception.
- `world.on_pause` (process, what) is called at each pause before it begins: a failpoint may kill.
- A process is used once. A restart is a new `Process` under the same name, on the same disk.
- An exception in an event that belongs to no task is a fault of the model: `run_*` raises it.

Times: `now` is seconds since the world began, `wall_ms()` UTC milliseconds without any machine's
error; a machine's own clocks are in clock.py. Iterate over no set of strings in here: the order of
such a set differs from run to run.
"""

import random
from collections.abc import Callable
from concurrent.futures import Future
from heapq import heappop, heappush
from typing import Any, TypeVar

from greenlet import getcurrent, greenlet

T = TypeVar("T")

EPOCH_MS = 1_750_000_000_000
"""The wall clock when a world begins: 2025-06-15T15:06:40Z."""


class Killed(BaseException):
    """The process is dead; nothing it does has an effect any more."""


class Task:
    """One greenlet of a process."""

    __slots__ = ("greenlet", "name", "process", "token", "wake")

    def __init__(self, process: "Process", name: str, work: Callable[[], Any]) -> None:
        self.process = process
        self.name = name
        self.token = 0
        """Which of its waits it is in; a wake-up for an earlier one is stale."""
        self.greenlet = greenlet(lambda: self._run(work), process.world.hub)

    def _run(self, work: Callable[[], Any]) -> None:
        process = self.process
        try:
            work()
        except Killed:
            pass
        except BaseException as error:  # noqa: BLE001  # the driver reads it from `failure`
            if process.failure is None and not process.dead:
                process.failure = error
                process.ending()
        finally:
            process.tasks.pop(self, None)


class Process:
    """A simulated process on one machine; see the module for what a driver does with it."""

    def __init__(self, world: "World", name: str) -> None:
        self.world = world
        self.name = name
        self.dead = False
        self.frozen = False
        self.failure: BaseException | None = None
        """What ended it, other than a kill: Fatal by the exit port, or what a task raised."""
        self.tasks: dict[Task, None] = {}
        self.at_death: list[Callable[[], None]] = []
        """Called once when it dies, however it dies: the system closes files and connections."""
        self._held: list[Callable[[], None]] = []

    def spawn(self, work: Callable[[], T], name: str = "task") -> "Answer[T]":
        """Run `work` as a task of this process, soon; the answer takes what it returns or raises.

        A task whose answer nobody awaits must not raise: give such work to `spawn_main`.
        """
        answer: Answer[T] = Answer(self)

        def run() -> None:
            try:
                result = work()
            except Killed:
                raise
            except BaseException as error:  # noqa: BLE001  # handed to whoever awaits the answer
                answer.fail(error)
            else:
                answer.give(result)

        self._start(run, name)
        return answer

    def spawn_main(self, work: Callable[[], Any], name: str = "main") -> None:
        """Run `work` as a task whose exception ends the process (`failure`)."""
        self._start(work, name)

    def _start(self, run: Callable[[], Any], name: str) -> None:
        self.check()
        task = Task(self, name, run)
        self.tasks[task] = None
        self.world.wake(task, 0, self.world.latency())

    def check(self) -> None:
        """Every call through a port begins with this: the dead do nothing."""
        if self.dead:
            raise Killed

    def exit(self, failure: BaseException) -> None:
        """The process ends itself, at once."""
        self.check()
        self.failure = failure
        self.kill()

    def ending(self) -> None:
        """Die, from whichever task or event this is called."""
        self.dead = True
        for act in self.at_death:
            act()
        self.at_death.clear()
        self._held.clear()
        here = getcurrent()
        for task in list(self.tasks):
            if task.greenlet is here or task.greenlet.dead:
                continue
            if task.greenlet:  # started: unwind it now, and come back
                task.greenlet.parent = here
                task.greenlet.throw(Killed)
            self.tasks.pop(task, None)

    def kill(self) -> None:
        """SIGKILL. Raises Killed when called from one of its own tasks."""
        if not self.dead:
            self.ending()
        here = getcurrent()
        if any(task.greenlet is here for task in self.tasks):
            raise Killed

    def freeze(self) -> None:
        """SIGSTOP: from the next pause on."""
        self.frozen = True

    def thaw(self) -> None:
        """SIGCONT: what fell due meanwhile happens now, in its order."""
        self.frozen = False
        held, self._held = self._held, []
        for act in held:
            self.world.at(self.world.now, act, self)

    def hold(self, act: Callable[[], None]) -> None:
        """Keep an event for when the process is thawed."""
        self._held.append(act)


class Answer(Future[T]):
    """A Future on simulated time: waiting for it pauses the task."""

    def __init__(self, process: Process) -> None:
        # Not Future.__init__: its condition variable is for threads, and there are none.
        self._process = process
        self._is_done = False
        self._value: Any = None
        self._error: BaseException | None = None
        self._waiting: list[tuple[Task, int]] = []

    def __repr__(self) -> str:
        return f"<Answer for {self._process.name}, {'done' if self._is_done else 'awaited'}>"

    def done(self) -> bool:
        return self._is_done

    def give(self, value: T) -> None:
        """Settle it; only the first settling counts."""
        if not self._is_done:
            self._is_done = True
            self._value = value
            self._tell()

    def fail(self, error: BaseException) -> None:
        """Settle it with an exception."""
        if not self._is_done:
            self._is_done = True
            self._error = error
            self._tell()

    def _tell(self) -> None:
        waiting, self._waiting = self._waiting, []
        for task, token in waiting:
            task.process.world.wake(task, token, 0.0)

    def wait(self, timeout: float | None = None) -> bool:
        """Pause until it is settled; False when the time is up first."""
        process = self._process
        process.check()
        if self._is_done:
            return True
        world = process.world
        task = world.current(process)
        task.token += 1
        self._waiting.append((task, task.token))
        if timeout is not None:
            world.wake(task, task.token, timeout)
        world.switch(task)
        return self._is_done

    def result(self, timeout: float | None = None) -> T:
        """What the work returned, or its exception raised here."""
        if not self.wait(timeout):
            raise TimeoutError
        if self._error is not None:
            raise self._error
        result: T = self._value
        return result

    def exception(self, timeout: float | None = None) -> BaseException | None:
        if not self.wait(timeout):
            raise TimeoutError
        return self._error


class World:
    """The heap, the clock and the chance; see the module."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.random = random.Random(seed)
        self.now = 0.0
        self.pauses = 0
        """How many pauses there were so far: a number to aim a kill at, or to compare two runs."""
        self.on_pause: Callable[[Process, str], None] | None = None
        self.pace = 0.000_3
        """Seconds of a typical step of a program or hop of the network; the driver may change."""
        self.hub = getcurrent()
        self.processes: list[Process] = []
        self._sequence = 0
        # (time, sequence, act or task, -1 or the task's token, process)
        self._heap: list[tuple[float, int, Any, int, Process | None]] = []
        self._deadline = 0.0
        self._stop: Callable[[], bool] | None = None
        self._stopped = False

    # -- what a driver does ----------------------------------------------------------------------

    def process(self, name: str) -> Process:
        """A new simulated process."""
        made = Process(self, name)
        self.processes.append(made)
        return made

    def run_for(self, seconds: float) -> None:
        """Let that much simulated time pass."""
        self._run(self.now + seconds, None)

    def run_until(self, condition: Callable[[], bool], limit: float) -> bool:
        """Until the condition holds, asked after each event; False after `limit` seconds."""
        if condition():
            return True
        self._run(self.now + limit, condition)
        return self._stopped

    def close(self) -> None:
        """End every process, so that no greenlet is left for the garbage collector to unwind."""
        for process in self.processes:
            process.kill()
        self._heap.clear()

    def wall_ms(self) -> int:
        """True UTC milliseconds."""
        return EPOCH_MS + int(self.now * 1000)

    # -- what the model does ---------------------------------------------------------------------

    def latency(self) -> float:
        """A drawn duration of one step or hop, in seconds: mostly short, seldom long."""
        draw = self.random.random()
        if draw < 0.97:
            return self.pace * (0.1 + 1.5 * draw)
        return self.pace * 30 * (draw - 0.96)  # up to about one hundred times the shortest

    def at(self, when: float, act: Callable[[], None], process: Process | None = None) -> None:
        """Do `act` at an instant; with a process: not once it is dead, later while it is frozen."""
        self._sequence += 1
        heappush(self._heap, (when, self._sequence, act, -1, process))

    def later(self, delay: float, act: Callable[[], None], process: Process | None = None) -> None:
        """Do `act` in `delay` seconds."""
        self._sequence += 1
        heappush(self._heap, (self.now + delay, self._sequence, act, -1, process))

    def wake(self, task: Task, token: int, delay: float) -> None:
        """Let a task go on in `delay` seconds, if it is then still in the wait of that token."""
        self._sequence += 1
        heappush(self._heap, (self.now + delay, self._sequence, task, token, task.process))

    def current(self, process: Process) -> Task:
        """The task that is running, which must be one of the process's."""
        here = getcurrent()
        for task in process.tasks:
            if task.greenlet is here:
                return task
        raise AssertionError(f"{process.name} was called from outside its tasks")

    def pause(self, process: Process, what: str, seconds: float = -1.0) -> None:
        """One pause of the running task: something else may happen; below 0 draws how long."""
        if process.dead:
            raise Killed
        self.pauses += 1
        if self.on_pause is not None:
            self.on_pause(process, what)
        wake_at = self.now + (self.latency() if seconds < 0 else seconds)
        heap = self._heap
        alone = not heap or heap[0][0] > wake_at
        if alone and wake_at <= self._deadline and self._stop is None and not process.frozen:
            self.now = wake_at  # nothing happens meanwhile: no need to leave the task
            return
        task = self.current(process)
        task.token += 1
        self._sequence += 1
        heappush(heap, (wake_at, self._sequence, task, task.token, process))
        self.switch(task)

    def switch(self, task: Task) -> None:
        """Leave the running task until something wakes it."""
        self.hub.switch()
        if task.process.dead:
            raise Killed

    def _run(self, deadline: float, stop: Callable[[], bool] | None) -> None:
        assert getcurrent() is self.hub, "only the driver runs the world"
        self._deadline, self._stop, self._stopped = deadline, stop, False
        heap = self._heap
        while heap and heap[0][0] <= deadline:
            when, _, what, token, process = heappop(heap)
            if when > self.now:
                self.now = when
            if process is not None:
                if process.dead:
                    continue
                if process.frozen:
                    process.hold(self._again(what, token))
                    continue
            if token < 0:
                what()
            elif what.token == token:
                what.token += 1
                what.greenlet.switch()
            if stop is not None and stop():
                self._stopped = True
                return
        self.now = max(self.now, deadline)

    def _again(self, what: Any, token: int) -> Callable[[], None]:
        """An event of a frozen process, as something to do once it is thawed."""
        if token < 0:
            act: Callable[[], None] = what
            return act
        return lambda: self.wake(what, token, 0.0)
