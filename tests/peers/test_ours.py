"""W1 on our engine: packed rows and decisions against the audit's model, then on a real broker."""

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.broker import EmbeddedBroker
from tests.peers import audit, decision, generator, slots, speed
from tests.peers.audit import Model
from tests.peers.engines import named
from tests.peers.process import Process
from tests.peers.progress import Progress
from tests.peers.slots import CLOSED, GRANTED, OPEN, Row, Slot, Waiting
from tests.peers.w1 import Charge, Order, Prompt, Reply, admit, hear
from tests.peers.workload import CHARGES, DAY_MS, ORDER, PROMPTS, REPLY, Fields

OURS = named("ours")[0]
PATIENCE_S = 90.0

# Of one to four bytes each; all of Unicode takes Hypothesis seconds to list.
words = st.text("aZ0-\0\x7fé短信🎵", max_size=12)
longs = st.integers(-(2**63), 2**63 - 1)


@st.composite
def packable(draw: st.DrawFn) -> Slot:
    """Any slot, with any text in it; who waits was seen last."""
    seen = draw(st.lists(words, max_size=4))
    waiting = draw(st.integers(0, len(seen)))
    return Slot(
        draw(st.integers(-(2**31), 2**31 - 1)),
        draw(words),
        draw(st.sampled_from((CLOSED, OPEN, GRANTED))),
        draw(longs),
        tuple(seen),
        tuple(
            Waiting(order_id, draw(words), draw(longs)) for order_id in seen[len(seen) - waiting :]
        ),
    )


@given(st.lists(packable(), max_size=4))
def test_rows_are_loaded_as_they_were_dumped(row: list[Slot]) -> None:
    """Every slot comes back as it was, wherever it lies in the row."""
    packed = tuple(slots.pack(slot) for slot in row)
    assert slots.load(slots.dump(packed)) == packed
    assert [slots.unpack(each) for each in packed] == row


ids = st.sampled_from(("o1", "o2", "o3"))
services = st.sampled_from(("a", "ab"))
instants = st.integers(0, 3).map(lambda half_days: half_days * DAY_MS // 2)
orders = st.tuples(st.just(ORDER), ids, services, instants)
replies = st.tuples(st.just(REPLY), st.sampled_from(("Y", "N")), services, instants)


def event_of(schema_id: int, word: str, service: str, at: int) -> Fields:
    """An order or a reply of the one subscriber."""
    if schema_id == REPLY:
        return {
            "reply_id": "r",
            "msisdn": "861",
            "text": word,
            "channel": "sms",
            "received_at": at,
        }
    return {
        "order_id": word,
        "link_id": "L",
        "msisdn": "861",
        "sp_id": f"SP-{word}",
        "service_id": service,
        "price_fen": 100,
        "channel": "sms",
        "province": "Henan",
        "ordered_at": at,
    }


def ours_of(row: Row, event: Fields) -> tuple[Row, list[tuple[str, Prompt | Charge]]]:
    """What our job does with an event, as the model tells it."""
    if "reply_id" in event:
        row, approved = hear(row, Reply(**event))
        return row, [(CHARGES, charge) for charge in approved]
    row, output = admit(row, Order(**event))
    if output is None:
        return row, []
    return row, [(PROMPTS if isinstance(output, Prompt) else CHARGES, output)]


@given(st.lists(orders | replies, max_size=30))
def test_every_engine_in_python_decides_as_the_model_does(
    steps: list[tuple[int, str, str, int]],
) -> None:
    """Whatever comes in whatever order: repeated, dropped, asked again, on another day."""
    lists: decision.Slots = []
    model, row = Model(), Row()
    for step in steps:
        event = event_of(*step)
        expected = model.step(step[0], event)
        row, ours = ours_of(slots.load(slots.dump(row)), event)
        changed, peers = decision.step(lists, event)
        lists = changed or lists
        assert [name for name, _ in ours] == [name for name, _ in expected]
        assert len(peers) == len(expected)
        for (_, fields), (_, mine), (_, theirs) in zip(expected, ours, peers, strict=True):
            assert fields.items() <= mine._asdict().items()
            assert mine._asdict() == theirs


def test_ours_is_exact(kafka: EmbeddedBroker, prefix: str, tmp_path: Path) -> None:
    """A preloaded log is drained into exactly the outputs of the model, and that is measured."""
    run = prefix + "w1"
    drained = speed.measure(OURS._replace(rest_s=0.5), kafka, run, tmp_path, events=30_000, seed=1)
    assert drained.findings == audit.Findings(30_000, 30_000, 0, 0, 0, 0)
    assert drained.events_per_cpu_s_half > drained.events_per_cpu_s > 100
    assert drained.events_per_s_half > drained.events_per_s > 100
    with pytest.raises(RuntimeError, match="30,000 events in the log, not 30,010"):
        audit.check(kafka.bootstrap_servers, run, 30_010)


def test_ours_is_exact_after_kills(kafka: EmbeddedBroker, prefix: str, tmp_path: Path) -> None:
    """SIGKILL in the middle of turns, twice, loses nothing and doubles nothing."""
    run, events = prefix + "w1", 20_000
    generator.make_topics(kafka.bootstrap_servers, run)
    generator.preload(kafka.bootstrap_servers, run, events, seed=2)
    progress = Progress(kafka.bootstrap_servers, run)
    for share in (0.1, 0.4):
        with Process(OURS, kafka, run, tmp_path) as process:
            deadline = time.monotonic() + PATIENCE_S
            while progress.written() < share * events:
                process.sample()  # raises if it has ended by itself
                assert time.monotonic() < deadline
                time.sleep(0.01)
    assert progress.written() < events
    with Process(OURS, kafka, run, tmp_path) as process:
        progress.watch(process, events, 2.0, PATIENCE_S)
    found = audit.check(kafka.bootstrap_servers, run, events)
    assert found.is_exact, found
    assert found.outputs == events
