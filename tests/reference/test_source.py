"""How the YAML of a reference file is read."""

from pathlib import Path

import pytest

from streams.reference.problems import Refused
from streams.reference.source import parse_source, read_source


def test_words_that_yaml_once_took_for_false_are_words() -> None:
    """OFF, NO, yes, 0000 and 10:30 are text, as they are written."""
    source = parse_source("a: [OFF, NO, yes, 0000, 10:30, 2010-09-01, 1e3]", "file.yaml")
    assert source.tree["a"] == ["OFF", "NO", "yes", "0000", "10:30", "2010-09-01", "1e3"]


def test_numbers_truth_and_nothing_are_read() -> None:
    """Whole numbers, true, false and null keep their meaning."""
    source = parse_source("a: [12, -3, true, false, null, ~]", "file.yaml")
    assert source.tree["a"] == [12, -3, True, False, None, None]


def test_every_place_knows_its_line() -> None:
    """A place without a line of its own has that of what holds it."""
    source = parse_source("a:\n  - b: 1\n    c:\n      - d\n", "file.yaml")
    assert source.line(("a", 0, "b")) == 2
    assert source.line(("a", 0, "c", 0)) == 4
    assert source.line(("a", 0, "missing")) == 2
    assert source.line(("missing",)) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- a\n- b", "file.yaml:1: holds no sections"),
        ("", "file.yaml:1: holds no sections"),
        ("a: 1\nb: [1", "file.yaml:2: is not YAML"),
        ("a: 1\n\tb: 2", "file.yaml:2: is not YAML"),
        ("a: 1\nb: \x00", "file.yaml:1: is not YAML"),
        ("a: 1\na: 2", "file.yaml:2: a is given twice"),
        ("a: 1\nb: !x 1", "file.yaml:2: the tag !x is not known here"),
        ("a: 1\nb: &b [*b]", "file.yaml:2: is nested too deep"),
        ("a: 1\n[1]: 2", "file.yaml:2: a key is not a plain word"),
    ],
)
def test_what_is_no_file_is_refused_at_its_line(text: str, said: str) -> None:
    """A file of another form is refused with its line and what to do."""
    with pytest.raises(Refused) as refused:
        parse_source(text, "file.yaml")
    assert str(refused.value.problems[0]).startswith(said)


def test_aliases_of_aliases_have_a_limit() -> None:
    """A short text that would grow without limit is refused."""
    rows = "\n".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 9))
    with pytest.raises(Refused, match="aliases included"):
        parse_source(f"l0: &l0 [x]\n{rows}", "file.yaml")


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """A missing file is said to be missing, by name."""
    with pytest.raises(Refused, match="cannot be read"):
        read_source(tmp_path / "none.yaml")


def test_a_file_in_another_encoding_is_refused_at_its_line(tmp_path: Path) -> None:
    """Text that is not UTF-8 is refused at the line of its first wrong byte."""
    path = tmp_path / "gbk.yaml"
    path.write_bytes(b"a: 1\nb: " + "是".encode("gbk"))
    with pytest.raises(Refused, match=r"gbk\.yaml:2: is not UTF-8"):
        read_source(path)
