"""A reference file cut into its sections: entries of the right shape, each with its place.

A faulty entry is left out and its faults are told; the others go on, so that one pass finds all.
Its id is still known, so that nothing that names it is called dangling.
"""

from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from streams.reference.problems import Problem, choose_from
from streams.reference.shapes import (
    CreditEntry,
    GatewayEntry,
    KeywordEntry,
    LanguageEntry,
    NamesEntry,
    PolicyEntry,
    ProviderEntry,
    ProvinceEntry,
    ReplyWordsEntry,
    RuleEntry,
    ServiceEntry,
    SpendLimitEntry,
    TemplateEntry,
    span_text,
)
from streams.reference.source import Place, Source

E = TypeVar("E", bound=BaseModel)

REASON = "reason"
SECTIONS = ("provinces", "providers", "credits", "services", "policies", "gateways")

# The entries within entries, by the field that holds them.
_WITHIN: dict[str, type[BaseModel]] = {
    "name": NamesEntry,
    "languages": LanguageEntry,
    "templates": TemplateEntry,
    "reply_words": ReplyWordsEntry,
    "keywords": KeywordEntry,
    "spend_limits": SpendLimitEntry,
    "rules": RuleEntry,
}

_REMEDIES = {
    "int_type": "write a whole number",
    "string_type": "write text, in quotes if need be",
    "bool_type": "write true or false",
    "list_type": "write a list: [one, other]",
    "model_type": "write its fields, as name: value",
}


class Placed(NamedTuple, Generic[E]):
    """An entry and where it stands in the file."""

    place: Place
    entry: E


@dataclass(slots=True)
class Sections:
    """What a file says, section by section; `ids` also holds those of faulty entries."""

    source: Source
    reason: str = ""
    provinces: list[Placed[ProvinceEntry]] = field(default_factory=list)
    providers: list[Placed[ProviderEntry]] = field(default_factory=list)
    credits: list[Placed[CreditEntry]] = field(default_factory=list)
    services: list[Placed[ServiceEntry]] = field(default_factory=list)
    policies: list[Placed[PolicyEntry]] = field(default_factory=list)
    gateways: list[Placed[GatewayEntry]] = field(default_factory=list)
    ids: dict[str, set[str]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    faulty: set[Place] = field(default_factory=set)  # entries with problems

    def problem(self, place: Place, what: str, remedy: str) -> None:
        """Note something wrong at that place."""
        self.problems.append(self.source.problem(place, what, remedy))
        self.faulty.add(place[:2])  # the section and the entry's number in it


def cut(source: Source) -> Sections:
    """The sections of a source, with every fault of shape and every repeated id noted."""
    sections = Sections(source)
    for key in source.tree:
        if key != REASON and key not in SECTIONS:
            remedy = choose_from(key, (*SECTIONS, REASON))
            sections.problem((key,), f"there is no section {key}", remedy)
    reason = source.tree.get(REASON, "")
    if isinstance(reason, str):
        sections.reason = reason
    else:
        sections.problem((REASON,), "reason is not text", "say in words why this is changed")
    sections.provinces = _entries(sections, "provinces", ProvinceEntry, "province")
    sections.providers = _entries(sections, "providers", ProviderEntry, "provider_id")
    sections.credits = _entries(sections, "credits", CreditEntry, "change_id")
    sections.services = _entries(sections, "services", ServiceEntry, "service_id")
    sections.policies = _entries(sections, "policies", PolicyEntry, "policy_id")
    sections.gateways = _entries(sections, "gateways", GatewayEntry, "province")
    return sections


def _entries(sections: Sections, name: str, shape: type[E], id_field: str) -> list[Placed[E]]:
    """The entries of a section that are of its shape."""
    listed = sections.source.tree.get(name) or []
    ids = sections.ids.setdefault(name, set())
    if not isinstance(listed, list):
        sections.problem((name,), f"{name} is not a list", "begin each entry with a dash")
        return []
    entries: list[Placed[E]] = []
    first_lines: dict[str, int] = {}
    for index, written in enumerate(listed):
        place: Place = (name, index)
        if isinstance(written, dict) and isinstance(written.get(id_field), str | int):
            written_id = str(written[id_field])
            ids.add(written_id)
            if written_id in first_lines:
                what = f"{id_field} {written_id} stands already in line {first_lines[written_id]}"
                sections.problem(
                    (*place, id_field), what, "keep one of them: a file makes one change to an id"
                )
            first_lines.setdefault(written_id, sections.source.line(place))
        try:
            entries.append(Placed(place, shape.model_validate(written)))
        except ValidationError as error:
            for details in error.errors(include_url=False):
                what, remedy = _sentence(shape, details)
                sections.problem((*place, *details["loc"]), what, remedy)
    return entries


def _sentence(shape: type[BaseModel], details: ErrorDetails) -> tuple[str, str]:
    """What pydantic found, for a person."""
    loc = details["loc"]
    named = [str(step) for step in loc if isinstance(step, str)]
    name = named[-1] if named else "the entry"
    context = details.get("ctx", {})
    match details["type"]:
        case "missing":
            return f"{name} is missing", "add it"
        case "extra_forbidden":
            within = [_WITHIN[step] for step in named[:-1] if step in _WITHIN]
            fields = (within[-1] if within else shape).model_fields
            return f"there is no field {name} here", choose_from(name, fields)
        case "shape":
            return f"{name}: {context['what']}", context["remedy"]
        case "greater_than_equal":
            return f"{name} is {details['input']}", f"write {_bound(details, 'ge')} or more"
        case "less_than_equal":
            return f"{name} is {details['input']}", f"write {_bound(details, 'le')} or less"
        case "too_short" | "string_too_short":
            return f"{name} is empty", "write at least one"
        case "too_long" | "string_too_long":
            return f"{name} is too long", f"{context['max_length']} is the limit"
        case kind:
            what = f"{name} is {details['input']!r}"
            return what, _REMEDIES.get(kind, details["msg"])


def _bound(details: ErrorDetails, kind: str) -> str:
    """A limit in the form in which the author wrote the value."""
    limit: int = details.get("ctx", {})[kind]
    return span_text(limit) if isinstance(details["input"], str) else str(limit)
