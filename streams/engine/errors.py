"""Why the engine ends the process: one closed list, each with a sentence for the person on call.

The engine never repairs what it cannot be sure of. It raises `Fatal`; the exit port ends the
process with the cause, the open transaction is aborted by the broker or the next owner, and the
log decides (docs: ARCHITECTURE, design note on ending the process).
"""

from enum import Enum


class Cause(Enum):
    """Every cause of a deliberate end; the value is a stable word for logs and exit codes."""

    BROKER_AWAY = "broker_away"
    TOPIC_MISSING = "topic_missing"
    PARTITIONS_UNEQUAL = "partitions_unequal"
    FOLDER_IN_USE = "folder_in_use"
    FOLDER_FOREIGN = "folder_foreign"
    STATE_CONTRADICTS_LOG = "state_contradicts_log"
    LOG_TRUNCATED = "log_truncated"
    OFFSETS_UNSTABLE = "offsets_unstable"
    FENCED = "fenced"
    UNCERTAIN_COMMIT = "uncertain_commit"
    STUCK = "stuck"
    STORE_FAILED = "store_failed"
    STORE_DAMAGED = "store_damaged"
    JOB_FAILED = "job_failed"
    IMPOSSIBLE = "impossible"


class Fatal(Exception):
    """The process must end. `detail` says what and where, `advice` what a person can do."""

    def __init__(self, cause: Cause, detail: str, advice: str) -> None:
        super().__init__(f"{cause.value}: {detail} {advice}")
        self.cause = cause
        self.detail = detail
        self.advice = advice


class Refused(Exception):
    """The broker refused this turn's positions before anything was committed: redo the turn."""
