"""The closed vocabularies: one enum each, symbol for symbol as in the Avro schemas."""

from enum import StrEnum


class Channel(StrEnum):
    """The way the subscriber came; the business line of a service is one of the same three."""

    UNKNOWN = "UNKNOWN"
    SMS = "SMS"
    MMS = "MMS"
    IVR = "IVR"


class DeliveryStatus(StrEnum):
    """DeliveryStatus"""

    UNKNOWN = "UNKNOWN"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"


class SettlementOutcome(StrEnum):
    """SettlementOutcome"""

    UNKNOWN = "UNKNOWN"
    CHARGED = "CHARGED"
    FAILED = "FAILED"
    REFUNDED = "REFUNDED"


class CareKind(StrEnum):
    """CareKind"""

    UNKNOWN = "UNKNOWN"
    LOOK = "LOOK"
    REVOKE = "REVOKE"
    COMPLAIN = "COMPLAIN"
    ANSWER = "ANSWER"
    UPHOLD = "UPHOLD"
    REJECT = "REJECT"
    REFUND = "REFUND"


class MessageKind(StrEnum):
    """MessageKind"""

    UNKNOWN = "UNKNOWN"
    PROMPT = "PROMPT"
    CLARIFY = "CLARIFY"
    RECEIPT = "RECEIPT"
    LISTING = "LISTING"
    NOTICE = "NOTICE"


class Encoding(StrEnum):
    """Encoding"""

    UNKNOWN = "UNKNOWN"
    GSM7 = "GSM7"
    UCS2 = "UCS2"
    VOICE = "VOICE"


class Confirmation(StrEnum):
    """Which confirmation is in force."""

    UNKNOWN = "UNKNOWN"
    OFF = "OFF"
    SHADOW = "SHADOW"
    FIRST_OF_DAY = "FIRST_OF_DAY"
    EVERY_ORDER = "EVERY_ORDER"
    REFUSE = "REFUSE"


class Outcome(StrEnum):
    """Outcome"""

    UNKNOWN = "UNKNOWN"
    APPROVED = "APPROVED"
    REFUSED = "REFUSED"


class Reason(StrEnum):
    """Reason"""

    UNKNOWN = "UNKNOWN"
    APPROVED_NOT_ASKED = "APPROVED_NOT_ASKED"
    APPROVED_GRANTED = "APPROVED_GRANTED"
    APPROVED_CONFIRMED = "APPROVED_CONFIRMED"
    PROMPTED = "PROMPTED"
    WAITING = "WAITING"
    SERVICE_UNKNOWN = "SERVICE_UNKNOWN"
    SERVICE_NOT_ON_SALE = "SERVICE_NOT_ON_SALE"
    PROVIDER_UNKNOWN = "PROVIDER_UNKNOWN"
    PROVIDER_NOT_ACTIVE = "PROVIDER_NOT_ACTIVE"
    PROVIDER_MISMATCH = "PROVIDER_MISMATCH"
    LINE_MISMATCH = "LINE_MISMATCH"
    PRICE_MISMATCH = "PRICE_MISMATCH"
    CALL_MISSING = "CALL_MISSING"
    STALE = "STALE"
    NO_POLICY = "NO_POLICY"
    NO_RULE = "NO_RULE"
    REFUSED_BY_POLICY = "REFUSED_BY_POLICY"
    WAITING_LIMIT = "WAITING_LIMIT"
    DECLINED = "DECLINED"
    SILENCE = "SILENCE"
    GRANT_EXHAUSTED = "GRANT_EXHAUSTED"
    REPEATED = "REPEATED"
    CONFLICT = "CONFLICT"
    DEAD_LETTER = "DEAD_LETTER"
    NOT_ANSWERING = "NOT_ANSWERING"
    AMBIGUOUS = "AMBIGUOUS"
    TOO_LATE = "TOO_LATE"
    UNCLEAR = "UNCLEAR"
    NOTED = "NOTED"


class AlarmKind(StrEnum):
    """AlarmKind"""

    UNKNOWN = "UNKNOWN"
    CONFLICT = "CONFLICT"


class Scope(StrEnum):
    """Scope"""

    UNKNOWN = "UNKNOWN"
    NATIONAL = "NATIONAL"
    LOCAL = "LOCAL"


class ProviderStatus(StrEnum):
    """ProviderStatus"""

    UNKNOWN = "UNKNOWN"
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    BLACKLISTED = "BLACKLISTED"


class ServiceStatus(StrEnum):
    """ServiceStatus"""

    UNKNOWN = "UNKNOWN"
    ON_SALE = "ON_SALE"
    SUSPENDED = "SUSPENDED"
    WITHDRAWN = "WITHDRAWN"


class Answer(StrEnum):
    """Answer"""

    UNKNOWN = "UNKNOWN"
    YES = "YES"
    NO = "NO"


class ActKind(StrEnum):
    """ActKind"""

    UNKNOWN = "UNKNOWN"
    QUARANTINE = "QUARANTINE"
    RAISE_LIMIT = "RAISE_LIMIT"


class CongestionState(StrEnum):
    """CongestionState"""

    UNKNOWN = "UNKNOWN"
    CLEAR = "CLEAR"
    CONGESTED = "CONGESTED"


class State(StrEnum):
    """Of the subscriber, service and day."""

    UNKNOWN = "UNKNOWN"
    FRESH = "FRESH"
    ASKED = "ASKED"
    GRANTED = "GRANTED"
    GRANTED_ASKED = "GRANTED_ASKED"
