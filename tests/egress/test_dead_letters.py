"""Headers of a dead letter: the original's first and untouched, then Connect's and ours."""

from hypothesis import given
from hypothesis import strategies as st

from streams import __version__
from streams.egress.dead_letters import ACT_HEADER, CAUSE_HEADER, Header, Origin, headers

ORIGIN = Origin("vas.orders.v1", 3, 812)
ADDED = [
    ("__connect.errors.topic", b"vas.orders.v1"),
    ("__connect.errors.partition", b"3"),
    ("__connect.errors.offset", b"812"),
    ("__connect.errors.connector.name", b"tollgate-gate"),
    ("__connect.errors.task.id", b"3"),
    ("__connect.errors.stage", b"VALUE_CONVERTER"),
    ("__connect.errors.class.name", b"tollgate.ingress"),
    ("__connect.errors.exception.class.name", b"tollgate.truncated"),
    ("__connect.errors.exception.message", b"the bytes end early"),
    ("tollgate.cause", b"truncated"),
    ("tollgate.act", b""),
    ("tollgate.version", __version__.encode()),
]


def told(original: list[Header] | None) -> list[Header]:
    """The headers of one dead letter."""
    return headers(original, ORIGIN, "tollgate-gate", "truncated", "the bytes end early")


def test_a_record_without_headers_gets_ours() -> None:
    """Connect's names and ours say where it lay and why it is here."""
    assert told(None) == told([]) == ADDED


@given(
    original=st.lists(
        st.tuples(st.text(max_size=10) | st.just(CAUSE_HEADER), st.none() | st.binary(max_size=10)),
        max_size=5,
    )
)
def test_the_originals_come_first_and_untouched(original: list[Header]) -> None:
    """Whatever the original's headers are, repeated, empty or ours, they stay; ours are last."""
    before = list(original)
    assert told(original) == [*before, *ADDED]
    assert original == before


def test_of_two_deaths_the_last_is_told() -> None:
    """A record published again with its dead letter's headers tells its second cause to readers."""
    twice = headers(told(None), Origin("vas.orders.v1", 5, 9), "tollgate-gate", "bad_enum", "why")
    assert dict(twice)[CAUSE_HEADER] == b"bad_enum"
    assert dict(twice)["__connect.errors.offset"] == b"9"


def test_an_act_is_named_by_its_own_header_and_only_by_its_own_death() -> None:
    """What an operator set aside names the act; a later death for another cause names none."""
    aside = headers(None, ORIGIN, "tollgate-gate", "quarantined", "set aside by ops", "q-1")
    assert dict(aside)[ACT_HEADER] == b"q-1"
    again = headers(aside, ORIGIN, "tollgate-gate", "bad_enum", "why")
    assert dict(again)[ACT_HEADER] == b""
