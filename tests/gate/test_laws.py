"""The laws of DESIGN §2 over drawn histories: by hypothesis, and over thousands of seeds."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.gate.decide import LIFECYCLE, Event
from streams.gate.effects import Charge
from streams.gate.events import Reply
from streams.gate.words import Answer, Channel, State
from tests.gate.examples import BEGINNING, DAY, HOUR, catalogue, order, reply
from tests.gate.harness import Gate
from tests.gate.walk import KINDS, STATES, Walk

SEEDS = 2_000
STEPS = 40

histories = st.randoms(use_true_random=False)


def test_every_pair_of_state_and_event_is_stated() -> None:
    """The table of the life of a service day has a handler for each event in each state."""
    assert tuple(LIFECYCLE) == STATES == tuple(state for state in State if state != "UNKNOWN")
    for handlers in LIFECYCLE.values():
        assert {event.__name__ for event in handlers} == set(KINDS)


def test_the_laws_hold_on_thousands_of_walks_that_visit_every_state() -> None:
    """Laws 1 to 5, 6 and 7 hold after every step, and every event met every state on the way."""
    visited: set[tuple[State, str]] = set()
    for seed in range(SEEDS):
        walk = Walk(Random(seed))
        try:
            walk.run(STEPS)
            walk.close()
        except AssertionError as broken:
            broken.add_note(f"seed {seed}")
            raise
        visited |= walk.gate.visited
    assert visited == {(state, kind) for state in STATES for kind in KINDS if kind != "Overdue"}


@given(draw=histories)
@settings(max_examples=60, deadline=None)
def test_the_laws_hold_on_any_history(draw: Random) -> None:
    """Whatever is ordered, answered, repeated and changed, no law is broken."""
    walk = Walk(draw)
    walk.run(25)
    walk.close()


@given(draw=histories)
@settings(max_examples=40, deadline=None)
def test_the_same_log_gives_the_same_decisions(draw: Random) -> None:
    """Law 8: a new gate that is given the same records in the same order decides the same."""
    events = history(draw)
    first, second = Gate(catalogue()), Gate(catalogue())
    for event, at in events:
        deliver(first, event, at)
    for event, at in events:
        second.restart()
        deliver(second, event, at)
    assert first.taken == second.taken
    assert first.service_days == second.service_days


@given(draw=histories)
@settings(max_examples=40, deadline=None)
def test_publishing_everything_twice_charges_nothing_twice(draw: Random) -> None:
    """Law 2: with each record delivered twice, the same charges, verdicts and messages go out."""
    events = history(draw)
    once, twice = Gate(catalogue()), Gate(catalogue())
    for event, at in events:
        deliver(once, event, at)
        deliver(twice, event, at)
        deliver(twice, event, at)
    assert once.charges == twice.charges
    assert once.verdicts == twice.verdicts
    assert once.messages == twice.messages


@given(draw=histories, text=st.text(max_size=12))
@settings(max_examples=100, deadline=None)
def test_nothing_but_a_clear_yes_ever_leads_to_a_charge(draw: Random, text: str) -> None:
    """Law 5: when every reply is some other text, not one order is charged."""
    gate = Gate(catalogue())
    in_force = gate.catalogue.policy_at(BEGINNING)
    assert in_force is not None
    for event, at in history(draw):
        said = event._replace(text=text) if isinstance(event, Reply) else event
        deliver(gate, said, at)
    charged = any(isinstance(each, Charge) for each in gate.sent)
    assert not charged or in_force.answer(Channel.SMS, text) is Answer.YES


def history(draw: Random) -> list[tuple[Event | None, int]]:
    """Records with their times; None is a tick."""
    at, events = BEGINNING + DAY - HOUR, list[tuple[Event | None, int]]()
    for place in range(draw.randint(1, 12)):
        at += draw.choice((0, 1, 60_000, HOUR))
        kinds: tuple[Event | None, ...] = (
            order(f"o-{draw.randint(1, 4)}", at),
            order(f"o-{place}", at),
            reply(f"r-{place}", at, draw.choice(("Y", "N", "?"))),
            None,
        )
        events.append((draw.choice(kinds), at))
    return events


def deliver(gate: Gate, event: Event | None, at: int) -> None:
    if event is None:
        gate.tick(at)
    else:
        gate.take(event, at)
