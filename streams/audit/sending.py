"""What was sent to a subscriber, held against what was to be sent, and when.

Laws: no prompt beyond a day's limit, and no code twice to one subscriber within a day (4); a
prompt by text always has a code, and a voice prompt has a digit where one is required (5); at most
one CLARIFY while the same prompts are open (4); a receipt and a notice follow a charge where the
policy says so, and nothing else does (4).
"""

from streams.audit.answers import is_code
from streams.audit.ledger import Case
from streams.audit.ordering import among_others
from streams.audit.people import Prompt
from streams.audit.records import Event, Message, Order, Reply
from streams.topics import ORDERS

# From so many codes on, a few draws may all have been given out before.
_CROWDED = 20

_AFTER = {"CLARIFY": ("AMBIGUOUS",), "LISTING": ("LISTED", "CANCELLED")}


def take(case: Case, message: Message, answered: Prompt | None, event: Event | None) -> None:
    """Hold a message against the accounts, and write it down."""
    match message.kind:
        case "PROMPT":
            _asked(case, message, answered)
        case "RECEIPT" | "NOTICE":
            _told(case, message)
        case "CLARIFY" | "LISTING":
            case.replies.discard(message.kind)
            if case.decision.reason not in _AFTER[message.kind]:
                sentence = f"no {message.kind} answers what its decision says"
                case.note(4, sentence, message.entry)
            if message.kind == "CLARIFY":
                _clarified(case, message, event)


def _asked(case: Case, message: Message, answered: Prompt | None) -> None:
    books, ledger = case.books, case.ledger
    if message.prompt_id is None or message.prompt_id in ledger.prompts:
        return
    order = books.order(message.msisdn, message.order_id)
    follows = answered if case.decision.topic != ORDERS else None
    rule = ledger.rules.get((message.msisdn, message.order_id or ""))
    prompt = Prompt(
        message,
        case.decision,
        order,
        follows.rule if follows is not None else rule,
        case.policy,
        ledger.day(order) if order else None,
        among_others(case),
        _waiting(follows, order),
    )
    _counted(case, prompt)
    _coded(case, prompt)
    if not prompt.by_voice and not case.person.texts():
        case.person.clarified = ()
    ledger.prompts[message.prompt_id] = prompt
    case.person.open.append(prompt)


def _waiting(follows: Prompt | None, order: Order | None) -> list[Order]:
    """Who waits: the order asked about and, after a yes to another, those behind it."""
    if order is None:
        return []
    if follows is not None and order in follows.waiting:
        return follows.waiting[follows.waiting.index(order) :]
    return [order]


def _counted(case: Case, prompt: Prompt) -> None:
    if prompt.day is None or prompt.order is None or case.policy is None:
        return
    day = case.person.days[prompt.day]
    day.service(prompt.order.service_id)
    if day.prompts >= case.policy.prompts_per_day_max:
        sentence = f"the day has had its {day.prompts} prompts"
        case.note(4, sentence, prompt.message.entry)
    day.prompts += 1


def _coded(case: Case, prompt: Prompt) -> None:
    """What names the prompt in a reply can name no other, and could not be foreseen."""
    code, entry = prompt.message.reply_code or "", prompt.message.entry
    if prompt.by_voice:
        digit = len(code) == 1 and code in "123456789"
        if prompt.needs_code != bool(code) or (code and not digit):
            case.note(5, "a voice prompt has a digit exactly where one is required", entry)
        elif case.policy and digit and case.ledger.words(case.policy).is_no_key(code):
            case.note(5, "its digit means no", entry)
        return
    if not is_code(code):
        case.note(5, "a prompt by text has no code of its own", entry)
        return
    day = case.person.days[prompt.day] if prompt.day is not None else None
    given = day.codes if day is not None else set()
    prompt.crowded = len(given) >= _CROWDED
    open_codes = {other.message.reply_code for other in case.person.open}
    if code in given or code in open_codes:
        case.note(4, "its code was given out before", entry)
    given.add(code)


def _told(case: Case, message: Message) -> None:
    """A receipt or a notice that a charge of this decision leads to."""
    if message.message_id not in case.messages:
        sentence = f"no {message.kind} follows from what was charged, by the policy in force"
        case.note(4, sentence, message.entry)
    elif case.messages.pop(message.message_id) != message.text:
        case.note(6, "it does not say what was charged", message.entry)
    account = case.person.accounts.get(message.charge_id or "")
    if message.kind == "RECEIPT" and account is not None:
        account.receipt = message


def _clarified(case: Case, message: Message, event: Event | None) -> None:
    asked = tuple(case.person.texts())
    codes = {
        prompt.message.reply_code or ""
        for prompt in asked
        if isinstance(event, Reply) and prompt.alive(event.received_at)
    }
    cut = case.policy is not None and message.segments >= case.policy.text_segments_max
    if not cut and not all(code in message.text for code in codes):
        case.note(6, "it does not name every prompt that could be meant", message.entry)
    if case.person.clarified == asked:
        case.note(4, "the same prompts were listed before", message.entry)
    case.person.clarified = asked
