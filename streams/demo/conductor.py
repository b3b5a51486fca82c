"""The demonstration step by step: start everything, watch, stop everything, judge.

Laws: every step says what it does and how long it took; whatever is started here is stopped here,
also on Ctrl-C and on failure; the exit code is 0 only when everything was answered and the auditor
found every law kept.
"""

import time
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.live import Live

from streams import provision
from streams.audit import Report, audit_topics
from streams.broker import EmbeddedBroker
from streams.demo import stage
from streams.demo.crowd import Crowd
from streams.demo.steps import Steps
from streams.demo.summary import print_summary
from streams.demo.view import Sight, line, panel
from streams.demo.watch import Watch
from streams.demo.worker import Worker
from streams.errors import Cause, Stop
from streams.reference import applying
from streams.reference import file as reference_file
from streams.settings import Settings, load
from streams.world.options import Options, Summary

# Prompts live seconds here: people's answers, late ones and silences fit a minute.
PROMPT_LIFE = timedelta(seconds=6)
GRACE = timedelta(seconds=1)

# The world is done when all orders are answered; its last settlements are decided just after.
_REST_S = 30.0
_LOOK_EVERY_S = 0.25
_LINE_EVERY_S = 5.0
_STEPS = 7


class Play(NamedTuple):
    """What came of it, before the auditor speaks."""

    summary: Summary
    watch: Watch
    currency: str
    first_decision_s: float | None


def run(
    *,
    seconds: float = 60.0,
    rate: float = 260.0,
    subscribers: int = 3000,
    seed: int = 1,
    data_dir: Path | None = None,
) -> int:
    """Run the demonstration; the exit code. Raises Stop when it cannot go on."""
    options = Options(
        rate=rate, duration=timedelta(seconds=seconds), subscribers=subscribers, seed=seed
    ).checked()
    return stage.perform(
        data_dir, lambda console, folder: _Conductor(console, options, folder).conduct()
    )


class _Conductor:
    """One demonstration under way."""

    def __init__(self, console: Console, options: Options, folder: Path) -> None:
        self._console = console
        self._options = options
        self._folder = folder
        self._began = time.time()
        self._steps = Steps(console, _STEPS)

    def conduct(self) -> int:
        """From the empty folder to the exit code."""
        self._steps.say(f"Everything this makes lies in {self._folder}")
        broker = EmbeddedBroker(self._folder / "kafka", tell=self._steps.say)
        try:
            with self._steps.step("Starting Kafka (embedded, one node, loopback only)"):
                broker.start()
            return self._on(broker)
        finally:
            broker.stop()

    def _on(self, broker: EmbeddedBroker) -> int:
        environment = stage.environment(broker.bootstrap_servers, self._folder)
        settings = load(environment)
        log = self._folder / "worker.log"
        with self._steps.step("Making the topics"):
            provision.apply(settings)
        with Worker(environment, log, stage.free_port()) as worker:
            with self._steps.step(f"Writing the reference data of {stage.EXAMPLE.name}"):
                _apply_reference(settings)
            with Watch(settings) as watch, Crowd(settings, self._options) as crowd:
                with self._steps.step(f"Starting a worker (its log: {log})"):
                    worker.wait_until_ready(settings.partitions)
                play = self._play(worker, watch, crowd)
            with self._steps.step("Stopping the worker"):
                worker.stop()
        with self._steps.step("Auditing everything on the topics"):
            report = audit_topics(settings, drained=play.summary.drained, log_files=[log])
        return self._judge(play, report)

    def _play(self, worker: Worker, watch: Watch, crowd: Crowd) -> Play:
        """Let the world turn until it is drained and all of it is decided."""
        duration = self._options.duration.total_seconds()
        doing = f"Subscribers order for {duration:g} s, {self._options.rate:g} orders a second"
        with self._steps.step(doing):
            crowd.begin()
            self._look_on(worker, watch, crowd)
        assert crowd.summary is not None
        first_at = watch.funnel.first_at
        return Play(
            crowd.summary,
            watch,
            _currency(crowd),
            None if first_at is None else first_at / 1000 - self._began,
        )

    def _look_on(self, worker: Worker, watch: Watch, crowd: Crowd) -> None:
        show = _Show(self._console)
        began = time.monotonic()
        with show.live:
            rest_ends = None
            while True:
                now = time.monotonic()
                _raise_first(watch.failure, crowd.failure)
                worker.check()
                watch.funnel.mark(time.time_ns() // 1_000_000)
                sight = _sight(now - began, watch, crowd)
                show.show(sight)
                if crowd.summary is not None:
                    rest_ends = rest_ends or now + _REST_S
                    if sight.lag == 0 or now > rest_ends:
                        break
                time.sleep(_LOOK_EVERY_S)

    def _judge(self, play: Play, report: Report) -> int:
        undecided = play.summary.tally.events - play.watch.funnel.decided
        print_summary(
            self._console, play.summary, play.watch.funnel, play.currency, play.first_decision_s
        )
        report.print(self._console)
        self._steps.say(f"\nAll of it lies in {self._folder}; the next demonstration starts clean.")
        if not report.held:
            return report.exit_code
        if play.summary.trouble is not None:
            raise Stop(Cause.NOT_DRAINED, play.summary.trouble)
        if undecided:
            raise Stop(Cause.NOT_DRAINED, f"{undecided} records were published and never decided")
        return 0


class _Show:
    """A panel that is drawn anew on a terminal, a line now and then elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lined = 0.0
        self.live = Live(console=console, auto_refresh=False, transient=True)

    def show(self, sight: Sight) -> None:
        """Let it be seen."""
        if self._console.is_terminal:
            self.live.update(panel(sight), refresh=True)
        elif sight.seconds >= self._lined + _LINE_EVERY_S:
            self._lined = sight.seconds
            self._console.print(line(sight), soft_wrap=True, highlight=False, markup=False)


def _sight(seconds: float, watch: Watch, crowd: Crowd) -> Sight:
    if crowd.is_ordering:
        phase = "people order"
    elif crowd.summary is None:
        phase = "what is open is answered"
    else:
        phase = "the rest is decided"
    return Sight(phase, seconds, watch.funnel, crowd.tally, _currency(crowd))


def _currency(crowd: Crowd) -> str:
    return next(iter(crowd.tally.collected_minor), "")


def _apply_reference(settings: Settings) -> None:
    file = reference_file.load(stage.EXAMPLE)
    brief = reference_file.with_lives(
        file, PROMPT_LIFE // timedelta(milliseconds=1), GRACE // timedelta(milliseconds=1)
    )
    applying.apply_file(settings, brief, by="demo", reason="the demonstration's example")


def _raise_first(*failures: BaseException | None) -> None:
    for failure in failures:
        if failure is not None:
            raise failure
