"""What an author reads in a template is what a subscriber is sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.gate.texts import VARIABLES, fill
from streams.gate.words import Channel, MessageKind
from streams.reference.templates import render_in_sandbox, template_fault
from tests.reference.examples import problems_of, spoilt

KINDS = st.sampled_from(list(VARIABLES))
EVERY_NAME = sorted({name for names in VARIABLES.values() for name in names})
PIECES = st.one_of(
    st.text(max_size=8),
    st.sampled_from([f"{{{{ {name} }}}}" for name in EVERY_NAME]),
    st.sampled_from([f"{{{{{name}}}}}" for name in EVERY_NAME]),
    st.sampled_from(
        ["{{", "}}", "{%", "%}", "{#", "#}", "{{-", "-}}", "\r\n", "\n", "|", "{", "}"]
    ),
)


def named(kind: MessageKind) -> str:
    """A text that names all that a message of that kind may."""
    return "".join(f"{{{{ {name} }}}} " for name in VARIABLES[kind])


@given(
    kind=KINDS,
    pieces=st.lists(PIECES, max_size=8),
    values=st.fixed_dictionaries(
        {
            name: st.one_of(st.text(), st.just("{{ price }}"), st.just("{{ 7*7 }}"))
            for name in EVERY_NAME
        }
    ),
)
def test_both_engines_fill_an_accepted_template_alike(
    kind: MessageKind, pieces: list[str], values: dict[str, str]
) -> None:
    """Whatever the values, Jinja2's sandbox and plain substitution give the same text."""
    text = named(kind) + "".join(pieces)
    if template_fault(kind, Channel.SMS, text) is None:
        assert render_in_sandbox(text, values) == fill(text, values)


@given(kind=KINDS, text=st.text())
def test_any_text_is_judged(kind: MessageKind, text: str) -> None:
    """No text, however strange, stops the check."""
    fault = template_fault(kind, Channel.SMS, text)
    assert fault is None or all(fault)


@pytest.mark.parametrize("kind", list(VARIABLES))
def test_a_template_may_name_what_its_kind_is_filled_with_and_no_more(kind: MessageKind) -> None:
    """Each kind of message has values of its own."""
    assert template_fault(kind, Channel.SMS, named(kind)) is None
    for other in set(EVERY_NAME) - set(VARIABLES[kind]):
        fault = template_fault(kind, Channel.SMS, named(kind) + f"{{{{ {other} }}}}")
        assert fault is not None
        assert fault[0] == f"names {other}, which is no value of a {kind.lower()}"


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
    kind = MessageKind.PROMPT
    assert template_fault(kind, Channel.SMS, named(kind) + text) is not None


def test_a_prompt_of_exactly_one_segment_fits() -> None:
    """70 characters of Chinese fit one SMS, and 71 do not, with a code in place of the yes."""
    template = (
        "点播{{ provider }}的{{ service }}，{{ price }}，{{ minutes }}分钟内回复{{ yes }}确认"
    )
    filled = "点播华语互动的每日笑话，1.00元，15分钟内回复888确认"
    full = template + "。" * (70 - len(filled))
    assert not problems_of(spoilt(template, full))
    (problem,) = problems_of(spoilt(template, full + "。"))
    assert "takes 71 characters with service joke, 70 fit one SMS" in problem.what


def test_a_list_fits_with_one_item() -> None:
    """A list whose frame leaves no room for a single line within its segments is refused."""
    text = "请回复代码：{{ items }}"
    assert not problems_of(spoilt(text, text + "。" * 67))
    (problem,) = problems_of(spoilt(text, text + "。" * 3 * 67))
    assert problem.what.startswith("the zh CLARIFY text takes ")
    assert problem.what.endswith("characters with service joke, 201 fit text_segments_max: 3")


def test_a_withdrawn_service_asks_for_no_room() -> None:
    """The names of a service that is never sold again do not keep a template from being taken."""
    long_name = spoilt("en: Joke", f"en: {'J' * 160}")
    assert not problems_of(
        spoilt("charge_code: A1", "charge_code: A1, status: WITHDRAWN", long_name)
    )
