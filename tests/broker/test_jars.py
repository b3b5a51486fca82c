"""The jars of Kafka: only the locked ones, whole, are ever used."""

import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from streams.broker.errors import BrokerError
from streams.broker.jars import Jar, cache_folder, ensure_jars, locked_jars, sha256_of

NOBODY = "http://127.0.0.1:1"


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Repository:
    """A Maven repository on loopback: a folder in its layout, behind a real HTTP server."""

    def __init__(self, folder: Path, address: str) -> None:
        self.folder = folder
        self.address = address

    def offer(self, jar: Jar, content: bytes) -> None:
        """Put a jar where Maven's layout has it."""
        group, artifact, version = jar.coordinate.split(":")
        path = self.folder.joinpath(*group.split("."), artifact, version, jar.file_name)
        path.parent.mkdir(parents=True)
        path.write_bytes(content)


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    """An empty repository."""
    folder = tmp_path / "repository"
    folder.mkdir()
    handler = partial(QuietHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Repository(folder, f"http://127.0.0.1:{server.server_port}")
        server.shutdown()


@pytest.fixture
def jars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of our own that shares the good jars with the user's."""
    good = ensure_jars(lambda _: None)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = cache_folder() / "jars"
    folder.mkdir(parents=True)
    for jar in good:
        (folder / jar.name).symlink_to(jar)
    return folder


def damage(jars: Path) -> tuple[Jar, bytes]:
    """Cut the end off one jar; give it, and what it was."""
    jar = locked_jars()[0]
    path = jars / jar.file_name
    whole = path.read_bytes()
    path.unlink()
    path.write_bytes(whole[:-1])
    return jar, whole


def test_the_lock_names_every_jar_once_with_its_digest() -> None:
    """Every line is group:artifact:version and a sha256, and no two are the same file."""
    jars = locked_jars()
    assert len({jar.file_name for jar in jars}) == len(jars) == 46
    assert all(jar.coordinate.count(":") == 2 and len(jar.sha256) == 64 for jar in jars)


def test_a_whole_set_is_used_as_it_is(jars: Path) -> None:
    """With every jar in place nothing is fetched and nothing is said."""
    said: list[str] = []
    assert set(ensure_jars(said.append, NOBODY)) == set(jars.iterdir())
    assert said == []


def test_a_damaged_jar_is_fetched_again(jars: Path, repository: Repository) -> None:
    """A jar that lost one byte is replaced by the locked one, and only that jar."""
    jar, whole = damage(jars)
    repository.offer(jar, whole)
    said: list[str] = []
    ensure_jars(said.append, repository.address)
    assert sha256_of(jars / jar.file_name) == jar.sha256
    assert said[0].startswith("fetching 1 jars of Apache Kafka")


def test_a_missing_jar_is_fetched(jars: Path, repository: Repository) -> None:
    """A jar that is not there is fetched."""
    jar, whole = damage(jars)
    (jars / jar.file_name).unlink()
    repository.offer(jar, whole)
    ensure_jars(lambda _: None, repository.address)
    assert sha256_of(jars / jar.file_name) == jar.sha256


def test_another_jar_under_the_same_name_is_refused(jars: Path, repository: Repository) -> None:
    """What a repository serves is used only with the locked digest."""
    jar, whole = damage(jars)
    repository.offer(jar, whole + b"more")
    with pytest.raises(BrokerError, match=f"{jar.coordinate}.*sha256.*{jar.sha256}"):
        ensure_jars(lambda _: None, repository.address)


def test_without_a_network_the_jar_and_the_way_out_are_named(jars: Path) -> None:
    """When nobody answers, the sentence names the jar and says to check the network."""
    jar, _whole = damage(jars)
    with pytest.raises(BrokerError, match=f"{jar.coordinate}.*check the network"):
        ensure_jars(lambda _: None, NOBODY)


def test_without_the_extra_its_name_is_told(jars: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without jgo the sentence names the extra to install."""
    damage(jars)
    monkeypatch.setitem(sys.modules, "jgo.maven", None)
    with pytest.raises(BrokerError, match=r"jgo.*tollgate\[embedded\]"):
        ensure_jars(lambda _: None, NOBODY)
