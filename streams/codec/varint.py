"""Avro's numbers: zigzag, then seven bits a byte, least significant first.

The generated codecs read and write small numbers in place and come here for the rest, so the
range is judged here. `NotPlain` is no verdict: it sends the bytes the slow and exact way.
"""

TABLE_SIZE = 32_768  # non-negative numbers of at most two bytes, and a few of three
_CACHED_MAX = 8_192  # upper halves kept: times share theirs for 8 s, so this is 18 h of stream time


class NotPlain(ValueError):
    """The fast way does not cover this; resolve.py and fallback.py do."""


def zigzag(number: int) -> int:
    """Fold the sign into the lowest bit, without any limit on the size."""
    return number << 1 if number >= 0 else (-number << 1) - 1


def unzigzag(raw: int) -> int:
    return raw >> 1 ^ -(raw & 1)


def varint(raw: int) -> bytes:
    """Seven bits a byte, least significant first."""
    out = bytearray()
    while raw > 127:
        out.append(raw & 127 | 128)
        raw >>= 7
    out.append(raw)
    return bytes(out)


# By the number itself: its zigzag varint. Also by a length: Avro writes lengths as longs.
TABLE = tuple(varint(number << 1) for number in range(TABLE_SIZE))
# By the lower fourteen bits: two bytes that announce more.
_LOWER = tuple(bytes((low & 127 | 128, low >> 7 | 128)) for low in range(1 << 14))


class _Upper(dict[int, bytes]):
    """The bytes of upper halves; forgets everything when full, which is rare and cheap."""

    def __missing__(self, half: int) -> bytes:
        if len(self) >= _CACHED_MAX:
            self.clear()
        self[half] = made = varint(half)
        return made


_upper = _Upper()


def encode_long(number: int) -> bytes:
    """Any 64-bit number; one beyond raises NotPlain, for the exact way to name the field."""
    raw = number << 1 if number >= 0 else (-number << 1) - 1
    if raw < 16_384:
        return varint(raw)
    if raw >> 64:
        raise NotPlain
    return _LOWER[raw & 16_383] + _upper[raw >> 14]


def encode_int(number: int) -> bytes:
    """Any 32-bit number; one beyond raises NotPlain."""
    if not -0x8000_0000 <= number <= 0x7FFF_FFFF:
        raise NotPlain
    return encode_long(number)


def more_long(buffer: bytes, at: int, first: int) -> tuple[int, int]:
    """The rest of a number whose first byte (over 127) was read; gives it and what comes next."""
    raw = first & 127
    shift = 7
    while True:
        byte = buffer[at]
        at += 1
        if byte < 128:
            raw |= byte << shift
            if raw >> 64:
                raise NotPlain
            return raw, at
        raw |= (byte & 127) << shift
        shift += 7
        if shift > 63:
            raise NotPlain


def more_int(buffer: bytes, at: int, first: int) -> tuple[int, int]:
    """As more_long, for a number that must fit 32 bits."""
    raw, at = more_long(buffer, at, first)
    if raw >> 32:
        raise NotPlain
    return raw, at


class TimeUppers(dict[bytes, int]):
    """The last four of a time's six bytes, read before: times of the same 8 s share them.

    Milliseconds since 1970 take six bytes from 1987 to 2109. Read byte by byte they cost more than
    a text; with their upper part known, a third of it.
    """

    def read(self, buffer: bytes, at: int) -> tuple[int, int]:
        """Any number, the slow way; what can be reused of it is kept."""
        raw, end = (
            more_long(buffer, at + 1, buffer[at]) if buffer[at] > 127 else (buffer[at], at + 1)
        )
        if end - at == 6:
            if len(self) >= _CACHED_MAX:
                self.clear()
            self[buffer[at + 2 : end]] = raw >> 14 << 13
        return unzigzag(raw), end


def more_length(buffer: bytes, at: int, first: int) -> tuple[int, int]:
    """A length or count whose first byte was over 127 or odd: long, or negative and not plain."""
    if first > 127:
        first, at = more_long(buffer, at, first)
    if first & 1:
        raise NotPlain
    return first, at
