"""Avro bodies as pieces, so that a mutation can aim: at a length, an index, a number, a text.

A piece is what one step of a decoder reads. Any list of pieces can be joined to bytes; the lists
made here are valid bodies of their schema, written by a walk of the schema that shares nothing with
the codec but the tree.
"""

import json
import struct
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from streams.codec.ids import Release, repository
from streams.codec.schema import Array, Enum, Fixed, Map, Node, Primitive, Record, Union

EXAMPLES = Path(__file__).resolve().parents[2] / "schemas" / "examples"

# What a piece is to a decoder.
NUMBER, LENGTH, INDEX, COUNT, TEXT, FLAG = range(6)

LONG_MIN, LONG_MAX = -(1 << 63), (1 << 63) - 1
INT_MIN, INT_MAX = -(1 << 31), (1 << 31) - 1
LONGS = (0, 1, -1, 63, 64, -64, -65, 8191, 8192, 1 << 40, LONG_MIN, LONG_MAX, 1_790_000_000_000)
INTS = (0, 1, -1, 63, 64, -64, -65, 8191, 8192, INT_MIN, INT_MAX, 20_000)
# Texts that have broken readers: empty, signs of ours, ends of planes, what folds to more, runs of
# marks, characters that look like digits, directions, controls.
TEXTS = (
    *("", "a", "Y", "0000", "|", "a|b", "\0", "'", '"', "\\", "\r\n", "\u2028", "\x1b[2J", "\x7f"),
    *("46700000001", "８６１３９", "٠١٢٣٤٥٦٧", "²³¹", "①②③", "Ⅷ", "½", "𝟗𝟗𝟗", "߀߁߂߃߄߅߆"),
    *("是", "确认", "ß", "ﬃ", "İ", "ŉ", "ΐ", "ﷺ", "\ufb03", "\u0344", "e\u0301" * 9, "\u0300" * 40),
    *("\u202e10086", "\u200b", "\ufeff", "\ud7ff", "\ue000", "\uffff", "\U00010000", "\U0010ffff"),
    *("{{ price }}", "{% x %}", "%s%n", "../../etc", "a" * 200, "中" * 71, "😀" * 36, "€" * 81),
)


class Piece(NamedTuple):
    """A few bytes, and what they are to whoever decodes them."""

    kind: int
    value: bytes


class Sample(NamedTuple):
    """A valid body of a released schema."""

    release: Release
    pieces: tuple[Piece, ...]

    @property
    def body(self) -> bytes:
        return b"".join(piece.value for piece in self.pieces)


def number(value: int) -> bytes:
    """Avro's variable-length zigzag, by the specification."""
    raw = (value << 1) ^ (value >> 63) if LONG_MIN <= value <= LONG_MAX else abs(value) << 1
    out = bytearray()
    while raw > 127:
        out.append(raw & 127 | 128)
        raw >>= 7
    out.append(raw)
    return bytes(out)


def pieces_of(node: Node, value: Any) -> list[Piece]:
    """A value in the examples' JSON as the pieces of its body."""
    match node:
        case Primitive("null"):
            return []
        case Primitive("boolean"):
            return [Piece(FLAG, bytes((value,)))]
        case Primitive("int" | "long"):
            return [Piece(NUMBER, number(value))]
        case Primitive("string"):
            text = value.encode()
            return [Piece(LENGTH, number(len(text))), Piece(TEXT, text)]
        case Primitive("bytes"):
            held = bytes.fromhex(value)
            return [Piece(LENGTH, number(len(held))), Piece(TEXT, held)]
        case Primitive(kind):
            return [Piece(TEXT, struct.pack("<f" if kind == "float" else "<d", value))]
        case Fixed():
            return [Piece(TEXT, bytes.fromhex(value))]
        case Enum():
            return [Piece(INDEX, number(node.symbols.index(value)))]
        case Union():
            null = Primitive("null")
            branch = next(
                place
                for place, each in enumerate(node.branches)
                if (each == null) == (value is None)
            )
            return [Piece(INDEX, number(branch)), *pieces_of(node.branches[branch], value)]
        case Array():
            items = [piece for each in value for piece in pieces_of(node.items, each)]
            head = [Piece(COUNT, number(len(value)))] if value else []
            return [*head, *items, Piece(COUNT, b"\0")]
        case Record():
            return [
                piece for each in node.fields for piece in pieces_of(each.type, value[each.name])
            ]
        case Map():
            raise AssertionError("no schema of ours has a map")


def drawn(node: Node, draw: Random, depth: int = 0) -> Any:
    """Any value of a type, in the examples' JSON; extremes are as likely as what is usual."""
    match node:
        case Primitive("null"):
            return None
        case Primitive("boolean"):
            return draw.random() < 0.5
        case Primitive("int"):
            return draw.choice(INTS) if draw.random() < 0.6 else draw.randint(INT_MIN, INT_MAX)
        case Primitive("long"):
            return draw.choice(LONGS) if draw.random() < 0.6 else draw.randint(LONG_MIN, LONG_MAX)
        case Primitive("string"):
            return draw_text(draw)
        case Primitive("bytes"):
            return draw.randbytes(draw.choice((0, 1, 16, 63, 64, 200))).hex()
        case Primitive():
            return draw.random()
        case Fixed():
            return draw.randbytes(node.size).hex()
        case Enum():
            return draw.choice(node.symbols)
        case Union():
            return drawn(draw.choice(node.branches), draw, depth)
        case Array():
            most = 3 if depth < 2 else 1
            return [drawn(node.items, draw, depth + 1) for _ in range(draw.randint(0, most))]
        case Record():
            return {each.name: drawn(each.type, draw, depth) for each in node.fields}
        case Map():
            raise AssertionError("no schema of ours has a map")


def draw_text(draw: Random) -> str:
    """One of the strange texts, two of them, or any characters at all."""
    chance = draw.random()
    if chance < 0.6:
        return draw.choice(TEXTS)
    if chance < 0.75:
        return draw.choice(TEXTS) + draw.choice(TEXTS)
    top = draw.choice((0x80, 0x800, 0xD800, 0x110000))
    codes = (int(draw.random() * top) for _ in range(draw.choice((1, 3, 12, 63, 64, 130))))
    return "".join(chr(code) for code in codes if not 0xD800 <= code <= 0xDFFF)


def samples_of(name: str, draw: Random, of_each: int) -> tuple[Sample, ...]:
    """Bodies of every released schema of a topic or table: the examples, and so many drawn ones."""
    found = []
    for release in repository().of(name):
        values = [drawn(release.schema.root, draw) for _ in range(of_each)]
        if release is repository().newest(name):
            files = sorted((EXAMPLES / name).glob("*.json"))
            values += [json.loads(file.read_text("utf-8")) for file in files] * (of_each // 4 + 1)
        found += [Sample(release, tuple(pieces_of(release.schema.root, value))) for value in values]
    return tuple(found)


def bent(node: Node, value: Any, draw: Random) -> Any:
    """A record of ours with one of its fields, however deep, replaced by any value of its type."""
    match node:
        case Record():
            place = int(draw.random() * len(node.fields))
            held = tuple(value)
            after = bent(node.fields[place].type, held[place], draw)
            return type(value)._make((*held[:place], after, *held[place + 1 :]))
        case Array() if value:
            place = int(draw.random() * len(value))
            match int(draw.random() * 8):
                case 0:
                    return value[:place] + value[place + 1 :]
                case 1:
                    return (*value, value[place])
                case _:
                    return (
                        *value[:place],
                        bent(node.items, value[place], draw),
                        *value[place + 1 :],
                    )
        case Array():
            return value
        case Union() if value is not None and draw.random() < 0.6:
            some = next(branch for branch in node.branches if branch != Primitive("null"))
            return bent(some, value, draw)
        case Union():
            return _ours(node.branches[int(draw.random() * len(node.branches))], draw)
    return _ours(node, draw)


def _ours(node: Node, draw: Random) -> Any:
    """A drawn value of a simple type as our classes have it; nothing of a type that is not."""
    match node:
        case Record() | Array():
            return None
        case Fixed() | Primitive("bytes"):
            return bytes.fromhex(drawn(node, draw))
    return drawn(node, draw)
