"""Law 1: no charge without consent.

A charge cites a yes received within its prompt's life for the same subscriber, service and day, or
the policy version that asked for none. What was taken back, by the subscriber, by care or because
the number has another owner, is no consent any more.
"""

from collections import Counter
from collections.abc import Iterator

from streams.audit.evidence import Evidence
from streams.audit.people import Prompt
from streams.audit.records import Charge, Order, Reply
from streams.audit.report import Finding, finding

NUMBER = 1
NAME = "no charge without consent"

# SHADOW charges now and records what would have been asked.
_NOT_ASKED = ("OFF", "SHADOW")


def check(evidence: Evidence, counts: Counter[str]) -> Iterator[Finding]:
    """Every charge, every prompt's limits."""
    yield from evidence.walk.found(NUMBER)
    for charge in evidence.books.charges:
        if charge.prompt_id is None:
            counts["charges not asked for"] += 1
            faults = _not_asked(evidence, charge)
        else:
            counts["charges with consent"] += 1
            faults = _asked(evidence, charge)
        for sentence in faults:
            yield finding(NUMBER, charge.entry, sentence)
    for charge, prompt in evidence.walk.overdrawn:
        rule = prompt.rule.name if prompt.rule else ""
        sentence = f"the yes to {charge.prompt_id} does not cover so much (rule {rule})"
        yield finding(NUMBER, charge.entry, sentence)


def _not_asked(evidence: Evidence, charge: Charge) -> Iterator[str]:
    books = evidence.books
    order = books.order(charge.msisdn, charge.order_id)
    decision = books.decided.get(order.entry[:3]) if order else None
    if order is None or decision is None:
        yield "it cites no consent, and there is no order to which a policy could apply"
        return
    positions = decision.reference
    policy = books.standing.policy(charge.policy_id, charge.policy_version, positions)
    if policy is None:
        yield "it cites no consent and a policy version that does not exist"
        return
    if books.standing.policy_at(decision.event_at, positions) is not policy:
        yield "it cites no consent and a policy version that was not in force"
    rule = books.standing.first_rule(policy, order, decision.event_at, positions)
    if rule is None or rule.confirmation not in _NOT_ASKED:
        asked = f"rule {rule.name} asked for {rule.confirmation}" if rule else "no rule matches"
        yield f"it cites no consent, but {asked}"
    elif charge.confirmation != rule.confirmation:
        yield "its confirmation is not its rule's"
    if charge.reply_id is not None or charge.consented_at is not None:
        yield "it cites a reply without a prompt"


def _asked(evidence: Evidence, charge: Charge) -> Iterator[str]:
    books = evidence.books
    prompt = evidence.walk.prompts.get(charge.prompt_id or "")
    reply = books.reply(charge.msisdn, charge.reply_id)
    order = books.order(charge.msisdn, charge.order_id)
    if prompt is None:
        yield f"no message sent is its prompt {charge.prompt_id}"
        return
    yield from _same_matter(evidence, charge, prompt, order)
    if reply is None:
        yield f"no reply of this subscriber is its reply {charge.reply_id}"
        return
    yield from _heard(evidence, charge, prompt, reply)


def _same_matter(
    evidence: Evidence, charge: Charge, prompt: Prompt, order: Order | None
) -> Iterator[str]:
    """The prompt asked this subscriber about this service on this day at this price."""
    asked = prompt.order
    if prompt.message.msisdn != charge.msisdn:
        yield "its prompt went to another subscriber"
        return
    if asked is None:
        yield "its prompt asked about an order that does not exist"
        return
    if asked.service_id != charge.service_id:
        yield "its prompt asked about another service"
    if prompt.day != charge.day or (order and evidence.walk.day(order) != charge.day):
        yield "its prompt, its order and itself are not of one day"
    if prompt.rule is not None and prompt.rule.confirmation != charge.confirmation:
        yield "its confirmation is not that of its prompt's rule"
    if (asked.price_minor, asked.currency) != (charge.price_minor, charge.currency):
        yield "its prompt showed another price"


def _heard(evidence: Evidence, charge: Charge, prompt: Prompt, reply: Reply) -> Iterator[str]:
    """The reply is a yes, in time, to this prompt, and was taken before the charge."""
    if charge.consented_at != reply.received_at:
        yield "its consented_at is not its reply's received_at"
    if not prompt.alive(reply.received_at):
        yield "its reply was not received within its prompt's life"
    if not prompt.hears(reply):
        yield "its reply came neither to the number that asked nor in the call that asked"
    if prompt.consent is not reply:
        yield "its reply is not the one clear yes to its prompt"
    heard = evidence.books.decided.get(reply.entry[:3])
    charged = evidence.books.decision_of(charge)
    if heard and charged and heard.sequence > charged.sequence:
        yield "its reply was taken only after it was charged"
