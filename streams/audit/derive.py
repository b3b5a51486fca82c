"""What can be computed from a record alone: partition, identifiers, digests, seals.

Laws: written from the contract, not from the gate; each is a pure function of its arguments.
"""

import hmac
from functools import lru_cache
from hashlib import blake2b

_NO_KEY = b"\xff\xff\xff\xff"
FIRST_SEAL = bytes(32)

# So often a code is drawn before those that are left are looked through.
_DRAWS = 4

_M = 0x5BD1E995
_MASK = 0xFFFFFFFF


def murmur2(key: bytes) -> int:
    """The hash of Kafka's default partitioner."""
    length = len(key)
    h = (0x9747B28C ^ length) & _MASK
    whole = length - length % 4
    for at in range(0, whole, 4):
        k = int.from_bytes(key[at : at + 4], "little") * _M & _MASK
        k = (k ^ (k >> 24)) * _M & _MASK
        h = (h * _M & _MASK) ^ k
    if whole != length:
        h = (h ^ int.from_bytes(key[whole:], "little")) * _M & _MASK
    h = (h ^ (h >> 13)) * _M & _MASK
    return h ^ (h >> 15)


@lru_cache(maxsize=1 << 20)
def partition_of(key: bytes, partitions: int) -> int:
    """The one partition on which a key's records belong."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions


def base_id(msisdn: str, order_id: str) -> str:
    """What every identifier of one order is derived from."""
    return blake2b(f"{msisdn}|{order_id}".encode(), digest_size=16).hexdigest()


def event_base(msisdn: str, letter: str, name: str) -> str:
    """What identifiers are derived from that a reply (r) or a care action (a) leads to."""
    return blake2b(f"{msisdn}|{letter}|{name}".encode(), digest_size=16).hexdigest()


def clock_alarm_id(msisdn: str, complaint_id: str, due_at: int) -> str:
    """The identifier of the alarm that one instant of a complaint's clock raises."""
    text = f"{msisdn}|{complaint_id}|{due_at}"
    return "a-" + blake2b(text.encode(), digest_size=16).hexdigest()


def window_alarm_id(kind: str, partition: int, since: int) -> str:
    """The identifier of the alarm that one window of a partition raises."""
    return "a-" + blake2b(f"{kind}|{partition}|{since}".encode(), digest_size=16).hexdigest()


def alarm_id(topic: str, partition: int, offset: int) -> str:
    """The identifier of the alarm that one input record raises."""
    return "a-" + blake2b(f"{topic}|{partition}|{offset}".encode(), digest_size=16).hexdigest()


def codes_of(key: bytes, msisdn: str, prompt_id: str) -> tuple[str, ...]:
    """The codes that a prompt by text may have, unless all of them were given out before."""
    return tuple(
        str(100 + int.from_bytes(_mac(key, f"{msisdn}|{prompt_id}|{attempt}")[:8], "big") % 900)
        for attempt in range(_DRAWS)
    )


def _mac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")


def digest(salt: bytes, key: bytes | None, value: bytes | None) -> bytes:
    """The salted digest of one record; no value counts as an empty one."""
    head = _NO_KEY if key is None else len(key).to_bytes(4, "big") + key
    return blake2b(head + (value or b""), key=salt, digest_size=16).digest()


def seal(previous: bytes, salt: bytes, unsealed: bytes) -> bytes:
    """The seal over the chain so far and one decision's bytes before its seal."""
    leaf = blake2b(unsealed, key=salt, digest_size=32).digest()
    return blake2b(previous + leaf, digest_size=32).digest()
