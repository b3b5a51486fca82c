"""The one place that wires: settings, codecs, reference data, tables, the gate's agent, the worker.

`build` makes the Faust app of a worker and starts nothing. What ends a worker is told in one
sentence with the exit code of `streams.errors`, whichever layer noticed it.
"""

import gc
import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from streams import clients, topics
from streams.agent import GateAgent
from streams.codec.classes import types_of
from streams.codec.codecs import Codecs
from streams.egress import records
from streams.egress.outbox import Outbox
from streams.engine import App, Config, Limits, TableSpec, Turns, Worker
from streams.engine import Cause as EngineCause
from streams.engine import Fatal as EngineFatal
from streams.errors import Cause, Stop
from streams.forgetting import Horizon
from streams.gate import effects, events, keys, reference, rows, words
from streams.gate.events import Tick
from streams.gate.rows import ChargeAccount, Complaint, Seen, ServiceDay, Subscriber
from streams.gathering import Tables
from streams.ingress.dead_letter_limit import DeadLetterLimit
from streams.ingress.read import Reader
from streams.ingress.reference_log import ReferenceLog
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
    EngineCause.JOB_FAILED: Cause.IMPOSSIBLE,
    EngineCause.IMPOSSIBLE: Cause.IMPOSSIBLE,
}


def make_codecs(settings: Settings) -> Codecs:
    """Encoders and decoders of every topic and row, with ids from the registry or repository."""
    types = types_of(words, events, effects, reference, rows, records)
    if settings.schema_registry_url:
        return Codecs.from_registry(settings.schema_registry_url, settings.topic_prefix, types)
    return Codecs.from_repository(types)


def build(settings: Settings) -> App:
    """The gate's app: one agent over all inputs, its tables. Nothing is started."""
    codecs = make_codecs(settings)
    reference_log = ReferenceLog(codecs)
    metrics = Metrics()
    app = App(_config(settings, codecs, reference_log), end=_end)
    tables = _declare_tables(app, codecs, Horizon(reference_log.catalogue))
    agent = GateAgent(
        Reader(codecs),
        reference_log,
        Outbox(codecs, settings.topic_prefix, settings.group),
        DeadLetterLimit(
            settings.dead_letters_share_max,
            settings.dead_letters_window,
            settings.dead_letters_count_min,
        ),
    )
    meter = Meter(app, metrics, simulated_time=settings.simulated_time)

    @app.agent(app.inputs, name="gate")
    async def gate(turns: Turns) -> None:
        """Asks the subscriber first; approves, refuses and records."""
        async for turn in turns:
            async with turn:
                counts = [agent.decide_partition(partition, tables()) for partition in turn]
                records = len(turn)
            if turn.is_committed:
                meter.add(counts, records)

    @app.task  # type: ignore[untyped-decorator]  # Faust's has no type
    async def serve() -> None:
        """Metrics and health while the worker runs."""
        _calm_collector()
        warned = False
        with ExitStack() as stack:
            if settings.metrics_port:
                served = _served(settings.metrics_port, metrics, meter)
                stack.enter_context(served)
                log.info("metrics and health on port %d of loopback", served.port)
            while not app.should_stop:
                meter.refresh()
                if not warned and app.engine is not None and not reference_log.catalogue.policies:
                    warned = True
                    log.warning(
                        "There is no policy yet: every order is refused with NO_POLICY. "
                        "Write the reference data: tollgate reference apply FILE."
                    )
                await app.sleep(1.0)

    return app


def run_worker(settings: Settings) -> None:
    """Run one worker until it is told to stop (SIGTERM, Ctrl-C); does not return."""
    Worker(build(settings), loglevel=settings.log_level.lower()).execute_from_commandline()


def run_faust(settings: Settings, arguments: Sequence[str]) -> None:
    """Faust's own command line on the gate's app (`agents`, `tables`, ...)."""
    sys.argv = ["tollgate faust", *arguments]
    build(settings).main()


def _config(settings: Settings, codecs: Codecs, reference_log: ReferenceLog) -> Config:
    prefix = settings.topic_prefix
    encode_tick = codecs.encoder(topics.TICKS, Tick)
    outputs = [row for row in topics.CATALOGUE if row.kind is topics.Kind.OUTPUT]

    def make_tick(at: int, partition: int) -> bytes:
        return encode_tick(Tick(f"{partition}-{at}", at))

    return Config(
        group=settings.group,
        inputs=tuple(prefix + name for name in topics.INPUTS),
        changelog=prefix + topics.CHANGELOG,
        data_dir=settings.data_dir,
        client=clients.common(settings, "worker"),
        instance=settings.instance,
        clock=prefix + topics.TICKS,
        references=tuple(prefix + name for name in topics.REFERENCES),
        fold=reference_log.fold,
        make_tick=None if settings.simulated_time else make_tick,
        co_partitioned_outputs=tuple(row.full_name(prefix) for row in outputs),
        limits=Limits(
            turn_records=settings.turn_records_max,
            merge_wait=settings.merge_wait.total_seconds(),
            session_timeout=settings.session_timeout.total_seconds(),
            transaction_timeout=settings.transaction_timeout.total_seconds(),
            stuck=settings.watchdog.total_seconds(),
            linger_ms=settings.linger.total_seconds() * 1000,
            tick_interval=settings.tick_interval.total_seconds(),
            block_cache_bytes=settings.block_cache_mb << 20,
            write_buffer_bytes=settings.write_buffer_mb << 20,
        ),
    )


def _declare_tables(app: App, codecs: Codecs, horizon: Horizon) -> Callable[[], Tables]:
    """THE table of contents of tables; returns what makes the rows of the partition at hand."""

    def spec(name: str, prefix: bytes, row: str, kind: type[Any], **rest: Any) -> TableSpec[Any]:
        dump, load = codecs.row_codec(row, kind)
        return TableSpec(name, prefix, dump, load, **rest)

    service_days = app.keyed_rows(
        spec("grants", b"g", "grants", ServiceDay, forget_at=horizon.of_service_day),
        "(day, msisdn, service): what was asked, what waits, what was granted and used",
    )
    subscribers = app.keyed_rows(
        spec(
            "subscribers",
            b"s",
            "subscribers",
            Subscriber,
            due=lambda key, row: keys.due_of_subscriber(key.decode(), row),
            forget_at=horizon.of_subscriber,
        ),
        "msisdn: open prompts, so that a reply finds its prompt, and what the last days brought",
    )
    orders = app.keyed_rows(
        spec("orders", b"o", "seen", Seen, forget_at=horizon.of_seen),
        "(msisdn, order_id): digest and day, for the horizon",
    )
    other = app.keyed_rows(
        spec("events", b"e", "seen", Seen, forget_at=horizon.of_seen),
        "(msisdn, topic, id) of every other input: digest and day, for the horizon",
    )
    charges = app.keyed_rows(
        spec("charges", b"c", "charges", ChargeAccount, forget_at=horizon.of_account),
        "(msisdn, charge_id): settled, refunded, until the refund deadline",
    )
    complaints = app.keyed_rows(
        spec(
            "complaints",
            b"q",
            "complaints",
            Complaint,
            due=keys.due_of_complaint,
            forget_at=horizon.of_complaint,
        ),
        "(msisdn, complaint_id): open complaints with their clocks",
    )
    return lambda: Tables(
        service_days.rows(),
        subscribers.rows(),
        orders.rows(),
        other.rows(),
        charges.rows(),
        complaints.rows(),
    )


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
    # What nobody foresaw is shown whole; a known end needs no trace of calls.
    log.critical("%s", stop, exc_info=fatal if stop.cause is Cause.IMPOSSIBLE else None)
    logging.shutdown()
    os._exit(stop.cause.exit_code)


def _stop_of(fatal: EngineFatal) -> Stop:
    """What ended the job, where the job knows better than the engine."""
    # Slow to import, and only needed now.
    from streams.codec.registry import RegistryUnavailable

    match fatal.__cause__:
        case Stop() as stop:
            return stop
        case RegistryUnavailable() as away:
            return Stop(Cause.REGISTRY_AWAY, str(away))
    return Stop(_STOPS[fatal.cause], fatal.detail, fatal.advice)


def _calm_collector() -> None:
    """Nothing cyclic is made per event; what lives by now lives for ever.

    The collector took 24 % of the engine's thread in the prototype's profile.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
