"""The difference between what a file says and what stands on the topics, in words."""

from collections.abc import Iterator
from typing import Any

from streams.gate.reference import (
    KeywordWords,
    ProvinceLanguage,
    ReplyWords,
    Rule,
    SpendLimit,
    Template,
)
from streams.reference.records import Written
from streams.reference.shapes import instant_text, span_text

# Filled by apply, not by the author: no difference in them is a change.
_OURS = ("version", "changed_by", "reason", "code_key")


def is_same(before: Written, after: Written) -> bool:
    """Whether the author's part of two records is the same."""
    return next(differences(before, after), None) is None


def differences(before: Written, after: Written) -> Iterator[str]:
    """What changed, field by field, in the words of the file."""
    return _in_record("", before, after)


def _in_record(path: str, before: Any, after: Any) -> Iterator[str]:
    for field, old, new in zip(before._fields, before, after, strict=True):
        if old == new or (not path and field in _OURS):
            continue
        name = path + _written(field)
        if hasattr(new, "_fields"):
            yield from _in_record(f"{name}.", old, new)
        elif any(hasattr(each, "_fields") for each in (*_listed(old), *_listed(new))):
            yield from _in_list(name, old, new)
        else:
            yield f"{name}: {_shown(field, old)} → {_shown(field, new)}"


def _in_list(name: str, before: tuple[Any, ...], after: tuple[Any, ...]) -> Iterator[str]:
    """Elements are told apart by their names: one that moved is not one that changed."""
    old = {_label(each): each for each in before}
    new = {_label(each): each for each in after}
    for label in old.keys() - new.keys():
        yield f"{name}[{label}] removed"
    for label, each in new.items():
        if label not in old:
            yield f"{name}[{label}] added"
        elif each != old[label]:
            yield from _in_record(f"{name}[{label}].", old[label], each)
    kept_before = [label for label in old if label in new]
    kept_after = [label for label in new if label in old]
    if kept_before != kept_after:
        yield f"{name} in another order: {', '.join(new)}"
    elif len(old) != len(before) or len(new) != len(after):
        yield f"{name}: lists with the same heading changed"


def _label(element: Any) -> str:
    match element:
        case Rule():
            return element.name
        case Template():
            return f"{element.kind} {element.channel} {element.language}"
        case ReplyWords():
            return f"{element.answer} {element.channel}"
        case ProvinceLanguage():
            return element.province
        case SpendLimit():
            return element.currency
        case KeywordWords():
            return element.keyword.value
    raise AssertionError(f"{type(element).__name__} is in no list of a reference record")


def _listed(value: object) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else ()


def _written(field: str) -> str:
    """The field's name in the file: a span has its unit in the value."""
    return field.removesuffix("_ms")


def _shown(field: str, value: Any) -> str:
    """A value as the file writes it."""
    if value is None:
        return "none"
    if isinstance(value, tuple):
        return f"[{', '.join(_shown(field, each) for each in value)}]"
    if isinstance(value, bool):
        return str(value).lower()
    if field.endswith("_ms"):
        return span_text(value)
    if field in ("effective_from", "from_at", "until_at"):
        return instant_text(value)
    return str(value)
