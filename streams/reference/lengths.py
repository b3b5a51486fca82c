"""Whether the texts of a policy fit: a prompt one segment, any other message as many as it may.

Each text is written with every service that is sold, as the subscriber would get it: a prompt also
with a reply code in place of the word for yes, a list with one item.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from streams.gate.policy import PolicyInForce
from streams.gate.policy_faults import ASKING
from streams.gate.prompts import in_language, with_code, write_prompt
from streams.gate.reference import Policy, Provider, Service
from streams.gate.segments import (
    GSM_DEFAULT,
    GSM_EXTENSION,
    SEPTETS_ALONE,
    SEPTETS_EACH,
    UNITS_ALONE,
    UNITS_EACH,
    measure,
)
from streams.gate.texts import fill, minutes_text, price_text
from streams.gate.words import (
    Answer,
    Channel,
    Confirmation,
    Encoding,
    Keyword,
    MessageKind,
    ServiceStatus,
)
from streams.reference.templates import template_fault

# What a day may come to, for texts that name it; a limit that is higher is named instead.
_SPENT_MINOR = 99_999_99
_CODE = "888"  # every code is as long
# One line of a list at its longest, and the mark that there are more (see streams.gate.lists).
_ITEM = {
    "zh": "99.{name} 999次{spent}（已确认）；…",
    "en": "99.{name} 999x {spent} (confirmed); ...",
}


class TooLong(NamedTuple):
    """The longest message of a kind in one language, where it does not fit."""

    kind: MessageKind
    service: Service | None  # whose names make it so long
    what: str
    remedy: str

    def what_of(self, policy_id: str) -> str:
        """The same, told where the policy does not show from the place."""
        return f"{_named(self.kind)} of policy {policy_id} {self.what}"

    @property
    def sentence(self) -> str:
        """What is wrong, told at the template."""
        return f"{_named(self.kind)} {self.what}"


def too_long(
    policy: Policy, providers: dict[str, Provider], services: Iterable[Service], language: str
) -> Iterator[TooLong]:
    """For each kind of message the longest one that does not fit, in one language."""
    # The zone has no part in a text, and a wrong one must not hide a text that is too long.
    in_force = PolicyInForce(policy._replace(time_zone="UTC"))
    sold = [
        (providers[service.provider_id], service)
        for service in services
        if service.provider_id in providers and service.status is not ServiceStatus.WITHDRAWN
    ]
    for kind in MessageKind:
        if not _can_be_measured(policy, kind, language):
            continue
        segments_max = 1 if kind is MessageKind.PROMPT else policy.text_segments_max
        worst: tuple[int, str, Service | None] | None = None
        for service, text in _texts(in_force, kind, language, sold):
            size = _size(text)
            if measure(text)[1] > segments_max and (worst is None or size > worst[0]):
                worst = (size, text, service)
        if worst:
            yield _fault(kind, language, segments_max, *worst)


def _can_be_measured(policy: Policy, kind: MessageKind, language: str) -> bool:
    """Whether the policy has what such a message is made of."""
    has_template = any(
        (template.kind, template.channel, template.language) == (kind, Channel.SMS, language)
        and template_fault(kind, template.channel, template.text) is None
        for template in policy.templates
    )
    has_yes = any(
        words.answer is Answer.YES and words.channel is not Channel.IVR and words.words
        for words in policy.reply_words
    )
    return has_template and has_yes


def _texts(
    policy: PolicyInForce,
    kind: MessageKind,
    language: str,
    sold: Iterable[tuple[Provider, Service]],
) -> Iterator[tuple[Service | None, str]]:
    """Every text of that kind, and the service that it names."""
    if kind is MessageKind.NOTICE:
        for limit in policy.record.spend_limits:
            most = price_text(limit.per_day_max_minor, limit.currency, language)
            yield None, _filled(policy, kind, language, {"spent": most, "limit": most})
        return
    for provider, service in sold:
        if kind is not MessageKind.PROMPT:
            values = _values(policy, language, provider, service)
            yield service, _filled(policy, kind, language, values)
        elif service.line is not Channel.IVR:
            prompt = write_prompt(
                policy,
                Channel.SMS,
                language,
                provider,
                service,
                service.price_minor,
                service.currency,
                _wordiest_life(policy.record),
            )
            yield service, prompt.text
            yield service, with_code(prompt, _CODE).text


def _filled(policy: PolicyInForce, kind: MessageKind, language: str, values: dict[str, str]) -> str:
    return fill(policy.template(kind, Channel.SMS, language).text, values)


def _values(
    policy: PolicyInForce, language: str, provider: Provider, service: Service
) -> dict[str, str]:
    """What a receipt, a list or a clarification may say, at its longest."""
    limit_minor = policy.spend_limit(service.currency) or 0
    name = in_language(service.name, language)
    price = price_text(service.price_minor, service.currency, language)
    spent = price_text(max(_SPENT_MINOR, limit_minor), service.currency, language)
    return {
        "provider": in_language(provider.name, language),
        "service": name,
        "price": price,
        "spent": spent,
        "undo": policy.keyword_word(Keyword.UNDO),
        "undo_minutes": minutes_text(policy.record.undo_ms),
        "items": _ITEM[language].format(name=name, spent=spent),
        "cancel": policy.keyword_word(Keyword.CANCEL),
    }


def _wordiest_life(policy: Policy) -> int:
    asking = (*ASKING, Confirmation.SHADOW)
    lives = [rule.prompt_life_ms for rule in policy.rules if rule.confirmation in asking]
    return max(lives, key=lambda life_ms: len(minutes_text(life_ms)), default=0)


def _size(text: str) -> int:
    """Septets of a GSM 7-bit text, units of any other."""
    if measure(text)[0] is Encoding.GSM7:
        return sum(2 if character in GSM_EXTENSION else 1 for character in text)
    return len(text.encode("utf-16-be")) // 2


def _fault(
    kind: MessageKind,
    language: str,
    segments_max: int,
    size: int,
    text: str,
    service: Service | None,
) -> TooLong:
    alone, each, why = SEPTETS_ALONE, SEPTETS_EACH, ""
    if measure(text)[0] is not Encoding.GSM7:
        alone, each = UNITS_ALONE, UNITS_EACH
        if language == "en":
            # One typographic quote among plain letters more than halves the room.
            odd = next(each for each in text if each not in GSM_DEFAULT + GSM_EXTENSION)
            why = f" (because {odd} is not in the GSM alphabet)"
    limit = alone if segments_max == 1 else each * segments_max
    room = "one SMS" if segments_max == 1 else f"text_segments_max: {segments_max}"
    named = f" with service {service.service_id}" if service else ""
    what = f"takes {size} characters{named}, {limit} fit {room}{why}"
    return TooLong(kind, service, what, "shorten the template or the names")


def _named(kind: MessageKind) -> str:
    return "prompt" if kind is MessageKind.PROMPT else f"{kind} text"
