"""What is wrong with a reference record: a sentence for the person who wrote it, or None.

Only what shows in the record itself is judged here, and of policies in `policy_faults`; the
catalogue judges a record against earlier ones of its topic. Ids that lead nowhere are judged when
deciding: the other topic may come later.
"""

from streams.gate.reference import (
    Congestion,
    CreditChange,
    Gateway,
    OperatorAct,
    Provider,
    Service,
)
from streams.gate.words import ActKind, Channel, CongestionState, Scope

_CURRENCY_LENGTH = 3
# What a subscriber spends on a day is a sum of prices, and must fit 64 bits.
PRICE_MINOR_MAX = 10**12


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
    if service.price_minor > PRICE_MINOR_MAX:
        return f"{name}: its price {service.price_minor} is more than {PRICE_MINOR_MAX}"
    if not is_currency(service.currency):
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


def is_currency(code: str) -> bool:
    """Whether a text has the form of an ISO 4217 code."""
    return len(code) == _CURRENCY_LENGTH and code.isascii() and code.isupper()
