"""One reference file, read and judged as a whole: `load` gives a good one or says all its faults.

What stands on the topics is not asked here; `applying` does that.
"""

from pathlib import Path
from typing import NamedTuple

from streams.gate.catalogue import Catalogue
from streams.gate.reference import Policy, Provider, Service
from streams.reference.checks import check_entries
from streams.reference.lengths import too_long
from streams.reference.policies import check_policies
from streams.reference.problems import Problem, Refused
from streams.reference.records import Draft, drafts, policy_record
from streams.reference.sections import Placed, Sections, cut
from streams.reference.shapes import PolicyEntry
from streams.reference.source import Place, Source, parse_source, read_source
from streams.reference.templates import spoken, template_place
from streams.reference.texts import check_texts


class ReferenceFile(NamedTuple):
    """A file without fault: what it says about each id, in the order of the topics."""

    source: Source
    reason: str  # the file's own; empty when it gives none
    drafts: tuple[Draft, ...]

    def problem(self, place: Place, what: str, remedy: str) -> Problem:
        """Something that shows only against the topics."""
        return self.source.problem(place, what, remedy)


def load(path: Path) -> ReferenceFile:
    """The file, if nothing is wrong with it; otherwise Refused with every problem."""
    return judge(read_source(path))


def load_text(text: str, name: str) -> ReferenceFile:
    """The same for a file's text; `name` stands in its problems."""
    return judge(parse_source(text, name))


def judge(source: Source) -> ReferenceFile:
    """The source's records, or Refused with every problem of it."""
    sections = cut(source)
    check_entries(sections)
    check_policies(sections)
    written = tuple(drafts(sections))
    for placed in sections.policies:
        check_texts(sections, placed)
        _check_lengths(sections, placed, written)
    _check_by_folding(sections, written)
    if sections.problems:
        raise Refused(sections.problems)
    return ReferenceFile(source, sections.reason, written)


def with_lives(file: ReferenceFile, prompt_life_ms: int, grace_ms: int) -> ReferenceFile:
    """The same file with other lives of prompts and another grace: a demonstration has no time for
    minutes, and is otherwise to show the very policy that is shipped.
    """
    return file._replace(
        drafts=tuple(
            draft._replace(record=_live(draft.record, prompt_life_ms, grace_ms))
            if isinstance(draft.record, Policy)
            else draft
            for draft in file.drafts
        )
    )


def _live(policy: Policy, prompt_life_ms: int, grace_ms: int) -> Policy:
    return policy._replace(
        grace_ms=grace_ms,
        rules=tuple(
            rule._replace(prompt_life_ms=prompt_life_ms if rule.prompt_life_ms else 0)
            for rule in policy.rules
        ),
    )


def _check_lengths(
    sections: Sections, placed: Placed[PolicyEntry], written: tuple[Draft, ...]
) -> None:
    """Every message that the policy can send about the file's services fits."""
    place, policy = placed
    record = policy_record(policy)
    providers = {
        draft.record.provider_id: draft.record
        for draft in written
        if isinstance(draft.record, Provider)
    }
    services = [draft.record for draft in written if isinstance(draft.record, Service)]
    for language in spoken(record):
        for long in too_long(record, providers, services, language):
            at = template_place(place, record, long.kind, language)
            sections.problem(at, f"the {language} {long.sentence}", long.remedy)


def _check_by_folding(sections: Sections, written: tuple[Draft, ...]) -> None:
    """What the gate's catalogue finds besides, where nothing else was found before."""
    catalogue = Catalogue()
    for draft in written:
        fault = catalogue.fold(draft.topic, draft.record._replace(version=1))
        if fault and draft.place not in sections.faulty:
            sections.problem(draft.place, fault, "correct it: the gate would not take it")
