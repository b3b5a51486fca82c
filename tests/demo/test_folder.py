"""A demonstration empties only what a demonstration made."""

from pathlib import Path

import pytest

from streams.demo.folder import MARK, clean_folder
from streams.errors import Cause, Stop


def test_a_second_demonstration_starts_clean(tmp_path: Path) -> None:
    """What the first one left is gone when the second begins, and stays when it ends."""
    folder = tmp_path / "demo"
    with clean_folder(folder):
        (folder / "kafka").mkdir()
        (folder / "kafka" / "log").write_text("a log")
        (folder / "worker.log").write_text("a line")
    assert (folder / "worker.log").exists()
    with clean_folder(folder):
        assert [inside.name for inside in folder.iterdir()] == [MARK]


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    """A folder with files and without our mark is refused, and nothing in it is touched."""
    treasure = tmp_path / "thesis.txt"
    treasure.write_text("years of work")
    with pytest.raises(Stop) as stopped, clean_folder(tmp_path):
        pass
    assert stopped.value.cause is Cause.SETTINGS
    assert treasure.read_text() == "years of work"


def test_what_a_link_points_to_is_left_alone(tmp_path: Path) -> None:
    """A link in the folder is removed, not what it points to."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept")
    folder = tmp_path / "demo"
    with clean_folder(folder):
        (folder / "link").symlink_to(outside)
    with clean_folder(folder):
        assert not (folder / "link").exists()
    assert (outside / "kept").read_text() == "kept"


def test_two_demonstrations_do_not_share_a_folder(tmp_path: Path) -> None:
    """While one runs, another in the same folder is refused with what to do."""
    with (
        clean_folder(tmp_path / "demo"),
        pytest.raises(Stop, match="a demonstration is running") as stopped,
        clean_folder(tmp_path / "demo"),
    ):
        pass
    assert stopped.value.cause is Cause.STATE_IN_USE


def test_a_folder_that_cannot_be_is_one_sentence(tmp_path: Path) -> None:
    """A path that goes through a file is refused with a sentence, not a trace."""
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(Stop, match="cannot be used"), clean_folder(file / "demo"):
        pass
