"""Signed heads: where a partition's chain was, so that nobody rewrites what lies before unnoticed.

A file of lines, each a JSON object: the head's fields, the line's number, the BLAKE2b-256 of the
line before (so that none is taken out unnoticed) and an Ed25519 signature, in hexadecimal, of
`tollgate head 1`, a line feed and the rest of the object as JSON with sorted names and no spaces.
Keep the file, or its last line, where whoever can write the topics cannot. Keys are PEM files, as
`openssl genpkey -algorithm ed25519` writes them.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from streams.errors import Cause, Stop

_SIGNED_AS = b"tollgate head 1\n"
_FIRST = "0" * 64


@dataclass(frozen=True, slots=True)
class Head:
    """The last decision of a partition when it was signed."""

    prefix: str
    partition: int
    sequence: int
    seal: str  # hexadecimal
    offset: int
    at: int  # UTC ms: the time of the decision's record
    # By topic, the offset from which on nothing has been accounted for; of the ticks the last one
    # that was cited, which may be cited again.
    positions: dict[str, int]

    @property
    def at_text(self) -> str:
        """Its time, for people."""
        return datetime.fromtimestamp(self.at / 1000, UTC).isoformat(timespec="seconds")


@dataclass(frozen=True, slots=True)
class Anchors:
    """The heads of a file, all signed with one key, and the digest of its last line."""

    heads: tuple[Head, ...] = ()
    last: str = _FIRST

    def newest(self, before: int | None = None) -> dict[int, Head]:
        """Each partition's last head, of those not after an instant (UTC ms)."""
        return {head.partition: head for head in self.heads if before is None or head.at <= before}


def read_anchors(path: Path, key: Ed25519PublicKey, prefix: str) -> Anchors:
    """Every head of a file; raises Stop(ANCHORS_REFUSED) at the first line that is wrong."""
    heads: list[Head] = []
    last = _FIRST
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _refused(path, str(error.strerror)) from error
    lines = content.split(b"\n")
    if lines.pop() != b"":
        raise _refused(path, f"line {len(lines) + 1} is cut off")
    for number, line in enumerate(lines):
        try:
            fields = json.loads(line)
            signature = bytes.fromhex(fields.pop("signature"))
            key.verify(signature, _SIGNED_AS + _canonical(fields))
            is_next = (fields.pop("number"), fields.pop("previous")) == (number, last)
            head = Head(**fields)
        except InvalidSignature as error:
            told = f"line {number + 1} is not signed with this key, or was changed"
            raise _refused(path, told) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise _refused(path, f"line {number + 1} is no signed head") from error
        if not is_next:
            raise _refused(path, f"a line before line {number + 1} is missing, or was put in")
        if head.prefix != prefix:
            told = f"line {number + 1} is of the topics {head.prefix}…, not {prefix}…"
            raise _refused(path, told)
        heads.append(head)
        last = _digest(line)
    return Anchors(tuple(heads), last)


def append_heads(
    path: Path, key: Ed25519PrivateKey, anchors: Anchors, heads: Iterable[Head]
) -> None:
    """Sign heads behind those that the file has."""
    last = anchors.last
    lines = []
    for number, head in enumerate(heads, start=len(anchors.heads)):
        fields = asdict(head) | {"number": number, "previous": last}
        signature = key.sign(_SIGNED_AS + _canonical(fields))
        line = _canonical(fields | {"signature": signature.hex()})
        last = _digest(line)
        lines.append(line + b"\n")
    try:
        with path.open("ab") as file:
            file.write(b"".join(lines))
    except OSError as error:
        raise _refused(path, str(error.strerror)) from error


def load_private_key(path: Path) -> Ed25519PrivateKey:
    """An Ed25519 private key, without a password."""
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _refused(path, "there is no private key in it (PEM, without a password)") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _refused(path, "its key is not an Ed25519 key")
    return key


def load_public_key(path: Path) -> Ed25519PublicKey:
    """An Ed25519 public key."""
    try:
        key = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise _refused(path, "there is no public key in it (PEM)") from error
    if not isinstance(key, Ed25519PublicKey):
        raise _refused(path, "its key is not an Ed25519 key")
    return key


def _canonical(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()


def _digest(line: bytes) -> str:
    return blake2b(line, digest_size=32).hexdigest()


def _refused(path: Path, what: str) -> Stop:
    return Stop(Cause.ANCHORS_REFUSED, f"{path}: {what}.")
