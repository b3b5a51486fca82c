"""A message that lists something: as many of its lines as the policy's segments hold.

Goes out as SMS, to whoever sent the reply, in the language of the subscriber's province; where the
policy has no words for it, nothing is sent.
"""

from collections.abc import Mapping, Sequence

from streams.gate.effects import Message
from streams.gate.events import Reply
from streams.gate.facts import Facts
from streams.gate.ids import event_base
from streams.gate.policy import PolicyInForce
from streams.gate.segments import measure
from streams.gate.texts import fill
from streams.gate.words import Channel, MessageKind

# Between two lines of a list, and in place of those that do not fit. An ellipsis sign is not in the
# alphabet of 7 bits and would take an English text more than half of its room.
_BETWEEN = {"zh": "；", "en": "; "}
_CUT = {"zh": "…", "en": "..."}


def listing_message(
    facts: Facts,
    policy: PolicyInForce,
    reply: Reply,
    province: str,
    kind: MessageKind,
    letter: str,
    lines: Sequence[str],
    values: Mapping[str, str],
) -> tuple[Message, ...]:
    """The message that answers a reply with these lines in place of `items`; none without words."""
    language = policy.language(province)
    if not policy.can_tell(kind, language):
        return ()
    template = policy.template(kind, Channel.SMS, language).text
    text = _fitting(template, language, lines, values, policy.record.text_segments_max)
    encoding, segments = measure(text)
    message = Message(
        letter + event_base(reply),
        reply.msisdn,
        province,
        kind,
        Channel.SMS,
        policy.sender,
        text,
        None,  # voice_prompt_id
        (),
        language,
        encoding,
        segments,
        None,  # order_id
        None,  # prompt_id
        None,  # charge_id
        None,  # call_id
        None,  # provider_id
        policy.template_version,
        None,  # reply_code
        facts.at,
        facts.at + policy.record.message_life_ms,
    )
    return (message,)


def _fitting(
    template: str,
    language: str,
    lines: Sequence[str],
    values: Mapping[str, str],
    segments_max: int,
) -> str:
    """The text with all lines, or with the first of them, as many as fit."""
    between, cut = _BETWEEN[language], _CUT[language]
    text = fill(template, {**values, "items": between.join(lines)})
    if measure(text)[1] <= segments_max:
        return text
    text = fill(template, {**values, "items": cut})
    for count in range(1, len(lines)):
        longer = fill(template, {**values, "items": between.join((*lines[:count], cut))})
        if measure(longer)[1] > segments_max:
            break
        text = longer
    return text
