"""The funnel as people see it: a live panel on a terminal, plain lines elsewhere.

It only draws what it is given.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from rich.bar import Bar
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from streams.demo.funnel import ANSWERS, Funnel, Latency
from streams.world.options import Tally

_BAR_WIDTH = 24
_REASONS_SHOWN = 12
_CAUSES_SHOWN = 4
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
    columns = Table.grid(padding=(0, 2))
    columns.add_row(
        _stages(funnel, sight.currency),
        _counted("refused", funnel.refused.most_common(_REASONS_SHOWN)),
        Group(
            _counted("besides", besides(funnel).items()),
            Text(),
            _counted("dead letters", funnel.dead.most_common(_CAUSES_SHOWN)),
        ),
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


def besides(funnel: Funnel) -> dict[str, int]:
    """What else was sent and done beside asking and charging, always in this order."""
    did, sent = funnel.besides, funnel.messages
    return {
        "receipts": sent["receipts"],
        "notices": sent["notices"],
        "clarified": sent["clarified"],
        "listed": did["listed"],
        "cancelled": did["cancelled"],
        "undone": did["undone"],
        "refunds": funnel.refunds,
        "complaints": did["complaints"],
        "alarms": funnel.alarms,
    }


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
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, justify="right")
    rows = [("orders", funnel.orders, "cyan"), ("prompts", funnel.prompts, "blue")]
    rows += [(name, funnel.answers[name], _COLOURS.get(name, "white")) for name in ANSWERS.values()]
    rows += [("charges", funnel.charges, "green")]
    most = max(funnel.orders, 1)
    for name, count, colour in rows:
        bar = Bar(most, 0, count, width=_BAR_WIDTH, color=colour)
        table.add_row(name, f"{count:,}", bar)
    table.add_row("money", money(funnel.money_minor, currency), "")
    return table


_COLOURS = {"yes": "green", "no": "red", "silence": "yellow"}


def _counted(title: str, counts: Iterable[tuple[str, int]]) -> Table:
    table = Table(title=title, title_justify="left", show_header=False, box=None, pad_edge=False)
    table.add_column(no_wrap=True)
    for name, count in counts:
        table.add_row(name.lower().replace("_", " "), Text(f"{count:,}", justify="right"))
    return table
