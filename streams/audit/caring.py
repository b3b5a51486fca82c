"""What customer care's actions should have led to, and the clocks of complaints.

Laws: an action that lacks what it needs is a dead letter (10); a complaint's clock raises an alarm
at each of its instants while it is unanswered, neither fewer nor more (10); the ids of a charge's
evidence are all that there are (12).
"""

from collections.abc import Iterator, Mapping

from streams.audit.closing import anything_to_close, close
from streams.audit.derive import base_id, event_base
from streams.audit.ledger import Case, Ledger
from streams.audit.people import Account, Complaint
from streams.audit.records import CareAction
from streams.audit.report import finding
from streams.audit.settling import remembered
from streams.topics import CHARGES, MESSAGES, ORDERS, REFUNDS, REPLIES, SETTLEMENTS, VERDICTS

_CLOSING = ("ANSWER", "UPHOLD", "REJECT")


def judge(case: Case, action: CareAction) -> None:
    """Hold the decision on a care action against what it should have been."""
    fault = _incomplete(action)
    if fault is not None:
        case.ledger.faults[action.entry[:3]] = fault, True
    said = case.decision.reason
    if said == "DEAD_LETTER":
        return
    expected = _expected(case, action)
    if fault is None and said not in expected:
        case.note(8, f"it says {said} to {action.kind}, and the accounts say {expected[0]}")
    _write_down(case, action)


def _incomplete(action: CareAction) -> str | None:
    """What an action lacks, so that nobody can know what is meant."""
    if action.amount_minor is not None and action.amount_minor <= 0:
        return "its amount is none"
    match action.kind:
        case "UNKNOWN":
            return "it does nothing that is known"
        case "COMPLAIN" | "REFUND" if not (action.charge_id or action.order_id):
            return "it names no charge"
        case "ANSWER" | "UPHOLD" | "REJECT" if not action.complaint_id:
            return "it names no complaint"
    return None


def charge_id_of(action: CareAction) -> str | None:
    """The charge that an action names, by itself or by its order."""
    if action.charge_id:
        return action.charge_id
    return "c-" + base_id(action.msisdn, action.order_id) if action.order_id else None


def complaint_id_of(action: CareAction) -> str:
    """The complaint that an action opens or is about."""
    return action.complaint_id or "q-" + event_base(action.msisdn, "a", action.action_id)


def _expected(case: Case, action: CareAction) -> tuple[str, ...]:
    """The reasons that would be right."""
    person = case.person
    match action.kind:
        case "LOOK":
            return ("NOTED",)
        case "RELEASE":
            return ("RELEASED",)
        case "REVOKE":
            something = anything_to_close(person, action.service_id, case.oldest)
            if something is None:
                return "REVOKED", "NOTHING_TO_REVOKE"
            return ("REVOKED",) if something else ("NOTHING_TO_REVOKE",)
        case "COMPLAIN":
            known = complaint_id_of(action) in person.complaints
            return ("COMPLAINT_KNOWN",) if known else ("COMPLAINT_OPENED",)
        case "REFUND":
            account = person.accounts.get(charge_id_of(action) or "")
            return _refundable(account, action), *_forgotten(case, account)
    complaint = person.complaints.get(complaint_id_of(action))
    if complaint is None:
        return ("COMPLAINT_UNKNOWN",)
    if action.kind == "UPHOLD":
        return _upheld(case, person.accounts.get(complaint.charge_id or ""), action)
    return ("COMPLAINT_ANSWERED",) if action.kind == "ANSWER" else ("COMPLAINT_REJECTED",)


def _refundable(account: Account | None, action: CareAction) -> str:
    if account is None:
        return "CHARGE_UNKNOWN"
    if account.left <= 0:
        return "NOTHING_TO_REFUND"
    return "REFUND_EXCEEDS" if (action.amount_minor or 0) > account.left else "REFUND_REQUESTED"


def _forgotten(case: Case, account: Account | None) -> tuple[str, ...]:
    """What would be right, too, of a charge so old that it may be forgotten."""
    if account is None or remembered(case.policy, account, case.decision.event_at):
        return ()
    return ("CHARGE_UNKNOWN",)


def _upheld(case: Case, account: Account | None, action: CareAction) -> tuple[str, ...]:
    """All that is left is given back, also nothing; more than that is not."""
    asked = action.amount_minor
    if account is None:
        return "COMPLAINT_UPHELD", "CHARGE_UNKNOWN"
    if asked is not None and asked > account.left:
        return "REFUND_EXCEEDS", *_forgotten(case, account)
    return "COMPLAINT_UPHELD", *_forgotten(case, account)


def _write_down(case: Case, action: CareAction) -> None:
    """What the action changes, by what its decision says."""
    person, name = case.person, complaint_id_of(action)
    match case.decision.reason:
        case "REVOKED":
            close(person, action.service_id, declined=False)
        case "RELEASED":
            close(person, None, declined=False)
            person.forget()
            person.released_at = max(action.acted_at, person.released_at or action.acted_at)
        case "COMPLAINT_OPENED":
            _opened(case, action, name)
        case "COMPLAINT_ANSWERED" if name in person.complaints:
            _stopped(case, name)
            person.complaints[name].answered = True
        case "COMPLAINT_UPHELD" | "COMPLAINT_REJECTED" if name in person.complaints:
            _stopped(case, name)
            del person.complaints[name]


def _opened(case: Case, action: CareAction, name: str) -> None:
    alarms = case.policy.complaint_alarms_ms if case.policy else []
    charge_id = charge_id_of(action)
    clock = sorted(case.decision.event_at + after for after in alarms)
    case.person.complaints[name] = Complaint(case.decision, charge_id, clock)
    account = case.person.accounts.get(charge_id or "")
    gathered = set(case.decision.evidence)
    if account is None or _forgotten(case, account):
        return
    for topic, found in _evidence(account):
        if (topic, found) not in gathered:
            case.note(12, f"its evidence lacks {found} of {topic}")


def _evidence(account: Account) -> Iterator[tuple[str, str]]:
    """What there is about a charge that a complaint is about."""
    charge = account.charge
    base = base_id(charge.msisdn, charge.order_id)
    yield ORDERS, charge.order_id
    yield CHARGES, charge.charge_id
    yield VERDICTS, "v-" + base
    if account.prompt is not None:
        yield MESSAGES, account.prompt.message.message_id
    if charge.reply_id is not None:
        yield REPLIES, charge.reply_id
    if account.receipt is not None:
        yield MESSAGES, account.receipt.message_id
    for settlement in account.settlements:
        yield SETTLEMENTS, settlement.settlement_id
    for refund_id in account.requests:
        yield REFUNDS, refund_id


def _stopped(case: Case, name: str) -> None:
    """A clock stands still: what was due before another due act that was taken must have come."""
    missed(case.ledger, case.person.complaints[name], case.ledger.due_until)


def missed(ledger: Ledger, complaint: Complaint, passed: Mapping[int, int]) -> None:
    """Note what a clock should have said before these instants of the partitions."""
    opened = complaint.opened_by.entry
    if complaint.answered:
        return
    for due_at in complaint.alarms_at:
        if due_at < passed[opened.partition]:
            sentence = "an alarm of this complaint's clock is missing"
            ledger.found[10].append(finding(10, opened, sentence))


def rang(case: Case, complaint_id: str) -> None:
    """An instant of a complaint's clock has come."""
    complaint = case.person.complaints.get(complaint_id)
    at = case.decision.event_at
    if complaint is None or complaint.answered or at not in complaint.alarms_at:
        case.note(10, "no clock of an unanswered complaint rings then")
        return
    complaint.alarms_at.remove(at)
