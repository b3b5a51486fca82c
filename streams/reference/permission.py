"""Whether changes may be written: judged against the topics, with the lines of the file."""

from collections.abc import Iterator, Sequence

from streams.gate.catalogue import Catalogue
from streams.gate.policy import PolicyInForce
from streams.gate.reference import Policy
from streams.reference.changes import Change
from streams.reference.file import ReferenceFile
from streams.reference.lengths import TooLong, too_long
from streams.reference.problems import Problem
from streams.reference.records import id_of
from streams.reference.shapes import instant_text
from streams.reference.source import Place
from streams.reference.templates import spoken, template_place


def problems_of(
    file: ReferenceFile, pending: Sequence[Change], catalogue: Catalogue, decided: int | None
) -> list[Problem]:
    """Why these changes may not be written. The catalogue holds what stands on the topics; what of
    the changes it takes is in it afterwards.
    """
    early = [change for change in pending if _is_too_early(change, decided)]
    # What comes too early is told so and no more: with a later instant the rest may be well.
    in_time = [change for change in pending if change not in early]
    problems = [
        *(_too_early(file, change, decided) for change in early if decided is not None),
        *_not_taken(file, in_time, catalogue),
    ]
    return problems or list(_too_long(file, pending, catalogue, decided))


def _is_too_early(change: Change, decided: int | None) -> bool:
    start: int | None = getattr(change.record, "effective_from", None)
    return start is not None and decided is not None and start <= decided


def _too_early(file: ReferenceFile, change: Change, decided: int) -> Problem:
    start = instant_text(getattr(change.record, "effective_from", decided))
    what = (
        f"{id_of(change.record)} would take effect at {start}, but what came until"
        f" {instant_text(decided)} has been decided"
    )
    remedy = "give it a later instant, or `now`"
    return file.problem((*_place(change), "effective_from"), what, remedy)


def _not_taken(
    file: ReferenceFile, pending: Sequence[Change], catalogue: Catalogue
) -> Iterator[Problem]:
    for change in pending:
        if sentence := catalogue.fold(change.topic, change.record):
            yield file.problem(_place(change), sentence, "correct it: the gate would not take it")


def _too_long(
    file: ReferenceFile, pending: Sequence[Change], catalogue: Catalogue, decided: int | None
) -> Iterator[Problem]:
    """A text may be made of a policy in the file and a service that is not, or of their like."""
    for policy in _in_force_or_to_come(catalogue, decided):
        for language in spoken(policy.record):
            services = catalogue.services.values()
            for long in too_long(policy.record, catalogue.providers, services, language):
                place = _to_blame(pending, policy.record, long, language)
                if place is not None:
                    what = f"the {language} {long.what_of(policy.policy_id)}"
                    yield file.problem(place, what, long.remedy)


def _in_force_or_to_come(catalogue: Catalogue, decided: int | None) -> list[PolicyInForce]:
    in_force = catalogue.policy_at(decided) if decided is not None else None
    start = in_force.effective_from if in_force else 0
    return [policy for policy in catalogue.policies.values() if policy.effective_from >= start]


def _to_blame(
    pending: Sequence[Change], policy: Policy, long: TooLong, language: str
) -> Place | None:
    """The place of the change that made a text too long; none when none of them did."""
    parts = [("policies.v1", policy.policy_id)]
    if long.service is not None:
        parts += [
            ("services.v1", long.service.service_id),
            ("providers.v1", long.service.provider_id),
        ]
    changed = {(change.topic, id_of(change.record)): change for change in pending}
    change = next((changed[part] for part in parts if part in changed), None)
    if change is None:
        return None
    if isinstance(change.record, Policy):
        return template_place(_place(change), change.record, long.kind, language)
    return _place(change)


def _place(change: Change) -> Place:
    assert change.draft is not None, "only what the file names is written"
    return change.draft.place
