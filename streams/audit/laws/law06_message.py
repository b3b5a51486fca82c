"""Law 6: one number, one segment.

Every message leaves from the one number, in the language of its subscriber's province; a prompt
fits one segment in its encoding, names provider, service and price, and says exactly what its
template says of them. For a voice prompt the recording gets them as variables. What is no prompt
takes no more segments than the policy allows.
"""

from collections import Counter
from collections.abc import Iterator

from streams.audit.evidence import Evidence
from streams.audit.people import VOICE
from streams.audit.records import Decision, Message, Policy
from streams.audit.report import Finding, finding
from streams.audit.segments import count
from streams.audit.texts import first_yes, language_of, price, prompt_text, template_of

NUMBER = 6
NAME = "one number, one segment"


def check(evidence: Evidence, counts: Counter[str]) -> Iterator[Finding]:
    """Every message, as sent."""
    yield from evidence.walk.found(NUMBER)
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
    if policy is not None and message.language != language_of(policy, message.province):
        yield "it is not in the language of its province"
    prompts = message.kind == "PROMPT"
    if message.channel == VOICE:
        if (message.encoding, message.segments, message.text) != ("VOICE", 0, ""):
            yield "a voice prompt has neither text nor segments"
        if not prompts:
            yield "only prompts are spoken"
    else:
        encoding, segments = count(message.text)
        if (message.encoding, message.segments) != (encoding, segments):
            yield f"it is {segments} segments of {encoding}, not what it says"
        if prompts and segments != 1:
            yield f"a prompt of {segments} segments"
        if not prompts and policy is not None and segments > policy.text_segments_max:
            yield f"{segments} segments, and the policy allows {policy.text_segments_max}"
    if prompts:
        yield from _names(evidence, message, decision)
        if policy is not None:
            yield from _as_written(evidence, policy, message, decision)


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


def _as_written(
    evidence: Evidence, policy: Policy, message: Message, decision: Decision
) -> Iterator[str]:
    """A prompt is its template filled in, with its code where a plain yes would not do."""
    standing, prompt = evidence.books.standing, evidence.walk.prompts.get(message.prompt_id or "")
    template = template_of(policy, "PROMPT", message.channel, message.language)
    if prompt is None or prompt.order is None or template is None:
        return
    coded = prompt.needs_code or (prompt.among and not prompt.by_voice)
    plain_yes = first_yes(policy, by_voice=prompt.by_voice)
    yes = (message.reply_code or "") if coded else plain_yes
    if prompt.by_voice:
        spoken = {variable["name"]: variable["value"] for variable in message.variables}
        if message.voice_prompt_id != template:
            yield "it is not the recording of its template"
        if spoken.get("yes", yes) != yes:
            yield "the key that it speaks is not the one that counts"
        return
    provider = standing.provider(prompt.order.provider_id, decision.reference)
    service = standing.service(prompt.order.service_id, decision.reference)
    if provider is None or service is None:
        return
    text = prompt_text(
        template,
        message.language,
        provider,
        service,
        prompt.order.price_minor,
        prompt.order.currency,
        message.expires_at - message.issued_at,
        yes,
    )
    if message.text != text:
        yield "its text is not its template filled in"
