"""What the auditor reads of each record: its own types, by the schemas' names.

Laws: each begins with the entry it was decoded from, so that every finding can point at its record;
field names are the schemas' own. Only what a law looks at is here. This file must not know the
gate's types: two readings of one schema that disagree are a finding, one shared reading is none.
"""

from typing import NamedTuple

from streams.history import Entry


class Order(NamedTuple):
    """A subscriber asks for a service."""

    entry: Entry
    order_id: str
    msisdn: str
    provider_id: str
    service_id: str
    channel: str
    price_minor: int
    currency: str
    province: str
    ordered_at: int
    call_id: str | None


class Reply(NamedTuple):
    """The subscriber answers."""

    entry: Entry
    reply_id: str
    msisdn: str
    channel: str
    to: str
    text: str
    received_at: int
    call_id: str | None


class DeliveryReport(NamedTuple):
    """What became of a message."""

    entry: Entry
    report_id: str
    msisdn: str
    message_id: str
    status: str
    reported_at: int


class Settlement(NamedTuple):
    """What billing answers."""

    entry: Entry
    settlement_id: str
    msisdn: str
    charge_id: str
    refund_id: str | None
    outcome: str
    amount_minor: int
    currency: str
    reason: str | None
    settled_at: int


class CareAction(NamedTuple):
    """What customer care does."""

    entry: Entry
    action_id: str
    msisdn: str
    kind: str
    complaint_id: str | None
    charge_id: str | None
    order_id: str | None
    category: str | None
    text: str | None
    amount_minor: int | None
    province: str | None
    agent: str
    reason: str
    acted_at: int
    service_id: str | None


class Tick(NamedTuple):
    """Time, as an event; the time is the entry's timestamp."""

    entry: Entry
    tick_id: str


class Provider(NamedTuple):
    """A service provider; `name` by language."""

    entry: Entry
    provider_id: str
    name: dict[str, str]
    scope: str
    home_province: str | None
    status: str
    version: int


class CreditChange(NamedTuple):
    """A change of a provider's points for a line in a province."""

    entry: Entry
    change_id: str
    provider_id: str
    line: str
    province: str
    points: int | None
    delta: int | None
    effective_from: int
    version: int


class Service(NamedTuple):
    """What a provider sells; `name` by language."""

    entry: Entry
    service_id: str
    provider_id: str
    line: str
    name: dict[str, str]
    price_minor: int
    currency: str
    charge_code: str
    status: str
    version: int


class Rule(NamedTuple):
    """Who is asked how."""

    name: str
    provinces: frozenset[str]
    lines: frozenset[str]
    scope: str | None
    provider_ids: frozenset[str]
    credit_below: int | None
    credit_at_least: int | None
    from_at: int | None
    until_at: int | None
    confirmation: str
    prompt_life_ms: int
    grant_count_max: int
    grant_amount_max_minor: int
    receipt: bool
    shadow_of: str | None
    code_required: bool
    call_count_max: int
    call_amount_max_minor: int


class Policy(NamedTuple):
    """Which confirmation is in force for whom, and every limit and text that decides."""

    entry: Entry
    policy_id: str
    version: int
    effective_from: int
    time_zone: str
    sender: str
    horizon_days: int
    grace_ms: int
    skew_ms: int
    waiting_orders_max: int
    message_life_ms: int
    default_language: str
    languages: list[dict[str, str]]
    templates: list[dict[str, str]]
    reply_words: list[dict[str, object]]
    code_key: bytes
    prompts_per_day_max: int
    spend_limits: tuple[tuple[str, int], ...]  # currency and amount
    refuse_after_no: bool
    receipt_interval_ms: int
    undo_ms: int
    keywords: list[dict[str, object]]
    text_segments_max: int
    complaint_alarms_ms: list[int]
    refund_days: int
    alarm_window_ms: int
    alarm_dead_letters: int
    alarm_limit_refusals: int
    rules: tuple[Rule, ...]


class Gateway(NamedTuple):
    """A province's gateway."""

    entry: Entry
    province: str
    messages_per_second: int
    hall_messages_per_second: int
    version: int


class OperatorAct(NamedTuple):
    """An operator's act."""

    entry: Entry
    act_id: str
    kind: str
    topic: str
    partition: int
    offset: int
    version: int


class Congestion(NamedTuple):
    """Whether a province is congested."""

    entry: Entry
    province: str
    state: str
    version: int


class Message(NamedTuple):
    """What was sent to the subscriber."""

    entry: Entry
    message_id: str
    msisdn: str
    province: str
    kind: str
    channel: str
    sender: str
    text: str
    voice_prompt_id: str | None
    variables: list[dict[str, str]]
    language: str
    encoding: str
    segments: int
    order_id: str | None
    prompt_id: str | None
    charge_id: str | None
    call_id: str | None
    provider_id: str | None
    template_version: str
    reply_code: str | None
    issued_at: int
    expires_at: int


class Charge(NamedTuple):
    """What billing may take."""

    entry: Entry
    charge_id: str
    order_id: str
    msisdn: str
    provider_id: str
    service_id: str
    charge_code: str
    channel: str
    price_minor: int
    currency: str
    province: str
    day: int
    confirmation: str
    prompt_id: str | None
    reply_id: str | None
    policy_id: str
    policy_version: int
    ordered_at: int
    consented_at: int | None
    approved_at: int


class Verdict(NamedTuple):
    """What the provider was told."""

    entry: Entry
    verdict_id: str
    order_id: str
    msisdn: str
    provider_id: str
    service_id: str
    outcome: str
    reason: str
    decided_at: int


class Refund(NamedTuple):
    """What billing is asked to give back."""

    entry: Entry
    refund_id: str
    charge_id: str
    msisdn: str
    amount_minor: int
    currency: str
    complaint_id: str | None
    reason: str
    requested_at: int


class Alarm(NamedTuple):
    """What an operator must look at."""

    entry: Entry
    alarm_id: str
    kind: str
    subject: str
    detail: str
    raised_at: int


class Effect(NamedTuple):
    """A record that a decision says it produced."""

    topic: str
    id: str
    digest: bytes


class Decision(NamedTuple):
    """The gate's recorded answer; its cause is (topic, partition, offset, act).

    `act` is the schema's index: 0 for the record itself, due acts of one tick count on.
    """

    entry: Entry
    sequence: int
    topic: str
    partition: int
    offset: int
    act: int
    cause_digest: bytes
    event_at: int
    watermark: int
    reference: tuple[int, ...]
    policy_id: str | None
    policy_version: int | None
    order_id: str | None
    prompt_id: str | None
    charge_id: str | None
    complaint_id: str | None
    rule: str | None
    reason: str
    would_ask: str | None
    evidence: tuple[tuple[str, str], ...]  # topic and id
    effects: tuple[Effect, ...]
    salt: bytes
    seal: bytes


Event = Order | Reply | DeliveryReport | Settlement | CareAction | Tick
Reference = Provider | CreditChange | Service | Policy | Gateway | OperatorAct | Congestion
Output = Message | Charge | Verdict | Refund | Alarm
