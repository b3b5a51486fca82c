"""The native modules decide as the sources do, to the byte."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.compiled import build

# Making native code takes 80 s of CPU, and took six minutes on a machine that was busy.
pytestmark = pytest.mark.timeout(900)

ROOT = Path(__file__).parents[2]
# Faults, crashes and rebalances included; a suite of 20 is judged for violations alone.
SIMULATED = ("-m", "tests.sim.suite", "--seeds", "20", "--minutes", "15")
WALKS = (
    "tests/gate/test_laws.py",
    "tests/gate/test_moving_world.py",
    "tests/gate/test_edges.py",
    "tests/egress",
)


@pytest.fixture(scope="module")
def native() -> dict[str, str]:
    """The environment in which the native modules are found first."""
    build.build()
    return dict(os.environ) | build.environment()


def run(words: Sequence[str], environment: dict[str, str], folder: Path) -> str:
    """What a Python program prints; it must end well."""
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_what_decides_is_native(native: dict[str, str], tmp_path: Path) -> None:
    """Else the rest of these tests would compare the sources with themselves."""
    modules = ("gate.orders", "gate.decide", "agent", "egress.outbox", "engine.partition")
    for module in modules:
        words = ("-c", f"import streams.{module} as one; print(one.__file__)")
        assert run(words, native, tmp_path).strip().endswith(".so")


def test_simulated_worlds_end_the_same(native: dict[str, str], tmp_path: Path) -> None:
    """Everything on every topic of twenty worlds, faults and all, byte for byte."""
    pure = dict(os.environ) | {"PYTHONPATH": str(ROOT)}

    def digest(environment: dict[str, str]) -> str:
        said = run(SIMULATED, environment, tmp_path)
        [line] = [line for line in said.splitlines() if line.startswith("digest of everything")]
        return line

    assert digest(native) == digest(pure)


def test_the_rule_book_holds(native: dict[str, str], tmp_path: Path) -> None:
    """The gate's own walks, against the second rule book."""
    paths = (f"pythonpath={build.FOLDER} {ROOT}", f"cache_dir={tmp_path / 'cache'}")
    options = ("--rootdir", str(ROOT), "-c", str(ROOT / "pyproject.toml"), "-q")
    tests = [str(ROOT / each) for each in WALKS]
    run(("-m", "pytest", *options, *(f"-o{path}" for path in paths), *tests), native, tmp_path)
