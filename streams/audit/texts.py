"""What a message should say: templates filled in, amounts as people write them.

Written from the schemas' documents: `{{ name }}` is replaced and nothing else; amounts are read as
2.00元 in Chinese yuan and Chinese, as CNY 2.00 otherwise.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import cast

from streams.audit.records import Policy, Provider, Service

VOICE = "IVR"
_TEXT = "SMS"
_NAME = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")

# ISO 4217: decimals of a currency where they are not two.
_DECIMALS = {
    **dict.fromkeys(("CLP", "ISK", "JPY", "KRW", "PYG", "UGX", "VND", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BIF", "DJF", "GNF", "KMF", "RWF", "UYI", "VUV"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}


def price(minor: int, currency: str) -> str:
    """An amount as a person reads it, without its currency."""
    decimals = _DECIMALS.get(currency, 2)
    whole, rest = divmod(minor, 10**decimals)
    return f"{whole}.{rest:0{decimals}d}" if decimals else str(whole)


def amount(minor: int, currency: str, language: str) -> str:
    """An amount with its currency, as texts of a language say it."""
    figure = price(minor, currency)
    return f"{figure}元" if (language, currency) == ("zh", "CNY") else f"{currency} {figure}"


def language_of(policy: Policy, province: str) -> str:
    """The language of a province's subscribers."""
    named = {row["province"]: row["language"] for row in policy.languages}
    return named.get(province, policy.default_language)


def template_of(policy: Policy, kind: str, channel: str, language: str) -> str | None:
    """The text of one kind of message; None if the policy has none."""
    wanted = (kind, channel, language)
    for row in policy.templates:
        if (row["kind"], row["channel"], row["language"]) == wanted:
            return row["text"]
    return None


def first_yes(policy: Policy, *, by_voice: bool) -> str:
    """The spelling of yes that prompts name."""
    for row in policy.reply_words:
        words = cast(Sequence[str], row["words"])
        if row["answer"] == "YES" and (row["channel"] == VOICE) is by_voice and words:
            return words[0]
    return ""


def first_keyword(policy: Policy, keyword: str) -> str:
    """The spelling of a keyword that messages name."""
    for row in policy.keywords:
        words = cast(Sequence[str], row["words"])
        if row["keyword"] == keyword and words:
            return words[0]
    return ""


def minutes(span_ms: int) -> str:
    """A span in whole minutes, never more than it is, except that less than one is 1."""
    return str(max(1, span_ms // 60_000))


def fill(template: str, values: Mapping[str, str]) -> str:
    """A template with its names replaced; an unknown name stays as it is."""
    return _NAME.sub(lambda name: values.get(name[1], name[0]), template)


@lru_cache(maxsize=65_536)
def _asked(template: str, provider: str, service: str, figure: str, life: str, yes: str) -> str:
    values = {"provider": provider, "service": service, "price": figure, "yes": yes}
    return fill(template, values | {"minutes": life})


def prompt_text(
    template: str,
    language: str,
    provider: Provider,
    service: Service,
    price_minor: int,
    currency: str,
    life_ms: int,
    yes: str,
) -> str:
    """A text prompt, in full."""
    names = provider.name[language], service.name[language]
    figure = amount(price_minor, currency, language)
    return _asked(template, *names, figure, minutes(life_ms), yes)
