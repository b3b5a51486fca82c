"""Law 5: silence is no. So is anything that is not a clear yes; a clear yes in time is none.

A prompt without a clear yes in time has no charge, and the orders that waited on it are refused.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator

from streams.audit.evidence import Evidence
from streams.audit.records import Charge
from streams.audit.report import Finding, finding

NUMBER = 5
NAME = "silence is no"


def check(evidence: Evidence, counts: Counter[str]) -> Iterator[Finding]:
    """Every prompt that no clear yes answered."""
    books, walk = evidence
    yield from walk.found(NUMBER)
    citing: dict[str, list[Charge]] = defaultdict(list)
    for charge in books.charges:
        if charge.prompt_id is not None:
            citing[charge.prompt_id].append(charge)
    for decision in walk.unheard:
        yield finding(NUMBER, decision.entry, "it passes over a clear yes to the one open prompt")
    for prompt_id, prompt in walk.prompts.items():
        if prompt.consent is not None:
            continue
        counts["prompts without a yes"] += 1
        for charge in citing.get(prompt_id, ()):
            said = "declined" if prompt.declined else "never clearly confirmed"
            yield finding(NUMBER, charge.entry, f"its prompt {prompt_id} was {said}")
        for order in prompt.waiting:
            counts["orders refused for it"] += 1
            for verdict in books.verdicts_of.get((order.msisdn, order.order_id), ()):
                if verdict.outcome != "REFUSED":
                    sentence = f"it does not refuse, though {prompt_id} got no clear yes"
                    yield finding(NUMBER, verdict.entry, sentence)
