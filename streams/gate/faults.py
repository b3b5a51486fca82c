"""What is wrong with a reference record: a sentence for the person who wrote it, or None.

Only what shows in the record itself is judged here; the catalogue judges it against earlier records
of its topic. Ids that lead nowhere are judged when deciding: the other topic may come later.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TypeVar
from zoneinfo import ZoneInfo

from streams.gate.boxes import lines_of, reachable
from streams.gate.policy import by_answer, normalise
from streams.gate.reference import (
    Congestion,
    CreditChange,
    Gateway,
    OperatorAct,
    Policy,
    Provider,
    Rule,
    Service,
    Template,
)
from streams.gate.texts import LANGUAGES, PROMPT_NAMES, VARIABLES, placeholders, syntax_fault
from streams.gate.words import (
    ActKind,
    Answer,
    Channel,
    Confirmation,
    CongestionState,
    MessageKind,
    Scope,
)

_Value = TypeVar("_Value")

_ASKING = (Confirmation.FIRST_OF_DAY, Confirmation.EVERY_ORDER)


def provider_fault(provider: Provider) -> str | None:
    """A local provider has a home; its standing is judged when deciding."""
    if provider.scope is Scope.UNKNOWN:
        return f"provider {provider.provider_id}: its scope is neither NATIONAL nor LOCAL"
    if provider.scope is Scope.LOCAL and not provider.home_province:
        return f"provider {provider.provider_id} is LOCAL, so it needs a home province"
    return None


def credit_fault(change: CreditChange) -> str | None:
    """A change names a line and either sets points or adds to them."""
    if change.line is Channel.UNKNOWN:
        return f"credit change {change.change_id}: its line is none of SMS, MMS, IVR"
    if (change.points is None) == (change.delta is None):
        return f"credit change {change.change_id} must have either points or delta, not both"
    return None


def service_fault(service: Service) -> str | None:
    """A service has a line, a price that is not negative, a currency and a charge code."""
    name = f"service {service.service_id}"
    if service.line is Channel.UNKNOWN:
        return f"{name}: its line is none of SMS, MMS, IVR"
    if service.price_minor < 0:
        return f"{name}: its price {service.price_minor} is negative"
    if not (
        len(service.currency) == 3 and service.currency.isascii() and service.currency.isupper()
    ):
        return f"{name}: its currency {service.currency!r} is not an ISO 4217 code such as CNY"
    if not service.charge_code:
        return f"{name} has no charge code"
    return None


def gateway_fault(gateway: Gateway) -> str | None:
    """Capacities are not negative."""
    if gateway.messages_per_second < 0 or gateway.hall_messages_per_second < 0:
        return f"gateway of {gateway.province}: a capacity is negative"
    return None


def act_fault(act: OperatorAct) -> str | None:
    """An act is one this version knows, on a record that can be."""
    if act.kind is ActKind.UNKNOWN:
        return f"act {act.act_id}: its kind is not known to this version"
    if act.partition < 0 or act.offset < 0:
        return f"act {act.act_id}: its partition or offset is negative"
    return None


def congestion_fault(congestion: Congestion) -> str | None:
    """A queue is clear or congested."""
    if congestion.state is CongestionState.UNKNOWN:
        return f"congestion of {congestion.province}: its state is neither CLEAR nor CONGESTED"
    return None


def policy_fault(policy: Policy) -> str | None:
    """The first thing that keeps a policy from being in force."""
    return next(_policy_faults(policy), None)


def _policy_faults(policy: Policy) -> Iterator[str]:
    name = f"policy {policy.policy_id} version {policy.version}"
    checks = (_limits, _zone, _rules, _languages, _templates, _reply_words)
    return (f"{name}: {fault}" for check in checks for fault in check(policy))


def _limits(policy: Policy) -> Iterator[str]:
    for field in ("horizon_days", "grace_ms", "skew_ms", "message_life_ms"):
        if (value := getattr(policy, field)) < 0:
            yield f"{field} is {value}, which is negative"
    if policy.waiting_orders_max < 1:
        yield "waiting_orders_max must be at least 1, because the order asked about waits too"
    if not policy.sender:
        yield "it has no sender number"


def _zone(policy: Policy) -> Iterator[str]:
    try:
        ZoneInfo(policy.time_zone)
    except (KeyError, ValueError, OSError):
        yield f"time zone {policy.time_zone!r} is not known; write an IANA name, as Asia/Shanghai"


def _rules(policy: Policy) -> Iterator[str]:
    if double := _repeated(rule.name for rule in policy.rules):
        yield f"two rules are named {double!r}"
    for rule in policy.rules:
        yield from (f"rule {rule.name!r} {fault}" for fault in _rule(rule))
    for rule, left in zip(policy.rules, reachable(policy), strict=True):
        if not left:
            yield (
                f"rule {rule.name!r} can never match: it contradicts itself, ends before the policy"
                " begins, or the rules above it take all that it would match"
            )
        elif rule.confirmation is Confirmation.FIRST_OF_DAY and Channel.IVR in lines_of(left):
            yield (
                f"rule {rule.name!r} is FIRST_OF_DAY and can match IVR, where a yes covers one"
                " call only; name its lines, or put a rule for IVR above it"
            )


def _rule(rule: Rule) -> Iterator[str]:
    if rule.confirmation is Confirmation.UNKNOWN:
        yield "has a confirmation that is not known to this version"
    if rule.confirmation is Confirmation.SHADOW:
        yield "is SHADOW, which this version does not do yet"
    if Channel.UNKNOWN in rule.lines or rule.scope is Scope.UNKNOWN:
        yield "has a line or a scope that is not known to this version"
    for field in ("prompt_life_ms", "grant_count_max", "grant_amount_max_minor"):
        if (value := getattr(rule, field)) < 0:
            yield f"has {field} {value}, which is negative"
    if rule.confirmation in _ASKING and rule.prompt_life_ms == 0:
        yield "asks, so its prompt_life_ms must be more than 0"
    if rule.confirmation is Confirmation.FIRST_OF_DAY and rule.grant_count_max == 0:
        yield "is FIRST_OF_DAY, so its grant_count_max must be at least 1"


def _languages(policy: Policy) -> Iterator[str]:
    if double := _repeated(each.province for each in policy.languages):
        yield f"province {double!r} has two languages"
    for language in _spoken(policy):
        if language not in LANGUAGES:
            yield f"language {language!r} is none of {', '.join(LANGUAGES)}"


def _templates(policy: Policy) -> Iterator[str]:
    keys = [(each.kind, each.channel, each.language) for each in policy.templates]
    if double := _repeated(keys):
        yield f"it has two templates for {' '.join(double)}"
    for template in policy.templates:
        yield from (
            f"the {template.kind} template for {template.channel} in {template.language} {fault}"
            for fault in _template(template)
        )
    channels = (Channel.SMS, Channel.IVR) if _asks_voice(policy) else (Channel.SMS,)
    for channel in channels:
        for language in _spoken(policy):
            if (MessageKind.PROMPT, channel, language) not in keys:
                yield f"it has no PROMPT template for {channel} in {language}"


def _template(template: Template) -> Iterator[str]:
    if template.kind is MessageKind.UNKNOWN or template.channel is Channel.UNKNOWN:
        yield "is of a kind or for a channel that is not known to this version"
    if not template.text:
        yield "is empty"
    if fault := syntax_fault(template.text):
        yield f"cannot be filled: {fault}"
    names = placeholders(template.text)
    for name in names:
        if name not in VARIABLES:
            yield f"names {name!r}, which is none of {', '.join(VARIABLES)}"
    if template.kind is MessageKind.PROMPT and template.channel is not Channel.IVR:
        for name in PROMPT_NAMES:
            if name not in names:
                yield f"does not name the {name}, as a prompt must"


def _reply_words(policy: Policy) -> Iterator[str]:
    meanings: dict[tuple[bool, str], Answer] = {}
    for words in policy.reply_words:
        if words.answer is Answer.UNKNOWN or words.channel is Channel.UNKNOWN:
            yield "it has reply words with an answer or a channel that is not known to this version"
        for word in words.words:
            spelling = (words.channel is Channel.IVR, normalise(word))
            if not spelling[1]:
                yield f"the reply word {word!r} is nothing but spaces and punctuation"
            if meanings.setdefault(spelling, words.answer) is not words.answer:
                yield f"the reply word {word!r} means both yes and no"
    kinds = (False, True) if _asks_voice(policy) else (False,)
    for voice in kinds:
        known = by_answer(policy.reply_words)
        if not any(key[0] is voice and known[key] is Answer.YES for key in known):
            yield f"it has no word for yes on {'IVR' if voice else 'SMS'}"


def _spoken(policy: Policy) -> list[str]:
    """The default language and every language of a province, each once."""
    named = (policy.default_language, *(each.language for each in policy.languages))
    return list(dict.fromkeys(named))


def _asks_voice(policy: Policy) -> bool:
    """Whether some order of a voice service would be asked about."""
    return any(
        rule.confirmation in _ASKING and Channel.IVR in lines_of(left)
        for rule, left in zip(policy.rules, reachable(policy), strict=True)
    )


def _repeated(values: Iterable[_Value]) -> _Value | None:
    return next((value for value, times in Counter(values).items() if times > 1), None)
