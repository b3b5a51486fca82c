"""What a policy must say, and what its rules say about one another.

The gate's catalogue judges a policy again when it is applied; here each fault gets its line.
"""

from itertools import pairwise
from zoneinfo import available_timezones

from streams.gate.boxes import lines_of, reachable
from streams.gate.policy_faults import ASKING, confirmations_tried
from streams.gate.reference import Rule
from streams.gate.words import Channel, Confirmation
from streams.reference.checks import check_provider, check_province
from streams.reference.problems import choose_from
from streams.reference.records import policy_record
from streams.reference.sections import Placed, Sections
from streams.reference.shapes import DAY_MS, PolicyEntry, RuleEntry, span_text
from streams.reference.source import Place
from streams.reference.spellings import check_spellings


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
        _limits(sections, Placed(place, policy))
        check_spellings(sections, Placed(place, policy))


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
    shadow = rule.confirmation is Confirmation.SHADOW
    if rule.shadow_of is not None and not shadow:
        what = f"rule {rule.name} has shadow_of, but is {rule.confirmation}"
        remedy = "remove shadow_of, or write confirmation: SHADOW"
        sections.problem((*place, "shadow_of"), what, remedy)
    elif rule.shadow_of is not None and rule.shadow_of not in ASKING:
        what = f"rule {rule.name} tries out {rule.shadow_of}, where nobody is asked"
        remedy = f"use shadow_of: {' or '.join(ASKING)}"
        sections.problem((*place, "shadow_of"), what, remedy)
    if (shadow or rule.confirmation in ASKING) and not rule.prompt_life:
        verb = "tries out asking" if shadow else "asks"
        what = f"rule {rule.name} {verb} the subscriber but gives no time to answer"
        sections.problem(place, what, "add prompt_life, for example 15m")
    if rule.code_required and rule.confirmation not in (*ASKING, Confirmation.SHADOW):
        what = f"rule {rule.name} wants a code, but is {rule.confirmation}, where nobody is asked"
        sections.problem((*place, "code_required"), what, "remove code_required")
    if rule.receipt and rule.confirmation is Confirmation.REFUSE:
        what = f"rule {rule.name} gives receipts, but charges nobody"
        sections.problem((*place, "receipt"), what, "remove receipt")


def _reach(sections: Sections, placed: Placed[PolicyEntry]) -> None:
    """Which orders each rule can match: none is a mistake, voice once a day too."""
    place, policy = placed
    first_places: dict[str, int] = {}
    record = policy_record(policy)
    left = reachable(record)
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
        _on_lines(sections, rule, record.rules[index], lines_of(boxes), at)


def _on_lines(
    sections: Sections, rule: RuleEntry, record: Rule, lines: set[object], place: Place
) -> None:
    """What a rule needs on the lines that it can match."""
    tried = confirmations_tried(record, lines)
    named = Confirmation.FIRST_OF_DAY in (rule.confirmation, rule.shadow_of)
    if named and Confirmation.FIRST_OF_DAY in tried and Channel.IVR in lines:
        what = f"rule {rule.name} would ask callers (IVR) only once a day"
        remedy = "voice confirms in every call: add lines: [SMS, MMS], and a rule for IVR"
        sections.problem(place, what, remedy)
    if Confirmation.FIRST_OF_DAY in tried:
        for limit in ("grant_count_max", "grant_amount_max_minor"):
            if limit not in rule.model_fields_set:
                what = f"rule {rule.name}: a yes for the day needs {limit}"
                sections.problem(place, what, f"add {limit}, at least 1")
            elif not getattr(rule, limit):
                what = f"rule {rule.name}: {limit} is 0, so a yes would cover nothing"
                sections.problem((*place, limit), what, "write 1 or more")
        _affordable(sections, rule, lines, (*place, "grant_amount_max_minor"))
    for limit in ("call_count_max", "call_amount_max_minor"):
        if getattr(rule, limit) and lines and Channel.IVR not in lines:
            what = f"rule {rule.name} has {limit}, but can match no call"
            sections.problem((*place, limit), what, "remove it, or name IVR among its lines")


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


def _limits(sections: Sections, placed: Placed[PolicyEntry]) -> None:
    """Limits of a subscriber's day, and clocks."""
    place, policy = placed
    seen: set[str] = set()
    for index, limit in enumerate(policy.spend_limits):
        at = (*place, "spend_limits", index)
        if limit.currency in seen:
            what = f"there is already a spend limit in {limit.currency}"
            sections.problem((*at, "currency"), what, "keep one of them")
        seen.add(limit.currency)
        for sold_at, service in sections.services:
            if service.currency == limit.currency and service.price_minor > limit.per_day_max_minor:
                what = (
                    f"the spend limit of {limit.per_day_max_minor} is less than the price"
                    f" {service.price_minor} of service {service.service_id}"
                    f" (line {sections.source.line(sold_at)}), which nobody could buy"
                )
                remedy = "raise per_day_max_minor to that price at least"
                sections.problem((*at, "per_day_max_minor"), what, remedy)
                break
    alarms = policy.complaint_alarms
    for index, (earlier, later) in enumerate(pairwise(alarms), start=1):
        if later <= earlier:
            what = f"the alarm at {span_text(later)} is not after the one at {span_text(earlier)}"
            at_alarm = (*place, "complaint_alarms", index)
            sections.problem(at_alarm, what, "list them from the first to the last")
    if policy.undo > policy.horizon_days * DAY_MS:
        what = (
            f"undo is {span_text(policy.undo)}, but the gate forgets after {policy.horizon_days}"
            " days (horizon_days)"
        )
        sections.problem((*place, "undo"), what, "shorten it, or raise horizon_days")
