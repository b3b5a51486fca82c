"""What a file would change on the topics (`plan`), and changing it (`apply`).

Laws: plan writes nothing. Apply writes only what changed, each with the next version of its id,
all of it in one transaction or nothing; what the gate's catalogue would not take is refused before.
Nothing takes effect at or before an instant that has already been decided. Nothing is ever deleted.
"""

import getpass
import time
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from streams import provision
from streams.codec.classes import types_of
from streams.codec.codecs import Codecs
from streams.errors import Cause, Stop
from streams.gate import reference, words
from streams.reference.changes import Change, Kind, Signature, compare
from streams.reference.file import ReferenceFile, load
from streams.reference.log import Log, Writer
from streams.reference.permission import problems_of
from streams.reference.problems import Refused
from streams.reference.records import RECORD_TYPES, id_of
from streams.reference.standing import latest_decided, read_standing
from streams.settings import Settings

# `now` lies this far ahead, so that workers have read it when its instant comes.
_AHEAD_MS = 2000


class Result(NamedTuple):
    """What plan found or apply did; `text` is for people."""

    changes: tuple[Change, ...]
    notes: tuple[str, ...]  # records on the topics that are not in force, and why
    written: bool

    @property
    def pending(self) -> tuple[Change, ...]:
        """What apply writes."""
        return tuple(change for change in self.changes if change.is_pending)

    @property
    def text(self) -> str:
        """The difference, a line each, and what became of it."""
        lines = [str(change) for change in self.changes if change.kind is not Kind.UNCHANGED]
        unchanged = sum(change.kind is Kind.UNCHANGED for change in self.changes)
        notes = [f"  {note}" for note in self.notes]
        return "\n".join([*lines, f"= {unchanged} unchanged", *notes, self._end()])

    def _end(self) -> str:
        count = len(self.pending)
        if not count:
            return "Nothing to write."
        records = "1 record" if count == 1 else f"{count} records"
        if self.written:
            return f"{records} written in one transaction; workers take them with their next turn."
        return f"{records} to write; `tollgate reference apply` does it."


def plan(settings: Settings, path: Path, at: int | None = None) -> Result:
    """What applying the file would change; raises Refused or another Stop where apply would.

    `at`: the instant that `now` means (UTC, milliseconds), under simulated time and only then.
    """
    return plan_file(settings, load(path), at)


def apply(
    settings: Settings,
    path: Path,
    by: str | None = None,
    reason: str | None = None,
    at: int | None = None,
) -> Result:
    """Write what the file changes. `by` is the user of this process, `reason` the file's own, and
    `at` as in `plan`, unless given.
    """
    return apply_file(settings, load(path), by, reason, at)


def plan_file(settings: Settings, file: ReferenceFile, at: int | None = None) -> Result:
    """`plan` for a file that has been loaded."""
    partitions = provision.check(settings)
    codecs = _codecs(settings)
    return _compare(settings, codecs, partitions, file, at, Signature("", file.reason))


def apply_file(
    settings: Settings,
    file: ReferenceFile,
    by: str | None = None,
    reason: str | None = None,
    at: int | None = None,
) -> Result:
    """`apply` for a file that has been loaded."""
    signature = Signature(by or _user(), reason or file.reason)
    partitions = provision.check(settings)
    codecs = _codecs(settings)
    # First become the only one who may write: what is read afterwards stays as it is until the
    # transaction, or the transaction fails.
    writer = Writer(settings)
    result = _compare(settings, codecs, partitions, file, at, signature)
    if not result.pending:
        return result
    if not signature.reason.strip():
        detail = f"{file.source.name} changes reference data but nobody says why"
        raise Stop(
            Cause.REFERENCE_REFUSED, detail, "Give --reason, or write reason: into the file."
        )
    encoders = {name: codecs.encoder(name, kind) for name, kind in RECORD_TYPES.items()}
    # Encoded before the transaction begins, so that nothing but the broker can fail within it.
    records = [
        (
            settings.topic_prefix + change.topic,
            id_of(change.record).encode(),
            encoders[change.topic](change.record),
        )
        for change in result.pending
    ]
    writer.write(records)
    return result._replace(written=True)


def _codecs(settings: Settings) -> Codecs:
    types = types_of(words, reference)
    if settings.schema_registry_url:
        # Refused here when the registry has other ids for what is about to be written.
        return Codecs.from_registry(settings.schema_registry_url, settings.topic_prefix, types)
    return Codecs.from_repository(types)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError) as error:
        detail = "this process belongs to no named user, so nobody would sign the change"
        raise Stop(Cause.REFERENCE_REFUSED, detail, "Say who changes it with --by.") from error


def _compare(
    settings: Settings,
    codecs: Codecs,
    partitions: int,
    file: ReferenceFile,
    at: int | None,
    signature: Signature,
) -> Result:
    """The file against the topics; Refused when what it changes may not be."""
    with closing(Log(settings)) as log:
        standing = read_standing(settings, codecs, log)
        decided = latest_decided(settings, codecs, log, partitions)
    now = _now(settings, file, at, decided)
    changes = tuple(compare(file, standing.latest, now, signature))
    result = Result(changes, standing.notes, written=False)
    if problems := problems_of(file, result.pending, standing.catalogue, decided):
        raise Refused(problems)
    return result


def _now(settings: Settings, file: ReferenceFile, at: int | None, decided: int | None) -> int:
    """What `now` means in this file."""
    if at is not None and not settings.simulated_time:
        detail = "--at says what `now` is, but this gate follows the clock"
        advice = "Write the instant into the file, or set TOLLGATE_SIMULATED_TIME=true."
        raise Stop(Cause.REFERENCE_REFUSED, detail, advice)
    if at is not None:
        return at
    if settings.simulated_time and any(draft.at_now for draft in file.drafts):
        detail = f"{file.source.name} says `now`, and under simulated time no clock tells it"
        raise Stop(Cause.REFERENCE_REFUSED, detail, "Say which instant it is with --at.")
    return max(time.time_ns() // 1_000_000, decided or 0) + _AHEAD_MS
