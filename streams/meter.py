"""What a worker shows of itself: counts once a committed turn, gauges once a second.

Health is judged here too: alive while the engine makes progress, ready once every partition given
to this worker is open. Nothing here is read by a decision.
"""

import time
from collections import Counter
from collections.abc import Iterable, Mapping

from streams.agent import Counts
from streams.engine import App
from streams.gate.reasons import ROWS, Kind
from streams.gate.words import Reason
from streams.metrics import Metric, Metrics

# A worker that owns partitions writes and takes ticks: this long without a turn is no quiet hour.
# Not ready first, so that somebody may look; then to be started again. Ending by itself (a fence, a
# call that does not come back) comes before both.
_LATE_S = 10.0
_STALLED_S = 60.0


# What a decision's reason counts as besides, with that metric's word for it.
_SHADOW = {
    Reason.APPROVED_WOULD_ASK: "ask",
    Reason.APPROVED_WOULD_COVER: "cover",
    Reason.APPROVED_WOULD_REFUSE: "refuse",
}
_COMPLAINTS = {
    Reason.COMPLAINT_OPENED: "opened",
    Reason.COMPLAINT_ANSWERED: "answered",
    Reason.COMPLAINT_OVERDUE: "overdue",
    Reason.COMPLAINT_UPHELD: "upheld",
    Reason.COMPLAINT_REJECTED: "rejected",
}
_SETTLEMENTS = {row.reason for row in ROWS if row.kind is Kind.SETTLEMENT}


def by_reason(decisions: Mapping[tuple[str, ...], int]) -> dict[Metric, Counter[tuple[str, ...]]]:
    """What decisions, counted by reason and channel, count as besides."""
    counted: dict[Metric, Counter[tuple[str, ...]]] = {
        metric: Counter() for metric in (Metric.SHADOW, Metric.SETTLEMENTS, Metric.COMPLAINTS)
    }
    for (named, channel), count in decisions.items():
        reason = Reason(named)
        if (would := _SHADOW.get(reason)) is not None:
            counted[Metric.SHADOW][would, channel] += count
        elif (event := _COMPLAINTS.get(reason)) is not None:
            counted[Metric.COMPLAINTS][event,] += count
        elif reason in _SETTLEMENTS:
            counted[Metric.SETTLEMENTS][reason,] += count
    return counted


class Pulse:
    """How long a worker that owns partitions has been without a turn; seconds of one clock."""

    def __init__(self, now: float) -> None:
        self._turns = 0
        self._owns = False
        self._progress_at = now

    def beat(self, turns: int, partitions: int, now: float) -> None:
        """Look again: how many turns there were so far, how many partitions are open."""
        # While none is open nothing is due: the wait begins with the first.
        if turns != self._turns or not self._owns:
            self._progress_at = now
        self._turns, self._owns = turns, partitions > 0

    def silent_s(self, now: float) -> float:
        """Seconds without a turn."""
        return now - self._progress_at if self._owns else 0.0


class Meter:
    """Feeds the metrics of one worker."""

    def __init__(self, app: App, metrics: Metrics, *, simulated_time: bool) -> None:
        self._app = app
        self._metrics = metrics
        # Records then carry the simulator's time, which says nothing of how late we are.
        self._simulated_time = simulated_time
        self._pulse = Pulse(time.monotonic())
        self._redone = 0
        self._deciding = 0.0
        self._committing = 0.0
        self._shown: set[tuple[str, int]] = set()

    def add(self, counts: Iterable[Counts], records: int) -> None:
        """One committed turn."""
        total = Counts()
        for one in counts:
            total.merge(one)
        metrics = self._metrics
        metrics.count(Metric.DECISIONS, total.decisions)
        for metric, counted in by_reason(total.decisions).items():
            metrics.count(metric, counted)
        metrics.count(Metric.VERDICTS, total.verdicts)
        metrics.count(Metric.CHARGES, total.charges)
        metrics.count(Metric.MESSAGES, total.messages)
        metrics.count(Metric.REFUNDS, total.refunds)
        metrics.count(Metric.ALARMS, total.alarms)
        metrics.count(Metric.DEAD_LETTERS, total.dead_letters)
        metrics.count(Metric.RECORDS, total.records)
        metrics.count(Metric.TURNS, {(): 1})
        metrics.observe(Metric.TURN_RECORDS, records)
        if total.oldest_at is not None and not self._simulated_time:
            # A broker's clock may be a moment ahead of ours.
            metrics.observe(Metric.LATENCY_SECONDS, max(0.0, time.time() - total.oldest_at / 1000))
        self._observe_times()

    def _observe_times(self) -> None:
        engine = self._app.engine
        if engine is None:
            return
        statistics = engine.statistics
        self._metrics.observe(Metric.DECIDE_SECONDS, statistics.deciding - self._deciding)
        self._metrics.observe(Metric.COMMIT_SECONDS, statistics.committing - self._committing)
        self._deciding, self._committing = statistics.deciding, statistics.committing

    def refresh(self) -> None:
        """Once a second: lag, stream time, partitions, turns done again."""
        engine = self._app.engine
        if engine is None:
            return
        metrics, statistics = self._metrics, engine.statistics
        metrics.count(Metric.TURNS_REDONE, {(): statistics.redone - self._redone})
        self._redone = statistics.redone
        self._pulse.beat(statistics.turns, len(engine.partitions), time.monotonic())
        lags = engine.lags
        group = engine.config.group
        for topic, partition in self._shown - lags.keys():
            metrics.forget(Metric.LAG, group, topic, str(partition))
        for (topic, partition), lag in lags.items():
            metrics.set(Metric.LAG, lag, group, topic, str(partition))
        self._shown = set(lags)
        metrics.set(Metric.PARTITIONS_OPEN, len(engine.partitions))
        metrics.set(Metric.PARTITIONS_UNOWNED, len(engine.unowned))
        now_ms = time.time() * 1000
        for number, owned in list(engine.partitions.items()):
            if watermark := owned.committed.watermark:
                age = max(0.0, (now_ms - watermark) / 1000)
                metrics.set(Metric.WATERMARK_AGE, age, str(number))

    def trouble_living(self) -> str:
        """Why this worker should be started again; empty while it is alive."""
        return self._silence(_STALLED_S)

    def trouble(self) -> str:
        """Why this worker is not ready to decide; empty when it is."""
        engine = self._app.engine
        if engine is None:
            return "the engine is starting"
        if engine.is_ready:
            return self._silence(_LATE_S)
        if engine.partitions:
            return "partitions are being opened"
        return "no partition is open: the group is settling, or the broker does not answer"

    def _silence(self, limit_s: float) -> str:
        """Under simulated time nobody here writes ticks, and silence says nothing."""
        silent = 0.0 if self._simulated_time else self._pulse.silent_s(time.monotonic())
        return f"no turn for {silent:.0f} s" if silent > limit_s else ""
