"""`tollgate audit verify` and `anchor` on a real broker, as a person types them."""

from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from streams import clients
from streams.broker import EmbeddedBroker
from streams.cluster import Cluster
from streams.errors import Cause
from streams.settings import Settings
from streams.topics import CHARGES, DECISIONS, ORDERS, POLICIES, VERDICTS
from tests.audit.honest import honest
from tests.audit.published import ANSWER_SECONDS, remove, send, topics_in_story_time, write
from tests.audit.scribe import PARTITIONS
from tests.cli.test_cli import run


@pytest.fixture
def settings(kafka: EmbeddedBroker, prefix: str) -> Settings:
    """A day's topics, as a gate left them."""
    made = topics_in_story_time(kafka, prefix, PARTITIONS)
    # The story has the times of its reference records too.
    Cluster(made).configure([(prefix + POLICIES, "message.timestamp.type", "CreateTime")])
    write(made, honest(prefix).history())
    return made


def keys(folder: Path) -> tuple[Path, Path]:
    """A private and a public key, as openssl writes them."""
    key = Ed25519PrivateKey.generate()
    private, public = folder / "key.pem", folder / "key.pub.pem"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    return private, public


def test_topics_are_verified_signed_and_verified_again(settings: Settings, tmp_path: Path) -> None:
    """A clean day is signed; what is forged, removed or taken away afterwards is said, each with
    its code.
    """
    where = {
        "BOOTSTRAP_SERVERS": settings.bootstrap_servers,
        "TOPIC_PREFIX": settings.topic_prefix,
    }
    history = honest(settings.topic_prefix).history()
    private, public = keys(tmp_path)
    anchors = tmp_path / "anchors"

    clean = run("audit", "verify", "--jobs", "2", **where)
    assert clean.exit_code == 0, clean.output
    assert f"{len(history.of(DECISIONS))} decisions" in clean.output
    sign = ("audit", "anchor", "--anchors", str(anchors), "--private-key", str(private))
    signed = run(*sign, **where)
    assert signed.exit_code == 0, signed.output
    assert signed.output.count("Signed: partition") == PARTITIONS
    again = run(*sign, **where)
    assert again.exit_code == 0, again.output
    assert "Nothing to sign" in again.output
    held = ("audit", "verify", "--anchors", str(anchors), "--public-key", str(public))
    since = run(*held, "--from", "2030-01-01T00:00:00Z", **where)
    assert since.exit_code == 0, since.output
    assert f"{PARTITIONS} signed heads" in run(*held, **where).output

    remove(settings, ORDERS, 0, 2)
    gone = run(*held, **where)
    assert gone.exit_code == Cause.HISTORY_INCOMPLETE.exit_code, gone.output
    assert f"Could not be checked: {settings.topic_prefix}{ORDERS} partition 0" in gone.output

    outside = Producer(clients.producer(settings, "outside"))
    charge = history.of(CHARGES)[0]
    send(outside, settings, charge._replace(value=(charge.value or b"") + b"\0"))
    assert outside.flush(ANSWER_SECONDS) == 0
    forged = run(*held, **where)
    assert forged.exit_code == Cause.HISTORY_BROKEN.exit_code, forged.output
    assert f"{CHARGES}[{charge.partition}]@" in forged.output
    assert "no decision sent it" in forged.output

    admin = AdminClient(clients.admin(settings))
    verdicts = settings.topic_prefix + VERDICTS
    admin.delete_topics([verdicts])[verdicts].result(ANSWER_SECONDS)
    missing = run(*held, **where)
    assert missing.exit_code == Cause.TOPIC_MISSING.exit_code
    assert verdicts in missing.output


def test_a_wrong_key_and_options_alone_are_refused(tmp_path: Path) -> None:
    """A file that is no key is named; heads without a key, and an instant without heads, too."""
    private, public = keys(tmp_path)
    anchors = str(tmp_path / "anchors")
    wrong = run("audit", "anchor", "--anchors", anchors, "--private-key", str(public))
    assert wrong.exit_code == Cause.ANCHORS_REFUSED.exit_code
    assert f"{public}: there is no private key in it" in wrong.output
    wrong = run("audit", "verify", "--anchors", anchors, "--public-key", str(private))
    assert f"{private}: there is no public key in it" in wrong.output
    assert run("audit", "verify", "--anchors", anchors).exit_code == 2
    assert run("audit", "verify", "--from", "2030-01-01T00:00:00Z").exit_code == 2
