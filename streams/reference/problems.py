"""What is wrong with a reference file: where, what, and what to do about it.

All problems of a file are collected and shown together, so that its author corrects it once.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import NamedTuple

from streams.errors import Cause, Stop


class Problem(NamedTuple):
    """One thing wrong, for a person with an editor open."""

    file: str
    line: int  # from 1
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}; {self.remedy}"


class Refused(Stop):
    """The file is not applied, and nothing was written; `problems` says why, in line order."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        # Two checks that find the same words at the same place are one problem to its author.
        self.problems = tuple(sorted(set(problems), key=lambda problem: (problem.line, *problem)))
        detail = "".join(f"\n  {problem}" for problem in self.problems)
        super().__init__(Cause.REFERENCE_REFUSED, detail)


def choose_from(word: str, known: Iterable[str]) -> str:
    """The remedy for a name that is not known: the nearest one, and otherwise what there is."""
    names = sorted(set(known))
    if near := get_close_matches(word, names, n=1, cutoff=0.6):
        return f"did you mean {near[0]}?"
    by_case = [name for name in names if name.casefold() == word.casefold()]
    if by_case:
        return f"did you mean {by_case[0]}?"
    shown_max = 12  # a screen's line of names is read, a page of them is not
    if not names:
        return "the file has none: add it"
    if len(names) <= shown_max:
        return f"use one of {', '.join(names)}"
    return f"use one of the {len(names)} known ones, such as {', '.join(names[:shown_max])}"
