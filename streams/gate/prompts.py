"""What a subscriber is asked, in words: the prompt of one service at one price.

Text prompts go out as SMS, for MMS services too, because a yes must be possible from any handset;
voice prompts are a recording's name and what it is to speak (law 6: one number, one segment).
"""

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


class Prompt(NamedTuple):
    """A prompt's words, the same for every subscriber who is asked this."""

    channel: Channel  # on which it goes out: SMS or IVR
    text: str  # empty for a voice prompt
    voice_prompt_id: str | None
    variables: tuple[Variable, ...]
    language: str
    encoding: Encoding
    segments: int


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
    values = {
        "provider": _in_language(provider.name, language),
        "service": _in_language(service.name, language),
        "price": price_text(price_minor, currency, language),
        "minutes": minutes_text(life_ms),
        "yes": policy.word(Answer.YES, channel),
    }
    if channel is Channel.IVR:
        spoken = tuple(Variable(name, value) for name, value in values.items())
        return Prompt(channel, "", template, spoken, language, Encoding.VOICE, 0)
    text = fill(template, values)
    encoding, segments = measure(text)
    return Prompt(channel, text, None, (), language, encoding, segments)


def _in_language(names: Names, language: str) -> str:
    return names.zh if language == "zh" else names.en
