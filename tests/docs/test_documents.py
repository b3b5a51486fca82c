"""What the documents name exists, and what they tabulate is what the code has."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from streams.audit.laws import LAWS
from streams.cli.main import tollgate
from streams.errors import Cause
from streams.setting_rows import CONFIG_FILE
from streams.settings import table
from tests.docs import tables

ROOT = Path(__file__).resolve().parents[2]
TEXTS = {
    name: (ROOT / name).read_text("utf-8")
    for name in (
        "README.md",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "deploy/reasons.md",
        "deploy/stopping.md",
    )
}
ENDINGS = ("avsc", "example", "json", "lock", "md", "py", "service", "toml", "txt", "yaml")
# Made when it runs, not kept in the repository.
MADE = {"data/demo", "build/bench.md", "build/chaos.md"}

every_document = pytest.mark.parametrize("name", TEXTS)


def code_of(text: str) -> Iterator[str]:
    """Everything that a document marks as code: spans, fenced blocks, indented lines."""
    yield from re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    text = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    yield from re.findall(r"`([^`\n]+)`", text)
    yield from re.findall(r"^(?: {4}| {7})(\S.*)$", text, re.MULTILINE)


def paths_of(text: str) -> Iterator[str]:
    """The files and folders of the repository that a document names as code."""
    for span in re.findall(r"`([^`\n]+)`", text):
        is_file = span.rpartition(".")[2] in ENDINGS and "/" in span
        is_folder = re.fullmatch(r"(streams|tests|schemas|deploy)(/\w+)*", span)
        if is_file or is_folder or span in ("pyproject.toml", "LICENSE"):
            yield span


def slug(heading: str) -> str:
    """A heading's anchor, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@every_document
def test_every_path_named_exists(name: str) -> None:
    """Files and folders that a document names are there."""
    missing = [
        path for path in paths_of(TEXTS[name]) if path not in MADE and not (ROOT / path).exists()
    ]
    assert missing == []


@every_document
def test_every_link_leads_somewhere(name: str) -> None:
    """Links lead to files of the repository and to headings that are there."""
    for target in re.findall(r"\]\(([^)\s]+)\)", TEXTS[name]):
        file, _, anchor = target.partition("#")
        path = (ROOT / name).parent / file
        assert not file or path.is_file(), target
        text = path.read_text("utf-8") if file else TEXTS[name]
        headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
        assert not anchor or anchor in {slug(heading) for heading in headings}, target


def test_the_contents_of_the_architecture_are_its_sections() -> None:
    """The list at its head links every section, in order."""
    text = TEXTS["ARCHITECTURE.md"]
    linked = re.findall(r"\]\(#(\d[^)]*)\)", text)
    assert linked == [slug(heading) for heading in re.findall(r"^## (.*)$", text, re.MULTILINE)]


def commands_of(text: str) -> Iterator[list[str]]:
    """Every `tollgate …` that stands as code, as its words."""
    for code in code_of(text):
        for line in code.splitlines():
            found = re.search(r"(?:^|[ /])tollgate((?: +[^ #]+)*)", line.strip())
            if found and not line.strip().startswith("docker"):
                yield found[1].split()


@every_document
def test_every_command_named_exists(name: str) -> None:
    """Commands, subcommands and options stand in the program under that name."""
    for words in commands_of(TEXTS[name]):
        command: click.Command = tollgate
        for word in words:
            if word.startswith("-") and word != "-":
                options = [option for each in command.params for option in each.opts]
                options.append("--help")  # every command's, and none of its own
                assert word.partition("=")[0] in options, f"tollgate {' '.join(words)}"
            elif isinstance(command, click.Group):
                assert word in command.commands, f"tollgate {' '.join(words)}"
                command = command.commands[word]
            else:
                break  # its arguments


def test_every_command_is_in_the_readme() -> None:
    """The README's table has every command of the program, in words of its own."""
    told = re.findall(r"^\| `tollgate ([\w ]+)` \|", TEXTS["README.md"], re.MULTILINE)
    there = []
    for name, command in tollgate.commands.items():
        if isinstance(command, click.Group):
            there += [f"{name} {each}" for each in command.commands]
        else:
            there.append(name)
    assert sorted(told) == sorted(there)


@every_document
def test_every_make_target_named_exists(name: str) -> None:
    """What a document tells to make can be made."""
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    told = {word for code in code_of(TEXTS[name]) for word in re.findall(r"\bmake ([\w-]+)", code)}
    assert told <= targets


@every_document
def test_every_setting_named_exists(name: str) -> None:
    """No document mentions a setting that is not in the table (a family ends with a star)."""
    known = {setting for setting, _, _ in table()} | {CONFIG_FILE}
    assert set(re.findall(r"TOLLGATE_[A-Z_]*[A-Z](?![A-Z_]*\*)", TEXTS[name])) <= known


@every_document
def test_every_table_is_as_the_code_has_it(name: str) -> None:
    """Tables that are made from the code are up to date: python -m tests.docs.tables."""
    assert tables.renewed(TEXTS[name]) == TEXTS[name]


def test_every_table_of_contents_has_its_place() -> None:
    """Topics, fields, rows, life, reasons, settings, metrics, exit codes: each stands once."""
    placed = re.findall(r"<!-- table: (\w+) -->", "".join(TEXTS.values()))
    assert sorted(placed) == sorted(tables.TABLES)


def test_every_function_named_in_the_walk_exists() -> None:
    """Names in brackets beside a file are functions of that file."""
    text = re.sub(r"\s+", " ", TEXTS["ARCHITECTURE.md"])
    found = re.findall(r"`(streams/[\w/]+\.py)`,? (?:enters |as )?\[((?:`\w+`(?:, )?)+)\]", text)
    assert len(found) >= 10
    for path, functions in found:
        source = (ROOT / path).read_text("utf-8")
        for function in re.findall(r"`(\w+)`", functions):
            assert re.search(rf"def {function}\(", source), f"{path}: {function}"


def test_every_law_has_its_row() -> None:
    """The table of laws has the twelve of the auditor, in order, each held by tests that exist."""
    rows = re.findall(
        r"^\| (\d+) [A-Z][^|]*\|[^|]*\|[^|]*\|([^|]*)\|$", TEXTS["ARCHITECTURE.md"], re.MULTILINE
    )
    assert [int(number) for number, _ in rows] == [law.number for law in LAWS]
    for number, held_by in rows:
        assert re.findall(r"`tests/[\w/]+\.py`", held_by), f"law {number}"


def test_tables_of_the_gate_are_those_that_are_declared() -> None:
    """The tables of state in the document have the names and prefixes that job.py declares."""
    told = re.findall(r"^\| `([a-z]+)` \| `([a-z])` \|", TEXTS["ARCHITECTURE.md"], re.MULTILINE)
    source = (ROOT / "streams/job.py").read_text("utf-8")
    assert told == re.findall(r'(?:table|seen)\(\s*"(\w+)",\s*b"(\w)"', source)


def test_design_notes_are_numbered_without_holes() -> None:
    """A design note keeps its number; the next one gets the next."""
    notes = re.findall(r"^\*\*(\d+)\. ", TEXTS["ARCHITECTURE.md"], re.MULTILINE)
    assert [int(number) for number in notes] == list(range(1, len(notes) + 1))


def test_the_changelog_begins_with_this_version() -> None:
    """The newest entry is the version of the project."""
    version = re.search(r'^version = "(.*)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    newest = re.search(r"^## (\S+)", TEXTS["CHANGELOG.md"], re.MULTILINE)
    assert version is not None
    assert newest is not None
    assert newest[1] == version[1]


def test_every_restart_code_of_the_unit_is_one_that_can_help() -> None:
    """What ARCHITECTURE says may be started again is what the systemd unit starts again."""
    unit = (ROOT / "deploy/tollgate-worker@.service").read_text("utf-8")
    [codes] = re.findall(r"^RestartForceExitStatus=(.*)$", unit, re.MULTILINE)
    told = {int(code) for code in codes.split() if code.isdigit()}
    assert told == {cause.exit_code for cause in Cause if cause.value.restart}
