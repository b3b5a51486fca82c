"""The table of contents of what ends a command: causes, exit codes, what an operator does about it,
and what the supervisor of a worker does.

Laws: every cause has an exit code of its own, so that a supervisor can tell them apart; a sentence
says what was wrong and where, the advice says what to do; neither shows a secret or a whole MSISDN.
Codes are lasting: units and scripts name them. 1 is left to Python (an error nobody foresaw: stop
and page), 2 is click's (wrong usage). What deploy/ has of this table is held against it by tests.

The engine and the gate know nothing of this file: they raise their own exceptions, and `app.py`
turns them into a `Stop`.
"""

import signal
from dataclasses import dataclass
from enum import Enum


class Supervisor(Enum):
    """What whoever watches over a worker does when it has ended for a cause."""

    AT_ONCE = "restart at once"
    """A fresh start decides by the log, or finds the fault gone."""
    LATER = "restart after a while"
    """Something outside must come back, or somebody else must let go first."""
    PAGE = "stop and page"
    """The next start would end the same way, or make it worse: a person decides."""
    NOBODY = "a command's end"
    """No worker ends so; whoever typed the command reads the sentence."""


# Seconds before a restart. A clean start takes two or three of them; a broker's election takes
# some more, and a transaction that somebody left open is over in ten.
RESTART_SECONDS = {Supervisor.AT_ONCE: 1, Supervisor.LATER: 10}

# A worker that was killed, or died in a library, goes on from the log: restart at once.
RESTART_SIGNALS = {
    one.value: one.name for one in (signal.SIGABRT, signal.SIGBUS, signal.SIGKILL, signal.SIGSEGV)
}


@dataclass(frozen=True, slots=True)
class Fatal:
    """A row of the table."""

    exit_code: int
    sentence: str
    advice: str
    supervisor: Supervisor

    @property
    def restart(self) -> bool:
        """Whether starting a worker again, unchanged, can help."""
        return self.supervisor in RESTART_SECONDS


class Cause(Enum):
    """Why a command ended."""

    SETTINGS = Fatal(
        10,
        "the settings are wrong",
        "Correct them; `tollgate config` shows every setting with its unit, range and reason.",
        Supervisor.PAGE,
    )
    BROKER_AWAY = Fatal(
        11,
        "the Kafka broker does not answer",
        "Check that it runs and that TOLLGATE_BOOTSTRAP_SERVERS and TOLLGATE_SECURITY_* fit it; "
        "for development start one with `tollgate broker`.",
        Supervisor.LATER,
    )
    NOT_ALLOWED = Fatal(
        12,
        "the broker refuses the right to do this",
        "Give the user of TOLLGATE_SECURITY_* the missing right, or check its name and password.",
        Supervisor.PAGE,
    )
    TOPIC_MISSING = Fatal(
        13,
        "a topic is missing",
        "A new gate: run `tollgate topics plan`, then `tollgate topics apply`, with the same "
        "settings. An input, the changelog or a reference topic that was in use: restore it; made "
        "again under its name it is refused. An output topic may be made again "
        "(deploy/stopping.md).",
        Supervisor.PAGE,
    )
    PARTITIONS_UNEQUAL = Fatal(
        14,
        "topics that belong together have different numbers of partitions",
        "The number is fixed for life: an order, its reply and its state meet on one partition. "
        "Before anything was decided, create the topics anew; afterwards restore them, or start "
        "over with a fresh TOLLGATE_TOPIC_PREFIX (deploy/stopping.md).",
        Supervisor.PAGE,
    )
    TOPIC_DIFFERS = Fatal(
        15,
        "a topic is not what this gate needs, and cannot become so",
        "Use another TOLLGATE_TOPIC_PREFIX, or delete the topic if the gate has never decided "
        "anything.",
        Supervisor.PAGE,
    )
    SCHEMA_INCOMPATIBLE = Fatal(
        16,
        "a schema has changed in a way that a reader or a writer would not survive",
        "Undo the change, or give the topic a new major version.",
        Supervisor.NOBODY,
    )
    SCHEMA_UNREGISTERED = Fatal(
        17,
        "a schema is not registered",
        "Run `tollgate schemas register` with the same settings.",
        Supervisor.PAGE,
    )
    REGISTRY_DIFFERS = Fatal(
        18,
        "the schema registry has other ids for our schemas",
        "Values are framed with the repository's ids: use a registry that has them, or none.",
        Supervisor.PAGE,
    )
    REGISTRY_AWAY = Fatal(
        19,
        "the schema registry does not answer",
        "Check that it runs and that TOLLGATE_SCHEMA_REGISTRY_URL is its address; "
        "leave the setting empty to use the repository's ids.",
        Supervisor.LATER,
    )
    REFERENCE_REFUSED = Fatal(
        20,
        "the reference data is refused as a whole",
        "Correct the lines named; nothing has been written.",
        Supervisor.NOBODY,
    )
    STATE_IN_USE = Fatal(
        21,
        "the state folder is in use by another worker",
        "Give each worker a TOLLGATE_DATA_DIR of its own, or stop the other one first.",
        Supervisor.LATER,
    )
    STATE_FOREIGN = Fatal(
        22,
        "the state folder is not this gate's, or was mixed up",
        "Point TOLLGATE_DATA_DIR to this gate's own folder, or to an empty one: "
        "the state is rebuilt from the log.",
        Supervisor.PAGE,
    )
    STATE_AHEAD = Fatal(
        23,
        "the state and the log contradict each other",
        "deploy/stopping.md has each case. Never delete the group or its offsets. Only a new "
        "TOLLGATE_TOPIC_PREFIX starts over, and it forgets what was decided.",
        Supervisor.PAGE,
    )
    DEAD_LETTERS = Fatal(
        24,
        "too many records cannot be read",
        "Look at the record named and mend its writer; a restart takes the same records again. "
        "`tollgate quarantine unreadable` lets a bad batch pass.",
        Supervisor.PAGE,
    )
    IMPOSSIBLE = Fatal(
        25,
        "something that should be impossible has happened",
        "Nothing of the open turn was committed. Keep the log and the state folder, and report it. "
        "If it names a record, `tollgate quarantine record` sets that one aside.",
        Supervisor.PAGE,
    )
    STORE_FAILED = Fatal(
        26,
        "the local store failed",
        "Check the disk of TOLLGATE_DATA_DIR (space, health). The folder may be removed: "
        "the state is rebuilt from the log.",
        Supervisor.PAGE,
    )
    UNCERTAIN_COMMIT = Fatal(
        27,
        "it is not certain whether the last turn was committed",
        "Start again: the log decides.",
        Supervisor.AT_ONCE,
    )
    FENCED = Fatal(
        28,
        "another worker has taken this one's place",
        "Nothing to do if it is meant; two workers must not share a TOLLGATE_INSTANCE: give each "
        "its own.",
        Supervisor.LATER,
    )
    BROKER_SETUP = Fatal(
        29,
        "the embedded broker could not be set up",
        "Follow the step named; `make setup` fetches what is missing.",
        Supervisor.NOBODY,
    )
    STUCK = Fatal(
        30,
        "a call to the broker did not come back",
        "Start again: the log decides. If it goes on, look at the broker's log.",
        Supervisor.AT_ONCE,
    )
    OFFSETS_UNSTABLE = Fatal(
        31,
        "another worker's transaction stays open",
        "Start again after a minute. If it goes on, the broker has lost a transaction's end "
        "(deploy/stopping.md).",
        Supervisor.LATER,
    )
    LOG_TRUNCATED = Fatal(
        32,
        "records are gone from the log that were never decided",
        "Only the brokers' own files (a disk, a snapshot) can bring them back at their old "
        "offsets. Otherwise only a new TOLLGATE_TOPIC_PREFIX starts over, and it forgets what was "
        "decided (deploy/stopping.md).",
        Supervisor.PAGE,
    )
    CARE_NOT_DONE = Fatal(
        33,
        "the gate did not do it",
        "Nothing has changed. `tollgate care --help` says what each action needs.",
        Supervisor.NOBODY,
    )
    CARE_UNANSWERED = Fatal(
        34,
        "the gate has not answered yet",
        "The action is on the log and is done once a worker takes it. Run the same command again "
        "with --action-id to ask again: it is done once.",
        Supervisor.NOBODY,
    )
    STORE_DAMAGED = Fatal(
        35,
        "the local store is damaged",
        "Start again: the next start rebuilds the partition from the log. If it comes again, "
        "the disk of TOLLGATE_DATA_DIR is failing: replace it.",
        Supervisor.AT_ONCE,
    )
    ACT_REFUSED = Fatal(
        36,
        "the act is refused",
        "Nothing was written. `tollgate tail` shows what lies on the topic; "
        "`tollgate quarantine --help` says what an act can do.",
        Supervisor.NOBODY,
    )
    ACT_TOO_LATE = Fatal(
        37,
        "the act came too late",
        "It stays on record and changes nothing: what was decided stands. A charge that came of it "
        "can be given back with `tollgate care refund`.",
        Supervisor.NOBODY,
    )
    NOT_DRAINED = Fatal(
        39,
        "the simulated world was not answered in full",
        "Check that a worker runs with the same settings, and its log.",
        Supervisor.NOBODY,
    )
    LAW_BROKEN = Fatal(
        40,
        "the auditor found a law broken",
        "Keep the folder it names and report it: nothing that was produced may be trusted.",
        Supervisor.NOBODY,
    )
    HISTORY_INCOMPLETE = Fatal(
        41,
        "the history is not all there",
        "What is gone cannot be judged. Restore it, or read it from an archive; what was checked "
        "without it is said.",
        Supervisor.NOBODY,
    )
    HISTORY_BROKEN = Fatal(
        42,
        "the history does not hold",
        "Keep the topics as they are and report it: a record is not what was decided on or sent.",
        Supervisor.NOBODY,
    )
    ANCHORS_REFUSED = Fatal(
        43,
        "the signed heads cannot be used",
        "Take the file and the key from where they are kept safe: the topics were not judged.",
        Supervisor.NOBODY,
    )

    @property
    def exit_code(self) -> int:
        """What the process ends with."""
        return self.value.exit_code

    @property
    def supervisor(self) -> Supervisor:
        """What the supervisor of a worker does then."""
        return self.value.supervisor


class Stop(Exception):
    """An end with a cause: `detail` says what and where; `advice`, if given, fits better."""

    def __init__(self, cause: Cause, detail: str, advice: str | None = None) -> None:
        super().__init__(cause, detail, advice)
        self.cause = cause
        self.detail = detail
        self.advice = advice or cause.value.advice

    def __str__(self) -> str:
        """What was wrong, where, and what to do: all that is printed."""
        sentence = self.cause.value.sentence
        gap = "" if self.detail.startswith("\n") else " "
        return f"{sentence[0].upper()}{sentence[1:]}:{gap}{self.detail}\n{self.advice}"
