"""The closed vocabularies: one enum each, symbol for symbol as in the Avro schemas."""

from enum import StrEnum


class Channel(StrEnum):
    """The way the subscriber came; the business line of a service is one of the same three."""

    UNKNOWN = "UNKNOWN"
    SMS = "SMS"
    MMS = "MMS"
    IVR = "IVR"


class DeliveryStatus(StrEnum):
    """What became of a message, as its centre reports it."""

    UNKNOWN = "UNKNOWN"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"


class SettlementOutcome(StrEnum):
    """What billing did with a charge or a refund request."""

    UNKNOWN = "UNKNOWN"
    CHARGED = "CHARGED"
    FAILED = "FAILED"
    REFUNDED = "REFUNDED"


class CareKind(StrEnum):
    """What customer care does for a subscriber."""

    UNKNOWN = "UNKNOWN"
    LOOK = "LOOK"
    REVOKE = "REVOKE"
    COMPLAIN = "COMPLAIN"
    ANSWER = "ANSWER"
    UPHOLD = "UPHOLD"
    REJECT = "REJECT"
    REFUND = "REFUND"
    RELEASE = "RELEASE"  # the number has been given to another subscriber


class MessageKind(StrEnum):
    """What a message to a subscriber is for."""

    UNKNOWN = "UNKNOWN"
    PROMPT = "PROMPT"
    CLARIFY = "CLARIFY"
    RECEIPT = "RECEIPT"
    LISTING = "LISTING"
    NOTICE = "NOTICE"


class Encoding(StrEnum):
    """How a message's text travels (see segments.py); VOICE is spoken."""

    UNKNOWN = "UNKNOWN"
    GSM7 = "GSM7"
    UCS2 = "UCS2"
    VOICE = "VOICE"


class Confirmation(StrEnum):
    """Which confirmation is in force."""

    UNKNOWN = "UNKNOWN"
    OFF = "OFF"  # charge without asking
    SHADOW = "SHADOW"  # charge without asking, and record what would have been asked
    FIRST_OF_DAY = "FIRST_OF_DAY"  # one yes covers a service for the day; not for voice
    EVERY_ORDER = "EVERY_ORDER"  # each order needs its own yes
    REFUSE = "REFUSE"  # charge nobody


class Outcome(StrEnum):
    """Whether a provider may deliver what was ordered."""

    UNKNOWN = "UNKNOWN"
    APPROVED = "APPROVED"
    REFUSED = "REFUSED"


class Reason(StrEnum):
    """Why a decision is what it is, one meaning each, as customer care may read it out."""

    UNKNOWN = "UNKNOWN"  # written by a newer version of the gate
    APPROVED_NOT_ASKED = "APPROVED_NOT_ASKED"  # charged; the policy asks for no yes here
    APPROVED_GRANTED = "APPROVED_GRANTED"  # charged; an earlier yes of the day covers it
    APPROVED_CONFIRMED = "APPROVED_CONFIRMED"  # charged; the subscriber said yes to it
    PROMPTED = "PROMPTED"  # the subscriber was asked; the order waits for the answer
    WAITING = "WAITING"  # the subscriber was already asked the same; the order waits with the first
    SERVICE_UNKNOWN = "SERVICE_UNKNOWN"  # refused: there is no such service
    SERVICE_NOT_ON_SALE = "SERVICE_NOT_ON_SALE"  # refused: the service is suspended or withdrawn
    PROVIDER_UNKNOWN = "PROVIDER_UNKNOWN"  # refused: there is no such provider
    PROVIDER_NOT_ACTIVE = "PROVIDER_NOT_ACTIVE"  # refused: the provider is suspended or blacklisted
    PROVIDER_MISMATCH = "PROVIDER_MISMATCH"  # refused: the service is another provider's
    # refused: the order came by another channel than the service is sold on
    LINE_MISMATCH = "LINE_MISMATCH"
    # refused: the price told to the subscriber is not the catalogue's
    PRICE_MISMATCH = "PRICE_MISMATCH"
    # refused: a voice order that names no call cannot be confirmed in it
    CALL_MISSING = "CALL_MISSING"
    STALE = "STALE"  # refused: ordered longer ago than orders are remembered
    NO_POLICY = "NO_POLICY"  # refused: no policy was in force yet
    NO_RULE = "NO_RULE"  # refused: no rule of the policy speaks of such an order
    REFUSED_BY_POLICY = "REFUSED_BY_POLICY"  # refused: the policy says so
    UNASKABLE = "UNASKABLE"  # there are no words that would ask about it in one segment
    WAITING_LIMIT = "WAITING_LIMIT"  # refused: too many orders wait for the same answer
    DECLINED = "DECLINED"  # refused: the subscriber said no
    SILENCE = "SILENCE"  # refused: the subscriber did not answer in time
    GRANT_EXHAUSTED = "GRANT_EXHAUSTED"  # refused: the yes did not cover as many orders as waited
    REPEATED = "REPEATED"  # came before; nothing was done again
    CONFLICT = "CONFLICT"  # its id came before with other content; a dead letter and an alarm
    DEAD_LETTER = "DEAD_LETTER"  # could not be read or cannot be meant; set aside, nothing done
    NOT_ANSWERING = "NOT_ANSWERING"  # a reply to nothing we asked, or to another number or call
    AMBIGUOUS = "AMBIGUOUS"  # a reply that could mean several prompts; nothing done
    TOO_LATE = "TOO_LATE"  # a reply received outside the life of what was asked; nothing done
    UNCLEAR = "UNCLEAR"  # a reply that is neither a clear yes nor a clear no; nothing done
    NOTED = "NOTED"  # written down; it changes nothing
    DECLINED_TODAY = "DECLINED_TODAY"  # refused: the subscriber said no to this service today
    PROMPT_LIMIT = "PROMPT_LIMIT"  # refused: the subscriber was asked as often as a day allows
    SPEND_LIMIT = "SPEND_LIMIT"  # refused: it would take the subscriber over the day's spend limit
    CALL_LIMIT = "CALL_LIMIT"  # refused: it would go over what one call may cost
    NUMBER_RELEASED = "NUMBER_RELEASED"  # refused: the number has another subscriber since
    # charged without asking, as a trial (SHADOW): in force, the subscriber would have been asked
    APPROVED_WOULD_ASK = "APPROVED_WOULD_ASK"
    # charged as a trial: in force, the day's yes would have covered it
    APPROVED_WOULD_COVER = "APPROVED_WOULD_COVER"
    APPROVED_WOULD_REFUSE = "APPROVED_WOULD_REFUSE"  # charged as a trial: in force, refused
    LISTED = "LISTED"  # a reply that asked for the day's list; it was sent
    CANCELLED = "CANCELLED"  # a reply that took back what was granted or asked
    NOTHING_TO_CANCEL = "NOTHING_TO_CANCEL"  # a cancellation with nothing granted or asked
    UNDONE = "UNDONE"  # a reply that undid the last charge; a refund was requested
    NOTHING_TO_UNDO = "NOTHING_TO_UNDO"  # an undo with no charge that may be undone
    SETTLED = "SETTLED"  # billing has taken the money
    CHARGE_FAILED = "CHARGE_FAILED"  # billing could not take the money
    REFUNDED = "REFUNDED"  # billing has given money back
    REFUND_FAILED = "REFUND_FAILED"  # billing could not give money back; an alarm
    REVOKED = "REVOKED"  # customer care took back what was granted or asked
    NOTHING_TO_REVOKE = "NOTHING_TO_REVOKE"  # a revocation with nothing granted or asked
    RELEASED = "RELEASED"  # the number has a new subscriber; nothing carries over
    COMPLAINT_OPENED = "COMPLAINT_OPENED"  # its clock runs
    COMPLAINT_ANSWERED = "COMPLAINT_ANSWERED"  # its clock stands still
    COMPLAINT_UPHELD = "COMPLAINT_UPHELD"  # closed, the subscriber was right
    COMPLAINT_REJECTED = "COMPLAINT_REJECTED"  # closed, the charge stands
    COMPLAINT_OVERDUE = "COMPLAINT_OVERDUE"  # not answered in time; an alarm
    COMPLAINT_KNOWN = "COMPLAINT_KNOWN"  # care action not done: this complaint is open already
    COMPLAINT_UNKNOWN = "COMPLAINT_UNKNOWN"  # care action not done: no such open complaint
    REFUND_REQUESTED = "REFUND_REQUESTED"  # billing was asked to give money back
    NOTHING_TO_REFUND = "NOTHING_TO_REFUND"  # care action not done: nothing of the charge is left
    REFUND_EXCEEDS = "REFUND_EXCEEDS"  # care action not done: more than is left of the charge
    CHARGE_UNKNOWN = "CHARGE_UNKNOWN"  # care action not done: no such charge is remembered


class AlarmKind(StrEnum):
    """What an operator must look at."""

    UNKNOWN = "UNKNOWN"
    CONFLICT = "CONFLICT"  # an id came again with other content
    SETTLEMENT = "SETTLEMENT"  # billing speaks of no charge of ours, or contradicts itself or us
    DEAD_LETTERS = "DEAD_LETTERS"  # unusually many records could not be read or meant
    OVERDUE = "OVERDUE"  # a complaint waits for its answer
    LIMITS = "LIMITS"  # unusually many orders were refused because of limits
    REFUND = "REFUND"  # billing could not give money back


class RefundReason(StrEnum):
    """Why money is given back."""

    UNKNOWN = "UNKNOWN"
    UNDO = "UNDO"  # the subscriber undid the charge
    UPHELD = "UPHELD"  # a complaint about the charge was upheld
    CARE = "CARE"  # customer care decided so


class Keyword(StrEnum):
    """What a subscriber may ask of the one number besides answering."""

    UNKNOWN = "UNKNOWN"
    LIST = "LIST"  # what was granted and charged today
    CANCEL = "CANCEL"  # take back what was granted and asked: one service, or all
    UNDO = "UNDO"  # give back the last charge


class Scope(StrEnum):
    """Where a provider works: in every province, or in its home province."""

    UNKNOWN = "UNKNOWN"
    NATIONAL = "NATIONAL"
    LOCAL = "LOCAL"


class ProviderStatus(StrEnum):
    """Whether a provider may do business; only ACTIVE may."""

    UNKNOWN = "UNKNOWN"
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    BLACKLISTED = "BLACKLISTED"


class ServiceStatus(StrEnum):
    """Whether a service may be sold; only ON_SALE may."""

    UNKNOWN = "UNKNOWN"
    ON_SALE = "ON_SALE"
    SUSPENDED = "SUSPENDED"
    WITHDRAWN = "WITHDRAWN"


class Answer(StrEnum):
    """What a reply says clearly."""

    UNKNOWN = "UNKNOWN"
    YES = "YES"
    NO = "NO"


class ActKind(StrEnum):
    """What an operator does with an input record."""

    UNKNOWN = "UNKNOWN"
    QUARANTINE = "QUARANTINE"
    RAISE_LIMIT = "RAISE_LIMIT"


class CongestionState(StrEnum):
    """Whether a province's queue of messages moves."""

    UNKNOWN = "UNKNOWN"
    CLEAR = "CLEAR"
    CONGESTED = "CONGESTED"


class State(StrEnum):
    """Of the subscriber, service and day; UNKNOWN where a decision concerns no one of them."""

    UNKNOWN = "UNKNOWN"
    FRESH = "FRESH"  # nothing granted, nothing asked
    ASKED = "ASKED"  # a prompt is open
    GRANTED = "GRANTED"  # a yes was given
    GRANTED_ASKED = "GRANTED_ASKED"  # a yes was given, and a prompt is open beyond it
