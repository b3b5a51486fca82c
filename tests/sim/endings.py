"""What happens when a worker has ended: whether a fault explains it, and what the operator does."""

import re
from typing import TYPE_CHECKING

from streams import topics
from streams.engine import Cause, Fatal
from streams.errors import Cause as StopCause
from streams.errors import Stop
from streams.gate.words import ActKind
from tests.sim.books import Violation
from tests.sim.plan import GROUP

if TYPE_CHECKING:
    from tests.sim.run import Run, Site
    from tests.sim.workers import Worker

RESTART_S = {
    Cause.UNCERTAIN_COMMIT: 0.0,
    Cause.STUCK: 0.0,
    Cause.STORE_DAMAGED: 0.0,
    Cause.FENCED: 1.0,
    Cause.BROKER_AWAY: 1.0,
    Cause.OFFSETS_UNSTABLE: 1.0,
    Cause.FOLDER_IN_USE: 0.5,
    Cause.STORE_FAILED: 0.2,
    Cause.FOLDER_FOREIGN: 0.2,
    Cause.STATE_CONTRADICTS_LOG: 0.2,
    Cause.TOPIC_MISSING: 0.2,
    Cause.JOB_FAILED: 0.2,
}
"""As a supervisor would, or once the operator has done what `mend` does."""
_RESET = re.compile(r"(\S+) \[(\d+)\]: the group's offset is .* the positions record says (\d+)")
_TO_TYPE = re.compile(r"tollgate quarantine record (\S+) --partition 0 --offset (\d+)")
BEYOND_MENDING = (
    Cause.LOG_TRUNCATED,
    Cause.STATE_CONTRADICTS_LOG,
    Cause.TOPIC_MISSING,
    Cause.PARTITIONS_UNEQUAL,
)
"""In a run whose last fault has destroyed something."""


def ended(run: "Run", site: "Site", worker: "Worker") -> None:
    """See to a worker that is gone."""
    failure = worker.failure
    if failure is None:
        if not site.is_guest and site.start_at is None and not worker.has_stopped:
            run.restart(site, run.draw.choice((0.0, 0.05, 1.0, 4.0)))
        return
    run.tell(f"{site.machine.name}: {failure}")
    run.mark(f"end: {failure.cause.value}")
    if failure.cause not in run.explained:
        raise Violation(f"a worker ended for no fault of this run: {whole(failure)}")
    if "skipped sequence" in failure.detail:
        raise Violation(f"a handle that had aborted was used again: {whole(failure)}")
    _uncertain(run, worker, failure)
    if site.is_guest:
        return
    if not mend(run, site, failure):
        run.over = failure.cause.value
        return
    run.restart(site, RESTART_S[failure.cause])


def mend(run: "Run", site: "Site", failure: Fatal) -> bool:
    """What the operator does before the next start; False when nothing can be done."""
    if failure.cause in BEYOND_MENDING and run.is_doomed:
        return False
    match failure.cause:
        case Cause.STORE_FAILED:
            site.folder.full = False
        case Cause.FOLDER_FOREIGN:
            site.folder.wipe()
            run.unchecked.pop(site.folder.path, None)
        case Cause.STATE_CONTRADICTS_LOG if run.reset_offset is not None:
            _put_back(run, failure)
        case Cause.TOPIC_MISSING if run.deleted is not None:
            run.broker.restore(run.deleted)
            run.deleted = None
        case Cause.JOB_FAILED:
            _let_pass(run, failure)
    return True


def _put_back(run: "Run", failure: Fatal) -> None:
    """The operator takes topic, partition and offset from the last words (deploy/stopping.md)."""
    told = _RESET.search(str(failure))
    if told is None:
        raise Violation(f"an offset was reset, and this was said: {whole(failure)}") from failure
    topic, number, offset = told.groups()
    run.broker.group(GROUP).commit((topic, int(number)), int(offset))
    if run.reset_offset == (topic, int(number)):
        run.reset_offset = None


def _let_pass(run: "Run", failure: Fatal) -> None:
    """Too many dead letters: the operator raises the limit up to where the topics end now. A
    reference record that our code fails at: it is set aside, as the last words say.
    """
    stop = failure.__cause__
    told = _TO_TYPE.search(str(stop))
    if told is not None and told[1] in topics.REFERENCES:
        run.set_aside(told[1], int(told[2]))
        return
    if not isinstance(stop, Stop) or stop.cause is not StopCause.DEAD_LETTERS:
        raise Violation(f"the job failed: {whole(failure)}") from failure
    for topic in topics.INPUTS:
        for number in range(run.plan.partitions):
            end = run.log(topic, number).high
            if end:
                run.refer(run.market.act(ActKind.RAISE_LIMIT, topic, number, end - 1))
    run.mark("recovery: the dead-letter limit is raised")


def _uncertain(run: "Run", worker: "Worker", failure: Fatal) -> None:
    """Of a commit of which the worker could not say whether it happened."""
    if failure.cause is not Cause.UNCERTAIN_COMMIT or worker.engine is None:
        return
    if failure.detail.startswith("Committing"):
        at_hand = run.broker.transactions.ids[worker.engine._producers._current]
        was = at_hand.state in ("committing", "committed")
        run.mark(f"recovery: an uncertain commit that {'was committed' if was else 'is aborted'}")


def whole(failure: Fatal) -> str:
    """An end with what caused it."""
    cause = failure.__cause__
    return str(failure) if cause is None else f"{failure} ({type(cause).__name__}: {cause})"
