"""Settings: one table, refused as a whole at start, secrets never shown."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from streams import settings
from streams.errors import Cause, Stop

SECRET = "hunter2-and-more"


def refusal(environment: Mapping[str, str]) -> str:
    with pytest.raises(Stop) as stopped:
        settings.load(environment)
    assert stopped.value.cause is Cause.SETTINGS
    return str(stopped.value)


def test_nothing_set_gives_the_defaults() -> None:
    """With nothing set, the settings are those of the table, the same as Settings()."""
    assert settings.load({}) == settings.Settings()


def test_every_default_is_a_value_one_may_write() -> None:
    """Writing each setting's default into the environment changes nothing."""
    written = {name: default for name, default, _ in settings.table()}
    written = {name: value for name, value in written.items() if value}
    assert settings.load(written) == settings.Settings()


def test_every_setting_has_a_reason_and_a_unit() -> None:
    """No row of the table is without a unit and a reason that is a sentence."""
    for name, _, row in settings.table():
        assert row.unit, name
        assert row.reason.endswith("."), name


def test_values_come_in_their_types() -> None:
    """A number, a span with its unit, a switch and a path are read as what they are."""
    loaded = settings.load(
        {
            "TOLLGATE_PARTITIONS": "24",
            "TOLLGATE_LINGER": "5ms",
            "TOLLGATE_TICK_INTERVAL": "2s",
            "TOLLGATE_SIMULATED_TIME": "True",
            "TOLLGATE_DATA_DIR": "/var/lib/tollgate",
            "TOLLGATE_LOG_LEVEL": "debug",
        }
    )
    assert loaded.partitions == 24
    assert loaded.linger == timedelta(milliseconds=5)
    assert loaded.tick_interval == timedelta(seconds=2)
    assert loaded.simulated_time is True
    assert loaded.data_dir == Path("/var/lib/tollgate")
    assert loaded.log_level == "DEBUG"


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("BOOTSTRAP_SERVERS", "broker", "host:port"),
        ("BOOTSTRAP_SERVERS", "", "host:port"),
        ("DATA_DIR", "", "expected a path"),
        ("TOPIC_PREFIX", "vas/", "letters, digits"),
        ("GROUP", "", "1 to 100"),
        ("PARTITIONS", "0", "1 to 1024"),
        ("PARTITIONS", "1025", "1 to 1024"),
        ("PARTITIONS", "eight", "1 to 1024"),
        ("PARTITIONS", "٨", "1 to 1024"),
        ("REPLICATION_FACTOR", "10", "0 to 9"),
        ("SCHEMA_REGISTRY_URL", "registry:8081", "http://"),
        ("SIMULATED_TIME", "yes", "true, false"),
        ("SECURITY_PROTOCOL", "TLS", "PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL"),
        ("SECURITY_SASL_MECHANISM", "GSSAPI", "PLAIN, SCRAM-SHA-256, SCRAM-SHA-512"),
        ("TURN_RECORDS_MAX", "0", "1 to 10000"),
        ("MERGE_WAIT", "500", "with its unit"),
        ("SESSION_TIMEOUT", "5s", "6s to 10s"),
        ("SESSION_TIMEOUT", "11s", "6s to 10s"),
        ("TRANSACTION_TIMEOUT", "-1s", "1s to 10s"),
        ("WATCHDOG", "1m0s", "with its unit"),
        ("LOG_LEVEL", "LOUD", "DEBUG, INFO, WARNING, ERROR"),
        ("METRICS_PORT", "65536", "0 to 65535"),
        ("DEAD_LETTERS_SHARE_MAX", "0", "1 to 100"),
    ],
)
def test_a_wrong_value_is_refused_with_its_name_value_and_range(
    name: str, value: str, says: str
) -> None:
    """A wrong value is refused at start; the sentence has its name, the value and the range."""
    said = refusal({f"TOLLGATE_{name}": value})
    assert f"TOLLGATE_{name}: " in said
    assert repr(value) in said or not value
    assert says in said


def test_the_ends_of_a_range_are_allowed() -> None:
    """The least and the greatest value of a range are both taken."""
    for ends in ("1", "1024"):
        assert settings.load({"TOLLGATE_PARTITIONS": ends}).partitions == int(ends)


def test_everything_wrong_is_listed_at_once() -> None:
    """Two wrong values and an unknown name are three lines of one refusal."""
    said = refusal(
        {
            "TOLLGATE_PARTITIONS": "none",
            "TOLLGATE_LOG_LEVEL": "loud",
            "TOLLGATE_DATADIR": "here",
        }
    )
    assert said.count("\n  TOLLGATE_") == 3


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    """A misspelt setting is not silently left out: the refusal names the nearest one."""
    assert "the nearest is TOLLGATE_TOPIC_PREFIX" in refusal({"TOLLGATE_TOPICPREFIX": "x."})


def test_other_programs_variables_are_not_ours() -> None:
    """Variables without our prefix are nobody's business here."""
    assert settings.load({"PATH": "/bin", "FAUST_LOGLEVEL": "x"}) == settings.Settings()


def test_a_transaction_never_outlives_its_owner() -> None:
    """A transaction timeout above the session timeout is refused, naming both."""
    said = refusal({"TOLLGATE_TRANSACTION_TIMEOUT": "8s", "TOLLGATE_SESSION_TIMEOUT": "7s"})
    assert "TOLLGATE_TRANSACTION_TIMEOUT: 8s is above TOLLGATE_SESSION_TIMEOUT (7s)" in said


def test_sasl_needs_a_user_and_a_password() -> None:
    """SASL without user or password is refused before any broker is asked."""
    said = refusal({"TOLLGATE_SECURITY_PROTOCOL": "SASL_SSL"})
    assert "needs TOLLGATE_SECURITY_SASL_USERNAME and TOLLGATE_SECURITY_SASL_PASSWORD" in said


def test_a_certificate_needs_its_key() -> None:
    """A certificate without its key is refused."""
    said = refusal({"TOLLGATE_SECURITY_SSL_CERTIFICATE_LOCATION": "client.pem"})
    assert "one is set without the other" in said


def test_a_certificate_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """A path that leads nowhere is named before any connection is tried."""
    away = tmp_path / "ca.pem"
    said = refusal({"TOLLGATE_SECURITY_SSL_CA_LOCATION": str(away)})
    assert f"TOLLGATE_SECURITY_SSL_CA_LOCATION: there is no file {away}" in said
    away.write_text("made")
    settings.load({"TOLLGATE_SECURITY_SSL_CA_LOCATION": str(away)})


@pytest.mark.parametrize("port", ["0", "65536", "99999"])
def test_a_port_that_cannot_be_is_refused(port: str) -> None:
    """Each broker's port is one that TCP has."""
    said = refusal({"TOLLGATE_BOOTSTRAP_SERVERS": f"kafka-1:9092,kafka-2:{port}"})
    assert f"TOLLGATE_BOOTSTRAP_SERVERS: {port} is no port" in said


def test_the_file_is_read_and_the_environment_wins(tmp_path: Path) -> None:
    """A settings file is taken line by line, comments and quotes too; the environment wins."""
    path = tmp_path / "tollgate.env"
    path.write_text(
        "# the gate of the north\n; old\n\nTOLLGATE_PARTITIONS=16\n"
        "TOLLGATE_TOPIC_PREFIX='north.'\nTOLLGATE_GROUP = \"north\"\n"
    )
    environment = {"TOLLGATE_CONFIG_FILE": str(path), "TOLLGATE_PARTITIONS": "32"}
    loaded = settings.load(environment)
    assert (loaded.partitions, loaded.topic_prefix, loaded.group) == (32, "north.", "north")
    sources = {row.name: row.source for row in settings.describe(environment)}
    assert sources["TOLLGATE_PARTITIONS"] == "environment"
    assert sources["TOLLGATE_TOPIC_PREFIX"] == f"{path}:5"
    assert sources["TOLLGATE_INSTANCE"] == "default"


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """A settings file that cannot be read is named."""
    path = tmp_path / "absent.env"
    assert f"TOLLGATE_CONFIG_FILE: cannot read {path}" in refusal(
        {"TOLLGATE_CONFIG_FILE": str(path)}
    )


def test_a_line_that_is_no_setting_is_refused_by_its_number(tmp_path: Path) -> None:
    """A line of the file that is not ours is refused with its number and without its value."""
    path = tmp_path / "tollgate.env"
    path.write_text(f"TOLLGATE_PARTITIONS=8\nTOLGATE_SECURITY_SASL_PASSWORD={SECRET}\nnonsense\n")
    said = refusal({"TOLLGATE_CONFIG_FILE": str(path)})
    assert f"{path}:2: expected TOLLGATE_NAME=value, got 'TOLGATE_SECURITY_SASL_PASSWORD'" in said
    assert f"{path}:3:" in said
    assert SECRET not in said


def test_secrets_are_never_shown(tmp_path: Path) -> None:
    """No description, no refusal and no repr shows a password, also not one inside a URL."""
    path = tmp_path / "tollgate.env"
    path.write_text(f"TOLLGATE_SECURITY_SSL_KEY_PASSWORD={SECRET}\n")
    environment = {
        "TOLLGATE_CONFIG_FILE": str(path),
        "TOLLGATE_SECURITY_SASL_PASSWORD": SECRET,
        "TOLLGATE_SCHEMA_REGISTRY_URL": f"https://us:{SECRET}@registry:8081",
    }
    shown = {row.name: row.value for row in settings.describe(environment)}
    assert shown["TOLLGATE_SECURITY_SASL_PASSWORD"] == "(hidden)"
    assert shown["TOLLGATE_SECURITY_SSL_KEY_PASSWORD"] == "(hidden)"
    assert shown["TOLLGATE_SCHEMA_REGISTRY_URL"] == "https://(hidden)@registry:8081"
    assert SECRET not in repr(settings.load(environment))
    wrong = environment | {
        "TOLLGATE_PARTITIONS": "x",
        "TOLLGATE_SECURITY_SASL_PASWORD": SECRET,
        "TOLLGATE_SCHEMA_REGISTRY_URL": f"ftp://us:{SECRET}@registry:8081",
    }
    assert SECRET not in refusal(wrong)
