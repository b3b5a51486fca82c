"""A small market: two provinces, a national and a local provider, services of all three lines."""

from streams.gate.reference import Gateway, Names, Provider, Service
from streams.gate.words import Channel, ProviderStatus, Scope, ServiceStatus
from streams.world.market import Market, market

_BY = (1, "tests", "an example")


def _service(service_id: str, provider_id: str, line: Channel, price_minor: int) -> Service:
    return Service(
        service_id,
        provider_id,
        line,
        Names(service_id, service_id),
        price_minor,
        "CNY",
        f"code-{service_id}",
        ServiceStatus.ON_SALE,
        *_BY,
    )


PROVIDERS = (
    Provider("sp-n", Names("华", "Hua"), Scope.NATIONAL, None, ProviderStatus.ACTIVE, *_BY),
    Provider("sp-l", Names("川", "Chuan"), Scope.LOCAL, "sichuan", ProviderStatus.ACTIVE, *_BY),
)
SERVICES = (
    _service("joke", "sp-n", Channel.SMS, 100),
    _service("song", "sp-n", Channel.MMS, 200),
    _service("story", "sp-n", Channel.IVR, 300),
    _service("opera", "sp-l", Channel.SMS, 150),
)
GATEWAYS = (
    Gateway("beijing", 100, 50, 0, *_BY),
    Gateway("sichuan", 100, 50, 0, *_BY),
)


def small_market() -> Market:
    """The market of these records."""
    return market(PROVIDERS, SERVICES, GATEWAYS)
