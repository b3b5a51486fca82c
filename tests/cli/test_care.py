"""`tollgate care`: actions as a clerk gives them, and the gate's answer to each."""

import getpass
import re
import time
from collections.abc import Iterator
from pathlib import Path

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
from tests.app.rig import ASKS_NOT, CODECS, Gate, Worker, example, keyed, now_ms, order

NUMBER = "8612000000017"
WHY = ("--reason", "subscriber called the hall")


@pytest.fixture
def gate(kafka: EmbeddedBroker, prefix: str, tmp_path: Path) -> Gate:
    return Gate(kafka, prefix, tmp_path, example())


@pytest.fixture
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


def charged(gate: Gate, worker: Worker, order_id: str) -> str:
    """An order that is charged at once; its charge's id."""
    sent = gate.write(keyed(order(NUMBER, order_id, ASKS_NOT, now_ms())))
    worker.wait(lambda: gate.has_taken(sent), f"{order_id} decided")
    return ids.CHARGE + ids.base_id(NUMBER, order_id)


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
    [entry] = gate.history().of(topics.CARE)
    action = CODECS.decode(topics.CARE, entry.value)
    assert (action.msisdn, action.kind) == (NUMBER, CareKind.LOOK)
    assert (action.agent, action.reason) == (getpass.getuser(), WHY[1])
    assert action.action_id == action_of(done)
    assert abs(action.acted_at - now_ms()) < 60_000
    assert worker.process.poll() is None


def test_an_action_repeated_by_its_id_is_done_once(gate: Gate) -> None:
    """Nobody answers yet: the command says so; asked again by its id, the gate knows it."""
    first = care(gate, "look", NUMBER, *WHY, "--agent", "a-1", "--timeout", "300ms")
    assert first.exit_code == Cause.CARE_UNANSWERED.exit_code
    assert "--action-id" in first.output
    assert NUMBER not in first.output
    time.sleep(0.01)  # another instant, which must make no other action
    again = ("look", NUMBER, *WHY, "--agent", "a-1", "--action-id", action_of(first))
    written = care(gate, *again, "--no-wait")
    assert written.exit_code == 0
    assert "written as offset 1 of partition" in written.output
    with gate.worker():
        repeated = care(gate, *again)
    assert repeated.exit_code == 0
    assert "REPEATED: It came before; nothing was done again." in repeated.output
    other = care(gate, *again[:-4], "--agent", "a-2", *again[-2:], "--no-wait")
    assert other.exit_code == 0
    with gate.worker("second"):
        conflict = care(gate, *again[:-4], "--agent", "a-3", *again[-2:])
    assert conflict.exit_code == Cause.CARE_NOT_DONE.exit_code
    assert "CONFLICT" in conflict.output
