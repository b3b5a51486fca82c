"""What a charge changes, and what must follow it: a receipt, a notice, a request to give back.

Laws: a charge needs a consent that has not been taken back (1), stays within its yes (1, 3), under
the day's limit of spending (4) and under the ceiling of its call (7); the requests to give a charge
back never exceed it, and each has one cause that allows it (2).
"""

from collections.abc import Iterator

from streams.audit.derive import base_id
from streams.audit.ledger import Case
from streams.audit.ordering import over_call, over_spend, spend_limit
from streams.audit.people import DAILY, VOICE, Account, Day, Prompt, ServiceDay
from streams.audit.records import CareAction, Charge, Event, Policy, Refund, Reply
from streams.audit.texts import (
    amount,
    fill,
    first_keyword,
    language_of,
    minutes,
    template_of,
)

_CAUSES = {"UNDONE": "UNDO", "COMPLAINT_UPHELD": "UPHELD", "REFUND_REQUESTED": "CARE"}


def take(case: Case, charge: Charge) -> None:
    """Hold a charge against the accounts, and write it down."""
    person = case.person
    order = case.books.order(charge.msisdn, charge.order_id)
    prompt = case.ledger.prompts.get(charge.prompt_id or "")
    rule = case.rule_of(charge)
    released_at = person.released_at
    if order is not None and released_at is not None and order.ordered_at < released_at:
        case.note(1, "who ordered it has not the number any more", charge.entry)
    if prompt is not None:
        _covered(case, charge, prompt)
    day = person.days[charge.day]
    if order is not None and charge.channel == VOICE and order.call_id is not None:
        so_far = person.call(order.call_id, case.oldest)
        if rule is not None and over_call(rule, so_far, charge.price_minor):
            case.note(7, "it goes over what one call may bring", charge.entry)
        person.calls[order.call_id].append((charge.day, charge.price_minor))
    account = Account(charge, prompt)
    person.accounts.setdefault(charge.charge_id, account)
    person.last = account
    _spend(case, charge, day)
    service = day.service(charge.service_id)
    if rule is not None and rule.receipt:
        _receipt_due(case, charge, service)


def _covered(case: Case, charge: Charge, prompt: Prompt) -> None:
    """Count a charge against the yes that it cites."""
    if prompt.taken_back:
        case.note(1, f"the yes to {charge.prompt_id} had been taken back", charge.entry)
    prompt.charges += 1
    prompt.amount_minor += charge.price_minor
    rule = prompt.rule
    if rule is None:
        return
    if rule.confirmation == DAILY:
        most, dearest = rule.grant_count_max, rule.grant_amount_max_minor
        if prompt.charges > most or prompt.amount_minor > dearest:
            case.ledger.overdrawn.append((charge, prompt))
    elif prompt.charges > 1:
        case.ledger.overdrawn.append((charge, prompt))


def _receipt_due(case: Case, charge: Charge, service: ServiceDay) -> None:
    """A receipt must follow, unless the last one of the service is too young."""
    policy, at, before = case.policy, case.decision.event_at, service.receipt_at
    if policy is None or (before is not None and at - before < policy.receipt_interval_ms):
        return
    text = _receipt(case, policy, charge)
    if text is not None:
        service.receipt_at = at
        case.messages["r-" + base_id(charge.msisdn, charge.order_id)] = text


def _receipt(case: Case, policy: Policy, charge: Charge) -> str | None:
    """What a receipt says; None where the policy has no words for it."""
    language = language_of(policy, charge.province)
    template = template_of(policy, "RECEIPT", "SMS", language)
    standing, positions = case.books.standing, case.decision.reference
    provider = standing.provider(charge.provider_id, positions)
    service = standing.service(charge.service_id, positions)
    if template is None or provider is None or service is None:
        return None
    spent = case.person.days[charge.day].spent[charge.currency]
    return fill(
        template,
        {
            "provider": provider.name[language],
            "service": service.name[language],
            "price": amount(charge.price_minor, charge.currency, language),
            "spent": amount(spent, charge.currency, language),
            "undo": first_keyword(policy, "UNDO"),
            "undo_minutes": minutes(policy.undo_ms) if policy.undo_ms else "0",
        },
    )


def _spend(case: Case, charge: Charge, day: Day) -> None:
    """Count a charge against the day; a notice must follow when half of the limit is reached."""
    if case.policy is None:
        return
    limit = spend_limit(case.policy, charge.currency)
    if over_spend(case.policy, day, charge.currency, charge.price_minor):
        case.note(4, "it goes over what may be spent on a day", charge.entry)
    before = day.spent[charge.currency]
    day.spent[charge.currency] += charge.price_minor
    if limit is None or charge.currency in day.noticed:
        return
    if 2 * before < limit <= 2 * day.spent[charge.currency]:
        language = language_of(case.policy, charge.province)
        template = template_of(case.policy, "NOTICE", "SMS", language)
        if template is not None:
            figures = {"spent": day.spent[charge.currency], "limit": limit}
            said = {
                name: amount(figure, charge.currency, language) for name, figure in figures.items()
            }
            case.messages["n-" + base_id(charge.msisdn, charge.order_id)] = fill(template, said)
            day.noticed.add(charge.currency)


def give_back(case: Case, refund: Refund, event: Event | None) -> None:
    """Hold a request to give money back against the charge's account, and write it down."""
    for sentence in _wrong(case, refund, event):
        case.note(2, sentence, refund.entry)
    account = case.person.accounts.get(refund.charge_id)
    if account is not None:
        account.requests.setdefault(refund.refund_id, refund)
        account.gone.setdefault(refund.refund_id, refund.amount_minor)
        if refund.reason == "UNDO":
            case.person.last = None


def _wrong(case: Case, refund: Refund, event: Event | None) -> Iterator[str]:
    account = case.person.accounts.get(refund.charge_id)
    if account is None:
        yield f"no charge of this subscriber is {refund.charge_id}"
        return
    if refund.refund_id in account.requests:
        yield "it was requested before"
    elif refund.amount_minor > account.left:
        yield f"with it more is given back than was charged ({account.charge.price_minor})"
    if refund.amount_minor <= 0 or refund.currency != account.charge.currency:
        yield "its amount is none, or not in the currency of its charge"
    if refund.reason != _CAUSES.get(case.decision.reason):
        yield f"nothing that its decision says ({case.decision.reason}) asks for it"
    named = event.complaint_id if isinstance(event, CareAction) else None
    if refund.complaint_id != named:
        yield "it names another complaint than the record that asked for it"
    if isinstance(event, Reply) and account is not case.person.last:
        yield "an undo takes back the last charge only"
