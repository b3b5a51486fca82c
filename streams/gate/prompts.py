"""What a subscriber is asked, in words: the prompt of one service at one price.

Text prompts go out as SMS, for MMS services too, because a yes must be possible from any handset;
voice prompts are a recording's name and what it is to speak (law 6: one number, one segment).
"""

import re
from typing import NamedTuple

from streams.gate.effects import Variable
from streams.gate.policy import PolicyInForce
from streams.gate.reference import Names, Provider, Service
from streams.gate.segments import measure
from streams.gate.texts import fill, minutes_text, price_text
from streams.gate.words import Answer, Channel, Encoding, MessageKind


def prompt_channel(order_channel: Channel) -> Channel:
    """The channel on which an order is asked about: voice in its call, all else as SMS."""
    return Channel.IVR if order_channel is Channel.IVR else Channel.SMS


_YES = re.compile(r"\{\{\s*yes\s*\}\}")
_ANY_CODE = "000"  # every reply code is as long, and takes the same septets


class Prompt(NamedTuple):
    """A prompt's words, the same for every subscriber who is asked this."""

    channel: Channel  # on which it goes out: SMS or IVR
    text: str  # empty for a voice prompt
    voice_prompt_id: str | None
    variables: tuple[Variable, ...]
    language: str
    encoding: Encoding
    segments: int
    around_code: tuple[str, ...]  # the text in the pieces between which a reply code stands
    encoding_coded: Encoding  # with a code in place of the policy's yes
    segments_coded: int


def write_prompt(
    policy: PolicyInForce,
    channel: Channel,
    language: str,
    provider: Provider,
    service: Service,
    price_minor: int,
    currency: str,
    life_ms: int,
) -> Prompt:
    """The prompt for a service at the price that the subscriber was told, on SMS or IVR."""
    template = policy.template(MessageKind.PROMPT, channel, language).text
    yes = policy.word(Answer.YES, channel)
    values = {
        "provider": in_language(provider.name, language),
        "service": in_language(service.name, language),
        "price": price_text(price_minor, currency, language),
        "minutes": minutes_text(life_ms),
        "yes": yes,
    }
    if channel is Channel.IVR:
        spoken = tuple(Variable(name, value) for name, value in values.items())
        voice = Encoding.VOICE
        return Prompt(channel, "", template, spoken, language, voice, 0, (), voice, 0)
    pieces = tuple(fill(piece, values) for piece in _YES.split(template))
    text = yes.join(pieces)
    plain, coded = measure(text), measure(_ANY_CODE.join(pieces))
    return Prompt(channel, text, None, (), language, *plain, pieces, *coded)


def with_code(prompt: Prompt, code: str) -> Prompt:
    """A prompt that asks for its own code, by text or as a digit to press, in place of a yes."""
    spoken = tuple(
        Variable(each.name, code) if each.name == "yes" else each for each in prompt.variables
    )
    return prompt._replace(
        text=code.join(prompt.around_code),
        variables=spoken,
        encoding=prompt.encoding_coded,
        segments=prompt.segments_coded,
    )


def in_language(names: Names, language: str) -> str:
    """A provider's or service's name as subscribers of that language know it."""
    return names.zh if language == "zh" else names.en
