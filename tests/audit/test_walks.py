"""The real gate and the auditor, two readings of one rule book, held against each other.

Random walks through the gate in memory are written down as histories and audited: whatever the gate
does that the auditor's own books do not explain is a finding.
"""

from random import Random

import pytest

from streams.audit import audit, released
from streams.gate.decide import Event
from tests.audit.recorded import Recorder
from tests.audit.stroll import Stroll
from tests.gate.walk import Walk

SCHEMAS = released()
WALKS = 30
STEPS = 120


class RecordedWalk(Walk):
    """A walk that is written down."""

    def __init__(self, draw: Random) -> None:
        super().__init__(draw)
        self.recorder = Recorder(self.gate)

    def take(self, event: Event) -> None:
        self.events.append(event)
        self.recorder.take(event, self.at)

    def pass_time(self, at: int) -> None:
        self.recorder.tick(at)

    def change_reference(self) -> None:
        super().change_reference()
        self.recorder.reference()


@pytest.mark.parametrize("seed", range(WALKS))
def test_the_auditor_finds_a_walk_of_the_gate_clean(seed: int) -> None:
    """Every law is kept on every random walk, by the auditor's own books."""
    walk = RecordedWalk(Random(seed))
    walk.run(STEPS)
    walk.recorder.tick(walk.at + 5 * 86_400_000)
    report = audit(walk.recorder.scribe.history(), SCHEMAS, drained=True)
    assert [str(found) for found in report.findings] == []


@pytest.mark.parametrize("seed", range(WALKS))
def test_the_auditor_finds_a_stroll_through_the_rule_book_clean(seed: int) -> None:
    """Limits, codes, keywords, trials, billing and care, at random: every law is kept."""
    stroll = Stroll(Random(seed))
    stroll.run(STEPS)
    stroll.close()
    report = audit(stroll.recorder.scribe.history(), SCHEMAS, drained=True)
    assert [str(found) for found in report.findings] == []
