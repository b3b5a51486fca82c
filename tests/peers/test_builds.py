"""What peers need is made once, and anew when what it is made from has changed."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.peers import builds
from tests.peers.builds import NotMade


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], int]:
    """Make a thing from a source by a tool; how often it has been made since the beginning."""
    monkeypatch.setattr(builds, "ROOT", tmp_path)
    monkeypatch.setattr(builds, "BUILD", tmp_path / "build")
    source, made = tmp_path / "source", tmp_path / "made"

    def run(content: str, tool: str) -> int:
        source.write_text(content)
        program = (
            f"open({str(made)!r}, 'a').write('x'); exit(open({str(source)!r}).read() == 'bad')"
        )
        builds._make("thing", tool, [source], [[sys.executable, "-c", program]])
        return len(made.read_text())

    return run


def test_a_thing_is_made_once(make: Callable[[str, str], int]) -> None:
    """A second time nothing is made, and no network needed."""
    assert [make("a", "java 17") for _ in range(3)] == [1, 1, 1]


def test_a_thing_is_made_anew_when_its_source_changes(make: Callable[[str, str], int]) -> None:
    """Also back to what it was before, since what lies there is of the version between; and by
    another tool.
    """
    told = [make("a", "java 17"), make("b", "java 17"), make("a", "java 17"), make("a", "java 21")]
    assert told == [1, 2, 3, 4]


def test_what_cannot_be_made_is_told_and_tried_again(make: Callable[[str, str], int]) -> None:
    """With where to look; a half-made thing does not count."""
    make("a", "java 17")
    for _ in range(2):
        with pytest.raises(NotMade, match=r"failed: see build/thing\.log"):
            make("bad", "java 17")
    assert make("a", "java 17") == 4


def test_no_java_is_a_reason_and_no_failure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A machine without it runs the others."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotMade, match="no java on this machine"):
        builds.make_java()
