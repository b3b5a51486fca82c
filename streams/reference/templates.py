"""Message templates: what an author may write.

Deciding fills a template by plain substitution. An author's editor and Jinja2 must see the same
thing, so a template is also read by Jinja2's sandbox, and only what both read alike is taken.
"""

import re

from jinja2 import StrictUndefined, TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from streams.gate.reference import Policy
from streams.gate.texts import PROMPT_NAMES, VARIABLES, fill, syntax_fault
from streams.gate.words import Channel, MessageKind
from streams.reference.problems import choose_from
from streams.reference.source import Place

# What each kind must name: a prompt what law 6 says and how to answer, the others their purpose.
NEEDED: dict[MessageKind, tuple[str, ...]] = {
    MessageKind.PROMPT: (*PROMPT_NAMES, "yes"),
    MessageKind.CLARIFY: ("items",),
    MessageKind.RECEIPT: ("provider", "service", "price"),
    MessageKind.LISTING: ("items",),
    MessageKind.NOTICE: ("spent", "limit"),
}

_SANDBOX = ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True)
_VOICE_PROMPT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")

Fault = tuple[str, str]  # what is wrong, and what to do


def template_fault(kind: MessageKind, channel: Channel, text: str) -> Fault | None:
    """What is wrong with the text of a template, its length aside."""
    if channel is Channel.IVR:
        if _VOICE_PROMPT_ID.fullmatch(text):
            return None
        return "is not a voice prompt's id", "write the id of the recording"
    return _syntax(kind, text) or _names(kind, text)


def render_in_sandbox(text: str, values: dict[str, str]) -> str:
    """The template as Jinja2 fills it."""
    return _SANDBOX.from_string(text).render(values)


def spoken(policy: Policy) -> list[str]:
    """The policy's languages, the default one first."""
    named = (policy.default_language, *(each.language for each in policy.languages))
    return list(dict.fromkeys(named))


def template_place(place: Place, policy: Policy, kind: MessageKind, language: str) -> Place:
    """Where a policy's text of that kind by SMS stands in its file."""
    index = next(
        index
        for index, template in enumerate(policy.templates)
        if (template.kind, template.channel, template.language) == (kind, Channel.SMS, language)
    )
    return (*place, "templates", index, "text")


def _syntax(kind: MessageKind, text: str) -> Fault | None:
    remedy = "use nothing but text and {{ name }}"
    known = VARIABLES[kind]
    try:
        body = _SANDBOX.parse(text).body
    except TemplateSyntaxError as error:
        return f"is no template ({error.message})", remedy
    parts = [part for node in body for part in _parts(node)]
    if not all(isinstance(part, nodes.TemplateData | nodes.Name) for part in parts):
        return "does more than name values", remedy
    unknown = [
        part.name for part in parts if isinstance(part, nodes.Name) and part.name not in known
    ]
    if unknown:
        return f"names {unknown[0]}, which is no value of a {kind.lower()}", choose_from(
            unknown[0], known
        )
    sample = _sample(kind)
    if syntax_fault(text) or render_in_sandbox(text, sample) != fill(text, sample):
        # Comments, whitespace control, carriage returns: Jinja2 drops what substitution keeps.
        return "would be filled differently by Jinja2", remedy
    return None


def _parts(node: nodes.Node) -> list[nodes.Node]:
    return list(node.nodes) if isinstance(node, nodes.Output) else [node]


def _names(kind: MessageKind, text: str) -> Fault | None:
    filled = fill(text, _sample(kind))
    missing = [name for name in NEEDED[kind] if f"<{name}>" not in filled]
    if not missing:
        return None
    shown = ", ".join(f"{{{{ {name} }}}}" for name in missing)
    return f"does not say {', '.join(missing)}", f"a {kind.lower()} names all of them: add {shown}"


def _sample(kind: MessageKind) -> dict[str, str]:
    return {name: f"<{name}>" for name in VARIABLES[kind]}
