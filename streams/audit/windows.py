"""Dead letters and refusals by limits, counted over windows of record time on one partition.

Laws: the record that reaches the policy's number raises one alarm, once a window (10). Windows lie
one after the other from the epoch on; what comes late counts in the window at hand. Reference
records are the operator's own, and not counted.
"""

from streams.audit.derive import window_alarm_id
from streams.audit.ledger import Case
from streams.audit.records import Policy, Verdict
from streams.topics import REFERENCES

_LIMITS = frozenset(
    {"WAITING_LIMIT", "PROMPT_LIMIT", "SPEND_LIMIT", "CALL_LIMIT", "GRANT_EXHAUSTED"}
)
_UNREADABLE = ("DEAD_LETTER", "CONFLICT")


class Windows:
    """The counts of one partition in the window at hand."""

    def __init__(self) -> None:
        self._since = 0
        self._counts = {"DEAD_LETTERS": 0, "LIMITS": 0}
        self._told: set[str] = set()

    def take(self, case: Case, verdicts: list[Verdict]) -> None:
        """Count a decision, and add the alarms that it must raise."""
        policy, decision = case.policy, case.decision
        if policy is None or decision.topic in REFERENCES:
            return
        unreadable = int(decision.reason in _UNREADABLE)
        refused = sum(
            verdict.outcome == "REFUSED" and verdict.reason in _LIMITS for verdict in verdicts
        )
        if unreadable or refused:
            self._enter(policy, decision.event_at)
            self._count(case, "DEAD_LETTERS", unreadable, policy.alarm_dead_letters)
            self._count(case, "LIMITS", refused, policy.alarm_limit_refusals)

    def _enter(self, policy: Policy, at: int) -> None:
        """A new window begins with nothing counted."""
        since = at - at % max(1, policy.alarm_window_ms)
        if since > self._since:
            self._since = since
            self._counts = dict.fromkeys(self._counts, 0)
            self._told.clear()

    def _count(self, case: Case, kind: str, more: int, enough: int) -> None:
        self._counts[kind] += more
        if more and self._counts[kind] >= enough and kind not in self._told:
            self._told.add(kind)
            case.alarms[kind] += 1
            partition = case.decision.entry.partition
            case.ledger.window_alarms.add(window_alarm_id(kind, partition, self._since))
