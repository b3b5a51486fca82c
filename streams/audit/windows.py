"""Dead letters and refusals by limits, counted over windows of record time on one partition.

Laws: the record that reaches the policy's number raises one alarm, once a window (10).
"""

from streams.audit.ledger import Case
from streams.audit.records import Policy, Verdict

_LIMITS = frozenset(
    {"WAITING_LIMIT", "PROMPT_LIMIT", "SPEND_LIMIT", "CALL_LIMIT", "GRANT_EXHAUSTED"}
)
_UNREADABLE = ("DEAD_LETTER", "CONFLICT")


class Windows:
    """The counts of one partition in the window at hand."""

    def __init__(self) -> None:
        self._window = (0, 0)
        self._unreadable = 0
        self._refused = 0

    def take(self, case: Case, verdicts: list[Verdict]) -> None:
        """Count a decision, and add the alarms that it must raise."""
        policy = case.policy
        if policy is None:
            return
        self._enter(policy, case.decision.event_at)
        unreadable = int(case.decision.reason in _UNREADABLE)
        refused = sum(
            verdict.outcome == "REFUSED" and verdict.reason in _LIMITS for verdict in verdicts
        )
        if self._unreadable < policy.alarm_dead_letters <= self._unreadable + unreadable:
            case.alarms["DEAD_LETTERS"] += 1
        if self._refused < policy.alarm_limit_refusals <= self._refused + refused:
            case.alarms["LIMITS"] += 1
        self._unreadable += unreadable
        self._refused += refused

    def _enter(self, policy: Policy, at: int) -> None:
        """A new window begins with nothing counted."""
        length = max(1, policy.alarm_window_ms)
        window = length, at // length
        if window != self._window:
            self._window, self._unreadable, self._refused = window, 0, 0
