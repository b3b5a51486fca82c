"""Whether changes may be written: judged against the topics, with the lines of the file."""

from collections.abc import Iterator, Sequence

from streams.gate.catalogue import Catalogue
from streams.gate.policy import PolicyInForce
from streams.gate.reference import Policy, Service
from streams.reference.changes import Change
from streams.reference.file import ReferenceFile, template_place
from streams.reference.problems import Problem
from streams.reference.records import id_of
from streams.reference.shapes import instant_text
from streams.reference.source import Place
from streams.reference.templates import can_be_measured, length_fault, spoken


def problems_of(
    file: ReferenceFile, pending: Sequence[Change], catalogue: Catalogue, decided: int | None
) -> list[Problem]:
    """Why these changes may not be written. The catalogue holds what stands on the topics; what of
    the changes it takes is in it afterwards.
    """
    problems = [*_too_early(file, pending, decided), *_not_taken(file, pending, catalogue)]
    return problems or list(_too_long(file, pending, catalogue, decided))


def _too_early(
    file: ReferenceFile, pending: Sequence[Change], decided: int | None
) -> Iterator[Problem]:
    if decided is None:
        return
    for change in pending:
        start = getattr(change.record, "effective_from", None)
        if start is not None and start <= decided:
            what = (
                f"{id_of(change.record)} would take effect at {instant_text(start)}, but what came"
                f" until {instant_text(decided)} has been decided"
            )
            remedy = "give it a later instant, or `now`"
            yield file.problem((*_place(change), "effective_from"), what, remedy)


def _not_taken(
    file: ReferenceFile, pending: Sequence[Change], catalogue: Catalogue
) -> Iterator[Problem]:
    for change in pending:
        if sentence := catalogue.fold(change.topic, change.record):
            yield file.problem(_place(change), sentence, "correct it: the gate would not take it")


def _too_long(
    file: ReferenceFile, pending: Sequence[Change], catalogue: Catalogue, decided: int | None
) -> Iterator[Problem]:
    """A prompt may be made of a policy in the file and a service that is not, or of their like."""
    for policy in _in_force_or_to_come(catalogue, decided):
        for language in spoken(policy.record):
            if not can_be_measured(policy.record, language):
                continue
            services = catalogue.services.values()
            fault = length_fault(policy.record, catalogue.providers, services, language)
            if fault is None:
                continue
            place = _to_blame(pending, policy.record, fault.service, language)
            if place is not None:
                what = f"the {language} prompt of policy {policy.policy_id} {fault.what}"
                yield file.problem(place, what, fault.remedy)


def _in_force_or_to_come(catalogue: Catalogue, decided: int | None) -> list[PolicyInForce]:
    in_force = catalogue.policy_at(decided) if decided is not None else None
    start = in_force.effective_from if in_force else 0
    return [policy for policy in catalogue.policies.values() if policy.effective_from >= start]


def _to_blame(
    pending: Sequence[Change], policy: Policy, service: Service, language: str
) -> Place | None:
    """The place of the change that made the prompt too long; none when none of them did."""
    parts = (
        ("policies.v1", policy.policy_id),
        ("services.v1", service.service_id),
        ("providers.v1", service.provider_id),
    )
    changed = {(change.topic, id_of(change.record)): change for change in pending}
    change = next((changed[part] for part in parts if part in changed), None)
    if change is None:
        return None
    if isinstance(change.record, Policy):
        return template_place(_place(change), change.record, language)
    return _place(change)


def _place(change: Change) -> Place:
    assert change.draft is not None, "only what the file names is written"
    return change.draft.place
