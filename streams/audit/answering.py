"""What a reply should have led to: an answer to the one prompt it could mean, a keyword, nothing.

Laws: consent is a yes in the policy's words, or a prompt's own code, heard while the prompt was
alive and where no other could be meant; where a code was required only the code is one (5). A
prompt that was declined, closed or has lapsed hears nothing more.
"""

from typing import NamedTuple

from streams.audit.answers import NOTHING, Reading, is_known, said_in
from streams.audit.closing import anything_to_close, close
from streams.audit.ledger import Case
from streams.audit.ordering import askable, over_call, over_spend, standing_objection
from streams.audit.people import DAILY, VOICE, Prompt
from streams.audit.records import Order, Policy, Reply, Verdict
from streams.audit.standing import day_of
from streams.audit.texts import template_of

# Answers by which the gate says that a reply changed nothing. When in doubt, no charge: a yes that
# the gate did not take as one is no consent here either.
NOT_HEARD = frozenset({"UNCLEAR", "AMBIGUOUS", "NOT_ANSWERING", "TOO_LATE", "REPEATED"})
_HEARD = frozenset({"DECLINED", "APPROVED_CONFIRMED"})
_YES = ("APPROVED_CONFIRMED", "GRANT_EXHAUSTED", "CALL_LIMIT", "SPEND_LIMIT")


class Meaning(NamedTuple):
    """What a reply means: the reasons that are right, and the prompt it answers, if it does."""

    reasons: tuple[str, ...]
    prompt: Prompt | None = None
    answer: str | None = None
    reading: Reading = NOTHING


def judge(case: Case, reply: Reply) -> Prompt | None:
    """Hold the decision on a reply that was taken against what it means; the prompt answered."""
    meaning = _meaning(case, reply)
    said = case.decision.reason
    prompt = meaning.prompt
    if prompt is None:
        if said not in meaning.reasons:
            _differs(case, meaning)
        _do_keyword(case, reply, meaning)
        if reply.channel != VOICE:
            _must_reply(case)
        return None
    if said in NOT_HEARD and meaning.answer == "YES":
        case.ledger.unheard.append(case.decision)
        return None
    if said not in meaning.reasons:
        case.note(5, f"it says {said} to a clear {meaning.answer}")
    _answer(case, reply, prompt, meaning)
    return prompt


def _differs(case: Case, meaning: Meaning) -> None:
    said, right = case.decision.reason, meaning.reasons[0]
    if said in _HEARD:
        case.note(5, f"it takes for an answer what is none: {right}")
    elif said == "UNDONE":
        case.note(2, f"it undoes a charge that cannot be undone: {right}")
    else:
        case.note(8, f"it says {said}, and the reply means {right}")


def _meaning(case: Case, reply: Reply) -> Meaning:
    policy = case.policy
    if policy is None or not is_known(reply.channel):
        return Meaning(("NOT_ANSWERING",))
    if reply.channel == VOICE:
        return _pressed(case, policy, reply)
    if reply.to != policy.sender:
        return Meaning(("NOT_ANSWERING",))
    reading = case.ledger.words(policy).read(reply.text)
    if reading.keyword is not None:
        return _asked_for(case, policy, reply, reading)
    if reading.answer is None:
        return Meaning(("UNCLEAR",))
    return _texted(case, reply, reading)


def _texted(case: Case, reply: Reply, reading: Reading) -> Meaning:
    """Which of the open text prompts a clear answer is to."""
    asked = case.person.texts()
    if reading.code is not None:
        asked = [prompt for prompt in asked if prompt.message.reply_code == reading.code]
    alive = [prompt for prompt in asked if prompt.alive(reply.received_at)]
    if reading.code is not None:
        if len(alive) == 1:
            return _answered(case, alive[0], reading.answer)
        return Meaning(("TOO_LATE",) if asked else ("UNCLEAR",))
    if not asked:
        return Meaning(("NOT_ANSWERING",))
    if not alive:
        return Meaning(("TOO_LATE",))
    if len(alive) == 1 and not alive[0].needs_code:
        return _answered(case, alive[0], reading.answer)
    return Meaning(("AMBIGUOUS",))


def _pressed(case: Case, policy: Policy, reply: Reply) -> Meaning:
    """Which prompt of the very call a key is pressed for."""
    words = case.ledger.words(policy)
    asked = [
        prompt
        for prompt in case.person.open
        if prompt.by_voice and reply.call_id is not None and prompt.message.call_id == reply.call_id
    ]
    alive = [prompt for prompt in asked if prompt.alive(reply.received_at)]
    if not alive:
        return Meaning(("TOO_LATE" if asked else "NOT_ANSWERING", "UNCLEAR"))
    if len(alive) > 1:
        return Meaning(("AMBIGUOUS", "UNCLEAR"))
    prompt = alive[0]
    if not prompt.needs_code:
        answer = words.pressed(reply.text)
        return _answered(case, prompt, answer) if answer else Meaning(("UNCLEAR",))
    if not said_in(reply.text):
        return Meaning(("UNCLEAR", "DECLINED"))
    said = "YES" if said_in(reply.text) == prompt.message.reply_code else "NO"
    return _answered(case, prompt, said)


def _answered(case: Case, prompt: Prompt, answer: str | None) -> Meaning:
    if answer != "YES" or prompt.order is None:
        return Meaning(("DECLINED",), prompt, "NO")
    objection = standing_objection(case, prompt.order.provider_id, prompt.order.service_id)
    return Meaning((objection,) if objection else _YES, prompt, "YES")


def _asked_for(case: Case, policy: Policy, reply: Reply, reading: Reading) -> Meaning:
    """What a keyword leads to."""
    person = case.person
    match reading.keyword:
        case "LIST":
            return Meaning(("LISTED",), reading=reading)
        case "CANCEL":
            service_id = _numbered(case, policy, reply, reading)
            if reading.number is not None and service_id is None:
                return Meaning(("NOTHING_TO_CANCEL",), reading=reading)
            said = anything_to_close(person, service_id, case.oldest)
            reasons = ("CANCELLED", "NOTHING_TO_CANCEL")
            right = reasons if said is None else reasons[:1] if said else reasons[1:]
            return Meaning(right, reading=reading)
        case _:
            last = person.last
            undoable = (
                last is not None
                and last.left > 0
                and reply.received_at < last.charge.approved_at + policy.undo_ms
                and policy.undo_ms > 0
            )
            return Meaning(("UNDONE" if undoable else "NOTHING_TO_UNDO",), reading=reading)


def _numbered(case: Case, policy: Policy, reply: Reply, reading: Reading) -> str | None:
    """The service that a cancellation names by its number in today's list."""
    if reading.number is None:
        return None
    today = case.person.days[day_of(policy.time_zone, reply.received_at)]
    services = list(today.services)
    return services[reading.number - 1] if 1 <= reading.number <= len(services) else None


def _do_keyword(case: Case, reply: Reply, meaning: Meaning) -> None:
    """Write down what a keyword did."""
    if case.decision.reason == "CANCELLED" and case.policy is not None:
        close(case.person, _numbered(case, case.policy, reply, meaning.reading), declined=True)


def _must_reply(case: Case) -> None:
    """A list that was asked for is sent, and codes are told once to who could not be understood."""
    policy, reason = case.policy, case.decision.reason
    if policy is None:
        return
    kind = {"LISTED": "LISTING", "CANCELLED": "LISTING", "AMBIGUOUS": "CLARIFY"}.get(reason)
    spoken = {policy.default_language, *(row["language"] for row in policy.languages)}
    if kind is None or any(template_of(policy, kind, "SMS", each) is None for each in spoken):
        return
    if kind == "LISTING" or not case.person.clarified:
        case.replies.add(kind)


def _answer(case: Case, reply: Reply, prompt: Prompt, meaning: Meaning) -> None:
    """Write down that a prompt was answered."""
    case.person.open.remove(prompt)
    order = prompt.order
    service = None
    if order is not None and prompt.day is not None:
        service = case.person.days[prompt.day].service(order.service_id)
    if meaning.answer == "NO":
        prompt.declined = True
        if service is not None:
            service.declined = True
        return
    prompt.consent = reply
    stands = meaning.reasons is _YES
    if service is not None and stands and prompt.rule and prompt.rule.confirmation == DAILY:
        service.grant = prompt


def refused(case: Case, verdict: Verdict, prompt: Prompt) -> None:
    """Hold a refusal of an order that waited against the accounts, as they are now."""
    order = case.books.order(verdict.msisdn, verdict.order_id)
    if verdict.outcome != "REFUSED" or order is None or case.policy is None:
        return
    if not _is_true(case, case.policy, verdict.reason, order, prompt):
        case.note(4, f"it says {verdict.reason}, which is not so", verdict.entry)


def _is_true(case: Case, policy: Policy, reason: str, order: Order, prompt: Prompt) -> bool:
    rule, day = prompt.rule, case.person.days[prompt.day or 0]
    if rule is None:
        return True
    match reason:
        case "DECLINED":
            return prompt.declined
        case "GRANT_EXHAUSTED":
            return rule.confirmation == DAILY and not prompt.covers(order)
        case "SPEND_LIMIT":
            return over_spend(policy, day, order.currency, order.price_minor)
        case "CALL_LIMIT":
            return over_call(rule, case.person.call(order.call_id), order.price_minor)
        case "PROMPT_LIMIT":
            return day.prompts >= policy.prompts_per_day_max
        case "UNASKABLE":
            return not askable(case, policy, rule, order)
        case _:
            return standing_objection(case, order.provider_id, order.service_id) == reason
