"""The one place that wires: settings, codecs, the gate's job (job.py), Faust's app, the worker.

`build` makes the Faust app of a worker and starts nothing. What ends a worker is told in one
sentence with the exit code of `streams.errors`, whichever layer noticed it.
"""

import logging
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from traceback import format_exception, format_tb

from streams.codec.classes import types_of
from streams.codec.codecs import Codecs
from streams.egress import records
from streams.egress.sealing import Salts
from streams.engine import App, OpenPorts, Turns, Worker, real_ports
from streams.engine import Cause as EngineCause
from streams.engine import Fatal as EngineFatal
from streams.errors import Cause, Stop
from streams.gate import effects, events, reference, rows, words
from streams.job import make_job
from streams.masking import mask_text
from streams.meter import Meter
from streams.metrics import Metrics, Served
from streams.settings import Settings

log = logging.getLogger(__name__)

_STOPS: Mapping[EngineCause, Cause] = {
    EngineCause.BROKER_AWAY: Cause.BROKER_AWAY,
    EngineCause.TOPIC_MISSING: Cause.TOPIC_MISSING,
    EngineCause.PARTITIONS_UNEQUAL: Cause.PARTITIONS_UNEQUAL,
    EngineCause.FOLDER_IN_USE: Cause.STATE_IN_USE,
    EngineCause.FOLDER_FOREIGN: Cause.STATE_FOREIGN,
    EngineCause.STATE_CONTRADICTS_LOG: Cause.STATE_AHEAD,
    EngineCause.LOG_TRUNCATED: Cause.LOG_TRUNCATED,
    EngineCause.OFFSETS_UNSTABLE: Cause.OFFSETS_UNSTABLE,
    EngineCause.FENCED: Cause.FENCED,
    EngineCause.UNCERTAIN_COMMIT: Cause.UNCERTAIN_COMMIT,
    EngineCause.STUCK: Cause.STUCK,
    EngineCause.STORE_FAILED: Cause.STORE_FAILED,
    EngineCause.STORE_DAMAGED: Cause.STORE_DAMAGED,
    EngineCause.JOB_FAILED: Cause.IMPOSSIBLE,
    EngineCause.IMPOSSIBLE: Cause.IMPOSSIBLE,
}

# The engine knows none of our settings: our table names the one to change, or the act to type.
_OURS_INSTEAD = frozenset(
    (
        EngineCause.FOLDER_IN_USE,
        EngineCause.FOLDER_FOREIGN,
        EngineCause.FENCED,
        EngineCause.JOB_FAILED,
        EngineCause.IMPOSSIBLE,
    )
)
# The engine says which of them is to be restored, our table what else there is to choose.
_OURS_TOO = frozenset(
    (
        EngineCause.PARTITIONS_UNEQUAL,
        EngineCause.STATE_CONTRADICTS_LOG,
        EngineCause.LOG_TRUNCATED,
    )
)


def make_codecs(settings: Settings) -> Codecs:
    """Encoders and decoders of every topic and row, with ids from the registry or repository."""
    types = types_of(words, events, effects, reference, rows, records)
    if settings.schema_registry_url:
        return Codecs.from_registry(settings.schema_registry_url, settings.topic_prefix, types)
    return Codecs.from_repository(types)


def build(settings: Settings, open_ports: OpenPorts = real_ports) -> App:
    """The gate's app: one agent over all inputs, its tables. Nothing is started."""
    job = make_job(settings, make_codecs(settings), Salts().draw)
    metrics = Metrics()
    app = App(job.config, end=_end, open_ports=open_ports)
    for table in job.tables:
        app.keyed_rows(table.spec, table.meaning)
    meter = Meter(app, metrics, simulated_time=settings.simulated_time)

    @app.agent(app.inputs, name="gate")
    async def gate(turns: Turns) -> None:
        """Asks the subscriber first; approves, refuses and records."""
        async for turn in turns:
            async with turn:
                counts = [job.decide(partition) for partition in turn]
                records = len(turn)
            if turn.is_committed:
                meter.add(counts, records)

    @app.task  # type: ignore[untyped-decorator]  # Faust's has no type
    async def serve() -> None:
        """Metrics and health while the worker runs."""
        log.info(
            "a worker of group %s, %s: state in %s, topics %s*",
            settings.group,
            f"instance {settings.instance}" if settings.instance else "a dynamic member",
            settings.data_dir,
            settings.topic_prefix,
        )
        warned = False
        with ExitStack() as stack:
            if settings.metrics_port:
                served = _served(settings.metrics_port, metrics, meter)
                stack.enter_context(served)
                log.info("metrics and health on port %d of loopback", served.port)
            while not app.should_stop:
                meter.refresh()
                if not warned and app.engine is not None and not job.reference.catalogue.policies:
                    warned = True
                    log.warning(
                        "There is no policy yet: every order is refused with NO_POLICY. "
                        "Write the reference data: tollgate reference apply FILE."
                    )
                await app.sleep(1.0)

    return app


def run_worker(settings: Settings, open_ports: OpenPorts = real_ports) -> None:
    """Run one worker until it is told to stop (SIGTERM, Ctrl-C); does not return."""
    if settings.log_level != "DEBUG":
        # Some forty lines of Faust's services at each start and end, among them that of a store in
        # memory, which is not where state lies.
        for framework in ("faust", "mode"):
            logging.getLogger(framework).setLevel(logging.WARNING)
    app = build(settings, open_ports)
    Worker(app, loglevel=settings.log_level.lower()).execute_from_commandline()


def run_faust(settings: Settings, arguments: Sequence[str]) -> None:
    """Faust's own command line on the gate's app (`agents`, `tables`, ...)."""
    sys.argv = ["tollgate faust", *arguments]
    build(settings).main()


def _served(port: int, metrics: Metrics, meter: Meter) -> Served:
    try:
        return Served(metrics, port, alive=meter.trouble_living, ready=meter.trouble)
    except OSError as error:
        stop = Stop(
            Cause.SETTINGS,
            f"TOLLGATE_METRICS_PORT: port {port} of loopback cannot be used: {error.strerror}.",
            "Give each worker a port of its own, or 0 for none.",
        )
        log.critical("%s", stop)
        logging.shutdown()
        os._exit(stop.cause.exit_code)


def _end(fatal: EngineFatal) -> None:
    """End the process with the sentence and the exit code of its cause."""
    stop = _stop_of(fatal)
    if stop.cause is Cause.IMPOSSIBLE:
        # What nobody foresaw is shown with its calls, masked (law 11). The sentence comes last: a
        # page has the log's end.
        log.error("%s", mask_text(_calls(fatal.__cause__ or fatal)))
    log.critical("%s", stop)
    logging.shutdown()
    os._exit(stop.cause.exit_code)


def _calls(error: BaseException) -> str:
    """The calls that failed; of a `Stop` without its words, which are told by themselves."""
    if isinstance(error, Stop):
        lines = ["Traceback (most recent call last):\n", *format_tb(error.__traceback__)]
    else:
        lines = format_exception(error)
    return "".join(lines).rstrip()


def _stop_of(fatal: EngineFatal) -> Stop:
    """What ended the job, where the job knows better than the engine."""
    # Slow to import, and only needed now.
    from streams.codec.registry import RegistryUnavailable

    match fatal.__cause__:
        case Stop() as stop:
            return stop
        case RegistryUnavailable() as away:
            return Stop(Cause.REGISTRY_AWAY, str(away))
    cause = _STOPS[fatal.cause]
    # An exception that nobody foresaw may quote anything (law 11).
    detail = fatal.detail if fatal.__cause__ is None else mask_text(fatal.detail)
    if fatal.cause in _OURS_INSTEAD:
        return Stop(cause, detail)
    ours = f"\n{cause.value.advice}" if fatal.cause in _OURS_TOO else ""
    return Stop(cause, detail, fatal.advice + ours)
