"""What a worker shows of itself: counts once a committed turn, gauges once a second.

Health is judged here too: alive while the engine makes progress, ready once every partition given
to this worker is open. Nothing here is read by a decision.
"""

import time
from collections.abc import Iterable

from streams.agent import Counts
from streams.engine import App
from streams.metrics import Metric, Metrics

# A worker that owns partitions writes and takes ticks: this long without a turn is no quiet hour.
_STALLED_S = 60.0


class Meter:
    """Feeds the metrics of one worker."""

    def __init__(self, app: App, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics
        self._turns = 0
        self._redone = 0
        self._progress_at = time.monotonic()
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
        metrics.count(Metric.CHARGES, total.charges)
        metrics.count(Metric.PROMPTS, total.prompts)
        metrics.count(Metric.DEAD_LETTERS, total.dead_letters)
        metrics.count(Metric.RECORDS, total.records)
        metrics.count(Metric.TURNS, {(): 1})
        metrics.observe(Metric.TURN_RECORDS, records)
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
        if statistics.turns != self._turns:
            self._turns, self._progress_at = statistics.turns, time.monotonic()
        lags = engine.lags
        group = engine.config.group
        for topic, partition in self._shown - lags.keys():
            metrics.forget(Metric.LAG, group, topic, str(partition))
        for (topic, partition), lag in lags.items():
            metrics.set(Metric.LAG, lag, group, topic, str(partition))
        self._shown = set(lags)
        metrics.set(Metric.PARTITIONS_OPEN, len(engine.partitions))
        now_ms = time.time() * 1000
        for number, owned in list(engine.partitions.items()):
            if watermark := owned.committed.watermark:
                age = max(0.0, (now_ms - watermark) / 1000)
                metrics.set(Metric.WATERMARK_AGE, age, str(number))

    def trouble_living(self) -> str:
        """Why this worker should be started again; empty while it is alive."""
        engine = self._app.engine
        if engine is None or not engine.partitions:
            return ""
        stalled = time.monotonic() - self._progress_at
        return f"no turn for {stalled:.0f} s" if stalled > _STALLED_S else ""

    def trouble(self) -> str:
        """Why this worker is not ready to decide; empty when it is."""
        engine = self._app.engine
        if engine is None:
            return "the engine is starting"
        return "" if engine.is_ready else "partitions are being opened"
