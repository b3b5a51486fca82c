"""Puts a fault into a function: its source is changed, compiled, and its code exchanged.

The function object stays the same, so whoever holds it runs the broken code, wherever it was
imported; afterwards the code is the former again. No file is touched.
"""

import ast
import inspect
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import CodeType, FunctionType
from typing import Any, NamedTuple


class Planted(NamedTuple):
    """One fault."""

    name: str
    broken: str
    """What is wrong with it, in a sentence."""
    function: str
    """module:function or module:Class.method"""
    old: str
    new: str
    """Source, once in the function, and what stands there instead."""
    found_at: int
    """A seed that finds it."""
    within: int
    """Of so many seeds from 0 on, one must find it."""


def function_of(planted: Planted) -> FunctionType:
    module, _, path = planted.function.partition(":")
    found: Any = import_module(module)
    for name in path.split("."):
        found = inspect.getattr_static(found, name)
    if isinstance(found, staticmethod | classmethod):
        found = found.__func__
    assert isinstance(found, FunctionType), planted.function
    return found


def broken_code(planted: Planted, function: FunctionType) -> CodeType:
    """The function's code with the fault in it."""
    source = textwrap.dedent(inspect.getsource(function))
    assert source.count(planted.old) == 1, f"{planted.name}: its source is not there once"
    tree = ast.parse(source.replace(planted.old, planted.new))
    place: dict[str, Any] = {}
    exec(compile(tree, f"<{planted.name}>", "exec"), function.__globals__, place)  # noqa: S102  # our own source
    broken = place[function.__name__]
    code = (broken.__func__ if isinstance(broken, staticmethod | classmethod) else broken).__code__
    assert code.co_freevars == function.__code__.co_freevars
    assert isinstance(code, CodeType)
    return code


@contextmanager
def planted_in(planted: Planted) -> Iterator[None]:
    """While this is open, the fault is there."""
    function = function_of(planted)
    whole = function.__code__
    function.__code__ = broken_code(planted, function)
    try:
        yield
    finally:
        function.__code__ = whole
