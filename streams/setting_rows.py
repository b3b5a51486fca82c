"""What a row of the settings' table is, and how its value is written, read and shown.

Laws: a fault names the value and what is allowed, a secret is never shown, every fault is listed.
This file must not know which settings there are: they are the table in `settings.py`.
"""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import Field, dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PREFIX = "TOLLGATE_"
CONFIG_FILE = "TOLLGATE_CONFIG_FILE"
HIDDEN = "(hidden)"

_MILLISECONDS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}


@dataclass(frozen=True, slots=True)
class Row:
    """What a person must know of a setting; `low` and `high` are included in the range."""

    unit: str
    reason: str
    low: int | timedelta | None = None
    high: int | timedelta | None = None
    choices: tuple[str, ...] = ()
    pattern: str = ""
    form: str = ""
    secret: bool = False


def text(default: str, reason: str, pattern: str = "", form: str = "", unit: str = "text") -> str:
    row = Row(unit, reason, pattern=pattern, form=form)
    # A URL may carry a password.
    return field(default=default, repr=unit != "URL", metadata={"row": row})


def secret(reason: str) -> str:
    return field(default="", repr=False, metadata={"row": Row("text", reason, secret=True)})


def choice(default: str, choices: tuple[str, ...], reason: str) -> str:
    return field(default=default, metadata={"row": Row("choice", reason, choices=choices)})


def switch(*, default: bool, reason: str) -> bool:
    row = Row("switch", reason, choices=("true", "false"))
    return field(default=default, metadata={"row": row})


def whole(default: int, unit: str, low: int, high: int, reason: str) -> int:
    return field(default=default, metadata={"row": Row(unit, reason, low, high)})


def span(default: timedelta, low: timedelta, high: timedelta, reason: str) -> timedelta:
    return field(default=default, metadata={"row": Row("span", reason, low, high)})


def folder(default: Path, reason: str) -> Path:
    return field(default=default, metadata={"row": Row("path", reason)})


def ms(count: int) -> timedelta:
    return timedelta(milliseconds=count)


def s(count: int) -> timedelta:
    return timedelta(seconds=count)


def env_name(row_field: "Field[Any]") -> str:
    """`data_dir` is TOLLGATE_DATA_DIR outside."""
    return PREFIX + row_field.name.upper()


def range_of(row: Row) -> str:
    """What is allowed, in words; empty when anything is."""
    if row.low is not None and row.high is not None:
        return f"{written_form(row.low)} to {written_form(row.high)}"
    return ", ".join(row.choices) or row.form


def written_form(value: object) -> str:
    """A value as a person writes it in the environment."""
    match value:
        case bool():
            return "true" if value else "false"
        case timedelta():
            milliseconds = value // ms(1)
            for unit in ("h", "m", "s"):
                if milliseconds and milliseconds % _MILLISECONDS[unit] == 0:
                    return f"{milliseconds // _MILLISECONDS[unit]}{unit}"
            return f"{milliseconds}ms"
        case _:
            return str(value)


def span_of(written: str) -> timedelta | None:
    """A span written with its unit (500ms, 6s, 15m, 24h), or None when it is not one."""
    span = re.fullmatch(r"([0-9]{1,9})(ms|s|m|h)", written)
    return ms(int(span[1]) * _MILLISECONDS[span[2]]) if span else None


def gather(
    environment: Mapping[str, str], known: Iterable[str]
) -> tuple[dict[str, tuple[str, str]], list[str]]:
    """What was written where (name → value, source), and the names and lines nobody knows."""
    known = list(known)
    written: dict[str, tuple[str, str]] = {}
    faults: list[str] = []
    if path := environment.get(CONFIG_FILE):
        from_file, faults = _read_file(Path(path))
        written.update(from_file)
    written.update(
        (name, (value, "environment"))
        for name, value in environment.items()
        if name.startswith(PREFIX) and name != CONFIG_FILE
    )
    for name in sorted(written.keys() - set(known)):
        nearest = difflib.get_close_matches(name, known, 1, 0)
        faults.append(
            f"{name}: no setting has this name (from {written[name][1]}); "
            f"the nearest is {nearest[0]}"
        )
    return written, faults


def _read_file(path: Path) -> tuple[dict[str, tuple[str, str]], list[str]]:
    """The lines of a settings file; comments begin with # or ;, quotes around a value go."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        return {}, [f"{CONFIG_FILE}: cannot read {path}: {reason}"]
    written: dict[str, tuple[str, str]] = {}
    faults = []
    for number, line in enumerate(map(str.strip, lines), 1):
        if not line or line[0] in "#;":
            continue
        name, equals, value = line.partition("=")
        name, value = name.strip(), value.strip()
        if not equals or not name.startswith(PREFIX) or name == CONFIG_FILE:
            # The value is not shown: the line may hold a secret under a misspelt name.
            faults.append(f"{path}:{number}: expected {PREFIX}NAME=value, got {name[:40]!r}")
        else:
            quoted = len(value) >= 2 and value[0] == value[-1] and value[0] in "'\""
            written[name] = (value[1:-1] if quoted else value, f"{path}:{number}")
    return written, faults


def parse(row_field: "Field[Any]", written: str) -> Any:
    """The value in the field's type; ValueError says the value and what is allowed."""
    row: Row = row_field.metadata["row"]
    allowed = f"expected {range_of(row)}" + ("" if row.choices or row.form else f" ({row.unit})")
    shown = repr(show(row, written))
    refused = ValueError(f"{shown} is refused, {allowed}")
    match row_field.default:
        case bool():
            if written.lower() not in row.choices:
                raise refused
            return written.lower() == "true"
        case int():
            if not re.fullmatch(r"[0-9]{1,9}", written):
                raise refused
            value: Any = int(written)
        case timedelta():
            value = span_of(written)
            if value is None:
                raise ValueError(f"{shown} is refused, {allowed} with its unit: 500ms, 6s, 1m")
        case Path():
            if not written:
                raise ValueError("empty is refused, expected a path")
            return Path(written)
        case _:
            return _parse_text(row, written, refused)
    if not row.low <= value <= row.high:
        raise refused
    return value


def _parse_text(row: Row, written: str, refused: ValueError) -> str:
    if row.choices and written.upper() not in row.choices:
        raise refused
    if row.pattern and not re.fullmatch(row.pattern, written):
        raise refused
    return written.upper() if row.choices else written


def show(row: Row, value: object) -> str:
    """A value for people: secrets hidden, also the one a URL may carry."""
    shown = written_form(value)
    if row.secret:
        return HIDDEN if shown else ""
    if row.unit == "URL" and "@" in urlsplit(shown).netloc:
        user_and_host = urlsplit(shown).netloc
        return shown.replace(user_and_host, HIDDEN + "@" + user_and_host.rpartition("@")[2])
    return shown
