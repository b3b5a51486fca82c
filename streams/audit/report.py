"""What an audit found: per law what was checked and what was wrong, for a person and for a script.

Laws: no sentence shows a whole MSISDN (law 11 holds for the auditor too); a law that checked
nothing says so with a nought. Findings of one law are cut off at a limit, their number is not.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from streams.errors import Cause
from streams.history import Entry

# Kept of one law: a history broken throughout would otherwise fill the memory with one sentence.
FINDINGS_KEPT_MAX = 1000
# Printed of one law: the first few say what is wrong, the count says how bad it is.
FINDINGS_SHOWN_MAX = 10


class Finding(NamedTuple):
    """A law that was broken, and the record that shows it."""

    law: int
    topic: str
    partition: int
    offset: int
    sentence: str

    def __str__(self) -> str:
        return f"law {self.law}: {self.topic}[{self.partition}]@{self.offset}: {self.sentence}"


def finding(law: int, entry: Entry, sentence: str) -> Finding:
    """A finding that points at a record."""
    return Finding(law, entry.topic, entry.partition, entry.offset, sentence)


def mask(msisdn: str) -> str:
    """A subscriber's number as it may be shown."""
    return f"…{msisdn[-3:]}"


@dataclass(slots=True)
class Judged:
    """One law over one history."""

    law: int
    name: str
    checked: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    found: int = 0

    def take(self, findings: Iterable[Finding]) -> None:
        """Count every finding, keep the first ones."""
        for one in findings:
            self.found += 1
            if self.found <= FINDINGS_KEPT_MAX:
                self.findings.append(one)


@dataclass(slots=True)
class Report:
    """All laws over one history."""

    records: int
    drained: bool
    seconds: float
    laws: list[Judged]

    @property
    def held(self) -> bool:
        """Whether no law was broken."""
        return not any(law.found for law in self.laws)

    @property
    def exit_code(self) -> int:
        """What a program that audits ends with."""
        return 0 if self.held else Cause.LAW_BROKEN.value.exit_code

    @property
    def findings(self) -> list[Finding]:
        """What was kept of all laws, in the laws' order."""
        return [one for law in self.laws for one in law.findings]

    def render(self) -> RenderableType:
        """A table of the laws, and below it what was found."""
        table = Table(title=self._title(), title_justify="left", show_edge=False, pad_edge=False)
        table.add_column("law", justify="right")
        table.add_column("says")
        table.add_column("checked")
        table.add_column("held", justify="right")
        for law in self.laws:
            checked = ", ".join(f"{count:,} {what}" for what, count in law.checked.items())
            held = Text("yes", "green") if not law.found else Text(f"no: {law.found:,}", "bold red")
            table.add_row(str(law.law), law.name, checked or "nothing to check", held)
        lines = [Text(line, "red") for line in self._lines()]
        return Group(table, *lines)

    def _title(self) -> str:
        state = "drained" if self.drained else "still running"
        return f"Audit of {self.records:,} records ({state}) in {self.seconds:.1f} s"

    def _lines(self) -> Iterable[str]:
        for law in self.laws:
            yield from (str(one) for one in law.findings[:FINDINGS_SHOWN_MAX])
            if law.found > FINDINGS_SHOWN_MAX:
                yield f"law {law.law}: and {law.found - FINDINGS_SHOWN_MAX:,} more"

    def print(self, console: Console | None = None) -> None:
        """Show it to a person."""
        (console or Console()).print(self.render())
