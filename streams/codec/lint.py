"""What Avro's own compatibility rules let through and a biller would not.

Avro compares shapes. A price whose scale moves, a time whose unit moves, a field that came back
under another name: all compatible, all wrong amounts. Each function here gives sentences, each
with the path of the field; an empty answer is the good one.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from streams.codec.schema import (
    NO_DEFAULT,
    Array,
    Enum,
    Field,
    Fixed,
    Map,
    Node,
    Primitive,
    Record,
    Union,
    short,
)
from streams.codec.strict import DEPTH_MAX

_UNIT = re.compile(
    r"\b(nanoseconds?|microseconds?|milliseconds?|seconds?|minutes?|hours?|days?|weeks?|months?"
    r"|bytes?|bits?|minor units?|points|per ?cent|utc|iso \d+|e\.164|local)\b",
    re.IGNORECASE,
)
_UNIT_SUFFIX = re.compile(r"_(ns|us|ms|s|days|minor|at|bytes|per_second)(?=_|$)")
_UPPER_CASE = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")


class Flaw(NamedTuple):
    """One thing that is wrong, and where."""

    path: str
    sentence: str


def structure_flaws(root: Node, path: str = "", depth: int = 0) -> Iterator[Flaw]:
    """Rules for every schema by itself: enums in UPPER_CASE with an UNKNOWN default."""
    path = path or _name(root)
    if isinstance(root, Enum):
        for symbol in root.symbols:
            if not _UPPER_CASE.fullmatch(symbol):
                yield Flaw(path, f"symbol {symbol} must be UPPER_CASE.")
        if root.default != "UNKNOWN" or "UNKNOWN" not in root.symbols:
            yield Flaw(path, "an enum needs the symbol UNKNOWN as its default.")
    if depth < DEPTH_MAX:
        for step, child in _children(root):
            yield from structure_flaws(child, path + step, depth + 1)


def change_flaws(old: Node, new: Node, path: str = "", depth: int = 0) -> Iterator[Flaw]:
    """What must not have changed from a released schema to the current one."""
    path = path or _name(new)
    if depth > DEPTH_MAX:
        return
    match old, new:
        case (Primitive() | Fixed(), Primitive() | Fixed()) if old.logical != new.logical:
            yield Flaw(path, f"the logical type changed from {old.logical} to {new.logical}.")
        case Enum(), Enum():
            yield from _enum_flaws(old, new, path)
        case Record(), Record():
            yield from _record_flaws(old, new, path, depth)
        case Array(), Array():
            yield from change_flaws(old.items, new.items, f"{path}[]", depth + 1)
        case Map(), Map():
            yield from change_flaws(old.values, new.values, f"{path}{{}}", depth + 1)
        case Union(), Union():
            for before, after in _same_branches(old, new):
                yield from change_flaws(before, after, path, depth + 1)
    names = [node.name for node in (old, new) if isinstance(node, Record | Enum | Fixed)]
    if len(names) == 2 and names[0] != names[1]:
        yield Flaw(path, f"the type's name changed from {names[0]} to {names[1]}.")


def _enum_flaws(old: Enum, new: Enum, path: str) -> Iterator[Flaw]:
    for symbol in old.symbols:
        if symbol not in new.symbols:
            yield Flaw(path, f"symbol {symbol} was removed; records that hold it still exist.")
    if old.default != new.default:
        yield Flaw(path, f"the enum's default changed from {old.default} to {new.default}.")


def _record_flaws(old: Record, new: Record, path: str, depth: int) -> Iterator[Flaw]:
    before = {field.name: field for field in old.fields}
    pairs = [(_ancestor(field, before), field) for field in new.fields]
    kept = {ancestor.name for ancestor, _ in pairs if ancestor is not None}
    gone = [field for field in old.fields if field.name not in kept]
    for ancestor, field in pairs:
        where = f"{path}.{field.name}"
        if ancestor is None:
            yield from _new_field_flaws(field, gone, where)
            continue
        yield from _unit_flaws(ancestor, field, where)
        if field.default != ancestor.default:
            yield Flaw(where, "the field's default changed; old records would say something else.")
        yield from change_flaws(ancestor.type, field.type, where, depth + 1)


def _ancestor(field: Field, before: dict[str, Field]) -> Field | None:
    names = (field.name, *field.aliases)
    return next((before[name] for name in names if name in before), None)


def _new_field_flaws(field: Field, gone: list[Field], path: str) -> Iterator[Flaw]:
    if field.default is NO_DEFAULT:
        yield Flaw(path, "a new field needs a default, or old records cannot be read.")
    for other in gone:
        if _shape(other.type) == _shape(field.type):
            yield Flaw(
                path,
                f"{other.name} is gone and {field.name} of the same type is new; if it was renamed,"
                f' say "aliases": ["{other.name}"], otherwise change one at a time.',
            )


def _unit_flaws(old: Field, new: Field, path: str) -> Iterator[Flaw]:
    before, after = _units(old.doc), _units(new.doc)
    if before and before != after:
        yield Flaw(
            path,
            f"the stated unit changed from {', '.join(sorted(before))} to"
            f" {', '.join(sorted(after)) or 'none'}.",
        )
    suffixes = _UNIT_SUFFIX.findall(old.name), _UNIT_SUFFIX.findall(new.name)
    if suffixes[0] != suffixes[1]:
        yield Flaw(path, f"renamed from {old.name}: the unit in the name changed.")


def _units(doc: str) -> set[str]:
    return {word.lower().rstrip("s") for word in _UNIT.findall(doc)}


def _same_branches(old: Union, new: Union) -> Iterator[tuple[Node, Node]]:
    """Branches of one type, and those left over, which may be the same under another name."""
    left = list(new.branches)
    changed = []
    for before in old.branches:
        same = next((after for after in left if _shape(before) == _shape(after)), None)
        if same is None:
            changed.append(before)
        else:
            left.remove(same)
            yield before, same
    yield from zip(changed, left, strict=False)


def _shape(node: Node) -> str:
    """A type without logical type, name's namespace and content: what a rename would keep."""
    match node:
        case Primitive(kind):
            return kind
        case Union():
            return "|".join(_shape(branch) for branch in node.branches)
        case Array():
            return f"{_shape(node.items)}[]"
        case Map():
            return f"{_shape(node.values)}{{}}"
    return short(node.name)


def _children(node: Node) -> Iterator[tuple[str, Node]]:
    match node:
        case Record():
            yield from ((f".{field.name}", field.type) for field in node.fields)
        case Union():
            yield from (("", branch) for branch in node.branches)
        case Array():
            yield "[]", node.items
        case Map():
            yield "{}", node.values


def _name(node: Node) -> str:
    return short(node.name) if isinstance(node, Record | Enum | Fixed) else _shape(node)
