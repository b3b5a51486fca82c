"""`make compiled`: the native modules (pyproject.toml names them), into build/compiled.

They are built from a copy of the sources, so that none ever lies beside a source that has changed
since. Whoever wants them puts the folder first on the path; `environment` says how. A second build
of the same sources makes nothing.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build/compiled"
_SOURCES = ("streams", "schemas", "pyproject.toml", "README.md", "LICENSE")
_STAMP = "made-from"
_BUILD_S = 800.0


class NotBuilt(Exception):
    """Why there are no native modules, with what to do."""


def build() -> Path:
    """Build what is not there yet; the folder. Raises NotBuilt."""
    if shutil.which("cc") is None:
        raise NotBuilt("native modules need a C compiler: on Debian, apt install gcc python3-dev")
    digest, stamp = _digest(), FOLDER / _STAMP
    if stamp.exists() and stamp.read_text() == digest:
        return FOLDER
    shutil.rmtree(FOLDER, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="tollgate-compiled-") as made:
        source, wheels = Path(made) / "source", Path(made) / "wheels"
        source.mkdir()
        for name in _SOURCES:
            of = ROOT / name
            if of.is_dir():
                shutil.copytree(of, source / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(of, source / name)
        done = subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(wheels)],
            cwd=source,
            env=os.environ | {"HATCH_BUILD_HOOK_ENABLE_MYPYC": "true"},
            capture_output=True,
            text=True,
            timeout=_BUILD_S,
            check=False,
        )
        if done.returncode:
            raise NotBuilt(f"mypyc or the C compiler failed:\n{done.stdout}{done.stderr}")
        [wheel] = wheels.iterdir()
        with zipfile.ZipFile(wheel) as packed:
            packed.extractall(FOLDER)
    stamp.write_text(digest)
    return FOLDER


def environment(*first: Path) -> dict[str, str]:
    """For a process that shall find what lies in `first`, then native modules, then these tests."""
    path = os.pathsep.join(map(str, (*first, FOLDER, ROOT)))
    # Safe: Python puts the current folder, with the sources, before everything else.
    return {"PYTHONPATH": path, "PYTHONSAFEPATH": "1"}


def _digest() -> str:
    """Of everything that goes in, and of the Python that is built for."""
    digest = hashlib.sha256(sys.version.encode())
    for name in _SOURCES:
        of = ROOT / name
        files = sorted(of.rglob("*")) if of.is_dir() else [of]
        for file in files:
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    try:
        folder = build()
    except NotBuilt as reason:
        sys.exit(str(reason))
    count = len(list(folder.rglob("*.so")))
    print(f"{count} native modules in {folder.relative_to(ROOT)}: PYTHONPATH={folder} runs them")  # noqa: T201  # a program's own words
