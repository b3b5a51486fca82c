"""`tollgate care`: actions as a clerk gives them, and the gate's answer to each."""

import getpass
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from streams import topics
from streams.broker import EmbeddedBroker
from streams.care import BadAction, draw_id, instant_of
from streams.cli.care import ACTS
from streams.cli.main import tollgate
from streams.errors import Cause
from streams.gate import ids
from streams.gate.words import CareKind
from tests.app.rig import ASKS, ASKS_NOT, CODECS, Gate, Worker, example, keyed, now_ms, order

NUMBER, COMPLAINING, LEAVING = "8612000000017", "8612000000018", "8612000000019"
WHY = ("--reason", "subscriber called the hall")


@pytest.fixture(scope="module")
def gate(kafka: EmbeddedBroker, tmp_path_factory: pytest.TempPathFactory) -> Gate:
    """One for the tests with a worker: each has a number of its own."""
    return Gate(kafka, "care-tests.", tmp_path_factory.mktemp("care"), example())


@pytest.fixture(scope="module")
def worker(gate: Gate) -> Iterator[Worker]:
    with gate.worker() as running:
        yield running


def care(gate: Gate, *arguments: str, standing_input: str = "") -> Result:
    """A care command in this process, against this gate."""
    return CliRunner(env=dict(gate.environment)).invoke(
        tollgate, ["care", *arguments], input=standing_input
    )


def action_of(result: Result) -> str:
    """The id that a command printed."""
    found = re.match(r"action (\S+)\n", result.output)
    assert found is not None, result.output
    return found[1]


def line_of(result: Result, name: str) -> str:
    [said] = re.findall(rf"^{name} (\S+)$", result.output, re.MULTILINE)
    return str(said)


def written(gate: Gate, topic: str, number: str) -> list[Any]:
    """The records of a number on a topic, decoded."""
    records = [CODECS.decode(topic, entry.value) for entry in gate.history().of(topic)]
    return [record for record in records if record.msisdn == number]


def charged(gate: Gate, worker: Worker, number: str, order_id: str) -> str:
    """An order that is charged at once; its charge's id."""
    sent = gate.write(keyed(order(number, order_id, ASKS_NOT, now_ms())))
    worker.wait(lambda: gate.has_taken(sent), f"{order_id} decided")
    return ids.CHARGE + ids.base_id(number, order_id)


def test_every_kind_of_action_has_its_command() -> None:
    """Whatever customer care may do can be done from here."""
    assert {act.kind for act in ACTS} == set(CareKind) - {CareKind.UNKNOWN}


def test_an_id_says_its_own_instant() -> None:
    """Ids are never drawn twice, and their instant comes back to the millisecond."""
    for at in (0, 1, 1_796_086_800_123, (1 << 48) - 1):
        assert instant_of(draw_id(at)) == at
    assert draw_id(7) != draw_id(7)
    for other in ("", "care-1", "7d444840-9dc0-11d1-b245-5ffdce74fad2", draw_id(7).upper()):
        with pytest.raises(BadAction):
            instant_of(other)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("look", "+8612000000017", *WHY), "7 to 15 digits"),
        (("look", "０12000000017", *WHY), "7 to 15 digits"),
        (("look", "012345678", *WHY), "7 to 15 digits"),
        (("look", NUMBER), "--reason"),
        (("look", NUMBER, "--reason", "  "), "it is empty"),
        (("look", NUMBER, *WHY, "--action-id", "care-1"), "no id that an earlier run"),
        (("look", NUMBER, *WHY, "--timeout", "5"), "no span"),
        (("look", NUMBER, *WHY, "--at", "2026-03-01T00:00:00+08:00"), "SIMULATED_TIME"),
        (("complain", NUMBER, *WHY), "--charge or --order"),
        (("refund", NUMBER, *WHY), "--charge or --order"),
        (("refund", NUMBER, *WHY, "--charge", "c-1", "--amount", "0"), "0 is not in the range"),
        (("refund", NUMBER, *WHY, "--charge", "c-1", "--amount", "1.50"), "not a valid integer"),
        (("answer", NUMBER, *WHY), "--complaint"),
        (("uphold", NUMBER, *WHY, "--complaint", ""), "it is empty"),
    ],
)
def test_what_cannot_be_meant_is_wrong_usage(arguments: tuple[str, ...], says: str) -> None:
    """Numbers, ids, amounts and what an action needs are judged before any broker is asked."""
    refused = CliRunner(env={"TOLLGATE_BOOTSTRAP_SERVERS": "127.0.0.1:1"}).invoke(
        tollgate, ["care", *arguments]
    )
    assert refused.exit_code == 2
    assert says in refused.output
    assert "12000000017" not in refused.output


def test_a_broker_that_is_away_ends_with_its_code_and_no_number() -> None:
    """Nothing is printed that would have to be repeated: nothing was written."""
    away = CliRunner(env={"TOLLGATE_BOOTSTRAP_SERVERS": "127.0.0.1:1"}).invoke(
        tollgate, ["care", "look", NUMBER, *WHY]
    )
    assert away.exit_code == Cause.BROKER_AWAY.exit_code
    assert "action" not in away.output
    assert NUMBER not in away.output


def test_a_look_is_written_down_as_it_was_asked(gate: Gate, worker: Worker) -> None:
    """The record has the number, who looked and why; the answer comes in the language asked."""
    done = care(gate, "look", "-", *WHY, "--language", "zh", standing_input=f"{NUMBER}\n")
    assert done.exit_code == 0, done.output
    assert done.output.endswith("NOTED: 已记录。\n")
    assert NUMBER not in done.output
    [action] = written(gate, topics.CARE, NUMBER)
    assert (action.msisdn, action.kind) == (NUMBER, CareKind.LOOK)
    assert (action.agent, action.reason) == (getpass.getuser(), WHY[1])
    assert action.action_id == action_of(done)
    assert abs(action.acted_at - now_ms()) < 60_000
    assert worker.process.poll() is None


def test_an_action_repeated_by_its_id_is_done_once(
    kafka: EmbeddedBroker, prefix: str, tmp_path: Path
) -> None:
    """Nobody answers yet: the command says so; asked again by its id, the gate knows it; anything
    else under that id is a conflict.
    """
    gate = Gate(kafka, prefix, tmp_path, example())
    first = care(gate, "look", NUMBER, *WHY, "--agent", "a-1", "--timeout", "300ms")
    assert first.exit_code == Cause.CARE_UNANSWERED.exit_code
    assert "--action-id" in first.output
    assert NUMBER not in first.output
    time.sleep(0.01)  # another instant, which must make no other action
    again = ("look", NUMBER, *WHY, "--agent", "a-1", "--action-id", action_of(first))
    left = care(gate, *again, "--no-wait")
    assert left.exit_code == 0
    assert "written as offset 1 of partition" in left.output
    with gate.worker():
        repeated = care(gate, *again)
        conflict = care(gate, *again[:-4], "--agent", "a-2", *again[-2:])
    assert repeated.exit_code == 0
    assert "REPEATED: It came before; nothing was done again." in repeated.output
    assert conflict.exit_code == Cause.CARE_NOT_DONE.exit_code
    assert "CONFLICT" in conflict.output


def test_under_simulated_time_one_says_when(
    kafka: EmbeddedBroker, prefix: str, tmp_path: Path
) -> None:
    """The instant given is the action's and its record's; without it nothing is written."""
    gate = Gate(kafka, prefix, tmp_path, SIMULATED_TIME="true")
    refused = care(gate, "look", NUMBER, *WHY)
    assert (refused.exit_code, "--at belongs" in refused.output) == (2, True)
    at = 1_282_000_000_123
    done = care(gate, "look", NUMBER, *WHY, "--no-wait", "--at", "2010-08-17T07:06:40.123+08:00")
    assert done.exit_code == 0, done.output
    [entry] = gate.history().of(topics.CARE)
    assert CODECS.decode(topics.CARE, entry.value).acted_at == entry.timestamp == at


def test_a_complaint_goes_its_way(gate: Gate, worker: Worker) -> None:
    """Opened with its evidence, known when opened again, answered, upheld with a refund, and then
    gone; what the gate does not do ends with a code of its own and its reason in words.
    """
    charge_id = charged(gate, worker, COMPLAINING, "o-1")
    opened = care(
        gate, "complain", COMPLAINING, "--order", "o-1", "--category", "never-ordered", *WHY
    )
    assert opened.exit_code == 0, opened.output
    complaint_id = line_of(opened, "complaint")
    assert f"evidence {topics.CHARGES} {charge_id}\n" in opened.output
    about = (COMPLAINING, "--complaint", complaint_id, *WHY)
    again = care(gate, "complain", *about, "--charge", charge_id)
    assert again.exit_code == Cause.CARE_NOT_DONE.exit_code
    assert "COMPLAINT_KNOWN: It is being attended to already." in again.output
    answered = care(gate, "answer", *about, "--text", "we look into it")
    assert (answered.exit_code, "COMPLAINT_ANSWERED" in answered.output) == (0, True)
    too_much = care(gate, "uphold", *about, "--amount", "101")
    assert too_much.exit_code == Cause.CARE_NOT_DONE.exit_code
    assert "REFUND_EXCEEDS" in too_much.output
    upheld = care(gate, "uphold", *about, "--amount", "40", "--language", "zh")
    assert upheld.exit_code == 0, upheld.output
    assert "您的投诉成立" in upheld.output
    rejected = care(gate, "reject", *about)
    assert rejected.exit_code == Cause.CARE_NOT_DONE.exit_code
    assert "COMPLAINT_UNKNOWN" in rejected.output
    rest = care(gate, "refund", COMPLAINING, "--charge", charge_id, *WHY)
    assert rest.exit_code == 0, rest.output
    nothing = care(gate, "refund", COMPLAINING, "--order", "o-1", *WHY)
    assert "NOTHING_TO_REFUND" in nothing.output
    unknown = care(gate, "refund", COMPLAINING, "--charge", "c-none", *WHY)
    assert "CHARGE_UNKNOWN" in unknown.output
    refunds = written(gate, topics.REFUNDS, COMPLAINING)
    assert [(each.refund_id, each.amount_minor) for each in refunds] == [
        (line_of(upheld, "refund"), 40),
        (line_of(rest, "refund"), 60),
    ]
    assert {each.charge_id for each in refunds} == {charge_id}


def test_confirmations_are_taken_back_and_a_number_given_away(gate: Gate, worker: Worker) -> None:
    """Nothing to revoke is said so; a released number refuses what its owner before had ordered."""
    nothing = care(gate, "revoke", LEAVING, *WHY, "--service", "huayu-weather")
    assert nothing.exit_code == Cause.CARE_NOT_DONE.exit_code
    assert "NOTHING_TO_REVOKE: There is nothing to take back." in nothing.output
    before = now_ms()
    sent = gate.write(keyed(order(LEAVING, "o-1", ASKS, before)))
    worker.wait(lambda: gate.has_taken(sent), "the order is asked about")
    revoked = care(gate, "revoke", LEAVING, *WHY)
    assert (revoked.exit_code, "REVOKED" in revoked.output) == (0, True), revoked.output
    assert care(gate, "release", LEAVING, *WHY).exit_code == 0
    late = gate.write(keyed(order(LEAVING, "o-2", ASKS_NOT, before)))
    worker.wait(lambda: gate.has_taken(late), "the late order is decided")
    verdicts = written(gate, topics.VERDICTS, LEAVING)
    assert [(each.order_id, each.reason) for each in verdicts] == [
        ("o-1", "DECLINED"),
        ("o-2", "NUMBER_RELEASED"),
    ]
