"""What a cancellation, a revocation and a released number take back: grants, and open prompts.

Laws: what was taken back covers nothing more (1).
"""

from streams.audit.people import Person


def anything_to_close(person: Person, service_id: str | None, oldest: int) -> bool | None:
    """Whether there is a grant or an open prompt, of one service or of any; None: there is only
    a grant of a day before `oldest`, which the gate may have forgotten.
    """
    if any(
        prompt.order is not None and service_id in (None, prompt.order.service_id)
        for prompt in person.open
    ):
        return True
    granted = {
        day
        for day, book in person.days.items()
        for name, service in book.services.items()
        if service.grant is not None and service_id in (None, name)
    }
    if not granted:
        return False
    return True if max(granted) >= oldest else None


def close(person: Person, service_id: str | None, *, declined: bool) -> None:
    """Take back what was granted and asked, of one service or of all."""
    for prompt in list(person.open):
        order = prompt.order
        if order is None or service_id not in (None, order.service_id):
            continue
        person.open.remove(prompt)
        prompt.taken_back = True
        if declined and prompt.day is not None:
            person.days[prompt.day].service(order.service_id).declined = True
    for book in person.days.values():
        for name, service in book.services.items():
            if service_id in (None, name):
                if service.grant is not None:
                    service.grant.taken_back = True
                service.grant = service.trial = None
