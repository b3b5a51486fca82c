"""Message templates: what an author may write, and whether every prompt fits one segment.

Deciding fills a template by plain substitution. An author's editor and Jinja2 must see the same
thing, so a template is also read by Jinja2's sandbox, and only what both read alike is taken.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from jinja2 import StrictUndefined, TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from streams.gate.policy import PolicyInForce
from streams.gate.prompts import Prompt, write_prompt
from streams.gate.reference import Policy, Provider, Service
from streams.gate.segments import (
    GSM_DEFAULT,
    GSM_EXTENSION,
    SEPTETS_ALONE,
    UNITS_ALONE,
)
from streams.gate.texts import PROMPT_NAMES, VARIABLES, fill, minutes_text, syntax_fault
from streams.gate.words import Answer, Channel, Encoding, MessageKind, ServiceStatus
from streams.reference.policies import ASKING
from streams.reference.problems import choose_from

# Law 6, and how to answer it.
NEEDED = (*PROMPT_NAMES, "yes")

_SANDBOX = ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True)
_SAMPLE = {name: f"<{name}>" for name in VARIABLES}
_VOICE_PROMPT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")

Fault = tuple[str, str]  # what is wrong, and what to do


class TooLong(NamedTuple):
    """The longest prompt in one language, where it does not fit one segment."""

    service: Service
    what: str
    remedy: str


def template_fault(channel: Channel, text: str) -> Fault | None:
    """What is wrong with the text of a prompt's template, its length aside."""
    if channel is Channel.IVR:
        if _VOICE_PROMPT_ID.fullmatch(text):
            return None
        return "is not a voice prompt's id", "write the id of the recording"
    return _syntax(text) or _names(text)


def render_in_sandbox(text: str, values: dict[str, str]) -> str:
    """The template as Jinja2 fills it."""
    return _SANDBOX.from_string(text).render(values)


def length_fault(
    policy: Policy, providers: dict[str, Provider], services: Iterable[Service], language: str
) -> TooLong | None:
    """The longest prompt in one language that does not fit one segment, if any does not."""
    # The zone has no part in a text, and a wrong one must not hide a text that is too long.
    in_force = PolicyInForce(policy._replace(time_zone="UTC"))
    life_ms = _wordiest_life(policy)
    worst: tuple[int, Prompt, Service] | None = None
    for service in services:
        provider = providers.get(service.provider_id)
        if provider is None or service.line is Channel.IVR:
            continue
        if service.status is ServiceStatus.WITHDRAWN:
            continue
        prompt = write_prompt(
            in_force,
            Channel.SMS,
            language,
            provider,
            service,
            service.price_minor,
            service.currency,
            life_ms,
        )
        size = _size(prompt)
        if prompt.segments > 1 and (worst is None or size > worst[0]):
            worst = (size, prompt, service)
    return _too_long(*worst) if worst else None


def can_be_measured(policy: Policy, language: str) -> bool:
    """Whether the policy has what a prompt in that language is made of."""
    has_template = any(
        (template.kind, template.channel, template.language)
        == (MessageKind.PROMPT, Channel.SMS, language)
        and template_fault(template.channel, template.text) is None
        for template in policy.templates
    )
    has_yes = any(
        words.answer is Answer.YES and words.channel is not Channel.IVR and words.words
        for words in policy.reply_words
    )
    return has_template and has_yes


def spoken(policy: Policy) -> list[str]:
    """The policy's languages, the default one first."""
    named = (policy.default_language, *(each.language for each in policy.languages))
    return list(dict.fromkeys(named))


def _syntax(text: str) -> Fault | None:
    remedy = "use nothing but text and {{ name }}"
    try:
        body = _SANDBOX.parse(text).body
    except TemplateSyntaxError as error:
        return f"is no template ({error.message})", remedy
    parts = [part for node in body for part in _parts(node)]
    if not all(isinstance(part, nodes.TemplateData | nodes.Name) for part in parts):
        return "does more than name values", remedy
    unknown = [
        part.name for part in parts if isinstance(part, nodes.Name) and part.name not in VARIABLES
    ]
    if unknown:
        return f"names {unknown[0]}, which is no value", choose_from(unknown[0], VARIABLES)
    if syntax_fault(text) or render_in_sandbox(text, _SAMPLE) != fill(text, _SAMPLE):
        # Comments, whitespace control, carriage returns: Jinja2 drops what substitution keeps.
        return "would be filled differently by Jinja2", remedy
    return None


def _parts(node: nodes.Node) -> list[nodes.Node]:
    return list(node.nodes) if isinstance(node, nodes.Output) else [node]


def _names(text: str) -> Fault | None:
    missing = [name for name in NEEDED if f"<{name}>" not in fill(text, _SAMPLE)]
    if not missing:
        return None
    shown = ", ".join(f"{{{{ {name} }}}}" for name in missing)
    return f"does not say {', '.join(missing)}", f"a prompt names all of them: add {shown}"


def _wordiest_life(policy: Policy) -> int:
    lives = [rule.prompt_life_ms for rule in policy.rules if rule.confirmation in ASKING]
    return max(lives, key=lambda life_ms: len(minutes_text(life_ms)), default=0)


def _size(prompt: Prompt) -> int:
    """Septets of a GSM 7-bit text, units of any other."""
    if prompt.encoding is Encoding.GSM7:
        return sum(2 if character in GSM_EXTENSION else 1 for character in prompt.text)
    return len(prompt.text.encode("utf-16-be")) // 2


def _too_long(size: int, prompt: Prompt, service: Service) -> TooLong:
    limit, why = SEPTETS_ALONE, ""
    if prompt.encoding is not Encoding.GSM7:
        limit = UNITS_ALONE
    if prompt.encoding is not Encoding.GSM7 and prompt.language == "en":
        # One typographic quote among plain letters more than halves the room.
        odd = next(each for each in prompt.text if each not in GSM_DEFAULT + GSM_EXTENSION)
        why = f" (because {odd} is not in the GSM alphabet)"
    what = f"takes {size} characters with service {service.service_id}, {limit} fit one SMS{why}"
    return TooLong(service, what, "shorten the template or the names")
