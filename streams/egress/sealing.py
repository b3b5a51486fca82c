"""Digests and seals: what ties a decision to its cause, its effects and the one before.

digest = BLAKE2b-128 of (key length as 4 bytes big-endian, 0xFFFFFFFF for no key, then key, then
value), keyed with the decision's salt. leaf = BLAKE2b-256 of the decision's value without its
last 32 bytes, keyed with the salt. seal = BLAKE2b-256 of the partition's previous seal and the
leaf; before the first decision stand 32 zero bytes. The salt makes every digest useless for
guessing what it covers, so one decision can be shown, or a subscriber's erased, without the others.
"""

import os
from hashlib import blake2b

SALT_BYTES = 16
SEAL_BYTES = 32
FIRST_SEAL = bytes(SEAL_BYTES)
_NO_KEY = b"\xff\xff\xff\xff"
# One system call for many salts.
_SALTS_DRAWN = 256


def digest(salt: bytes, key: bytes | None, value: bytes) -> bytes:
    """16 bytes that stand for a record's key and value."""
    head = _NO_KEY if key is None else len(key).to_bytes(4, "big") + key
    return blake2b(head + value, digest_size=16, key=salt).digest()


def seal(previous: bytes, salt: bytes, unsealed: bytes) -> bytes:
    """The seal of a decision whose value up to the seal is `unsealed`."""
    leaf = blake2b(unsealed, digest_size=SEAL_BYTES, key=salt).digest()
    return blake2b(previous + leaf, digest_size=SEAL_BYTES).digest()


class Salts:
    """Random salts: the one thing that is drawn, and therefore recorded (law 8)."""

    def __init__(self) -> None:
        self._drawn = b""
        self._at = 0

    def draw(self) -> bytes:
        """The next 16 bytes."""
        at = self._at
        if at == len(self._drawn):
            self._drawn, at = os.urandom(SALT_BYTES * _SALTS_DRAWN), 0
        self._at = at + SALT_BYTES
        return self._drawn[at : self._at]
