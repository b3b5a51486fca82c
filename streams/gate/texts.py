"""Texts of messages: templates filled by plain substitution, prices as people write them.

A template's only syntax is `{{ name }}`. Whoever applies a policy may check it with a template
engine; the gate substitutes and nothing else, so that a text can neither loop, nor call, nor fail.
"""

import re
from collections.abc import Mapping
from decimal import Decimal

from streams.gate.words import MessageKind

LANGUAGES = ("zh", "en")  # those in which providers and services have names

# What the template of each kind of message may name.
VARIABLES: dict[MessageKind, tuple[str, ...]] = {
    MessageKind.PROMPT: ("provider", "service", "price", "minutes", "yes"),
    MessageKind.CLARIFY: ("items",),
    MessageKind.RECEIPT: ("provider", "service", "price", "spent", "undo", "undo_minutes"),
    MessageKind.LISTING: ("items", "cancel"),
    MessageKind.NOTICE: ("spent", "limit"),
}

# Law 6: a prompt names provider, service and price.
PROMPT_NAMES = ("provider", "service", "price")

_PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
_LEFT_OVER = re.compile(r"\{\{|\}\}|\{%|%\}|\{#|#\}")

# ISO 4217 currencies whose minor unit is not a hundredth.
_EXPONENTS = {
    **dict.fromkeys(
        "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0
    ),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
    **dict.fromkeys("CLF UYW".split(), 4),
}


def placeholders(text: str) -> tuple[str, ...]:
    """The names that a template asks for, in their order, repeated ones repeated."""
    return tuple(_PLACEHOLDER.findall(text))


def syntax_fault(text: str) -> str | None:
    """What in a template is neither text nor `{{ name }}`; None when there is nothing."""
    left_over = _LEFT_OVER.search(_PLACEHOLDER.sub("", text))
    if left_over is None:
        return None
    return f"it holds {left_over.group()!r} outside of {{{{ name }}}}"


def fill(text: str, values: Mapping[str, str]) -> str:
    """The template with every name replaced by its value; values are not looked into again."""
    return _PLACEHOLDER.sub(lambda match: values[match.group(1)], text)


def exponent(currency: str) -> int:
    """Decimal places of a currency's minor unit (ISO 4217)."""
    return _EXPONENTS.get(currency, 2)


def price_text(price_minor: int, currency: str, language: str) -> str:
    """A price as subscribers of that language read it: 2.00元, CNY 2.00."""
    amount = f"{Decimal(price_minor).scaleb(-exponent(currency)):f}"
    if language == "zh" and currency == "CNY":
        return f"{amount}元"
    return f"{currency} {amount}"


def minutes_text(life_ms: int) -> str:
    """A prompt's life in whole minutes: never more than it is, except that less than one is 1."""
    return str(max(1, life_ms // 60_000))
