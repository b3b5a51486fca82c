"""What import contracts cannot see: clocks and chance in the gate, sizes, silence, words."""

import ast
import json
import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from streams.gate import words

ROOT = Path(__file__).resolve().parents[2]
STREAMS = ROOT / "streams"
FILES = {str(path.relative_to(ROOT)): path for path in sorted(STREAMS.rglob("*.py"))}
GATE = {name: path for name, path in FILES.items() if name.startswith("streams/gate/")}

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
# Files and functions that may be longer, each with its reason.
LONG_FILES: dict[str, str] = {}
LONG_FUNCTIONS: dict[str, str] = {}

# Names through which the gate could learn what nobody passed in, or tell what nobody asked.
WORLDLY_CALLS = {
    *("open", "print", "input", "exec", "eval", "compile", "__import__", "globals", "vars"),
    *("breakpoint", "hash", "id"),
}
WORLDLY_ATTRIBUTES = {
    *("now", "utcnow", "today", "environ", "getenv", "urandom", "uuid4", "token_bytes", "sleep"),
}

every_file = pytest.mark.parametrize("name", FILES)


def tree_of(name: str) -> ast.Module:
    return ast.parse(FILES[name].read_text("utf-8"))


def functions(name: str) -> Iterator[tuple[str, int]]:
    """Every function of a file, with its length in lines."""
    for node in ast.walk(tree_of(name)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield node.name, node.end_lineno - node.lineno + 1


@pytest.mark.parametrize("name", GATE)
def test_the_gate_asks_nobody(name: str) -> None:
    """The gate calls no clock, draws nothing, reads no environment or file, and does not wait."""
    for node in ast.walk(tree_of(name)):
        where = f"{name}:{getattr(node, 'lineno', 0)}"
        assert not isinstance(node, ast.Await | ast.AsyncFunctionDef | ast.AsyncFor), where
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in WORLDLY_CALLS, f"{where} calls {node.func.id}"
        if isinstance(node, ast.Attribute):
            assert node.attr not in WORLDLY_ATTRIBUTES, f"{where} uses {node.attr}"


@pytest.mark.parametrize("name", GATE)
def test_the_gate_keeps_nothing_between_decisions(name: str) -> None:
    """No function of the gate changes a name of its module: nothing is remembered on the side."""
    for node in ast.walk(tree_of(name)):
        assert not isinstance(node, ast.Global | ast.Nonlocal), f"{name}:{node.lineno}"


@every_file
def test_every_module_says_what_it_is_for(name: str) -> None:
    """Each module begins with a docstring, unless it is empty."""
    tree = tree_of(name)
    assert not tree.body or ast.get_docstring(tree), name


@every_file
def test_files_and_functions_fit_the_eye(name: str) -> None:
    """No file is longer than 400 lines, no function than 60, but those listed with a reason."""
    lines = len(FILES[name].read_text("utf-8").splitlines())
    assert lines <= FILE_LINES_MAX or name in LONG_FILES, f"{name} has {lines} lines"
    for function, length in functions(name):
        listed = f"{name}:{function}" in LONG_FUNCTIONS
        assert length <= FUNCTION_LINES_MAX or listed, f"{name}:{function} has {length} lines"


def test_what_is_listed_as_long_is_long() -> None:
    """An entry that is no longer needed goes."""
    for name in LONG_FILES:
        assert len(FILES[name].read_text("utf-8").splitlines()) > FILE_LINES_MAX
    for listed in LONG_FUNCTIONS:
        name, _, function = listed.partition(":")
        assert dict(functions(name))[function] > FUNCTION_LINES_MAX


@every_file
def test_no_error_is_swallowed(name: str) -> None:
    """Nothing catches every exception and goes on as if nothing had happened."""
    for node in ast.walk(tree_of(name)):
        if not isinstance(node, ast.ExceptHandler):
            continue
        caught = ast.unparse(node.type) if node.type is not None else "BaseException"
        if caught in {"Exception", "BaseException"}:
            silent = all(isinstance(line, ast.Pass | ast.Continue) for line in node.body)
            assert not silent, f"{name}:{node.lineno}"


@every_file
def test_nothing_is_left_for_later(name: str) -> None:
    """No note of unfinished work stands in the code."""
    marks = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    assert not marks.search(FILES[name].read_text("utf-8")), name


def enums_of(node: Any) -> Iterator[tuple[str, list[str], str]]:
    """Every enum of a schema: name, symbols, default."""
    if isinstance(node, dict):
        if node.get("type") == "enum":
            yield node["name"], node["symbols"], node["default"]
        for inside in node.values():
            yield from enums_of(inside)
    elif isinstance(node, list):
        for inside in node:
            yield from enums_of(inside)


def test_the_words_are_those_of_the_schemas() -> None:
    """Each enum has the schema's symbols in the schema's order, begins with the UNKNOWN default,
    and every enum of the words stands in some schema.
    """
    met = set()
    for path in sorted((ROOT / "schemas").rglob("*.avsc")):
        if path.parent.name == "released":
            continue
        for name, symbols, default in enums_of(json.loads(path.read_text("utf-8"))):
            enum = getattr(words, name)
            assert [member.value for member in enum] == symbols, f"{path.name}: {name}"
            assert default == symbols[0] == "UNKNOWN", f"{path.name}: {name}"
            met.add(name)
    ours = {
        name
        for name, each in vars(words).items()
        if isinstance(each, type) and issubclass(each, StrEnum) and each is not StrEnum
    }
    assert met == ours
