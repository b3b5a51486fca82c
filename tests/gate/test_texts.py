"""Templates are filled by plain substitution; prices read as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.gate.texts import fill, minutes_text, placeholders, price_text, syntax_fault


def test_placeholders_are_found_with_and_without_spaces() -> None:
    """{{name}} and {{ name }} are the same placeholder, named in their order."""
    assert placeholders("{{price}} of {{ service }}, {{  price }}") == ("price", "service", "price")


@given(value=st.text())
def test_a_value_is_never_read_as_a_template(value: str) -> None:
    """What a provider is called cannot bring in another placeholder."""
    assert fill("<{{ provider }}>", {"provider": value}) == f"<{value}>"


@pytest.mark.parametrize("text", ["{% if x %}", "{{ 1 + 1 }}", "{# note #}", "{{ a", "b }}"])
def test_anything_but_a_name_in_braces_is_a_fault(text: str) -> None:
    """A template can neither loop, nor compute, nor leave braces open."""
    assert syntax_fault(text)


@pytest.mark.parametrize("text", ["", "2 {x} 3", "{{ a }}{{ b }}", "100%"])
def test_plain_text_has_no_fault(text: str) -> None:
    """Single braces and per cent signs are text."""
    assert syntax_fault(text) is None


@pytest.mark.parametrize(
    ("price_minor", "currency", "language", "text"),
    [
        (200, "CNY", "zh", "2.00元"),
        (200, "CNY", "en", "CNY 2.00"),
        (5, "CNY", "zh", "0.05元"),
        (0, "EUR", "en", "EUR 0.00"),
        (150, "JPY", "en", "JPY 150"),
        (1500, "KWD", "en", "KWD 1.500"),
        (123456789012345678, "EUR", "zh", "EUR 1234567890123456.78"),
    ],
)
def test_prices_have_the_places_of_their_currency(
    price_minor: int, currency: str, language: str, text: str
) -> None:
    """A price shows every place its currency has, and no rounding."""
    assert price_text(price_minor, currency, language) == text


def test_a_prompts_life_is_told_in_whole_minutes_and_never_as_none() -> None:
    """Fifteen and a half minutes are told as 15; ten seconds, as in a demo, as 1."""
    assert [minutes_text(ms) for ms in (930_000, 10_000, 60_000)] == ["15", "1", "1"]
