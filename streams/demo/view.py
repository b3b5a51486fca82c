"""The funnel as people see it: a live panel on a terminal, plain lines elsewhere.

It only draws what it is given.
"""

from collections import Counter
from dataclasses import dataclass

from rich.bar import Bar
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from streams.demo.funnel import ANSWERS, Funnel, Latency
from streams.world.options import Tally

_BAR_WIDTH = 32
_REASONS_SHOWN = 12
_STEPS_BELOW_ORDERS = ("yes", "no", "silence")


@dataclass(frozen=True, slots=True)
class Sight:
    """All that is to be seen at one moment."""

    phase: str
    seconds: float
    funnel: Funnel
    tally: Tally
    currency: str

    @property
    def lag(self) -> int:
        """Records published and not yet seen decided."""
        return max(0, self.tally.events - self.funnel.decided)


def panel(sight: Sight) -> RenderableType:
    """The live view."""
    funnel = sight.funnel
    columns = Table.grid(padding=(0, 4))
    columns.add_row(
        _stages(funnel, sight.currency),
        _counted("refused", funnel.refused),
        Group(_counted("besides", besides(funnel)), Text(), _counted("dead letters", funnel.dead)),
    )
    return Panel(
        Group(columns, Text(), Text(_speed(sight))),
        title=f"Tollgate · {sight.phase} · {sight.seconds:.0f} s",
        title_align="left",
    )


def line(sight: Sight) -> str:
    """The same in one line, for a log."""
    funnel = sight.funnel
    answers = ", ".join(f"{funnel.answers[name]:,} {name}" for name in _STEPS_BELOW_ORDERS)
    return (
        f"{sight.seconds:5.0f} s  {sight.phase}: {funnel.orders:,} orders, {funnel.prompts:,} "
        f"prompts, {answers}, {funnel.charges:,} charges "
        f"({money(funnel.money_minor, sight.currency)}), {funnel.refused.total():,} refused, "
        f"{funnel.messages['receipts']:,} receipts, {funnel.refunds:,} refunds, "
        f"{funnel.besides['complaints']:,} complaints, {funnel.alarms:,} alarms, "
        f"{funnel.dead.total():,} dead letters; {_speed(sight)}"
    )


def besides(funnel: Funnel) -> Counter[str]:
    """What else was sent and done, beside asking and charging."""
    sent = Counter({n: c for n, c in funnel.messages.items() if n not in ("prompts", "listings")})
    asked = Counter({"refunds asked for": funnel.refunds, "alarms": funnel.alarms})
    return sent + funnel.besides + asked


def money(minor: int, currency: str) -> str:
    """An amount as people write it; the demonstration's currencies have two decimals."""
    return f"{currency} {minor // 100:,}.{minor % 100:02d}"


def latency(of: Latency | None) -> str:
    """Percentiles in one phrase."""
    return "–" if of is None else f"p50 {of.p50} ms, p99 {of.p99} ms"


def _speed(sight: Sight) -> str:
    return (
        f"{sight.funnel.pace:,.0f} events/s, lag {sight.lag:,}, order to committed prompt "
        f"{latency(sight.funnel.recent_latency)}"
    )


def _stages(funnel: Funnel, currency: str) -> Table:
    table = Table.grid(padding=(0, 1))
    rows = [("orders", funnel.orders, "cyan"), ("prompts", funnel.prompts, "blue")]
    rows += [(name, funnel.answers[name], _COLOURS.get(name, "white")) for name in ANSWERS.values()]
    rows += [("charges", funnel.charges, "green")]
    most = max(funnel.orders, 1)
    for name, count, colour in rows:
        bar = Bar(most, 0, count, width=_BAR_WIDTH, color=colour)
        table.add_row(name, Text(f"{count:,}", justify="right"), bar)
    table.add_row("money", money(funnel.money_minor, currency), "")
    return table


_COLOURS = {"yes": "green", "no": "red", "silence": "yellow"}


def _counted(title: str, counts: Counter[str]) -> Table:
    table = Table(title=title, title_justify="left", show_header=False, box=None, pad_edge=False)
    for name, count in counts.most_common(_REASONS_SHOWN):
        table.add_row(name.lower().replace("_", " "), Text(f"{count:,}", justify="right"))
    return table
