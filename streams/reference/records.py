"""Entries of a file as records of their topics.

The author does not number versions, nor sign, nor know at which moment `now` will be: those fields
are drafts here (`DRAFT_VERSION`, empty, `DRAFT_INSTANT`, `DRAFT_KEY`) and are filled when the file
is applied.
"""

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias, TypeVar

from streams import topics
from streams.gate.reference import (
    Congestion,
    CreditChange,
    Gateway,
    KeywordWords,
    Names,
    OperatorAct,
    Policy,
    Provider,
    ProvinceLanguage,
    ReplyWords,
    Rule,
    Service,
    SpendLimit,
    Template,
)
from streams.reference.sections import Sections
from streams.reference.shapes import (
    CreditEntry,
    Effective,
    GatewayEntry,
    NamesEntry,
    Now,
    PolicyEntry,
    ProviderEntry,
    RuleEntry,
    ServiceEntry,
)
from streams.reference.source import Place

Written: TypeAlias = Provider | CreditChange | Service | Policy | Gateway  # by reference apply
Record: TypeAlias = Written | OperatorAct | Congestion

W = TypeVar("W", Provider, CreditChange, Service, Policy, Gateway)

DRAFT_VERSION = 0
DRAFT_INSTANT = 0
# A secret has no place in a file that is read by many: apply draws it (see `changes`).
DRAFT_KEY = b"drawn when it is applied"

# The class of each reference topic's records.
RECORD_TYPES: dict[str, type[Record]] = {
    topics.PROVIDERS: Provider,
    topics.CREDITS: CreditChange,
    topics.SERVICES: Service,
    topics.POLICIES: Policy,
    topics.GATEWAYS: Gateway,
    topics.ACTS: OperatorAct,
    topics.CONGESTION: Congestion,
}


class Draft(NamedTuple):
    """What the file says about one id."""

    topic: str  # catalogue name, without prefix
    record: Written
    place: Place
    at_now: bool = False  # effective_from is `now`


def id_of(record: Record) -> str:
    """The record's id: its key on the topic."""
    match record:
        case Provider():
            return record.provider_id
        case CreditChange():
            return record.change_id
        case Service():
            return record.service_id
        case Policy():
            return record.policy_id
        case Gateway() | Congestion():
            return record.province
        case OperatorAct():
            return record.act_id


def drafts(sections: Sections) -> Iterator[Draft]:
    """The records of a file's entries, topic by topic in the catalogue's order."""
    for place, provider in sections.providers:
        yield Draft(topics.PROVIDERS, _provider(provider), place)
    for place, credit in sections.credits:
        yield Draft(topics.CREDITS, _credit(credit), place, _is_now(credit.effective_from))
    for place, service in sections.services:
        yield Draft(topics.SERVICES, _service(service), place)
    for place, policy in sections.policies:
        yield Draft(topics.POLICIES, policy_record(policy), place, _is_now(policy.effective_from))
    for place, gateway in sections.gateways:
        yield Draft(topics.GATEWAYS, _gateway(gateway), place, _is_now(gateway.effective_from))


def _is_now(effective: Effective) -> bool:
    return effective is Now.NOW


def _instant(effective: Effective) -> int:
    return DRAFT_INSTANT if isinstance(effective, Now) else effective


def _names(entry: NamesEntry) -> Names:
    return Names(entry.zh, entry.en)


def _provider(entry: ProviderEntry) -> Provider:
    return Provider(
        entry.provider_id,
        _names(entry.name),
        entry.scope,
        entry.home_province,
        entry.status,
        DRAFT_VERSION,
        "",
        "",
    )


def _credit(entry: CreditEntry) -> CreditChange:
    return CreditChange(
        entry.change_id,
        entry.provider_id,
        entry.line,
        entry.province,
        entry.points,
        entry.delta,
        entry.cause,
        _instant(entry.effective_from),
        DRAFT_VERSION,
        "",
        "",
    )


def _service(entry: ServiceEntry) -> Service:
    return Service(
        entry.service_id,
        entry.provider_id,
        entry.line,
        _names(entry.name),
        entry.price_minor,
        entry.currency,
        entry.charge_code,
        entry.status,
        DRAFT_VERSION,
        "",
        "",
    )


def policy_record(entry: PolicyEntry) -> Policy:
    return Policy(
        policy_id=entry.policy_id,
        effective_from=_instant(entry.effective_from),
        time_zone=entry.time_zone,
        sender=entry.sender,
        horizon_days=entry.horizon_days,
        grace_ms=entry.grace,
        skew_ms=entry.skew,
        waiting_orders_max=entry.waiting_orders_max,
        message_life_ms=entry.message_life,
        default_language=entry.default_language,
        languages=tuple(ProvinceLanguage(one.province, one.language) for one in entry.languages),
        templates=tuple(
            Template(one.kind, one.channel, one.language, one.text) for one in entry.templates
        ),
        reply_words=tuple(
            ReplyWords(one.answer, one.channel, tuple(one.words)) for one in entry.reply_words
        ),
        code_key=DRAFT_KEY,
        rules=tuple(_rule(one) for one in entry.rules),
        prompts_per_day_max=entry.prompts_per_day_max,
        spend_limits=tuple(
            SpendLimit(one.currency, one.per_day_max_minor) for one in entry.spend_limits
        ),
        refuse_after_no=entry.refuse_after_no,
        receipt_interval_ms=entry.receipt_interval,
        undo_ms=entry.undo,
        keywords=tuple(KeywordWords(one.keyword, tuple(one.words)) for one in entry.keywords),
        text_segments_max=entry.text_segments_max,
        complaint_alarms_ms=tuple(entry.complaint_alarms),
        refund_days=entry.refund_days,
        alarm_window_ms=entry.alarm_window,
        alarm_dead_letters=entry.alarm_dead_letters,
        alarm_limit_refusals=entry.alarm_limit_refusals,
        version=DRAFT_VERSION,
        changed_by="",
        reason="",
    )


def _rule(entry: RuleEntry) -> Rule:
    return Rule(
        entry.name,
        tuple(entry.provinces),
        tuple(entry.lines),
        entry.scope,
        tuple(entry.provider_ids),
        entry.credit_below,
        entry.credit_at_least,
        entry.from_at,
        entry.until_at,
        entry.confirmation,
        entry.prompt_life,
        entry.grant_count_max,
        entry.grant_amount_max_minor,
        entry.receipt,
        entry.shadow_of,
        entry.code_required,
        entry.call_count_max,
        entry.call_amount_max_minor,
    )


def _gateway(entry: GatewayEntry) -> Gateway:
    return Gateway(
        entry.province,
        entry.messages_per_second,
        entry.hall_messages_per_second,
        _instant(entry.effective_from),
        DRAFT_VERSION,
        "",
        "",
    )
