"""An operator with two provinces, three services and a policy, for tests of the gate."""

from datetime import UTC, datetime, timedelta

from streams.gate.catalogue import Catalogue
from streams.gate.events import CareAction, DeliveryReport, Order, Reply, Settlement
from streams.gate.reference import (
    CreditChange,
    KeywordWords,
    Names,
    Policy,
    Provider,
    ProvinceLanguage,
    ReplyWords,
    Rule,
    Service,
    Template,
)
from streams.gate.words import (
    Answer,
    CareKind,
    Channel,
    Confirmation,
    DeliveryStatus,
    Keyword,
    MessageKind,
    ProviderStatus,
    Scope,
    ServiceStatus,
    SettlementOutcome,
)


def ms(moment: datetime) -> int:
    """An instant as the gate counts it."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

SENDER = "10086"
BEGINNING = ms(datetime(2010, 8, 31, 16, tzinfo=UTC))  # midnight in Shanghai, 1 September
NOON = BEGINNING + 12 * HOUR  # 1 September
LIFE = 15 * MINUTE
GRACE = 10 * SECOND
SKEW = 5 * SECOND
HORIZON_DAYS = 7

PROVIDER = Provider(
    "sp-1", Names("新浪", "Sina"), Scope.NATIONAL, None, ProviderStatus.ACTIVE, 1, "t", "t"
)
LOCAL_PROVIDER = Provider(
    "sp-2", Names("蜀信", "Shuxin"), Scope.LOCAL, "sichuan", ProviderStatus.ACTIVE, 1, "t", "t"
)


def service(service_id: str, line: Channel, price_minor: int, provider_id: str = "sp-1") -> Service:
    """A service on sale in yuan."""
    names = Names(f"服务{service_id[-1]}", f"Service {service_id[-1]}")
    return Service(
        service_id,
        provider_id,
        line,
        names,
        price_minor,
        "CNY",
        f"code-{service_id}",
        ServiceStatus.ON_SALE,
        1,
        "t",
        "t",
    )


SMS_SERVICE = service("sms-1", Channel.SMS, 200)
OTHER_SMS_SERVICE = service("sms-2", Channel.SMS, 100)
MMS_SERVICE = service("mms-1", Channel.MMS, 300)
IVR_SERVICE = service("ivr-1", Channel.IVR, 500)
LOCAL_SERVICE = service("sms-3", Channel.SMS, 100, "sp-2")
SERVICES = (SMS_SERVICE, OTHER_SMS_SERVICE, MMS_SERVICE, IVR_SERVICE, LOCAL_SERVICE)


def rule(name: str, confirmation: Confirmation, **fields: object) -> Rule:
    """A rule for everybody, unless fields say otherwise."""
    asks = confirmation in (Confirmation.FIRST_OF_DAY, Confirmation.EVERY_ORDER)
    empty = Rule(
        name=name,
        provinces=(),
        lines=(),
        scope=None,
        provider_ids=(),
        credit_below=None,
        credit_at_least=None,
        from_at=None,
        until_at=None,
        confirmation=confirmation,
        prompt_life_ms=LIFE if asks else 0,
        grant_count_max=10,
        grant_amount_max_minor=10_000,
        receipt=False,
        shadow_of=None,
        code_required=False,
        call_count_max=0,
        call_amount_max_minor=0,
    )
    return empty._replace(**fields)  # type: ignore[arg-type]


VOICE = rule("voice", Confirmation.EVERY_ORDER, lines=(Channel.IVR,), prompt_life_ms=MINUTE)
FIRST = rule("first-of-day", Confirmation.FIRST_OF_DAY)
EVERY = rule("every-order", Confirmation.EVERY_ORDER)
OFF = rule("off", Confirmation.OFF)
REFUSE = rule("refuse", Confirmation.REFUSE)

TEMPLATES = (
    Template(
        MessageKind.PROMPT,
        Channel.SMS,
        "zh",
        "您点播{{ provider }}的{{ service }},{{ price }}。{{ minutes }}分钟内回复{{ yes }}确认,"
        "不回复不收费。",
    ),
    Template(
        MessageKind.PROMPT,
        Channel.SMS,
        "en",
        "{{ provider }}: {{ service }} for {{ price }}. Reply {{ yes }} within {{ minutes }} min."
        " No reply, no charge.",
    ),
    Template(MessageKind.PROMPT, Channel.IVR, "zh", "voice-confirm-zh"),
    Template(MessageKind.PROMPT, Channel.IVR, "en", "voice-confirm-en"),
)
KEYWORDS = (
    KeywordWords(Keyword.LIST, ("0000",)),
    KeywordWords(Keyword.CANCEL, ("QX", "STOP")),
    KeywordWords(Keyword.UNDO, ("TF", "UNDO")),
)
REPLY_WORDS = (
    ReplyWords(Answer.YES, Channel.SMS, ("Y", "yes", "是", "确认")),
    ReplyWords(Answer.NO, Channel.SMS, ("N", "no", "否", "取消")),
    ReplyWords(Answer.YES, Channel.IVR, ("1",)),
    ReplyWords(Answer.NO, Channel.IVR, ("2",)),
)


def policy(*rules: Rule, **fields: object) -> Policy:
    """A policy with these rules; voice is asked in every call unless the rules say otherwise."""
    usual = Policy(
        policy_id="operator",
        effective_from=BEGINNING,
        time_zone="Asia/Shanghai",
        sender=SENDER,
        horizon_days=HORIZON_DAYS,
        grace_ms=GRACE,
        skew_ms=SKEW,
        waiting_orders_max=3,
        message_life_ms=HOUR,
        default_language="zh",
        languages=(ProvinceLanguage("hongkong", "en"),),
        templates=TEMPLATES,
        reply_words=REPLY_WORDS,
        code_key=b"the operator's secret of 32 bytes",
        rules=rules or (VOICE, FIRST),
        prompts_per_day_max=100,
        spend_limits=(),
        refuse_after_no=False,
        receipt_interval_ms=0,
        undo_ms=0,
        keywords=KEYWORDS,
        text_segments_max=3,
        complaint_alarms_ms=(24 * HOUR, 48 * HOUR, 72 * HOUR),
        refund_days=180,
        alarm_window_ms=5 * MINUTE,
        alarm_dead_letters=100,
        alarm_limit_refusals=100,
        version=1,
        changed_by="t",
        reason="t",
    )
    return usual._replace(**fields)  # type: ignore[arg-type]


def credit(points: int | None, **fields: object) -> CreditChange:
    """The points of the provider's SMS line in Guangdong, from the beginning."""
    usual = CreditChange(
        "credit-1", "sp-1", Channel.SMS, "guangdong", points, None, "t", BEGINNING, 1, "t", "t"
    )
    return usual._replace(**fields)  # type: ignore[arg-type]


def catalogue(*policies: Policy) -> Catalogue:
    """The operator's reference data with these policies, or the usual one."""
    built = Catalogue()
    records = [
        *(("providers.v1", provider) for provider in (PROVIDER, LOCAL_PROVIDER)),
        *(("services.v1", each) for each in SERVICES),
        *(("policies.v1", each) for each in policies or (policy(),)),
    ]
    for topic_name, record in records:
        fault = built.fold(topic_name, record)
        assert fault is None, fault
    return built


SUBSCRIBER = "8613800000001"


def order(order_id: str, ordered_at: int, what: Service = SMS_SERVICE, **fields: object) -> Order:
    """An order of a service at its price, by the subscriber in Guangdong."""
    usual = Order(
        order_id,
        SUBSCRIBER,
        what.provider_id,
        what.service_id,
        what.line,
        what.price_minor,
        what.currency,
        "guangdong",
        ordered_at,
        "centre-1",
        "call-1" if what.line is Channel.IVR else None,
    )
    return usual._replace(**fields)  # type: ignore[arg-type]


def reply(reply_id: str, received_at: int, text: str = "Y", **fields: object) -> Reply:
    """A text from the subscriber to the one number."""
    usual = Reply(reply_id, SUBSCRIBER, Channel.SMS, SENDER, text, received_at, None)
    return usual._replace(**fields)  # type: ignore[arg-type]


def key_press(reply_id: str, received_at: int, digits: str = "1", call_id: str = "call-1") -> Reply:
    """A key pressed in a call."""
    return Reply(reply_id, SUBSCRIBER, Channel.IVR, "", digits, received_at, call_id)


def report(report_id: str, at: int, **fields: object) -> DeliveryReport:
    """A message was delivered."""
    usual = DeliveryReport(report_id, "m-1", SUBSCRIBER, DeliveryStatus.DELIVERED, at)
    return usual._replace(**fields)  # type: ignore[arg-type]


def settlement(settlement_id: str, at: int, **fields: object) -> Settlement:
    """Billing took the money of a charge."""
    usual = Settlement(
        settlement_id,
        "c-1",
        None,
        SUBSCRIBER,
        SettlementOutcome.CHARGED,
        200,
        "CNY",
        None,
        at,
    )
    return usual._replace(**fields)  # type: ignore[arg-type]


def care(action_id: str, at: int, **fields: object) -> CareAction:
    """An agent looked a number up."""
    usual = CareAction(
        action_id,
        SUBSCRIBER,
        CareKind.LOOK,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        "agent-1",
        "the subscriber called",
        at,
        None,
    )
    return usual._replace(**fields)  # type: ignore[arg-type]
