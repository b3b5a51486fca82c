"""Reference records with a fault, met on the topic: the last good version stays in force.

Two workers, one after the other on the same state, on topics that somebody has written to by hand.
"""

import uuid
from typing import Any, NamedTuple

import pytest

from streams import topics
from streams.broker import EmbeddedBroker
from streams.gate.reference import Names, Provider, Service
from streams.gate.words import Channel, ProviderStatus, Scope, ServiceStatus
from tests.app.rig import (
    ASKS_NOT,
    Gate,
    Sent,
    Told,
    Unsent,
    encoded,
    example,
    keyed,
    now_ms,
    order,
    told_of,
)

BY = ("somebody", "by hand")


def service(service_id: str, version: int, price_minor: int, provider_id: str) -> Service:
    """A version of a service by SMS."""
    names = Names("服务", "Service")
    status = ServiceStatus.ON_SALE
    return Service(
        service_id,
        provider_id,
        Channel.SMS,
        names,
        price_minor,
        "CNY",
        "700099",
        status,
        version,
        *BY,
    )


def written(topic: str, record_id: str, value: bytes | None) -> Unsent:
    """A record on a reference topic."""
    return Unsent(topic, record_id.encode(), value, 0)


HUAYU = Provider(
    "huayu", Names("华", "Huayu"), Scope.NATIONAL, None, ProviderStatus.BLACKLISTED, 2, *BY
)
FAULTS = (
    ("wrong_magic", written(topics.SERVICES, "huayu-weather", b"junk")),
    ("no_value", written(topics.SERVICES, "huayu-weather", None)),
    (
        "reference_fault",  # a version left out
        written(
            topics.SERVICES, "huayu-weather", encoded(service("huayu-weather", 3, 999, "huayu"))
        ),
    ),
    (
        "reference_fault",  # below nothing
        written(
            topics.SERVICES, "huayu-weather", encoded(service("huayu-weather", 2, -1, "huayu"))
        ),
    ),
    ("key_mismatch", written(topics.PROVIDERS, "xinghai", encoded(HUAYU))),
    *(
        ("wrong_magic", written(name, "anything", b"junk"))
        for name in topics.REFERENCES
        if name != topics.SERVICES
    ),
    ("no_value", written(topics.POLICIES, "notice", None)),
)
GOOD = (
    written(topics.SERVICES, "huayu-joke", encoded(service("huayu-joke", 2, 150, "huayu"))),
    written(topics.SERVICES, "orphan", encoded(service("orphan", 1, 100, "nobody"))),
)
LATER = ("truncated", written(topics.POLICIES, "notice", b"\0"))


class Judged(NamedTuple):
    """What became of the faulty records and of the orders behind them."""

    told: Told
    faults: list[tuple[str, Sent]]
    orders: dict[str, Sent]


@pytest.fixture(scope="module")
def judged(kafka: EmbeddedBroker, tmp_path_factory: pytest.TempPathFactory) -> Judged:
    """Faults before the first start, one more while the second worker runs."""
    gate = Gate(
        kafka, f"t{uuid.uuid4().hex[:12]}.", tmp_path_factory.mktemp("reference"), example()
    )
    sent = gate.write(*(one for _, one in FAULTS), *GOOD)
    orders = _ordered(gate, "first", plain={}, new={"service_id": "huayu-joke", "price_minor": 150})
    orders |= _ordered(
        gate,
        "other",
        old={"service_id": "huayu-joke"},
        orphan={"service_id": "orphan", "provider_id": "nobody"},
        jump={"price_minor": 999},
    )
    with gate.worker() as worker:
        worker.wait(lambda: gate.has_taken(list(orders.values())), "the first orders")
        worker.wait(lambda: _letters(gate) == len(FAULTS), "the first dead letters")
        assert worker.stop() == 0
    with gate.worker() as worker:
        orders |= _ordered(gate, "again", plain={})
        later = gate.write(LATER[1])
        worker.wait(lambda: gate.has_taken(list(orders.values())), "the later order")
        worker.wait(lambda: _letters(gate) == len(FAULTS) + 1, "the later dead letter")
        assert worker.stop() == 0
    causes = [cause for cause, _ in FAULTS]
    faults = [*zip(causes, sent, strict=False), (LATER[0], later[0])]
    return Judged(Told(gate.history()), faults, orders)


def _ordered(gate: Gate, when: str, **wanted: dict[str, Any]) -> dict[str, Sent]:
    """An order each, by a subscriber of its own, by `when` and its name."""
    unsent = {
        f"{when} {name}": keyed(
            order(f"86139000001{place:02}", f"{when}-{name}", ASKS_NOT, now_ms(), **changes)
        )
        for place, (name, changes) in enumerate(wanted.items())
    }
    return dict(zip(unsent, gate.write(*unsent.values()), strict=True))


def _letters(gate: Gate) -> int:
    return len(gate.history().of(topics.DEAD_LETTERS))


@pytest.mark.parametrize("place", range(len(FAULTS) + 1))
def test_a_faulty_version_is_set_aside_once(judged: Judged, place: int) -> None:
    """Partition 0 writes one dead letter and one decision for it, a restart none again."""
    cause, fault = judged.faults[place]
    letters = judged.told.letters(fault)
    assert len(letters) == 1
    assert letters[0].partition == 0
    assert (letters[0].key, letters[0].value) == (fault.key, fault.value)
    assert dict(letters[0].headers)["tollgate.cause"] == cause.encode()
    assert judged.told.reasons(fault) == ["DEAD_LETTER"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("first plain", "APPROVED_NOT_ASKED"),
        ("first new", "APPROVED_NOT_ASKED"),
        ("other old", "PRICE_MISMATCH"),
        ("other jump", "PRICE_MISMATCH"),
        ("other orphan", "PROVIDER_UNKNOWN"),
        ("again plain", "APPROVED_NOT_ASKED"),
    ],
)
def test_the_last_good_version_stays_in_force(judged: Judged, name: str, reason: str) -> None:
    """Orders are judged by the last good versions; a dangling id counts when it is met."""
    assert judged.told.reasons(judged.orders[name]) == [reason]


def test_a_decision_names_how_far_reference_data_was_read(judged: Judged) -> None:
    """Every order's decision stands on all reference records written before it, faulty or not."""
    positions = dict.fromkeys(topics.REFERENCES, 0)
    for _, fault in judged.faults[:-1]:
        positions[fault.topic] = max(positions[fault.topic], fault.offset + 1)
    for sent in judged.orders.values():
        named = judged.told.decisions[sent.place][0].reference
        assert all(
            at >= positions[topic] for topic, at in zip(topics.REFERENCES, named, strict=True)
        )


def test_every_law_holds_over_faulty_reference_data(judged: Judged) -> None:
    """The auditor, who reads the reference topics for itself, comes to the same."""
    report = judged.told.audit()
    assert report.held, told_of(report)
