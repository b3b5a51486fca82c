"""`tollgate quarantine`: acts as an operator types them, and what is refused unwritten."""

import getpass
import shlex
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from confluent_kafka import Producer, TopicPartition

from streams import clients, topics
from streams.acts import Recorded, Recorder, id_of
from streams.acts.recording import _ACTING
from streams.broker import EmbeddedBroker
from streams.cli.main import tollgate
from streams.errors import Cause, Stop
from streams.gate.reference import OperatorAct
from streams.gate.words import ActKind
from streams.history import TopicSource
from streams.ingress.acts import record_command, unreadable_command
from streams.reference.log import Writer
from streams.reference.reader import ReferenceReader
from tests.app.planted import PLANTED, take
from tests.app.rig import ASKS_NOT, CODECS, Gate, Unsent, example, keyed, now_ms, order, ticks_at

NUMBER = "8613700000017"
NEIGHBOUR = "8613700000018"  # of the other partition
WHY = ("--reason", "ticket 4711", "--yes")
# Decided before the worker was stopped; behind these lie records that nobody has taken.
DECIDED, OPEN = 5, 10


@pytest.fixture(scope="module")
def gate(kafka: EmbeddedBroker, tmp_path_factory: pytest.TempPathFactory) -> Gate:
    """A gate whose worker has decided some records of a subscriber, and stopped before others."""
    made = Gate(kafka, "quarantine-tests.", tmp_path_factory.mktemp("quarantine"), example())
    first = made.write(
        *(keyed(order(NUMBER, f"o-{n}", ASKS_NOT, now_ms())) for n in range(DECIDED))
    )
    with made.worker() as worker:
        worker.wait(lambda: made.has_taken(first), "the first orders are decided")
        worker.wait(lambda: made.committed()[topics.TICKS, 0] > 0, "a tick is taken")
        assert worker.stop() == 0
    good = keyed(order(NUMBER, "open", ASKS_NOT, now_ms()))
    made.write(*[good, good._replace(value=b"no order")] * (OPEN // 2))
    made.write(keyed(order(NEIGHBOUR, "open", ASKS_NOT, now_ms())))
    return made


@pytest.fixture(scope="module")
def home(gate: Gate) -> int:
    """The partition on which the subscriber's records lie."""
    return keyed(order(NUMBER, "o", ASKS_NOT, 0)).home(gate.settings.partitions)


def typed(gate: Gate, *words: str, answer: str = "", **environment: str) -> Result:
    """A command in this process, against this gate."""
    return CliRunner(env=gate.environment | environment).invoke(
        tollgate, ["quarantine", *words], input=answer
    )


def at(partition: int, offset: int) -> tuple[str, ...]:
    """A record of a gate whose workers have stopped: nothing is waited for."""
    return "--partition", str(partition), "--offset", str(offset), "--timeout", "0s"


def acts(gate: Gate) -> list[tuple[bytes | None, OperatorAct]]:
    """What lies on the acts' topic: key and act."""
    source, home = TopicSource.open(gate.settings), (topics.ACTS, 0)
    entries = source.read(home, *source.spans[home])
    return [(entry.key, CODECS.decode(topics.ACTS, entry.value)) for entry in entries]


def test_an_act_is_recorded_with_who_and_why(gate: Gate, home: int) -> None:
    """The record is shown masked; the act names it, its author and the reason, under its own id."""
    result = typed(gate, "record", "orders", *at(home, DECIDED), *WHY)
    assert result.exit_code == 0, result.output
    assert f'"key": "…{NUMBER[-3:]}"' in result.output
    assert NUMBER not in result.output
    act_id = id_of(ActKind.QUARANTINE, topics.ORDERS, home, DECIDED)
    assert f"act {act_id} by {getpass.getuser()} (ticket 4711)" in result.output
    key, act = acts(gate)[-1]
    assert key == act_id.encode()
    assert act == OperatorAct(
        act_id,
        ActKind.QUARANTINE,
        topics.ORDERS,
        home,
        DECIDED,
        1,
        getpass.getuser(),
        "ticket 4711",
    )


def test_the_same_act_twice_is_one(gate: Gate, home: int) -> None:
    """Typed again, by whomever, it says that it is on record, and writes nothing."""
    for by in ("mo", "anne"):
        words = ("record", "orders.v1", *at(home, DECIDED + 2), *WHY, "--by", by)
        assert typed(gate, *words).exit_code == 0
    act_id = id_of(ActKind.QUARANTINE, topics.ORDERS, home, DECIDED + 2)
    assert [act.changed_by for _, act in acts(gate) if act.act_id == act_id] == ["mo"]
    again = typed(gate, *words)
    assert f"Nothing to do: act {act_id} by mo (ticket 4711) is on record already." in again.output


def test_without_a_yes_nothing_is_written(gate: Gate, home: int) -> None:
    """The question shows what is about to be done; anything but a yes ends it."""
    before = acts(gate)
    words = ("record", "orders", *at(home, DECIDED + 1), "--reason", "ticket 4711")
    for answer in ("n\n", ""):
        result = typed(gate, *words, answer=answer)
        assert result.exit_code == Cause.ACT_REFUSED.exit_code
        assert "Nothing was written; --yes writes without asking." in result.output
        assert "Aborted" not in result.output
        assert (
            f"Set record {DECIDED + 1} of quarantine-tests.orders.v1 [{home}] aside, for ever?"
            in (result.output)
        )
    assert acts(gate) == before
    assert typed(gate, *words, answer="y\n").exit_code == 0
    assert len(acts(gate)) == len(before) + 1


def test_numbers_are_masked_before_they_are_kept_for_ever(gate: Gate, home: int) -> None:
    """A reason or a name with a subscriber's number is written without it."""
    words = ("--reason", f"as {NUMBER} called", "--by", f"mo {NUMBER}", "--yes")
    result = typed(gate, "record", "orders", *at(home, DECIDED + 4), *words)
    assert result.exit_code == 0, result.output
    _, act = acts(gate)[-1]
    assert (act.reason, act.changed_by) == ("as …017 called", "mo …017")
    assert NUMBER not in result.output


def test_what_cannot_be_read_is_counted_before_it_is_let_pass(gate: Gate, home: int) -> None:
    """How many records, for which cause, where the last one lies; lower acts are covered."""

    def words(offset: int) -> tuple[str, ...]:
        return ("unreadable", "orders", "--partition", str(home), "--up-to", str(offset), *WHY)

    result = typed(gate, *words(DECIDED + 3))
    assert result.exit_code == 0, result.output
    assert (
        "2 of 4 records not decided yet cannot be read (2 wrong_magic); the last of them is "
        f"offset {DECIDED + 3}."
    ) in result.output
    _, act = acts(gate)[-1]
    assert (act.kind, act.topic, act.partition) == (ActKind.RAISE_LIMIT, topics.ORDERS, home)
    assert act.offset == DECIDED + 3
    before = acts(gate)
    assert "on record already" in typed(gate, *words(DECIDED + 1)).output
    assert acts(gate) == before
    assert typed(gate, *words(DECIDED + 5)).exit_code == 0
    assert acts(gate)[-1][1].offset == DECIDED + 5


def test_a_tick_can_be_set_aside(gate: Gate) -> None:
    """Ticks are inputs like any other, without a key."""
    [tick] = gate.write(ticks_at(1, b"tock"))
    result = typed(gate, "record", "ticks", *at(1, tick.offset), *WHY)
    assert result.exit_code == 0, result.output
    assert acts(gate)[-1][1][2:5] == (topics.TICKS, 1, tick.offset)


def test_an_act_that_no_worker_can_take_can_be_set_aside(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Acts lie on a reference topic themselves: the command does not end at the one it is on."""
    act = OperatorAct(PLANTED, ActKind.RAISE_LIMIT, topics.CARE, 0, 0, 1, "ops", "ticket 4711")
    value = CODECS.encoder(topics.ACTS, OperatorAct)(act)
    [sent] = gate.write(Unsent(topics.ACTS, PLANTED.encode(), value, 0))
    monkeypatch.setattr(ReferenceReader, "take", take)
    words = ("record", "acts", *at(0, sent.offset), *WHY)
    for said in ("On record: ", "Nothing to do: "):
        result = typed(gate, *words)
        assert result.exit_code == 0, result.output
        assert f"{said}act {id_of(ActKind.QUARANTINE, *sent.place)} by " in result.output


def test_reference_data_that_stops_no_worker_is_not_set_aside(gate: Gate) -> None:
    """What can be taken is answered by the next version; what cannot be read is out by itself."""
    [junk] = gate.write(Unsent(topics.PROVIDERS, b"some", b"junk", 0))
    before = acts(gate)
    for topic, offset, sentence, advice in (
        ("services", 0, "can be taken, and is: this version of", "`tollgate reference apply`"),
        ("providers", junk.offset, "is not in force, and no worker stops at it: the value", ""),
    ):
        refused = typed(gate, "record", topic, *at(0, offset), *WHY)
        assert refused.exit_code == Cause.ACT_REFUSED.exit_code
        assert f"offset {offset} of quarantine-tests.{topic}.v1 [0] {sentence}" in refused.output
        assert advice in refused.output
    assert acts(gate) == before


def test_what_a_worker_says_to_type_can_be_typed(gate: Gate, home: int) -> None:
    """Both commands that are told are commands, but for the reason."""
    for command in (
        record_command(topics.ORDERS, home, DECIDED),
        unreadable_command(topics.ORDERS, home, DECIDED + 1),
    ):
        program, name, *words = shlex.split(command)
        assert (program, name) == ("tollgate", "quarantine")
        assert typed(gate, *words, "--yes").exit_code == 0


REFUSED: dict[str, tuple[Callable[[int], tuple[str, ...]], int, str]] = {
    "no such topic": (
        lambda home: ("record", "ordres", *at(home, 5), *WHY),
        2,
        "there is no topic 'ordres'; is it orders?",
    ),
    "no input": (
        lambda home: ("record", "decisions", *at(home, 0), *WHY),
        2,
        "decisions.v1 is no input nor reference data; this is for records of orders.v1, ",
    ),
    "no limit of reference data": (
        lambda _: ("unreadable", "services", "--partition", "0", "--up-to", "0", *WHY),
        2,
        "services.v1 is no input; this is for records of orders.v1, ",
    ),
    "no second partition of reference data": (
        lambda _: ("record", "services", *at(1, 0), *WHY),
        Cause.ACT_REFUSED.exit_code,
        "services.v1 has one partition, 0: there is no 1",
    ),
    "no such partition": (
        lambda _: ("record", "orders", *at(2, 5), *WHY),
        Cause.ACT_REFUSED.exit_code,
        "orders.v1 has 2 partitions, 0 to 1: there is no 2",
    ),
    "beyond the end": (
        lambda home: ("record", "orders", *at(home, DECIDED + OPEN), *WHY),
        Cause.ACT_REFUSED.exit_code,
        f"ends at offset {DECIDED + OPEN}: there is no record {DECIDED + OPEN} yet",
    ),
    "limit beyond the end": (
        lambda home: (
            *("unreadable", "orders", "--partition", str(home)),
            *("--up-to", str(DECIDED + OPEN), *WHY),
        ),
        Cause.ACT_REFUSED.exit_code,
        "there is no record",
    ),
    "decided": (
        lambda home: ("record", "orders", *at(home, DECIDED - 1), *WHY),
        Cause.ACT_REFUSED.exit_code,
        f"it is decided already (the group is at {DECIDED})",
    ),
    "limit below what is decided": (
        lambda _: ("unreadable", "ticks", "--partition", "0", "--up-to", "0", *WHY),
        Cause.ACT_REFUSED.exit_code,
        "all up to it are decided already",
    ),
    "no reason": (
        lambda home: ("record", "orders", *at(home, DECIDED), "--yes"),
        2,
        "Missing option '--reason'",
    ),
    "empty reason": (
        lambda home: ("record", "orders", *at(home, DECIDED), "--reason", " ", "--yes"),
        2,
        "it is empty",
    ),
    "reason of two lines": (
        lambda home: ("record", "orders", *at(home, DECIDED), "--reason", "a\nb", "--yes"),
        2,
        "it must be one line of signs that are seen: '\\n' at sign 2",
    ),
    "name in colour": (
        lambda home: ("record", "orders", *at(home, DECIDED), *WHY, "--by", "\x1b[31mred", "--yes"),
        2,
        "'\\x1b' at sign 1",
    ),
    "endless reason": (
        lambda home: ("record", "orders", *at(home, DECIDED), "--reason", "x" * 501, "--yes"),
        2,
        "it has 501 signs, at most 500",
    ),
    "negative offset": (
        lambda home: ("record", "orders", *at(home, -1), *WHY),
        2,
        "-1 is not in the range",
    ),
    "no offset": (
        lambda home: ("record", "orders", "--partition", str(home), *WHY),
        2,
        "Missing option '--offset'",
    ),
}


def test_what_only_a_worker_can_tell_is_let_pass_on_demand(gate: Gate, home: int) -> None:
    """Conflicts can be read: an act for them is refused, and written when it is said so."""
    words = ("unreadable", "orders", "--partition", str(1 - home), "--up-to", "0", *WHY)
    before = acts(gate)
    refused = typed(gate, *words)
    assert refused.exit_code == Cause.ACT_REFUSED.exit_code
    assert "up to offset 0 can be read" in refused.output
    assert "say --readable-too" in refused.output
    assert acts(gate) == before
    result = typed(gate, *words, "--readable-too")
    assert result.exit_code == 0, result.output
    assert "0 of 1 records not decided yet cannot be read (none)." in result.output
    assert acts(gate)[-1][1][1:5] == (ActKind.RAISE_LIMIT, topics.ORDERS, 1 - home, 0)


@pytest.mark.parametrize("name", REFUSED)
def test_bad_input_is_refused_with_its_reason(gate: Gate, home: int, name: str) -> None:
    """Each mistake has a sentence and a code, and leaves nothing on the topic."""
    words, code, sentence = REFUSED[name]
    before = acts(gate)
    result = typed(gate, *words(home))
    assert (result.exit_code, sentence in result.output) == (code, True), result.output
    assert acts(gate) == before


def test_what_is_no_record_or_gone_is_refused(
    kafka: EmbeddedBroker, prefix: str, tmp_path: Path
) -> None:
    """A transaction's mark is no record; what was deleted from the log is not there any more."""
    gate = Gate(kafka, prefix, tmp_path, example())
    full = f"{prefix}{topics.ORDERS}"
    producer = Producer(
        clients.producer(gate.settings, "test") | {"transactional.id": f"{prefix}centre"}
    )
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(full, b"junk", NUMBER.encode(), 0)
    producer.commit_transaction(30)
    [behind] = gate.write(keyed(order(NUMBER, "o", ASKS_NOT, now_ms()))._replace(partition=0))
    mark = typed(gate, "record", "orders", *at(0, behind.offset - 1), *WHY)
    assert mark.exit_code == Cause.ACT_REFUSED.exit_code
    assert "holds no record, but a transaction's mark" in mark.output
    [deleted] = gate.admin.delete_records([TopicPartition(full, 0, 1)]).values()
    assert deleted.result(30).low_watermark == 1
    gone = typed(gate, "record", "orders", *at(0, 0), *WHY)
    assert gone.exit_code == Cause.ACT_REFUSED.exit_code
    assert "begins at offset 1: record 0 is gone from the log" in gone.output
    assert acts(gate) == []


def test_of_two_at_the_same_moment_the_first_writes_nothing(gate: Gate, home: int) -> None:
    """Whoever begins to record an act fences out whoever has begun before."""
    first = Writer(gate.settings, _ACTING)
    words = ("record", "orders", *at(home, DECIDED + 6), *WHY)
    assert typed(gate, *words).exit_code == 0
    before = acts(gate)
    with pytest.raises(Stop) as stopped:
        first.write([(f"{gate.settings.topic_prefix}{topics.ACTS}", b"late", b"late")])
    assert stopped.value.cause is Cause.FENCED
    assert "somebody else has begun to record one" in str(stopped.value)
    assert "it says whether the act is on record" in str(stopped.value)
    assert acts(gate) == before


def test_what_became_of_the_record_is_told(
    kafka: EmbeddedBroker, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that knows the act sets the record aside; one that was faster has decided it, and
    whoever acted is told so, also when the same is typed again.
    """
    gate = Gate(kafka, prefix, tmp_path, example())
    orders = [keyed(order(NUMBER, f"o-{n}", ASKS_NOT, now_ms())) for n in range(2)]
    aside, late = gate.write(*orders)
    words = ("record", "orders", "--partition", str(aside.partition), "--offset")
    unmet = typed(gate, *words, str(aside.offset), *WHY, "--timeout", "0s")
    assert "start those again that have stopped" in unmet.output
    record, workers = Recorder.record, []
    with ExitStack() as stack:

        def record_late(*of: Any) -> Recorded:
            """The record was judged as undecided, and is decided before the act is written."""
            workers.append(stack.enter_context(gate.worker()))
            workers[0].wait(lambda: gate.has_taken([aside, late]), "both are taken")
            return record(*of)

        monkeypatch.setattr(Recorder, "record", record_late)
        told = [typed(gate, *words, str(late.offset), *WHY) for _ in range(2)]
        done = typed(gate, *words, str(aside.offset), *WHY)
        assert [worker.stop() for worker in workers] == [0]
    for result in told:
        assert result.exit_code == Cause.ACT_TOO_LATE.exit_code, result.output
        where = f"offset {late.offset} of {prefix}orders.v1 [{late.partition}]"
        assert f"a worker had decided {where} (APPROVED_NOT_ASKED)" in result.output
        assert "It stays on record and changes nothing" in result.output
    assert done.exit_code == 0, done.output
    assert "on record already" in done.output
    assert "Set aside: it is a dead letter, and nothing was done." in done.output


def test_a_broker_that_is_away_is_told(gate: Gate, home: int) -> None:
    """Nobody listens there: the command says so and ends with that cause's code."""
    away: dict[str, Any] = {"TOLLGATE_BOOTSTRAP_SERVERS": "127.0.0.1:1"}
    result = typed(gate, "record", "orders", *at(home, DECIDED), *WHY, **away)
    assert result.exit_code == Cause.BROKER_AWAY.exit_code, result.output
