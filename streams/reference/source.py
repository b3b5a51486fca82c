"""A YAML file as plain values that remember their lines.

Only what YAML 1.2 calls the core schema is read: `true`, `false`, `null`, whole numbers, and text.
PyYAML's own YAML 1.1 would read the confirmation OFF as false and the reply word NO as false too.
"""

import re
from pathlib import Path
from typing import NamedTuple, TypeAlias

import yaml

from streams.reference.problems import Problem, Refused

Place: TypeAlias = tuple[str | int, ...]  # keys and indexes from the top of the file
Plain: TypeAlias = "bool | int | str | list[Plain] | dict[str, Plain] | None"

_BYTES_MAX = 4 * 1024 * 1024  # thousands of services; more is a wrong file
_DEPTH_MAX = 12  # the deepest place of a reference file has six steps
_PLACES_MAX = 200_000  # aliases of aliases grow without limit in a short file


class _CoreLoader(yaml.SafeLoader):
    """PyYAML's loader with the scalars of YAML 1.2's core schema."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 (the name and its type are PyYAML's)


_CoreLoader.add_implicit_resolver(
    "tag:yaml.org,2002:null", re.compile(r"^(?:~|null|)$"), ["~", "n", ""]
)
_CoreLoader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf")
)
_CoreLoader.add_implicit_resolver(
    # A leading zero makes it text: 0000 is a word that subscribers send, not a number.
    "tag:yaml.org,2002:int",
    re.compile(r"^-?(?:0|[1-9][0-9]*)$"),
    list("-0123456789"),
)


class Source(NamedTuple):
    """The file's values, and the line of each place in them."""

    name: str  # the path as the author gave it
    tree: dict[str, Plain]
    lines: dict[Place, int]

    def line(self, place: Place) -> int:
        """The line of a place, or of the nearest place around it."""
        while place not in self.lines:
            place = place[:-1]
        return self.lines[place]

    def problem(self, place: Place, what: str, remedy: str) -> Problem:
        """Something wrong at that place."""
        return Problem(self.name, self.line(place), what, remedy)


def read_source(path: Path) -> Source:
    """Read a YAML file whose top is a mapping, or raise Refused."""
    name = str(path)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        remedy = "name a reference file that can be read"
        raise Refused([Problem(name, 1, f"cannot be read ({error.strerror})", remedy)]) from error
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise Refused([Problem(name, line, "is not UTF-8 text", "save it as UTF-8")]) from error
    return parse_source(text, name)


def parse_source(text: str, name: str) -> Source:
    """Parse YAML text whose top is a mapping, or raise Refused with every fault of its form."""
    if len(text) > _BYTES_MAX:
        what = f"is longer than {_BYTES_MAX} characters"
        raise Refused([Problem(name, 1, what, "split it into several files")])
    try:
        top = yaml.compose(text, _CoreLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = f"is not YAML ({error.problem or error.context})"
        remedy = "correct the indentation or the quotes there"
        raise Refused([Problem(name, mark.line + 1 if mark else 1, what, remedy)]) from error
    except yaml.YAMLError as error:
        raise Refused([Problem(name, 1, f"is not YAML ({error})", "save it as text")]) from error
    if not isinstance(top, yaml.MappingNode):
        remedy = "start with provinces:, providers:, services:, policies: and so on"
        raise Refused([Problem(name, 1, "holds no sections", remedy)])
    reader = _Reader(name)
    tree = reader.mapping(top, ())
    if reader.problems:
        raise Refused(reader.problems)
    return Source(name, tree, reader.lines)


class _Reader:
    """Turns composed nodes into plain values, noting lines and faults on the way."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: dict[Place, int] = {(): 1}
        self.problems: list[Problem] = []

    def mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Plain]:
        plain: dict[str, Plain] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self.fault(key_node, "a key is not a plain word", "write it as name: value")
                continue
            key = key_node.value
            if key in plain:
                self.fault(key_node, f"{key} is given twice", "keep one of them")
                continue
            self.lines[(*place, key)] = key_node.start_mark.line + 1
            plain[key] = self.value(value_node, (*place, key))
        return plain

    def value(self, node: yaml.Node, place: Place) -> Plain:
        if len(place) > _DEPTH_MAX:
            self.fault(node, "is nested too deep", "an alias must not contain itself")
            return None
        if len(self.lines) > _PLACES_MAX:
            what = f"holds more than {_PLACES_MAX} values, aliases included"
            raise Refused([Problem(self.name, 1, what, "split it into several files")])
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, place)
        if isinstance(node, yaml.SequenceNode):
            elements: list[Plain] = []
            for index, element in enumerate(node.value):
                self.lines[(*place, index)] = element.start_mark.line + 1
                elements.append(self.value(element, (*place, index)))
            return elements
        return self.scalar(node)

    def scalar(self, node: yaml.Node) -> Plain:
        text: str = node.value
        match node.tag.removeprefix("tag:yaml.org,2002:"):
            case "null":
                return None
            case "bool":
                return text == "true"
            case "int" if len(text) <= 20:  # longer than any 64-bit number
                return int(text)
            case "str" | "int":
                return text
            case _:
                self.fault(node, f"the tag {node.tag} is not known here", "write plain text")
                return None

    def fault(self, node: yaml.Node, what: str, remedy: str) -> None:
        self.problems.append(Problem(self.name, node.start_mark.line + 1, what, remedy))
