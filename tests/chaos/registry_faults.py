"""The schema registry is away while a record comes whose schema only it knows (the full gate)."""

import time

from streams import topics
from streams.audit import audit, released
from streams.codec.ids import repository
from streams.codec.registry import register
from streams.errors import Cause
from tests.app.rig import ASKS_NOT, Gate, Told, Worker, example, keyed, now_ms, order, told_of
from tests.chaos.row import Observed, Row
from tests.chaos.stage import Stage, prefix
from tests.codec.registry import MemoryRegistry, serve

_MSISDN = "8613900000001"
_FRAME_BYTES = 5
_STARTS_AWAY = 2


def _away_while_an_id_is_new(stage: Stage, _seed: int) -> Observed:
    theirs, nobodys = stage.draws.sample(range(7, 1_000), 2)
    gate = Gate(stage.kafka, prefix(), stage.place("gate"), example(), PARTITIONS="1")
    memory = MemoryRegistry()
    url = stage.enter(serve(memory))
    register(url, gate.settings.topic_prefix)
    with gate.worker(SCHEMA_REGISTRY_URL=url) as worker:
        _decides(gate, worker, "before")
        memory.gone = True
        good = keyed(order(_MSISDN, "theirs", ASKS_NOT, now_ms()))
        assert good.value is not None
        (sent,) = gate.write(good._replace(value=_framed(theirs, good.value)))
        assert worker.wait_for_end() == Cause.REGISTRY_AWAY.exit_code, worker.said()
    for _ in range(_STARTS_AWAY):
        ended = gate.refused(SCHEMA_REGISTRY_URL=url)
        assert ended.code == Cause.REGISTRY_AWAY.exit_code, ended.said
        assert not gate.has_taken([sent])
    memory.texts[theirs] = repository().newest(topics.ORDERS).schema.text
    memory.gone = False
    began = time.monotonic()
    with gate.worker(SCHEMA_REGISTRY_URL=url) as worker:
        worker.wait(lambda: gate.has_taken([sent]), "the order of the new schema is decided")
        again_s = time.monotonic() - began
        good = keyed(order(_MSISDN, "nobodys", ASKS_NOT, now_ms()))
        assert good.value is not None
        (unknown,) = gate.write(good._replace(value=_framed(nobodys, good.value)))
        worker.wait(lambda: gate.has_taken([unknown]), "the order of no schema is taken")
        assert worker.stop() == 0
    told = Told(gate.history())
    assert told.reasons(sent) == ["APPROVED_NOT_ASKED"], told.reasons(sent)
    assert told.letters(sent) == []
    assert told.reasons(unknown) == ["DEAD_LETTER"], told.reasons(unknown)
    (letter,) = told.letters(unknown)
    assert b"not known" in (dict(letter.headers)["__connect.errors.exception.message"] or b"")
    # The auditor has the schemas of the repository, and here the registry's one.
    schemas = released()
    schemas._by_id[theirs] = schemas._by_id[repository().newest(topics.ORDERS).id]
    report = audit(told.history, schemas, drained=True)
    assert not report.findings, told_of(report)
    return Observed(
        "REGISTRY_AWAY at the record and at every start; the registry back, the order is charged; "
        "an id that it does not know is a dead letter; the auditor is silent",
        (again_s,),
    )


def _framed(schema_id: int, value: bytes) -> bytes:
    """The same body under another id."""
    return b"\0" + schema_id.to_bytes(4, "big") + value[_FRAME_BYTES:]


def _decides(gate: Gate, worker: Worker, name: str) -> None:
    sent = gate.write(keyed(order(_MSISDN, name, ASKS_NOT, now_ms())))
    worker.wait(lambda: gate.has_taken(sent), "an order is decided")


ROWS = (
    Row(
        "registry-away",
        "the schema registry is gone when an order with a schema id of a centre's own comes; "
        "it comes back and knows it; then an id comes that nobody ever registered",
        (4, 10),
        "no dead letter for an id that nobody could be asked about: the worker stops until the "
        "registry is back, then decides the order; an id that is not there is a dead letter",
        _away_while_an_id_is_new,
    ),
)
