"""The jars of Kafka: what `jars.lock` names, kept in the user's cache folder, checked every time.

Laws: a jar whose sha256 is not the locked one is never run, and nothing is fetched but what the
lock names (no transitive resolution). The whole set is hashed at each start: 46 MB cost about
0.1 s. This module does not know how a broker is configured or run.
"""

import hashlib
import importlib.resources
import logging
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from streams.broker.errors import BrokerError, missing_extra

# Not 4.3.0 or 4.3.1: they leave out a transaction's marker where a partition has no leader for a
# moment, as in every stop of a single broker (KAFKA-20734, open in November 2026).
KAFKA_VERSION = "4.2.1"

# The repository answers a small file in well under a second; a slow line may need several tries.
FETCH_TRIES = 3
FETCH_TIMEOUT_S = 30
# Eight at a time fetch 46 jars in about 3 s, where one by one takes 12 s.
FETCHES_AT_ONCE = 8

# The startup archive (see java.py) is void once a jar's modification time changes, so every jar
# gets the same one: a jar fetched anew does not slow the start down.
JAR_TIME_S = 1_700_000_000

Tell = Callable[[str], None]


class Jar(NamedTuple):
    """One line of `jars.lock`."""

    coordinate: str
    sha256: str

    @property
    def file_name(self) -> str:
        """The name of the file in the cache folder."""
        _group, artifact, version = self.coordinate.split(":")
        return f"{artifact}-{version}.jar"


def cache_folder() -> Path:
    """Where everything fetched or made for this version of Kafka is kept."""
    base = os.environ.get("XDG_CACHE_HOME")
    root = Path(base) if base else Path.home() / ".cache"
    return root / "tollgate" / f"kafka-{KAFKA_VERSION}"


def lock_text() -> str:
    """`jars.lock` as shipped."""
    return importlib.resources.files("streams.broker").joinpath("jars.lock").read_text("utf-8")


def locked_jars() -> tuple[Jar, ...]:
    """The pinned set, in the lock's order, which is the order of the class path."""
    lines = (line.strip() for line in lock_text().splitlines())
    return tuple(Jar(*line.split()) for line in lines if line and not line.startswith("#"))


def sha256_of(path: Path) -> str | None:
    """The digest of a file, or None when there is none to read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def ensure_jars(tell: Tell, repository: str | None = None) -> tuple[Path, ...]:
    """Give the paths of the whole set, fetching what is missing or damaged.

    `repository` is the address of a Maven repository to ask instead of jgo's own.
    """
    folder = cache_folder() / "jars"
    jars = locked_jars()
    bad = [jar for jar in jars if sha256_of(folder / jar.file_name) != jar.sha256]
    if bad:
        _fetch_all(bad, folder, repository, tell)
    return tuple(folder / jar.file_name for jar in jars)


def _fetch_all(jars: Sequence[Jar], folder: Path, repository: str | None, tell: Tell) -> None:
    tell(f"fetching {len(jars)} jars of Apache Kafka {KAFKA_VERSION} into {folder}")
    begun = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(FETCHES_AT_ONCE) as pool:
        for _ in pool.map(lambda jar: _fetch(jar, folder, repository), jars):
            pass
    tell(f"fetched and verified {len(jars)} jars in {time.monotonic() - begun:.1f} s")


def _fetch(jar: Jar, folder: Path, repository: str | None) -> None:
    """Bring one jar into the folder, whole and verified or not at all."""
    try:
        import requests
        from jgo.maven import MavenContext
    except ImportError:
        raise missing_extra("jgo") from None

    # It warns on its own about checksums; the one that counts is compared here.
    logging.getLogger("jgo").setLevel(logging.CRITICAL)
    trouble: Exception | None = None
    for _ in range(FETCH_TRIES):
        # A folder of its own for each try: several processes may fetch the same jar.
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix="fetch-") as scratch:
            context = MavenContext(
                repo_cache=Path(scratch),
                remote_repos={"given": repository} if repository else None,
                timeout=FETCH_TIMEOUT_S,
            )
            try:
                fetched = Path(context.create_dependency(jar.coordinate).artifact.resolve())
            except (requests.RequestException, OSError, RuntimeError) as error:
                trouble = error
                continue
            found = sha256_of(fetched)
            if found != jar.sha256:
                raise BrokerError(
                    f"The jar {jar.coordinate} was fetched with the sha256 {found}, but "
                    f"jars.lock says {jar.sha256}: it is not used; find out who changed it."
                )
            os.utime(fetched, (JAR_TIME_S, JAR_TIME_S))
            fetched.replace(folder / jar.file_name)
            return
    raise BrokerError(
        f"The jar {jar.coordinate} could not be fetched in {FETCH_TRIES} tries "
        f"({type(trouble).__name__}): check the network, then run the same command again; "
        f"what was fetched already is kept in {folder}."
    )
