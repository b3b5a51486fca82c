"""What a policy must say, and what its rules say about one another.

The gate's catalogue judges a policy again when it is applied; here each fault gets its line.
"""

from zoneinfo import available_timezones

from streams.gate.boxes import lines_of, reachable
from streams.gate.policy import normalise
from streams.gate.words import Answer, Channel, Confirmation
from streams.reference.checks import check_provider, check_province
from streams.reference.problems import choose_from
from streams.reference.records import policy_record
from streams.reference.sections import Placed, Sections
from streams.reference.shapes import PolicyEntry, RuleEntry
from streams.reference.source import Place

ASKING = (Confirmation.FIRST_OF_DAY, Confirmation.EVERY_ORDER)
TEXT_LINES = {Channel.SMS, Channel.MMS}

_PHONE_KEYS = set("0123456789*#")


def check_policies(sections: Sections) -> None:
    """Note every fault of the policies, their texts aside."""
    starts: dict[object, str] = {}
    for place, policy in sections.policies:
        if other := starts.get(policy.effective_from):
            what = f"policy {policy.policy_id} takes effect at the same instant as {other}"
            sections.problem((*place, "effective_from"), what, "give them different instants")
        starts.setdefault(policy.effective_from, policy.policy_id)
        if policy.time_zone not in (zones := available_timezones()):
            what = f"time_zone {policy.time_zone} is not known"
            sections.problem((*place, "time_zone"), what, choose_from(policy.time_zone, zones))
        _languages(sections, Placed(place, policy))
        for index, rule in enumerate(policy.rules):
            _rule(sections, rule, (*place, "rules", index))
        _reach(sections, Placed(place, policy))
        _reply_words(sections, Placed(place, policy))


def lines_asked(policy: PolicyEntry) -> set[object]:
    """The business lines on which some rule of the policy asks the subscriber."""
    left = reachable(policy_record(policy))
    return {
        line
        for rule, boxes in zip(policy.rules, left, strict=True)
        if rule.confirmation in ASKING
        for line in lines_of(boxes)
    }


def _languages(sections: Sections, placed: Placed[PolicyEntry]) -> None:
    place, policy = placed
    seen: set[str] = set()
    for index, language in enumerate(policy.languages):
        at = (*place, "languages", index, "province")
        check_province(sections, language.province, at)
        if language.province in seen:
            what = f"province {language.province} has two languages"
            sections.problem(at, what, "keep one: a prompt is in one language")
        seen.add(language.province)


def _rule(sections: Sections, rule: RuleEntry, place: Place) -> None:
    """What a rule says by itself."""
    for index, province in enumerate(rule.provinces):
        check_province(sections, province, (*place, "provinces", index))
    for index, provider_id in enumerate(rule.provider_ids):
        check_provider(sections, provider_id, (*place, "provider_ids", index))
    if rule.confirmation is Confirmation.SHADOW:
        what = f"rule {rule.name}: SHADOW cannot be decided by this version yet"
        sections.problem((*place, "confirmation"), what, "use OFF")
    if rule.receipt:
        what = f"rule {rule.name}: this version sends no receipts yet"
        sections.problem((*place, "receipt"), what, "remove it")
    if rule.confirmation in ASKING and not rule.prompt_life:
        what = f"rule {rule.name} asks the subscriber but gives no time to answer"
        sections.problem(place, what, "add prompt_life, for example 15m")
    if rule.confirmation is Confirmation.FIRST_OF_DAY:
        for limit in ("grant_count_max", "grant_amount_max_minor"):
            if not getattr(rule, limit):
                what = f"rule {rule.name}: a yes for the day needs {limit}"
                sections.problem(place, what, f"add {limit}, at least 1")


def _reach(sections: Sections, placed: Placed[PolicyEntry]) -> None:
    """Which orders each rule can match: none is a mistake, voice once a day too."""
    place, policy = placed
    first_places: dict[str, int] = {}
    left = reachable(policy_record(policy))
    scopes = {provider.provider_id: provider.scope for _, provider in sections.providers}
    for index, (rule, boxes) in enumerate(zip(policy.rules, left, strict=True)):
        at = (*place, "rules", index)
        if rule.name in first_places:
            line = sections.source.line((*place, "rules", first_places[rule.name]))
            what = f"rule {rule.name} has the name of the rule in line {line}"
            sections.problem((*at, "name"), what, "name it anew: decisions cite the name")
        first_places.setdefault(rule.name, index)
        if contradiction := _contradiction(rule, policy):
            remedy = "correct it, or remove the rule"
            sections.problem(at, f"rule {rule.name} can never match: {contradiction}", remedy)
        elif not boxes:
            what = f"rule {rule.name} can never match: rules above it match all that it would"
            sections.problem(at, what, "move it up, or remove it")
        elif (
            rule.provider_ids
            and all(
                scopes.get(provider_id, rule.scope) is not rule.scope
                for provider_id in rule.provider_ids
            )
            and rule.scope
        ):
            what = f"rule {rule.name} can never match: no provider of it is {rule.scope}"
            sections.problem((*at, "scope"), what, "remove the scope, or correct the provider_ids")
        if rule.confirmation is Confirmation.FIRST_OF_DAY and Channel.IVR in lines_of(boxes):
            what = f"rule {rule.name} would ask callers (IVR) only once a day"
            remedy = "voice confirms in every call: add lines: [SMS, MMS], and a rule for IVR"
            sections.problem(at, what, remedy)
        if rule.confirmation is Confirmation.FIRST_OF_DAY:
            _affordable(sections, rule, lines_of(boxes), (*at, "grant_amount_max_minor"))


def _contradiction(rule: RuleEntry, policy: PolicyEntry) -> str | None:
    """Why the rule matches nothing whatever stands above it."""
    if rule.credit_below is not None and rule.credit_below <= (rule.credit_at_least or 0):
        return f"no credit is at least {rule.credit_at_least or 0} and below {rule.credit_below}"
    if rule.from_at is not None and rule.until_at is not None and rule.until_at <= rule.from_at:
        return "until_at is not after from_at"
    start = policy.effective_from
    if isinstance(start, int) and rule.until_at is not None and rule.until_at <= start:
        return "it ends before the policy takes effect"
    return None


def _affordable(sections: Sections, rule: RuleEntry, lines: set[object], place: Place) -> None:
    """A yes must cover at least the order that it answers."""
    scopes = {provider.provider_id: provider.scope for _, provider in sections.providers}
    for at, service in sections.services:
        met = (
            service.line in lines
            and (not rule.provider_ids or service.provider_id in rule.provider_ids)
            and rule.scope in (None, scopes.get(service.provider_id))
        )
        if met and service.price_minor > rule.grant_amount_max_minor > 0:
            what = (
                f"rule {rule.name}: a yes covers {rule.grant_amount_max_minor}, less than the price"
                f" {service.price_minor} of service {service.service_id}"
                f" (line {sections.source.line(at)})"
            )
            sections.problem(place, what, "raise grant_amount_max_minor to that price at least")


def _reply_words(sections: Sections, placed: Placed[PolicyEntry]) -> None:
    place, policy = placed
    meanings: dict[tuple[Channel, str], Answer] = {}
    for index, listed in enumerate(policy.reply_words):
        at = (*place, "reply_words", index)
        if listed.channel is Channel.MMS:
            what = "MMS orders are confirmed by SMS, and have no reply words of their own"
            sections.problem((*at, "channel"), what, "use channel: SMS")
        for position, word in enumerate(listed.words):
            spelling = normalise(word)
            word_at = (*at, "words", position)
            if fault := _word_fault(listed.channel, listed.answer, spelling):
                sections.problem(word_at, f"reply word {word}: {fault[0]}", fault[1])
            elif meanings.setdefault((listed.channel, spelling), listed.answer) != listed.answer:
                what = f"reply word {word} means both YES and NO"
                sections.problem(word_at, what, "keep it in one of the two lists")
    asked = lines_asked(policy)
    for channel, lines in ((Channel.SMS, TEXT_LINES), (Channel.IVR, {Channel.IVR})):
        for answer in (Answer.YES, Answer.NO):
            if asked & lines and (channel, answer) not in {
                (listed.channel, listed.answer) for listed in policy.reply_words
            }:
                what = f"policy {policy.policy_id} asks by {channel} but lists no word for {answer}"
                remedy = f"add {{answer: {answer}, channel: {channel}, words: [...]}}"
                sections.problem((*place, "reply_words"), what, remedy)


def _word_fault(channel: Channel, answer: Answer, spelling: str) -> tuple[str, str] | None:
    """What is wrong with one spelling: the fault and the remedy."""
    if not spelling:
        return "nothing is left of it without spaces and punctuation", "remove it"
    if channel is Channel.IVR and not set(spelling) <= _PHONE_KEYS:
        return "a caller answers by keys", "use digits, * or #"
    if channel is not Channel.IVR and answer is Answer.YES and spelling.isdecimal():
        # Baits ask people to send a digit; what they send must not buy anything.
        return "a bare number is no clear yes", "use a word"
    return None
