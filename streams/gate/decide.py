"""The gate: decide(what is remembered, the event, the facts) gives the Decision.

The life of a service day (one subscriber, one service, one operator-local day) is the table below.
Its state follows from its row: is something granted, is a prompt open.

    FRESH          neither: the next order is asked about, unless the policy asks for no yes
    ASKED          a prompt is open, orders wait on it
    GRANTED        a yes covers the orders of the day, within its price, count and amount
    GRANTED_ASKED  both: the grant no longer covers what is ordered, and a prompt is open

The law of this file:
- every pair of state and event is stated, so that "nothing happens" is a choice somebody made;
- deciding reads nothing but its three arguments, changes nothing, and gives the same answer for
  ever (law 8): no clock, no randomness, no environment, no log;
- a refusal is a value (`Reason`); what should be impossible is an assertion: it stops the worker;
- when in doubt, no charge (law 5).

An event that concerns no one service day (a reply that answers no prompt, a delivery report, a
settlement of no charge of ours) comes without a service day's row and leaves every one as it is. A
keyword or a care action may close several; they come beside it (`Remembered.others`).
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from streams.gate.care import act
from streams.gate.clocks import Overdue, remind
from streams.gate.decision import (
    KEEP,
    Changes,
    Decision,
    Effect,
    Keep,
    Remembered,
    state_of,
)
from streams.gate.events import CareAction, DeliveryReport, Order, Reply, Settlement
from streams.gate.facts import Facts
from streams.gate.lapses import Lapse, lapse
from streams.gate.notes import note_report
from streams.gate.orders import admit
from streams.gate.replies import hear, overhear
from streams.gate.settlements import settle
from streams.gate.words import State

__all__ = [
    "KEEP",
    "LIFECYCLE",
    "MOVES",
    "Changes",
    "Decision",
    "Effect",
    "Event",
    "Keep",
    "Remembered",
    "decide",
    "state_of",
]

Event: TypeAlias = Order | Reply | Lapse | Overdue | DeliveryReport | Settlement | CareAction
Handler: TypeAlias = Callable[[Remembered, Any, Facts], Decision | None]


def pass_over(remembered: Remembered, event: Lapse, facts: Facts) -> None:
    """No prompt is open, so the one that would have lapsed was answered: nothing is decided."""


_BESIDE: Mapping[type, Handler] = {
    DeliveryReport: note_report,
    Settlement: settle,
    CareAction: act,
    Overdue: remind,
}

LIFECYCLE: Mapping[State, Mapping[type, Handler]] = {
    State.FRESH: {Order: admit, Reply: overhear, Lapse: pass_over, **_BESIDE},
    State.ASKED: {Order: admit, Reply: hear, Lapse: lapse, **_BESIDE},
    State.GRANTED: {Order: admit, Reply: overhear, Lapse: pass_over, **_BESIDE},
    State.GRANTED_ASKED: {Order: admit, Reply: hear, Lapse: lapse, **_BESIDE},
}

# Where an event can take a service day. It may also leave it as it is, each event in each state:
# an order is refused, a reply says nothing clear, of two prompts one stays open. Replies and care
# actions that close (a cancellation, a revocation, a released number) take any service day of their
# subscriber back to FRESH, also those that they did not come for.
MOVES: Mapping[State, Mapping[type, tuple[State, ...]]] = {
    State.FRESH: {Order: (State.ASKED,)},
    State.ASKED: {
        Reply: (State.FRESH, State.GRANTED, State.GRANTED_ASKED),
        Lapse: (State.FRESH,),
        CareAction: (State.FRESH,),
    },
    State.GRANTED: {
        Order: (State.GRANTED_ASKED,),
        Reply: (State.FRESH,),
        CareAction: (State.FRESH,),
    },
    State.GRANTED_ASKED: {
        Reply: (State.FRESH, State.GRANTED),
        Lapse: (State.GRANTED,),
        CareAction: (State.FRESH,),
    },
}


def decide(remembered: Remembered, event: Event, facts: Facts) -> Decision | None:
    """Say what to remember and what to ask of the world; None when nothing happened at all.

    Only a due act can be nothing: its prompt or complaint was answered before it became due.
    """
    return LIFECYCLE[state_of(remembered.service_day)][type(event)](remembered, event, facts)
