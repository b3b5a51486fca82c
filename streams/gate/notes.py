"""What is written down and changes nothing: delivery reports.

Their decision is the record that they came.
"""

from streams.gate.decision import KEEP, Decision, Effect, Keep, Remembered
from streams.gate.events import DeliveryReport
from streams.gate.facts import Facts
from streams.gate.ids import note_digest
from streams.gate.repeats import turned_away
from streams.gate.rows import Seen
from streams.gate.words import Channel, Reason, State


def note_report(remembered: Remembered, report: DeliveryReport, facts: Facts) -> Decision:
    """Write down what became of a message."""
    digest = note_digest(report)
    away = turned_away(facts, remembered.seen, digest, report.reported_at, report.msisdn)
    if away is not None:
        return _decision(away.reason, KEEP, away.effects)
    return _decision(Reason.NOTED, Seen(digest, facts.day_of(facts.at)), ())


def _decision(reason: Reason, seen: Seen | Keep, effects: tuple[Effect, ...]) -> Decision:
    """The decision on a report: it concerns no one service day."""
    return Decision(
        reason,
        State.UNKNOWN,
        State.UNKNOWN,
        None,  # rule
        None,  # order_id
        None,  # prompt_id
        None,  # charge_id
        None,  # complaint_id
        Channel.UNKNOWN,
        None,  # province
        None,  # provider_id
        None,  # service_id
        None,  # price_minor
        seen,
        KEEP,
        KEEP,
        effects,
        (),
    )
