"""The positions record of one partition: what has been consumed, as of one committed turn.

It is the truth about positions (the broker may forget the group's offsets of topics that nobody
subscribes to): the last record of a partition's turn on the changelog, in the same transaction as
everything the turn produced, and stored with the rows in one local batch.

Layout (little endian): version B, inputs B, references B, identity 16s, watermark q, tick offset q,
tick index I, next offset of each input q, next offset of each reference topic q, the job's carry.
"""

import struct
from dataclasses import dataclass

_VERSION = 1
_HEAD = struct.Struct("<BBB16sqqI")


@dataclass(slots=True)
class Positions:
    """Next offsets and stream time; `carry` is the job's own running value."""

    identity: bytes
    """Of the topics (16 bytes): a topic deleted and made again is not the same topic."""
    next: list[int]
    references: list[int]
    watermark: int = 0
    tick_offset: int = -1
    """The clock record that last moved the watermark: the cause of due acts."""
    tick_index: int = 0
    """How many due acts it has caused so far."""
    carry: bytes = b""

    def dump(self) -> bytes:
        """The record's value."""
        head = _HEAD.pack(
            _VERSION,
            len(self.next),
            len(self.references),
            self.identity,
            self.watermark,
            self.tick_offset,
            self.tick_index,
        )
        count = len(self.next) + len(self.references)
        return head + struct.pack(f"<{count}q", *self.next, *self.references) + self.carry

    @classmethod
    def load(cls, value: bytes) -> "Positions":
        """The inverse of `dump`; ValueError for what `dump` has not written."""
        try:
            version, inputs, refs, identity, watermark, offset, index = _HEAD.unpack_from(value)
            if version != _VERSION:
                raise ValueError(f"positions record of version {version}, this code reads 1")
            numbers = struct.unpack_from(f"<{inputs + refs}q", value, _HEAD.size)
        except struct.error as error:
            raise ValueError(f"positions record of {len(value)} bytes: {error}") from error
        carry = value[_HEAD.size + 8 * (inputs + refs) :]
        nexts, references = list(numbers[:inputs]), list(numbers[inputs:])
        return cls(identity, nexts, references, watermark, offset, index, carry)

    def copy(self) -> "Positions":
        """A positions record to change while this one stays as it was committed."""
        return Positions(
            self.identity,
            list(self.next),
            list(self.references),
            self.watermark,
            self.tick_offset,
            self.tick_index,
            self.carry,
        )
