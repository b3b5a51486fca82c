"""Feed a target one input after another, measure each, and keep the first that it does not survive.

Inputs are numbered. A session is a run of inputs that share what came before (a partition with its
rows); for most targets it is one input long. All chance of a session comes from the seed, the
target's name and the session's number, so any input can be made again alone. What fails is cut down
as far as it goes on failing in the same way.

Time is the thread's CPU time, so that a busy machine does not change it; memory is what Python
allocated at most while a sampled input was taken.
"""

import gc
import resource
import time
import traceback
import tracemalloc
from array import array
from collections.abc import Iterator
from random import Random
from typing import Any, NamedTuple, Protocol
from zlib import crc32

# An input is looked at with tracemalloc once in so many: that is ten times as slow.
MEMORY_EVERY = 499
# What may be allocated while one input is taken: what decoding a byte can cost (an empty text of
# one byte is 8 in a list and 8 in a tuple, a record of a few bytes a tuple of 60 and its texts of
# 50 each), and room for what does not depend on the input (paths, faults, caches that grow).
BYTES_A_BYTE = 200
BYTES_FREE = 256 * 1024
# Law of the issue: 99.9 % of the inputs under a millisecond.
BOUND_NS = 1_000_000
SHARE_BELOW = 0.999
# What the whole process may grow while a target runs; its caches are full after some seconds.
GROWTH_MAX_BYTES = 256 << 20

_CUTS_MAX = 3_000


class Target(Protocol):
    """One thing that takes any input."""

    name: str
    session: int
    """How many inputs follow one another on the same state."""

    def begin(self, draw: Random) -> None:
        """A new session: nothing of the one before is left."""

    def draw(self, draw: Random) -> Any:
        """The next input: bytes, or a tuple with bytes in it."""

    def take(self, made: Any) -> Any:
        """What is measured. Whatever it raises is a finding."""

    def answers(self, found: Any) -> int:
        """How many answers came of an input, of which each may take its time: mostly 1."""

    def judge(self, made: Any, found: Any) -> None:
        """Hold what came of an input against what must hold; an AssertionError is a finding."""


class Single:
    """Whatever stands alone and has one answer."""

    session = 1

    def begin(self, _draw: Random) -> None:
        """Inputs share nothing."""

    def answers(self, _found: Any) -> int:
        """One."""
        return 1


class Failure(NamedTuple):
    """An input that a target did not survive."""

    target: str
    seed: int
    number: int
    inputs: tuple[Any, ...]
    """What has to be taken in a row to see it, cut down; the last one fails."""
    story: str

    def __str__(self) -> str:
        """What to run, what to feed, and what then happens."""
        fed = "\n".join(f"  {each!r}" for each in self.inputs)
        again = f"make fuzz TARGET={self.target} SEED={self.seed} INPUT={self.number}"
        return (
            f"{self.target}: input {self.number} of seed {self.seed} ({again})\n{fed}\n{self.story}"
        )


class Figures(NamedTuple):
    """What a run of one target came to; times are CPU time of taking one input."""

    target: str
    inputs: int
    seconds: float
    p50_ns: int
    p99_ns: int
    p999_ns: int
    most_ns: int
    most_bytes: int
    """Allocated while one of the sampled inputs was taken."""
    growth_bytes: int

    @property
    def is_quick(self) -> bool:
        """Whether 99.9 % were below a millisecond."""
        return self.p999_ns < BOUND_NS

    @property
    def is_steady(self) -> bool:
        """Whether the process did not grow with the inputs."""
        return self.growth_bytes < GROWTH_MAX_BYTES


def run(target: Target, seed: int, inputs: int) -> Figures | Failure:
    """Take so many inputs, or all up to the first that fails."""
    # As a worker does: nothing cyclic is made per event.
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    try:
        return _run(target, seed, inputs)
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def _run(target: Target, seed: int, inputs: int) -> Figures | Failure:
    times = array("q")
    most_bytes = 0
    draw = Random()
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    failed = None
    for number in range(inputs):
        if number % target.session == 0:
            _begin(target, draw, seed, number // target.session)
        try:
            made = target.draw(draw)
            if number % MEMORY_EVERY == MEMORY_EVERY - 1:
                found, allocated = _take_traced(target, made)
                most_bytes = max(most_bytes, allocated)
            else:
                start = time.thread_time_ns()
                found = target.take(made)
                spent = time.thread_time_ns() - start
                times.append(spent // target.answers(found))
            target.judge(made, found)
        except Exception:  # noqa: BLE001  # any exception is a finding, and is told whole
            failed = number
            break
    if failed is not None:
        return _failure(target, seed, failed)
    seconds = time.perf_counter() - began
    after_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ordered = sorted(times) or [0]

    def at(share: float) -> int:
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]

    return Figures(
        target.name,
        inputs,
        seconds,
        at(0.5),
        at(0.99),
        at(SHARE_BELOW),
        ordered[-1],
        most_bytes,
        (after_kb - before_kb) * 1024,
    )


def again(target: Target, seed: int, number: int) -> tuple[Any, Failure | None]:
    """Make one numbered input of a seed again and take it; the input, and how it failed."""
    inputs = _session_until(target, seed, number)
    story = _story(target, seed, number, inputs)
    if story is None:
        return inputs[-1], None
    return inputs[-1], Failure(target.name, seed, number, tuple(inputs), story)


def size_of(made: Any) -> int:
    """The bytes of an input."""
    if isinstance(made, bytes | str):
        return len(made)
    return sum(map(size_of, made)) if isinstance(made, tuple | list) else 0


def _begin(target: Target, draw: Random, seed: int, session: int) -> None:
    draw.seed((seed << 64) | (crc32(target.name.encode()) << 32) | session)
    target.begin(draw)


def _take_traced(target: Target, made: Any) -> tuple[Any, int]:
    tracemalloc.start()
    try:
        found = target.take(made)
        allocated = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    allowed = BYTES_FREE + BYTES_A_BYTE * size_of(made)
    assert allocated <= allowed, f"{allocated} bytes were allocated, {allowed} are allowed"
    return found, allocated


# -- what failed -----------------------------------------------------------------------------------


def _session_until(target: Target, seed: int, number: int) -> list[Any]:
    """The inputs of a session up to this one. Drawing may look at the state, so all are taken."""
    draw = Random()
    _begin(target, draw, seed, number // target.session)
    inputs = []
    for _ in range(number % target.session):
        inputs.append(target.draw(draw))
        target.take(inputs[-1])
    return [*inputs, target.draw(draw)]


def _failure(target: Target, seed: int, number: int) -> Failure:
    inputs = _session_until(target, seed, number)
    story = _story(target, seed, number, inputs)
    if story is None:
        # It failed before, with the same input on the same state: that is a finding of its own.
        return Failure(target.name, seed, number, tuple(inputs), "It failed once, and not again.")
    for _ in range(_CUTS_MAX):
        cut = next(_still_failing(target, seed, number, inputs, story), None)
        if cut is None:
            break
        inputs = cut
    told = _story(target, seed, number, inputs, whole=True)
    return Failure(target.name, seed, number, tuple(inputs), told or story)


def _still_failing(
    target: Target, seed: int, number: int, inputs: list[Any], story: str
) -> Iterator[list[Any]]:
    """Smaller ways to the same end."""
    for smaller in _smaller_runs(inputs):
        if _story(target, seed, number, smaller) == story:
            yield smaller


def _smaller_runs(inputs: list[Any]) -> Iterator[list[Any]]:
    *before, last = inputs
    for at, size in _cuts(len(before)):
        yield [*before[:at], *before[at + size :], last]
    for smaller in _smaller(last):
        yield [*before, smaller]


def _cuts(length: int) -> Iterator[tuple[int, int]]:
    """(where, how much) can be left out of so much: first the most."""
    size = length
    while size:
        yield from ((at, size) for at in range(0, length, size))
        size //= 2


def _shorter(made: Any) -> Iterator[Any]:
    """Bytes or a text without some part."""
    for at, size in _cuts(len(made)):
        yield made[:at] + made[at + size :]


def _smaller(made: Any) -> Iterator[Any]:
    """The same input with fewer bytes in it."""
    if isinstance(made, bytes | str):
        yield from _shorter(made)
    elif isinstance(made, tuple):
        for place, each in enumerate(made):
            for smaller in _smaller(each):
                parts = (*made[:place], smaller, *made[place + 1 :])
                yield type(made)._make(parts) if hasattr(made, "_make") else parts


def _story(
    target: Target, seed: int, number: int, inputs: list[Any], *, whole: bool = False
) -> str | None:
    """How a run of inputs ends: None when well, else what was raised (and where, if `whole`)."""
    _begin(target, Random(), seed, number // target.session)
    try:
        for each in inputs[:-1]:
            target.judge(each, target.take(each))
    except Exception:  # noqa: BLE001  # another end than the one looked for
        return None
    try:
        found, _ = _take_traced(target, inputs[-1])
        target.judge(inputs[-1], found)
    except Exception as error:  # noqa: BLE001  # what is looked for
        if whole:
            return traceback.format_exc()
        frames = traceback.extract_tb(error.__traceback__)
        return f"{type(error).__name__} at {frames[-1].filename}:{frames[-1].lineno}"
    return None
