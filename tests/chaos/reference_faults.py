"""A reference topic is deleted and made again: under a worker, and while none runs (the gate)."""

import time

from confluent_kafka.admin import NewTopic

from streams import topics
from streams.errors import Cause
from streams.reference import applying
from streams.reference.problems import Refused
from tests.app.rig import ASKS_NOT, PATIENCE_S, Gate, example, keyed, now_ms, order
from tests.chaos.row import Observed, Row
from tests.chaos.stage import Stage, prefix

_MSISDN = "8613900000001"
# Whatever is noticed first: the topic's id, that it is gone, or that it is shorter.
_LOUD = (Cause.STATE_AHEAD, Cause.TOPIC_MISSING, Cause.LOG_TRUNCATED)
# The topics' ids are asked every 2 s, and the process has to end.
_NOTICED_WITHIN_S = 15.0


def _made_again(stage: Stage, _seed: int) -> Observed:
    name = stage.draws.choice((topics.SERVICES, topics.POLICIES, topics.PROVIDERS))
    gate = Gate(stage.kafka, prefix(), stage.place("gate"), example(), PARTITIONS="1")
    with gate.worker() as worker:
        sent = gate.write(keyed(order(_MSISDN, "before", ASKS_NOT, now_ms())))
        worker.wait(lambda: gate.has_taken(sent), "an order is decided")
        _make_again(gate, name)
        began = time.monotonic()
        first = worker.wait_for_end()
        assert first in {cause.exit_code for cause in _LOUD}, worker.said()
        noticed_s = time.monotonic() - began
    assert noticed_s <= _NOTICED_WITHIN_S, f"noticed after {noticed_s:.1f} s only"
    # Longer than it was: everything once more, and once more.
    for reason in ("made again", "and more"):
        try:
            applying.apply_file(gate.settings, example(), by="tests", reason=reason)
        except Refused:
            # A policy in force is never written again behind what was decided: it stays shorter.
            assert name == topics.POLICIES
    later = gate.write(keyed(order(_MSISDN, "after", ASKS_NOT, now_ms())))
    ended = gate.refused()
    assert ended.code == Cause.STATE_AHEAD.exit_code, ended.said
    assert not gate.has_taken(later), "it went on deciding"
    return Observed(
        "a stop that names the topic, and STATE_AHEAD at the start; nothing decided",
        (),
        {"noticed after, s": noticed_s},
    )


def _make_again(gate: Gate, topic: str) -> None:
    name = gate.settings.topic_prefix + topic
    gate.admin.delete_topics([name])[name].result()
    end = time.monotonic() + PATIENCE_S
    while gate.admin.create_topics([NewTopic(name, 1, 1)])[name].exception() is not None:
        assert time.monotonic() < end, f"{name} cannot be made again"
        time.sleep(0.2)


ROWS = (
    Row(
        "reference-made-again",
        "a reference topic is deleted and made again under a worker, then filled longer than it "
        "was while none runs",
        (8, 9),
        "a stop that says so, both times; nothing is decided by other reference data",
        _made_again,
    ),
)
