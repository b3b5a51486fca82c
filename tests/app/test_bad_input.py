"""Law 10 on a real broker: what cannot be read is set aside, and everything around it is decided.

One worker takes one batch in which every kind of bad record lies among good ones; each case then
looks at what became of its record.
"""

import shlex
import uuid
from pathlib import Path
from typing import NamedTuple

import pytest

from streams import topics
from streams.broker import EmbeddedBroker
from streams.egress.sealing import digest
from streams.errors import Cause
from streams.ingress.acts import unreadable_command
from tests.app.bad_records import ORIGINAL_HEADERS, Case, bad_ticks, cases, charged
from tests.app.rig import (
    ASKS_NOT,
    Gate,
    Sent,
    Told,
    Unsent,
    example,
    keyed,
    now_ms,
    order,
    told_of,
)

NAMES = [case.name for case in cases(0)]
TICK_CAUSES = [cause for cause, _ in bad_ticks(0)]


class Judged(NamedTuple):
    """The run: every case with its bad record and the good ones around it, and what was told."""

    told: Told
    cases: dict[str, tuple[Case, Sent, Sent, Sent]]
    ticks: list[Sent]
    code: int


@pytest.fixture(scope="module")
def judged(kafka: EmbeddedBroker, tmp_path_factory: pytest.TempPathFactory) -> Judged:
    """One worker on the whole batch, which was on the log before it started."""
    gate = Gate(
        kafka,
        f"t{uuid.uuid4().hex[:12]}.",
        tmp_path_factory.mktemp("bad"),
        example(),
        # Most of this batch is unreadable, on purpose.
        DEAD_LETTERS_SHARE_MAX="100",
    )
    now = now_ms()
    made, bad_clock = cases(now), bad_ticks(now)
    unsent: list[Unsent] = []
    for case in made:
        unsent += [case.before, case.bad, case.behind]
    ground = gate.write(*charged(now, made))
    sent = gate.write(*unsent, *(tick for _, tick in bad_clock))
    with gate.worker() as worker:
        worker.wait(lambda: gate.has_taken(ground + sent), "the batch is taken")
        code = worker.stop()
    places = range(0, len(unsent), 3)
    found = {
        case.name: (case, sent[at], sent[at + 1], sent[at + 2])
        for case, at in zip(made, places, strict=True)
    }
    return Judged(Told(gate.history()), found, sent[len(unsent) :], code)


@pytest.mark.parametrize("name", NAMES)
def test_a_bad_record_becomes_one_dead_letter(judged: Judged, name: str) -> None:
    """A bad record is set aside once, untouched, behind it Connect's headers and its cause."""
    case, _, bad, _ = judged.cases[name]
    _is_dead_letter(judged.told, bad, case.cause)


@pytest.mark.parametrize("name", NAMES)
def test_a_bad_record_has_one_decision(judged: Judged, name: str) -> None:
    """Exactly one decision says that the record was set aside, and names its dead letter."""
    case, _, bad, _ = judged.cases[name]
    _has_decision(judged.told, bad, case.reason)


@pytest.mark.parametrize("name", NAMES)
def test_what_lies_around_a_bad_record_is_decided(judged: Judged, name: str) -> None:
    """The subscriber's good records before and behind the bad one are decided as ever."""
    _, before, _, behind = judged.cases[name]
    for good in (before, behind):
        assert len(judged.told.reasons(good)) == 1
        assert judged.told.reasons(good)[0] in (
            "APPROVED_NOT_ASKED",
            "NOT_ANSWERING",
            "NOTED",
            "SETTLED",
        )


@pytest.mark.parametrize("place", range(len(TICK_CAUSES)), ids=TICK_CAUSES)
def test_a_tick_that_cannot_be_read_is_set_aside(judged: Judged, place: int) -> None:
    """A tick that cannot be read becomes a dead letter like any other input."""
    _is_dead_letter(judged.told, judged.ticks[place], TICK_CAUSES[place])
    _has_decision(judged.told, judged.ticks[place], "DEAD_LETTER")


def test_nothing_else_is_set_aside(judged: Judged) -> None:
    """There are as many dead letters as bad records."""
    letters = judged.told.history.of(topics.DEAD_LETTERS)
    assert len(letters) == len(NAMES) + len(TICK_CAUSES)


def test_a_conflict_raises_an_alarm_without_the_number(judged: Judged) -> None:
    """An id used again for something else alarms operations once, and shows no whole number."""
    conflicts = [case for case, *_ in judged.cases.values() if case.cause == "conflict"]
    alarms = judged.told.of(topics.ALARMS)
    assert len(alarms) == len(conflicts) == len({alarm.alarm_id for alarm in alarms})
    for case in conflicts:
        assert case.bad.key is not None
        assert not any(case.bad.key.decode() in f"{alarm}" for alarm in alarms)


def test_a_reused_order_id_is_charged_once(judged: Judged) -> None:
    """Of two orders under one id only the first is charged."""
    charged = [charge.msisdn for charge in judged.told.of(topics.CHARGES)]
    _, before, *_ = judged.cases["order_id reused"]
    assert before.key is not None
    assert sorted(charged).count(before.key.decode()) == 2  # "before" and "behind", never "bad"


def test_the_worker_goes_on_and_stops_as_asked(judged: Judged) -> None:
    """No bad record ends the worker: it stops when asked, with 0."""
    assert judged.code == 0


def test_every_law_holds_among_bad_records(judged: Judged) -> None:
    """The auditor finds nothing in all of this, the worker's log included."""
    report = judged.told.audit()
    assert report.held, told_of(report)


def _is_dead_letter(told: Told, bad: Sent, cause: str) -> None:
    letters = told.letters(bad)
    assert len(letters) == 1
    letter = letters[0]
    assert (letter.key, letter.value) == (bad.key, bad.value)
    assert letter.headers[: len(bad.headers)] == bad.headers
    ours = dict(letter.headers[len(bad.headers) :])
    assert ours["tollgate.cause"] == cause.encode()
    assert ours["__connect.errors.exception.message"]
    assert ours["__connect.errors.offset"] == str(bad.offset).encode()
    assert letter.partition == bad.partition
    if bad.key is not None and len(bad.key) > 6:
        assert not any(bad.key in (value or b"") for value in ours.values())


def _has_decision(told: Told, bad: Sent, reason: str) -> None:
    assert told.reasons(bad) == [reason]
    decision = told.decisions[bad.place][0]
    assert decision.cause_digest == digest(decision.salt, bad.key, bad.value or b"")
    effects = [effect.topic for effect in decision.effects]
    expected = [topics.DEAD_LETTERS] + ([topics.ALARMS] if reason == "CONFLICT" else [])
    assert sorted(effects) == sorted(expected)


def test_original_headers_stay_in_front(judged: Judged) -> None:
    """The centre's own headers come first, in their order, repeated and empty ones included."""
    _, _, bad, _ = judged.cases["headers of its own"]
    letter = judged.told.letters(bad)[0]
    assert letter.headers[: len(ORIGINAL_HEADERS)] == ORIGINAL_HEADERS
    assert dict(letter.headers)["tollgate.cause"] == b"wrong_magic"


def test_too_many_dead_letters_stop_the_worker(
    kafka: EmbeddedBroker, prefix: str, tmp_path: Path
) -> None:
    """Over the limit the worker ends with its code, naming the last; its turn leaves no trace."""
    limits = {"WINDOW": "100", "COUNT_MIN": "5", "SHARE_MAX": "5"}
    gate = Gate(
        kafka,
        prefix,
        tmp_path,
        example(),
        **{f"DEAD_LETTERS_{name}": value for name, value in limits.items()},
    )
    good = keyed(order("8613900000001", "good", ASKS_NOT, now_ms()))
    sent = gate.write(*[good._replace(value=b"junk")] * 20, good)
    ended = gate.refused()
    assert ended.code == Cause.DEAD_LETTERS.exit_code, ended.said
    assert "Too many records cannot be read: 5 of the last 5 records" in ended.said
    assert f"the last is orders.v1 [{sent[0].partition}] offset 4, wrong_magic" in ended.said
    assert unreadable_command(topics.ORDERS, sent[0].partition, 4) in ended.said
    assert "8613900000001" not in ended.said
    told = Told(gate.history())
    assert gate.committed()[sent[0].topic, sent[0].partition] == 0
    outputs = [topic.name for topic in topics.CATALOGUE if topic.kind is topics.Kind.OUTPUT]
    assert not any(told.history.of(topic) for topic in outputs)


def test_too_many_conflicts_stop_the_worker_and_what_it_says_lets_them_pass(
    kafka: EmbeddedBroker, prefix: str, tmp_path: Path
) -> None:
    """Each can be read: the command to type says that this is known, and is taken as it stands."""
    limits = {"DEAD_LETTERS_WINDOW": "100", "DEAD_LETTERS_COUNT_MIN": "5"}
    gate = Gate(kafka, prefix, tmp_path, example(), **limits)
    same = [order("8613900000001", "one", ASKS_NOT, now_ms() + place) for place in range(9)]
    sent = gate.write(*map(keyed, same))
    ended = gate.refused()
    assert ended.code == Cause.DEAD_LETTERS.exit_code, ended.said
    command = unreadable_command(topics.ORDERS, sent[0].partition, 5, readable_too=True)
    assert command in ended.said
    for up_to in (5, 8):
        command = unreadable_command(topics.ORDERS, sent[0].partition, up_to, readable_too=True)
        gate.tollgate(*shlex.split(command)[1:], "--yes")
    with gate.worker() as worker:
        worker.wait(lambda: gate.has_taken(sent), "all of them are taken")
        assert worker.stop() == 0
    told = Told(gate.history())
    assert told.reasons(sent[0]) == ["APPROVED_NOT_ASKED"]
    assert [told.reasons(one) for one in sent[1:]] == [["CONFLICT"]] * 8
