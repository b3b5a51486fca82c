"""The rules of an order's validity, in the order in which they are asked; the first objection names
the reason of the refusal.

STANDING is asked again when the yes comes: the world moved while we waited. What the subscriber was
shown (line, price) is not: the price of the prompt is the price that was agreed.
"""

from typing import NamedTuple

from streams.gate.catalogue import Catalogue
from streams.gate.events import Order
from streams.gate.facts import Facts
from streams.gate.reference import Provider, Service
from streams.gate.words import Channel, ProviderStatus, Reason, ServiceStatus


class Offer(NamedTuple):
    """Who is said to sell what, and what the catalogue knows of both."""

    provider_id: str
    service: Service | None
    provider: Provider | None


def service_known(offer: Offer) -> Reason | None:
    """The service is in the catalogue."""
    return Reason.SERVICE_UNKNOWN if offer.service is None else None


def service_on_sale(offer: Offer) -> Reason | None:
    """The service may be sold now."""
    if offer.service is not None and offer.service.status is not ServiceStatus.ON_SALE:
        return Reason.SERVICE_NOT_ON_SALE
    return None


def provider_sells_it(offer: Offer) -> Reason | None:
    """The service is of the provider who is named."""
    if offer.service is not None and offer.service.provider_id != offer.provider_id:
        return Reason.PROVIDER_MISMATCH
    return None


def provider_known(offer: Offer) -> Reason | None:
    """The provider is in the catalogue."""
    return Reason.PROVIDER_UNKNOWN if offer.provider is None else None


def provider_active(offer: Offer) -> Reason | None:
    """The provider may do business."""
    if offer.provider is not None and offer.provider.status is not ProviderStatus.ACTIVE:
        return Reason.PROVIDER_NOT_ACTIVE
    return None


def line_is_channel(order: Order, service: Service) -> Reason | None:
    """The order came on the service's business line."""
    return None if order.channel is service.line else Reason.LINE_MISMATCH


def price_is_current(order: Order, service: Service) -> Reason | None:
    """The price the subscriber was told is the catalogue's."""
    if order.price_minor != service.price_minor or order.currency != service.currency:
        return Reason.PRICE_MISMATCH
    return None


def voice_has_call(order: Order, service: Service) -> Reason | None:
    """A voice order names its call, in which it will be confirmed (law 7)."""
    if service.line is Channel.IVR and not order.call_id:
        return Reason.CALL_MISSING
    return None


# Memory only: asked once for each pair after each fold. A centre may write any pair into an order;
# one that is longer than any operator's is not kept.
STANDING_KEPT = 65_536
_PAIR_LENGTH_KEPT = 128

STANDING = (service_known, service_on_sale, provider_sells_it, provider_known, provider_active)
FITTING = (line_is_channel, price_is_current, voice_has_call)


def standing_objection(provider_id: str, service_id: str, facts: Facts) -> Reason | None:
    """Why a provider may not sell a service now; None when it may."""
    catalogue = facts.catalogue
    key = (provider_id, service_id)
    known = catalogue.standing
    if key in known:
        return known[key]
    objection = _ask_standing(provider_id, service_id, catalogue)
    if len(provider_id) + len(service_id) <= _PAIR_LENGTH_KEPT:
        if len(known) >= STANDING_KEPT:
            known.clear()
        known[key] = objection
    return objection


def _ask_standing(provider_id: str, service_id: str, catalogue: Catalogue) -> Reason | None:
    offer = Offer(provider_id, catalogue.service(service_id), catalogue.provider(provider_id))
    for rule in STANDING:
        if reason := rule(offer):
            return reason
    return None


def first_objection(order: Order, facts: Facts) -> Reason | None:
    """Why an order is not valid; None when it is."""
    if reason := standing_objection(order.provider_id, order.service_id, facts):
        return reason
    service = facts.catalogue.services[order.service_id]
    for rule in FITTING:
        if reason := rule(order, service):
            return reason
    return None
