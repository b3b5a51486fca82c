"""Whom an exception while deciding blames: the record at hand, or nobody's record."""

import traceback

import pytest
from confluent_kafka import KafkaError, KafkaException
from hypothesis import given
from hypothesis import strategies as st

from streams.app import _stop_of
from streams.blame import AtHand, blamed, is_blamed
from streams.codec.registry import RegistryUnavailable
from streams.engine import Cause as EngineCause
from streams.engine import Fatal
from streams.engine.engine import as_fatal
from streams.errors import Cause, Stop
from streams.topics import ORDERS, TICKS

NUMBER = "8613700000017"
AT = AtHand(ORDERS, 3, 1048576, NUMBER.encode())
OUTSIDE = (
    Fatal(EngineCause.STORE_DAMAGED, "a block is bad.", "Start again."),
    Stop(Cause.DEAD_LETTERS, "too many"),
    KafkaException(KafkaError(KafkaError._FATAL)),
    KafkaException(KafkaError(KafkaError._FENCED)),
    BufferError("Local: Queue full"),
    RegistryUnavailable("no answer"),
)


@pytest.mark.parametrize("error", OUTSIDE, ids=repr)
def test_what_fails_outside_blames_no_record(error: Exception) -> None:
    """A broker, a disk, a registry and an end that has its cause already keep their own."""
    assert not is_blamed(error)


@pytest.mark.parametrize(
    "error",
    [
        AssertionError(),
        KeyError("a"),
        UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"),
        KafkaException(KafkaError(KafkaError.MSG_SIZE_TOO_LARGE)),
    ],
    ids=repr,
)
def test_what_a_record_can_cause_names_it(error: Exception) -> None:
    """Our own mistakes, and an output that is too large, follow from the record at hand."""
    assert is_blamed(error)
    stop = blamed(error, AT)
    assert stop.cause is Cause.IMPOSSIBLE
    assert f"while deciding orders.v1 [3] offset 1048576 (key …017): {type(error).__name__}" in (
        str(stop)
    )
    assert "tollgate quarantine record orders.v1 --partition 3 --offset 1048576" in str(stop)


@given(before=st.text(max_size=20), number=st.from_regex(r"[1-9][0-9]{6,14}", fullmatch=True))
def test_an_exceptions_own_text_is_masked(before: str, number: str) -> None:
    """Whatever an exception quotes, no whole number gets into the log by it."""
    assert number not in str(blamed(KeyError(before, number), AT))


def test_the_calls_are_kept_and_the_exception_is_not() -> None:
    """The log shows the line that failed; the chain does not end in the exception's own text."""
    try:
        _fail()
    except AssertionError as error:
        stop = blamed(error, AT)
    with pytest.raises(Stop) as raised:
        raise stop from None
    told = "".join(traceback.format_exception(raised.value))
    assert "in _fail" in told
    assert NUMBER not in told
    assert "a grant of …017" in told


def _fail() -> None:
    number = NUMBER
    raise AssertionError(f"a grant of {number}")


def test_a_record_without_a_subscriber_has_no_key_told() -> None:
    """A tick has none, and a key that is no number is not shown."""
    for key in (None, b"anonymous", b"\xff"):
        told = str(blamed(ValueError("x"), AtHand(TICKS, 0, 7, key)))
        assert "while deciding ticks.v1 [0] offset 7: ValueError: x." in told


def test_endless_texts_are_cut() -> None:
    """An exception that quotes a megabyte makes no log line of a megabyte."""
    assert len(str(blamed(ValueError("a" * 1_000_000), AT))) < 1_500


def test_what_nobody_foresaw_is_masked_too() -> None:
    """An exception outside of deciding may quote a number as well."""
    stop = _stop_of(as_fatal(AssertionError(f"a block of {NUMBER} without a row")))
    assert stop.cause is Cause.IMPOSSIBLE
    assert "AssertionError: a block of …017 without a row" in str(stop)
    assert NUMBER not in str(stop)
