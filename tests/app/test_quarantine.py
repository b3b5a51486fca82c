"""A record that makes every worker stop is set aside by an act, and the gate goes on (law 10).

The worker's own words are followed to the letter: what it says to type is what is typed.
"""

import re
import shlex
import uuid
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from streams import topics
from streams.acts import id_of
from streams.broker import EmbeddedBroker
from streams.errors import Cause, Stop
from streams.gate.events import Tick
from streams.gate.reference import Service
from streams.gate.words import ActKind
from streams.reference.log import Log
from streams.reference.reader import ReferenceReader
from streams.reference.standing import read_standing
from tests.app.planted import LAPSING, PLANTED, take
from tests.app.rig import (
    ASKS,
    ASKS_NOT,
    CODECS,
    Gate,
    Sent,
    Told,
    Unsent,
    encoded,
    example,
    keyed,
    now_ms,
    order,
    ticks_at,
    told_of,
)

PROGRAM = "tests.app.planted"
BROKEN = (PROGRAM, "worker")
NUMBERS = [f"86137000000{ending}" for ending in range(10, 30)]
WHY = "ticket 4711: stops the gate"


class Run(NamedTuple):
    """What was met on the way, and what came of it."""

    sent: list[Sent]
    order: Sent
    tick: Sent
    stops: list[tuple[int, str]]
    """Code and words of each end, in order."""
    told: Told


def stop_of(gate: Gate, name: str, **environment: str) -> tuple[int, str]:
    """How a worker with the mistake ends by itself, and what it says."""
    with gate.worker(name, BROKEN, **environment) as worker:
        return worker.wait_for_end(), worker.said()


def typed(gate: Gate, said: str, *more: str, **instead: str) -> str:
    """Type the command that was told, with a reason; what it prints."""
    return gate.tollgate(*told_to_type(said, **instead), *more)


def told_to_type(said: str, **instead: str) -> list[str]:
    """The command that was told, with a reason."""
    [line] = re.findall(r"^ +(tollgate quarantine .*)$", said, re.MULTILINE)[-1:]
    words = shlex.split(line)[1:]
    for option, value in instead.items():
        words[words.index(f"--{option.replace('_', '-')}") + 1] = value
    words[words.index("--reason") + 1] = WHY
    return [*words, "--by", "ops", "--yes"]


@pytest.fixture(scope="module")
def run(kafka: EmbeddedBroker, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Two stops at an order, its act, a stop at a tick, its act, and on to the end."""
    folder = tmp_path_factory.mktemp("quarantine")
    gate = Gate(kafka, f"t{uuid.uuid4().hex[:12]}.", folder, example())
    now = now_ms()
    unsent = [keyed(order(number, "o-1", ASKS_NOT, now)) for number in NUMBERS]
    half = len(unsent) // 2
    planted = keyed(order(NUMBERS[half], PLANTED, ASKS_NOT, now))
    sent = gate.write(*unsent[:half], planted, *unsent[half:])
    stops = [stop_of(gate, "first"), stop_of(gate, "second")]
    typed(gate, stops[0][1])
    [tick] = gate.write(ticks_at(sent[half].partition, encoded(Tick(PLANTED, now_ms()))))
    stops.append(stop_of(gate, "third"))
    typed(gate, stops[2][1])
    with gate.worker("fourth", BROKEN) as worker:
        worker.wait(lambda: gate.has_taken([*sent, tick]), "all is taken")
        code = worker.stop()
        stops.append((code, worker.said()))
    return Run(sent, sent[half], tick, stops, Told(gate.history()))


def test_a_worker_names_the_record_it_stops_at_and_what_to_type(run: Run) -> None:
    """It ends with its code, the record's place, its masked key and the command, all told once, as
    the last of its log.
    """
    where = f"orders.v1 [{run.order.partition}] offset {run.order.offset}"
    for code, said in run.stops[:2]:
        assert code == Cause.IMPOSSIBLE.exit_code, said
        assert f"while deciding {where} (key …{NUMBERS[10][-3:]}): AssertionError" in said
        options = f"--partition {run.order.partition} --offset {run.order.offset} --reason 'WHY'"
        command = f"tollgate quarantine record orders.v1 {options}"
        assert command in "\n".join(said.splitlines()[-5:])
        assert said.count(command) == said.count("while deciding") == 1
        assert "the same records come again" not in said


def test_the_calls_are_shown_and_no_number(run: Run) -> None:
    """The log has the failing line for whoever mends it; an assertion's own text is masked."""
    said = run.stops[0][1]
    assert "planted.py" in said
    assert "a grant of …" in said
    assert not any(number in words for _, words in run.stops for number in NUMBERS)


def test_a_tick_is_named_like_any_other_record(run: Run) -> None:
    """A tick that stops the worker can be set aside too."""
    code, said = run.stops[2]
    assert code == Cause.IMPOSSIBLE.exit_code, said
    assert f"while deciding ticks.v1 [{run.tick.partition}] offset {run.tick.offset}: " in said


def test_the_gate_goes_on_behind_the_acts(run: Run) -> None:
    """With both acts on record the worker takes everything and stops only when asked."""
    assert run.stops[3][0] == 0, run.stops[3][1]
    for sent in run.sent:
        expected = "DEAD_LETTER" if sent is run.order else "APPROVED_NOT_ASKED"
        assert run.told.reasons(sent) == [expected]
    assert len(run.told.of(topics.CHARGES)) == len(NUMBERS)


def test_what_was_set_aside_is_a_dead_letter_that_names_its_act(run: Run) -> None:
    """Untouched, with who and why; its decision cites the act."""
    for sent in (run.order, run.tick):
        [letter] = run.told.letters(sent)
        assert (letter.key, letter.value) == (sent.key, sent.value)
        headers = dict(letter.headers)
        act_id = id_of(ActKind.QUARANTINE, *sent.place)
        assert headers["tollgate.cause"] == b"quarantined"
        assert headers["tollgate.act"] == act_id.encode()
        said = f"set aside by ops: {WHY} (act {act_id})"
        assert headers["__connect.errors.exception.message"] == said.encode()
        decision = run.told.decisions[sent.place][0]
        assert decision.reason == "DEAD_LETTER"
        assert [tuple(each) for each in decision.evidence] == [(topics.ACTS, act_id)]
    assert len(run.told.history.of(topics.DEAD_LETTERS)) == 2


def test_every_law_holds_over_stops_and_acts(run: Run) -> None:
    """The auditor finds nothing, the workers' logs included."""
    report = run.told.audit()
    assert report.held, told_of(report)


def test_what_is_due_cannot_be_set_aside_and_says_so(
    kafka: EmbeddedBroker, prefix: str, tmp_path: Path
) -> None:
    """A due act that fails names its tick and offers no command that would not help."""
    gate = Gate(kafka, prefix, tmp_path, example(prompt_life_ms=200, grace_ms=100))
    gate.write(keyed(order(LAPSING, "o-1", ASKS, now_ms())))
    code, said = stop_of(gate, "worker")
    assert code == Cause.IMPOSSIBLE.exit_code, said
    assert "while deciding what was due by ticks.v1 [" in said
    assert "no act can set it aside" in said
    assert "tollgate quarantine" not in said
    assert LAPSING not in said


def test_a_reference_record_is_set_aside_for_every_program(
    kafka: EmbeddedBroker, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends every worker, also one that is on its way, until its act is there; then the last good
    version stays in force, and the next one is in the place of what was set aside: also for whoever
    plans, and for a mended program that could take it. The assertion's number is masked.
    """
    gate = Gate(kafka, prefix, tmp_path, example())
    orders = [
        keyed(order(number, "o-1", ASKS_NOT, now_ms(), price_minor=price))
        for number, price in zip(NUMBERS, (100, 100, 300, 200, 300), strict=False)
    ]
    with gate.worker("first", BROKEN) as worker:
        early = gate.write(orders[0])
        worker.wait(lambda: gate.has_taken(early), "an order before it is taken")
        [sent] = gate.write(priced(gate, 200, charge_code=PLANTED))
        stops = [(worker.wait_for_end(), worker.said())]
    late = gate.write(orders[1])
    stops.append(stop_of(gate, "second"))
    for code, said in stops:
        assert code == Cause.IMPOSSIBLE.exit_code, said
        where = f"while reading services.v1 [0] offset {sent.offset}: "
        assert f"{where}AssertionError: a service for …077 without a price." in said
        assert LAPSING not in said
    words = told_to_type(stops[0][1])
    refused = gate.tollgate(*words, code=Cause.ACT_REFUSED.exit_code)
    assert "can be taken, and is: this version of the program does not stop at it" in refused
    with monkeypatch.context() as broken:
        broken.setattr(ReferenceReader, "take", take)
        with pytest.raises(Stop, match=f"services.v1 at offset {sent.offset} cannot be taken"):
            standing(gate)
    waited = gate.tollgate(*words, "--timeout", "0s", program=PROGRAM)
    assert "start those again that have stopped" in waited
    with gate.worker("third", BROKEN) as worker:
        worker.wait(lambda: gate.has_taken(late), "the order behind it is taken")
        assert "Set aside: it is a dead letter" in typed(gate, stops[0][1], "--timeout", "30s")
        gate.write(priced(gate, 300))
        behind = gate.write(*orders[2:4])
        worker.wait(lambda: gate.has_taken(behind), "orders after the next version are taken")
        assert worker.stop() == 0
    with gate.worker("mended") as worker:
        last = gate.write(orders[4])
        worker.wait(lambda: gate.has_taken(last), "an order is taken by a mended program")
        assert worker.stop() == 0
    told = Told(gate.history())
    [letter] = told.letters(sent)
    act_id = id_of(ActKind.QUARANTINE, *sent.place)
    assert dict(letter.headers)["tollgate.act"] == act_id.encode()
    assert len(told.history.of(topics.DEAD_LETTERS)) == 1
    reasons = [told.reasons(one) for one in (*early, *late, *behind, *last)]
    taken, not_taken = ["APPROVED_NOT_ASKED"], ["PRICE_MISMATCH"]
    assert reasons == [taken, taken, taken, not_taken, taken]
    assert told.audit().held, told_of(told.audit())
    assert f"at offset {sent.offset} is not in force: an operator set it aside" in standing(gate)


def priced(gate: Gate, price_minor: int, charge_code: str = "100801") -> Unsent:
    """The next version of the example's weather forecast, at a price."""
    with closing(Log(gate.settings)) as log:
        [before] = [
            record
            for (topic, name), record in read_standing(gate.settings, CODECS, log).latest.items()
            if (topic, name) == (topics.SERVICES, "huayu-weather")
        ]
    assert isinstance(before, Service)
    after = before._replace(
        version=before.version + 1, price_minor=price_minor, charge_code=charge_code
    )
    return Unsent(topics.SERVICES, after.service_id.encode(), encoded(after), 0)


def standing(gate: Gate) -> str:
    """What is not in force of the reference data, as whoever plans a change is told."""
    with closing(Log(gate.settings)) as log:
        return "\n".join(read_standing(gate.settings, CODECS, log).notes)


def test_a_bad_batch_is_let_pass_up_to_its_end_and_no_further(
    kafka: EmbeddedBroker, prefix: str, tmp_path: Path
) -> None:
    """The limit stops the worker; an act lets the batch pass; what comes behind stops it again."""
    limits = {"WINDOW": "100", "COUNT_MIN": "5", "SHARE_MAX": "5"}
    limits = {f"DEAD_LETTERS_{name}": value for name, value in limits.items()}
    gate = Gate(kafka, prefix, tmp_path, example(), **limits)
    good = keyed(order(NUMBERS[0], "good", ASKS_NOT, now_ms()))
    junk = [good._replace(value=b"junk")]
    sent = gate.write(*junk * 20, good)
    code, said = stop_of(gate, "first")
    assert code == Cause.DEAD_LETTERS.exit_code, said
    last = sent[-2].offset
    shown = typed(gate, said, up_to=str(last))
    assert "20 of 20 records not decided yet cannot be read (20 wrong_magic); the last of " in shown
    with gate.worker("second", BROKEN) as worker:
        worker.wait(lambda: gate.has_taken(sent), "the batch is taken")
        behind = gate.write(*junk * 5)
        assert worker.wait_for_end() == Cause.DEAD_LETTERS.exit_code
        assert f"--up-to {behind[-1].offset} " in worker.said()
    told = Told(gate.history())
    assert [told.reasons(one) for one in sent] == [["DEAD_LETTER"]] * 20 + [["APPROVED_NOT_ASKED"]]
    assert not any(told.reasons(one) for one in behind)
