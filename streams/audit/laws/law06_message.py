"""Law 6: one number, one segment.

Every message leaves from the one number; a prompt fits one segment in its encoding and names
provider, service and price. For a voice prompt the recording gets them as variables.
"""

from collections import Counter
from collections.abc import Iterator

from streams.audit.evidence import Evidence
from streams.audit.records import Decision, Message
from streams.audit.report import Finding, finding
from streams.audit.segments import count
from streams.audit.walk import VOICE

NUMBER = 6
NAME = "one number, one segment"

# ISO 4217: decimals of a currency where they are not two.
_DECIMALS = {
    **dict.fromkeys(("CLP", "ISK", "JPY", "KRW", "PYG", "UGX", "VND", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BIF", "DJF", "GNF", "KMF", "RWF", "UYI", "VUV"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}


def check(evidence: Evidence, counts: Counter[str]) -> Iterator[Finding]:
    """Every message, as sent."""
    for message in evidence.books.messages:
        counts["messages"] += 1
        decision = evidence.books.decision_of(message)
        if decision is not None:
            for sentence in _faults(evidence, message, decision):
                yield finding(NUMBER, message.entry, sentence)


def _faults(evidence: Evidence, message: Message, decision: Decision) -> Iterator[str]:
    policy = evidence.books.standing.policy_at(decision.event_at, decision.reference)
    if policy is None or message.sender != policy.sender:
        yield "it does not leave from the one number"
    if message.channel == VOICE:
        if (message.encoding, message.segments, message.text) != ("VOICE", 0, ""):
            yield "a voice prompt has neither text nor segments"
    else:
        encoding, segments = count(message.text)
        if (message.encoding, message.segments) != (encoding, segments):
            yield f"it is {segments} segments of {encoding}, not what it says"
        if message.kind == "PROMPT" and segments != 1:
            yield f"a prompt of {segments} segments"
    if message.kind == "PROMPT":
        yield from _names(evidence, message, decision)


def _names(evidence: Evidence, message: Message, decision: Decision) -> Iterator[str]:
    """A prompt names whom the money goes to, for what, and how much."""
    books = evidence.books
    order = books.order(message.msisdn, message.order_id)
    if order is None:
        yield "it asks about an order that does not exist"
        return
    # A prompt that follows another one shows the names of the day it is sent, as any prompt does.
    provider = books.standing.provider(order.provider_id, decision.reference)
    service = books.standing.service(order.service_id, decision.reference)
    said = [message.text, *(variable["value"] for variable in message.variables)]
    names = {
        "its provider": provider.name.get(message.language) if provider else None,
        "its service": service.name.get(message.language) if service else None,
        "its price": price(order.price_minor, order.currency),
    }
    for what, name in names.items():
        if name is None or not any(name in text for text in said):
            yield f"it does not name {what}"


def price(minor: int, currency: str) -> str:
    """An amount as a person reads it, without its currency."""
    decimals = _DECIMALS.get(currency, 2)
    whole, rest = divmod(minor, 10**decimals)
    return f"{whole}.{rest:0{decimals}d}" if decimals else str(whole)
