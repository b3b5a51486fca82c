"""What a file means for the ids it names and for those it does not."""

import secrets
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from streams import topics
from streams.gate.reference import CreditChange, Gateway, Policy, Provider, Service
from streams.reference.differences import differences, is_same
from streams.reference.file import ReferenceFile
from streams.reference.records import Draft, Record, Written, id_of

_CODE_KEY_BYTES = 16

# How an operator stops what stands on a topic, since nothing is deleted.
_HOW_TO_STOP = {
    topics.PROVIDERS: "to stop it, list it with status: SUSPENDED",
    topics.SERVICES: "to stop selling it, list it with status: WITHDRAWN",
    topics.CREDITS: "to correct it, add a change of its own",
    topics.POLICIES: "to end it, add a policy that takes effect later",
    topics.GATEWAYS: "to change it, list it with other capacities",
}


class Kind(Enum):
    """What happens to an id; the values are the marks in front of its line."""

    ADDED = "+"
    CHANGED = "~"
    UNCHANGED = "="
    STAYS = "!"  # on the topic, not in the file


class Change(NamedTuple):
    """What the file means for one id."""

    kind: Kind
    topic: str  # catalogue name, without prefix
    record: Record  # as it is to be written; as it stands where nothing is
    differences: tuple[str, ...] = ()
    draft: Draft | None = None  # none where the file does not name the id

    @property
    def is_pending(self) -> bool:
        """Whether there is something to write."""
        return self.kind in (Kind.ADDED, Kind.CHANGED)

    def __str__(self) -> str:
        line = f"{self.kind.value} {self.topic} {id_of(self.record)}"
        if self.kind is Kind.STAYS:
            return f"{line}: not in the file, so it stays; {_HOW_TO_STOP[self.topic]}"
        return line + (f": {'; '.join(self.differences)}" if self.differences else "")


class Signature(NamedTuple):
    """Who changes reference data, and why."""

    by: str
    reason: str


def compare(
    file: ReferenceFile, latest: dict[tuple[str, str], Record], now: int, signature: Signature
) -> Iterator[Change]:
    """The change of each id: first those of the file, then those that are only on the topics."""
    named = set()
    for draft in file.drafts:
        place = (draft.topic, id_of(draft.record))
        named.add(place)
        before = latest.get(place)
        if before is None:
            written = _first(_starting(draft.record, now) if draft.at_now else draft.record)
            yield Change(Kind.ADDED, draft.topic, _signed(written, signature), draft=draft)
            continue
        assert isinstance(before, type(draft.record)), "a topic has one type of record"
        yield _change(draft, before, now, signature)
    for (topic, record_id), record in latest.items():
        if topic in _HOW_TO_STOP and (topic, record_id) not in named:
            yield Change(Kind.STAYS, topic, record)


def _change(draft: Draft, before: Written, now: int, signature: Signature) -> Change:
    record = draft.record
    if draft.at_now:
        # Once applied, `now` is the instant it then was: applying again changes nothing.
        record = _starting(record, getattr(before, "effective_from", now))
    if is_same(before, record):
        return Change(Kind.UNCHANGED, draft.topic, before, draft=draft)
    record = _next(before, _starting(record, now) if draft.at_now else record)
    found = tuple(differences(before, record))
    return Change(Kind.CHANGED, draft.topic, _signed(record, signature), found, draft)


def _starting(record: Written, at: int) -> Written:
    match record:
        case CreditChange() | Policy() | Gateway():
            return record._replace(effective_from=at)
        case Provider() | Service():
            return record


def _first(record: Written) -> Written:
    record = record._replace(version=1)
    if isinstance(record, Policy):
        return record._replace(code_key=secrets.token_bytes(_CODE_KEY_BYTES))
    return record


def _next(before: Written, record: Written) -> Written:
    record = record._replace(version=before.version + 1)
    if isinstance(record, Policy) and isinstance(before, Policy):
        # Codes in prompts that are out there must still be understood.
        return record._replace(code_key=before.code_key)
    return record


def _signed(record: Written, signature: Signature) -> Written:
    return record._replace(changed_by=signature.by, reason=signature.reason)
