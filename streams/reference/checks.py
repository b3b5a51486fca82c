"""What the entries of a file say about one another: providers, credits, services, gateways.

A file stands by itself: whatever it names, it also holds. So one look at it tells what is meant,
and a slip of the pen is found before anything is written. Policies are checked in `policies`.
"""

from streams.gate.words import Scope
from streams.reference.problems import choose_from
from streams.reference.sections import Sections
from streams.reference.source import Place


def check_entries(sections: Sections) -> None:
    """Note every fault of the entries that are not policies."""
    _providers(sections)
    _credits(sections)
    _services(sections)
    for place, gateway in sections.gateways:
        check_province(sections, gateway.province, (*place, "province"))


def check_province(sections: Sections, province: str, place: Place) -> None:
    """A province must be one of the file's own list."""
    known = sections.ids["provinces"]
    if province not in known:
        what = f"province {province} is not in the list of provinces"
        sections.problem(place, what, choose_from(province, known))


def check_provider(sections: Sections, provider_id: str, place: Place) -> None:
    """A provider must be one of the file's."""
    known = sections.ids["providers"]
    if provider_id not in known:
        what = f"provider {provider_id} is not in the list of providers"
        sections.problem(place, what, choose_from(provider_id, known))


def _providers(sections: Sections) -> None:
    for place, provider in sections.providers:
        home = provider.home_province
        at_home = (*place, "home_province")
        if home is not None:
            check_province(sections, home, at_home)
        if provider.scope is Scope.LOCAL and home is None:
            what = f"the local provider {provider.provider_id} has no home_province"
            sections.problem(place, what, "add it, or make the provider NATIONAL")
        if provider.scope is Scope.NATIONAL and home is not None:
            what = f"the national provider {provider.provider_id} has a home_province"
            sections.problem(at_home, what, "remove it, or make the provider LOCAL")


def _credits(sections: Sections) -> None:
    taken: dict[tuple[object, ...], str] = {}
    for place, credit in sections.credits:
        check_provider(sections, credit.provider_id, (*place, "provider_id"))
        check_province(sections, credit.province, (*place, "province"))
        if (credit.points is None) == (credit.delta is None):
            what = f"credit {credit.change_id} must say either points or delta"
            remedy = "points sets the credit, delta adds to it: give one of the two"
            sections.problem(place, what, remedy)
        scope = (credit.provider_id, credit.line, credit.province, credit.effective_from)
        if other := taken.get(scope):
            what = f"credit {credit.change_id} changes the same points at the same time as {other}"
            remedy = "make it one change, or give them different times"
            sections.problem((*place, "effective_from"), what, remedy)
        taken.setdefault(scope, credit.change_id)


def _services(sections: Sections) -> None:
    sold_as: dict[str, str] = {}
    for place, service in sections.services:
        check_provider(sections, service.provider_id, (*place, "provider_id"))
        if service.price_minor == 0 and not service.free:
            what = f"service {service.service_id} has a price of 0"
            remedy = "give its price in minor units (fen, cents), or say free: true"
            sections.problem((*place, "price_minor"), what, remedy)
        if service.price_minor and service.free:
            what = f"service {service.service_id} is free and has a price of {service.price_minor}"
            sections.problem((*place, "free"), what, "remove one of the two")
        # Using the charge code of one service for another is an offence, and what a charge was
        # for could no longer be told from it.
        if other := sold_as.get(service.charge_code):
            what = f"charge_code {service.charge_code} is already that of service {other}"
            sections.problem((*place, "charge_code"), what, "give each service its own")
        sold_as.setdefault(service.charge_code, service.service_id)
