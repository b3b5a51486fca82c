"""Watches a partition for what is unusual in number: dead letters, and refusals because of limits.

Both are counted over windows of record time as long as the policy says (`alarm_window_ms`), set one
after the other from the epoch on. The decision that reaches the policy's number raises the alarm,
once a window. A record that comes late counts in the window at hand; while no policy is in force,
and for reference records, nothing is counted. The counts travel with the partition, so the same log
gives the same alarms (law 8).
"""

from typing import NamedTuple

from streams.gate.decision import Decision
from streams.gate.effects import Alarm, Verdict
from streams.gate.facts import Facts
from streams.gate.ids import alarm_of
from streams.gate.words import AlarmKind, Reason

# In place of a count whose alarm was raised: more than any policy's number, which has 31 bits.
TOLD = (1 << 32) - 1

_DEAD = (Reason.DEAD_LETTER, Reason.CONFLICT)
_LIMITS = frozenset(
    {
        Reason.WAITING_LIMIT,
        Reason.PROMPT_LIMIT,
        Reason.SPEND_LIMIT,
        Reason.CALL_LIMIT,
        Reason.GRANT_EXHAUSTED,
    }
)


class Watch(NamedTuple):
    """What was counted in the window that begins at `since`."""

    since: int  # UTC ms
    dead_letters: int
    refusals: int


NOTHING = Watch(0, 0, 0)


def watch(before: Watch, decision: Decision, facts: Facts) -> tuple[Watch, Decision]:
    """Count a decision; where it reaches the policy's number, it raises the alarm too."""
    dead_letters = 1 if decision.reason in _DEAD else 0
    refusals = 0
    for effect in decision.effects:
        if type(effect) is Verdict and effect.reason in _LIMITS:
            refusals += 1
    if (not dead_letters and not refusals) or facts.policy is None:
        return before, decision
    policy = facts.policy.record
    since = facts.at - facts.at % policy.alarm_window_ms
    now = Watch(since, 0, 0) if since > before.since else before
    raised: list[Alarm] = []
    seconds = policy.alarm_window_ms // 1000
    if dead_letters and now.dead_letters != TOLD:
        now = now._replace(dead_letters=now.dead_letters + dead_letters)
        if now.dead_letters >= policy.alarm_dead_letters:
            what = f"{now.dead_letters} records within {seconds} s could not be read or meant"
            raised.append(_alarm(facts, AlarmKind.DEAD_LETTERS, now.since, what))
            now = now._replace(dead_letters=TOLD)
    if refusals and now.refusals != TOLD:
        now = now._replace(refusals=now.refusals + refusals)
        if now.refusals >= policy.alarm_limit_refusals:
            what = f"{now.refusals} orders within {seconds} s were refused because of limits"
            raised.append(_alarm(facts, AlarmKind.LIMITS, now.since, what))
            now = now._replace(refusals=TOLD)
    return now, decision._replace(effects=(*decision.effects, *raised)) if raised else decision


def _alarm(facts: Facts, kind: AlarmKind, since: int, detail: str) -> Alarm:
    """The alarm of a kind in a window: there is one."""
    name = alarm_of(f"{kind}|{facts.partition}|{since}")
    return Alarm(name, kind, f"partition {facts.partition}", detail, facts.at)
