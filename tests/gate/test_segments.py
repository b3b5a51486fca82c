"""Segments and encodings against lengths known from 3GPP TS 23.038 and 23.040."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.gate.segments import GSM_DEFAULT, GSM_EXTENSION, measure
from streams.gate.words import Encoding

GSM7, UCS2 = Encoding.GSM7, Encoding.UCS2


@pytest.mark.parametrize(
    ("text", "encoding", "segments"),
    [
        ("", GSM7, 1),
        ("a" * 160, GSM7, 1),
        ("a" * 161, GSM7, 2),
        ("a" * 306, GSM7, 2),
        ("a" * 307, GSM7, 3),
        ("€" * 80, GSM7, 1),
        ("€" * 80 + "a", GSM7, 2),
        ("€" * 76 * 2, GSM7, 2),  # 153 is odd: the last septet of a segment stays empty
        ("€" * 76 * 2 + "a", GSM7, 2),  # and is filled by what takes only one
        ("€" * 77 * 2, GSM7, 3),
        ("是" * 70, UCS2, 1),
        ("是" * 71, UCS2, 2),
        ("是" * 134, UCS2, 2),
        ("是" * 135, UCS2, 3),
        ("😀" * 35, UCS2, 1),
        ("😀" * 35 + "a", UCS2, 2),
        ("😀" * 66, UCS2, 2),  # 67 is odd: no surrogate pair is torn
        ("😀" * 67, UCS2, 3),
        ("a" * 69 + "€是", UCS2, 2),
        ("`", UCS2, 1),  # of ASCII, only the grave accent is not in the alphabet
        ("ç", UCS2, 1),  # the alphabet has the capital letter only
        ("Ç", GSM7, 1),
    ],
)
def test_a_text_takes_its_known_segments(text: str, encoding: Encoding, segments: int) -> None:
    """Each text takes the encoding and the segments that the standard gives it."""
    assert measure(text) == (encoding, segments)


def test_the_alphabet_has_its_127_characters_and_the_extension_its_10() -> None:
    """The default alphabet has 128 codes less the escape; no character stands in both tables."""
    assert len(set(GSM_DEFAULT)) == len(GSM_DEFAULT) == 127
    assert len(set(GSM_EXTENSION)) == len(GSM_EXTENSION) == 10
    assert not set(GSM_DEFAULT) & set(GSM_EXTENSION)


@given(text=st.text(alphabet=GSM_DEFAULT + GSM_EXTENSION + "是😀", max_size=400), more=st.text())
def test_more_text_never_takes_fewer_segments(text: str, more: str) -> None:
    """Appending to a text takes as many segments or more, whatever the encoding becomes."""
    assert measure(text + more)[1] >= measure(text)[1]
