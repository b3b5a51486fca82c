"""Faults of reference records that can be seen in the record, or against earlier ones of its topic.

A record with such a fault is a dead letter, and the last good version stays in force. Dangling ids
are no faults here: they are judged when deciding. What a policy says in words (templates, spellings
of answers) explains a dead letter, but a gate that took it all the same is not blamed for it here.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise, product
from typing import Any, NamedTuple, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from streams.audit.answers import is_code, plain
from streams.audit.records import (
    Congestion,
    CreditChange,
    Gateway,
    OperatorAct,
    Policy,
    Provider,
    Reference,
    Service,
)

_LANGUAGES = ("zh", "en")
_LINES = ("SMS", "MMS", "IVR")
_ASKING = ("FIRST_OF_DAY", "EVERY_ORDER")
_TRYING = "SHADOW"
_KNOWN = (*_ASKING, _TRYING, "OFF", "REFUSE")
_PROMPTS_MAX = 200  # each of a day has a code of three digits
_NAME = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
_FILLED = {
    "PROMPT": ("provider", "service", "price", "minutes", "yes"),
    "CLARIFY": ("items",),
    "RECEIPT": ("provider", "service", "price", "spent", "undo", "undo_minutes"),
    "LISTING": ("items", "cancel"),
    "NOTICE": ("spent", "limit"),
}
_DAILY = "FIRST_OF_DAY"
_UNKNOWN = "UNKNOWN"
_DAY_MS = 86_400_000
_SPAN_MAX_MS = 366_000 * _DAY_MS  # a thousand years: instants must fit 64 bits
_PRICE_MAX = 1_000_000_000_000
_ANY = ""  # a province or provider that no rule names


class Fault(NamedTuple):
    """Why a record may not be decided on.

    Where this file and the gate may rightly differ a fault is not `certain`: it explains a dead
    letter, but its absence is no finding.
    """

    sentence: str
    certain: bool = True


def place_fault(
    record: Any, versions: Mapping[str, int], instants: Collection[int]
) -> Fault | None:
    """The first fault of a record where it lies: its key, or behind what was taken before it.

    `versions`: the last of each id, 0 for none; `instants`: from which policies are in force.
    """
    if record.entry.key != str(record[1]).encode():
        return Fault("its key is not its id")
    if record.version != versions.get(record[1], 0) + 1:
        return Fault("its version is not the next one")
    if isinstance(record, Policy) and record.effective_from in instants:
        return Fault("two policies are for the same instant")
    return None


def content_fault(record: Reference) -> Fault | None:
    """The first fault that a record has wherever it lies."""
    sentence = _own(record)
    if sentence:
        return Fault(sentence)
    words = _words(record) if isinstance(record, Policy) else None
    return Fault(words, certain=False) if words else None


def _own(record: Reference) -> str | None:
    match record:
        case Provider():
            return _provider(record)
        case Service():
            return _service(record)
        case CreditChange() if (record.points is None) == (record.delta is None):
            return "it has neither or both of points and delta"
        case CreditChange() if record.line == _UNKNOWN:
            return "its line is not known"
        case Gateway() if min(record.messages_per_second, record.hall_messages_per_second) < 0:
            return "its capacity is negative"
        case OperatorAct() if record.kind == _UNKNOWN or min(record.partition, record.offset) < 0:
            return "it acts in no known way, or on no record"
        case Congestion() if record.state == _UNKNOWN:
            return "its state is not known"
        case Policy():
            return _limits(record) or next(_rules(record), None)
    return None


def _provider(provider: Provider) -> str | None:
    if provider.scope == _UNKNOWN:
        return "its scope is not known"
    if provider.scope == "LOCAL" and not provider.home_province:
        return "a local provider has a home province"
    return None


def _service(service: Service) -> str | None:
    if service.price_minor < 0:
        return "its price is negative"
    if service.price_minor > _PRICE_MAX:
        return "its price is more than anybody has"
    if service.line == _UNKNOWN:
        return "its line is not known"
    if not _is_currency(service.currency):
        return "its currency is no ISO 4217 code"
    if not service.charge_code:
        return "it has no charge code"
    return None


def _is_currency(code: str) -> bool:
    return len(code) == 3 and code.isascii() and code.isupper()


def _limits(policy: Policy) -> str | None:
    numbers = (
        policy.horizon_days,
        policy.grace_ms,
        policy.skew_ms,
        policy.message_life_ms,
        policy.receipt_interval_ms,
        policy.undo_ms,
        policy.horizon_days * _DAY_MS - policy.undo_ms,
        policy.waiting_orders_max - 1,
        policy.prompts_per_day_max - 1,
        _PROMPTS_MAX - policy.prompts_per_day_max,
        policy.text_segments_max - 1,
        policy.refund_days - 1,
        policy.alarm_window_ms - 1,
        policy.alarm_dead_letters - 1,
        policy.alarm_limit_refusals - 1,
        *(most for _, most in policy.spend_limits),
    )
    spans = (
        *(policy.grace_ms, policy.skew_ms, policy.message_life_ms, policy.receipt_interval_ms),
        *(policy.undo_ms, policy.alarm_window_ms, *policy.complaint_alarms_ms),
        *(rule.prompt_life_ms for rule in policy.rules),
    )
    if min(numbers) < 0 or max(spans) > _SPAN_MAX_MS:
        return "a limit is too small, or too large"
    currencies = [currency for currency, _ in policy.spend_limits]
    if _repeated(currencies) or not all(map(_is_currency, currencies)):
        return "a spend limit is in no currency, or there are two in one"
    if any(later <= earlier for earlier, later in pairwise([0, *policy.complaint_alarms_ms])):
        return "the alarms of a complaint are not one after the other"
    if not policy.sender:
        return "it has no sender"
    try:
        ZoneInfo(policy.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return "its time zone does not exist"
    return None


def _rules(policy: Policy) -> Iterator[str]:
    if _repeated(rule.name for rule in policy.rules):
        yield "two rules have one name"
    for rule in policy.rules:
        asks = rule.confirmation in (*_ASKING, _TRYING)
        if rule.confirmation not in _KNOWN:
            yield "a rule asks for a confirmation that there is not"
        if _UNKNOWN in rule.lines or rule.scope == _UNKNOWN:
            yield "a rule has a line or a scope that is not known"
        grants = (rule.grant_count_max, rule.grant_amount_max_minor)
        if min(rule.prompt_life_ms, *grants, rule.call_count_max, rule.call_amount_max_minor) < 0:
            yield "a rule's limit is negative"
        if asks and rule.prompt_life_ms == 0:
            yield "a rule's prompts have no life"
        if rule.shadow_of is not None and (
            rule.confirmation != _TRYING or rule.shadow_of not in _ASKING
        ):
            yield "a rule tries out what cannot be tried"
        if rule.code_required and not policy.code_key:
            yield "a rule asks for codes that anybody could draw"
    winning = set(_winners(policy))
    if len({name for name, _ in winning}) < len(policy.rules):
        yield "a rule can never match"
    rules = {rule.name: rule for rule in policy.rules}
    for name, line in winning:
        rule = rules[name]
        tried = rule.shadow_of if rule.confirmation == _TRYING else rule.confirmation
        if tried == _DAILY and line == "IVR":
            yield "a rule would grant a day of calls"
        by_line = rule.confirmation == _TRYING and tried is None and line != "IVR"
        if (tried == _DAILY or by_line) and rule.grant_count_max == 0:
            yield "a rule's grants cover nothing"


def _winners(policy: Policy) -> Iterator[tuple[str, str]]:
    """Which rule takes which line: tried with one of each kind of order that rules tell apart."""
    rules = policy.rules
    kinds = product(
        {_ANY, *(name for rule in rules for name in rule.provinces)},
        _LINES,
        ("NATIONAL", "LOCAL"),
        {_ANY, *(name for rule in rules for name in rule.provider_ids)},
        _starts(-1, (b for rule in rules for b in (rule.credit_below, rule.credit_at_least))),
        _starts(
            policy.effective_from, (b for rule in rules for b in (rule.from_at, rule.until_at))
        ),
    )
    for province, line, scope, provider, points, at in kinds:
        for rule in rules:
            if (
                (not rule.provinces or province in rule.provinces)
                and (not rule.lines or line in rule.lines)
                and rule.scope in (None, scope)
                and (not rule.provider_ids or provider in rule.provider_ids)
                and _between(rule.credit_at_least, points, rule.credit_below)
                and _between(rule.from_at, at, rule.until_at)
            ):
                yield rule.name, line
                break


def _starts(first: int, bounds: Iterable[int | None]) -> set[int]:
    """One instant, or one number of points, of each stretch that the bounds tell apart."""
    later = {bound for bound in bounds if bound is not None and bound > first}
    return {first, *later}


def _between(low: int | None, value: int, high: int | None) -> bool:
    return (low is None or value >= low) and (high is None or value < high)


def _words(policy: Policy) -> str | None:
    spoken = {policy.default_language, *(row["language"] for row in policy.languages)}
    if not spoken <= set(_LANGUAGES) or _repeated(row["province"] for row in policy.languages):
        return "a language is not known, or a province has two"
    prompts = [(t["channel"], t["language"]) for t in policy.templates if t["kind"] == "PROMPT"]
    asking = {rule.name for rule in policy.rules if rule.confirmation in (*_ASKING, _TRYING)}
    voice = any(name in asking and line == "IVR" for name, line in _winners(policy))
    for channel in ("SMS", "IVR") if voice else ("SMS",):
        if not {(channel, language) for language in spoken} <= set(prompts):
            return "a template is missing"
        yes = (row for row in policy.reply_words if row["answer"] == "YES" and row["words"])
        if not any((row["channel"] == "IVR") == (channel == "IVR") for row in yes):
            return "no word means yes"
    texts = [(t["kind"], t["channel"], t["language"]) for t in policy.templates]
    if _repeated(texts) or not all(template["text"] for template in policy.templates):
        return "a template is there twice, or empty"
    if any(_UNKNOWN in (t["kind"], t["channel"]) for t in policy.templates):
        return "a template is for nothing known"
    if any(_UNKNOWN in (row["answer"], row["channel"]) for row in policy.reply_words):
        return "a word means nothing known"
    meanings: dict[tuple[bool, str], object] = {}
    for row in policy.reply_words:
        for word in cast(Sequence[str], row["words"]):
            said = row["channel"] == "IVR", plain(word)
            if not said[1] or meanings.setdefault(said, row["answer"]) != row["answer"]:
                return "a word is nothing, or means both yes and no"
    return _keywords(policy) or _texts(policy)


def _keywords(policy: Policy) -> str | None:
    """Each spelling means one thing, also with the number or code that may follow it."""
    answers = {
        plain(word): "answer"
        for row in policy.reply_words
        if row["channel"] != "IVR"
        for word in cast(Sequence[str], row["words"])
    }
    known: dict[str, object] = dict(answers)
    for row in policy.keywords:
        for word in cast(Sequence[str], row["words"]):
            spelling, means = plain(word), row["keyword"]
            if means == _UNKNOWN or not spelling or known.setdefault(spelling, means) != means:
                return "a keyword means nothing known, or two things"
    keywords = {spelling: means for spelling, means in known.items() if spelling not in answers}
    for spelling, means in keywords.items():
        if is_code(spelling) or any(_follows(spelling, word) for word in answers):
            return "a keyword looks like a code, or like an answer with one"
        longer = (word for word in keywords if word != spelling)
        if means == "CANCEL" and any(_follows(word, spelling) for word in longer):
            return "a keyword looks like a cancellation with its number"
    return None


def _follows(text: str, word: str) -> bool:
    """Whether a text is a word and digits, or a code and the word."""
    behind, before = text.removeprefix(word), text.removesuffix(word)
    return (behind != text and behind.isdigit()) or (before != text and is_code(before))


def _texts(policy: Policy) -> str | None:
    for template in policy.templates:
        text, kind = template["text"], template["kind"]
        if text.count("{{") != text.count("}}") or "{%" in text or "{#" in text:
            return "a template cannot be filled"
        if kind != "PROMPT" and template["channel"] != "SMS":
            return "a template is for a message that is never spoken"
        if not set(_NAME.findall(text)) <= set(_FILLED.get(kind, ())):
            return "a template names what it is not filled with"
        asks = kind == "PROMPT" and template["channel"] != "IVR"
        named = text.replace(" ", "")
        if asks and not all(f"{{{{{n}}}}}" in named for n in ("provider", "service", "price")):
            return "a template does not name provider, service and price"
    return None


def _repeated(values: Iterable[object]) -> bool:
    return any(times > 1 for times in Counter(values).values())
