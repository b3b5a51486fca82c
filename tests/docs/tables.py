"""The tables of the documents, made from the code's own tables of contents.

    .venv/bin/python -m tests.docs.tables        writes them into the documents anew

A document marks the place of each: `<!-- table: reasons -->` and `<!-- end -->`.
"""

import json
import re
import tokenize
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from streams import settings, topics
from streams.audit.laws import LAWS
from streams.errors import Cause
from streams.gate import words
from streams.gate.decide import LIFECYCLE, MOVES
from streams.gate.reasons import ROWS, Words
from streams.gate.words import State
from streams.metrics import Metric
from streams.setting_rows import range_of

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = tuple(ROOT / name for name in ("README.md", "ARCHITECTURE.md", "deploy/reasons.md"))
PREFIX = settings.Settings().topic_prefix

PLACE = re.compile(r"(<!-- table: (\w+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; what would end a cell is escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines
    )


def topic_table() -> str:
    """Every topic: what it holds, who writes and reads it, how many partitions and how kept."""
    return markdown(
        ("topic", "what", "written by", "read by", "partitions, kept"),
        (
            (f"`{PREFIX}{row.name}`", row.purpose, row.writers, row.readers, row.kind.value)
            for row in topics.CATALOGUE
        ),
    )


def _type(node: Any) -> str:
    """A field's type in a word or two."""
    if isinstance(node, list):
        return f"{_type(next(each for each in node if each != 'null'))}?"
    if not isinstance(node, dict):
        return str(node).rpartition(".")[2]
    if node["type"] == "array":
        return f"[{_type(node['items'])}]"
    if node["type"] == "fixed":
        return f"{node['size']} bytes"
    return str(node.get("logicalType") or node.get("name") or node["type"])


def _fields(record: dict[str, Any]) -> str:
    return ", ".join(f"{field['name']} *{_type(field['type'])}*" for field in record["fields"])


def _schema(name: str) -> dict[str, Any]:
    text = (ROOT / f"schemas/{name}.avsc").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def field_table() -> str:
    """Every record's fields with their types."""
    names = [row.name for row in topics.CATALOGUE if row.has_schema]
    records = [(name, _schema(name)) for name in names]
    return markdown(
        ("topic", "record", "fields"),
        ((f"`{PREFIX}{name}`", record["name"], _fields(record)) for name, record in records),
    )


def row_table() -> str:
    """Every row of state with its fields."""
    names = sorted(path.stem for path in (ROOT / "schemas/state").glob("*.avsc"))
    records = [(name, _schema(f"state/{name}")) for name in names]
    return markdown(
        ("schema", "row", "fields"),
        ((f"`state/{name}`", record["name"], _fields(record)) for name, record in records),
    )


def life_table() -> str:
    """What handles which event in which state of a service day, and where it can lead to."""
    events = list(next(iter(LIFECYCLE.values())))

    def cell(state: State, event: type) -> str:
        leads_to = ", ".join(MOVES[state].get(event, ()))
        return f"`{LIFECYCLE[state][event].__name__}`" + (f" → {leads_to}" if leads_to else "")

    return markdown(
        ("state", *(event.__name__ for event in events)),
        ((state.value, *(cell(state, event) for event in events)) for state in LIFECYCLE),
    )


def life_diagram() -> str:
    """The life of a service day as a diagram: each arrow with the events that can cause it."""
    causes: dict[tuple[State, State], list[str]] = {}
    for state, moves in MOVES.items():
        for event, leads_to in moves.items():
            for after in leads_to:
                causes.setdefault((state, after), []).append(event.__name__)
    arrows = "".join(
        f"    {before} --> {after}: {', '.join(events)}\n"
        for (before, after), events in causes.items()
    )
    return f"```mermaid\nstateDiagram-v2\n    [*] --> FRESH\n{arrows}```\n"


def meanings(enum: str) -> dict[str, str]:
    """What each symbol of an enum means: the comment beside it in words.py, or the one above."""
    source = Path(str(words.__file__))
    inside, above, found = False, "", {}
    symbol = ""
    with source.open("rb") as lines:
        for token in tokenize.tokenize(lines.readline):
            if token.type == tokenize.NAME and token.start[1] == 0:
                inside = token.line.startswith(f"class {enum}(")
            if not inside:
                continue
            if token.type == tokenize.NAME and token.start[1] == 4 and "=" in token.line:
                symbol = token.string
                found[symbol] = above
                above = ""
            elif token.type == tokenize.COMMENT:
                said = token.string.removeprefix("# ")
                if token.start[1] == 4:
                    above = f"{above} {said}".strip()
                else:
                    found[symbol] = said
    return found


def reason_table() -> str:
    """Every reason: what it is, and what it means."""
    said = meanings("Reason")
    return markdown(
        ("reason", "is", "meaning"),
        ((f"`{row.reason}`", row.kind.value, said[row.reason]) for row in ROWS),
    )


def _said(words: Words) -> tuple[str, str]:
    return words.zh, words.en


def provider_table() -> str:
    """What a provider reads with a verdict, in both languages."""
    return markdown(
        ("reason", "中文", "English"),
        ((f"`{row.reason}`", *_said(row.provider)) for row in ROWS if row.provider is not None),
    )


def care_table() -> str:
    """What customer care may say, in both languages."""
    return markdown(
        ("reason", "is", "中文", "English"),
        ((f"`{row.reason}`", row.kind.value, *_said(row.care)) for row in ROWS),
    )


def setting_table() -> str:
    """Every setting: default, unit and range, and why one would set it."""
    return markdown(
        ("setting", "default", "unit, range", "reason"),
        (
            (
                f"`{name}`",
                f"`{default}`" if default else "",
                ", ".join(part for part in (row.unit, range_of(row)) if part),
                row.reason,
            )
            for name, default, row in settings.table()
        ),
    )


def metric_table() -> str:
    """Every metric with its labels."""
    return markdown(
        ("metric", "labels", "meaning"),
        (
            (f"`{row.name}`", ", ".join(row.labels), row.meaning)
            for row in (metric.value for metric in Metric)
        ),
    )


def exit_table() -> str:
    """Every exit code: why, what a person does, what the supervisor of a worker does."""
    return markdown(
        ("code", "why", "what to do", "supervisor"),
        (
            (str(row.exit_code), row.sentence, row.advice, row.supervisor.value)
            for row in (cause.value for cause in Cause)
        ),
    )


def law_names() -> dict[int, str]:
    """The laws by their numbers, as the auditor calls them."""
    return {law.number: law.name for law in LAWS}


TABLES: dict[str, Callable[[], str]] = {
    "topics": topic_table,
    "fields": field_table,
    "rows": row_table,
    "life": life_table,
    "diagram": life_diagram,
    "reasons": reason_table,
    "provider_reasons": provider_table,
    "care_reasons": care_table,
    "settings": setting_table,
    "metrics": metric_table,
    "exits": exit_table,
}


def renewed(text: str) -> str:
    """A document with every table as the code has it now."""
    return PLACE.sub(lambda place: f"{place[1]}{TABLES[place[2]]()}{place[4]}", text)


def main() -> None:
    """Write the tables into the documents."""
    for document in DOCUMENTS:
        document.write_text(renewed(document.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
