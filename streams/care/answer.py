"""What the gate answered to an action, in words.

The words are those that care may read to the subscriber (streams/gate/reasons.py).
"""

from typing import NamedTuple

from streams import topics
from streams.egress.records import Decision
from streams.gate.effects import Evidence
from streams.gate.reasons import BY_REASON, Kind
from streams.gate.words import Reason

# That nothing was done, and rightly so: a look is written down, a repetition was done before.
_HARMLESS = (Reason.NOTED, Reason.REPEATED)


class Answer(NamedTuple):
    """A decision, as far as whoever acted must know it."""

    reason: Reason
    complaint_id: str | None
    refund_ids: tuple[str, ...]
    evidence: tuple[Evidence, ...]

    @classmethod
    def of(cls, decision: Decision) -> "Answer":
        """What a decision says."""
        refunds = tuple(one.id for one in decision.effects if one.topic == topics.REFUNDS)
        return cls(decision.reason, decision.complaint_id, refunds, decision.evidence)

    @property
    def is_done(self) -> bool:
        """Whether the gate did what was asked, now or when it came first."""
        return BY_REASON[self.reason].kind is Kind.CARE or self.reason in _HARMLESS

    def sentence(self, language: str) -> str:
        """The reason with its words in a language, `zh` or `en`."""
        words = BY_REASON[self.reason].care
        return f"{self.reason}: {words.zh if language == 'zh' else words.en}"

    def lines(self, language: str) -> list[str]:
        """All of it, a line each."""
        lines = [self.sentence(language)]
        if self.complaint_id is not None:
            lines.append(f"complaint {self.complaint_id}")
        lines += [f"refund {refund_id}" for refund_id in self.refund_ids]
        return lines + [f"evidence {one.topic} {one.id}" for one in self.evidence]
