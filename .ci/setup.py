"""`make setup`: everything that `make demo`, `make test` and `make check` need, once.

Each step says what it does and how long it took, and leaves a stamp with the digest of what it was
done from: a second run does nothing again and needs no network. Any Python from 3.11 on runs this
file; it uses nothing but the standard library.
"""

import hashlib
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMPS = VENV / "stamps"
LOCK = ROOT / "requirements" / "dev.txt"
OUTPUT_LINES_SHOWN = 30

PIP = (str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet")


class Step(NamedTuple):
    """One thing to do: `made_from` names what it depends on; empty means look every time."""

    title: str
    command: Sequence[str]
    made_from: Sequence[Path]
    when_it_fails: str
    quiet: bool = True


STEPS = (
    Step(
        "virtual environment in .venv",
        (sys.executable, "-m", "venv", "--clear", str(VENV)),
        (),
        "This Python cannot make virtual environments: on Debian or Ubuntu install python3-venv "
        "(apt-get install python3-venv), or name another Python (make setup PYTHON=...).",
    ),
    Step(
        "locked packages of requirements/dev.txt, hashes checked",
        (*PIP, "install", "--require-hashes", "--only-binary", ":all:", "-r", str(LOCK)),
        (LOCK,),
        "Check the network and pip's settings (proxy, index), then run the same command again.",
    ),
    Step(
        "Tollgate itself, editable",
        (*PIP, "install", "--no-deps", "--no-build-isolation", "--editable", str(ROOT)),
        (LOCK, ROOT / "pyproject.toml"),
        "Read the lines above: pyproject.toml or the packages it names are not as they should be.",
    ),
    Step(
        "embedded broker: Kafka's jars, checked, and a trained startup archive",
        (str(PYTHON), "-m", "streams.broker"),
        (),
        "Check the network, then run the same command again: what was fetched is kept.",
        quiet=False,
    ),
)


def main() -> int:
    """Do what is not done yet, and stop at the first step that fails."""
    for number, step in enumerate(STEPS, start=1):
        label = f"set-up {number}/{len(STEPS)}: {step.title}"
        begun = time.monotonic()
        if _is_done(step):
            _say(f"{label}: there already")
            continue
        _say(f"{label} ...")
        if not _run(step):
            _say(f"{label} FAILED. {step.when_it_fails}")
            return 1
        _stamp(step)
        _say(f"{label}: done in {time.monotonic() - begun:.1f} s")
    return 0


def _is_done(step: Step) -> bool:
    if step is STEPS[0]:
        return _venv_works()
    return bool(step.made_from) and _stamp_file(step).exists()


def _venv_works() -> bool:
    """Whether .venv has a Python that starts and is new enough, and was made in this place."""
    activate = VENV / "bin" / "activate"
    if not activate.is_file() or str(VENV) not in activate.read_text("utf-8"):
        return False
    test = "import sys, pip; sys.exit(sys.version_info < (3, 11))"
    return _succeeds(lambda: subprocess.run((PYTHON, "-c", test), capture_output=True, check=True))


def _succeeds(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def _run(step: Step) -> bool:
    output = subprocess.PIPE if step.quiet else None
    done = subprocess.run(
        step.command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode and step.quiet:
        _say("\n".join(done.stdout.splitlines()[-OUTPUT_LINES_SHOWN:]))
    return done.returncode == 0


def _stamp(step: Step) -> None:
    if step.made_from:
        STAMPS.mkdir(exist_ok=True)
        _stamp_file(step).touch()


def _stamp_file(step: Step) -> Path:
    """Named for the content of what the step was made from, and for the command."""
    digest = hashlib.sha256("\n".join(step.command).encode())
    for path in step.made_from:
        digest.update(path.read_bytes())
    return STAMPS / digest.hexdigest()[:32]


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
