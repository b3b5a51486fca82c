"""What an author reads in a template is what a subscriber is sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.gate.texts import VARIABLES, fill
from streams.gate.words import Channel
from streams.reference.templates import render_in_sandbox, template_fault
from tests.reference.examples import problems_of, spoilt

PIECES = st.one_of(
    st.text(max_size=8),
    st.sampled_from([f"{{{{ {name} }}}}" for name in VARIABLES]),
    st.sampled_from([f"{{{{{name}}}}}" for name in VARIABLES]),
    st.sampled_from(
        ["{{", "}}", "{%", "%}", "{#", "#}", "{{-", "-}}", "\r\n", "\n", "|", "{", "}"]
    ),
)
NAMED = "".join(f"{{{{ {name} }}}} " for name in VARIABLES)


@given(
    pieces=st.lists(PIECES, max_size=8),
    values=st.fixed_dictionaries(
        {
            name: st.one_of(st.text(), st.just("{{ price }}"), st.just("{{ 7*7 }}"))
            for name in VARIABLES
        }
    ),
)
def test_both_engines_fill_an_accepted_template_alike(
    pieces: list[str], values: dict[str, str]
) -> None:
    """Whatever the values, Jinja2's sandbox and plain substitution give the same text."""
    text = NAMED + "".join(pieces)
    if template_fault(Channel.SMS, text) is None:
        assert render_in_sandbox(text, values) == fill(text, values)


@given(text=st.text())
def test_any_text_is_judged(text: str) -> None:
    """No text, however strange, stops the check."""
    fault = template_fault(Channel.SMS, text)
    assert fault is None or all(fault)


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ provider.__init__.__globals__ }}",
        "{% include 'x' %}",
        "{{ [0] * 10**9 }}",
        "{{ range(10**9)|list }}",
        "{{ price.append(1) }}",
    ],
)
def test_a_template_cannot_run_anything(text: str) -> None:
    """What is more than a name is refused, before anything of it is run."""
    assert template_fault(Channel.SMS, NAMED + text) is not None


def test_a_prompt_of_exactly_one_segment_fits() -> None:
    """70 characters of Chinese fit one SMS, and 71 do not."""
    template = (
        "点播{{ provider }}的{{ service }}，{{ price }}，{{ minutes }}分钟内回复{{ yes }}确认"
    )
    filled = "点播华语互动的每日笑话，1.00元，15分钟内回复Y确认"
    full = template + "。" * (70 - len(filled))
    assert not problems_of(spoilt(template, full))
    (problem,) = problems_of(spoilt(template, full + "。"))
    assert "takes 71 characters with service joke, 70 fit one SMS" in problem.what


def test_a_withdrawn_service_asks_for_no_room() -> None:
    """The names of a service that is never sold again do not keep a template from being taken."""
    long_name = spoilt("en: Joke", f"en: {'J' * 160}")
    assert not problems_of(
        spoilt("charge_code: A1", "charge_code: A1, status: WITHDRAWN", long_name)
    )
