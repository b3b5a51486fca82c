"""What billing says, held against the accounts: of a charge, of a request to give back, or of
nothing that there is.

Laws: what contradicts the accounts is a dead letter and an alarm, and changes nothing (10); a
failed charge gives its count and amount back to the yes and to the day (3).
"""

from streams.audit.ledger import Case
from streams.audit.people import Account
from streams.audit.records import Policy, Settlement
from streams.audit.standing import day_of

_SAID = {
    ("CHARGED", False): "SETTLED",
    ("FAILED", False): "CHARGE_FAILED",
    ("REFUNDED", False): "REFUNDED",
    ("REFUNDED", True): "REFUNDED",
    ("FAILED", True): "REFUND_FAILED",
}


def judge(case: Case, settlement: Settlement) -> None:
    """Hold the decision on a settlement against what it says of its charge."""
    account = case.person.accounts.get(settlement.charge_id)
    fault = _fault(case, account, settlement)
    said = case.decision.reason
    if fault is not None:
        case.ledger.faults[settlement.entry[:3]] = fault
    if said == "DEAD_LETTER":
        case.alarms["SETTLEMENT"] += 1
        return
    if fault is None and said != _SAID[settlement.outcome, settlement.refund_id is not None]:
        case.note(8, f"it says {said} to {settlement.outcome}")
    if account is not None:
        _write_down(case, account, settlement)


def _fault(case: Case, account: Account | None, settlement: Settlement) -> tuple[str, bool] | None:
    """What a settlement contradicts, and whether that is certain."""
    if account is None:
        return "billing speaks of no charge of ours", True
    young = remembered(case.policy, account, case.decision.event_at)
    contradiction = _contradiction(account, settlement)
    if contradiction is not None:
        return contradiction, young
    return None if young else ("its charge may be forgotten", False)


def remembered(policy: Policy | None, account: Account, at: int) -> bool:
    """Whether a charge is young enough that it must be remembered."""
    if policy is None:
        return False
    zone = policy.time_zone
    return day_of(zone, at) - account.charge.day < policy.refund_days


def _contradiction(account: Account, settlement: Settlement) -> str | None:
    charge, amount = account.charge, settlement.amount_minor
    if settlement.currency != charge.currency:
        return "its currency is not its charge's"
    if settlement.refund_id is not None:
        return _of_refund(account, settlement, settlement.refund_id)
    match settlement.outcome:
        case "CHARGED" | "FAILED" if account.settled:
            return f"its charge was {account.settled} before"
        case "CHARGED" | "FAILED" if amount != charge.price_minor:
            return "its amount is not its charge's"
        case "FAILED" if any(s.outcome == "REFUNDED" for s in account.settlements):
            return "of what could not be charged money was given back"
        case "REFUNDED" if amount > account.left or account.settled == "FAILED":
            return "with it more is given back than was charged"
        case "CHARGED" | "FAILED" | "REFUNDED":
            return None
    return "its outcome is none that is known"


def _of_refund(account: Account, settlement: Settlement, refund_id: str) -> str | None:
    request = account.requests.get(refund_id)
    if request is None:
        return "billing speaks of no refund of ours"
    if settlement.outcome not in ("REFUNDED", "FAILED"):
        return "a refund is given back or has failed, nothing else"
    if refund_id in account.outcomes:
        return f"its refund was {account.outcomes[refund_id]} before"
    if settlement.outcome == "REFUNDED" and account.settled == "FAILED":
        return "its charge could not be taken"
    if settlement.amount_minor > request.amount_minor:
        return "more was given back than was asked for"
    return None


def _write_down(case: Case, account: Account, settlement: Settlement) -> None:
    """What the settlement changes, by what its decision says."""
    account.settlements.append(settlement)
    refund_id = settlement.refund_id
    match case.decision.reason:
        case "SETTLED":
            account.settled = "CHARGED"
        case "CHARGE_FAILED":
            account.settled = "FAILED"
            _uncount(case, account)
        case "REFUNDED" if refund_id is not None:
            account.outcomes[refund_id] = "REFUNDED"
        case "REFUNDED":
            account.given_back += settlement.amount_minor
        case "REFUND_FAILED" if refund_id is not None:
            account.outcomes[refund_id] = "FAILED"
            account.gone[refund_id] = 0
            case.alarms["REFUND"] += 1


def _uncount(case: Case, account: Account) -> None:
    """A charge whose money could not be taken counts no longer."""
    charge, prompt = account.charge, account.prompt
    if prompt is not None and prompt.consent is not None:
        prompt.charges -= 1
        prompt.amount_minor -= charge.price_minor
    if account.counted:
        case.person.days[charge.day].spent[charge.currency] -= charge.price_minor
