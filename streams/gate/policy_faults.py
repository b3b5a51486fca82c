"""What keeps a policy from being in force: the first fault, as a sentence for its author.

Each sentence says what is wrong, where, and what to do. A policy with a fault is not taken, and the
one before it stays in force: nobody is charged by half a policy. Here is judged what the gate could
not decide by; what is merely unwise is for `reference apply` to refuse, so that a policy which an
earlier version took is taken by every later one (law 8). Spellings have a file of their own.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TypeVar
from zoneinfo import ZoneInfo

from streams.gate.boxes import lines_of, reachable
from streams.gate.faults import is_currency
from streams.gate.policy import DAY_MS, PROMPTS_PER_DAY_MAX, by_answer
from streams.gate.reference import Policy, Rule, Template
from streams.gate.spelling_faults import spelling_faults
from streams.gate.texts import LANGUAGES, PROMPT_NAMES, VARIABLES, placeholders, syntax_fault
from streams.gate.words import Answer, Channel, Confirmation, MessageKind, Scope

ASKING = (Confirmation.FIRST_OF_DAY, Confirmation.EVERY_ORDER)

_Value = TypeVar("_Value")

_NOT_NEGATIVE = (
    *("horizon_days", "grace_ms", "skew_ms", "message_life_ms", "receipt_interval_ms", "undo_ms"),
)
# Of time; added to any instant it must still fit 64 bits, or the first order would stop the gate.
SPAN_MAX_MS = 1000 * 366 * DAY_MS
_SPANS = (
    *("grace_ms", "skew_ms", "message_life_ms", "receipt_interval_ms", "undo_ms"),
    "alarm_window_ms",
)
_AT_LEAST_ONE = (
    *("prompts_per_day_max", "text_segments_max", "refund_days", "alarm_window_ms"),
    *("alarm_dead_letters", "alarm_limit_refusals"),
)
_NOT_NEGATIVE_OF_A_RULE = (
    *("prompt_life_ms", "grant_count_max", "grant_amount_max_minor"),
    *("call_count_max", "call_amount_max_minor"),
)


def policy_fault(policy: Policy) -> str | None:
    """The first thing that keeps a policy from being in force."""
    return next(_policy_faults(policy), None)


def confirmations_tried(rule: Rule, lines: Iterable[object]) -> set[Confirmation]:
    """How a rule asks on these lines, or would ask where it is SHADOW; none where it asks nobody.

    A trial that names no confirmation is of the one that fits each line.
    """
    if rule.confirmation in ASKING:
        return {rule.confirmation}
    if rule.confirmation is not Confirmation.SHADOW:
        return set()
    if rule.shadow_of is not None:
        return {rule.shadow_of}
    return {
        Confirmation.EVERY_ORDER if line is Channel.IVR else Confirmation.FIRST_OF_DAY
        for line in lines
    }


def lines_asked(policy: Policy) -> set[object]:
    """The business lines on which some rule asks the subscriber, or tries out asking."""
    return {
        line
        for rule, left in zip(policy.rules, reachable(policy), strict=True)
        if rule.confirmation in (*ASKING, Confirmation.SHADOW)
        for line in lines_of(left)
    }


def _policy_faults(policy: Policy) -> Iterator[str]:
    name = f"policy {policy.policy_id} version {policy.version}"
    checks = (
        *(_limits, _spend_limits, _complaint_alarms, _zone, _rules, _languages, _templates),
        *(spelling_faults, _yes_words, _code_key),
    )
    return (f"{name}: {fault}" for check in checks for fault in check(policy))


def _limits(policy: Policy) -> Iterator[str]:
    for field in _NOT_NEGATIVE:
        if (value := getattr(policy, field)) < 0:
            yield f"{field} is {value}, which is negative; write 0 or more"
    for field in _AT_LEAST_ONE:
        if (value := getattr(policy, field)) < 1:
            yield f"{field} is {value}; it must be at least 1"
    for field in _SPANS:
        if (value := getattr(policy, field)) > SPAN_MAX_MS:
            yield f"{field} is {value}, which is more than a thousand years; write less"
    if policy.prompts_per_day_max > PROMPTS_PER_DAY_MAX:
        yield (
            f"prompts_per_day_max is {policy.prompts_per_day_max}; write {PROMPTS_PER_DAY_MAX} or"
            " less, because each prompt of a day has a reply code of its own"
        )
    if policy.waiting_orders_max < 1:
        yield "waiting_orders_max must be at least 1, because the order asked about waits too"
    if policy.undo_ms > policy.horizon_days * DAY_MS:
        yield (
            f"undo_ms is longer than horizon_days ({policy.horizon_days}), after which the gate"
            " has forgotten what could be undone; shorten the one or raise the other"
        )
    if not policy.sender:
        yield "it has no sender number; write the number that subscribers answer to"


def _spend_limits(policy: Policy) -> Iterator[str]:
    if double := _repeated(each.currency for each in policy.spend_limits):
        yield f"it has two spend limits in {double}; keep one of them"
    for limit in policy.spend_limits:
        if not is_currency(limit.currency):
            yield (
                f"a spend limit is in {limit.currency!r}, which is no ISO 4217 code; write one,"
                " such as CNY"
            )
        if limit.per_day_max_minor < 0:
            yield (
                f"the spend limit in {limit.currency} is {limit.per_day_max_minor}, which is"
                " negative; write 0 or more"
            )


def _complaint_alarms(policy: Policy) -> Iterator[str]:
    alarms = policy.complaint_alarms_ms
    if any(after <= 0 for after in alarms) or list(alarms) != sorted(set(alarms)):
        yield (
            f"complaint_alarms_ms is {', '.join(map(str, alarms))}; each must be more than 0 and"
            " later than the one before it"
        )
    if any(after > SPAN_MAX_MS for after in alarms):
        yield "complaint_alarms_ms goes on for more than a thousand years; write less"


def _zone(policy: Policy) -> Iterator[str]:
    try:
        ZoneInfo(policy.time_zone)
    except (KeyError, ValueError, OSError):
        yield f"time zone {policy.time_zone!r} is not known; write an IANA name, as Asia/Shanghai"


def _rules(policy: Policy) -> Iterator[str]:
    if double := _repeated(rule.name for rule in policy.rules):
        yield f"two rules are named {double!r}; name one anew, because decisions cite the name"
    for rule in policy.rules:
        yield from (f"rule {rule.name!r} {fault}" for fault in _rule(rule))
    for rule, left in zip(policy.rules, reachable(policy), strict=True):
        lines = lines_of(left)
        if not left:
            yield (
                f"rule {rule.name!r} can never match: it contradicts itself, ends before the policy"
                " begins, or the rules above it take all that it would match; correct or remove it"
            )
        else:
            yield from (f"rule {rule.name!r} {fault}" for fault in _rule_on(rule, lines))


def _rule(rule: Rule) -> Iterator[str]:
    """What is wrong with a rule, whatever it can match."""
    if rule.confirmation is Confirmation.UNKNOWN:
        yield "has a confirmation that is not known to this version"
    if Channel.UNKNOWN in rule.lines or rule.scope is Scope.UNKNOWN:
        yield "has a line or a scope that is not known to this version"
    for field in _NOT_NEGATIVE_OF_A_RULE:
        if (value := getattr(rule, field)) < 0:
            yield f"has {field} {value}, which is negative; write 0 or more"
    if rule.prompt_life_ms > SPAN_MAX_MS:
        yield "has a prompt_life_ms of more than a thousand years; write less"
    if rule.shadow_of is not None and rule.confirmation is not Confirmation.SHADOW:
        yield (
            f"has shadow_of, but is {rule.confirmation}; remove shadow_of, or make the"
            " confirmation SHADOW"
        )
    elif rule.shadow_of is not None and rule.shadow_of not in ASKING:
        yield (
            f"tries out {rule.shadow_of}, where nobody is asked; write shadow_of FIRST_OF_DAY or"
            " EVERY_ORDER"
        )
    if rule.confirmation in (*ASKING, Confirmation.SHADOW) and rule.prompt_life_ms == 0:
        verb = "tries out asking" if rule.confirmation is Confirmation.SHADOW else "asks"
        yield f"{verb}, so its prompt_life_ms must be more than 0"


def _rule_on(rule: Rule, lines: set[object]) -> Iterator[str]:
    """What is wrong with a rule on the lines that it can match."""
    tried = confirmations_tried(rule, lines)
    covers_day = Confirmation.FIRST_OF_DAY in tried
    shadow = rule.confirmation is Confirmation.SHADOW
    how = "tries out FIRST_OF_DAY" if shadow else "is FIRST_OF_DAY"
    if covers_day and rule.grant_count_max == 0:
        yield f"{how}, so its grant_count_max must be at least 1"
    named = Confirmation.FIRST_OF_DAY in (rule.confirmation, rule.shadow_of)
    if covers_day and named and Channel.IVR in lines:
        yield (
            f"{how} and can match IVR, where a yes covers one call only; name its lines, or put a"
            " rule for IVR above it"
        )


def _languages(policy: Policy) -> Iterator[str]:
    if double := _repeated(each.province for each in policy.languages):
        yield f"province {double!r} has two languages; keep one of them"
    for language in _spoken(policy):
        if language not in LANGUAGES:
            yield f"language {language!r} is none of {', '.join(LANGUAGES)}"


def _templates(policy: Policy) -> Iterator[str]:
    keys = [(each.kind, each.channel, each.language) for each in policy.templates]
    if double := _repeated(keys):
        yield f"it has two templates for {' '.join(double)}; keep one of them"
    for template in policy.templates:
        yield from (
            f"the {template.kind} template for {template.channel} in {template.language} {fault}"
            for fault in _template(template)
        )
    asked = lines_asked(policy)
    channels = (Channel.SMS, Channel.IVR) if Channel.IVR in asked else (Channel.SMS,)
    for channel in channels:
        for language in _spoken(policy):
            if (MessageKind.PROMPT, channel, language) not in keys:
                yield f"it has no PROMPT template for {channel} in {language}; add one"


def _template(template: Template) -> Iterator[str]:
    known = VARIABLES.get(template.kind)
    if known is None or template.channel is Channel.UNKNOWN:
        yield "is of a kind or for a channel that is not known to this version"
        return
    if template.kind is not MessageKind.PROMPT and template.channel is not Channel.SMS:
        yield "can never be sent, because only prompts are spoken; make its channel SMS"
    if not template.text:
        yield "is empty; write its text"
    if fault := syntax_fault(template.text):
        yield f"cannot be filled: {fault}; use nothing but text and {{{{ name }}}}"
    names = placeholders(template.text)
    for name in names:
        if name not in known:
            yield f"names {name!r}, which is none of {', '.join(known)}"
    if template.kind is MessageKind.PROMPT and template.channel is not Channel.IVR:
        for name in PROMPT_NAMES:
            if name not in names:
                yield f"does not name the {name}, as a prompt must; add {{{{ {name} }}}}"


def _yes_words(policy: Policy) -> Iterator[str]:
    known = by_answer(policy.reply_words)
    for voice in (False, True) if Channel.IVR in lines_asked(policy) else (False,):
        if not any(key[0] is voice and known[key] is Answer.YES for key in known):
            yield f"it has no word for yes on {'IVR' if voice else 'SMS'}; add one to reply_words"


def _code_key(policy: Policy) -> Iterator[str]:
    """Codes drawn without a key could be foreseen by anybody."""
    coded = next((rule for rule in policy.rules if rule.code_required), None)
    if coded and not policy.code_key:
        yield f"rule {coded.name!r} has code_required, but the policy has no code_key; give it one"


def _spoken(policy: Policy) -> list[str]:
    """The default language and every language of a province, each once."""
    named = (policy.default_language, *(each.language for each in policy.languages))
    return list(dict.fromkeys(named))


def _repeated(values: Iterable[_Value]) -> _Value | None:
    return next((value for value, times in Counter(values).items() if times > 1), None)
