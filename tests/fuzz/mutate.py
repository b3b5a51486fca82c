"""Mutations of bytes: blind ones, and ones that aim at what a decoder reads.

All chance comes from the generator that is passed in. Most bodies get one or two changes, so that
what stands behind the change is still reached; some get none, because what is valid must be read.
"""

from collections.abc import Sequence
from random import Random
from typing import TypeVar

from tests.fuzz.wire import COUNT, FLAG, INDEX, LENGTH, NUMBER, TEXT, Piece, Sample, number

T = TypeVar("T")

_BOMBS = (100_000_000, 1 << 24, (1 << 24) + 1, 1 << 31, 1 << 40, 1 << 62, -(1 << 63), -1, -2)
_ENDLESS = (b"\xff" * 9 + b"\x02", b"\xff" * 10 + b"\x01", b"\x80" * 30, b"\xff" * 9 + b"\x01")
_NOT_TEXT = (
    *(
        b"\xff",
        b"\xc0\x80",
        b"\xed\xa0\x80",
        b"\xed\xbf\xbf",
        b"\xf4\x90\x80\x80",
        b"\xc3",
        b"\x80",
    ),
    *(b"\xf0\x80\x80\x80", b"\xe2\x82", b"\xfe\xff", b"\xf8\x88\x80\x80\x80"),
)


def mutated(value: bytes, draw: Random) -> bytes:
    """One to four blind changes: bits, bytes, cuts, insertions, doublings, huge numbers."""
    out = bytearray(value)
    for _ in range(1 + int(draw.random() ** 2 * 4)):
        at = int(draw.random() * (len(out) + 1))
        match int(draw.random() * 8):
            case 0:
                out[at : at + 1] = bytes((int(draw.random() * 256),))
            case 1:
                del out[at : at + 1 + int(draw.random() * 8)]
            case 2:
                out[at:at] = draw.randbytes(1 + int(draw.random() * 8))
            case 3:
                out[at:at] = out[at : at + 1 + int(draw.random() * 20)]
            case 4:
                out[at:at] = pick(_ENDLESS, draw)
            case 5:
                out[at : at + 1] = number(pick(_BOMBS, draw))
            case 6:
                del out[at:]
            case _:
                if at < len(out):
                    out[at] ^= 1 << int(draw.random() * 8)
    return bytes(out)


def spoilt(sample: Sample, others: Sequence[Sample], draw: Random) -> bytes:
    """A sample's body, mostly with a change or two in its pieces; `others` are for splices."""
    pieces = list(sample.pieces)
    chance = draw.random()
    for _ in range(0 if chance < 0.1 else 1 if chance < 0.7 else 2 if chance < 0.9 else 5):
        if not pieces:
            break
        at = int(draw.random() * len(pieces))
        match int(draw.random() * 8):
            case 0:
                del pieces[at]
            case 1:
                pieces.insert(at, pick(pieces, draw))
            case 2:
                other = int(draw.random() * len(pieces))
                pieces[at], pieces[other] = pieces[other], pieces[at]
            case 3:
                other_pieces = pick(others, draw).pieces
                begin = int(draw.random() * (len(other_pieces) + 1))
                pieces[at:] = other_pieces[begin:]
            case 4:
                del pieces[at:]
            case _:
                pieces[at] = _other(pieces[at], draw)
    body = b"".join([piece.value for piece in pieces])
    return mutated(body, draw) if chance > 0.85 else body


def _other(piece: Piece, draw: Random) -> Piece:
    """Something in place of a piece that its reader must judge."""
    kind, value = piece
    if draw.random() < 0.15:
        return Piece(kind, pick(_ENDLESS, draw))
    if kind in (LENGTH, COUNT):
        if draw.random() < 0.5:
            return Piece(kind, number(pick(_BOMBS, draw)))
        return Piece(kind, number(int(draw.random() * 300) - 20))
    if kind == INDEX:
        return Piece(kind, number(int(draw.random() * 40) - 4))
    if kind == NUMBER:
        return Piece(
            kind, number(draw.getrandbits(int(draw.random() * 66)) - (draw.random() < 0.5))
        )
    if kind == FLAG:
        return Piece(kind, bytes((int(draw.random() * 256),)))
    assert kind == TEXT
    cut = value[: int(draw.random() * (len(value) + 1))]
    bad = pick(_NOT_TEXT, draw)
    return Piece(kind, cut[: max(0, len(value) - len(bad))] + bad + value[len(cut) + len(bad) :])


def pick(among: Sequence[T], draw: Random) -> T:
    """`Random.choice`, three times as fast."""
    return among[int(draw.random() * len(among))]
