"""The table of contents of settings: what a person may set from outside, and why one would.

Laws: a setting is plumbing. Whatever can change a decision is reference data (law 8). A wrong value
is refused at start, all of them at once, with name, value and range; an unknown name too. A secret
is never shown. Values come from the environment, else from the file named by TOLLGATE_CONFIG_FILE
(`KEY=value` lines as systemd's EnvironmentFile takes them), else from the table below.

This file must not know what a setting is used for beyond its reason: no Kafka, no Faust, no paths
looked up, no folder made.
"""

# Each call in a default below makes a row of the table, once, on purpose.
# ruff: noqa: RUF009
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from pathlib import Path
from typing import Any

from streams.errors import Cause, Stop
from streams.setting_rows import (
    Row,
    choice,
    env_name,
    folder,
    gather,
    ms,
    parse,
    range_of,
    s,
    secret,
    show,
    span,
    switch,
    text,
    whole,
    written_form,
)

PORT_MAX = 65_535


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting, valid by construction when it comes from `load`."""

    # Where things are.
    bootstrap_servers: str = text(
        "127.0.0.1:9092",
        "Where the Kafka brokers are; the default is the embedded one's.",
        r"[^\s,]+:\d{1,5}(,[^\s,]+:\d{1,5})*",
        "host:port, several with commas",
        "addresses",
    )
    data_dir: Path = folder(
        Path("data"), "Local disk for state; each worker has its own folder, rebuilt when lost."
    )
    topic_prefix: str = text(
        "vas.",
        "Begins the name of every topic, so that several gates can share a broker.",
        r"[A-Za-z0-9._-]{0,100}",
        "letters, digits, '.', '_', '-', at most 100",
    )
    group: str = text(
        "tollgate-gate",
        "The consumer group of the workers that share one gate's work.",
        r"[A-Za-z0-9._-]{1,100}",
        "letters, digits, '.', '_', '-', 1 to 100",
    )
    instance: str = text(
        "",
        "Name of this worker in the group: a restart within the session timeout keeps its "
        "partitions. Unique in the group; empty makes it a dynamic member.",
        r"[A-Za-z0-9._-]{0,100}",
        "letters, digits, '.', '_', '-', at most 100",
    )
    schema_registry_url: str = text(
        "",
        "A registry that speaks Confluent's REST API; empty uses the ids in the repository.",
        r"(https?://\S+)?",
        "http://… or https://…, or empty",
        "URL",
    )
    simulated_time: bool = switch(
        default=False,
        reason="True: records carry the simulator's time, kept without time limit, and workers "
        "write no ticks. False: the broker's clock stamps the inputs, so that no centre can move "
        "our time.",
    )

    # For `topics apply` only.
    partitions: int = whole(
        8,
        "partitions",
        1,
        1024,
        "Of each per-subscriber topic, for life: the most workers that can ever share the work. "
        "Only topics apply reads it.",
    )
    replication_factor: int = whole(
        0,
        "copies",
        0,
        9,
        "Of each topic; 0 takes 3, or as many as there are brokers if fewer: charges must outlive "
        "a disk, and one broker must do for development. min.insync.replicas is one less.",
    )

    # Who we are to the broker; passed to every Kafka client.
    security_protocol: str = choice(
        "PLAINTEXT",
        ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"),
        "How clients speak to the broker; anything but PLAINTEXT off the local machine.",
    )
    security_sasl_mechanism: str = choice(
        "SCRAM-SHA-512",
        ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"),
        "How the user is proved; used with SASL_PLAINTEXT and SASL_SSL.",
    )
    security_sasl_username: str = text("", "The user of SASL; its ACLs are the gate's rights.")
    security_sasl_password: str = secret("The password of that user.")
    security_ssl_ca_location: str = text(
        "", "File of the authorities trusted to sign the broker; empty: the system's.", unit="path"
    )
    security_ssl_certificate_location: str = text(
        "", "File of our own certificate (PEM), where the broker asks for one.", unit="path"
    )
    security_ssl_key_location: str = text(
        "", "File of that certificate's private key (PEM).", unit="path"
    )
    security_ssl_key_password: str = secret("The password of that private key.")

    # How the engine works.
    turn_records_max: int = whole(
        2000,
        "records",
        1,
        10_000,
        "Taken in one transaction at most. More saves little (a transaction costs 1-2 ms) and "
        "keeps the event loop busy longer (about 60 ms for 2,000).",
    )
    merge_wait: timedelta = span(
        ms(500),
        ms(0),
        s(10),
        "Wait for a sibling input known to have more, so that events are taken in time order. "
        "Order only: 50 ms left 5 % of a preloaded log out of order, 500 ms none.",
    )
    session_timeout: timedelta = span(
        s(6),
        s(6),
        s(10),
        "A silent worker loses its partitions after it. Brokers refuse less than 6 s; above 10 s "
        "subscribers notice.",
    )
    transaction_timeout: timedelta = span(
        s(6),
        s(1),
        s(10),
        "Not above the session timeout: a dead worker's transaction is over when its partitions "
        "move.",
    )
    watchdog: timedelta = span(
        s(15),
        s(5),
        s(120),
        "A transaction, or leaving the group, that takes longer ends the worker: librdkafka can "
        "block for ever.",
    )
    linger: timedelta = span(
        ms(50),
        ms(0),
        ms(100),
        "The producer gathers this long; a commit does not wait for it. Less costs more requests.",
    )
    tick_interval: timedelta = span(
        s(1),
        ms(100),
        s(10),
        "Between the ticks a worker writes to its partitions: how late an expiry may be noticed.",
    )
    block_cache_mb: int = whole(
        32, "MiB", 8, 65_536, "RocksDB's cache of read blocks, shared by all partitions."
    )
    write_buffer_mb: int = whole(
        64, "MiB", 4, 65_536, "RocksDB's memory for fresh rows, shared by all partitions likewise."
    )

    # When to stop (law 10).
    dead_letters_share_max: int = whole(
        10,
        "percent",
        1,
        100,
        "More of the last records unreadable than this stops the worker: a writer is broken, and "
        "silence would cost its subscribers. 100 never stops it.",
    )
    dead_letters_window: int = whole(
        10_000, "records", 100, 1_000_000, "How many of the last records that share is taken of."
    )
    dead_letters_count_min: int = whole(
        100,
        "records",
        1,
        1_000_000,
        "Fewer unreadable ones in the window never stop the worker, however few records came.",
    )

    # What a person sees.
    log_level: str = choice(
        "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"), "The least that is written to the log."
    )
    metrics_port: int = whole(
        0,
        "port",
        0,
        PORT_MAX,
        "Serves /metrics, /livez and /readyz on 127.0.0.1; each worker on a machine needs its own. "
        "0 serves nothing.",
    )


@dataclass(frozen=True, slots=True)
class Described:
    """One setting as `tollgate config` shows it."""

    name: str
    value: str
    source: str
    unit: str
    range: str
    reason: str


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of this process; raises Stop(SETTINGS) naming everything that is wrong."""
    written, faults = gather(os.environ if environment is None else environment, _names())
    values: dict[str, Any] = {}
    for row_field in fields(Settings):
        name = env_name(row_field)
        if name in written:
            try:
                values[row_field.name] = parse(row_field, written[name][0])
            except ValueError as error:
                faults.append(f"{name}: {error} (from {written[name][1]})")
    if not faults:
        settings = Settings(**values)
        faults = _contradictions(settings)
    if faults:
        raise Stop(Cause.SETTINGS, "".join(f"\n  {fault}" for fault in faults))
    return settings


def describe(environment: Mapping[str, str] | None = None) -> tuple[Described, ...]:
    """Every setting in the table's order, with where its value comes from; secrets hidden."""
    environment = os.environ if environment is None else environment
    settings = load(environment)
    written, _ = gather(environment, _names())
    described = []
    for row_field in fields(Settings):
        row: Row = row_field.metadata["row"]
        name = env_name(row_field)
        source = written[name][1] if name in written else "default"
        value = show(row, getattr(settings, row_field.name))
        described.append(Described(name, value, source, row.unit, range_of(row), row.reason))
    return tuple(described)


def table() -> tuple[tuple[str, str, Row], ...]:
    """Name, default as one would write it, and row, for documents that are compared with it."""
    return tuple(
        (env_name(row_field), written_form(row_field.default), row_field.metadata["row"])
        for row_field in fields(Settings)
    )


def _names() -> list[str]:
    return [env_name(row_field) for row_field in fields(Settings)]


def _contradictions(settings: Settings) -> list[str]:
    """What is wrong between settings that are right one by one."""
    faults = []
    if settings.transaction_timeout > settings.session_timeout:
        faults.append(
            f"TOLLGATE_TRANSACTION_TIMEOUT: {written_form(settings.transaction_timeout)} is above "
            f"TOLLGATE_SESSION_TIMEOUT ({written_form(settings.session_timeout)})"
        )
    sasl = settings.security_protocol.startswith("SASL")
    if sasl and not (settings.security_sasl_username and settings.security_sasl_password):
        faults.append(
            f"TOLLGATE_SECURITY_PROTOCOL: {settings.security_protocol} needs "
            "TOLLGATE_SECURITY_SASL_USERNAME and TOLLGATE_SECURITY_SASL_PASSWORD"
        )
    if bool(settings.security_ssl_certificate_location) != bool(settings.security_ssl_key_location):
        faults.append(
            "TOLLGATE_SECURITY_SSL_CERTIFICATE_LOCATION and TOLLGATE_SECURITY_SSL_KEY_LOCATION: "
            "one is set without the other"
        )
    faults += [
        f"TOLLGATE_BOOTSTRAP_SERVERS: {port} is no port (1 to {PORT_MAX})"
        for port in re.findall(r":([0-9]{1,5})(?=,|$)", settings.bootstrap_servers)
        if not 1 <= int(port) <= PORT_MAX
    ]
    # librdkafka would say so much later, without the setting's name.
    faults += [
        f"{env_name(each)}: there is no file {path}"
        for each in fields(Settings)
        if each.name.endswith("_location")
        and (path := getattr(settings, each.name))
        and not Path(path).is_file()
    ]
    return faults
