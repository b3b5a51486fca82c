"""All partitions of a history, each in one pass, several at a time in processes of their own."""

import multiprocessing
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from typing import Any

from streams.audit.strict import Schemas, released
from streams.audit.verify.heads import Head
from streams.audit.verify.partition import PartitionPass, by_sequence
from streams.audit.verify.result import Verified
from streams.history import Source
from streams.topics import DECISIONS

Progress = Callable[[int, int], None]
"""Hears how many offsets of the decisions are behind, and of how many."""

_TELL_SECONDS = 1.0
# Decisions between two words to whoever counts: some hundred a second would be shown anyway.
_TOLD_EVERY = 1_000

# One offset a partition, shared between processes.
_reached: Any = None


def verify(
    source: Source,
    jobs: int,
    *,
    heads: Sequence[Head] = (),
    begins: Mapping[int, Head] | None = None,
    progress: Progress,
) -> list[Verified]:
    """Check every partition: the result of each, in their order.

    `heads` are signed heads to hold the chain against; `begins` says behind which head a partition
    begins instead of at its first decision.
    """
    begins = begins or {}
    numbers = range(source.partitions)
    context = multiprocessing.get_context("spawn")
    reached = context.Array("q", source.partitions, lock=False)
    firsts = {
        number: begins[number].offset + 1
        if number in begins
        else source.spans[DECISIONS, number].begin
        for number in numbers
    }
    total = sum(source.spans[DECISIONS, number].end - firsts[number] for number in numbers)
    arguments = [
        (source, number, tuple(by_sequence(heads, number).values()), begins.get(number))
        for number in numbers
    ]
    # librdkafka's threads do not survive a fork.
    with ProcessPoolExecutor(
        min(jobs, source.partitions), context, initializer=_share, initargs=(reached,)
    ) as pool:
        futures: list[Future[Verified]] = [pool.submit(_verify, *each) for each in arguments]
        left = set(futures)
        try:
            while left:
                done, left = wait(left, _TELL_SECONDS, FIRST_COMPLETED)
                for each in done:
                    each.result()
                behind = sum(max(reached[each] - firsts[each], 0) for each in numbers)
                progress(behind if left else total, total)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [each.result() for each in futures]


def verify_partition(
    source: Source,
    number: int,
    schemas: Schemas,
    heads: Iterable[Head] = (),
    begin: Head | None = None,
    tell: Callable[[int], None] | None = None,
) -> Verified:
    """Check one partition, here; `tell` hears of the offset reached now and then."""
    one = PartitionPass(source, number, schemas, by_sequence(heads, number), begin)
    for count, offset in enumerate(one.steps()):
        if tell is not None and count % _TOLD_EVERY == 0:
            tell(offset)
    return one.result


def _share(reached: Any) -> None:
    global _reached  # noqa: PLW0603 # how a process of a pool is given what is shared
    _reached = reached


def _verify(source: Source, number: int, heads: Sequence[Head], begin: Head | None) -> Verified:
    def tell(offset: int) -> None:
        _reached[number] = offset + 1

    result = verify_partition(source, number, released(), heads, begin, tell)
    tell(source.spans[DECISIONS, number].end)
    return result


def rate(started: float, done: int, total: int) -> str:
    """How far it is, how fast, and how long still, for people."""
    seconds = max(time.monotonic() - started, 1e-3)
    speed = done / seconds
    left = f", {(total - done) / speed:,.0f} s left" if done else ""
    share = 100 * done // total if total else 100
    return f"{done:,} of {total:,} decisions ({share} %), {speed:,.0f}/s{left}"
