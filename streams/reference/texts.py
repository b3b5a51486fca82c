"""Which texts a policy needs for what it promises, and that each says what its kind must.

The gate sends nothing where a text is missing, so that a charge never waits for a template. An
author who asks for receipts means them, so here what is missing is a fault.
"""

from collections.abc import Iterator

from streams.gate.policy_faults import ASKING, lines_asked
from streams.gate.texts import placeholders
from streams.gate.words import Channel, Keyword, MessageKind
from streams.reference.records import policy_record
from streams.reference.sections import Placed, Sections
from streams.reference.shapes import PolicyEntry
from streams.reference.templates import spoken, template_fault


def check_texts(sections: Sections, placed: Placed[PolicyEntry]) -> None:
    """Each template is the only one of its kind, readable and complete, and none is missing."""
    place, policy = placed
    written: set[tuple[MessageKind, Channel, str]] = set()
    for index, template in enumerate(policy.templates):
        at = (*place, "templates", index)
        key = (template.kind, template.channel, template.language)
        if key in written:
            what = f"there is already a {' '.join(key)} template"
            sections.problem(at, what, "keep one of them")
        written.add(key)
        if template.channel is Channel.MMS:
            sections.problem(at, "MMS orders are confirmed by SMS", "use channel: SMS")
        elif template.kind is not MessageKind.PROMPT and template.channel is not Channel.SMS:
            what = f"a {template.kind} is never spoken"
            sections.problem(at, what, "use channel: SMS")
        elif fault := template_fault(template.kind, template.channel, template.text):
            what = f"the {template.language} {_named(template.kind)} {fault[0]}"
            sections.problem((*at, "text"), what, fault[1])
    for kind, channel, why in _needed(policy):
        for language in spoken(policy_record(policy)):
            if (kind, channel, language) in written:
                continue
            of_kind = "" if kind is MessageKind.PROMPT else f"{kind} "
            said = f"kind: {kind}, " if of_kind else ""
            missing = f"no {of_kind}{channel} template in {language}{why}"
            remedy = f"add one with {said}channel: {channel} and language: {language}"
            at = (*place, "templates")
            sections.problem(at, f"policy {policy.policy_id} has {missing}", remedy)
    _check_undo(sections, placed)


def _needed(policy: PolicyEntry) -> Iterator[tuple[MessageKind, Channel, str]]:
    """The kinds of messages that the policy can send, and why it can."""
    yield MessageKind.PROMPT, Channel.SMS, ""
    if Channel.IVR in lines_asked(policy_record(policy)):
        yield MessageKind.PROMPT, Channel.IVR, ""
    if any(rule.confirmation in ASKING for rule in policy.rules):
        yield MessageKind.CLARIFY, Channel.SMS, ", for a yes that could mean several prompts"
    if giving := next((rule for rule in policy.rules if rule.receipt), None):
        yield MessageKind.RECEIPT, Channel.SMS, f", but rule {giving.name} gives receipts"
    if policy.spend_limits:
        yield MessageKind.NOTICE, Channel.SMS, ", to say that half of a spend limit is reached"
    if any(listed.keyword is Keyword.LIST for listed in policy.keywords):
        yield MessageKind.LISTING, Channel.SMS, ", but it has the keyword LIST"


def _check_undo(sections: Sections, placed: Placed[PolicyEntry]) -> None:
    """What a text tells subscribers to send is something that the policy hears."""
    place, policy = placed
    keywords = {listed.keyword for listed in policy.keywords}
    at_keywords = (*place, "keywords")
    if policy.undo and Keyword.UNDO not in keywords:
        what = f"policy {policy.policy_id} lets subscribers undo a charge, but has no word for it"
        sections.problem((*place, "undo"), what, "add {keyword: UNDO, words: [...]} to keywords")
    if not policy.undo and Keyword.UNDO in keywords:
        what = f"policy {policy.policy_id} has the keyword UNDO, but nothing can ever be undone"
        sections.problem(at_keywords, what, "add undo, for example 30m, or remove the keyword")
    heard = {
        "undo": Keyword.UNDO in keywords,
        "undo_minutes": bool(policy.undo),
        "cancel": Keyword.CANCEL in keywords,
    }
    for index, template in enumerate(policy.templates):
        for name in placeholders(template.text):
            if not heard.get(name, True):
                what = f"the {template.language} {_named(template.kind)} names {name}"
                missing = "undo" if name == "undo_minutes" else f"the keyword {name.upper()}"
                remedy = f"add {missing} to the policy, or take it out of the text"
                sections.problem((*place, "templates", index, "text"), what, remedy)


def _named(kind: MessageKind) -> str:
    return "template" if kind is MessageKind.PROMPT else f"{kind} template"
