"""The gate as a job of the engine: its topics and limits, its tables, and who decides a turn.

What a worker runs, whatever it runs on: the app puts it behind Faust's face, a simulator behind a
world of its own. Nothing is started here.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

from streams import clients, topics
from streams.agent import Counts, GateAgent
from streams.codec.codecs import Codecs
from streams.egress.outbox import Outbox
from streams.engine import Config, Limits, PartitionTurn, TableSpec
from streams.forgetting import Horizon
from streams.gate import keys
from streams.gate.events import Tick
from streams.gate.rows import ChargeAccount, Complaint, Seen, ServiceDay, Subscriber
from streams.gathering import Tables
from streams.ingress.dead_letter_limit import DeadLetterLimit
from streams.ingress.read import Reader
from streams.ingress.reference_log import ReferenceLog
from streams.settings import Settings


class TableOfRows(NamedTuple):
    """A table, and for a person what it holds."""

    spec: TableSpec[Any]
    meaning: str


class Job(NamedTuple):
    """One worker's gate."""

    config: Config
    tables: tuple[TableOfRows, ...]
    reference: ReferenceLog
    agent: GateAgent

    def decide(self, partition: PartitionTurn) -> Counts:
        """Every event of this partition's turn."""
        return self.agent.decide_partition(partition, rows_of(partition))


def make_job(settings: Settings, codecs: Codecs, draw_salt: Callable[[], bytes]) -> Job:
    """The gate of these settings; `draw_salt` gives 16 random bytes (egress/sealing.py)."""
    reference = ReferenceLog(codecs)
    agent = GateAgent(
        Reader(codecs),
        reference,
        Outbox(codecs, settings.topic_prefix, settings.group, draw_salt),
        DeadLetterLimit(
            settings.dead_letters_share_max,
            settings.dead_letters_window,
            settings.dead_letters_count_min,
        ),
    )
    return Job(
        _config(settings, codecs, reference),
        _tables(codecs, Horizon(lambda: reference.catalogue)),
        reference,
        agent,
    )


def _config(settings: Settings, codecs: Codecs, reference: ReferenceLog) -> Config:
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
        fold=reference.fold,
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


def asks_nothing(subscriber: bytes) -> bool:
    """Whether a packed row has no open prompt: they come first, and Avro packs no items as a 0."""
    return subscriber[1] == 0  # behind the version


def _tables(codecs: Codecs, horizon: Horizon) -> tuple[TableOfRows, ...]:
    """THE table of contents of tables."""

    def table(
        name: str, prefix: bytes, meaning: str, *, kind: type[Any], row: str = "", **rest: Any
    ) -> TableOfRows:
        dump, load = codecs.row_codec(row or name, kind)
        return TableOfRows(TableSpec(name, prefix, dump, load, **rest), meaning)

    seen = functools.partial(table, row="seen", kind=Seen, forget_at=horizon.of_seen)
    return (
        table(
            "grants",
            b"g",
            "(day, msisdn, service): what was asked, what waits, what was granted and used",
            kind=ServiceDay,
            forget_at=horizon.of_service_day,
        ),
        table(
            "subscribers",
            b"s",
            "msisdn: open prompts, so that a reply finds its prompt, and what the days brought",
            kind=Subscriber,
            due=lambda key, row: keys.due_of_subscriber(key.decode(), row),
            is_idle=asks_nothing,
            forget_at=horizon.of_subscriber,
        ),
        seen("orders", b"o", "(msisdn, order_id): digest and day, for the horizon"),
        seen("events", b"e", "(msisdn, topic, id) of every other input: digest and day"),
        table(
            "charges",
            b"c",
            "(msisdn, charge_id): settled, refunded, until the refund deadline",
            kind=ChargeAccount,
            forget_at=horizon.of_account,
        ),
        table(
            "complaints",
            b"q",
            "(msisdn, complaint_id): open complaints with their clocks",
            kind=Complaint,
            due=keys.due_of_complaint,
            forget_at=horizon.of_complaint,
        ),
    )


def rows_of(partition: PartitionTurn) -> Tables:
    """The rows of a partition's open turn, by table."""
    return Tables(
        partition.rows("grants"),
        partition.rows("subscribers"),
        partition.rows("orders"),
        partition.rows("events"),
        partition.rows("charges"),
        partition.rows("complaints"),
    )
