"""The rollout's tables, for operators: what changed for subscribers, and what for providers.

It only shows what was counted; a rate nobody can have is a dash.
"""

from collections.abc import Sequence
from typing import NamedTuple

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from streams.demo.changes import Changes, Count
from streams.demo.phases import NOT_JOINED, Batch, Phase, day_text

# What the widest table needs; a narrower log would cut its numbers.
WIDTH = 112


class Seller(NamedTuple):
    """A provider as the reference data has it."""

    provider_id: str
    name: str
    scope: str
    credit: str  # points by line


class Rollout(NamedTuple):
    """All that is told of one rollout."""

    phases: Sequence[Phase]
    batches: Sequence[Batch]
    sellers: Sequence[Seller]
    changes: Changes
    zone: str
    currency: str


def print_rollout(console: Console, rollout: Rollout) -> None:
    """All tables, one after the other."""
    if console.width < WIDTH:
        console.width = WIDTH
    console.print(f"\nPhases, and the day of each that was lived (money in {rollout.currency}):")
    for phase in rollout.phases:
        console.print(f"  {_day(phase, rollout):>12}  {phase.name}", highlight=False)
    for table in (_subscribers(rollout), _forecast(rollout), _providers(rollout)):
        console.print()
        console.print(table)
    console.print()


def _subscribers(rollout: Rollout) -> Table:
    table = _table(
        "What changed for subscribers (the same people want the same on each day; when asked, some "
        "order again)"
    )
    table.add_column("", no_wrap=True)
    for name in ("orders", "prompts\nper 1,000", "yes", "no", "silent", "charges", "money"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in ("refused", "complaints", "refunds"):
        table.add_column(name, justify="right", no_wrap=True)
    for number, phase in enumerate(rollout.phases):
        if number:
            table.add_section()
        table.add_row(_day(phase, rollout), *_row(rollout.changes.total(number)), style="bold")
        for batch in rollout.batches:
            total = rollout.changes.total(number, batch.provinces)
            table.add_row(f"  {_title(batch)}", *_row(total))
    return table


def _row(count: Count) -> tuple[str, ...]:
    return (
        f"{count.orders:,}",
        _rate(count.per_thousand(count.prompts)),
        f"{count.confirmed:,}",
        f"{count.declined:,}",
        f"{count.silent:,}",
        f"{count.charges:,}",
        _money(count.money_minor),
        f"{count.refused:,}",
        f"{count.complaints:,}",
        f"{count.refunds:,}",
    )


def _forecast(rollout: Rollout) -> Table:
    table = _table(
        "What the trials foresaw, and what came (prompts per 1,000 orders; a trial takes every "
        "prompt for answered yes)"
    )
    table.add_column("", no_wrap=True)
    for name in ("trial", "asked", "would ask", "foreseen", "in force", "came", "difference"):
        table.add_column(name, justify="right")
    for batch in rollout.batches:
        joined = _joined(rollout.phases, batch)
        if not joined:
            continue
        # Who joins next tries the notice out until then.
        before = rollout.changes.total(joined - 1, batch.provinces)
        after = rollout.changes.total(joined, batch.provinces)
        foreseen = before.per_thousand(before.prompts + before.would_ask)
        came = after.per_thousand(after.prompts)
        table.add_row(
            _title(batch),
            _day(rollout.phases[joined - 1], rollout),
            _rate(before.per_thousand(before.prompts)),
            _rate(before.per_thousand(before.would_ask)),
            _rate(foreseen),
            _day(rollout.phases[joined], rollout),
            _rate(came),
            _change(foreseen, came),
        )
    return table


def _providers(rollout: Rollout) -> Table:
    first, last = 0, len(rollout.phases) - 1
    before, after = (_day(rollout.phases[number], rollout) for number in (first, last))
    table = _table(f"What changed for providers ({before} against {after})")
    for name in ("provider", "scope", "credit"):
        table.add_column(name, no_wrap=True)
    for name in ("charges\nbefore", "after", "change", "money\nbefore", "after", "change"):
        table.add_column(name, justify="right", no_wrap=True)
    for seller in rollout.sellers:
        was = rollout.changes.total(first, provider=seller.provider_id)
        now = rollout.changes.total(last, provider=seller.provider_id)
        table.add_row(
            seller.name,
            seller.scope.lower(),
            seller.credit,
            f"{was.charges:,}",
            f"{now.charges:,}",
            _change(was.charges, now.charges),
            _money(was.money_minor),
            _money(now.money_minor),
            _change(was.money_minor, now.money_minor),
        )
    return table


def _joined(phases: Sequence[Phase], batch: Batch) -> int | None:
    """The first phase in which a batch is asked."""
    if batch.joins is None:
        return None
    places = (place for place, phase in enumerate(phases) if phase.begins >= batch.joins)
    return next(places, None)


def _title(batch: Batch) -> str:
    name = "not yet" if batch.name == NOT_JOINED else batch.name
    return f"{name}: {' '.join(batch.provinces)}"


def _table(title: str) -> Table:
    return Table(
        title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True
    )


def _day(phase: Phase, rollout: Rollout) -> str:
    return day_text(phase.opens, rollout.zone)


def _money(minor: int) -> str:
    return f"{minor // 100:,}.{minor % 100:02d}"


def _rate(rate: float | None) -> str:
    return "–" if rate is None else f"{rate:,.0f}"


def _change(before: float | None, after: float | None) -> str:
    """In percent of what was before."""
    if not before or after is None:
        return "–"
    return f"{(after - before) / before:+.0%}"
