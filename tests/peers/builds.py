"""What the peers need besides this repository's own environment, made in build/peers on first use.

What was made carries the digest of what it was made from, so that a second run makes nothing and
needs no network. A machine that cannot make it gets the reason, and no failure.
"""

import hashlib
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from tests.compiled import build as native

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build/peers"
QUIX_PYTHON = BUILD / "quix/bin/python"
COMPILED = BUILD / "compiled"

_NATIVE = ("tests/peers/slots.py", "tests/peers/w1.py")
_JAVA_SOURCES = Path(__file__).with_name("java")
_QUIX_LOCK = ROOT / "requirements/quix.txt"
_JAVA_VERSION_LEAST = 17
# The first build fetches some 100 MB.
_BUILD_S = 900.0


class NotMade(Exception):
    """Why an engine cannot run here."""


def make_java() -> None:
    """The jars of Kafka Streams and Flink; raises NotMade."""
    java, maven = shutil.which("java"), shutil.which("mvn")
    if java is None or maven is None:
        raise NotMade(f"no {'mvn' if java else 'java'} on this machine")
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    version = re.search(r'version "(\d+)', said.stderr)
    if version is None or int(version[1]) < _JAVA_VERSION_LEAST:
        raise NotMade(f"Java {_JAVA_VERSION_LEAST} or newer is needed")
    sources = sorted(path for path in _JAVA_SOURCES.rglob("*") if path.is_file())
    pom = str(_JAVA_SOURCES / "pom.xml")
    _make(
        "java", said.stderr, sources, [[maven, "--quiet", "--batch-mode", "--file", pom, "package"]]
    )


def make_quix() -> None:
    """The virtual environment of Quix Streams; raises NotMade."""
    pip = [str(QUIX_PYTHON), "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
    locked = ["--require-hashes", "--only-binary", ":all:", "-r", str(_QUIX_LOCK)]
    environment = [sys.executable, "-m", "venv", "--clear", str(QUIX_PYTHON.parents[1])]
    _make("quix", sys.version, [_QUIX_LOCK], [environment, [*pip, *locked]])


def make_compiled() -> None:
    """Our engine and W1's decisions as native code; raises NotMade."""
    try:
        native.build()
    except native.NotBuilt as reason:
        raise NotMade(str(reason)) from None
    sources = sorted((ROOT / "tests/peers").glob("*.py"))

    def copy() -> None:
        """Native code never lies beside a source that may have changed since."""
        package = COMPILED / "tests/peers"
        shutil.rmtree(COMPILED, ignore_errors=True)
        package.mkdir(parents=True)
        for source in sources:
            shutil.copy(source, package)

    compiler = [
        sys.executable,
        "-m",
        "mypyc",
        "--follow-imports=silent",
        "--ignore-missing-imports",
    ]
    _make("compiled", sys.version, sources, [[*compiler, *_NATIVE]], COMPILED, copy)


def _make(
    name: str,
    tool: str,
    made_from: Iterable[Path],
    commands: Iterable[Sequence[str]],
    folder: Path = ROOT,
    prepare: Callable[[], None] = lambda: None,
) -> None:
    digest = hashlib.sha256(tool.encode())
    for path in made_from:
        digest.update(path.read_bytes())
    # One stamp only: it says from what the things that lie here were made last.
    stamp, log = BUILD / f"{name}.made", BUILD / f"{name}.log"
    if stamp.exists() and stamp.read_text() == digest.hexdigest():
        return
    BUILD.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    prepare()
    with log.open("wb") as out:
        for command in commands:
            try:
                subprocess.run(
                    command, cwd=folder, stdout=out, stderr=out, timeout=_BUILD_S, check=True
                )
            except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
                where = log.relative_to(ROOT)
                raise NotMade(f"{Path(command[0]).name} failed: see {where}") from None
    stamp.write_text(digest.hexdigest())
