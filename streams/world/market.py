"""What can be ordered, by whom and where, as the outside knows it: from the reference topics.

Law: only what providers publish about themselves is read here (providers, services, gateways). The
policies are between the operator and its gate; the world learns of them from prompts alone.
"""

from collections.abc import Iterable
from typing import NamedTuple

from streams.gate.reference import Gateway, Provider, Service
from streams.gate.words import Channel, ProviderStatus, Scope, ServiceStatus
from streams.world.draws import Lots

# What subscribers order by, where a province has all three lines.
LINE_WEIGHTS = {Channel.SMS: 0.7, Channel.MMS: 0.18, Channel.IVR: 0.12}

# A service that cannot be bought is still asked for now and then, from an old advertisement.
_WEIGHT_ON_SALE = 1.0
_WEIGHT_NOT_ON_SALE = 0.05


class Offer(NamedTuple):
    """One service as an advertisement shows it."""

    service_id: str
    provider_id: str
    line: Channel
    price_minor: int
    currency: str
    sold: bool  # whether anyone should be able to buy it
    province: str | None  # where it is offered; everywhere when null


class Market:
    """The offers of each province by business line."""

    def __init__(self, offers: Iterable[Offer], provinces: Iterable[str]) -> None:
        self.offers = tuple(offers)
        self.provinces = tuple(sorted(set(provinces)))
        if not self.provinces or not any(offer.sold for offer in self.offers):
            raise NothingToOrder
        self._lots = {
            (province, line): Lots(weights)
            for province in self.provinces
            for line in LINE_WEIGHTS
            if (weights := self._weights(province, line))
        }
        self._lines = {
            province: Lots(
                {line: w for line, w in LINE_WEIGHTS.items() if (province, line) in self._lots}
            )
            for province in self.provinces
        }

    def pick(self, province: str, line_chance: float, offer_chance: float) -> Offer:
        """The offer that these chances fall on, of any line."""
        line = self._lines[province].pick(line_chance)
        return self._lots[province, line].pick(offer_chance)

    def pick_of(self, province: str, line: Channel, chance: float) -> Offer:
        """An offer of this line, or of any line where the province has none of it."""
        lots = self._lots.get((province, line))
        return lots.pick(chance) if lots else self.pick(province, chance, chance)

    def dearest(self, province: str) -> tuple[Offer, ...]:
        """The dearest service of each line that one can buy there."""
        found: dict[Channel, Offer] = {}
        for each in self.offers:
            if each.sold and each.province in (None, province):
                best = found.setdefault(each.line, each)
                if each.price_minor > best.price_minor:
                    found[each.line] = each
        return tuple(found.values())

    def _weights(self, province: str, line: Channel) -> dict[Offer, float]:
        return {
            offer: _WEIGHT_ON_SALE if offer.sold else _WEIGHT_NOT_ON_SALE
            for offer in self.offers
            if offer.line is line and offer.province in (None, province)
        }


class NothingToOrder(ValueError):
    """The reference topics hold no service on sale or no province to order from."""


def market(
    providers: Iterable[Provider], services: Iterable[Service], gateways: Iterable[Gateway]
) -> Market:
    """The market after these records, in the topics' order: the last record of an id counts."""
    known = {provider.provider_id: provider for provider in providers}
    latest = {service.service_id: service for service in services}
    provinces = {gateway.province for gateway in gateways}
    provinces |= {p.home_province for p in known.values() if p.home_province}
    offers = [
        _offer(service, known[service.provider_id])
        for service in latest.values()
        if service.provider_id in known
    ]
    return Market(sorted(offers), provinces)


def _offer(service: Service, provider: Provider) -> Offer:
    sold = service.status is ServiceStatus.ON_SALE and provider.status is ProviderStatus.ACTIVE
    return Offer(
        service.service_id,
        service.provider_id,
        service.line,
        service.price_minor,
        service.currency,
        sold,
        provider.home_province if provider.scope is Scope.LOCAL else None,
    )
