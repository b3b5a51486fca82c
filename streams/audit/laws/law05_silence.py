"""Law 5: silence is no. So is anything that is not a clear yes; a clear yes in time is none.

A prompt without a clear yes in time has no charge, and the orders that waited on it are refused.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator

from streams.audit.evidence import Evidence
from streams.audit.records import Charge
from streams.audit.report import Finding, finding
from streams.topics import ORDERS

NUMBER = 5
NAME = "silence is no"


def check(evidence: Evidence, counts: Counter[str]) -> Iterator[Finding]:
    """Every prompt that no clear yes answered."""
    books, walk = evidence
    citing: dict[str, list[Charge]] = defaultdict(list)
    for charge in books.charges:
        if charge.prompt_id is not None:
            citing[charge.prompt_id].append(charge)
    for decision in walk.unheard:
        yield finding(NUMBER, decision.entry, "it passes over a clear yes to the one open prompt")
    waiting = _waiting(evidence)
    for prompt_id, prompt in walk.prompts.items():
        if prompt.consent is not None:
            continue
        counts["prompts without a yes"] += 1
        for charge in citing.get(prompt_id, ()):
            said = "declined" if prompt.declined else "never clearly confirmed"
            yield finding(NUMBER, charge.entry, f"its prompt {prompt_id} was {said}")
        for order_id in waiting.get(prompt_id, ()):
            counts["orders refused for it"] += 1
            for verdict in books.verdicts_of.get((prompt.message.msisdn, order_id), ()):
                if verdict.outcome != "REFUSED":
                    sentence = f"it does not refuse, though {prompt_id} got no clear yes"
                    yield finding(NUMBER, verdict.entry, sentence)


def _waiting(evidence: Evidence) -> dict[str, list[str]]:
    """The orders that wait on each prompt: the one it asks about, and those that joined it."""
    waiting: dict[str, list[str]] = defaultdict(list)
    for prompt_id, prompt in evidence.walk.prompts.items():
        if prompt.message.order_id is not None:
            waiting[prompt_id].append(prompt.message.order_id)
    for decision in evidence.books.all_decisions():
        if decision.topic == ORDERS and decision.reason == "WAITING":
            waiting[decision.prompt_id or ""].append(decision.order_id or "")
    return waiting
