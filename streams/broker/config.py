"""The files a broker is started with: its properties and those of its log.

One node that is broker and controller, everything on loopback, every internal topic with one
replica. What is set here and why is in the comments; the rest is Kafka's default.
"""

from collections.abc import Mapping
from pathlib import Path

LOOPBACK = "127.0.0.1"

# A dead letter carries a value of up to 1 MiB and headers; 4 MiB leaves room for a batch of it.
MESSAGE_BYTES_MAX = 4 * 1024 * 1024

# What the log of a broker may take, in the files broker.log, broker.log.1 and broker.log.2.
LOG_FILE_SIZE = "16MB"
LOG_FILES_MAX = 2

# Log4j's own hook closes the log as soon as the process is told to stop, and the broker's last
# words are lost; every line is written at once, so nothing needs closing.
LOG4J2 = """\
status = error
shutdownHook = disable
appender.file.type = RollingFile
appender.file.name = file
appender.file.fileName = {folder}/broker.log
appender.file.filePattern = {folder}/broker.log.%i
appender.file.policies.type = SizeBasedTriggeringPolicy
appender.file.policies.size = {size}
appender.file.strategy.type = DefaultRolloverStrategy
appender.file.strategy.max = {files}
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d %p %m (%c)%n
rootLogger.level = info
rootLogger.appenderRef.file.ref = file
"""


def server_properties(
    folder: Path, port: int, controller_port: int, extra: Mapping[str, str]
) -> dict[str, str]:
    """Every property that differs from Kafka's default; `extra` has the last word."""
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.bootstrap.servers": f"{LOOPBACK}:{controller_port}",
        "listeners": f"PLAINTEXT://{LOOPBACK}:{port},CONTROLLER://{LOOPBACK}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{port}",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": str(folder / "kafka"),
        "offsets.topic.replication.factor": "1",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        # The defaults of 50 each cost files and start-up time on one node.
        "offsets.topic.num.partitions": "8",
        "transaction.state.log.num.partitions": "4",
        "share.coordinator.state.topic.num.partitions": "4",
        # After a kill the controller waits for the old session to end before it lets the broker
        # in again: 10 s with Kafka's 9 s and 2 s.
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
        # A lone consumer need not wait for others to join.
        "group.initial.rebalance.delay.ms": "0",
        # A topic that nobody created is a mistake to be told.
        "auto.create.topics.enable": "false",
        "message.max.bytes": str(MESSAGE_BYTES_MAX),
        "replica.fetch.max.bytes": str(MESSAGE_BYTES_MAX),
        **extra,
    }


def write_config(folder: Path, properties: Mapping[str, str]) -> None:
    """Write both files into the broker's folder."""
    lines = (f"{name}={value}\n" for name, value in properties.items())
    (folder / "server.properties").write_text("".join(lines), encoding="utf-8")
    log4j2 = LOG4J2.format(folder=folder, size=LOG_FILE_SIZE, files=LOG_FILES_MAX)
    (folder / "log4j2.properties").write_text(log4j2, encoding="utf-8")
