"""Faults of reference records that can be seen in the record, or against earlier ones of its topic.

A record with such a fault is a dead letter, and the last good version stays in force (issue of the
first release, §3). Dangling ids are no faults here: they are judged when deciding.
"""

from collections.abc import Iterable
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from streams.audit.books import Books, Where
from streams.audit.records import CreditChange, Gateway, Policy, Reference, Rule, Service


def reference_fault(books: Books, where: Where) -> str | None:
    """The first fault of a reference record that can be read, or None."""
    rows = books.references[where[0]]
    record = next((row for row in rows if row.entry.offset == where[2]), None)
    if record is None:
        return None
    earlier = [
        row
        for row in rows
        if row.entry.offset < where[2] and row.entry[:3] not in books.dead_letters.of
    ]
    return _versioned(record, earlier) or _own(record) or _against(record, earlier)


def _versioned(record: Any, earlier: Iterable[Any]) -> str | None:
    """Keyed by its id (the field after the entry), each version one more than the last."""
    if record.entry.key != str(record[1]).encode():
        return "its key is not its id"
    versions = [row.version for row in earlier if row[1] == record[1]]
    if record.version != max(versions, default=0) + 1:
        return "its version is not the next one"
    return None


def _own(record: Reference) -> str | None:
    match record:
        case Service() if record.price_minor < 0:
            return "its price is negative"
        case CreditChange() if (record.points is None) == (record.delta is None):
            return "it has neither or both of points and delta"
        case Gateway() if min(record.messages_per_second, record.hall_messages_per_second) < 0:
            return "its capacity is negative"
        case Policy():
            return _policy(record)
    return None


def _policy(policy: Policy) -> str | None:
    numbers = (
        policy.horizon_days,
        policy.grace_ms,
        policy.skew_ms,
        policy.waiting_orders_max,
        policy.message_life_ms,
        *(rule.prompt_life_ms for rule in policy.rules),
        *(rule.grant_count_max for rule in policy.rules),
        *(rule.grant_amount_max_minor for rule in policy.rules),
    )
    if min(numbers) < 0:
        return "a limit or a life is negative"
    try:
        ZoneInfo(policy.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return "its time zone does not exist"
    names = [rule.name for rule in policy.rules]
    if len(set(names)) != len(names):
        return "two rules have one name"
    asking = [rule for rule in policy.rules if rule.confirmation in ("FIRST_OF_DAY", "EVERY_ORDER")]
    if any(rule.confirmation in ("SHADOW", "UNKNOWN") for rule in policy.rules):
        return "a rule asks for a confirmation that there is not"
    if any(r.confirmation == "FIRST_OF_DAY" and _reaches(r, "IVR") for r in policy.rules):
        return "a rule would grant a day of calls"
    if asking and not any(w["answer"] == "YES" and w["words"] for w in policy.reply_words):
        return "no word means yes"
    languages = {policy.default_language, *(row["language"] for row in policy.languages)}
    texts = {(t["channel"], t["language"]) for t in policy.templates if t["kind"] == "PROMPT"}
    for channel in ("SMS", "IVR"):
        asked = any(_reaches(rule, channel) for rule in asking)
        if asked and not {(channel, language) for language in languages} <= texts:
            return "a template is missing"
    if any(_hidden(rule, policy.rules[:at]) for at, rule in enumerate(policy.rules)):
        return "a rule can never match"
    return None


def _reaches(rule: Rule, channel: str) -> bool:
    return not rule.lines or channel in rule.lines


def _hidden(rule: Rule, earlier: Iterable[Rule]) -> bool:
    """A rule that contradicts itself, or that an earlier one leaves nothing to."""
    if rule.from_at is not None and rule.until_at is not None and rule.from_at >= rule.until_at:
        return True
    low, high = rule.credit_at_least, rule.credit_below
    if low is not None and high is not None and low >= high:
        return True
    return any(_covers(before, rule) for before in earlier)


def _covers(wide: Rule, narrow: Rule) -> bool:
    sets = (
        (wide.provinces, narrow.provinces),
        (wide.lines, narrow.lines),
        (wide.provider_ids, narrow.provider_ids),
    )
    return (
        all(not large or (small and small <= large) for large, small in sets)
        and (wide.scope is None or wide.scope == narrow.scope)
        and _at_most(wide.credit_at_least, narrow.credit_at_least)
        and _at_most(wide.from_at, narrow.from_at)
        and _at_least(wide.credit_below, narrow.credit_below)
        and _at_least(wide.until_at, narrow.until_at)
    )


def _at_most(wide: int | None, narrow: int | None) -> bool:
    return wide is None or (narrow is not None and wide <= narrow)


def _at_least(wide: int | None, narrow: int | None) -> bool:
    return wide is None or (narrow is not None and wide >= narrow)


def _against(record: Reference, earlier: Iterable[Reference]) -> str | None:
    if isinstance(record, Policy):
        instants = {row.effective_from for row in earlier if isinstance(row, Policy)}
        if record.effective_from in instants:
            return "two policies are for the same instant"
    return None
