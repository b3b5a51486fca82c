"""The shapes of a reference file's entries, in the forms that are friendly to write.

Names are those of the schemas, except that a span of time is written with its unit and without
the schema's suffix (`grace: 10s` for `grace_ms`). Times are ISO 8601 with a zone; `effective_from`
may also be `now`. What an entry says by itself is checked here; what it says about others, in
`checks`.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import Enum, StrEnum
from typing import Annotated, Literal, TypeAlias, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator
from pydantic_core import PydanticCustomError

from streams.gate.policy import PROMPTS_PER_DAY_MAX
from streams.gate.words import (
    Answer,
    Channel,
    Confirmation,
    Keyword,
    MessageKind,
    ProviderStatus,
    Scope,
    ServiceStatus,
)
from streams.reference.problems import choose_from

E = TypeVar("E", bound=StrEnum)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_UNITS_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_SPAN = re.compile(r"([0-9]{1,9})(ms|s|m|h|d)")

# Beyond these an author has mistaken the unit.
POINTS_MAX = 1000
MONEY_MAX_MINOR = 1_000_000_00
PROMPT_LIFE_MAX_MS = 7 * _UNITS_MS["d"]
GRACE_MAX_MS = _UNITS_MS["h"]
SKEW_MAX_MS = _UNITS_MS["d"]
MESSAGE_LIFE_MAX_MS = 7 * _UNITS_MS["d"]
COMPLAINT_ALARM_MAX_MS = 90 * _UNITS_MS["d"]

DAY_MS = _UNITS_MS["d"]


class Now(Enum):
    """A moment ahead of the instant at which the file is applied."""

    NOW = "now"


Effective: TypeAlias = int | Literal[Now.NOW]


def fault(what: str, remedy: str) -> PydanticCustomError:
    """What pydantic carries out of a validator: the sentence's two halves."""
    # Through the context, so that braces in an author's text are not taken for fields.
    return PydanticCustomError("shape", "{what}", {"what": what, "remedy": remedy})


def parse_instant(value: object) -> int:
    """Milliseconds since the epoch of an ISO 8601 time with a zone."""
    remedy = "write it as 2010-09-01T00:00:00+08:00"
    try:
        instant = datetime.fromisoformat(str(value))
    except ValueError:
        raise fault(f"{value} is not a time", remedy) from None
    if instant.tzinfo is None:
        raise fault(f"the time {value} has no zone", remedy)
    if instant < _EPOCH:
        raise fault(f"the time {value} is before 1970", remedy)
    return (instant - _EPOCH) // _MILLISECOND


def parse_effective(value: object) -> Effective:
    """An instant, or `now`."""
    if value == Now.NOW.value:
        return Now.NOW
    return parse_instant(value)


def parse_span(value: object) -> int:
    """Milliseconds of a span such as 15m."""
    match = _SPAN.fullmatch(str(value))
    if match is None:
        raise fault(f"{value} is not a span of time", "write it with its unit, as 10s, 15m or 24h")
    return int(match[1]) * _UNITS_MS[match[2]]


def span_text(span_ms: int) -> str:
    """The span in the largest unit that says it exactly."""
    units = sorted(_UNITS_MS.items(), key=lambda unit: -unit[1])
    return next(
        (f"{span_ms // size}{unit}" for unit, size in units if span_ms and span_ms % size == 0),
        "0s",
    )


def instant_text(at_ms: int) -> str:
    """The instant in ISO 8601, UTC."""
    instant = _EPOCH + at_ms * _MILLISECOND
    precision = "milliseconds" if at_ms % 1000 else "seconds"
    return instant.isoformat(timespec=precision).replace("+00:00", "Z")


def _text(value: object) -> object:
    """A number where text is meant (10086) is that text."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _symbol(words: type[E]) -> Callable[[object], E]:
    """A parser of one vocabulary; UNKNOWN is for readers of newer schemas, not for authors."""

    def parse(value: object) -> E:
        known = [word.value for word in words if word.value != "UNKNOWN"]
        if value not in known:
            raise fault(f"{value} is no {words.__name__}", choose_from(str(value), known))
        return words(str(value))

    return parse


def _matching(pattern: str, remedy: str) -> AfterValidator:
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise fault(f"{value!r} does not do here", remedy)
        return value

    return AfterValidator(check)


_ID = _matching(
    "[A-Za-z0-9][A-Za-z0-9_.-]{0,63}",
    "write at most 64 letters, digits, dashes, dots or underscores",
)
_NUMBER = _matching("[0-9]{3,15}", "write the number that subscribers answer to, as 10086")
_CURRENCY = _matching("[A-Z]{3}", "write the ISO 4217 code, as CNY")
_LANGUAGE = _matching("zh|en", "write zh or en: names are known in these two")

Text: TypeAlias = Annotated[str, BeforeValidator(_text), Field(min_length=1, max_length=500)]
# The bar that separates the parts of a row's key is not among the letters of an id.
Id: TypeAlias = Annotated[str, BeforeValidator(_text), _ID]
Number: TypeAlias = Annotated[str, BeforeValidator(_text), _NUMBER]
Currency: TypeAlias = Annotated[str, _CURRENCY]
Language: TypeAlias = Annotated[str, _LANGUAGE]
Instant: TypeAlias = Annotated[int, PlainValidator(parse_instant)]
EffectiveFrom: TypeAlias = Annotated[Effective, PlainValidator(parse_effective)]
Span: TypeAlias = Annotated[int, PlainValidator(parse_span)]
Line: TypeAlias = Annotated[Channel, PlainValidator(_symbol(Channel))]
Points: TypeAlias = Annotated[int, Field(ge=0, le=POINTS_MAX)]
Money: TypeAlias = Annotated[int, Field(ge=0, le=MONEY_MAX_MINOR)]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class NamesEntry(_Entry):
    """The same name in the two languages of the subscribers."""

    zh: Text
    en: Text


class ProvinceEntry(_Entry):
    """A province's code and name: the file's own vocabulary, on no topic."""

    province: Id
    name: NamesEntry


class ProviderEntry(_Entry):
    """A service provider."""

    provider_id: Id
    name: NamesEntry
    scope: Annotated[Scope, PlainValidator(_symbol(Scope))]
    home_province: Id | None = None
    status: Annotated[ProviderStatus, PlainValidator(_symbol(ProviderStatus))] = (
        ProviderStatus.ACTIVE
    )


class CreditEntry(_Entry):
    """A change of a provider's credit points for one line in one province."""

    change_id: Id
    provider_id: Id
    line: Line
    province: Id
    points: Points | None = None
    delta: Annotated[int, Field(ge=-POINTS_MAX, le=POINTS_MAX)] | None = None
    cause: Text
    effective_from: EffectiveFrom


class ServiceEntry(_Entry):
    """What a provider sells. `free: true` says that a price of 0 is meant."""

    service_id: Id
    provider_id: Id
    line: Line
    name: NamesEntry
    price_minor: Money
    currency: Currency
    charge_code: Text
    status: Annotated[ServiceStatus, PlainValidator(_symbol(ServiceStatus))] = ServiceStatus.ON_SALE
    free: bool = False


class LanguageEntry(_Entry):
    """The language of a province's subscribers."""

    province: Id
    language: Language


class TemplateEntry(_Entry):
    """The text of a message; for IVR the id of a voice prompt."""

    kind: Annotated[MessageKind, PlainValidator(_symbol(MessageKind))] = MessageKind.PROMPT
    channel: Line = Channel.SMS
    language: Language
    text: Text


class ReplyWordsEntry(_Entry):
    """Spellings of one answer."""

    answer: Annotated[Answer, PlainValidator(_symbol(Answer))]
    channel: Line = Channel.SMS
    words: Annotated[list[Text], Field(min_length=1, max_length=200)]


class RuleEntry(_Entry):
    """Who is asked how; what is left out matches everything."""

    name: Id
    # An empty list would match everything: whoever means that leaves the field out.
    provinces: Annotated[list[Id], Field(min_length=1)] = []
    lines: Annotated[list[Line], Field(min_length=1)] = []
    scope: Annotated[Scope, PlainValidator(_symbol(Scope))] | None = None
    provider_ids: Annotated[list[Id], Field(min_length=1)] = []
    credit_below: Points | None = None
    credit_at_least: Points | None = None
    from_at: Instant | None = None
    until_at: Instant | None = None
    confirmation: Annotated[Confirmation, PlainValidator(_symbol(Confirmation))]
    prompt_life: Annotated[Span, Field(ge=0, le=PROMPT_LIFE_MAX_MS)] = 0
    grant_count_max: Annotated[int, Field(ge=0, le=10_000)] = 0
    grant_amount_max_minor: Money = 0
    receipt: bool = False
    shadow_of: Annotated[Confirmation, PlainValidator(_symbol(Confirmation))] | None = None
    code_required: bool = False
    call_count_max: Annotated[int, Field(ge=0, le=10_000)] = 0
    call_amount_max_minor: Money = 0


class SpendLimitEntry(_Entry):
    """What one subscriber may spend on one day in one currency, across providers."""

    currency: Currency
    per_day_max_minor: Money


class KeywordEntry(_Entry):
    """Spellings of one keyword, by text."""

    keyword: Annotated[Keyword, PlainValidator(_symbol(Keyword))]
    words: Annotated[list[Text], Field(min_length=1, max_length=200)]


class PolicyEntry(_Entry):
    """Which confirmation is in force for whom, and every limit and text of it."""

    policy_id: Id
    effective_from: EffectiveFrom
    time_zone: Text
    sender: Number
    horizon_days: Annotated[int, Field(ge=1, le=31)]
    grace: Annotated[Span, Field(ge=0, le=GRACE_MAX_MS)]
    skew: Annotated[Span, Field(ge=0, le=SKEW_MAX_MS)]
    waiting_orders_max: Annotated[int, Field(ge=1, le=1000)]
    message_life: Annotated[Span, Field(ge=1, le=MESSAGE_LIFE_MAX_MS)]
    default_language: Language
    languages: list[LanguageEntry] = []
    templates: list[TemplateEntry]
    reply_words: list[ReplyWordsEntry]
    rules: Annotated[list[RuleEntry], Field(min_length=1, max_length=500)]
    # What is left out is as the schema's default says.
    prompts_per_day_max: Annotated[int, Field(ge=1, le=PROMPTS_PER_DAY_MAX)] = 100
    spend_limits: list[SpendLimitEntry] = []
    refuse_after_no: bool = False
    receipt_interval: Annotated[Span, Field(ge=0, le=DAY_MS)] = 0
    undo: Annotated[Span, Field(ge=0, le=DAY_MS)] = 0
    keywords: list[KeywordEntry] = []
    text_segments_max: Annotated[int, Field(ge=1, le=10)] = 3
    complaint_alarms: Annotated[
        list[Annotated[Span, Field(ge=1, le=COMPLAINT_ALARM_MAX_MS)]], Field(max_length=10)
    ] = [DAY_MS, 2 * DAY_MS, 3 * DAY_MS]
    refund_days: Annotated[int, Field(ge=1, le=3650)] = 180
    alarm_window: Annotated[Span, Field(ge=1000, le=DAY_MS)] = 300_000
    alarm_dead_letters: Annotated[int, Field(ge=1, le=1_000_000_000)] = 100
    alarm_limit_refusals: Annotated[int, Field(ge=1, le=1_000_000_000)] = 100


class GatewayEntry(_Entry):
    """A province's SMS gateway with its capacity."""

    province: Id
    messages_per_second: Annotated[int, Field(ge=1, le=1_000_000)]
    hall_messages_per_second: Annotated[int, Field(ge=1, le=1_000_000)]
    effective_from: EffectiveFrom


Entry: TypeAlias = (
    ProvinceEntry | ProviderEntry | CreditEntry | ServiceEntry | PolicyEntry | GatewayEntry
)
