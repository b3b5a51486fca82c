"""Reference records at which our own code fails: who waits for what, whatever is read first."""

from itertools import permutations
from typing import Any, NamedTuple

import pytest

from streams.gate.reference import OperatorAct
from streams.gate.words import ActKind
from streams.ingress.acts import QUARANTINED
from streams.ingress.reference_log import ReferenceLog
from streams.topics import ACTS, REFERENCES, SERVICES
from tests.codec.samples import CODECS

STOP = RuntimeError("the end of the worker")
SERVICE, ACT = REFERENCES.index(SERVICES), REFERENCES.index(ACTS)


class Lying(NamedTuple):
    """A record of a reference topic."""

    at: int
    id: bytes
    content: bytes

    def offset(self) -> int:
        return self.at

    def key(self) -> bytes:
        return self.id

    def value(self) -> bytes:
        return self.content

    def headers(self) -> None:
        return None

    def timestamp(self) -> tuple[int, int]:
        return 1, 5


def act_on(offset: int, act_id: str) -> Lying:
    """An act on a service's record, at its own offset."""
    act = OperatorAct(act_id, ActKind.QUARANTINE, SERVICES, 0, offset, 1, "ops", "ticket 4711")
    return Lying(int(act_id), act_id.encode(), CODECS.encoder(ACTS, OperatorAct)(act))


def positions(**read: int) -> list[int]:
    """How far the topics were read; the others not at all."""
    found = [0] * len(REFERENCES)
    found[SERVICE], found[ACT] = read["services"], read["acts"]
    return found


@pytest.mark.parametrize("order", list(permutations(("refused", "act", "other act"))))
def test_a_record_waits_for_its_own_act_whatever_is_read_first(order: tuple[str, ...]) -> None:
    """Before the act nothing is decided behind the record; with it, it is a fault that names it."""
    log = ReferenceLog(CODECS)
    refused = Lying(7, b"star", b"nobody can read this")
    steps: dict[str, Any] = {
        "refused": lambda: log.refuse(SERVICE, refused, STOP),
        "act": lambda: log.fold(ACT, act_on(7, "0")),
        "other act": lambda: log.fold(ACT, act_on(8, "1")),
    }
    done = set()
    for step in order:
        steps[step]()
        done.add(step)
        is_stopped = "refused" in done and "act" not in done
        assert (log.stop_at(positions(services=8, acts=2)) is STOP) == is_stopped
        assert log.stop_at(positions(services=7, acts=2)) is None, "it lies behind what is decided"
    before, after = positions(services=7, acts=0), positions(services=8, acts=2)
    [fault] = log.faults_between(before, after)
    assert (fault.cause, fault.act_id) == (QUARANTINED, "0")
    assert fault.sentence == "set aside by ops: ticket 4711 (act 0)"
    assert (fault.topic, fault.offset, fault.value) == (SERVICES, 7, refused.content)
    assert list(log.faults_between(after, after)) == []


def test_an_act_on_a_record_that_can_be_taken_changes_nothing() -> None:
    """Not even one on a record that is faulty: its own fault is told."""
    log = ReferenceLog(CODECS)
    log.fold(ACT, act_on(7, "0"))
    log.fold(SERVICE, Lying(7, b"star", b"junk"))
    [fault] = log.faults_between(positions(services=7, acts=0), positions(services=8, acts=1))
    assert fault.cause != QUARANTINED
    assert fault.act_id is None
