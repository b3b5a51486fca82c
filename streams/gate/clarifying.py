"""A plain answer could mean several prompts: name each of them with its code, once.

While the same prompts are open it is not said again: who did not understand it the first time would
not the second, and each of the prompts has named its own code.
"""

from streams.gate.days import text_refs
from streams.gate.decision import KEEP, Changes, Remembered
from streams.gate.events import Reply
from streams.gate.facts import Facts
from streams.gate.ids import CLARIFY
from streams.gate.lists import listing_message
from streams.gate.rows import OpenPrompt, PromptRef, Seen, Subscriber
from streams.gate.texts import price_text
from streams.gate.words import MessageKind


def to_clarify(reply: Reply, known: Subscriber | None) -> tuple[PromptRef, ...]:
    """The prompts that an ambiguous text could mean; none when they were named before."""
    if known is None or known.clarified:
        return ()
    alive = (ref for ref in text_refs(known) if is_alive(ref, reply.received_at))
    return tuple(alive)


def is_alive(ref: PromptRef, at: int) -> bool:
    """Whether a prompt can be answered at an instant: at its end its life is over."""
    return ref.issued_at <= at < ref.expires_at


def clarify(remembered: Remembered, reply: Reply, facts: Facts, seen: Seen) -> Changes:
    """Name the prompts that an ambiguous text could mean, if that was not done before."""
    policy, known = facts.policy, remembered.subscriber
    assert policy is not None, "a text is read under a policy only"
    refs = to_clarify(reply, known)
    if known is None or not refs:
        return Changes(seen, KEEP, KEEP, (), ())
    language = policy.language(known.province)
    lines = []
    for ref in refs:
        name = facts.catalogue.service_name(ref.service_id, language)
        prompt = _prompt(remembered, ref)
        price = price_text(prompt.price_minor, prompt.currency, language)
        # The name may end in a digit, and the price begins with one.
        lines.append(f"{ref.code} {name} {price}")
    messages = listing_message(
        facts, policy, reply, known.province, MessageKind.CLARIFY, CLARIFY, lines, {}
    )
    after = known._replace(clarified=True) if messages else KEEP
    return Changes(seen, KEEP, after, messages, ())


def _prompt(remembered: Remembered, ref: PromptRef) -> OpenPrompt:
    """The prompt that a reference leads to."""
    return next(
        prompt
        for day, service_id, row in remembered.others
        if row is not None and (day, service_id) == (ref.day, ref.service_id)
        for prompt in row.prompts
        if prompt.prompt_id == ref.prompt_id
    )
