"""A worker's clock that is wrong: set back and forward while it runs and between its lives.

Decisions take their time from records alone (law 8), so nothing may differ. What the clock does
touch is said by the engine's port: ticks' contents, and the age of a store. (Under libfaketime,
which would mislead librdkafka too, its waits never end.)
"""

import time
from pathlib import Path

from tests.chaos.membership import seconds_until_all_decide
from tests.chaos.row import Observed, Row
from tests.chaos.stage import Stage
from tests.figures.eyes import now_ms

_RATE = 300.0
_LIVES = 4
_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
_SETTINGS = (-400 * _DAY_MS, -_DAY_MS, -_HOUR_MS, -1_500, 0, 1_500, _HOUR_MS, _DAY_MS, 30 * _DAY_MS)


def _set(stage: Stage, seed: int) -> Observed:
    job = stage.job()
    clock = stage.folder / "clock"
    clock.write_text("0")
    again_s = []
    with job.decisions_seen() as eyes:
        with job.flowing(_RATE, seed):
            for _ in range(_LIVES):
                started_ms = now_ms()
                job.start("w0", static=True, program="tests.chaos.failing_job", clock=str(clock))
                again_s.append(seconds_until_all_decide(job, eyes, started_ms))
                for _ in range(3):
                    ahead_ms = stage.draws.choice(_SETTINGS)
                    _write(clock, ahead_ms)
                    time.sleep(0.5 + stage.draws.random())
                    seconds_until_all_decide(job, eyes, now_ms())
                if stage.draws.random() < 0.5:
                    job.kill("w0")
                else:
                    assert job.stop("w0") == 0
                _write(clock, stage.draws.choice(_SETTINGS))
            started_ms = now_ms()
            job.start("w0", static=True, program="tests.chaos.failing_job", clock=str(clock))
            again_s.append(seconds_until_all_decide(job, eyes, started_ms))
        job.wait_until_taken()
        assert job.stop("w0") == 0
    faults = job.check().faults
    assert faults == [], faults
    return Observed(
        "outputs, state and positions equal the replay",
        tuple(again_s),
        {"stores rebuilt, their age unknown or too great": job.log("w0").count("is rebuilt from")},
    )


def _write(clock: Path, ahead_ms: int) -> None:
    """At once, as a clock is set: no reader finds half a number."""
    unfinished = clock.with_suffix(".new")
    unfinished.write_text(str(ahead_ms))
    unfinished.replace(clock)


ROWS = (
    Row(
        "clock-set",
        "the worker's clock set back and forward, by a second to a year, twelve times while it "
        "runs and between its lives",
        (8, 9),
        "nothing differs; a store whose age is unknown is rebuilt",
        _set,
        limit_s=240,
    ),
)
