"""Law 3: once a day is enough.

After a yes, an order of the same service on the same day is charged without a second prompt while
it is within the grant, unless the policy asks on every order.
"""

from collections import Counter
from collections.abc import Iterator

from streams.audit.evidence import Evidence
from streams.audit.report import Finding, finding
from streams.topics import MESSAGES

NUMBER = 3
NAME = "once a day is enough"


def check(evidence: Evidence, counts: Counter[str]) -> Iterator[Finding]:
    """Every order that was asked about, or had to wait, although a grant covered it."""
    books, walk = evidence
    counts["prompts sent"] += len(walk.prompts)
    counts["grants given"] += sum(
        1
        for prompt in walk.prompts.values()
        if prompt.consent and prompt.rule and prompt.rule.confirmation == "FIRST_OF_DAY"
    )
    messages = {message.message_id: message for message in books.messages}
    for decision in walk.needless:
        sent = [effect.id for effect in decision.effects if effect.topic == MESSAGES]
        message = messages.get(sent[0]) if sent else None
        if message is not None:
            yield finding(NUMBER, message.entry, "it asks again what a yes of the day covers")
        else:
            sentence = f"order {decision.order_id} waits although a yes of the day covers it"
            yield finding(NUMBER, decision.entry, sentence)
