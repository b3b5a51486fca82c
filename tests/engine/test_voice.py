"""What a worker says of librdkafka's log."""

import logging

import pytest

from streams.engine import kafka


def record(text: str) -> logging.LogRecord:
    return logging.LogRecord("librdkafka", logging.ERROR, "", 0, text, None, None)


def test_a_client_that_tries_again_and_again_is_heard_once_in_a_while(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first line of a kind is said, the rest is counted; other kinds are said meanwhile."""
    now = 100.0
    monkeypatch.setattr("streams.engine.kafka.time.monotonic", lambda: now)
    monkeypatch.setattr(kafka.log, "disabled", False)
    monkeypatch.setattr(logging.root.manager, "disable", logging.NOTSET)
    caplog.set_level(logging.INFO, logger=kafka.log.name)
    voice = kafka._Voice()
    for number in range(80):
        assert not voice.say(record(f"FAIL [client]: connect {number} failed"))
    assert not voice.say(record("REQTMOUT [client]: timed out"))
    now += 11
    voice.say(record("FAIL [client]: connect 81 failed"))
    assert [one.getMessage() for one in caplog.records] == [
        "FAIL [client]: connect 0 failed",
        "REQTMOUT [client]: timed out",
        "FAIL [client]: connect 81 failed (and 79 more FAIL lines)",
    ]


def test_a_broken_connection_is_heard_whatever_loggers_are_silenced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The cure of a late commit rests on it."""
    monkeypatch.setattr(logging.root.manager, "disable", logging.CRITICAL)
    heard = []

    def hear(one: logging.LogRecord) -> bool:
        heard.append(one.getMessage())
        return False

    kafka._listening(hear).log(logging.INFO, "%s", "FAIL [client]: disconnected")
    assert heard == ["FAIL [client]: disconnected"]
