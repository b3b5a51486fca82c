"""What is written down and changes nothing yet: delivery reports, settlements, care actions.

Their decision is the record that they came. What they will change (charges settled and refunded,
complaints and their clocks, grants revoked) will be decided here, a function for each.
"""

from streams.gate.decision import KEEP, Decision, Effect, Keep, Remembered
from streams.gate.events import CareAction, DeliveryReport, Settlement
from streams.gate.facts import Facts
from streams.gate.ids import note_digest
from streams.gate.repeats import NEGATIVE_AMOUNT, dead_letter, turned_away
from streams.gate.rows import Seen
from streams.gate.words import Channel, Reason, State

Note = DeliveryReport | Settlement | CareAction


def note_report(remembered: Remembered, report: DeliveryReport, facts: Facts) -> Decision:
    """Write down what became of a message."""
    return _note(remembered, report, report.reported_at, facts)


def note_settlement(remembered: Remembered, settlement: Settlement, facts: Facts) -> Decision:
    """Write down what billing did."""
    if settlement.amount_minor < 0:
        away = dead_letter(NEGATIVE_AMOUNT, f"its amount {settlement.amount_minor} is negative")
        return _decision(settlement, away.reason, KEEP, away.effects)
    return _note(remembered, settlement, settlement.settled_at, facts)


def note_care(remembered: Remembered, action: CareAction, facts: Facts) -> Decision:
    """Write down what customer care did."""
    return _note(remembered, action, action.acted_at, facts)


def _note(remembered: Remembered, note: Note, instant: int, facts: Facts) -> Decision:
    digest = note_digest(note)
    if away := turned_away(facts, remembered.seen, digest, instant, note.msisdn):
        return _decision(note, away.reason, KEEP, away.effects)
    return _decision(note, Reason.NOTED, Seen(digest, facts.day_of(facts.at)), ())


def _decision(
    note: Note, reason: Reason, seen: Seen | Keep, effects: tuple[Effect, ...]
) -> Decision:
    """The decision on a note: it concerns no one service day."""
    care = note if isinstance(note, CareAction) else None
    return Decision(
        reason,
        State.UNKNOWN,
        State.UNKNOWN,
        None,  # rule
        care.order_id if care else None,
        None,  # prompt_id
        None if isinstance(note, DeliveryReport) else note.charge_id,
        care.complaint_id if care else None,
        Channel.UNKNOWN,
        care.province if care else None,
        None,  # provider_id
        None,  # service_id
        None,  # price_minor
        seen,
        KEEP,
        KEEP,
        effects,
        (),
    )
