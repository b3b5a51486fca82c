"""Reference data, one class a topic: field for field the Avro schema of its topic.

Times are UTC in milliseconds since the epoch, days are days since the epoch, money is integer
minor units. Enums are `streams.gate.words`.
"""

from typing import NamedTuple

from streams.gate.words import (
    ActKind,
    Answer,
    Channel,
    Confirmation,
    CongestionState,
    Keyword,
    MessageKind,
    ProviderStatus,
    Scope,
    ServiceStatus,
)


class Names(NamedTuple):
    """The same name in the two languages of the subscribers."""

    zh: str  # Chinese
    en: str  # English


class Provider(NamedTuple):
    """A service provider (SP)."""

    provider_id: str
    name: Names
    scope: Scope
    home_province: str | None  # set for LOCAL
    status: ProviderStatus
    version: int  # 1 for the first record of this id, then one more each time
    changed_by: str  # who applied it
    reason: str  # why, in a person's words


class CreditChange(NamedTuple):
    """Credit points of a provider for one business line in one province. The national points of a
    line are the mean of its provinces.
    """

    change_id: str
    provider_id: str
    line: Channel
    province: str
    points: int | None  # the new points; exactly one of points and delta is set
    delta: int | None  # added to the points before
    cause: str
    effective_from: int  # UTC
    version: int  # 1 for the first record of this id, then one more each time
    changed_by: str  # who applied it
    reason: str  # why, in a person's words


class Service(NamedTuple):
    """What a provider sells: one business line, one price, one charge code."""

    service_id: str
    provider_id: str
    line: Channel
    name: Names
    price_minor: int  # minor units of the currency (fen, cents)
    currency: str  # ISO 4217 code
    charge_code: str
    status: ServiceStatus
    version: int  # 1 for the first record of this id, then one more each time
    changed_by: str  # who applied it
    reason: str  # why, in a person's words


class ProvinceLanguage(NamedTuple):
    """The language of a province's subscribers."""

    province: str
    language: str


class Template(NamedTuple):
    """Text of one kind of message in one language; {{ name }} is substituted."""

    kind: MessageKind
    channel: Channel
    language: str  # BCP 47 primary subtag: zh or en
    text: str  # for IVR: the voice prompt's id


class ReplyWords(NamedTuple):
    """Spellings of one answer, after normalisation (NFKC, case, spaces)."""

    answer: Answer
    channel: Channel
    words: tuple[str, ...]


class Rule(NamedTuple):
    """Who is asked how. An empty list or a null matches everything; the first rule that matches
    wins.
    """

    name: str  # unique within the policy; decisions cite it
    provinces: tuple[str, ...]
    lines: tuple[Channel, ...]
    scope: Scope | None
    provider_ids: tuple[str, ...]
    # points; matches when the provider's points for line and province are below
    credit_below: int | None
    credit_at_least: int | None  # points
    from_at: int | None  # matches orders whose record time is at or after
    until_at: int | None  # matches orders whose record time is before
    confirmation: Confirmation
    prompt_life_ms: int  # milliseconds from issue to expiry of a prompt
    grant_count_max: int  # charges that one yes covers, the confirmed ones included
    grant_amount_max_minor: int  # minor units of the currency (fen, cents) that one yes covers
    receipt: bool  # a receipt follows each charge
    # for SHADOW: the confirmation that is tried out; null: EVERY_ORDER for voice, FIRST_OF_DAY
    # otherwise
    shadow_of: Confirmation | None
    # only the prompt's own code (for voice: a digit that nobody can foresee) is a yes
    code_required: bool
    call_count_max: int  # voice: charges in one call; 0: no ceiling
    # voice: minor units of the currency (fen, cents) charged in one call; 0: no ceiling
    call_amount_max_minor: int


class SpendLimit(NamedTuple):
    """What one subscriber may spend on one day, across providers, in one currency."""

    currency: str  # ISO 4217 code
    per_day_max_minor: int  # minor units of the currency (fen, cents)


class KeywordWords(NamedTuple):
    """Spellings of one keyword, by text, after normalisation (NFKC, case, spaces)."""

    keyword: Keyword
    words: tuple[str, ...]


class Policy(NamedTuple):
    """Which confirmation is in force for whom, from when, and every limit and text that can change
    a decision.
    """

    policy_id: str
    effective_from: int  # UTC; later than anything already decided
    time_zone: str  # IANA name; the operator's local day
    sender: str  # the one number that messages leave from and replies come to
    horizon_days: int  # days for which orders are remembered; older ones are refused as stale
    grace_ms: int  # milliseconds the watermark must pass a prompt's end
    skew_ms: int  # milliseconds a business time may lie in the future of its record's time
    waiting_orders_max: int  # orders that may wait on one prompt, the asked one included
    message_life_ms: int  # milliseconds after which a message other than a prompt is worthless
    default_language: str
    languages: tuple[ProvinceLanguage, ...]
    templates: tuple[Template, ...]
    reply_words: tuple[ReplyWords, ...]
    # key from which reply codes are derived; the topic's ACL lets only gate and auditors read
    # it
    code_key: bytes
    rules: tuple[Rule, ...]
    prompts_per_day_max: int  # prompts to one subscriber on one day, across providers
    spend_limits: tuple[SpendLimit, ...]  # a currency that is not named has no limit
    refuse_after_no: bool  # after a no, orders of the service are refused for the rest of the day
    # milliseconds between two receipts of one service to one subscriber; 0: one after each charge
    receipt_interval_ms: int
    undo_ms: int  # milliseconds after a charge in which the subscriber may undo it; 0: never
    keywords: tuple[KeywordWords, ...]
    text_segments_max: int  # SMS segments of a message that is no prompt; longer lists are cut
    # milliseconds after which an unanswered complaint raises an alarm, each time; the last is its
    # deadline
    complaint_alarms_ms: tuple[int, ...]
    # days for which charges are remembered, for settlements, refunds and complaints
    refund_days: int
    # milliseconds of record time over which dead letters and refusals are counted for alarms
    alarm_window_ms: int
    alarm_dead_letters: int  # dead letters of one partition in one window that raise an alarm
    # orders of one partition refused because of limits in one window that raise an alarm
    alarm_limit_refusals: int
    version: int  # 1 for the first record of this id, then one more each time
    changed_by: str  # who applied it
    reason: str  # why, in a person's words


class Gateway(NamedTuple):
    """A province's SMS gateway with its capacity."""

    province: str
    messages_per_second: int
    hall_messages_per_second: int  # of the 10086 hall
    effective_from: int  # UTC
    version: int  # 1 for the first record of this id, then one more each time
    changed_by: str  # who applied it
    reason: str  # why, in a person's words


class OperatorAct(NamedTuple):
    """An operator's act on one record."""

    act_id: str
    kind: ActKind
    topic: str  # catalogue name, without prefix
    partition: int
    offset: int
    version: int  # 1 for the first record of this id, then one more each time
    changed_by: str  # who applied it
    reason: str  # why, in a person's words


class Congestion(NamedTuple):
    """Whether a province's queue of messages is congested."""

    province: str
    state: CongestionState
    effective_from: int  # UTC
    version: int  # 1 for the first record of this id, then one more each time
    changed_by: str  # who applied it
    reason: str  # why, in a person's words
