"""Law 7: voice confirms first.

An IVR order is charged only after a key press in the same call, or when no confirmation is in
force; a grant never covers another call. No call brings more than its ceiling.
"""

from collections import Counter
from collections.abc import Iterator

from streams.audit.evidence import Evidence
from streams.audit.people import VOICE
from streams.audit.records import Charge
from streams.audit.report import Finding, finding

NUMBER = 7
NAME = "voice confirms first"


def check(evidence: Evidence, counts: Counter[str]) -> Iterator[Finding]:
    """Every charge of a voice service."""
    yield from evidence.walk.found(NUMBER)
    for charge in evidence.books.charges:
        if charge.channel == VOICE:
            counts["voice charges"] += 1
            for sentence in _faults(evidence, charge):
                yield finding(NUMBER, charge.entry, sentence)


def _faults(evidence: Evidence, charge: Charge) -> Iterator[str]:
    books = evidence.books
    order = books.order(charge.msisdn, charge.order_id)
    if charge.confirmation == "FIRST_OF_DAY":
        yield "a yes of the day covers no call"
    if charge.prompt_id is None:
        rule = evidence.walk.rules.get((charge.msisdn, charge.order_id))
        if rule is None or rule.confirmation not in ("OFF", "SHADOW"):
            yield "no key was pressed, and confirmation was in force"
        return
    if order is None or order.call_id is None:
        yield "its order names no call"
        return
    prompt = evidence.walk.prompts.get(charge.prompt_id)
    reply = books.reply(charge.msisdn, charge.reply_id)
    if prompt is None or prompt.message.call_id != order.call_id:
        yield "its prompt was not spoken in its call"
    if reply is None or reply.channel != VOICE or reply.call_id != order.call_id:
        yield "no key was pressed in its call"
