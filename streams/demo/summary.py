"""What a demonstration came to, for people."""

from collections import Counter

from rich.console import Console
from rich.table import Table

from streams.demo.funnel import ANSWERS, BESIDES, Funnel
from streams.demo.view import money
from streams.world.options import Summary


def print_summary(
    console: Console,
    summary: Summary,
    funnel: Funnel,
    currency: str,
    first_decision_s: float | None,
) -> None:
    """Counts, money, speed: a table each can read without knowing the code."""
    tally = summary.tally
    table = Table(title="What happened", title_justify="left", show_header=False, box=None)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    rows = {
        "published": f"{tally.events:,} records, {summary.events_per_second:,.0f} a second while "
        f"people ordered ({tally.duplicates:,} of them twice, {tally.malformed.total():,} "
        "malformed on purpose)",
        "orders": f"{funnel.orders:,} ({funnel.repeated:,} repeated records changed nothing)",
        "prompts": f"{funnel.prompts:,}",
        "answers": ", ".join(f"{funnel.answers[name]:,} {name}" for name in ANSWERS.values()),
        "other messages": _of(funnel.messages, "clarified", "receipts", "notices", "listings"),
        "charges": f"{funnel.charges:,}, {money(funnel.money_minor, currency)} approved; billing "
        f"collected {_collected(tally.collected_minor)} and saw "
        f"{tally.charges_repeated:,} charges twice",
        "refunds": f"{funnel.refunds:,} asked for; billing gave back "
        f"{_collected(tally.returned_minor)} and saw {tally.refunds_repeated:,} requests twice",
        "besides": _of(funnel.besides, *BESIDES.values()),
        "alarms": f"{funnel.alarms:,} ({tally.missettled.total():,} settlements were wrong on "
        "purpose)",
        "refused": ", ".join(f"{n:,} {_words(r)}" for r, n in funnel.refused.most_common()) or "0",
        "dead letters": ", ".join(f"{n:,} {_words(c)}" for c, n in funnel.dead.most_common())
        or "0",
        "latency": _latency(funnel),
        "first decision": "none"
        if first_decision_s is None
        else f"{first_decision_s:.1f} s after the start",
    }
    for name, text in rows.items():
        table.add_row(name, text)
    console.print(table)
    console.print()


def _latency(funnel: Funnel) -> str:
    of = funnel.latency
    if of is None:
        return "no prompt was seen"
    return (
        f"order to committed prompt p50 {of.p50} ms, p99 {of.p99} ms, at most {of.most} ms "
        f"({of.prompts:,} prompts)"
    )


def _collected(amounts: dict[str, int]) -> str:
    return ", ".join(money(minor, currency) for currency, minor in amounts.items()) or "nothing"


def _of(counts: Counter[str], *names: str) -> str:
    return ", ".join(f"{counts[name]:,} {name}" for name in names)


def _words(name: str) -> str:
    return name.lower().replace("_", " ")
